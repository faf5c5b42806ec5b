//! What a responder's answer is worth: by whom it is signed, about what, and when. tests/suites/revocation.rs has the
//! parameter and openssl's responder.

use super::super::certificate::Certificate;
use super::super::ocsp::{self, Answer};
use super::fixtures::{Ca, NOW, plan};
use std::time::Duration;
use x509_cert::der::asn1::{BitString, GeneralizedTime, Null, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{
    BasicOcspResponse, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse, OcspResponseStatus,
    ResponderId, ResponseData, RevokedInfo, SingleResponse, Version,
};

/// An answer to be, about the certificate of the question.
struct Draft<'a> {
    question: Vec<u8>,
    signer: &'a Ca,
    along: Vec<&'a Ca>,
    status: CertStatus,
    /// Hours from now.
    since: i64,
    until: Option<i64>,
}

impl<'a> Draft<'a> {
    fn new(own: &Ca, issuer: &Ca, signer: &'a Ca) -> Self {
        let question = ocsp::question(&read(own), &read(issuer)).unwrap();
        Self { question, signer, along: Vec::new(), status: CertStatus::good(), since: -1, until: Some(1) }
    }

    fn made(&self) -> Vec<u8> {
        let asked = OcspRequest::from_der(&self.question).unwrap().tbs_request.request_list.remove(0);
        let tbs_response_data = ResponseData {
            version: Version::V1,
            responder_id: ResponderId::ByKey(OctetString::new([7; 20]).unwrap()),
            produced_at: hours(0),
            responses: vec![SingleResponse {
                cert_id: asked.req_cert,
                cert_status: self.status,
                this_update: hours(self.since),
                next_update: self.until.map(hours),
                single_extensions: None,
            }],
            response_extensions: None,
        };
        let signature = self.signer.sign(&tbs_response_data.to_der().unwrap());
        let certs = self.along.iter().map(|ca| x509_cert::Certificate::from_der(&ca.der).unwrap()).collect();
        let basic = BasicOcspResponse {
            tbs_response_data,
            signature_algorithm: AlgorithmIdentifierOwned { oid: ECDSA_SHA256, parameters: None },
            signature: BitString::from_bytes(&signature).unwrap(),
            certs: Some(certs).filter(|certs: &Vec<_>| !certs.is_empty()),
        };
        OcspResponse::successful(basic).unwrap().to_der().unwrap()
    }
}

struct Town {
    ca: Ca,
    own: Ca,
    other: Ca,
}

impl Town {
    fn new() -> Self {
        let ca = plan("CA").ca(None).self_issued();
        let own = plan("a").dns(&["a.example.test"]).issued_by(&ca);
        Self { own, other: plan("b").issued_by(&ca), ca }
    }

    fn draft<'a>(&self, signer: &'a Ca) -> Draft<'a> {
        Draft::new(&self.own, &self.ca, signer)
    }

    fn verdict(&self, answer: &[u8]) -> Result<Answer, String> {
        ocsp::read(answer, &read(&self.own), &read(&self.ca), NOW as i64)
    }

    fn refused(&self, answer: &[u8], words: &str) {
        let why = self.verdict(answer).unwrap_err();
        assert!(why.contains(words), "{why:?} instead of {words:?}");
    }
}

#[test]
fn the_issuers_answer_counts_and_a_strangers_does_not() {
    let town = Town::new();
    let now = NOW as i64;
    let good = town.verdict(&town.draft(&town.ca).made());
    assert_eq!(good, Ok(Answer { revoked: None, since: now - 3600, until: now + 3600 }));
    let info = RevokedInfo { revocation_time: hours(-30), revocation_reason: None };
    let revoked = Draft { status: CertStatus::revoked(info), ..town.draft(&town.ca) };
    assert_eq!(town.verdict(&revoked.made()).unwrap().revoked, Some(now - 30 * 3600));
    town.refused(
        &Draft { status: CertStatus::Unknown(Null), ..town.draft(&town.ca) }.made(),
        "does not know it",
    );
    let twin = plan("CA").ca(None).self_issued();
    town.refused(&town.draft(&twin).made(), "is signed neither by");
    town.refused(&Draft { along: vec![&twin], ..town.draft(&twin) }.made(), "is signed neither by");
}

#[test]
fn whom_the_issuer_charged_may_answer() {
    let town = Town::new();
    let charged = || plan("OCSP").purposes(&[rcgen::ExtendedKeyUsagePurpose::OcspSigning]);
    let answer = |signer: &Ca| Draft { along: vec![&town.own, signer], ..town.draft(signer) }.made();
    assert!(town.verdict(&answer(&charged().issued_by(&town.ca))).is_ok());
    let twin = plan("CA").ca(None).self_issued();
    for signer in [
        plan("OCSP").issued_by(&town.ca),
        charged().issued_by(&twin),
        charged().until(2025).issued_by(&town.ca),
        charged().since(2027).issued_by(&town.ca),
        charged().self_issued(),
    ] {
        town.refused(&answer(&signer), "is signed neither by");
    }
}

#[test]
fn an_answer_is_about_one_certificate_and_one_hour() {
    let town = Town::new();
    town.refused(&Draft::new(&town.other, &town.ca, &town.ca).made(), "about another certificate");
    let twin = plan("CA").ca(None).self_issued();
    town.refused(&Draft::new(&town.own, &twin, &town.ca).made(), "about another certificate");
    town.refused(&Draft { since: 1, until: Some(2), ..town.draft(&town.ca) }.made(), "counts from");
    town.refused(&Draft { since: -9, until: Some(-1), ..town.draft(&town.ca) }.made(), "counted until");
    town.refused(&Draft { since: -9, until: None, ..town.draft(&town.ca) }.made(), "counted until");
    assert!(town.verdict(&Draft { since: 0, until: None, ..town.draft(&town.ca) }.made()).is_ok());
}

#[test]
fn what_is_no_answer_says_what_it_is() {
    let town = Town::new();
    for (status, words) in [
        (OcspResponseStatus::TryLater, "try later"),
        (OcspResponseStatus::Unauthorized, "does not answer for this CA"),
        (OcspResponseStatus::InternalError, "has an error"),
    ] {
        let answer = OcspResponse { response_status: status, response_bytes: None }.to_der().unwrap();
        town.refused(&answer, words);
    }
    town.refused(b"<html>", "damaged");
    town.refused(b"", "damaged");
    let good = town.draft(&town.ca).made();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        assert!(town.verdict(&changed).is_err(), "octet {at} was changed");
        assert!(town.verdict(&good[..at]).is_err(), "cut at {at}");
    }
}

fn read(ca: &Ca) -> Certificate<'_> {
    Certificate::read(&ca.der).unwrap()
}

fn hours(from_now: i64) -> OcspGeneralizedTime {
    let at = Duration::from_secs((NOW as i64 + from_now * 3600) as u64);
    OcspGeneralizedTime(GeneralizedTime::from_unix_duration(at).unwrap())
}

const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
