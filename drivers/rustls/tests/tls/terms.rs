//! What is said and expected of rustls where the same tests run with another driver.

/// One version only.
pub const TLS12: &str = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
pub const TLS13: &str = "NORMAL:-VERS-ALL:+VERS-TLS1.3";
/// The groups that two of us choose, with TLS 1.2 and 1.3.
pub const GROUPS: [&str; 2] = ["X25519", "X25519MLKEM768"];
/// The cipher that two of us choose under a string of policy.
pub const CHOSEN: &str = "AES_256_GCM";
/// A string that asks for what cannot be had.
pub const LACKING: &str = "NORMAL:+3DES-CBC";
/// Two strings without a cipher in common.
pub const ONE_OR_OTHER: [&str; 2] = ["NORMAL:-CIPHER-ALL:+AES-256-GCM", "NORMAL:-CIPHER-ALL:+AES-128-GCM"];
/// Put behind a string, it has servers send tickets with TLS 1.3 as well.
pub const TICKETS: &str = ":%TICKETS_TLS13";
/// One version only, without tickets.
pub const NO_TICKETS: [&str; 2] = ["NORMAL:-VERS-TLS1.3:%NO_TICKETS", "NORMAL:-VERS-TLS1.2:%NO_TICKETS"];
