//! The drivers for TLS that suites run under. A suite takes the list from here, so that it covers a further driver as
//! soon as there is one.

use crate::driver_wanted;

/// Words of the drivers for TLS that stand beside the daemon.
pub fn tls_drivers() -> Vec<&'static str> {
    ["rustls", "ossl"].into_iter().filter(|word| driver_wanted(word)).collect()
}
