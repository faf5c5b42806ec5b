//! Templates: how an action's text is made from a message. The order in which a [`Replacer`]'s options work is
//! rsyslog's: field or regex, position, sp-if-no-1st-sp, case, control characters, path, last LF, blanks, format.

use super::PropertyRef;
use crate::source::Span;

/// A named template.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    pub name: String,
    pub kind: TemplateKind,
    pub option: TemplateOption,
    /// Names of variables keep their case.
    pub case_sensitive: bool,
    pub span: Span,
}

/// How the text is made.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplateKind {
    Pieces(Vec<Piece>),
    /// The JSON text of a subtree, without LF; JSON-consuming outputs get the tree itself.
    Subtree(PropertyRef),
    /// A string generator module of this name.
    Plugin(String),
}

/// What is done to the text of all properties; at most one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum TemplateOption {
    #[default]
    None,
    /// A backslash before `'` and `\`.
    Sql,
    /// `'` is doubled.
    StdSql,
    /// A backslash before `"` and `\`.
    Json,
    /// The non-empty pieces joined by `, ` inside `{` `}` LF.
    Jsonf,
    /// As Jsonf, dotted names nest.
    JsonfTree,
}

/// One part of a template's text.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Constant(Constant),
    Property(PropertyRef, Box<Replacer>),
}

/// Literal text.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Constant {
    pub text: Vec<u8>,
    /// `constant(format="jsonf" outname=...)`: render as `"outname":"text"`.
    pub jsonf: bool,
    pub outname: Option<String>,
}

/// What happens to a property's value.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Replacer {
    pub field: Option<FieldPick>,
    pub regex: Option<RegexPick>,
    pub position: Option<Position>,
    /// Beyond the end of the value, pad with blanks to the full width.
    pub fixed_width: bool,
    /// The output is one blank if the value is non-empty and starts with another character, else nothing.
    pub sp_if_no_1st_sp: bool,
    pub case: Case,
    pub control: ControlCharacters,
    pub path: SecurePath,
    pub drop_last_lf: bool,
    pub compress_space: bool,
    pub date: DateFormat,
    pub utc: bool,
    pub format: Format,
    /// The name in JSON; none means the property's own name without `$!` or `$.`.
    pub fieldname: Option<String>,
    pub data_type: DataType,
    pub on_empty: OnEmpty,
    pub omit_if_zero: bool,
    /// JSON-passing outputs keep the field even when empty.
    pub mandatory: bool,
}

/// `F,delimiter,from:n,to`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldPick {
    /// From 1; 0 is never found.
    pub number: u32,
    pub delimiter: u8,
    /// Repeated delimiters count as one (`+`).
    pub join_delimiters: bool,
}

/// `R,...:regex--end`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexPick {
    pub expression: Vec<u8>,
    pub kind: RegexKind,
    pub submatch: u32,
    pub match_number: u32,
    pub no_match: NoMatch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RegexKind {
    #[default]
    Basic,
    Extended,
}

/// What a regex without match gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NoMatch {
    /// `**NO MATCH**`
    #[default]
    Default,
    Blank,
    Zero,
    /// The whole value.
    Field,
}

/// A substring; 1-based and inclusive, bounds in order unless `to` is negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// 0 and 1 both mean the first byte.
    pub from: i64,
    /// None: to the end. Negative -n: leave out the last n bytes.
    pub to: Option<i64>,
    /// Both bounds count from the end.
    pub from_end: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Case {
    #[default]
    Keep,
    Lower,
    Upper,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ControlCharacters {
    #[default]
    Keep,
    /// `#ddd`, decimal.
    Escape,
    /// `#ooo`, octal.
    EscapeOctal,
    /// One blank each.
    Space,
    Drop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SecurePath {
    #[default]
    Keep,
    Drop,
    Replace,
}

/// How a timestamp is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DateFormat {
    #[default]
    Default,
    Rfc3164,
    Rfc3164BuggyDay,
    Rfc3339,
    Mysql,
    Pgsql,
    UnixTimestamp,
    Subseconds,
    Wday,
    WdayName,
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    TzOffsHour,
    TzOffsMin,
    TzOffsDirection,
    Ordinal,
    Week,
    IsoWeek,
    IsoWeekYear,
}

/// The quoting of the final text; one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Plain,
    Csv,
    Json,
    /// `"fieldname":"value"`
    Jsonf,
    /// As Json, but escapes that are there stay.
    Jsonr,
    Jsonfr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DataType {
    #[default]
    String,
    Number,
    Bool,
    Auto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnEmpty {
    #[default]
    Keep,
    Skip,
    Null,
}
