//! The drivers for TLS that suites run under: each of them that was built. A suite takes the list from here, so that it
//! covers a further driver as soon as there is one.

use crate::built;

/// Words of the drivers for TLS that stand beside the daemon.
pub fn tls_drivers() -> Vec<&'static str> {
    let is_built = |word: &&str| {
        let modules = &built().modules;
        ["libnsd_", "nsd_"].iter().any(|prefix| modules.join(format!("{prefix}{word}.so")).is_file())
    };
    let drivers: Vec<_> = ["rustls", "ossl"].into_iter().filter(is_built).collect();
    assert!(drivers.contains(&"rustls"), "rustls is a default member");
    drivers
}
