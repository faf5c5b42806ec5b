//! What a CA's responder is asked about a certificate, and what its answer is worth, RFC 6960. An answer counts if it
//! is about this certificate, of this hour, and signed by the certificate's issuer or by whom the issuer charged with
//! answering. Called by `answers`, with what peers staple and with what was fetched; nothing in an answer can panic.

use super::certificate::{Certificate, OCSP_SIGNING, bits};
use super::der::{self, NotDer, Reader};
use super::path::{self, Signed};
use super::{moment, show};
use aws_lc_rs::digest;
use x509_cert::der::asn1::{ObjectIdentifier, OctetString};
use x509_cert::der::{Any, Decode, Encode};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse,
    OcspResponseStatus, Request, SingleResponse, TbsRequest, Version,
};

/// What a responder said of one certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it was revoked; None = it is good.
    pub revoked: Option<i64>,
    /// From and until when this counts. Seconds since 1970.
    pub since: i64,
    pub until: i64,
}

/// The DER of a question. None if the certificate is such that there is none.
pub fn question(own: &Certificate<'_>, issuer: &Certificate<'_>) -> Option<Vec<u8>> {
    // Every responder knows SHA-1 here, many nothing else; it names a certificate and protects nothing.
    let hash = &digest::SHA1_FOR_LEGACY_USE_ONLY;
    let req_cert = CertId {
        hash_algorithm: AlgorithmIdentifierOwned { oid: SHA1, parameters: Some(Any::null()) },
        issuer_name_hash: OctetString::new(digest::digest(hash, issuer.name).as_ref()).ok()?,
        issuer_key_hash: OctetString::new(digest::digest(hash, key_bits(issuer).ok()?).as_ref()).ok()?,
        serial_number: serial(own)?,
    };
    let request = OcspRequest {
        tbs_request: TbsRequest {
            version: Version::V1,
            requestor_name: None,
            request_list: vec![Request { req_cert, single_request_extensions: None }],
            request_extensions: None,
        },
        optional_signature: None,
    };
    request.to_der().ok()
}

/// The answer about `own` in a responder's DER, if it can be relied upon at `now`. Otherwise why not, in words.
pub fn read(
    answer: &[u8],
    own: &Certificate<'_>,
    issuer: &Certificate<'_>,
    now: i64,
) -> Result<Answer, String> {
    let damaged = |_| "the answer is damaged".to_owned();
    let outer = OcspResponse::from_der(answer).map_err(damaged)?;
    if outer.response_status != OcspResponseStatus::Successful {
        return Err(format!("the responder says {}", refusal(outer.response_status)));
    }
    let bytes = outer.response_bytes.ok_or("the answer is empty")?;
    if bytes.response_type != BASIC {
        return Err(format!("the answer is of an unknown kind, {}", bytes.response_type));
    }
    let basic = bytes.response.as_bytes();
    signed_by_issuer(basic, issuer, now)?;
    let basic = BasicOcspResponse::from_der(basic).map_err(damaged)?;
    let about = |single: &&SingleResponse| is_about(&single.cert_id, own, issuer);
    let single = basic.tbs_response_data.responses.iter().find(about);
    let single = single.ok_or("the answer is about another certificate")?;
    let since = seconds(&single.this_update);
    let until = single.next_update.as_ref().map_or(since + BRIEFLY, seconds);
    if since > now + SKEW {
        return Err(format!("the answer counts from {} only", moment::words(since)));
    }
    if until < now - SKEW {
        return Err(format!("the answer counted until {}", moment::words(until)));
    }
    match &single.cert_status {
        CertStatus::Good(_) => Ok(Answer { revoked: None, since, until }),
        CertStatus::Revoked(info) => {
            Ok(Answer { revoked: Some(seconds(&info.revocation_time)), since, until })
        }
        CertStatus::Unknown(_) => Err("the responder does not know it".to_owned()),
    }
}

/// RFC 6960 4.2.2.2: the issuer signs answers itself, or names one who may in a certificate for just that.
fn signed_by_issuer(basic: &[u8], issuer: &Certificate<'_>, now: i64) -> Result<(), String> {
    let (signed, certificates) = parts(basic).map_err(|NotDer| "the answer is damaged".to_owned())?;
    if signed.by(issuer.key).is_ok() {
        return Ok(());
    }
    let charged = |one: &Certificate<'_>| {
        one.issuer == issuer.subject
            && one.purposes.as_ref().is_some_and(|all| all.contains(&OCSP_SIGNING))
            && (one.not_before..=one.not_after).contains(&now)
            && path::signed_by(one, issuer).is_ok()
    };
    let mut charged = certificates.iter().filter_map(|der| Certificate::read(der).ok()).filter(charged);
    if charged.any(|one| signed.by(one.key).is_ok()) {
        return Ok(());
    }
    let issuer = show::subject(issuer.subject);
    Err(format!("the answer is signed neither by {issuer} nor by whom it charged with answering"))
}

/// What the signature covers, it itself, and the certificates that came along.
fn parts(basic: &[u8]) -> Result<(Signed<'_>, Vec<&[u8]>), NotDer> {
    let mut fields = Reader::new(der::whole(basic, der::SEQUENCE)?.contents);
    let signed = Signed {
        bytes: fields.take(der::SEQUENCE)?.whole,
        algorithm: fields.take(der::SEQUENCE)?.contents,
        signature: bits(fields.take(der::BIT_STRING)?.contents)?,
    };
    let mut certificates = Vec::new();
    if let Some(tagged) = fields.optional(der::context(0))? {
        let mut list = Reader::new(der::whole(tagged.contents, der::SEQUENCE)?.contents);
        while !list.is_empty() && certificates.len() < CERTIFICATES {
            certificates.push(list.take(der::SEQUENCE)?.whole);
        }
    }
    Ok((signed, certificates))
}

fn is_about(id: &CertId, own: &Certificate<'_>, issuer: &Certificate<'_>) -> bool {
    let hash = match id.hash_algorithm.oid {
        SHA1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        SHA256 => &digest::SHA256,
        SHA384 => &digest::SHA384,
        SHA512 => &digest::SHA512,
        _ => return false,
    };
    let Ok(key) = key_bits(issuer) else { return false };
    serial(own).as_ref() == Some(&id.serial_number)
        && id.issuer_name_hash.as_bytes() == digest::digest(hash, issuer.name).as_ref()
        && id.issuer_key_hash.as_bytes() == digest::digest(hash, key).as_ref()
}

/// The key alone, without its algorithm.
fn key_bits<'a>(issuer: &Certificate<'a>) -> Result<&'a [u8], NotDer> {
    let mut fields = Reader::new(der::whole(issuer.key, der::SEQUENCE)?.contents);
    fields.take(der::SEQUENCE)?;
    bits(fields.take(der::BIT_STRING)?.contents)
}

fn serial(own: &Certificate<'_>) -> Option<SerialNumber> {
    let length = u8::try_from(own.serial.len()).ok().filter(|length| *length < 0x80)?;
    let mut integer = vec![der::INTEGER, length];
    integer.extend_from_slice(own.serial);
    SerialNumber::from_der(&integer).ok()
}

fn seconds(time: &OcspGeneralizedTime) -> i64 {
    i64::try_from(time.0.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

fn refusal(status: OcspResponseStatus) -> &'static str {
    match status {
        OcspResponseStatus::Successful => "nothing",
        OcspResponseStatus::MalformedRequest => "that it cannot read the question",
        OcspResponseStatus::InternalError => "that it has an error",
        OcspResponseStatus::TryLater => "to try later",
        OcspResponseStatus::SigRequired => "that it wants signed questions",
        OcspResponseStatus::Unauthorized => "that it does not answer for this CA",
    }
}

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");
/// id-pkix-ocsp-basic.
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
/// Seconds that two clocks may differ.
const SKEW: i64 = 300;
/// Seconds that an answer counts which does not say until when: newer ones are to be had at any time.
const BRIEFLY: i64 = 3600;
/// An answer needs one certificate; some send the path.
const CERTIFICATES: usize = 8;
