//! The sending direction: one message becomes one frame at the end of a send buffer.

/// Appends `msg` as an octet-counted frame: its length in decimal, a blank, the message unchanged.
// RFC 6587 3.4.1 and RFC 5425 4.3: MSG-LEN SP SYSLOG-MSG, MSG-LEN without leading zeros.
pub fn push_octet_counted(out: &mut Vec<u8>, msg: &[u8]) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = msg.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.reserve(digits.len() - at + 1 + msg.len());
    out.extend_from_slice(&digits[at..]);
    out.push(b' ');
    out.extend_from_slice(msg);
}

/// Appends `msg` and the delimiter, which is not doubled if the message already ends with it.
// RFC 6587 3.4.2: the TRAILER is LF unless the operator chose another byte.
pub fn push_lf(out: &mut Vec<u8>, msg: &[u8], delimiter: u8) {
    out.reserve(msg.len() + 1);
    out.extend_from_slice(msg);
    if msg.last() != Some(&delimiter) {
        out.push(delimiter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octet_counts_have_no_leading_zero() {
        for (msg, frame) in [(&b""[..], &b"0 "[..]), (b"a", b"1 a"), (b"0123456789\n", b"11 0123456789\n")] {
            let mut out = b"x".to_vec();
            push_octet_counted(&mut out, msg);
            assert_eq!(out, [b"x", frame].concat());
        }
    }

    #[test]
    fn delimiter_is_not_doubled() {
        for (msg, delimiter, frame) in [
            (&b"a"[..], b'\n', &b"a\n"[..]),
            (b"a\n", b'\n', b"a\n"),
            (b"a\n\n", b'\n', b"a\n\n"),
            (b"a\n", 0, b"a\n\0"),
            (b"", b'\n', b"\n"),
        ] {
            let mut out = Vec::new();
            push_lf(&mut out, msg, delimiter);
            assert_eq!(out, frame);
        }
    }
}
