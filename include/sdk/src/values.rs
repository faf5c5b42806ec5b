//! The values of a plugin's options, in the order of its table, and how fields of a `Params` struct read them.

use crate::{Complaint, ParamType};
use std::path::PathBuf;
use sysloom_abi as abi;
use sysloom_abi::origin;

/// Checked values in table order; an index outside reads as unset.
#[derive(Clone, Copy)]
pub struct Values<'a> {
    raw: &'a [abi::Value],
}

impl<'a> Values<'a> {
    /// # Safety
    /// `ptr` leads to `len` values (or is null with 0), and they and what they lead to live as long as `'a`.
    pub(crate) unsafe fn from_raw(ptr: *const abi::Value, len: usize) -> Self {
        // SAFETY: the caller's promise.
        Self { raw: unsafe { slice(ptr, len) } }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Whether there is a value at all, be it the default.
    pub fn is_set(&self, index: usize) -> bool {
        self.value(index).is_some()
    }

    /// Whether the configuration set it.
    pub fn is_configured(&self, index: usize) -> bool {
        self.value(index).is_some_and(|v| v.origin == origin::CONFIGURED)
    }

    /// A number, mode, id, character, or 0 and 1 for off and on.
    pub fn number(&self, index: usize) -> Option<i64> {
        self.value(index).map(|v| v.i)
    }

    /// A text's bytes.
    pub fn bytes(&self, index: usize) -> Option<&'a [u8]> {
        // SAFETY: texts are borrowed for as long as the values, as `from_raw` was promised.
        self.value(index).map(|v| unsafe { slice(v.s.ptr, v.s.len) })
    }

    /// A text.
    pub fn text(&self, index: usize) -> Result<Option<&'a str>, Complaint> {
        self.bytes(index).map(utf8).transpose()
    }

    /// A list of texts; empty when unset.
    pub fn list(&self, index: usize) -> Result<Vec<&'a str>, Complaint> {
        let Some(value) = self.value(index) else { return Ok(Vec::new()) };
        // SAFETY: as in `bytes`.
        let list = unsafe { slice(value.list, value.n_list) };
        // SAFETY: as in `bytes`.
        list.iter().map(|s| utf8(unsafe { slice(s.ptr, s.len) })).collect()
    }

    fn value(&self, index: usize) -> Option<&'a abi::Value> {
        self.raw.get(index).filter(|v| v.origin != origin::UNSET)
    }
}

/// A type that a field of a `Params` struct may have.
pub trait Field: Sized {
    /// The option's type unless the field's attributes narrow it.
    const TYPE: ParamType;
    /// Smallest and largest number that fits; both 0 = no limit.
    const MIN: i64 = 0;
    const MAX: i64 = 0;
    /// Reads the value at an index; unset is 0, false, empty or `None`.
    fn read(values: &Values<'_>, index: usize) -> Result<Self, Complaint>;
}

impl Field for bool {
    const TYPE: ParamType = ParamType::Binary;
    fn read(values: &Values<'_>, index: usize) -> Result<Self, Complaint> {
        Ok(values.number(index).is_some_and(|n| n != 0))
    }
}

impl Field for char {
    const TYPE: ParamType = ParamType::Char;
    fn read(values: &Values<'_>, index: usize) -> Result<Self, Complaint> {
        let number = values.number(index).unwrap_or(0);
        let byte = u8::try_from(number).map_err(|_| Complaint::new(format!("{number} is no character")))?;
        Ok(char::from(byte))
    }
}

impl Field for String {
    const TYPE: ParamType = ParamType::String;
    fn read(values: &Values<'_>, index: usize) -> Result<Self, Complaint> {
        Ok(values.text(index)?.unwrap_or_default().to_owned())
    }
}

impl Field for PathBuf {
    const TYPE: ParamType = ParamType::Path;
    fn read(values: &Values<'_>, index: usize) -> Result<Self, Complaint> {
        use std::os::unix::ffi::OsStrExt;
        let bytes = values.bytes(index).unwrap_or_default();
        Ok(PathBuf::from(std::ffi::OsStr::from_bytes(bytes)))
    }
}

impl Field for Vec<String> {
    const TYPE: ParamType = ParamType::Array;
    fn read(values: &Values<'_>, index: usize) -> Result<Self, Complaint> {
        Ok(values.list(index)?.into_iter().map(str::to_owned).collect())
    }
}

impl<T: Field> Field for Option<T> {
    const TYPE: ParamType = T::TYPE;
    const MIN: i64 = T::MIN;
    const MAX: i64 = T::MAX;
    fn read(values: &Values<'_>, index: usize) -> Result<Self, Complaint> {
        if !values.is_set(index) {
            return Ok(None);
        }
        T::read(values, index).map(Some)
    }
}

macro_rules! numbers {
    ($($ty:ty, $min:expr, $max:expr;)*) => {$(
        impl Field for $ty {
            const TYPE: ParamType = ParamType::Int;
            const MIN: i64 = $min;
            const MAX: i64 = $max;
            fn read(values: &Values<'_>, index: usize) -> Result<Self, Complaint> {
                let number = values.number(index).unwrap_or(0);
                <$ty>::try_from(number)
                    .map_err(|_| Complaint::new(format!("{number} does not fit {}", stringify!($ty))))
            }
        }
    )*};
}

numbers! {
    u8, 0, u8::MAX as i64;
    u16, 0, u16::MAX as i64;
    u32, 0, u32::MAX as i64;
    u64, 0, i64::MAX;
    usize, 0, i64::MAX;
    i32, i32::MIN as i64, i32::MAX as i64;
    i64, 0, 0;
}

/// The slice of a pair that crossed the ABI; null is the empty one.
///
/// # Safety
/// `ptr` is null, or leads to `len` elements that live as long as `'a`.
pub(crate) unsafe fn slice<'a, T>(ptr: *const T, len: usize) -> &'a [T] {
    if ptr.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(ptr, len) }
}

fn utf8(bytes: &[u8]) -> Result<&str, Complaint> {
    std::str::from_utf8(bytes).map_err(|_| Complaint::new("the text is not UTF-8"))
}
