//! From written text to typed value: the checks of rsyslog's parameter types, with its sentences.

use crate::catalogue::{Param, Type};
use crate::parse::{facility_number, severity_number};
use crate::plan::Value;

/// What was written: one text, or an array.
#[derive(Clone, Debug)]
pub(crate) enum Raw {
    Text(String),
    List(Vec<String>),
}

/// Looks up a user (`true`) or group (`false`) by name.
pub(crate) type Accounts<'a> = &'a mut dyn FnMut(bool, &str) -> Option<u32>;

/// A text in the type of its parameter, without access to users and groups.
#[cfg(test)]
pub(crate) fn convert_text(param: &Param, text: &str) -> Result<Value, String> {
    convert(param, &Raw::Text(text.to_string()), &mut |_, _| None)
}

/// What was written in an object, in the type of its parameter; the error is rsyslog's sentence.
pub(crate) fn convert(param: &Param, raw: &Raw, accounts: Accounts<'_>) -> Result<Value, String> {
    let name = param.name.to_ascii_lowercase();
    let text = match (raw, param.ty) {
        (Raw::List(list), Type::Array) => return list_value(param, list.clone()),
        (Raw::Text(text), Type::Array) => return list_value(param, vec![text.clone()]),
        (Raw::List(list), _) => match list.as_slice() {
            [one] => one.as_str(),
            _ => return Err(format!("parameter '{name}' is not a string, which is not permitted")),
        },
        (Raw::Text(text), _) => text.as_str(),
    };
    let number = || number(text).ok_or_else(|| format!("parameter '{name}' is not a proper number"));
    let value = match param.ty {
        Type::Binary => match text {
            "on" => Value::Bool(true),
            "off" => Value::Bool(false),
            _ => {
                return Err(format!(
                    "parameter '{name}' must be \"on\" or \"off\" but is neither. Results unpredictable."
                ));
            }
        },
        Type::Int => Value::Int(number()?),
        Type::NonNegInt => match number()? {
            n if n < 0 => return Err(format!("parameter '{name}' cannot be less than zero (was {n})")),
            n => Value::Int(n),
        },
        Type::PositiveInt => match number()? {
            n if n < 1 => return Err(format!("parameter '{name}' cannot be less than one (was {n})")),
            n => Value::Int(n),
        },
        Type::Size => {
            Value::Int(size(text).ok_or_else(|| format!("parameter '{name}' does not contain a valid size"))?)
        }
        Type::Word if text.contains(char::is_whitespace) => {
            return Err(format!("parameter '{name}' contains whitespace, which is not permitted"));
        }
        Type::String | Type::Word | Type::Template | Type::Ruleset | Type::Path => {
            Value::Str(text.to_string())
        }
        Type::Char => match text.chars().count() {
            1 => Value::Str(text.to_string()),
            n => {
                return Err(format!(
                    "parameter '{name}' must contain exactly one character but contains {n} - cannot be processed"
                ));
            }
        },
        Type::FileMode => Value::Int(file_mode(text).ok_or_else(|| {
            format!(
                "file modes need to be specified as 4- or 5-digit octal numbers starting with '0' -parameter \
                 '{name}=\"{text}\"' is not a file mode"
            )
        })?),
        Type::Uid => match accounts(true, text) {
            Some(id) => Value::Int(id.into()),
            None => return Err(format!("parameter '{name}': ID for user '{text}' could not be found")),
        },
        Type::Gid => match accounts(false, text) {
            Some(id) => Value::Int(id.into()),
            None => return Err(format!("parameter '{name}': ID for group {text} could not be found")),
        },
        // A range beyond the severities says that a number may mean none of them.
        Type::Severity => {
            match severity_number(text).map(i64::from).or_else(|| number().ok().filter(|n| *n <= param.max)) {
                Some(n) => Value::Int(n),
                None => return Err(format!("parameter '{name}': '{text}' is no severity")),
            }
        }
        Type::Facility => match number().ok().or_else(|| facility_number(text).map(|n| i64::from(n) * 8)) {
            Some(n) => Value::Int(n),
            None => return Err(format!("parameter '{name}': '{text}' is no facility")),
        },
        Type::Array => list_value(param, vec![text.to_string()])?,
    };
    check(param, &name, value)
}

fn list_value(param: &Param, list: Vec<String>) -> Result<Value, String> {
    for item in &list {
        chosen(param, &param.name.to_ascii_lowercase(), item)?;
    }
    Ok(Value::List(list))
}

/// Range and choices.
pub(crate) fn check(param: &Param, name: &str, value: Value) -> Result<Value, String> {
    match &value {
        Value::Int(n) if *n < param.min || *n > param.max => {
            let range = match (param.min, param.max) {
                (min, i64::MAX) => format!("at least {min}"),
                (i64::MIN, max) => format!("at most {max}"),
                (min, max) => format!("from {min} to {max}"),
            };
            Err(format!("parameter '{name}' must be {range} (was {n})"))
        }
        Value::Str(text) => chosen(param, name, text).map(|()| value),
        _ => Ok(value),
    }
}

fn chosen(param: &Param, name: &str, text: &str) -> Result<(), String> {
    if param.choices.is_empty() || param.choices.iter().any(|c| c.eq_ignore_ascii_case(text)) {
        return Ok(());
    }
    Err(format!("parameter '{name}': '{text}' is none of {}", param.choices.join(", ")))
}

/// Decimal, `0x` hexadecimal or `0` octal, with an optional minus.
pub(crate) fn number(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let magnitude = if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        unsigned(hex, 16)?
    } else if digits.len() > 1 && digits.starts_with('0') {
        unsigned(digits, 8)?
    } else {
        unsigned(digits, 10)?
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Digits with one suffix.
pub(crate) fn size(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let power = |base: i64, n: u32| base.checked_pow(n);
    let factor = match text.get(digits.len()..)? {
        "" => 1,
        "k" => power(1024, 1)?,
        "m" => power(1024, 2)?,
        "g" => power(1024, 3)?,
        "t" => power(1024, 4)?,
        "p" => power(1024, 5)?,
        "e" => power(1024, 6)?,
        "K" => power(1000, 1)?,
        "M" => power(1000, 2)?,
        "G" => power(1000, 3)?,
        "T" => power(1000, 4)?,
        "P" => power(1000, 5)?,
        "E" => power(1000, 6)?,
        _ => return None,
    };
    unsigned(digits, 10)?.checked_mul(factor)
}

pub(crate) fn file_mode(text: &str) -> Option<i64> {
    let fits = matches!(text.len(), 4 | 5) && text.starts_with('0');
    fits.then(|| unsigned(text, 8)).flatten()
}

fn unsigned(digits: &str, radix: u32) -> Option<i64> {
    // from_str_radix would accept a sign.
    if !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    i64::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes() {
        for (text, want) in
            [("10", Some(10)), ("-1", Some(-1)), ("0x1f", Some(31)), ("010", Some(8)), ("0", Some(0))]
        {
            assert_eq!(number(text), want);
        }
        for text in ["", "-", "1x", "+1", " 1", "08", "99999999999999999999"] {
            assert_eq!(number(text), None, "{text}");
        }
        for (text, want) in [("1k", 1024), ("1K", 1000), ("2m", 2 << 20), ("3G", 3_000_000_000), ("7", 7)] {
            assert_eq!(size(text), Some(want));
        }
        for text in ["", "k", "1kk", "1 k", "1z", "9e9", "99e"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn every_type_refuses_what_it_must() {
        let value = |ty, text: &str| convert_text(&Param::new("X", ty), text);
        assert_eq!(value(Type::Binary, "on"), Ok(Value::Bool(true)));
        assert!(value(Type::Binary, "ON").is_err() && value(Type::Binary, "yes").is_err());
        assert_eq!(
            value(Type::PositiveInt, "0").unwrap_err(),
            "parameter 'x' cannot be less than one (was 0)"
        );
        assert!(value(Type::NonNegInt, "-1").is_err());
        assert!(value(Type::Word, "a b").is_err());
        assert!(value(Type::Char, "ab").is_err());
        assert_eq!(value(Type::FileMode, "0640"), Ok(Value::Int(0o640)));
        assert!(value(Type::FileMode, "640").is_err() && value(Type::FileMode, "0999").is_err());
        assert_eq!(value(Type::Severity, "err"), Ok(Value::Int(3)));
        assert_eq!(value(Type::Facility, "local0"), Ok(Value::Int(128)));
        assert_eq!(value(Type::Facility, "8"), Ok(Value::Int(8)));
        assert_eq!(value(Type::Array, "a"), Ok(Value::List(vec!["a".into()])));
        let two = Raw::List(vec!["a".into(), "b".into()]);
        assert!(convert(&Param::new("x", Type::String), &two, &mut |_, _| None).is_err());
        let mut ranged = Param::new("x", Type::Int);
        (ranged.min, ranged.max) = (1, 9);
        assert_eq!(convert_text(&ranged, "10").unwrap_err(), "parameter 'x' must be from 1 to 9 (was 10)");
        let mut chosen = Param::new("x", Type::Word);
        chosen.choices = vec!["on".into(), "warn".into()];
        assert!(convert_text(&chosen, "WARN").is_ok() && convert_text(&chosen, "off").is_err());
    }
}
