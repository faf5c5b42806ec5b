//! What is said and expected of OpenSSL where the same tests run with another driver.

/// One version only.
pub const TLS12: &str = "MaxProtocol=TLSv1.2";
pub const TLS13: &str = "MinProtocol=TLSv1.3";
/// The groups that two of us choose, with TLS 1.2 and 1.3.
pub const GROUPS: [&str; 2] = ["X25519", "X25519"];
/// The cipher that two of us choose under a string of policy.
pub const CHOSEN: &str = "AES_128_GCM";
/// A string that asks for what cannot be had.
pub const LACKING: &str = "CipherString=3DES-CBC";
/// Two strings without a cipher in common.
pub const ONE_OR_OTHER: [&str; 2] = [
    "MinProtocol=TLSv1.3\nCiphersuites=TLS_AES_256_GCM_SHA384",
    "MinProtocol=TLSv1.3\nCiphersuites=TLS_AES_128_GCM_SHA256",
];
/// Put behind a string, it has servers send tickets with TLS 1.3 as well.
pub const TICKETS: &str = "\nNumTickets=1";
/// One version only, without tickets.
pub const NO_TICKETS: [&str; 2] =
    ["MaxProtocol=TLSv1.2\nOptions=-SessionTicket", "MinProtocol=TLSv1.3\nOptions=-SessionTicket"];
