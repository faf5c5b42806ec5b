//! From a peer's certificate to one that is trusted, RFC 5280. rustls-webpki builds and checks the path; where syslog
//! needs another answer than it gives, a function below gives it and says why:
//!
//! 1. [`itself_trusted`]: a certificate that stands in the CA file is trusted as itself, CA or not, self-signed or not.
//! 2. [`directly_issued`]: X.509 v1, and CA certificates used by a peer as its own, are accepted right below an anchor.
//! 3. [`Case::attempt`] at an earlier time: expired certificates by permitExpiredCerts.
//! 4. [`Case::accept`]: what rustls-webpki leaves open, which is an anchor's own validity and path length,
//!    keyCertSign of intermediates, tlsVerifyDepth, and the age of revocation lists.
//! 5. [`Purpose`]: key purposes only by checkExtendedKeyPurpose, and then anyExtendedKeyUsage is one for all.

use super::certificate::{CLIENT_AUTH, Certificate, SERVER_AUTH};
use super::trust::Trust;
use super::{moment, show};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use std::cell::RefCell;
use std::time::Duration;
use thiserror::Error;
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, RawPublicKeyEntity,
    RequiredEkuNotFoundContext, RevocationOptions, RevocationOptionsBuilder, UnknownStatusPolicy,
    VerifiedPath,
};

/// How strict a path is judged.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub permit_expired: bool,
    /// checkExtendedKeyPurpose.
    pub check_purpose: bool,
    /// The peer is a client.
    pub of_client: bool,
    /// Intermediate CAs at most; None = as many as can be checked.
    pub depth: Option<usize>,
}

/// A peer's certificate leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PathFault {
    #[error("{whose} expired on {when}")]
    Expired { whose: String, when: String },
    #[error("{whose} is not valid before {when}")]
    NotYetValid { whose: String, when: String },
    #[error("no path leads to a trusted CA: {0} is none")]
    UnknownIssuer(String),
    #[error("it is self-signed and not trusted itself")]
    SelfSigned,
    #[error("its signature, or a CA's, was not made with the key of the issuer that it names, {0}")]
    Signature(String),
    #[error("it, or a CA's, is revoked")]
    Revoked,
    #[error("the revocation list of {file} is out of date since {when}")]
    CrlExpired { file: String, when: String },
    #[error("the revocation list cannot be used: {0}")]
    Crl(&'static str),
    #[error("it was revoked on {0}, says its CA's OCSP responder")]
    RevokedSince(String),
    #[error("nobody says whether it is revoked: {0}")]
    RevocationUnknown(String),
    #[error("it is not for {0}, says its extended key usage")]
    Purpose(&'static str),
    #[error("a certificate of its path is no CA's: {0}")]
    NotCa(String),
    #[error("its path has more than {0} intermediate CAs")]
    TooDeep(usize),
    #[error("a CA of its path may not have so many CAs below it")]
    PathLength,
    #[error("a CA of its path may not issue certificates for these names")]
    NameConstraints,
    #[error("it is an X.509 v{0} certificate, which must be issued by a trusted CA directly")]
    Version(u8),
    #[error("it is a CA's own certificate, which must be trusted or issued by a trusted CA directly")]
    CaItself,
    #[error("its critical extension {0} is not known here")]
    CriticalExtension(String),
    #[error("a certificate of its path has a critical extension that is not known here")]
    CriticalExtensionAbove,
    #[error(
        "it, or a CA's, is signed by an algorithm that is not accepted, such as SHA-1, MD5 or RSA below 2048 bits"
    )]
    Algorithm,
    #[error("too many paths would have to be tried")]
    TooMuchWork,
    #[error("it, or a CA's, is damaged ({0})")]
    Damaged(String),
}

/// Judges the path from `own` to what is trusted: fine, or with the certificates that are expired and permitted.
pub fn judge(
    own: &Certificate<'_>,
    sent: &[CertificateDer<'_>],
    trust: &Trust,
    rules: Rules,
    now: i64,
) -> Result<Vec<PathFault>, PathFault> {
    let case = Case { own, sent, trust, rules, now, aside: RefCell::default() };
    if let Some(verdict) = itself_trusted(&case) {
        return verdict;
    }
    let first = match case.attempt(now) {
        Ok(()) => return Ok(case.expired()),
        Err(fault) => fault,
    };
    let verdict = match first {
        PathFault::Expired { .. } if rules.permit_expired => case.attempt_earlier(first),
        fault => Err(fault),
    };
    match verdict {
        Err(PathFault::Version(_) | PathFault::CaItself) => directly_issued(&case),
        verdict => verdict.map(|()| case.expired()),
    }
}

struct Case<'a> {
    own: &'a Certificate<'a>,
    sent: &'a [CertificateDer<'a>],
    trust: &'a Trust,
    rules: Rules,
    now: i64,
    /// What `accept` had against the path that it refused last.
    aside: RefCell<Option<(Error, PathFault)>>,
}

impl Case<'_> {
    /// The whole path at one time.
    fn attempt(&self, at: i64) -> Result<(), PathFault> {
        let der = CertificateDer::from(self.own.der);
        let own = EndEntityCert::try_from(&der).map_err(|why| self.words(&why))?;
        let crls: Vec<_> = self.trust.crls.iter().map(|crl| &crl.list).collect();
        let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at).unwrap_or(0)));
        let accept = |path: &VerifiedPath<'_>| self.accept(path);
        self.aside.take();
        own.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &self.trust.anchors,
            self.sent,
            at,
            Purpose { wanted: self.purpose() },
            revocation(&crls),
            Some(&accept),
        )
        .map_err(|why| self.words(&why))?;
        Ok(())
    }

    /// Deviation: rustls-webpki knows one time for all certificates of a path. An expired one is permitted if the path
    /// was valid when it still held, so the times at which one of them ended are tried, the latest first.
    fn attempt_earlier(&self, first: PathFault) -> Result<(), PathFault> {
        let sent = self.sent.iter().filter_map(|der| Certificate::read(der).ok());
        let mut ends: Vec<i64> = sent
            .map(|sent| sent.not_after)
            .chain([self.own.not_after])
            .filter(|end| *end < self.now)
            .collect();
        ends.sort_unstable_by(|a, b| b.cmp(a));
        ends.dedup();
        for end in ends {
            match self.attempt(end) {
                Err(PathFault::Expired { .. }) => {}
                // Valid one after the other and never together.
                Err(PathFault::NotYetValid { .. }) => break,
                verdict => return verdict,
            }
        }
        if self.own.not_before > self.now { Err(not_yet(self.own)) } else { Err(first) }
    }

    /// Deviation: rustls-webpki's anchors are a name and a key. A CA file holds certificates, and a CA's says until
    /// when it is to be trusted and how many CAs may stand below it. keyCertSign of intermediates, a limit of the depth
    /// and the age of revocation lists at this hour (not at the path's) are judged here as well.
    fn accept(&self, path: &VerifiedPath<'_>) -> Result<(), Error> {
        let between: Vec<CertificateDer<'_>> =
            path.intermediate_certificates().map(webpki::Cert::der).collect();
        let verdict =
            self.accept_cas(&between, path.anchor().subject.as_ref()).and_then(|()| self.crls_of(&between));
        verdict.map_err(|fault| {
            let error = match &fault {
                PathFault::Expired { .. } | PathFault::CrlExpired { .. } => CRL_OUT_OF_DATE,
                PathFault::NotYetValid { .. } => CRL_OUT_OF_DATE,
                PathFault::TooDeep(_) => Error::MaximumPathDepthExceeded,
                PathFault::PathLength => Error::PathLenConstraintViolated,
                _ => Error::EndEntityUsedAsCa,
            };
            *self.aside.borrow_mut() = Some((error.clone(), fault));
            error
        })
    }

    fn accept_cas(&self, between: &[CertificateDer<'_>], anchor: &[u8]) -> Result<(), PathFault> {
        if let Some(limit) = self.rules.depth.filter(|limit| between.len() > *limit) {
            return Err(PathFault::TooDeep(limit));
        }
        for der in between {
            let ca = Certificate::read(der).map_err(|_| PathFault::Damaged("DER".to_owned()))?;
            if ca.may_sign == Some(false) {
                return Err(PathFault::NotCa(format!("{} lacks keyCertSign", show::subject(ca.subject))));
            }
        }
        // A CA that was renewed with its old key stands there twice; one good certificate is enough.
        let mut fault = PathFault::NotCa(show::subject(anchor));
        for ca in self.trust.issuers(anchor) {
            match self.accept_anchor(&ca, between.len()) {
                Ok(()) => return Ok(()),
                Err(why) => fault = why,
            }
        }
        Err(fault)
    }

    fn accept_anchor(&self, ca: &Certificate<'_>, below: usize) -> Result<(), PathFault> {
        self.in_time(ca)?;
        match ca.basic.and_then(|basic| basic.path_len) {
            Some(limit) if below > limit => Err(PathFault::PathLength),
            _ => Ok(()),
        }
    }

    fn crls_of(&self, between: &[CertificateDer<'_>]) -> Result<(), PathFault> {
        self.crl_in_time(self.own.issuer)?;
        let mut cas = between.iter().filter_map(|der| Certificate::read(der).ok());
        cas.try_for_each(|ca| self.crl_in_time(ca.issuer))
    }

    /// The newest list of that issuer, which is the one that was asked.
    fn crl_in_time(&self, issuer: &[u8]) -> Result<(), PathFault> {
        let Some(crl) = self.trust.crls.iter().find(|crl| crl.list.issuer() == issuer) else { return Ok(()) };
        match crl.next_update {
            Some(end) if end < self.now => {
                Err(PathFault::CrlExpired { file: crl.file.clone(), when: moment::words(end) })
            }
            _ => Ok(()),
        }
    }

    /// Whether a certificate that only this room looks at is valid now, or expired and permitted.
    fn in_time(&self, certificate: &Certificate<'_>) -> Result<(), PathFault> {
        if certificate.not_before > self.now {
            return Err(not_yet(certificate));
        }
        match expired(certificate, self.now) {
            Some(fault) if !self.rules.permit_expired => Err(fault),
            _ => Ok(()),
        }
    }

    fn purpose(&self) -> Option<&'static [u8]> {
        let purpose = if self.rules.of_client { CLIENT_AUTH } else { SERVER_AUTH };
        self.rules.check_purpose.then_some(purpose)
    }

    fn purpose_words(&self) -> &'static str {
        if self.rules.of_client { "a TLS client" } else { "a TLS server" }
    }

    /// All of the peer's certificates and trusted CAs named by them that are expired: what a warning tells.
    fn expired(&self) -> Vec<PathFault> {
        if !self.rules.permit_expired {
            return Vec::new();
        }
        let sent = self.sent.iter().filter_map(|der| Certificate::read(der).ok());
        let mut all: Vec<_> = sent.chain([self.own.clone()]).collect();
        let anchors: Vec<_> = all.iter().flat_map(|one| self.trust.issuers(one.issuer).last()).collect();
        all.extend(anchors);
        let mut faults: Vec<PathFault> = all.iter().filter_map(|one| expired(one, self.now)).collect();
        faults.dedup();
        faults
    }

    fn words(&self, why: &Error) -> PathFault {
        if let Some((error, fault)) = &*self.aside.borrow()
            && error == why
        {
            return fault.clone();
        }
        let issuer = || show::subject(self.own.issuer);
        match why {
            Error::CertExpired { not_after, .. } => {
                let at = seconds(*not_after);
                let whose = self.whose(|one| one.not_after == at);
                PathFault::Expired { whose, when: moment::words(at) }
            }
            Error::CertNotValidYet { not_before, .. } => {
                let at = seconds(*not_before);
                let whose = self.whose(|one| one.not_before == at);
                PathFault::NotYetValid { whose, when: moment::words(at) }
            }
            Error::UnknownIssuer if self.own.is_self_issued() => PathFault::SelfSigned,
            Error::UnknownIssuer => PathFault::UnknownIssuer(self.missing()),
            Error::InvalidSignatureForPublicKey => PathFault::Signature(issuer()),
            Error::CertRevoked => PathFault::Revoked,
            Error::InvalidCrlSignatureForPublicKey => {
                PathFault::Crl("it is not signed by the CA that it names")
            }
            Error::IssuerNotCrlSigner => PathFault::Crl("its CA may not sign revocation lists"),
            Error::UnsupportedCrlSignatureAlgorithmContext(_)
            | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => {
                PathFault::Crl("its signature's algorithm is not accepted")
            }
            Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => {
                PathFault::Purpose(self.purpose_words())
            }
            Error::EndEntityUsedAsCa => PathFault::NotCa(issuer()),
            Error::CaUsedAsEndEntity => PathFault::CaItself,
            Error::MaximumPathDepthExceeded => PathFault::TooDeep(MAX_DEPTH),
            Error::PathLenConstraintViolated => PathFault::PathLength,
            Error::NameConstraintViolation
            | Error::MalformedNameConstraint
            | Error::InvalidNetworkMaskConstraint => PathFault::NameConstraints,
            Error::UnsupportedCertVersion if self.own.version < 3 => PathFault::Version(self.own.version),
            Error::UnsupportedCriticalExtension => self.critical(),
            Error::UnsupportedSignatureAlgorithmContext(_)
            | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => PathFault::Algorithm,
            Error::MaximumSignatureChecksExceeded
            | Error::MaximumPathBuildCallsExceeded
            | Error::MaximumNameConstraintComparisonsExceeded => PathFault::TooMuchWork,
            other => PathFault::Damaged(format!("{other:?}")),
        }
    }

    fn critical(&self) -> PathFault {
        match self.own.unknown_critical {
            Some(oid) => PathFault::CriticalExtension(super::der::dotted(oid)),
            None => PathFault::CriticalExtensionAbove,
        }
    }

    /// The name of the certificate that rustls-webpki means, which tells only a time.
    fn whose(&self, is_it: impl Fn(&Certificate<'_>) -> bool) -> String {
        if is_it(self.own) {
            return "it".to_owned();
        }
        let sent = self.sent.iter().filter_map(|der| Certificate::read(der).ok());
        let ca = sent
            .filter(is_it)
            .map(|ca| format!("the certificate of its CA {}", show::subject(ca.subject)))
            .next();
        ca.unwrap_or_else(|| "a certificate of its path".to_owned())
    }

    /// The last issuer on the way up that was sent, or the first that was not.
    fn missing(&self) -> String {
        let sent: Vec<_> = self.sent.iter().filter_map(|der| Certificate::read(der).ok()).collect();
        let mut issuer = self.own.issuer;
        for _ in 0..sent.len() {
            match sent.iter().find(|ca| ca.subject == issuer && !ca.is_self_issued()) {
                Some(ca) => issuer = ca.issuer,
                None => break,
            }
        }
        show::subject(issuer)
    }
}

/// Deviation: rustls-webpki trusts CAs only. Syslog peers are often trusted one by one, and a self-signed certificate
/// (which `openssl req -x509` even marks as a CA's) is then both ends of its path: the administrator listed it, octet
/// for octet. Time, purpose and revocation are judged as ever. None = it is not listed.
fn itself_trusted(case: &Case<'_>) -> Option<Result<Vec<PathFault>, PathFault>> {
    if !case.trust.lists(case.own.der) {
        return None;
    }
    let verdict = case
        .in_time(case.own)
        .and_then(|()| by_itself(case))
        .map(|()| expired(case.own, case.now).into_iter().collect());
    Some(verdict)
}

/// Deviation: rustls-webpki refuses X.509 v1, which `openssl x509 -req` made for years when no extensions were asked
/// for, and CA certificates as a peer's own, which certtool makes if one question is answered wrongly. GnuTLS and
/// OpenSSL, and so rsyslog, take both. Here they are taken if a trusted CA signed them itself, without any CA between:
/// then one signature is the whole path. (Names of a constrained CA would have to be checked, so such a CA is not asked.)
fn directly_issued(case: &Case<'_>) -> Result<Vec<PathFault>, PathFault> {
    let own = case.own;
    let kind = if own.version < 3 { PathFault::Version(own.version) } else { PathFault::CaItself };
    if own.is_self_issued() {
        return Err(PathFault::SelfSigned);
    }
    if own.unknown_critical.is_some() {
        return Err(case.critical());
    }
    case.in_time(own)?;
    by_itself(case)?;
    let mut fault = kind;
    for ca in case.trust.issuers(own.issuer).filter(|ca| !ca.has_name_constraints) {
        match signed_by(own, &ca).and_then(|()| case.accept_anchor(&ca, 0)) {
            Ok(()) => return case.crl_in_time(own.issuer).map(|()| case.expired()),
            Err(why) => fault = why,
        }
    }
    Err(fault)
}

/// What is judged of a certificate that no path is built from: its purpose, and whether its issuer's list names it.
fn by_itself(case: &Case<'_>) -> Result<(), PathFault> {
    let own = case.own;
    if case.purpose().is_some_and(|purpose| !own.serves(purpose)) {
        return Err(PathFault::Purpose(case.purpose_words()));
    }
    for crl in case.trust.crls.iter().filter(|crl| crl.list.issuer() == own.issuer) {
        match crl.list.find_serial(own.serial) {
            Ok(None) => {}
            Ok(Some(_)) => return Err(PathFault::Revoked),
            Err(_) => return Err(PathFault::Crl("it is damaged")),
        }
    }
    Ok(())
}

/// Whether the CA's key signed the certificate.
pub fn signed_by(own: &Certificate<'_>, ca: &Certificate<'_>) -> Result<(), PathFault> {
    let signed = Signed { bytes: own.signed, algorithm: own.algorithm, signature: own.signature };
    signed.by(ca.key).map_err(|fault| match fault {
        SignatureFault::Wrong => PathFault::Signature(show::subject(own.issuer)),
        SignatureFault::Algorithm => PathFault::Algorithm,
        SignatureFault::Key(why) => PathFault::Damaged(why),
    })
}

/// Something with a signature, as certificates and answers of responders have it.
pub struct Signed<'a> {
    /// What the signature covers.
    pub bytes: &'a [u8],
    /// The contents of its AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    pub signature: &'a [u8],
}

/// Why a signature counts for nothing.
pub enum SignatureFault {
    Wrong,
    /// It is of a kind that is not accepted.
    Algorithm,
    /// The key cannot be read.
    Key(String),
}

impl Signed<'_> {
    /// Whether this key (a subjectPublicKeyInfo) made the signature.
    pub fn by(&self, key: &[u8]) -> Result<(), SignatureFault> {
        let key = SubjectPublicKeyInfoDer::from(key);
        let key =
            RawPublicKeyEntity::try_from(&key).map_err(|why| SignatureFault::Key(format!("{why:?}")))?;
        let mut fault = SignatureFault::Algorithm;
        for algorithm in webpki::ALL_VERIFICATION_ALGS {
            if algorithm.signature_alg_id().as_ref() != self.algorithm {
                continue;
            }
            match key.verify_signature(*algorithm, self.bytes, self.signature) {
                Ok(()) => return Ok(()),
                Err(Error::InvalidSignatureForPublicKey) => fault = SignatureFault::Wrong,
                Err(_) => {}
            }
        }
        Err(fault)
    }
}

/// rustls-webpki asks for a purpose always; syslog's certificates were made without thinking of it.
struct Purpose {
    wanted: Option<&'static [u8]>,
}

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let Some(wanted) = self.wanted else { return Ok(()) };
        let required = if wanted == CLIENT_AUTH { KeyUsage::client_auth() } else { KeyUsage::server_auth() };
        let mut present = Vec::new();
        for purpose in purposes {
            let purpose = purpose?.to_decoded_oid();
            // RFC 5280 4.2.1.12: anyExtendedKeyUsage restricts nothing.
            if purpose == ANY || required.oid_values().eq(purpose.iter().copied()) {
                return Ok(());
            }
            present.push(purpose);
        }
        // RFC 5280 4.2.1.12: without the extension, the key is for everything.
        if present.is_empty() {
            return Ok(());
        }
        Err(Error::RequiredEkuNotFoundContext(RequiredEkuNotFoundContext { required, present }))
    }
}

/// A CA without a list here is not asked. rsyslog's gtls does the same.
fn revocation<'a>(crls: &'a [&'a webpki::CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
    let builder = RevocationOptionsBuilder::new(crls).ok()?;
    Some(builder.with_status_policy(UnknownStatusPolicy::Allow).build())
}

fn expired(certificate: &Certificate<'_>, now: i64) -> Option<PathFault> {
    (certificate.not_after < now).then(|| PathFault::Expired {
        whose: format!("the certificate of {}", show::subject(certificate.subject)),
        when: moment::words(certificate.not_after),
    })
}

fn not_yet(certificate: &Certificate<'_>) -> PathFault {
    PathFault::NotYetValid {
        whose: format!("the certificate of {}", show::subject(certificate.subject)),
        when: moment::words(certificate.not_before),
    }
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

/// As many intermediates as rustls-webpki follows.
pub const MAX_DEPTH: usize = 6;
/// A mark for `Case::aside`: an error that comes from nowhere else, since lists' ages are judged here alone.
const CRL_OUT_OF_DATE: Error = Error::CrlExpired {
    time: UnixTime::since_unix_epoch(Duration::ZERO),
    next_update: UnixTime::since_unix_epoch(Duration::ZERO),
};
const ANY: &[usize] = &[2, 5, 29, 37, 0];
