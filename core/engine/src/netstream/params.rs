//! The stream parameters of one listener or one action, resolved: what the configuration says of driver, mode,
//! authentication and files, and the limits that the host keeps for every driver.

use crate::plugin::StreamValues;
use std::time::Duration;

/// Everything that the configuration says of a stream. Made by whoever resolves the configuration.
#[derive(Clone, Debug)]
pub struct StreamParams {
    /// `rustls`, or a stack with the outermost layer first, `acmezip+rustls+ptcp`. None = plain TCP.
    pub driver: Option<String>,
    /// 0 = plain, 1 = encrypted.
    pub mode: i64,
    /// None = the driver's own: `x509/name` where the stack encrypts, `anon` where it does not.
    pub auth_mode: Option<String>,
    pub permitted_peers: Vec<String>,
    /// A PEM file, or `system` for the system's store.
    pub ca_file: Option<String>,
    /// Further PEM files, joined by commas.
    pub ca_extra_files: Option<String>,
    pub crl_file: Option<String>,
    pub cert_file: Option<String>,
    pub key_file: Option<String>,
    /// Its first line is the key's passphrase.
    pub key_pass_file: Option<String>,
    /// gnutlsPriorityString.
    pub priority: Option<String>,
    pub permit_expired: Expired,
    /// tlsRevocationCheck.
    pub revocation: RevocationCheck,
    /// checkExtendedKeyPurpose.
    pub check_purpose: bool,
    pub prioritize_san: bool,
    /// Certificates between the peer's own and the anchor, at most. None = [`VERIFY_DEPTH`].
    pub verify_depth: Option<u32>,
    /// Server name that a client asks for. None = the host that it connects to.
    pub remote_sni: Option<String>,
    /// How long a handshake may take, and how long a connection that never sent anything keeps its place when
    /// others wait.
    pub handshake_limit: Duration,
    /// A session that is silent for so long is closed. None = never.
    pub idle_limit: Option<Duration>,
    /// Sessions of one source address at once. None = as many as the listener has.
    pub max_per_source: Option<u32>,
    /// net.ipprotocol: 4 or 6 = only that family; 0 = any.
    pub family: u32,
}

impl Default for StreamParams {
    fn default() -> Self {
        Self {
            driver: None,
            mode: 0,
            auth_mode: None,
            permitted_peers: Vec::new(),
            ca_file: None,
            ca_extra_files: None,
            crl_file: None,
            cert_file: None,
            key_file: None,
            key_pass_file: None,
            priority: None,
            permit_expired: Expired::Off,
            revocation: RevocationCheck::Off,
            check_purpose: false,
            prioritize_san: false,
            verify_depth: None,
            remote_sni: None,
            handshake_limit: HANDSHAKE_LIMIT,
            idle_limit: None,
            max_per_source: None,
            family: 0,
        }
    }
}

impl StreamParams {
    /// The part that goes to a driver.
    pub(crate) fn values(&self, auth_mode: &str) -> StreamValues {
        StreamValues {
            mode: self.mode,
            auth_mode: auth_mode.to_owned(),
            ca_file: self.ca_file.clone(),
            ca_extra_files: self.ca_extra_files.clone(),
            crl_file: self.crl_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            key_pass_file: self.key_pass_file.clone(),
            priority: self.priority.clone(),
        }
    }
}

/// permitExpiredCerts: what becomes of a certificate outside its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expired {
    /// Refused.
    #[default]
    Off,
    /// Accepted.
    On,
    /// Accepted, with a line in the log.
    Warn,
}

/// tlsRevocationCheck: whether a CA's OCSP responder is asked for a peer's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationCheck {
    /// Never.
    #[default]
    Off,
    /// What it calls revoked is refused; without an answer the peer is accepted, with a line in the log.
    On,
    /// Without a good answer the peer is refused.
    Strict,
}

/// A handshake takes milliseconds; a peer behind a bad link gets this.
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Longer chains are nobody's, and building a path costs time.
pub const VERIFY_DEPTH: u32 = 8;
