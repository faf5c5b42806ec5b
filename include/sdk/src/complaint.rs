//! What went wrong, in words that end up in one line of the log or at the parameter at fault.

use crate::ParamSpec;
use std::fmt::{self, Display};
use std::io;
use std::mem::MaybeUninit;
use sysloom_abi as abi;

/// What went wrong, in words that end up in one line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaint {
    /// The parameter at fault, by its name.
    pub param: Option<&'static str>,
    /// rsyslog's error code; 0 = none.
    pub code: i32,
    pub text: String,
}

impl Complaint {
    /// A complaint about no parameter in particular.
    pub fn new(text: impl Into<String>) -> Self {
        Self { param: None, code: 0, text: text.into() }
    }

    /// A failed call of the system: `cannot open '/x'` becomes `cannot open '/x': Permission denied`.
    pub fn io(what: impl Display, error: &io::Error) -> Self {
        Self::new(format!("{what}: {}", words(error)))
    }

    /// Puts the blame on a parameter. The one who knew first wins.
    pub fn param(mut self, name: &'static str) -> Self {
        self.param = self.param.or(Some(name));
        self
    }

    /// Adds rsyslog's error code (a TLS alert's number in verdicts).
    pub fn code(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    /// Fills the other side's complaint; what does not fit its buffer is cut off at a character.
    ///
    /// # Safety
    /// `out` is null, or valid as its fields say.
    pub(crate) unsafe fn write(&self, table: &[ParamSpec], out: *mut abi::Complaint) {
        // SAFETY: the caller's promise.
        let Some(out) = (unsafe { out.as_mut() }) else { return };
        let index = self.param.and_then(|p| table.iter().position(|s| s.name().eq_ignore_ascii_case(p)));
        out.param = index.and_then(|i| i32::try_from(i).ok()).unwrap_or(-1);
        out.code = self.code;
        let mut len = self.text.len().min(out.cap as usize);
        while !self.text.is_char_boundary(len) {
            len -= 1;
        }
        if !out.text.is_null() {
            // SAFETY: the buffer holds `cap` bytes, and `len` is not above that.
            unsafe { std::ptr::copy_nonoverlapping(self.text.as_ptr(), out.text, len) };
            out.len = len as u32;
        }
    }
}

impl Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(param) = self.param {
            write!(f, "parameter '{param}': ")?;
        }
        f.write_str(&self.text)
    }
}

impl std::error::Error for Complaint {}

impl From<io::Error> for Complaint {
    fn from(error: io::Error) -> Self {
        Self::new(words(&error))
    }
}

impl From<String> for Complaint {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Complaint {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// The system's words, without Rust's ` (os error 13)`.
fn words(error: &io::Error) -> String {
    let mut text = error.to_string();
    if error.raw_os_error().is_some()
        && let Some(end) = text.rfind(" (os error ")
    {
        text.truncate(end);
    }
    text
}

/// Room for the host's words in a call of ours. The text is made only when a call has failed.
pub(crate) struct Words {
    buffer: [MaybeUninit<u8>; 1024],
}

impl Words {
    pub(crate) fn new() -> Self {
        Self { buffer: [MaybeUninit::uninit(); 1024] }
    }

    /// Runs a host call with this room; gives its result, and the host's words if that is negative.
    pub(crate) fn collect(
        &mut self,
        table: &'static [ParamSpec],
        call: impl FnOnce(*mut abi::Complaint) -> i64,
    ) -> (i64, Complaint) {
        let cap = self.buffer.len() as u32;
        let text = self.buffer.as_mut_ptr().cast();
        let mut raw = abi::Complaint { param: -1, code: 0, len: 0, cap, text };
        let result = call(&mut raw);
        if result >= 0 {
            return (result, Complaint::default());
        }
        // SAFETY: the callee has written `len` bytes of the buffer, and never more than `cap`.
        let text = unsafe { std::slice::from_raw_parts(text, raw.len.min(cap) as usize) };
        let text = String::from_utf8_lossy(text).into_owned();
        let param = usize::try_from(raw.param).ok().and_then(|i| table.get(i)).map(ParamSpec::name);
        (result, Complaint { param, code: raw.code, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, cap: u32) -> (String, i32) {
        let mut buffer = [0_u8; 64];
        let mut raw = abi::Complaint { param: 7, code: 0, len: 0, cap, text: buffer.as_mut_ptr() };
        let complaint = Complaint::new(text).param("none").code(2077);
        // SAFETY: the buffer holds more than `cap` bytes.
        unsafe { complaint.write(&[], &mut raw) };
        assert_eq!(raw.param, -1);
        (String::from_utf8(buffer[..raw.len as usize].to_vec()).unwrap(), raw.code)
    }

    #[test]
    fn long_words_are_cut_at_a_character() {
        assert_eq!(written("abc", 64), ("abc".to_owned(), 2077));
        assert_eq!(written("aé", 2).0, "a");
        assert_eq!(written("é", 0).0, "");
    }

    #[test]
    fn the_systems_words() {
        let denied = io::Error::from_raw_os_error(13);
        assert_eq!(Complaint::io("cannot open /x", &denied).text, "cannot open /x: Permission denied");
        assert_eq!(Complaint::from(io::Error::other("odd (os error 1)")).text, "odd (os error 1)");
    }

    #[test]
    fn the_first_parameter_blamed_stays() {
        let complaint = Complaint::new("bad").param("port").param("address");
        assert_eq!(complaint.to_string(), "parameter 'port': bad");
    }
}
