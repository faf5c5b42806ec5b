//! Reception rules: what happens to control characters and trailers before any parser sees a message.
//!
//! A message without control characters is only looked at, in a loop that the compiler vectorises; anything else
//! is rewritten into the caller's buffer.

/// The `parser.*` parameters of `global()` that concern bytes, and `maxMessageSize`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SanitizeRules {
    /// Control characters become escapes (`escapeControlCharactersOnReceive`); NUL does in any case.
    pub escape_control: bool,
    /// TAB counts as a control character (`escapeControlCharacterTab`).
    pub escape_tab: bool,
    /// Bytes above 127 become escapes (`escape8BitCharactersOnReceive`).
    pub escape_8bit: bool,
    /// LF becomes a blank instead of an escape (`spaceLFOnReceive`).
    pub space_lf: bool,
    /// One LF at the end is dropped (`dropTrailingLFOnReception`).
    pub drop_trailing_lf: bool,
    /// One CR at the end, or before such an LF, is dropped (`dropTrailingCROnReception`).
    pub drop_trailing_cr: bool,
    /// Escapes are those of C instead of prefix and octal digits (`escapeControlCharactersCStyle`).
    pub c_style: bool,
    /// What precedes three octal digits (`controlCharacterEscapePrefix`).
    pub prefix: u8,
    /// Largest result in bytes (`maxMessageSize`).
    pub max_message: usize,
}

impl Default for SanitizeRules {
    fn default() -> Self {
        Self {
            escape_control: true,
            escape_tab: true,
            escape_8bit: false,
            space_lf: false,
            drop_trailing_lf: true,
            drop_trailing_cr: false,
            c_style: false,
            prefix: b'#',
            max_message: 8096,
        }
    }
}

/// Where the sanitised text of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sanitized {
    /// The first `len` bytes of the raw message, unchanged.
    Unchanged { len: usize },
    /// The last `len` bytes of the buffer given for it.
    Escaped { len: usize },
}

/// Applies `rules` to a received message; rewritten text is appended to `scratch`.
#[inline]
pub fn sanitize(rules: &SanitizeRules, raw: &[u8], scratch: &mut Vec<u8>) -> Sanitized {
    let text = trim(rules, raw);
    if is_clean(text, rules.escape_8bit) {
        return Sanitized::Unchanged { len: text.len().min(rules.max_message) };
    }
    rewrite(rules, text, scratch)
}

/// Drops one NUL, then one LF, then one CR.
fn trim<'a>(rules: &SanitizeRules, raw: &'a [u8]) -> &'a [u8] {
    let text = raw.strip_suffix(b"\0").unwrap_or(raw);
    let text = if rules.drop_trailing_lf { text.strip_suffix(b"\n").unwrap_or(text) } else { text };
    if rules.drop_trailing_cr { text.strip_suffix(b"\r").unwrap_or(text) } else { text }
}

fn is_clean(text: &[u8], escape_8bit: bool) -> bool {
    // Bytes below 32 wrap round to the top, so that one comparison sees both kinds.
    let above = if escape_8bit { 127 - 32 } else { 255 - 32 };
    let mut chunks = text.chunks_exact(64);
    for chunk in &mut chunks {
        let mut found = 0u8;
        for &byte in chunk {
            found |= u8::from(byte.wrapping_sub(32) > above);
        }
        if found != 0 {
            return false;
        }
    }
    chunks.remainder().iter().fold(0u8, |found, &byte| found | u8::from(byte.wrapping_sub(32) > above)) == 0
}

#[cold]
fn rewrite(rules: &SanitizeRules, text: &[u8], scratch: &mut Vec<u8>) -> Sanitized {
    let start = scratch.len();
    // rsyslog: a text that needs escapes ends as soon as one more might not fit.
    let full = rules.max_message.saturating_sub(3);
    if !text.iter().any(|byte| is_altered(rules, *byte)) {
        return Sanitized::Unchanged { len: text.len().min(rules.max_message) };
    }
    let mut rest = text;
    loop {
        let room = full.saturating_sub(scratch.len() - start);
        let run = rest.iter().position(|byte| is_altered(rules, *byte)).unwrap_or(rest.len());
        let (plain, after) = rest.split_at(run.min(room));
        scratch.extend_from_slice(plain);
        let Some((&byte, after)) = after.split_first().filter(|_| run < room) else { break };
        rest = after;
        if byte == b'\n' && rules.space_lf {
            scratch.push(b' ');
        } else {
            push_escape(rules, byte, scratch);
        }
    }
    Sanitized::Escaped { len: scratch.len() - start }
}

fn is_altered(rules: &SanitizeRules, byte: u8) -> bool {
    match byte {
        32..=127 => false,
        0 => true,
        b'\n' => rules.escape_control || rules.space_lf,
        b'\t' => rules.escape_control && rules.escape_tab,
        1..32 => rules.escape_control,
        128.. => rules.escape_8bit,
    }
}

fn push_escape(rules: &SanitizeRules, byte: u8, out: &mut Vec<u8>) {
    if !rules.c_style {
        out.extend_from_slice(&[rules.prefix, b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]);
        return;
    }
    let letter = match byte {
        0 => b'0',
        7 => b'a',
        8 => b'b',
        9 => b't',
        10 => b'n',
        11 => b'v',
        12 => b'f',
        13 => b'r',
        27 => b'e',
        _ => {
            let digit = |value: u8| HEX[usize::from(value & 15)];
            out.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', letter]);
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[u8] = b"a\tb\nc\x07\x08\x1b\x0c\r\x0b\x00\x01\x1f\x7f\x80\xc3\xa4\\#\r\n\0";

    fn clean(rules: &SanitizeRules, raw: &[u8]) -> Vec<u8> {
        let mut scratch = b"before".to_vec();
        match sanitize(rules, raw, &mut scratch) {
            Sanitized::Unchanged { len } => {
                assert_eq!(scratch, b"before");
                raw[..len].to_vec()
            }
            Sanitized::Escaped { len } => {
                assert!(scratch.starts_with(b"before"));
                scratch[6..][..len].to_vec()
            }
        }
    }

    fn default() -> SanitizeRules {
        SanitizeRules::default()
    }

    #[test]
    fn trailers() {
        for (raw, text) in [
            (&b"abc"[..], &b"abc"[..]),
            (b"abc\n", b"abc"),
            (b"abc\0", b"abc"),
            (b"abc\n\0", b"abc"),
            (b"abc\0\n", b"abc#000"),
            (b"abc\n\n", b"abc#012"),
            (b"abc\r\n", b"abc#015"),
            (b"abc\0\0", b"abc#000"),
            (b"\n", b""),
            (b"\0", b""),
            (b"", b""),
        ] {
            assert_eq!(clean(&default(), raw), text, "{raw:?}");
        }
        let keep = SanitizeRules { drop_trailing_lf: false, ..default() };
        assert_eq!(clean(&keep, b"abc\n"), b"abc#012");
        let cr = SanitizeRules { drop_trailing_cr: true, ..default() };
        assert_eq!(clean(&cr, b"abc\r\n\0"), b"abc");
        assert_eq!(clean(&cr, b"abc\r"), b"abc");
    }

    #[test]
    fn escapes() {
        let octal = b"a#011b#012c#007#010#033#014#015#013#000#001#037\x7f\x80\xc3\xa4\\##015";
        assert_eq!(clean(&default(), ALL), octal);
        let tab = SanitizeRules { escape_tab: false, ..default() };
        assert_eq!(clean(&tab, b"a\tb\n\n"), b"a\tb#012");
        assert_eq!(clean(&tab, b"a\tb"), b"a\tb");
        let high = SanitizeRules { escape_8bit: true, ..default() };
        assert_eq!(clean(&high, b"\x7f\x80\xc3\xa4\xff"), b"\x7f#200#303#244#377");
        let c = SanitizeRules { c_style: true, ..high };
        assert_eq!(
            clean(&c, ALL),
            br"a\tb\nc\a\b\e\f\r\v\0\x01\x1F~\x80\xC3\xA4\#\r".map(|b| if b == b'~' { 127 } else { b })
        );
        let prefix = SanitizeRules { prefix: b'\\', ..default() };
        assert_eq!(clean(&prefix, b"a\x1bb"), b"a\\033b");
    }

    #[test]
    fn escaping_off_still_escapes_nul() {
        let off = SanitizeRules { escape_control: false, ..default() };
        assert_eq!(clean(&off, b"a\tb\x01\x1f\x7f\xff\n"), b"a\tb\x01\x1f\x7f\xff");
        assert_eq!(clean(&off, b"a\x01b\0c"), b"a\x01b#000c");
        let space = SanitizeRules { space_lf: true, ..off };
        assert_eq!(clean(&space, b"a\nb\tc\n\n"), b"a b\tc ");
    }

    #[test]
    fn lf_becomes_a_blank_beside_other_escapes() {
        let space = SanitizeRules { space_lf: true, ..default() };
        assert_eq!(clean(&space, b"a\nb\tc\n\n"), b"a b#011c ");
        assert_eq!(clean(&space, b"a\nb"), b"a b");
    }

    #[test]
    fn the_result_is_bounded() {
        let small = SanitizeRules { max_message: 20, ..default() };
        assert_eq!(clean(&small, &[b'x'; 30]), [b'x'; 20]);
        let mut raw = [b'x'; 30];
        raw[0] = 1;
        assert_eq!(clean(&small, &raw), b"#001xxxxxxxxxxxxx");
        assert_eq!(clean(&small, &[1; 30]), b"#001#001#001#001#001");
        // What needs an escape only past the limit.
        assert_eq!(clean(&small, b"0123456789abcdefg\0\0\0\0"), b"0123456789abcdefg");
        let tab = SanitizeRules { escape_tab: false, ..small };
        assert_eq!(clean(&tab, &[b'\t'; 30]), [b'\t'; 20]);
    }

    #[test]
    fn a_control_character_is_seen_at_every_place() {
        for len in 0..200 {
            for at in 0..len {
                let mut raw = vec![b'x'; len];
                raw[at] = 0x1b;
                assert!(!is_clean(&raw, false));
                raw[at] = 0x80;
                assert!(is_clean(&raw, false) && !is_clean(&raw, true));
            }
        }
    }
}
