//! The certificate of a server that has none: made at start, kept in memory, self-signed, worth nothing to anybody who
//! verifies. rustls knows no anonymous Diffie-Hellman, which rsyslog uses in that place.

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sysloom_sdk::Complaint;

/// Makes a key and a certificate for it.
pub fn make() -> Result<CertifiedKey, Complaint> {
    let failed = |why: String| {
        Complaint::new(format!("cannot make an ephemeral certificate for auth mode anon: {why}"))
    };
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|e| failed(e.to_string()))?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "sysloom ephemeral");
    let certificate = params.self_signed(&key).map_err(|e| failed(e.to_string()))?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = any_supported_type(&key).map_err(|e| failed(e.to_string()))?;
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
}
