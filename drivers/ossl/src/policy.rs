//! What may be negotiated: versions, suites, groups, and who chooses. What is offered without being asked for is what the
//! driver `rustls` offers, as far as OpenSSL has it. gnutlsPriorityString changes it with OpenSSL's own configuration
//! commands, one `Command=Value` a line; those that would take the verdict or the files out of the daemon's hands are
//! refused by their names.

use crate::raw::{self, Untaken};
use crate::words;
use openssl::error::ErrorStack;
use openssl::ssl::{SslContextBuilder, SslOptions, SslVersion};
use std::ffi::CString;
use sysloom_sdk::Complaint;

/// The parameter's name, for complaints.
pub const PRIORITY: &str = "gnutlsPriorityString";

/// Narrows a context to what is offered, which `priority` may change.
pub fn apply(builder: &mut SslContextBuilder, priority: &str) -> Result<(), Complaint> {
    defaults(builder).map_err(|e| words::setup(&e))?;
    let commands = commands(priority).map_err(blame)?;
    let given = commands.iter().map(|(command, value)| (command.as_c_str(), value.as_c_str()));
    drop(ErrorStack::get());
    raw::configure(builder, given).map_err(|(command, why)| {
        let name = command.to_string_lossy();
        let value = commands.iter().find(|(c, _)| c.as_c_str() == command).map(|(_, v)| v.to_string_lossy());
        let errors = ErrorStack::get();
        blame(match why {
            Untaken::Unknown => format!("{name}: the driver ossl does not take this command"),
            _ => format!("{name}: \"{}\" is refused ({})", value.unwrap_or_default(), words::plain(&errors)),
        })
    })?;
    fix(builder).map_err(|e| words::setup(&e))?;
    check(builder).map_err(blame)
}

fn defaults(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_ciphersuites(SUITES_13)?;
    builder.set_cipher_list(SUITES_12)?;
    builder.set_groups_list(GROUPS)?;
    builder.set_options(SslOptions::CIPHER_SERVER_PREFERENCE);
    builder.set_num_tickets(0)
}

fn commands(text: &str) -> Result<Vec<(CString, CString)>, String> {
    let mut all = Vec::new();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (command, value) = line.split_once('=').ok_or_else(|| {
            format!(
                "\"{line}\" is no Command=Value line: the driver ossl takes OpenSSL's commands, such as \
                 MinProtocol=TLSv1.3 (the driver rustls takes GnuTLS priority strings as well)"
            )
        })?;
        let (command, value) = (command.trim(), value.trim().trim_matches('"'));
        if REFUSED.iter().any(|r| r.eq_ignore_ascii_case(command)) {
            return Err(format!(
                "{command}: who may go on is the daemon's to say; see streamDriver.authMode"
            ));
        }
        let text = |text: &str| CString::new(text).map_err(|_| format!("{command}: a zero byte"));
        all.push((text(command)?, text(value)?));
    }
    Ok(all)
}

/// What no command changes.
fn fix(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    builder.set_options(SslOptions::NO_RENEGOTIATION | SslOptions::NO_COMPRESSION);
    // RFC 5425 4.2, RFC 8996: nothing below 1.2. OpenSSL's names of versions are numbers that grow.
    let old = [SslVersion::SSL3, SslVersion::TLS1, SslVersion::TLS1_1];
    if builder.min_proto_version().is_none_or(|version| old.contains(&version)) {
        builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    }
    Ok(())
}

/// Whether something is left, and all of it is secret.
fn check(builder: &mut SslContextBuilder) -> Result<(), String> {
    let (min, max) = (builder.min_proto_version(), builder.max_proto_version());
    let off = builder.options();
    let has = |version, flag| {
        let above = min.is_none_or(|min| min == SslVersion::TLS1_2 || min == version);
        let below = max.is_none_or(|max| max == SslVersion::TLS1_3 || max == version);
        above && below && !off.contains(flag)
    };
    if !has(SslVersion::TLS1_2, SslOptions::NO_TLSV1_2) && !has(SslVersion::TLS1_3, SslOptions::NO_TLSV1_3) {
        return Err("it leaves no TLS version (the driver ossl has TLS 1.2 and 1.3)".to_owned());
    }
    match raw::ciphers(builder).into_iter().find(|(_, secret)| *secret == 0) {
        Some((name, _)) => Err(format!("CipherString: {name} does not encrypt")),
        None => Ok(()),
    }
}

fn blame(why: String) -> Complaint {
    Complaint::new(why).param(PRIORITY)
}

/// Commands that OpenSSL would take and that are not theirs to give.
const REFUSED: [&str; 1] = ["VerifyMode"];
// RFC 9662 3: AES_128_GCM with SHA-256 is the suite that everybody must have; it also costs a collector least.
const SUITES_13: &str = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
const SUITES_12: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
                         ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";
const GROUPS: &str = "X25519:P-256:P-384";
