//! An idle session's memory, as in the driver rustls.

#[path = "../../rustls/tests/tls/pair.rs"]
#[allow(dead_code)]
mod pair;
#[path = "../../rustls/tests/idle/sessions.rs"]
mod sessions;
#[path = "tls/terms.rs"]
#[allow(dead_code)]
mod terms;

use nsd_ossl as driver;

/// Bytes that an idle session of a server may take.
const IDLE: usize = 20 << 10;
