//! Filters: tests of one property against constants, compiled once from the Plan.
//!
//! Literals that several tests look for in the same property are searched together: one pass over the value tells
//! which of them occur, when the first test asks. A regular expression runs only if a literal that it cannot do
//! without is there.

mod literal;
mod needles;
mod posix;

pub use needles::{Gatherer, Needle, Seen};
pub use posix::{BadRegex, Regex};

use crate::message::Message;
use crate::script::expr::{any, operate};
use crate::script::{Run, Value};
use memchr::memmem::Finder;
use sysloom_config::plan::{BinaryOp, Comparison, Property, RegexKind};

/// One property against constants.
pub struct Test {
    kind: Kind,
    /// Unless this literal is in the value, the test fails without a look at it.
    needle: Option<Needle>,
}

/// How it compares.
pub enum Kind {
    Contains(Box<Finder<'static>>),
    IsEqual(Box<[u8]>),
    /// Sorted.
    OneOf(Box<[Box<[u8]>]>),
    StartsWith(Box<[u8]>),
    EndsWith(Box<[u8]>),
    IsEmpty,
    Regex(Regex),
    /// Any comparison of expressions with a number or a text.
    Compare(BinaryOp, Constant),
}

/// A constant on the right of a comparison.
pub enum Constant {
    Number(i64),
    Text(Box<[u8]>),
    Array(Box<[Box<[u8]>]>),
}

impl Test {
    pub fn new(kind: Kind) -> Self {
        Self { kind, needle: None }
    }

    /// The test of a property filter.
    pub fn property(op: Comparison, value: &[u8]) -> Result<Self, BadRegex> {
        let kind = match op {
            Comparison::Contains => Kind::contains(value),
            Comparison::IsEqual => Kind::IsEqual(value.into()),
            Comparison::StartsWith => Kind::StartsWith(value.into()),
            Comparison::EndsWith => Kind::EndsWith(value.into()),
            Comparison::IsEmpty => Kind::IsEmpty,
            Comparison::Regex => Kind::Regex(Regex::new(value, RegexKind::Basic, false)?),
            Comparison::EreRegex => Kind::Regex(Regex::new(value, RegexKind::Extended, false)?),
        };
        Ok(Self::new(kind))
    }

    /// Joins the search for the test's literal, if it has one, with those of other tests of this property.
    pub fn gather(mut self, property: Property, gatherer: &mut Gatherer) -> Self {
        let literal = match &self.kind {
            Kind::Contains(finder) => Some(finder.needle()),
            Kind::Regex(regex) => regex.required(),
            _ => None,
        };
        self.needle = literal.and_then(|literal| gatherer.add(property, literal));
        self
    }

    /// Whether a message's property passes.
    pub fn passes(&self, property: Property, message: &Message<'_>, run: &mut Run) -> bool {
        if let Some(found) = self.needle.as_ref().and_then(|n| n.is_seen(property, message, run))
            && (!found || matches!(self.kind, Kind::Contains(_)))
        {
            return found;
        }
        match message.plain(property) {
            Some(value) => self.holds(value),
            None => self.holds(message.named(property, &mut run.scratch)),
        }
    }

    /// Whether a value passes.
    pub fn holds(&self, value: &[u8]) -> bool {
        match &self.kind {
            Kind::Contains(finder) => finder.find(value).is_some(),
            Kind::IsEqual(text) => value == &**text,
            Kind::OneOf(texts) => texts.binary_search_by(|text| (**text).cmp(value)).is_ok(),
            Kind::StartsWith(text) => value.starts_with(text),
            Kind::EndsWith(text) => value.ends_with(text),
            Kind::IsEmpty => value.is_empty(),
            Kind::Regex(regex) => regex.is_match(value),
            Kind::Compare(op, Constant::Array(items)) => any(*op, &Value::text(value), items),
            Kind::Compare(op, Constant::Number(n)) => {
                operate(*op, Value::text(value), &Value::Number(*n)).is_true()
            }
            Kind::Compare(op, Constant::Text(text)) => {
                operate(*op, Value::text(value), &Value::text(&**text)).is_true()
            }
        }
    }
}

impl Kind {
    pub fn contains(text: &[u8]) -> Self {
        Self::Contains(Box::new(Finder::new(text).into_owned()))
    }

    /// Equal to any of these.
    pub fn one_of(texts: &[Box<[u8]>]) -> Self {
        let mut texts = texts.to_vec();
        texts.sort();
        Self::OneOf(texts.into())
    }
}
