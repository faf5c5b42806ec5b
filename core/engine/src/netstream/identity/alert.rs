//! The numbers of the TLS alerts that a refusal can have, RFC 8446 6.2.

/// A certificate is corrupt, or a signature in its path does not verify.
pub const BAD_CERTIFICATE: u8 = 42;
/// A certificate is of a kind that cannot be used here.
pub const UNSUPPORTED_CERTIFICATE: u8 = 43;
pub const CERTIFICATE_REVOKED: u8 = 44;
/// A certificate has expired, or is not valid yet.
pub const CERTIFICATE_EXPIRED: u8 = 45;
/// The certificate is unacceptable for another reason, which lies with us.
pub const CERTIFICATE_UNKNOWN: u8 = 46;
/// No path leads to a trusted CA.
pub const UNKNOWN_CA: u8 = 48;
/// The certificate is good, and its owner is not permitted.
pub const ACCESS_DENIED: u8 = 49;
pub const CERTIFICATE_REQUIRED: u8 = 116;
