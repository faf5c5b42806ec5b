//! Our certificate and its key from their files, in OpenSSL's types.

use crate::words;
use openssl::pkey::{Id, PKey, Private};
use openssl::x509::X509;
use sysloom_sdk::Complaint;
use sysloom_sdk::tls::{Daemon, files};

/// What we present: our certificate, its intermediates and the key.
pub struct Identity {
    pub certificate: X509,
    pub intermediates: Vec<X509>,
    pub key: PKey<Private>,
}

/// Reads our certificate with its intermediates and the key that belongs to it.
pub fn identity(
    cert_file: &str,
    key_file: &str,
    pass_file: Option<&str>,
    daemon: &dyn Daemon,
) -> Result<Identity, Complaint> {
    let chain = files::certificates(files::CERT_FILE, "certificate file", cert_file)?;
    let text = files::key_text(key_file, daemon)?;
    let key = match (text.encrypted, pass_file) {
        // Whatever it may find to ask for, nobody is there to answer.
        (false, _) => PKey::private_key_from_pem_callback(&text.pem, |_| Ok(0)).ok(),
        (true, Some(pass_file)) => Some(opened(&text.pem, key_file, pass_file, daemon)?),
        (true, None) => {
            return Err(files::is_encrypted(
                key_file,
                "; or name a file with it in streamDriver.keyPassFile",
            ));
        }
    };
    let key = key.filter(is_usable);
    let key = key.ok_or_else(|| files::is_unusable(key_file))?;
    let ours = key.public_key_to_der().map_err(|_| files::is_unusable(key_file))?;
    files::check_pair(&chain, &ours, cert_file, key_file)?;
    if let Some(own) = chain.first() {
        files::warn_if_out_of_date(own, cert_file, daemon);
    }
    let mut certificates =
        chain.iter().map(|der| X509::from_der(der)).collect::<Result<Vec<_>, _>>().map_err(|e| {
            Complaint::new(format!("certificate file '{cert_file}' cannot be used: {e}"))
                .param(files::CERT_FILE)
        })?;
    // `certificates` returns one at least.
    let certificate = certificates.remove(0);
    Ok(Identity { certificate, intermediates: certificates, key })
}

fn opened(
    pem: &[u8],
    key_file: &str,
    pass_file: &str,
    daemon: &dyn Daemon,
) -> Result<PKey<Private>, Complaint> {
    let passphrase = files::passphrase(pass_file, daemon)?;
    PKey::private_key_from_pem_passphrase(pem, &passphrase).map_err(|e| {
        Complaint::new(format!(
            "the passphrase in passphrase file '{pass_file}' does not open the key in key file '{key_file}' ({})",
            words::plain(&e)
        ))
        .param(files::KEY_PASS_FILE)
    })
}

/// The kinds of keys that every driver takes.
fn is_usable(key: &PKey<Private>) -> bool {
    match key.id() {
        Id::RSA | Id::RSA_PSS => key.bits() >= 2048,
        Id::EC => matches!(key.bits(), 256 | 384 | 521),
        id => id == Id::ED25519,
    }
}
