//! Options as data: the table that a plugin declares and the values that it gets back, in the same order.

use crate::{Complaint, Values};
use sysloom_abi as abi;
use sysloom_abi::{param_flag, param_type};

/// A plugin's options: usually made by `#[derive(Params)]` on a struct with one field per option.
///
/// ```
/// # use sysloom_sdk::Params;
/// #[derive(Params)]
/// struct Settings {
///     /// Listen port.
///     #[param(name = "port", required, legacy = "InputTCPServerRun:trigger")]
///     port: String,
///     /// Sessions at once.
///     #[param(name = "maxSessions", positive, default = "200", legacy = "InputTCPMaxSessions:module")]
///     max_sessions: u32,
///     #[param(name = "permittedPeer", alias = "peer")]
///     peers: Vec<String>,
///     #[param(name = "keepAlive", default = "off")]
///     keep_alive: bool,
///     #[param(name = "listenPortFileName", path)]
///     port_file: Option<String>,
/// }
/// ```
///
/// Types follow from the field (bool: binary, integers: int, String: string, `Vec<String>`: array, `Option<..>`: not
/// required, no default) and can be narrowed: `word path size positive non_negative char file_mode user group severity
/// facility template ruleset`, `choices = "a|b"`, `min = 1`, `max = 9`, `secret`, `deprecated`, `selector_text`.
/// `legacy` lists directives as sysloom_abi::Param::legacy does. The field's doc comment is the help text. Without
/// `name` the field's own name is used (`max_sessions` is `maxSessions`). A field that is neither required nor an
/// `Option` nor set by anybody is 0, false or empty.
///
/// A word that is no attribute does not compile:
///
/// ```compile_fail
/// # use sysloom_sdk::Params;
/// #[derive(Params)]
/// struct Settings {
///     #[param(nmae = "port")]
///     port: String,
/// }
/// ```
pub trait Params: Sized {
    /// The table, in the order of the values.
    const TABLE: &'static [ParamSpec];
    /// Reads the values; only called with values that the host has checked against the table.
    fn read(values: &Values<'_>) -> Result<Self, Complaint>;
}

/// No options.
impl Params for () {
    const TABLE: &'static [ParamSpec] = &[];
    fn read(_: &Values<'_>) -> Result<Self, Complaint> {
        Ok(())
    }
}

/// One row of a table of options, exactly as it crosses the ABI.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct ParamSpec(abi::Param);

// SAFETY: all pointers in it lead to `&'static str`s, and nothing in it ever changes.
unsafe impl Send for ParamSpec {}
// SAFETY: as above.
unsafe impl Sync for ParamSpec {}

impl ParamSpec {
    /// An option that is not required and has no default, limits or legacy name.
    pub const fn new(name: &'static str, ty: ParamType) -> Self {
        Self(abi::Param {
            size: size_of::<abi::Param>() as u32,
            ty: ty as u32,
            flags: 0,
            reserved: 0,
            name: bytes(name),
            aliases: NONE,
            default: NONE,
            choices: NONE,
            legacy: NONE,
            help: NONE,
            min: 0,
            max: 0,
        })
    }

    /// Other names, joined by `|`.
    pub const fn alias(mut self, names: &'static str) -> Self {
        self.0.aliases = bytes(names);
        self
    }

    /// The default as a configuration would write it.
    pub const fn default(mut self, text: &'static str) -> Self {
        self.0.default = bytes(text);
        self
    }

    /// The only words allowed, joined by `|`.
    pub const fn choices(mut self, words: &'static str) -> Self {
        self.0.choices = bytes(words);
        self
    }

    /// Legacy directives, in the notation of [`abi::Param::legacy`].
    pub const fn legacy(mut self, directives: &'static str) -> Self {
        self.0.legacy = bytes(directives);
        self
    }

    /// One sentence of help.
    pub const fn help(mut self, sentence: &'static str) -> Self {
        self.0.help = bytes(sentence);
        self
    }

    /// Smallest and largest number; both 0 = no limit but the type's.
    pub const fn range(mut self, min: i64, max: i64) -> Self {
        self.0.min = min;
        self.0.max = max;
        self
    }

    /// The configuration must set it.
    pub const fn required(mut self) -> Self {
        self.0.flags |= param_flag::REQUIRED;
        self
    }

    /// Never shown in messages.
    pub const fn secret(mut self) -> Self {
        self.0.flags |= param_flag::SECRET;
        self
    }

    /// Accepted, but using it is a warning.
    pub const fn deprecated(mut self) -> Self {
        self.0.flags |= param_flag::DEPRECATED;
        self
    }

    /// Takes the text after `:module:` in a selector line.
    pub const fn selector_text(mut self) -> Self {
        self.0.flags |= param_flag::SELECTOR_TEXT;
        self
    }

    /// The row as it crosses the ABI.
    #[cfg(feature = "testing")]
    pub(crate) fn raw(&self) -> &abi::Param {
        &self.0
    }

    /// The option's name.
    pub fn name(&self) -> &'static str {
        // SAFETY: `name` was made of a `&'static str` in `new`.
        unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(self.0.name.ptr, self.0.name.len)) }
    }
}

/// The types of options; see [`param_type`] for what a configuration may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ParamType {
    Binary = param_type::BINARY,
    Int = param_type::INT,
    NonNegative = param_type::NON_NEGATIVE,
    Positive = param_type::POSITIVE,
    Size = param_type::SIZE,
    String = param_type::STRING,
    Word = param_type::WORD,
    Array = param_type::ARRAY,
    Char = param_type::CHAR,
    FileMode = param_type::FILE_MODE,
    User = param_type::USER,
    Group = param_type::GROUP,
    Severity = param_type::SEVERITY,
    Facility = param_type::FACILITY,
    Template = param_type::TEMPLATE,
    Ruleset = param_type::RULESET,
    Path = param_type::PATH,
}

const NONE: abi::Bytes = abi::Bytes { ptr: std::ptr::null(), len: 0 };

pub(crate) const fn bytes(text: &'static str) -> abi::Bytes {
    abi::Bytes { ptr: text.as_ptr(), len: text.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(sysloom_derive::Params)]
    struct Settings {
        #[param(default = "on")]
        keep_alive: bool,
        #[param(name = "SIZE", size, alias = "bytes|octets", min = 1)]
        size: u64,
        r#type: Option<u16>,
    }

    #[test]
    fn a_struct_is_a_table() {
        let table = Settings::TABLE;
        assert_eq!(table.iter().map(ParamSpec::name).collect::<Vec<_>>(), ["keepAlive", "SIZE", "type"]);
        assert_eq!(table[1].0.ty, param_type::SIZE);
        assert_eq!((table[1].0.min, table[1].0.max), (1, i64::MAX));
        assert_eq!((table[2].0.ty, table[2].0.max), (param_type::INT, u16::MAX.into()));
        assert_eq!((table[0].0.default.len, table[1].0.default.ptr.is_null()), (2, true));
    }

    #[test]
    fn unset_values_are_empty() {
        // SAFETY: there are no values.
        let values = unsafe { Values::from_raw(std::ptr::null(), 0) };
        let settings = Settings::read(&values).unwrap();
        assert_eq!((settings.keep_alive, settings.size, settings.r#type), (false, 0, None));
    }
}
