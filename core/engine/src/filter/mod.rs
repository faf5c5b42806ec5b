//! Filters, compiled once from the Plan: priority masks, property comparisons.

mod posix;

pub use posix::{BadRegex, Regex};

use crate::message::Message;
use memchr::memmem::Finder;
use sysloom_config::plan::{Comparison, PriorityMask, PropertyRef, RegexKind};

/// A condition ready to run.
pub enum Filter {
    /// One mask of severities for each facility.
    Priority(PriorityMask),
    /// One property against one value.
    Property { property: PropertyRef, negate: bool, test: Test },
}

/// How a property filter compares.
pub enum Test {
    Contains(Box<Finder<'static>>),
    IsEqual(Box<[u8]>),
    StartsWith(Box<[u8]>),
    EndsWith(Box<[u8]>),
    IsEmpty,
    Regex(Regex),
}

impl Filter {
    /// Compiles a property filter.
    pub fn property(
        property: &PropertyRef,
        negate: bool,
        op: Comparison,
        value: &[u8],
    ) -> Result<Self, BadRegex> {
        let test = match op {
            Comparison::Contains => Test::Contains(Box::new(Finder::new(value).into_owned())),
            Comparison::IsEqual => Test::IsEqual(value.into()),
            Comparison::StartsWith => Test::StartsWith(value.into()),
            Comparison::EndsWith => Test::EndsWith(value.into()),
            Comparison::IsEmpty => Test::IsEmpty,
            Comparison::Regex => Test::Regex(Regex::new(value, RegexKind::Basic, false)?),
            Comparison::EreRegex => Test::Regex(Regex::new(value, RegexKind::Extended, false)?),
        };
        Ok(Self::Property { property: property.clone(), negate, test })
    }

    /// Whether a message passes.
    pub fn passes(&self, message: &Message<'_>, scratch: &mut Vec<u8>) -> bool {
        match self {
            Self::Priority(mask) => mask.matches(message.facility(), message.severity()),
            Self::Property { property, negate, test } => {
                test.holds(message.value(property, scratch)) != *negate
            }
        }
    }
}

impl Test {
    fn holds(&self, value: &[u8]) -> bool {
        match self {
            Self::Contains(finder) => finder.find(value).is_some(),
            Self::IsEqual(text) => value == &**text,
            Self::StartsWith(text) => value.starts_with(text),
            Self::EndsWith(text) => value.ends_with(text),
            Self::IsEmpty => value.is_empty(),
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}
