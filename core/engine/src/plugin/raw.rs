//! The smallest steps between raw and safe: borrowed bytes, slices, and structs that start with their size.

use std::mem::MaybeUninit;
use sysloom_abi::Bytes;

/// Bytes for the length of a call.
pub(super) fn borrow(bytes: &[u8]) -> Bytes {
    Bytes { ptr: bytes.as_ptr(), len: bytes.len() }
}

/// The slice of a pair that crossed the ABI; null is the empty one.
///
/// # Safety
/// `ptr` is null, or leads to `len` elements that live as long as `'a`.
pub(super) unsafe fn slice<'a, T>(ptr: *const T, len: usize) -> &'a [T] {
    if ptr.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(ptr, len) }
}

/// # Safety
/// The bytes live as long as `'a`.
pub(super) unsafe fn bytes<'a>(bytes: Bytes) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { slice(bytes.ptr, bytes.len) }
}

/// A text of the other side; what is not UTF-8 is replaced.
///
/// # Safety
/// The bytes are valid during the call.
pub(super) unsafe fn text(raw: Bytes) -> String {
    // SAFETY: the caller's promise.
    String::from_utf8_lossy(unsafe { bytes(raw) }).into_owned()
}

/// Reads a struct that starts with its size (u32): what a newer writer appended is left out, what an older one did not
/// have yet is zero. `None` if it is null, misaligned or smaller than `least`.
///
/// # Safety
/// `ptr` is null, or leads to as many bytes as the size says; all-zero fields are valid in a `T`.
pub(super) unsafe fn sized<T: Copy>(ptr: *const T, least: usize) -> Option<T> {
    if ptr.is_null() || !ptr.is_aligned() {
        return None;
    }
    // SAFETY: the caller's promise; the size stands first.
    let size = unsafe { ptr.cast::<u32>().read() } as usize;
    if size < least {
        return None;
    }
    let mut value = MaybeUninit::<T>::zeroed();
    let len = size.min(size_of::<T>());
    // SAFETY: both have at least `len` bytes.
    unsafe { std::ptr::copy_nonoverlapping(ptr.cast::<u8>(), value.as_mut_ptr().cast::<u8>(), len) };
    // SAFETY: `least` covers all fields that must not be zero; the caller's promise for the others.
    Some(unsafe { value.assume_init() })
}
