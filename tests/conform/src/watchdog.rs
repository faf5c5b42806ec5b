//! A call that must not block is watched: when it has not returned in time, the body has failed, and since a thread
//! cannot be stopped, so has its process.

use crate::kit;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

/// Runs a call that the ABI lets block for `limit` at most.
pub fn within<T>(limit: Duration, what: &str, call: impl FnOnce() -> T) -> T {
    let (done, waiting) = mpsc::channel::<()>();
    let words = format!("{what} did not return within {} s", limit.as_secs_f32());
    let watch = std::thread::spawn(move || {
        if waiting.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            kit::give_verdict(&Err(words));
        }
    });
    let result = call();
    drop(done);
    let _ = watch.join();
    result
}

/// What a call that must return at once gets on a busy machine.
pub const AT_ONCE: Duration = Duration::from_secs(5);
