//! What rustls asks when a peer shows a certificate. The handshake's signature is checked here with the library's
//! algorithms; everything else is the daemon's verdict, which comes back as the error that makes rustls send the
//! alert of the verdict's code.
//!
//! rustls names no connection when it asks. [`within`] notes for the thread which one is being served, so all
//! connections share one configuration.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, SignatureVerificationAlgorithm, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, PeerMisbehaved,
    SignatureScheme,
};
use std::cell::RefCell;
use std::sync::Arc;
use sysloom_sdk::tls::{Daemon, der};
use sysloom_sdk::{Complaint, PeerFacts};

/// Asks the daemon for its verdict, on either side.
#[derive(Debug)]
pub struct Asker {
    daemon: Arc<dyn Daemon>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// What came of the questions during one piece of a handshake.
#[derive(Debug, Default)]
pub struct Asked {
    conn: u64,
    /// Whether there was a question at all; resumed sessions and silent clients raise none.
    pub judged: bool,
    pub refusal: Option<Complaint>,
    /// What a client asked a server for; rustls tells it nobody but the one who picks the certificate.
    pub server_name: Option<Box<str>>,
}

/// Picks a server's only certificate, and notes the name that was asked for.
#[derive(Debug)]
pub struct OnlyCertificate(pub Arc<CertifiedKey>);

impl ResolvesServerCert for OnlyCertificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Some(name) = hello.server_name() {
            ASKED.with_borrow_mut(|asked| asked.server_name = Some(name.into()));
        }
        Some(self.0.clone())
    }
}

/// Runs a piece of a handshake of the connection `conn`, and tells what was asked meanwhile.
pub fn within<R>(conn: u64, piece: impl FnOnce() -> R) -> (R, Asked) {
    let outer = ASKED.replace(Asked { conn, ..Asked::default() });
    let result = piece();
    (result, ASKED.replace(outer))
}

impl Asker {
    pub fn new(daemon: Arc<dyn Daemon>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { daemon, algorithms }
    }

    fn ask(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        facts: PeerFacts<'_>,
    ) -> Result<(), Error> {
        let chain = std::iter::once(end_entity).chain(intermediates).map(AsRef::as_ref).collect();
        let conn = ASKED.with_borrow(|asked| asked.conn);
        let verdict = self.daemon.verdict(conn, &PeerFacts { chain, ..facts });
        ASKED.with_borrow_mut(|asked| {
            asked.judged = true;
            verdict.map_err(|complaint| {
                let error = as_error(&complaint);
                asked.refusal = Some(complaint);
                error
            })
        })
    }

    fn check_tls12(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match verify_tls12_signature(message, cert, dss, &self.algorithms) {
            Err(Error::InvalidCertificate(e)) if is_unread(&e) => {
                self.check_by_key(message, cert, dss, false)
            }
            other => other,
        }
    }

    fn check_tls13(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match verify_tls13_signature(message, cert, dss, &self.algorithms) {
            Err(Error::InvalidCertificate(e)) if is_unread(&e) => self.check_by_key(message, cert, dss, true),
            other => other,
        }
    }

    /// Checks with the bare key of a certificate that webpki does not read (X.509 v1).
    fn check_by_key(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
        tls13: bool,
    ) -> Result<HandshakeSignatureValid, Error> {
        let unread = || Error::InvalidCertificate(CertificateError::BadEncoding);
        let (id, key) = der::public_key_info(cert).and_then(der::split_key_info).ok_or_else(unread)?;
        let mapped = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == dss.scheme);
        let mut algorithms = match mapped {
            // RFC 8446 4.2.3: a scheme names the curve too, and the mapping's first is that one.
            Some((_, all)) if tls13 => all.iter().take(1),
            Some((_, all)) => all.iter().take(all.len()),
            None => return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into()),
        };
        let fits = |a: &&&dyn SignatureVerificationAlgorithm| a.public_key_alg_id().as_ref() == id;
        let bad = || Error::InvalidCertificate(CertificateError::BadSignature);
        let algorithm = algorithms.find(fits).ok_or_else(bad)?;
        algorithm.verify_signature(key, message, dss.signature()).map_err(|_| bad())?;
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ServerCertVerifier for Asker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let server_name = match server_name {
            ServerName::DnsName(name) if name.as_ref() != crate::context::NAMELESS => name.as_ref(),
            _ => "",
        };
        let facts = PeerFacts { staple: ocsp_response, server_name, ..PeerFacts::default() };
        self.ask(end_entity, intermediates, facts).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Asker {
    /// A client without certificate is judged when the handshake is over: only then is it known that it has none.
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// No hints: a client may show whatever it has, and the verdict says whether that is enough.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let facts = PeerFacts { server: true, ..PeerFacts::default() };
        self.ask(end_entity, intermediates, facts).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_tls12(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_tls13(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The error for which rustls sends the alert of the complaint's code.
fn as_error(complaint: &Complaint) -> Error {
    let certificate = match complaint.code {
        40 => return Error::General(complaint.text.clone()),
        42 => CertificateError::BadEncoding,
        43 => CertificateError::InvalidPurpose,
        44 => CertificateError::Revoked,
        45 => CertificateError::Expired,
        48 => CertificateError::UnknownIssuer,
        51 => CertificateError::BadSignature,
        113 => CertificateError::InvalidOcspResponse,
        46 => CertificateError::Other(OtherError(Arc::new(complaint.clone()))),
        _ => CertificateError::ApplicationVerificationFailure,
    };
    Error::InvalidCertificate(certificate)
}

/// Whether webpki could not make sense of the certificate at all.
fn is_unread(error: &CertificateError) -> bool {
    matches!(error, CertificateError::BadEncoding | CertificateError::Other(_))
}

thread_local! {
    static ASKED: RefCell<Asked> = const { RefCell::new(Asked { conn: 0, judged: false, refusal: None, server_name: None }) };
}
