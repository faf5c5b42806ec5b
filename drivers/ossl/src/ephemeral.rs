//! The certificate of a server that has none: made at start, kept in memory, self-signed, worth nothing to anybody who
//! verifies. rsyslog uses anonymous Diffie-Hellman in that place, which TLS 1.3 no longer has.

use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Name};
use sysloom_sdk::Complaint;

/// Makes a key and a certificate for it.
pub fn make() -> Result<(X509, PKey<Private>), Complaint> {
    self_signed()
        .map_err(|e| Complaint::new(format!("cannot make an ephemeral certificate for auth mode anon: {e}")))
}

fn self_signed() -> Result<(X509, PKey<Private>), ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::COMMONNAME, "sysloom ephemeral")?;
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(128, openssl::bn::MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*Asn1Integer::from_bn(&serial)?)?;
    builder.set_subject_name(&name)?;
    builder.set_issuer_name(&name)?;
    builder.set_pubkey(&key)?;
    // It lives as long as the daemon runs, and a daemon may run for years.
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(3650)?)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok((builder.build(), key))
}
