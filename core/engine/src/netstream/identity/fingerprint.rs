//! Fingerprints of certificates: `SHA1:E1:2D:..` as rsyslog writes them and `sha-1:E1:2D:..` as RFC 5425 does.

use aws_lc_rs::digest;
use std::fmt;
use thiserror::Error;

/// A certificate's digest, as configured or as computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    hash: Hash,
    octets: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// The text has a fingerprint's label, and something else after it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FingerprintFault {
    #[error("'{0}' is no octet: two hexadecimal digits are, with a colon between one octet and the next")]
    Octet(String),
    #[error("it has {found} octets, and {hash} has {wanted}")]
    Length { hash: Hash, wanted: usize, found: usize },
}

impl Fingerprint {
    /// Reads a text that begins with a digest's label. None = it has no such label, so it is no fingerprint.
    pub fn parse(text: &str) -> Option<Result<Self, FingerprintFault>> {
        let (label, rest) = text.split_once(':')?;
        let hash = Hash::labelled(label.trim())?;
        let octets: Result<Vec<u8>, _> = rest.split(':').map(|pair| octet(pair.trim())).collect();
        Some(octets.and_then(|octets| match (octets.len(), hash.octets()) {
            (found, wanted) if found != wanted => Err(FingerprintFault::Length { hash, wanted, found }),
            _ => Ok(Self { hash, octets }),
        }))
    }

    pub fn of(hash: Hash, der: &[u8]) -> Self {
        Self { hash, octets: digest::digest(hash.algorithm(), der).as_ref().to_vec() }
    }

    /// Whether this is the fingerprint of that certificate.
    pub fn is_of(&self, der: &[u8]) -> bool {
        *self == Self::of(self.hash, der)
    }
}

/// As rsyslog writes it, which is also what this daemon reads.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.hash)?;
        self.octets.iter().try_for_each(|octet| write!(f, ":{octet:02X}"))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl Hash {
    // RFC 5425 4.2.2: the labels are those of the registry of hash function names, `sha-1` and so on.
    // rsyslog: writes them without the hyphen, in upper case.
    fn labelled(label: &str) -> Option<Self> {
        let plain = label.to_ascii_uppercase().replacen('-', "", 1);
        HASHES.into_iter().find(|hash| hash.label() == plain)
    }

    fn label(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn octets(self) -> usize {
        self.algorithm().output_len()
    }
}

fn octet(pair: &str) -> Result<u8, FingerprintFault> {
    let fault = || FingerprintFault::Octet(pair.escape_default().to_string());
    if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(fault());
    }
    u8::from_str_radix(pair, 16).map_err(|_| fault())
}

const HASHES: [Hash; 4] = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];
