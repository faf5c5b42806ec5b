//! The message that a parser, a modification or a generator is called with, as the engine offers it, and the handle
//! under which a plugin knows it for the length of the call.

use super::raw::{borrow, slice};
use std::ops::Range;
use sysloom_abi::{Bytes, Opaque, form, status};

/// A message that a plugin reads and changes. Properties have the numbers of [`super::Services::find_property`].
pub trait Subject {
    /// A property's value; `None` for a variable that is not there, and for unknown numbers.
    fn get(&mut self, property: i64) -> Option<&[u8]>;
    /// The bytes that are lent as `rawmsg` and as whatever stands in the message: parts of them need not be copied.
    fn text(&self) -> &[u8];
    /// Sets a property: how many bytes of the value were used.
    fn set(&mut self, property: i64, value: Given<'_>) -> Option<usize>;
    /// Takes a variable away.
    fn unset(&mut self, property: i64) -> bool;
}

/// What a property is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// A part of [`Subject::text`].
    Part(Range<usize>),
    Text(&'a [u8]),
    Json(&'a [u8]),
}

impl Given<'_> {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Part(range) => range.len(),
            Self::Text(text) | Self::Json(text) => text.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a handle leads to.
struct Lent<'a> {
    subject: &'a mut dyn Subject,
}

/// Runs a call with a handle for a message.
pub(super) fn lend<R>(subject: &mut dyn Subject, call: impl FnOnce(Opaque) -> R) -> R {
    let mut lent = Lent { subject };
    call((&raw mut lent).cast())
}

/// # Safety
/// `message` is null or a handle whose call has not ended, on its thread; `out` is null or has room for the answer.
pub(super) unsafe fn get(message: Opaque, property: i64, out: *mut Bytes) -> i64 {
    // SAFETY: the caller's promise.
    let (Some(lent), Some(out)) = (unsafe { message.cast::<Lent<'_>>().as_mut() }, unsafe { out.as_mut() })
    else {
        return status::INVALID;
    };
    match lent.subject.get(property) {
        Some(value) => {
            *out = borrow(value);
            status::OK
        }
        None => status::INVALID,
    }
}

/// # Safety
/// As [`get`]; the value is valid during the call.
pub(super) unsafe fn set(message: Opaque, property: i64, how: u32, value: Bytes) -> i64 {
    // SAFETY: the caller's promise.
    let Some(lent) = (unsafe { message.cast::<Lent<'_>>().as_mut() }) else { return status::INVALID };
    let text = lent.subject.text();
    let offset = value.ptr.addr().wrapping_sub(text.as_ptr().addr());
    let inside = !value.ptr.is_null()
        && value.len > 0
        && offset.checked_add(value.len).is_some_and(|end| end <= text.len());
    let given = match how {
        form::TEXT if inside => Given::Part(offset..offset + value.len),
        // SAFETY: the caller's promise; what lies in the message's own text is not made a reference of.
        form::TEXT => Given::Text(unsafe { slice(value.ptr, value.len) }),
        // SAFETY: as above; the text of a message stays where it is while a variable is set.
        form::JSON => Given::Json(unsafe { slice(value.ptr, value.len) }),
        _ => return status::INVALID,
    };
    lent.subject.set(property, given).and_then(|used| i64::try_from(used).ok()).unwrap_or(status::INVALID)
}

/// # Safety
/// As [`get`].
pub(super) unsafe fn unset(message: Opaque, property: i64) -> i64 {
    // SAFETY: the caller's promise.
    let Some(lent) = (unsafe { message.cast::<Lent<'_>>().as_mut() }) else { return status::INVALID };
    if lent.subject.unset(property) { status::OK } else { status::INVALID }
}
