//! A plugin's complaint on the host's side, and the room that it is written into.

use std::fmt;
use std::mem::MaybeUninit;
use sysloom_abi as abi;

/// What a plugin, or the host on its behalf, could not do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Index of the parameter at fault in the table of the scope at hand.
    pub param: Option<usize>,
    /// rsyslog's error code; 0 = none. In a verdict: the TLS alert's number.
    pub code: i32,
    pub text: String,
}

impl Fault {
    pub fn new(text: impl Into<String>) -> Self {
        Self { param: None, code: 0, text: text.into() }
    }

    /// Adds rsyslog's error code.
    pub fn code(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    /// Writes it where a plugin wants it.
    ///
    /// # Safety
    /// `out` is null, or valid as its fields say.
    pub(super) unsafe fn write(&self, out: *mut abi::Complaint) {
        // SAFETY: the caller's promise.
        let Some(out) = (unsafe { out.as_mut() }) else { return };
        out.param = self.param.and_then(|p| i32::try_from(p).ok()).unwrap_or(-1);
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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

/// What a callee wrote into a complaint.
pub(super) struct Said {
    param: i32,
    code: i32,
    len: u32,
    text: [MaybeUninit<u8>; CAP],
}

impl Said {
    /// The words as a fault, or `otherwise` when there are none. Not called when all went well, so that a call that
    /// succeeds allocates nothing.
    pub(super) fn fault(&self, otherwise: &str) -> Fault {
        let len = self.len.min(CAP as u32) as usize;
        // SAFETY: the callee has written `len` bytes.
        let text = unsafe { std::slice::from_raw_parts(self.text.as_ptr().cast::<u8>(), len) };
        let text = match len {
            0 => otherwise.to_owned(),
            _ => String::from_utf8_lossy(text).into_owned(),
        };
        Fault { param: usize::try_from(self.param).ok(), code: self.code, text }
    }
}

/// Runs a call with room for the callee's words.
pub(super) fn listening<R>(call: impl FnOnce(*mut abi::Complaint) -> R) -> (R, Said) {
    let mut said = Said { param: -1, code: 0, len: 0, text: [MaybeUninit::uninit(); CAP] };
    let text = said.text.as_mut_ptr().cast();
    let mut raw = abi::Complaint { param: -1, code: 0, len: 0, cap: CAP as u32, text };
    let result = call(&mut raw);
    (said.param, said.code, said.len) = (raw.param, raw.code, raw.len);
    (result, said)
}

/// Bytes that a complaint may have.
const CAP: usize = 1024;
