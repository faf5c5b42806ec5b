//! Certificates and keys from PEM files. Everything that can be wrong with such a file has words of its own: whose file
//! it is, what was found in it, and what to do.

use crate::der;
use crate::seam::Daemon;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use sysloom_sdk::{Complaint, Level};

/// Names of the parameters that complaints are about.
pub const CA_FILE: &str = "streamDriver.CAFile";
pub const CA_EXTRA_FILES: &str = "streamDriver.CAExtraFiles";
pub const CERT_FILE: &str = "streamDriver.CertFile";
pub const KEY_FILE: &str = "streamDriver.KeyFile";

/// Reads our certificate with its intermediates and the key that belongs to it.
pub fn identity(cert_file: &str, key_file: &str, daemon: &dyn Daemon) -> Result<CertifiedKey, Complaint> {
    let chain = certificates(CERT_FILE, "certificate file", cert_file)?;
    let key = private_key(key_file, daemon)?;
    if let Some(ours) = key.public_key() {
        check_pair(&chain, &ours, cert_file, key_file)?;
    }
    if let Some(text) = chain.first().and_then(|own| out_of_date(own, cert_file)) {
        daemon.log(Level::Warning, &text);
    }
    Ok(CertifiedKey::new(chain, key))
}

/// Reads all certificates of a file; there is at least one, and each is one in outline.
pub fn certificates(
    param: &'static str,
    what: &str,
    path: &str,
) -> Result<Vec<CertificateDer<'static>>, Complaint> {
    let bytes = read(param, what, path)?;
    let complain = |text: String| Complaint::new(text).param(param);
    let all = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| complain(format!("{what} '{path}' is damaged: {}", damage(&e))))?;
    if all.is_empty() {
        let advice = "it must hold PEM blocks that begin with -----BEGIN CERTIFICATE-----";
        return Err(complain(format!("{what} '{path}' holds no certificate: {}; {advice}", found(&bytes))));
    }
    for (i, certificate) in all.iter().enumerate() {
        if der::public_key_info(certificate).is_none() {
            let which = format!("certificate {} of {}", i + 1, all.len());
            return Err(complain(format!(
                "{what} '{path}' is damaged: {which} is not an X.509 certificate; make the file anew"
            )));
        }
    }
    Ok(all)
}

fn private_key(path: &str, daemon: &dyn Daemon) -> Result<Arc<dyn SigningKey>, Complaint> {
    let bytes = read(KEY_FILE, "key file", path)?;
    warn_if_readable(path, daemon);
    let complain = |text: String| Complaint::new(text).param(KEY_FILE);
    let kinds = labels(&bytes);
    let encrypted =
        kinds.iter().any(|k| k == "ENCRYPTED PRIVATE KEY") || contains(&bytes, b"Proc-Type: 4,ENCRYPTED");
    if encrypted {
        return Err(complain(format!(
            "the key in key file '{path}' is encrypted, and nobody is there to type a passphrase; write it without \
             one: openssl pkey -in {path} -out NEW, mode 0600"
        )));
    }
    if kinds.iter().any(|k| k == "OPENSSH PRIVATE KEY") {
        return Err(complain(format!(
            "key file '{path}' holds a key in OpenSSH's own format; convert it: ssh-keygen -p -m PKCS8 -f {path}"
        )));
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|e| match e {
        pem::Error::NoItemsFound => complain(format!(
            "key file '{path}' holds no private key: {}; it must hold a PEM block such as -----BEGIN PRIVATE KEY-----",
            found(&bytes)
        )),
        e => complain(format!("key file '{path}' is damaged: {}", damage(&e))),
    })?;
    any_supported_type(&key).map_err(|_| {
        complain(format!(
            "the key in key file '{path}' cannot be used: it is damaged or of a kind that TLS here does not know \
             (known: RSA of 2048 bits or more, ECDSA with P-256, P-384 or P-521, Ed25519)"
        ))
    })
}

/// Compares public keys: rustls would find out in the first handshake only.
fn check_pair(
    chain: &[CertificateDer<'_>],
    ours: &[u8],
    cert_file: &str,
    key_file: &str,
) -> Result<(), Complaint> {
    // Only the bits count: an encoder may leave RSA's NULL parameters out.
    let bits = |info| der::split_key_info(info).map(|(_, bits)| bits);
    let ours = bits(ours);
    let matching = chain.iter().position(|c| der::public_key_info(c).and_then(bits) == ours);
    let text = match matching {
        Some(0) => return Ok(()),
        Some(i) => format!(
            "the key in '{key_file}' belongs to certificate {} of '{cert_file}'; the own certificate must stand first, \
             its intermediates after it",
            i + 1
        ),
        None => format!(
            "the key in '{key_file}' does not belong to the certificate in '{cert_file}'; compare the output of \
             openssl pkey -in {key_file} -pubout and openssl x509 -in {cert_file} -noout -pubkey"
        ),
    };
    Err(Complaint::new(text).param(KEY_FILE))
}

/// A certificate that peers will refuse by its dates. That is for them to say, so it is no error here.
fn out_of_date(certificate: &[u8], path: &str) -> Option<String> {
    let (from, to) = der::validity(certificate)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let now = i64::try_from(now.as_secs()).ok()?;
    let what = match (now < from, now > to) {
        (true, _) => "is not valid yet (or this host's clock is wrong)",
        (_, true) => "has expired; renew it",
        _ => return None,
    };
    Some(format!("peers may refuse us: the certificate in certificate file '{path}' {what}"))
}

fn read(param: &'static str, what: &str, path: &str) -> Result<Vec<u8>, Complaint> {
    let complain = |text: String| Complaint::new(text).param(param);
    let failed = |e: &io::Error| match e.kind() {
        io::ErrorKind::NotFound => complain(format!("{what} '{path}' does not exist")),
        io::ErrorKind::PermissionDenied => complain(format!(
            "{what} '{path}' may not be read by this user; check the modes of the file and its directories"
        )),
        _ => Complaint::io(format!("{what} '{path}' cannot be read"), e).param(param),
    };
    // Opening a FIFO would wait for its writer, so the kind is asked for first.
    let facts = fs::metadata(path).map_err(|e| failed(&e))?;
    if facts.is_dir() {
        return Err(complain(format!("{what} '{path}' is a directory; a single PEM file is needed")));
    }
    if !facts.is_file() {
        return Err(complain(format!("{what} '{path}' is no ordinary file")));
    }
    if facts.len() > LARGEST {
        return Err(complain(format!("{what} '{path}' has {} bytes: that is no PEM file", facts.len())));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| failed(&e))?;
    file.take(LARGEST).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if bytes.is_empty() {
        return Err(complain(format!("{what} '{path}' is empty")));
    }
    Ok(bytes)
}

fn warn_if_readable(path: &str, daemon: &dyn Daemon) {
    let Ok(facts) = fs::metadata(path) else { return };
    let mode = facts.permissions().mode() & 0o7777;
    if mode & 0o004 != 0 {
        let text = format!(
            "key file '{path}' can be read by everybody on this host (mode {mode:04o}); change it: chmod 0600 {path}"
        );
        daemon.log(Level::Warning, &text);
    }
}

/// What stands in a file that does not hold what was wanted.
fn found(bytes: &[u8]) -> String {
    let mut kinds = labels(bytes);
    if kinds.is_empty() {
        return match bytes.first() {
            Some(0x30) => {
                "it looks like DER, not PEM (convert it: openssl x509 or pkey with -inform DER)".to_owned()
            }
            _ => "there is no PEM block in it".to_owned(),
        };
    }
    let count = kinds.len();
    kinds.dedup();
    let more = if kinds.len() > SHOWN { " ..." } else { "" };
    kinds.truncate(SHOWN);
    format!("found {count} PEM block(s): {}{more}", kinds.join(", "))
}

/// The labels of all PEM blocks.
fn labels(bytes: &[u8]) -> Vec<String> {
    bytes
        .split(|b| *b == b'\n')
        .filter_map(|line| line.trim_ascii().strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----"))
        .map(|label| String::from_utf8_lossy(label).into_owned())
        .collect()
}

fn damage(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => {
            "a PEM block has no -----END ...----- line; the file was cut off".to_owned()
        }
        pem::Error::IllegalSectionStart { line } => {
            format!("\"{}\" does not begin a PEM block", String::from_utf8_lossy(line).trim())
        }
        pem::Error::Base64Decode(_) => "a PEM block holds something that is not base64".to_owned(),
        other => other.to_string(),
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle)
}

/// The system's bundle of all public CAs has less than 1 MiB.
const LARGEST: u64 = 16 << 20;
/// How many kinds of PEM blocks a complaint lists.
const SHOWN: usize = 4;
