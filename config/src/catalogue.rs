//! What can be said in a configuration, as plain data: parameters with their types, defaults, ranges and legacy
//! names, and modules as lists of parameters. The engine fills a [`ModuleSpec`] from each plugin's own table; the
//! tables of rsyslog's core objects are declared in this crate in the same words.

pub use crate::tables::*;
use std::ops::BitOr;

/// The type of a parameter's value, named as in rsyslog's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Exactly `on` or `off`.
    Binary,
    Int,
    /// Zero or more.
    NonNegInt,
    /// One or more.
    PositiveInt,
    /// Digits with one suffix k m g t p e (1024) or K M G T P E (1000).
    Size,
    /// Any text.
    String,
    /// Text without blanks.
    Word,
    /// A list of texts; a single text counts as a list of one.
    Array,
    /// One character.
    Char,
    /// Four or five octal digits starting with 0.
    FileMode,
    /// A user's name; the value is the number.
    Uid,
    /// A group's name; the value is the number.
    Gid,
    /// A severity's name or number; the value is 0-7.
    Severity,
    /// A facility's name (the value is its code * 8) or a number taken as it is.
    Facility,
    /// The name of a template that must exist.
    Template,
    /// The name of a ruleset that must exist when the load ends.
    Ruleset,
    /// A file or directory.
    Path,
}

/// What a legacy `$` directive does with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegacyKind {
    /// Sets the module-level value.
    Module,
    /// Waits for the next instance made by legacy syntax, then is forgotten.
    Pending,
    /// Holds for all later instances made by legacy syntax, until changed or `$ResetConfigVariables`.
    Sticky,
    /// Is the parameter's value and creates the instance, together with the pending values.
    Trigger,
    /// Creates an instance from the pending values; takes no value of its own.
    Run,
}

/// A legacy directive that sets a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Legacy {
    /// The directive's name without the dollar sign.
    pub name: String,
    pub kind: LegacyKind,
    /// `$OmitLocalLogging on` means off.
    pub inverted: bool,
    /// May be repeated; each one appends to the list.
    pub list: bool,
}

impl Legacy {
    /// A directive that is neither inverted nor repeatable.
    pub fn new(name: impl Into<String>, kind: LegacyKind) -> Legacy {
        Legacy { name: name.into(), kind, inverted: false, list: false }
    }
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The name as documented; compared without regard to case.
    pub name: String,
    pub aliases: Vec<String>,
    pub ty: Type,
    /// The default in the same text form as in a configuration; none means unset.
    pub default: Option<String>,
    pub required: bool,
    pub min: i64,
    pub max: i64,
    /// The only values allowed (compared without regard to case); empty means any.
    pub choices: Vec<String>,
    /// One sentence for `--explain`.
    pub help: String,
    pub legacy: Vec<Legacy>,
    /// Accepted, but without effect any more: using it is a warning.
    pub obsolete: bool,
    /// Never shown in listings.
    pub secret: bool,
}

impl Param {
    /// A parameter without default, range, aliases or legacy names.
    pub fn new(name: impl Into<String>, ty: Type) -> Param {
        Param {
            name: name.into(),
            aliases: Vec::new(),
            ty,
            default: None,
            required: false,
            min: i64::MIN,
            max: i64::MAX,
            choices: Vec::new(),
            help: String::new(),
            legacy: Vec::new(),
            obsolete: false,
            secret: false,
        }
    }

    /// Whether `name` is this parameter's name or one of its aliases.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.aliases.iter().any(|a| a.eq_ignore_ascii_case(name))
    }
}

/// What a module can be, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Kinds(pub u16);

impl Kinds {
    pub const DRIVER: Kinds = Kinds(1);
    pub const INPUT: Kinds = Kinds(2);
    pub const OUTPUT: Kinds = Kinds(4);
    pub const PARSER: Kinds = Kinds(8);
    /// A message modification module (mm...), used as an action.
    pub const MODIFY: Kinds = Kinds(16);
    pub const STRGEN: Kinds = Kinds(32);
    pub const FUNCTION: Kinds = Kinds(64);
    /// A source of keys or encryption.
    pub const PROVIDER: Kinds = Kinds(128);

    /// Whether all kinds of `other` are in this set.
    pub fn contains(self, other: Kinds) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether `action(type=...)` may name the module.
    pub fn is_action(self) -> bool {
        self.0 & (Kinds::OUTPUT.0 | Kinds::MODIFY.0) != 0
    }
}

impl BitOr for Kinds {
    type Output = Kinds;
    fn bitor(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }
}

/// A RainerScript function that a module brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSpec {
    pub name: String,
    pub min_args: usize,
    pub max_args: usize,
}

/// A module as the configuration sees it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ModuleSpec {
    /// The word used in a configuration, e.g. `imtcp`.
    pub name: String,
    pub kinds: Kinds,
    /// Also answers to `builtin:NAME`, and is called so in action names and messages.
    pub builtin: bool,
    pub module_params: Vec<Param>,
    pub instance_params: Vec<Param>,
    /// The template of an action that names none.
    pub default_template: Option<String>,
    /// The stream parameters belong to its module and instance tables ([`streams`]).
    pub uses_streams: bool,
    /// The start of its legacy stream directives: `InputTCPServer` or `ActionSend`.
    pub stream_legacy: Option<String>,
    /// The word of its legacy action `:word:text`; none means the module's name.
    pub action_word: Option<String>,
    /// The instance parameter that takes the text of such an action; none means that only an empty text is allowed.
    pub action_param: Option<String>,
    /// The name under which a parser module is known without a parser() object, e.g. `rsyslog.lastline`.
    pub parser_name: Option<String>,
    pub functions: Vec<FunctionSpec>,
}
