//! Certificates and keys from PEM files. Everything that can be wrong with such a file has words of its own: whose file
//! it is, what was found in it, and what to do.

use super::pem::labels;
use super::{Daemon, der, pem};
use crate::{Complaint, Level};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Names of the parameters that complaints are about.
pub const CA_FILE: &str = "streamDriver.CAFile";
pub const CA_EXTRA_FILES: &str = "streamDriver.CAExtraFiles";
pub const CERT_FILE: &str = "streamDriver.CertFile";
pub const KEY_FILE: &str = "streamDriver.KeyFile";
pub const KEY_PASS_FILE: &str = "streamDriver.keyPassFile";

/// The text of a key file.
pub struct KeyText {
    pub pem: Vec<u8>,
    /// It can be read with a passphrase only.
    pub encrypted: bool,
}

/// Reads all certificates of a file; there is at least one, and each is one in outline.
pub fn certificates(param: &'static str, what: &str, path: &str) -> Result<Vec<Vec<u8>>, Complaint> {
    let bytes = read(param, what, path)?;
    let complain = |text: String| Complaint::new(text).param(param);
    let blocks = pem::blocks(&bytes).map_err(|why| complain(format!("{what} '{path}' is damaged: {why}")))?;
    let all: Vec<_> = blocks.into_iter().filter(|b| b.label == "CERTIFICATE").map(|b| b.der).collect();
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

/// Reads a key file, which holds a private key that a library may read.
pub fn key_text(path: &str, daemon: &dyn Daemon) -> Result<KeyText, Complaint> {
    let bytes = read(KEY_FILE, "key file", path)?;
    warn_if_readable("key file", path, daemon);
    let complain = |text: String| Complaint::new(text).param(KEY_FILE);
    let kinds = labels(&bytes);
    if kinds.iter().any(|k| k == "OPENSSH PRIVATE KEY") {
        return Err(complain(format!(
            "key file '{path}' holds a key in OpenSSH's own format; convert it: ssh-keygen -p -m PKCS8 -f {path}"
        )));
    }
    let encrypted =
        kinds.iter().any(|k| k == "ENCRYPTED PRIVATE KEY") || contains(&bytes, b"Proc-Type: 4,ENCRYPTED");
    if !encrypted {
        pem::blocks(&bytes).map_err(|why| complain(format!("key file '{path}' is damaged: {why}")))?;
        if !kinds.iter().any(|k| KEYS.contains(&k.as_str())) {
            return Err(complain(format!(
                "key file '{path}' holds no private key: {}; it must hold a PEM block such as -----BEGIN PRIVATE KEY-----",
                found(&bytes)
            )));
        }
    }
    Ok(KeyText { pem: bytes, encrypted })
}

/// The passphrase in a file: its first line.
pub fn passphrase(path: &str, daemon: &dyn Daemon) -> Result<Vec<u8>, Complaint> {
    let bytes = read(KEY_PASS_FILE, "passphrase file", path)?;
    warn_if_readable("passphrase file", path, daemon);
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        let text =
            format!("passphrase file '{path}' is to hold the passphrase in its first line, which is empty");
        return Err(Complaint::new(text).param(KEY_PASS_FILE));
    }
    Ok(line.to_vec())
}

/// The first private key of a text that [`key_text`] has read and that is not encrypted: its label and its bytes.
pub fn first_key(pem: &[u8]) -> Option<pem::Block> {
    pem::blocks(pem).ok()?.into_iter().find(|b| KEYS.contains(&b.label.as_str()))
}

/// An encrypted key, and nobody who knows how to open it. `advice` says what else may be done.
pub fn is_encrypted(path: &str, advice: &str) -> Complaint {
    Complaint::new(format!(
        "the key in key file '{path}' is encrypted, and nobody is there to type a passphrase; write it without one: \
         openssl pkey -in {path} -out NEW, mode 0600{advice}"
    ))
    .param(KEY_FILE)
}

/// A key that TLS has no use for.
pub fn is_unusable(path: &str) -> Complaint {
    Complaint::new(format!(
        "the key in key file '{path}' cannot be used: it is damaged or of a kind that TLS here does not know (known: RSA \
         of 2048 bits or more, ECDSA with P-256, P-384 or P-521, Ed25519)"
    ))
    .param(KEY_FILE)
}

/// Compares the key's SubjectPublicKeyInfo with the chain's first: a library may find out in the first handshake only.
pub fn check_pair(chain: &[Vec<u8>], ours: &[u8], cert_file: &str, key_file: &str) -> Result<(), Complaint> {
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
pub fn warn_if_out_of_date(certificate: &[u8], path: &str, daemon: &dyn Daemon) {
    let Some((from, to)) = der::validity(certificate) else { return };
    let Some(now) =
        SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|n| i64::try_from(n.as_secs()).ok())
    else {
        return;
    };
    let what = match (now < from, now > to) {
        (true, _) => "is not valid yet (or this host's clock is wrong)",
        (_, true) => "has expired; renew it",
        _ => return,
    };
    let text = format!("peers may refuse us: the certificate in certificate file '{path}' {what}");
    daemon.log(Level::Warning, &text);
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

fn warn_if_readable(what: &str, path: &str, daemon: &dyn Daemon) {
    let Ok(facts) = fs::metadata(path) else { return };
    let mode = facts.permissions().mode() & 0o7777;
    if mode & 0o004 != 0 {
        let text = format!(
            "{what} '{path}' can be read by everybody on this host (mode {mode:04o}); change it: chmod 0600 {path}"
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

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|w| w == needle)
}

/// The system's bundle of all public CAs has less than 1 MiB.
const LARGEST: u64 = 16 << 20;
/// Labels of private keys.
const KEYS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
/// How many kinds of PEM blocks a complaint lists.
const SHOWN: usize = 4;
