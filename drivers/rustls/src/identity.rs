//! Our certificate and its key from their files, in rustls' types.

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sysloom_sdk::Complaint;
use sysloom_sdk::tls::{Daemon, files};

/// Reads our certificate with its intermediates and the key that belongs to it.
pub fn identity(cert_file: &str, key_file: &str, daemon: &dyn Daemon) -> Result<CertifiedKey, Complaint> {
    let chain = files::certificates(files::CERT_FILE, "certificate file", cert_file)?;
    let text = files::key_text(key_file, daemon)?;
    if text.encrypted {
        return Err(files::is_encrypted(
            key_file,
            "; the driver ossl can open it (streamDriver.keyPassFile)",
        ));
    }
    let unusable = || files::is_unusable(key_file);
    let block = files::first_key(&text.pem).ok_or_else(unusable)?;
    let key = match block.label.as_str() {
        "RSA PRIVATE KEY" => PrivateKeyDer::Pkcs1(block.der.into()),
        "EC PRIVATE KEY" => PrivateKeyDer::Sec1(block.der.into()),
        _ => PrivateKeyDer::Pkcs8(block.der.into()),
    };
    let key = any_supported_type(&key).map_err(|_| unusable())?;
    if let Some(ours) = key.public_key() {
        files::check_pair(&chain, &ours, cert_file, key_file)?;
    }
    if let Some(own) = chain.first() {
        files::warn_if_out_of_date(own, cert_file, daemon);
    }
    Ok(CertifiedKey::new(chain.into_iter().map(CertificateDer::from).collect(), key))
}
