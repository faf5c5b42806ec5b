//! An idle session's memory, in a process of its own because it is measured from outside.

#[path = "tls/pair.rs"]
#[allow(dead_code)]
mod pair;
#[path = "idle/sessions.rs"]
mod sessions;
#[path = "tls/terms.rs"]
#[allow(dead_code)]
mod terms;

use nsd_rustls as driver;

/// Bytes that an idle session of a server may take.
const IDLE: usize = 8 << 10;
