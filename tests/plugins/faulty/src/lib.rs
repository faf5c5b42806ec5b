//! Drivers that do one thing wrong, for tests of the conformance kit: each is a real driver with a fault in front of it.
//!
//! The library looks at its own file's name: `no-half-close.so` has the fault `no-half-close`, and the driver behind it
//! is the file `inner.so` beside it. So a test copies one library under as many names as there are faults.

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::collections::HashMap;
use std::ffi::{CStr, OsStr};
use std::mem::ManuallyDrop;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;
use sysloom_abi::{self as abi, DriverVt, Host, Manifest, Module};

/// The driver behind the fault.
pub static INNER: OnceLock<DriverVt> = OnceLock::new();
static FAULT: OnceLock<String> = OnceLock::new();
static SESSIONS: Mutex<Option<HashMap<usize, Note>>> = Mutex::new(None);

/// What is noted of a session.
pub struct Note {
    pub fd: i32,
    pub written: usize,
    pub thread: Option<ThreadId>,
}

/// The functions of the driver behind the fault.
pub fn inner() -> &'static DriverVt {
    INNER.get().expect("the entry has loaded it")
}

/// Whether this library has that fault.
pub fn has(fault: &str) -> bool {
    FAULT.get().is_some_and(|own| own == fault)
}

/// Sessions by their address.
pub fn sessions() -> MutexGuard<'static, Option<HashMap<usize, Note>>> {
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Looks at or changes what is noted of a session.
pub fn note<R>(session: abi::Opaque, change: impl FnOnce(&mut Note) -> R) -> R {
    let mut sessions = sessions();
    let fresh = || Note { fd: -1, written: 0, thread: None };
    change(sessions.get_or_insert_default().entry(session as usize).or_insert_with(fresh))
}

/// Loads the driver behind the fault, whose own name is `name`.
pub fn enter(host: *const Host, name: &str) {
    let own = own_file();
    let stem = own.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let _ = FAULT.set(stem);
    let path = own.with_file_name("inner.so");
    // SAFETY: a driver of this tree.
    let library =
        unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.expect("a driver beside this one");
    let library = ManuallyDrop::new(library);
    // SAFETY: the symbol's name is reserved for functions of this type.
    let entry = unsafe { library.get::<abi::Entry>(format!("{}{name}\0", abi::ENTRY_PREFIX).as_bytes()) };
    // SAFETY: the host's table lives as long as the process, and so does what the entry hands over.
    let vt = unsafe {
        let module: *const Module = entry.expect("an entry")(host);
        *(*(*module).ifaces).vt.cast::<DriverVt>()
    };
    let _ = INNER.set(vt);
}

/// The file that this code was loaded from.
fn own_file() -> PathBuf {
    // SAFETY: all-zero is a valid value of it.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    let here = own_file as *const () as *const libc::c_void;
    // SAFETY: `info` is ours; the name that it gets lives as long as the library.
    let name = unsafe {
        assert_ne!(libc::dladdr(here, &raw mut info), 0, "the linker knows this code");
        CStr::from_ptr(info.dli_fname)
    };
    Path::new(OsStr::from_bytes(name.to_bytes())).to_owned()
}

/// The manifest of a faulty driver.
pub const fn manifest(name: &str, flags: u32) -> Manifest {
    Manifest {
        magic: abi::MANIFEST_MAGIC,
        size: size_of::<Manifest>() as u32,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        min_host_minor: 0,
        kinds: 1 << abi::kind::DRIVER,
        flags,
        target: padded(abi::TARGET),
        name: padded(name),
        version: padded("0"),
        built_with: padded("rustc"),
    }
}

const fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    let mut i = 0;
    while i < text.len() {
        out[i] = text.as_bytes()[i];
        i += 1;
    }
    out
}

/// What an entry hands over for one driver. Lives as long as the process.
pub fn module(name: &'static str, vt: DriverVt) -> *const Module {
    let none = abi::Bytes { ptr: std::ptr::null(), len: 0 };
    let iface = abi::Iface {
        size: size_of::<abi::Iface>() as u32,
        kind: abi::kind::DRIVER,
        flags: 0,
        reserved: 0,
        name: abi::Bytes { ptr: name.as_ptr(), len: name.len() },
        vt: std::ptr::from_ref(Box::leak(Box::new(vt))).cast(),
        module_params: std::ptr::null(),
        n_module_params: 0,
        instance_params: std::ptr::null(),
        n_instance_params: 0,
        stream_legacy: none,
        default_template: none,
    };
    Box::leak(Box::new(Module {
        size: size_of::<Module>() as u32,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        ifaces: Box::leak(Box::new(iface)),
        n_ifaces: 1,
        layout: None,
        layout_tag: [0; 16],
        shutdown: None,
    }))
}
