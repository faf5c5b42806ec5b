//! Expressions of RainerScript, with every name resolved.

use super::{PriorityMask, PropertyRef, TemplateId};
use crate::source::Span;

/// An expression and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number(i64),
    Text(Vec<u8>),
    /// Only meaningful on the right of a comparison; anywhere else it counts as its first element.
    Array(Vec<Vec<u8>>),
    Property(PropertyRef),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Call(Function, Vec<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    Not,
    Negate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Contains,
    ContainsI,
    StartsWith,
    StartsWithI,
    EndsWith,
    Add,
    Subtract,
    /// `&`
    Concat,
    Multiply,
    Divide,
    Modulo,
}

/// What is called. Functions whose first argument must be known at load have it here instead of among the arguments.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    Core(CoreFunction),
    /// `prifilt("sel")`, no arguments left.
    Prifilt(PriorityMask),
    /// `lookup("t", key)`; none: the table is missing, the result is `TABLE-NOT-FOUND`.
    Lookup(Option<usize>),
    /// `dyn_inc("bucket", key)`; none: the bucket is missing, the result is -1.
    DynInc(Option<usize>),
    /// `percentile_observe("bucket", key, n)`.
    PercentileObserve(Option<usize>),
    /// `exec_template("t")`, no arguments left.
    ExecTemplate(TemplateId),
    /// A function of a module: its place in `Plan::modules` and the name.
    Module(usize, String),
    /// An unknown name or a wrong number of arguments, already reported: the value is 0.
    Zero,
}

macro_rules! functions {
    ($($variant:ident $name:literal $min:literal..=$max:literal;)*) => {
        /// Functions of the language itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum CoreFunction { $($variant,)* }

        impl CoreFunction {
            /// The name in a configuration.
            pub fn name(self) -> &'static str {
                match self { $(CoreFunction::$variant => $name,)* }
            }

            /// The function with this name; names are case-sensitive.
            pub fn find(name: &str) -> Option<CoreFunction> {
                FUNCTIONS.iter().find(|f| f.name() == name).copied()
            }

            /// The least and greatest number of arguments.
            pub fn arity(self) -> (usize, usize) {
                match self { $(CoreFunction::$variant => ($min, $max),)* }
            }
        }

        /// All functions of the language.
        pub(crate) const FUNCTIONS: &[CoreFunction] = &[$(CoreFunction::$variant,)*];
    };
}

functions! {
    Strlen "strlen" 1..=1;
    Tolower "tolower" 1..=1;
    Toupper "toupper" 1..=1;
    Ltrim "ltrim" 1..=1;
    Rtrim "rtrim" 1..=1;
    Cstr "cstr" 1..=1;
    Cnum "cnum" 1..=1;
    Cbool "cbool" 1..=1;
    Getenv "getenv" 1..=1;
    Substring "substring" 3..=3;
    Field "field" 3..=3;
    Replace "replace" 3..=3;
    Wrap "wrap" 2..=3;
    ReMatch "re_match" 2..=2;
    ReMatchI "re_match_i" 2..=2;
    ReExtract "re_extract" 5..=5;
    ReExtractI "re_extract_i" 5..=5;
    Split "split" 2..=2;
    Random "random" 1..=1;
    Int2hex "int2hex" 1..=1;
    Num2ipv4 "num2ipv4" 1..=1;
    Ip42num "ip42num" 1..=1;
    Ipv42num "ipv42num" 1..=1;
    IsInSubnet "is_in_subnet" 2..=2;
    Prifilt "prifilt" 1..=1;
    Lookup "lookup" 2..=2;
    DynInc "dyn_inc" 2..=2;
    PercentileObserve "percentile_observe" 3..=3;
    ExecTemplate "exec_template" 1..=1;
    FormatTime "format_time" 2..=2;
    ParseTime "parse_time" 1..=1;
    ParseTimeLocaltz "parse_time_localtz" 1..=1;
    IsTime "is_time" 1..=2;
    ParseJson "parse_json" 2..=2;
    GetProperty "get_property" 2..=2;
    AppendJson "append_json" 2..=3;
    Exists "exists" 1..=1;
    ScriptError "script_error" 0..=0;
    PreviousActionSuspended "previous_action_suspended" 0..=0;
    B64Decode "b64_decode" 1..=1;
    Tocef "tocef" 8..=8;
    CefExtEscape "cef_ext_escape" 1..=1;
}
