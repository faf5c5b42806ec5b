//! Statistics: counters of objects that have a name of their own, and a walk over everything that is counted.

use crate::host::borrow;
use crate::values::slice;
use crate::{Counter, Host};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;
use sysloom_abi::{self as abi, Bytes, Opaque, counter_flag, stats_flag, status};

/// What a counter is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CounterKind {
    /// A level rather than a count: resetting leaves it alone.
    pub level: bool,
    /// Its object stands before all others.
    pub first: bool,
    /// Its object is this instance's, even if another's has the same origin and name.
    pub own: bool,
}

/// One counter of a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat<'a> {
    /// Who counts: `core.action`, `imtcp`.
    pub origin: &'a str,
    pub object: &'a str,
    pub name: &'a str,
    pub value: u64,
}

impl Host {
    /// A counter of the object `object`, which belongs to `origin`. Ask once and keep it.
    pub fn counter_of(&self, origin: &str, object: &str, name: &str, kind: CounterKind) -> Counter {
        let [origin, object, name] = [origin, object, name].map(|text| borrow(text.as_bytes()));
        let flags = if kind.level { counter_flag::LEVEL } else { 0 }
            | if kind.first { counter_flag::FIRST } else { 0 }
            | if kind.own { counter_flag::OWN } else { 0 };
        // SAFETY: the texts are borrowed for the call; the host gives an atomic that it never frees.
        let cell =
            unsafe { (self.raw.counter_of)(self.raw.h, self.me, origin, object, name, flags).cast_mut() };
        if cell.is_null() {
            return Counter::new(Box::leak(Box::new(AtomicU64::new(0))));
        }
        // SAFETY: as above.
        Counter::new(unsafe { AtomicU64::from_ptr(cell) })
    }

    /// Shows every counter of the daemon, those of one object in a row, and `None` after the last: only when that call
    /// has returned, the statistics count as read. With `reset`, counts start anew. May block (see
    /// [`crate::Input::stats`]). `false` if the host shows none.
    pub fn walk_stats(&self, reset: bool, mut visit: impl FnMut(Option<Stat<'_>>)) -> bool {
        let mut visit: &mut dyn FnMut(Option<Stat<'_>>) = &mut visit;
        let visitor = abi::StatsVisitor {
            size: size_of::<abi::StatsVisitor>() as u32,
            reserved: 0,
            ctx: std::ptr::from_mut(&mut visit).cast(),
            visit: show,
        };
        let flags = if reset { stats_flag::RESET } else { 0 };
        // SAFETY: the visitor and its context outlive the call, in which alone it is used.
        unsafe { (self.raw.stats_walk)(self.raw.h, self.me, flags, &visitor) == status::OK }
    }
}

unsafe extern "C" fn show(ctx: Opaque, stat: *const abi::Stat) {
    // SAFETY: `walk_stats` passed it and waits for the walk's end.
    let visit = unsafe { &mut *ctx.cast::<&mut dyn FnMut(Option<Stat<'_>>)>() };
    // SAFETY: the host lends the counter for the call.
    let stat = unsafe { stat.as_ref() };
    // SAFETY: as above.
    let text = |bytes: Bytes| std::str::from_utf8(unsafe { slice(bytes.ptr, bytes.len) }).unwrap_or_default();
    let stat = stat.map(|stat| Stat {
        origin: text(stat.origin),
        object: text(stat.object),
        name: text(stat.name),
        value: stat.value,
    });
    // A panic must not unwind into the host; what it says stands in the log already.
    let _ = catch_unwind(AssertUnwindSafe(|| visit(stat)));
}
