//! Policy files of rate limits: small mappings in YAML, read as pairs of a dotted key and a text. The engine asks; what
//! the keys mean is its business.

use crate::diagnostic::Diagnostic;
use crate::yaml;

/// The entries of a policy file, nested ones with a dot (`output.mode`, `overrides.0`); or why it is none.
pub fn read(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let entries = yaml::flat(text, &mut diagnostics);
    match diagnostics.pop() {
        Some(wrong) => Err(wrong.message),
        None => Ok(entries),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_keys_get_a_dot_and_a_list_alone_is_refused() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let text = "interval: 5\noutput:\n  mode: pace\n";
        assert_eq!(read(text), Ok(vec![pair("interval", "5"), pair("output.mode", "pace")]));
        assert_eq!(read("a: [1, {b: 2}]\n"), Ok(vec![pair("a.0", "1"), pair("a.1.b", "2")]));
        assert!(read("- 1\n").is_err());
        assert!(read("a: {").is_err());
    }
}
