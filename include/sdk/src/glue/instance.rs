//! An input's instance at its final address, and the list of them: what makes `Host::listen` safe to call.

use crate::{Host, Input};
use std::any::TypeId;
use std::sync::{Mutex, MutexGuard, PoisonError};
use sysloom_abi::Opaque;

/// An input with the host's name for it.
pub struct Instance<I> {
    pub input: I,
    pub host: Host,
}

/// Puts an instance where it stays until [`release`].
pub fn settle<I: Input>(input: I, host: Host) -> Opaque {
    let instance = Box::into_raw(Box::new(Instance { input, host }));
    // SAFETY: it was made in the line above.
    let address = unsafe { &raw const (*instance).input }.addr();
    instances().push(Known { address, kind: TypeId::of::<I>(), instance: instance.cast() });
    instance.cast()
}

/// Takes it back.
///
/// # Safety
/// `instance` comes from `settle::<I>` and nobody uses it any more.
pub unsafe fn release<I: Input>(instance: Opaque) {
    instances().retain(|known| known.instance != instance);
    // SAFETY: the caller's promise.
    drop(unsafe { Box::from_raw(instance.cast::<Instance<I>>()) });
}

/// The instance that a reference belongs to, if it is one that the host knows.
pub fn instance_of<I: Input>(input: &I) -> Option<Opaque> {
    let (address, kind) = (std::ptr::from_ref(input).addr(), TypeId::of::<I>());
    let known = instances();
    known.iter().find(|k| k.address == address && k.kind == kind).map(|k| k.instance)
}

struct Known {
    address: usize,
    kind: TypeId,
    instance: Opaque,
}

// SAFETY: the pointer is only compared and handed out here.
unsafe impl Send for Known {}

fn instances() -> MutexGuard<'static, Vec<Known>> {
    static INSTANCES: Mutex<Vec<Known>> = Mutex::new(Vec::new());
    INSTANCES.lock().unwrap_or_else(PoisonError::into_inner)
}
