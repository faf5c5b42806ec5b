//! The three kinds of filter that may stand before statements.

use super::{Expr, PropertyRef};

/// One bit mask of severities (bit n = severity n) per facility; the 25th is for messages with an invalid PRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PriorityMask(pub [u8; 25]);

impl PriorityMask {
    /// Whether a facility (0-24) and severity (0-7) pass.
    pub fn matches(&self, facility: u8, severity: u8) -> bool {
        self.0.get(usize::from(facility)).is_some_and(|mask| mask & (1 << (severity & 7)) != 0)
    }
}

/// How a property filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    Contains,
    IsEqual,
    StartsWith,
    EndsWith,
    IsEmpty,
    /// POSIX basic regular expression.
    Regex,
    /// POSIX extended regular expression.
    EreRegex,
}

/// A condition.
#[derive(Clone, Debug)]
pub enum Filter {
    /// `mail.*;auth.none`
    Priority(PriorityMask),
    /// `:property, [!]op, "value"`
    Property { property: PropertyRef, negate: bool, op: Comparison, value: Vec<u8> },
    /// `if ... then`
    Expr(Expr),
}

impl Filter {
    /// Whether it lets everything pass, as `*.*` does.
    pub fn is_always(&self) -> bool {
        matches!(self, Self::Priority(mask) if mask.0 == [0xff; 25])
    }
}
