//! POSIX regular expressions through libc's regcomp: leftmost-longest, with back-references, as rsyslog's users know
//! them. The one place of the engine, besides `plugin`, that calls C.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ops::Range;
use sysloom_config::plan::RegexKind;

/// A compiled expression. Matching takes no lock and may run on several threads at once.
pub struct Regex {
    compiled: Box<libc::regex_t>,
    /// A literal that every match holds.
    required: Option<Vec<u8>>,
}

// SAFETY: glibc's regexec takes the compiled expression as const and guards its own lazily built tables with a lock.
unsafe impl Send for Regex {}
// SAFETY: as above.
unsafe impl Sync for Regex {}

/// The expression does not compile; the text is libc's.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadRegex(pub String);

impl Regex {
    /// Compiles `expression`, with or without regard to case.
    pub fn new(expression: &[u8], kind: RegexKind, ignore_case: bool) -> Result<Self, BadRegex> {
        let text = CString::new(expression).map_err(|_| BadRegex("it holds a NUL".into()))?;
        let mut flags = 0;
        if kind == RegexKind::Extended {
            flags |= libc::REG_EXTENDED;
        }
        if ignore_case {
            flags |= libc::REG_ICASE;
        }
        let mut compiled = Box::new(MaybeUninit::<libc::regex_t>::uninit());
        // SAFETY: regcomp fills `compiled` from a NUL-terminated text.
        let status = unsafe { libc::regcomp(compiled.as_mut_ptr(), text.as_ptr(), flags) };
        if status == 0 {
            // SAFETY: regcomp succeeded, so the value is initialised; it stays at its address in the box.
            let compiled = unsafe { Box::from_raw(Box::into_raw(compiled).cast()) };
            let required = if ignore_case { None } else { super::literal::required(expression, kind) };
            return Ok(Self { compiled, required });
        }
        let mut words = [0u8; 200];
        // SAFETY: the buffer is as long as said; regerror accepts the object of a failed regcomp.
        let len =
            unsafe { libc::regerror(status, compiled.as_ptr(), words.as_mut_ptr().cast(), words.len()) };
        let words = words.get(..len.saturating_sub(1)).unwrap_or(&words);
        Err(BadRegex(String::from_utf8_lossy(words).into_owned()))
    }

    /// A literal without which a value cannot match.
    pub fn required(&self) -> Option<&[u8]> {
        self.required.as_deref()
    }

    /// Whether the expression matches anywhere in `value`.
    pub fn is_match(&self, value: &[u8]) -> bool {
        // glibc's matcher is slow, and most values do not match.
        if let Some(required) = &self.required
            && memchr::memmem::find(value, required).is_none()
        {
            return false;
        }
        self.exec(value, 0, &mut [])
    }

    /// The `n`-th match (from 0) that does not overlap the ones before; its part `submatch` (0 = all of it).
    pub fn find_nth(&self, value: &[u8], n: u32, submatch: u32) -> Option<Range<usize>> {
        self.part_of_nth(value, n, submatch).flatten()
    }

    /// As [`Regex::find_nth`]; the inner result is none if there is a match, but its part took no part in it.
    pub fn part_of_nth(&self, value: &[u8], n: u32, submatch: u32) -> Option<Option<Range<usize>>> {
        let mut parts = [libc::regmatch_t { rm_so: -1, rm_eo: -1 }; MAX_PARTS];
        let mut from = 0;
        for round in 0.. {
            if !self.exec(value, from, &mut parts) {
                return None;
            }
            if round == n {
                break;
            }
            let end = usize::try_from(parts[0].rm_eo).ok()?;
            // An empty match must not be found for ever.
            from = if end > from { end } else { end + 1 };
            if from > value.len() {
                return None;
            }
        }
        let Some(part) = parts.get(submatch as usize) else { return Some(None) };
        let range = usize::try_from(part.rm_so).ok().zip(usize::try_from(part.rm_eo).ok());
        Some(range.map(|(start, end)| start..end))
    }

    /// Matches `value[from..]`; offsets count from the start of `value`.
    fn exec(&self, value: &[u8], from: usize, parts: &mut [libc::regmatch_t]) -> bool {
        // REG_STARTEND takes the range from the first entry, so there must be one.
        let mut range = [libc::regmatch_t { rm_so: 0, rm_eo: 0 }];
        let (slots, count) = if parts.is_empty() { (&mut range[..], 0) } else { (parts, MAX_PARTS) };
        slots[0].rm_so = from as libc::regoff_t;
        slots[0].rm_eo = value.len() as libc::regoff_t;
        let count = count.min(slots.len());
        let begin = if from > 0 { libc::REG_NOTBOL } else { 0 };
        // SAFETY: with REG_STARTEND libc reads only the given range of `value`, and writes at most `count` slots.
        let status = unsafe {
            libc::regexec(
                &*self.compiled,
                value.as_ptr().cast(),
                count,
                slots.as_mut_ptr(),
                REG_STARTEND | begin,
            )
        };
        status == 0
    }
}

impl Drop for Regex {
    fn drop(&mut self) {
        // SAFETY: it was compiled and is freed once.
        unsafe { libc::regfree(&mut *self.compiled) }
    }
}

/// glibc's flag for matching a range instead of a NUL-terminated text.
const REG_STARTEND: libc::c_int = 4;
/// The whole match and 49 parts, as rsyslog's re_extract allows.
const MAX_PARTS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_posix() {
        let re = |text: &str, kind| Regex::new(text.as_bytes(), kind, false).unwrap();
        assert_eq!(re("user|username", RegexKind::Extended).find_nth(b"a username", 0, 0), Some(2..10));
        assert!(re("a|b", RegexKind::Basic).is_match(b"a|b"));
        assert!(!re("a|b", RegexKind::Basic).is_match(b"b"));
        assert!(re(r"\(a\)\1", RegexKind::Basic).is_match(b"xaa"));
        assert_eq!(re("id=([0-9]+)", RegexKind::Extended).find_nth(b"id=1 id=22", 1, 1), Some(8..10));
        assert_eq!(re("x*", RegexKind::Extended).find_nth(b"ab", 5, 0), None);
        assert!(!re("^b", RegexKind::Extended).is_match(b"ab"));
        assert!(Regex::new(b"(", RegexKind::Extended, false).is_err());
    }
}
