//! A reader of DER, the encoding of certificates: one value after the other, borrowed from the input. It knows no
//! type; `certificate` and `trust` give the values their meaning. Whatever the bytes are, it neither panics nor reads
//! beyond them.

/// A value: its tag, its contents, and both with the length between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    pub tag: u8,
    pub contents: &'a [u8],
    pub whole: &'a [u8],
}

/// The bytes are no DER, or not what was expected of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotDer;

/// Values that follow one another.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next value, whatever it is.
    pub fn any(&mut self) -> Result<Value<'a>, NotDer> {
        let (&tag, after) = self.rest.split_first().ok_or(NotDer)?;
        if tag & HIGH_TAG == HIGH_TAG {
            return Err(NotDer);
        }
        let (&first, after) = after.split_first().ok_or(NotDer)?;
        let (length, after) = match first {
            0..=0x7f => (usize::from(first), after),
            0x81..=0x84 => long_length(usize::from(first & 0x7f), after)?,
            _ => return Err(NotDer),
        };
        let (contents, rest) = after.split_at_checked(length).ok_or(NotDer)?;
        let whole = self.rest.get(..self.rest.len() - rest.len()).ok_or(NotDer)?;
        self.rest = rest;
        Ok(Value { tag, contents, whole })
    }

    /// The next value, which must have this tag.
    pub fn take(&mut self, tag: u8) -> Result<Value<'a>, NotDer> {
        self.any().and_then(|value| if value.tag == tag { Ok(value) } else { Err(NotDer) })
    }

    /// The next value if it has this tag; otherwise nothing is read.
    pub fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, NotDer> {
        if self.rest.first() == Some(&tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// The contents of the next value, which must have this tag, to be read in turn.
    pub fn inside(&mut self, tag: u8) -> Result<Reader<'a>, NotDer> {
        self.take(tag).map(|value| Reader::new(value.contents))
    }

    /// Nothing may be left.
    pub fn end(&self) -> Result<(), NotDer> {
        if self.rest.is_empty() { Ok(()) } else { Err(NotDer) }
    }
}

/// Reads one value that is all there is.
pub fn whole(bytes: &[u8], tag: u8) -> Result<Value<'_>, NotDer> {
    let mut reader = Reader::new(bytes);
    let value = reader.take(tag)?;
    reader.end()?;
    Ok(value)
}

/// An object identifier with dots.
pub fn dotted(oid: &[u8]) -> String {
    let mut text = String::new();
    let mut arc: u64 = 0;
    for byte in oid {
        arc = (arc << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let top = (arc / 40).min(2);
            text = format!("{top}.{}", arc - top * 40);
        } else {
            text.push_str(&format!(".{arc}"));
        }
        arc = 0;
    }
    text
}

/// DER wants the shortest form: no leading zero, and nothing that would have fitted into one octet.
fn long_length(octets: usize, after: &[u8]) -> Result<(usize, &[u8]), NotDer> {
    let (length, rest) = after.split_at_checked(octets).ok_or(NotDer)?;
    let value = length.iter().fold(0_usize, |sum, octet| (sum << 8) | usize::from(*octet));
    if length.first() == Some(&0) || value < 0x80 {
        return Err(NotDer);
    }
    Ok((value, rest))
}

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OID: u8 = 0x06;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
/// `[n]` around a value.
pub const fn context(n: u8) -> u8 {
    0xa0 | n
}
/// `[n]` in place of a simple value's tag.
pub const fn implicit(n: u8) -> u8 {
    0x80 | n
}
const HIGH_TAG: u8 = 0x1f;
