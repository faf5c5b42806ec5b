//! Certificates for one try: an authority, and one certificate for each side. The authority's key is not kept, so nobody
//! can issue more of them.

use super::Failed;
use super::folder::Folder;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::time::{Duration, SystemTime};

/// Writes `ca.pem`, and for `collector` and `client` NAME.pem and NAME-key.pem.
pub fn write(folder: &Folder) -> Result<(), Failed> {
    let key = KeyPair::generate()?;
    let mut params = named("quick start CA", Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    folder.write("ca.pem", &params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);
    for (side, name) in [("collector", COLLECTOR), ("client", CLIENT)] {
        let key = KeyPair::generate()?;
        let mut params = named(name, vec![name.to_owned()])?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        folder.write(&format!("{side}.pem"), &params.signed_by(&key, &issuer)?.pem())?;
        folder.write(&format!("{side}-key.pem"), &key.serialize_pem())?;
    }
    Ok(())
}

fn named(cn: &str, names: Vec<String>) -> Result<CertificateParams, Failed> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, cn);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let day = Duration::from_secs(24 * 60 * 60);
    params.not_before = date_time_ymd(1970, 1, 1) + now - day;
    params.not_after = params.not_before + 30 * day;
    Ok(params)
}

/// The names by which the two know each other.
pub const COLLECTOR: &str = "collector.example.net";
pub const CLIENT: &str = "client.example.net";
