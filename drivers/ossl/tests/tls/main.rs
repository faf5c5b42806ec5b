//! The tests of the driver rustls with this driver: sessions against each other in memory, and against openssl and
//! gnutls-cli over loopback. Only what is peculiar to OpenSSL stands here.

#[path = "../../../rustls/tests/tls/files.rs"]
mod files;
#[path = "../../../rustls/tests/tls/flow.rs"]
mod flow;
#[path = "../../../rustls/tests/tls/handshakes.rs"]
mod handshakes;
mod keys;
#[path = "../../../rustls/tests/tls/pair.rs"]
mod pair;
#[path = "../../../rustls/tests/tls/peers.rs"]
mod peers;
#[path = "../../../rustls/tests/tls/plugin.rs"]
mod plugin;
mod policy;
#[path = "../../../rustls/tests/tls/refusals.rs"]
mod refusals;
mod refused;
#[path = "../../../rustls/tests/tls/resumption.rs"]
mod resumption;
#[path = "../../../rustls/tests/tls/strangers.rs"]
mod strangers;
mod terms;

use nsd_ossl as driver;
