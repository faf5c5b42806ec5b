//! What may be negotiated: versions, suites, groups, and who chooses. What is offered without being asked for is what the
//! driver `rustls` offers, as far as OpenSSL has it.

use crate::words;
use openssl::ssl::{SslContextBuilder, SslOptions, SslVersion};
use sysloom_sdk::Complaint;

/// The parameter's name, for complaints.
pub const PRIORITY: &str = "gnutlsPriorityString";

/// Narrows a context to what is offered unless somebody asks otherwise.
pub fn apply(builder: &mut SslContextBuilder, priority: &str) -> Result<(), Complaint> {
    defaults(builder).map_err(|e| words::setup(&e))?;
    match priority.trim() {
        "" => Ok(()),
        text => {
            Err(Complaint::new(format!("\"{text}\" cannot be used with the driver ossl")).param(PRIORITY))
        }
    }
}

fn defaults(builder: &mut SslContextBuilder) -> Result<(), openssl::error::ErrorStack> {
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_ciphersuites(SUITES_13)?;
    builder.set_cipher_list(SUITES_12)?;
    builder.set_groups_list(GROUPS)?;
    builder.set_options(
        SslOptions::CIPHER_SERVER_PREFERENCE | SslOptions::NO_RENEGOTIATION | SslOptions::NO_COMPRESSION,
    );
    Ok(())
}

// RFC 9662 3: AES_128_GCM with SHA-256 is the suite that everybody must have; it also costs a collector least.
const SUITES_13: &str = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
const SUITES_12: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
                         ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";
const GROUPS: &str = "X25519:P-256:P-384";
