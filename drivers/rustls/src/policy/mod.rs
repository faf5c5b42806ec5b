//! What may be negotiated: versions, suites, groups, and who chooses. gnutlsPriorityString narrows it, either as a GnuTLS
//! priority string or as OpenSSL's `Cmd=Val` lines. What rustls has no counterpart for is refused by its name, unless
//! it only forbids what rustls lacks anyway.

mod gnutls;
mod openssl;

use rustls::crypto::aws_lc_rs::{cipher_suite as suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion, version};
use sysloom_sdk::Complaint;

/// The parameter's name, for complaints.
pub const PRIORITY: &str = "gnutlsPriorityString";

/// What may be negotiated, in the order of preference.
#[derive(Clone, Debug)]
pub struct Policy {
    pub tls12: bool,
    pub tls13: bool,
    pub suites: Vec<SupportedCipherSuite>,
    pub groups: Vec<Group>,
    /// The server's order counts, not the client's.
    pub server_order: bool,
    pub tickets: bool,
    /// A server sends a ticket after a TLS 1.3 handshake, too.
    pub late_tickets: bool,
    /// Only with extended master secret (TLS 1.2).
    pub require_ems: bool,
}

/// A key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    X25519MlKem768,
    P256MlKem768,
    X25519,
    P256,
    P384,
}

/// How a suite encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cipher {
    Aes256,
    Aes128,
    Chacha,
}

/// How a suite authenticates; TLS 1.3 leaves that open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Auth {
    Any,
    Ecdsa,
    Rsa,
}

/// One row of what rustls has.
struct Suite {
    suite: SupportedCipherSuite,
    cipher: Cipher,
    auth: Auth,
    openssl: &'static str,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            tls12: true,
            tls13: true,
            suites: SUITES.iter().map(|s| s.suite).collect(),
            groups: GROUPS.to_vec(),
            server_order: false,
            tickets: true,
            late_tickets: false,
            require_ems: false,
        }
    }
}

impl Policy {
    /// Reads a priority string; empty = the default.
    pub fn parse(text: &str) -> Result<Self, Complaint> {
        let policy = if text.trim().is_empty() {
            Ok(Self::frugal())
        } else if text.contains('=') {
            openssl::parse(text)
        } else {
            gnutls::parse(text)
        };
        policy.and_then(Self::complete).map_err(|why| Complaint::new(why).param(PRIORITY))
    }

    /// What holds when nobody asks for anything else: everything that is offered, and of two ciphers that are as good
    /// for logs the one that costs a collector less.
    // RFC 9662 3: AES_128_GCM with SHA-256 is the suite that everybody must have.
    fn frugal() -> Self {
        let mut rows: Vec<&Suite> = SUITES.iter().collect();
        rows.sort_by_key(|row| row.cipher != Cipher::Aes128);
        Self { suites: rows.iter().map(|row| row.suite).collect(), server_order: true, ..Self::default() }
    }

    /// The library's functions, narrowed to this policy.
    pub fn provider(&self) -> CryptoProvider {
        CryptoProvider {
            cipher_suites: self.suites.clone(),
            kx_groups: self.groups.iter().map(|g| g.kx()).collect(),
            ..aws_lc_rs::default_provider()
        }
    }

    pub fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let all = [(self.tls13, &version::TLS13), (self.tls12, &version::TLS12)];
        all.into_iter().filter(|(on, _)| *on).map(|(_, v)| v).collect()
    }

    /// Drops what cannot come into play, and sees to it that something is left.
    fn complete(mut self) -> Result<Self, String> {
        let has = |p: &Self, tls13: bool| p.suites.iter().any(|s| is_tls13(s) == tls13);
        self.tls12 &= has(&self, false);
        self.tls13 &= has(&self, true);
        if !self.tls12 && !self.tls13 {
            return Err(
                "it leaves no TLS version with a cipher (rustls has TLS 1.2 and 1.3, with AES-GCM and \
                        CHACHA20-POLY1305)"
                    .to_owned(),
            );
        }
        if self.groups.is_empty() {
            return Err(
                "it leaves no key exchange group (rustls has X25519MLKEM768, SECP256R1MLKEM768, X25519, \
                        SECP256R1 and SECP384R1)"
                    .to_owned(),
            );
        }
        let (tls12, tls13) = (self.tls12, self.tls13);
        self.suites.retain(|s| if is_tls13(s) { tls13 } else { tls12 });
        Ok(self)
    }
}

impl Group {
    fn kx(self) -> &'static dyn SupportedKxGroup {
        match self {
            Group::X25519MlKem768 => kx_group::X25519MLKEM768,
            Group::P256MlKem768 => kx_group::SECP256R1MLKEM768,
            Group::X25519 => kx_group::X25519,
            Group::P256 => kx_group::SECP256R1,
            Group::P384 => kx_group::SECP384R1,
        }
    }

    /// By any of its names, upper case and without dashes and underscores.
    fn named(name: &str) -> Option<Self> {
        let plain: String = name.chars().filter(|c| !matches!(c, '-' | '_')).collect();
        Some(match plain.to_ascii_uppercase().as_str() {
            "X25519MLKEM768" => Group::X25519MlKem768,
            "SECP256R1MLKEM768" => Group::P256MlKem768,
            "X25519" => Group::X25519,
            "SECP256R1" | "P256" | "PRIME256V1" => Group::P256,
            "SECP384R1" | "P384" => Group::P384,
            _ => return None,
        })
    }
}

fn is_tls13(suite: &SupportedCipherSuite) -> bool {
    matches!(suite, SupportedCipherSuite::Tls13(_))
}

/// Adds what is not there yet.
fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// What is offered unless somebody asks otherwise. The hybrid stands first: what is recorded today stays secret when
/// elliptic curves fall.
const GROUPS: &[Group] = &[Group::X25519MlKem768, Group::X25519, Group::P256, Group::P384];

const fn row(suite: SupportedCipherSuite, cipher: Cipher, auth: Auth, openssl: &'static str) -> Suite {
    Suite { suite, cipher, auth, openssl }
}

static SUITES: [Suite; 9] = [
    row(suite::TLS13_AES_256_GCM_SHA384, Cipher::Aes256, Auth::Any, "TLS_AES_256_GCM_SHA384"),
    row(suite::TLS13_AES_128_GCM_SHA256, Cipher::Aes128, Auth::Any, "TLS_AES_128_GCM_SHA256"),
    row(suite::TLS13_CHACHA20_POLY1305_SHA256, Cipher::Chacha, Auth::Any, "TLS_CHACHA20_POLY1305_SHA256"),
    row(
        suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        Cipher::Aes256,
        Auth::Ecdsa,
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ),
    row(
        suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        Cipher::Aes128,
        Auth::Ecdsa,
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ),
    row(
        suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        Cipher::Chacha,
        Auth::Ecdsa,
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ),
    row(
        suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        Cipher::Aes256,
        Auth::Rsa,
        "ECDHE-RSA-AES256-GCM-SHA384",
    ),
    row(
        suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        Cipher::Aes128,
        Auth::Rsa,
        "ECDHE-RSA-AES128-GCM-SHA256",
    ),
    row(
        suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        Cipher::Chacha,
        Auth::Rsa,
        "ECDHE-RSA-CHACHA20-POLY1305",
    ),
];

#[cfg(test)]
mod tests;
