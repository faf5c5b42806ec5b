//! The manifest, the module and the entry of a library.

use super::guard;
use std::mem::{offset_of, size_of};
use sysloom_abi::{self as abi, Host, Iface, Manifest, Module, manifest_flag};

/// A static of an ABI type.
#[repr(transparent)]
pub struct Exported<T>(pub T);

// SAFETY: `module` alone makes these, of tables that never change and functions that may be called from any thread.
unsafe impl<T> Sync for Exported<T> {}

/// The manifest of a library.
pub const fn manifest(name: &str, version: &str, ifaces: &[Iface], flags: u32) -> Manifest {
    let mut kinds = 0;
    let mut i = 0;
    while i < ifaces.len() {
        kinds |= 1 << ifaces[i].kind;
        i += 1;
    }
    let unwinds = if cfg!(panic = "unwind") { manifest_flag::UNWINDS } else { 0 };
    Manifest {
        magic: abi::MANIFEST_MAGIC,
        size: size_of::<Manifest>() as u32,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        min_host_minor: MIN_HOST_MINOR,
        kinds,
        flags: flags | unwinds,
        target: padded(TARGET),
        name: padded(name),
        version: padded(version),
        built_with: padded(env!("SYSLOOM_BUILT_WITH")),
    }
}

/// What the entry hands over.
pub const fn module(ifaces: &'static [Iface], shutdown: Option<unsafe extern "C" fn()>) -> Exported<Module> {
    Exported(Module {
        size: size_of::<Module>() as u32,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        ifaces: ifaces.as_ptr(),
        n_ifaces: ifaces.len(),
        layout: Some(abi::layout()),
        layout_tag: abi::LAYOUT_TAG,
        shutdown,
    })
}

/// The body of every entry: null if the host is too old for this sdk.
///
/// # Safety
/// `host` is null, or a host's table that lives as long as the process.
pub unsafe fn enter(name: &str, host: *const Host, module: &'static Exported<Module>) -> *const Module {
    if host.is_null() {
        return std::ptr::null();
    }
    // SAFETY: every host's table starts with these two fields.
    let (size, minor) = unsafe {
        (host.cast::<u32>().read(), host.byte_add(offset_of!(Host, abi_minor)).cast::<u32>().read())
    };
    if (size as usize) < size_of::<Host>() || minor < u32::from(MIN_HOST_MINOR) {
        return std::ptr::null();
    }
    let _ = name;
    // SAFETY: the table is as large as ours and lives as long as the process.
    guard::catch_panics_for(unsafe { &*host });
    &module.0
}

/// Runs the function that a library wants called before the process ends.
pub fn guard_shutdown(shutdown: fn()) {
    guard::guard(None, (), shutdown);
}

/// The oldest host that this sdk runs on.
const MIN_HOST_MINOR: u16 = 2;

const TARGET: &str = abi::TARGET;

const fn padded<const N: usize>(text: &str) -> [u8; N] {
    let (text, mut out) = (text.as_bytes(), [0; N]);
    let mut i = 0;
    while i < text.len() && i < N - 1 {
        out[i] = text[i];
        i += 1;
    }
    out
}
