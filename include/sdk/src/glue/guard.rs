//! The guard around every callback: a panic becomes a status, and its words go to the host's log.

use crate::{Complaint, Host, Level};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};
use sysloom_abi as abi;
use sysloom_abi::status;

/// Runs a callback of an instance; a panic gives `on_panic`. `host` is the instance's, where its callback has one.
pub(super) fn guard<R>(host: Option<Host>, on_panic: R, callback: impl FnOnce() -> R) -> R {
    let outer = CALLER.replace(host);
    let result = catch_unwind(AssertUnwindSafe(callback));
    CALLER.set(outer);
    result.unwrap_or_else(|payload| {
        discard(payload);
        on_panic
    })
}

/// As [`guard`], for callbacks that can say why they failed.
///
/// # Safety
/// `why` is null, or valid as its fields say.
pub(super) unsafe fn guard_why<R>(
    host: Host,
    on_panic: R,
    why: *mut abi::Complaint,
    callback: impl FnOnce() -> R,
) -> R {
    let outer = CALLER.replace(Some(host));
    let result = catch_unwind(AssertUnwindSafe(callback));
    CALLER.set(outer);
    result.unwrap_or_else(|payload| {
        let complaint = Complaint::new(format!("the plugin panicked: {}", words(payload.as_ref())));
        discard(payload);
        // SAFETY: the caller's promise.
        unsafe { complaint.write(&[], why) };
        on_panic
    })
}

/// Writes down why, and gives the status.
///
/// # Safety
/// `why` is null, or valid as its fields say.
pub(super) unsafe fn fail(
    complaint: &Complaint,
    table: &[crate::ParamSpec],
    why: *mut abi::Complaint,
    code: i64,
) -> i64 {
    // SAFETY: the caller's promise.
    unsafe { complaint.write(table, why) };
    code
}

/// OK, or FAILED with `why`.
///
/// # Safety
/// `why` is null, or valid as its fields say.
pub(super) unsafe fn told(
    result: Result<(), Complaint>,
    table: &[crate::ParamSpec],
    why: *mut abi::Complaint,
) -> i64 {
    match result {
        Ok(()) => status::OK,
        // SAFETY: the caller's promise.
        Err(complaint) => unsafe { fail(&complaint, table, why, status::FAILED) },
    }
}

/// Sends this library's panics to the host's log from now on. The library has a std, and so a hook, of its own.
pub(super) fn catch_panics_for(host: &'static abi::Host) {
    HOST.store(std::ptr::from_ref(host).cast_mut(), Ordering::Release);
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(report)));
}

fn report(info: &PanicHookInfo<'_>) {
    // SAFETY: only `catch_panics_for` stores here, and what it stores lives as long as the process.
    let latest = unsafe { HOST.load(Ordering::Acquire).as_ref() };
    let Some(host) = CALLER.get().or(latest.map(|raw| Host { raw, me: 0 })) else { return };
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("without a name");
    let place = info.location().map(|l| format!(" at {l}")).unwrap_or_default();
    let text = format!("panic{place} on thread {thread}: {}", words(info.payload()));
    host.log(Level::Critical, 0, &text);
}

/// What a panic said.
fn words(payload: &(dyn Any + Send)) -> &str {
    match payload.downcast_ref::<String>() {
        Some(text) => text,
        None => payload.downcast_ref::<&str>().copied().unwrap_or("(no words)"),
    }
}

/// Drops what was thrown; should that panic too, what it threw is forgotten.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

/// The host that entered this library last, for panics outside of callbacks.
static HOST: AtomicPtr<abi::Host> = AtomicPtr::new(std::ptr::null_mut());

thread_local! {
    /// The host as seen by the instance whose callback runs on this thread.
    static CALLER: Cell<Option<Host>> = const { Cell::new(None) };
}
