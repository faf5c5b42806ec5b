//! fmpcre: the function pcre_match(), regular expressions as Perl knows them.
#![forbid(unsafe_code)]

use pcre2::bytes::{Regex, RegexBuilder};
use sysloom_sdk::{Answer, Argument, Arguments, Complaint, Function, Host, plugin};

/// `pcre_match(text, pattern)`: 1 if the pattern is found in the text, otherwise 0.
pub struct PcreMatch {
    pattern: Regex,
}

impl Function for PcreMatch {
    const NAME: &'static str = "pcre_match";
    const ARGUMENTS: (u32, u32) = (2, 2);
    type Module = ();

    fn new(_: &(), constants: &Arguments<'_>, _: Host) -> Result<Self, Complaint> {
        if constants.at(1) == Argument::Unknown {
            return Err(Complaint::new("param 2 of pcre_match() must be a constant string"));
        }
        let pattern = constants.text(1);
        let pattern = std::str::from_utf8(&pattern)
            .map_err(|_| Complaint::new("the pattern of pcre_match() is not UTF-8"))?;
        let pattern = RegexBuilder::new()
            .jit_if_available(true)
            .build(pattern)
            .map_err(|why| Complaint::new(format!("the pattern of pcre_match() cannot be used: {why}")))?;
        Ok(Self { pattern })
    }

    fn call(&self, arguments: &Arguments<'_>, answer: &mut Answer<'_>) {
        // An error is a search that went beyond PCRE's limits: a pattern must not stop the messages.
        match self.pattern.is_match(&arguments.text(0)) {
            Ok(found) => answer.number(found.into()),
            Err(_) => answer.script_error(1),
        }
    }
}

plugin! { name: "fmpcre", functions: [PcreMatch] }

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::Argument::{Number, Text, Unknown};
    use sysloom_sdk::testing::{TestHost, call};

    fn found(arguments: &[Argument<'_>]) -> Result<(String, i64), Complaint> {
        call::<PcreMatch>(&TestHost::new(), &(), arguments)
    }

    #[test]
    fn patterns_are_perls() {
        for (text, pattern, expected) in [
            (&b"user 4711 logged in"[..], &br"\buser\s+(\d+)"[..], "1"),
            (b"nobody", br"\buser\s+(\d+)", "0"),
            (b"aa", br"^(a)\1$", "1"),
            (b"foobar", br"foo(?!bar)", "0"),
            (b"FOO", br"(?i)foo", "1"),
            (b"\xff\xfebytes", br"bytes$", "1"),
            (b"", br"^$", "1"),
            (b"", b"x", "0"),
        ] {
            assert_eq!(found(&[Text(text), Text(pattern)]), Ok((expected.into(), 0)), "{pattern:?}");
        }
        assert_eq!(found(&[Number(4711), Text(b"^47")]), Ok(("1".into(), 0)));
    }

    #[test]
    fn a_pattern_that_cannot_be_used_is_refused_where_it_stands() {
        let why = found(&[Unknown, Text(b"a(b")]).unwrap_err();
        assert!(why.text.contains("cannot be used") && why.text.contains("parenthes"), "{}", why.text);
        let why = found(&[Text(b"a"), Unknown]).unwrap_err();
        assert_eq!(why.text, "param 2 of pcre_match() must be a constant string");
        assert!(found(&[Text(b"a"), Text(b"\xff")]).unwrap_err().text.contains("UTF-8"));
    }

    #[test]
    fn a_search_without_end_has_one() {
        let text = "a".repeat(64);
        let never = [Text(text.as_bytes()), Text(br"^(a|aa|a?a)+\d$")];
        assert_eq!(found(&never), Ok(("0".into(), 1)));
    }
}
