//! The driver's sessions against each other in memory, and against openssl and gnutls-cli over loopback.

mod after;
mod files;
mod flow;
mod handshakes;
mod pair;
mod peers;
mod plugin;
mod refusals;
mod resumption;
mod strangers;
mod terms;

use nsd_rustls as driver;
