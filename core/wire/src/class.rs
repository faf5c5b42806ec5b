//! Classes of bytes that the parsers look for, as bits of one table.

/// May stand in a host name.
pub const HOSTNAME: u8 = 1;
/// Ends a program name.
pub const PROGRAM_END: u8 = 2;
/// `/`
pub const SLASH: u8 = 4;
/// `@`
pub const AT_SIGN: u8 = 8;

/// The classes of a byte.
#[inline]
pub fn of(byte: u8) -> u8 {
    CLASSES[usize::from(byte)]
}

static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut at = 0;
    while at < 256 {
        classes[at] = match at as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => HOSTNAME,
            b':' | b'[' | 0..=31 | 127.. => PROGRAM_END,
            b'/' => SLASH,
            b'@' => AT_SIGN,
            _ => 0,
        };
        at += 1;
    }
    classes
};
