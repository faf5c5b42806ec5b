//! Options from words, as a configuration would set them. Only for tests: the daemon's own rules are stricter.

use crate::{Complaint, ParamSpec, Params, StreamSettings, Values};
use sysloom_abi::{self as abi, origin, param_flag, param_type};

/// Reads a plugin's options from names and words; the elements of a list are separated by `|`.
pub fn settings<P: Params>(pairs: &[(&'static str, &str)]) -> Result<P, Complaint> {
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !P::TABLE.iter().any(|spec| is(spec, name))) {
        return Err(Complaint::new(format!("parameter '{name}' not known")));
    }
    let mut owned = Vec::new();
    for spec in P::TABLE {
        let given = pairs.iter().find(|(name, _)| is(spec, name)).map(|(_, word)| *word);
        let default = known(spec.raw().default).filter(|_| !spec.raw().default.ptr.is_null());
        let (from, word) = match (given, default) {
            (Some(word), _) => (origin::CONFIGURED, word),
            (None, Some(word)) => (origin::DEFAULT, word),
            (None, None) if spec.raw().flags & param_flag::REQUIRED != 0 => {
                return Err(Complaint::new("is required").param(spec.name()));
            }
            (None, None) => (origin::UNSET, ""),
        };
        let number = number(spec, word, from).map_err(|why| Complaint::new(why).param(spec.name()))?;
        let list: Vec<abi::Bytes> = word.split('|').map(|w| crate::host::borrow(w.as_bytes())).collect();
        owned.push((from, word, number, list));
    }
    let values: Vec<abi::Value> = P::TABLE
        .iter()
        .zip(&owned)
        .map(|(spec, (from, word, number, list))| abi::Value {
            origin: *from,
            ty: spec.raw().ty,
            i: *number,
            s: crate::host::borrow(word.as_bytes()),
            list: list.as_ptr(),
            n_list: list.len(),
        })
        .collect();
    // SAFETY: the values, and all that they lead to, outlive the call.
    P::read(&unsafe { Values::from_raw(values.as_ptr(), values.len()) })
}

/// Calls `with` with a driver's settings, as a configuration would set them; the names are those of `input()` and
/// `action()`.
pub fn stream_settings<R>(pairs: &[(&str, &str)], with: impl FnOnce(&StreamSettings<'_>) -> R) -> R {
    if let Some((name, _)) = pairs.iter().find(|(name, _)| !STREAM_PARAMS.contains(name)) {
        panic!("'{name}' is none of {STREAM_PARAMS:?}");
    }
    let values = STREAM_PARAMS.map(|param| {
        let word = pairs.iter().find(|(name, _)| *name == param).map(|(_, word)| *word);
        abi::Value {
            origin: if word.is_some() { origin::CONFIGURED } else { origin::UNSET },
            ty: if param == STREAM_PARAMS[0] { param_type::INT } else { param_type::STRING },
            i: word.and_then(|word| word.parse().ok()).unwrap_or(0),
            s: crate::host::borrow(word.unwrap_or_default().as_bytes()),
            list: std::ptr::null(),
            n_list: 0,
        }
    });
    // SAFETY: the values, and all that they lead to, outlive the call.
    let values = unsafe { Values::from_raw(values.as_ptr(), values.len()) };
    with(&StreamSettings::new(values).expect("words of a test are UTF-8"))
}

/// In the order of `stream_param`.
const STREAM_PARAMS: [&str; abi::stream_param::COUNT] = [
    "streamDriver.mode",
    "streamDriver.authMode",
    "streamDriver.caFile",
    "streamDriver.caExtraFiles",
    "streamDriver.crlFile",
    "streamDriver.certFile",
    "streamDriver.keyFile",
    "gnutlsPriorityString",
    "streamDriver.keyPassFile",
];

fn number(spec: &ParamSpec, word: &str, from: u32) -> Result<i64, String> {
    let raw = spec.raw();
    if from == origin::UNSET {
        return Ok(0);
    }
    let number = match raw.ty {
        param_type::BINARY => match word {
            "on" => 1,
            "off" => 0,
            _ => return Err(format!("'{word}' is neither on nor off")),
        },
        param_type::FILE_MODE => i64::from_str_radix(word, 8).map_err(|e| e.to_string())?,
        param_type::CHAR => word.bytes().next().map_or(0, i64::from),
        param_type::SIZE => size(word)?,
        param_type::FACILITY if word == "kern" => 0,
        param_type::INT | param_type::NON_NEGATIVE | param_type::POSITIVE => {
            word.parse().map_err(|_| format!("'{word}' is no number"))?
        }
        param_type::USER | param_type::GROUP | param_type::SEVERITY | param_type::FACILITY => {
            word.parse().map_err(|_| format!("'{word}' is no number"))?
        }
        _ => {
            let choices = known(raw.choices).unwrap_or_default();
            if !choices.is_empty() && !choices.split('|').any(|choice| choice.eq_ignore_ascii_case(word)) {
                return Err(format!("'{word}' is none of {choices}"));
            }
            return Ok(0);
        }
    };
    let least = match raw.ty {
        param_type::POSITIVE => 1,
        param_type::NON_NEGATIVE | param_type::SIZE => 0,
        _ => i64::MIN,
    };
    let limited = raw.min != 0 || raw.max != 0;
    if number < least || (limited && !(raw.min..=raw.max).contains(&number)) {
        return Err(format!("{number} is out of range"));
    }
    Ok(number)
}

fn size(word: &str) -> Result<i64, String> {
    let (digits, factor) = match word.as_bytes().last() {
        Some(b'k') => (&word[..word.len() - 1], 1 << 10),
        Some(b'm') => (&word[..word.len() - 1], 1 << 20),
        Some(b'g') => (&word[..word.len() - 1], 1 << 30),
        _ => (word, 1),
    };
    digits.parse::<i64>().map(|n| n * factor).map_err(|_| format!("'{word}' is no size"))
}

fn is(spec: &ParamSpec, name: &str) -> bool {
    let aliases = known(spec.raw().aliases).unwrap_or_default();
    spec.name().eq_ignore_ascii_case(name) || aliases.split('|').any(|alias| alias.eq_ignore_ascii_case(name))
}

/// A text of a table.
pub fn known(bytes: abi::Bytes) -> Option<&'static str> {
    // SAFETY: all texts of a `ParamSpec` are `&'static str`s.
    std::str::from_utf8(unsafe { crate::values::slice(bytes.ptr, bytes.len) }).ok()
}
