//! What an expression comes to: a number, a text or a JSON value, and rsyslog's rules of turning one into another.

use super::json::Json;
use std::borrow::Cow;
use std::cmp::Ordering;

/// A value while it is being worked on. JSON strings and JSON null are texts here.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Number(i64),
    Text(Cow<'a, [u8]>),
    Json(Json),
}

impl<'a> Value<'a> {
    /// The text.
    pub fn text(text: impl Into<Cow<'a, [u8]>>) -> Self {
        Self::Text(text.into())
    }

    /// From a JSON value, which is copied.
    pub fn from_json(json: Option<&Json>) -> Self {
        match json {
            None | Some(Json::Null) => Self::text(&[][..]),
            Some(Json::Text(text)) => Self::text(text.clone()),
            Some(other) => Self::Json(other.copy()),
        }
    }

    /// As JSON, for a variable.
    pub fn into_json(self) -> Json {
        match self {
            Self::Number(n) => Json::Int(n),
            Self::Text(text) => Json::Text(text.into_owned()),
            Self::Json(json) => json,
        }
    }

    /// The number, and whether all of the value is one.
    pub fn number(&self) -> (i64, bool) {
        match self {
            Self::Number(n) => (*n, true),
            Self::Text(text) => number(text),
            Self::Json(Json::Int(n)) => (*n, true),
            Self::Json(Json::Bool(b)) => (i64::from(*b), true),
            Self::Json(Json::Double(n, _)) => (*n as i64, true),
            Self::Json(_) => (0, true),
        }
    }

    /// Whether a condition holds.
    pub fn is_true(&self) -> bool {
        self.number().0 != 0
    }

    /// The text that it shows.
    pub fn shown(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(_) => Cow::Owned(self.with_text(<[u8]>::to_vec)),
            Self::Json(json) => {
                let mut out = Vec::new();
                json.write_value(&mut out);
                Cow::Owned(out)
            }
        }
    }

    /// Calls `work` with the text that it shows; for texts and numbers nothing is allocated.
    pub fn with_text<R>(&self, work: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Text(text) => work(text),
            Self::Json(_) => work(&self.shown()),
            Self::Number(n) => {
                let mut digits = [0; 20];
                let mut at = digits.len();
                let mut rest = n.unsigned_abs();
                loop {
                    at -= 1;
                    digits[at] = b'0' + (rest % 10) as u8;
                    rest /= 10;
                    if rest == 0 {
                        break;
                    }
                }
                // 19 digits at most, so there is room for the sign.
                if *n < 0 {
                    at -= 1;
                    digits[at] = b'-';
                }
                work(&digits[at..])
            }
        }
    }

    /// The text that it shows, kept.
    pub fn into_shown(self) -> Cow<'a, [u8]> {
        match self {
            Self::Text(text) => text,
            other => Cow::Owned(other.shown().into_owned()),
        }
    }

    /// `==`
    pub fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Text(a), Value::Text(b)) => a == b,
            // rsyslog: JSON beside a text is compared as text, even if it is a number.
            (Self::Json(_), Value::Text(b)) => self.with_text(|a| a == &**b),
            (Self::Number(n), Value::Text(b)) => match number(b) {
                (m, true) => *n == m,
                _ => self.with_text(|a| a == &**b),
            },
            (Self::Text(a), _) => match number(a) {
                (n, true) => n == other.number().0,
                _ => other.with_text(|b| &**a == b),
            },
            _ => self.number().0 == other.number().0,
        }
    }

    /// `<` and its like: numbers if both are, else texts.
    pub fn order(&self, other: &Value<'_>) -> Ordering {
        match (self.number(), other.number()) {
            ((a, true), (b, true)) => a.cmp(&b),
            _ => self.with_text(|a| other.with_text(|b| a.cmp(b))),
        }
    }
}

/// The number at the head of a text, and whether it is all of it. The empty text is 0.
pub fn number(text: &[u8]) -> (i64, bool) {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, text),
    };
    let len = digits.iter().position(|b| !b.is_ascii_digit()).unwrap_or(digits.len());
    // rsyslog: what is too large wraps.
    let n = digits.iter().take(len).fold(0i64, |n, d| n.wrapping_mul(10).wrapping_add(i64::from(d - b'0')));
    (if negative { n.wrapping_neg() } else { n }, len == digits.len())
}
