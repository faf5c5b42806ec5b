//! PEM blocks, RFC 7468: labels and bytes, as certificate and key files hold them. Text outside the blocks is skipped.

/// One block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// `CERTIFICATE`, `PRIVATE KEY` ...
    pub label: String,
    pub der: Vec<u8>,
}

/// All blocks of a text, or what is wrong with the first bad one.
pub fn blocks(text: &[u8]) -> Result<Vec<Block>, String> {
    let mut all = Vec::new();
    let mut open: Option<(String, Vec<u8>)> = None;
    for line in lines(text) {
        if let Some(rest) = line.strip_prefix(BEGIN) {
            let label = rest.strip_suffix(DASHES).ok_or_else(|| {
                format!("\"{}\" does not begin a PEM block", String::from_utf8_lossy(line).trim())
            })?;
            open = Some((String::from_utf8_lossy(label).into_owned(), Vec::new()));
        } else if let Some((label, body)) = &mut open {
            match line.strip_prefix(END).and_then(|rest| rest.strip_suffix(DASHES)) {
                Some(end) if end == label.as_bytes() => {
                    let der = base64(body)
                        .ok_or_else(|| "a PEM block holds something that is not base64".to_owned())?;
                    all.push(Block { label: std::mem::take(label), der });
                    open = None;
                }
                _ => body.extend_from_slice(line),
            }
        }
    }
    match open {
        Some(_) => Err("a PEM block has no -----END ...----- line; the file was cut off".to_owned()),
        None => Ok(all),
    }
}

/// The labels of all blocks that begin.
pub fn labels(text: &[u8]) -> Vec<String> {
    lines(text)
        .filter_map(|line| line.strip_prefix(BEGIN)?.strip_suffix(DASHES))
        .map(|label| String::from_utf8_lossy(label).into_owned())
        .collect()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|b| matches!(b, b'\n' | b'\r')).map(<[u8]>::trim_ascii)
}

fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let text = text.trim_ascii_end();
    let padding = text.iter().rev().take_while(|b| **b == b'=').count();
    let digits = text.get(..text.len() - padding)?;
    if padding > 2 || !(digits.len() + padding).is_multiple_of(4) {
        return None;
    }
    let (mut held, mut bits) = (0u32, 0);
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        held = held << 6 | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        blocks(text.as_bytes()).map(|all| all.into_iter().map(|b| (b.label, b.der)).collect())
    }

    #[test]
    fn blocks_between_any_text() {
        let text = "Bag Attributes\n-----BEGIN A-----\nAAEC\n-----END A-----\nmore\r\n-----BEGIN B C-----\r\nAw==\r\n\
                    -----END B C-----\r\n-----BEGIN D-----\n-----END D-----";
        let wanted = [("A", vec![0, 1, 2]), ("B C", vec![3]), ("D", vec![])];
        assert_eq!(of(text).unwrap(), wanted.map(|(label, der)| (label.to_owned(), der)));
        assert_eq!(labels(text.as_bytes()), ["A", "B C", "D"]);
        assert_eq!(of("nothing here").unwrap(), []);
    }

    #[test]
    fn digits_of_every_length() {
        for (text, wanted) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFyKysv", "foobar++/")]
        {
            assert_eq!(base64(text.as_bytes()).unwrap(), wanted.as_bytes(), "{text}");
        }
        for bad in ["Z", "Zg", "Zg=", "Zm9v=", "Zg===", "Z*==", "Zg==Zg=="] {
            assert_eq!(base64(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn damage_has_words() {
        for (text, word) in [
            ("-----BEGIN A-----\nAAEC\n", "cut off"),
            ("-----BEGIN A\nAAEC\n-----END A-----", "does not begin"),
            ("-----BEGIN A-----\n!!!!\n-----END A-----", "base64"),
            ("-----BEGIN A-----\nAAEC\n-----END B-----", "cut off"),
        ] {
            let why = of(text).unwrap_err();
            assert!(why.contains(word), "{why}");
        }
    }
}
