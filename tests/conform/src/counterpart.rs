//! The known-good other side of a TLS stream: the crate rustls, moved by hand, with nobody refused, so that only the
//! driver's own side is looked at.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    ClientConfig, ClientConnection, Connection, DigitallySignedStruct, DistinguishedName, Error,
    ServerConfig, ServerConnection, SignatureScheme, SupportedCipherSuite,
};
use std::io::Read;
use std::sync::Arc;
use sysloom_engine::plugin::Side;
use sysloom_tests::TlsVersion;
use sysloom_tests::pki::Identity;

/// What the other side is like.
#[derive(Clone)]
pub struct Wish {
    pub version: TlsVersion,
    /// Its certificate; a server must have one.
    pub own: Option<Identity>,
    /// The only suite that it knows.
    pub suite: Option<SupportedCipherSuite>,
}

/// A configuration that several connections share, so that sessions can be resumed.
#[derive(Clone)]
pub enum Config {
    Client(Arc<ClientConfig>),
    Server(Arc<ServerConfig>),
}

/// One connection.
pub struct Counterpart {
    pub tls: Connection,
    /// Plain text that has come.
    pub got: Vec<u8>,
    /// What ended it.
    pub error: Option<Error>,
    /// close_notify has come.
    pub closed: bool,
}

impl Config {
    /// The configuration of the side that `driver` is not.
    pub fn against(driver: Side, wish: &Wish) -> Result<Self, String> {
        let mut provider = aws_lc_rs::default_provider();
        if let Some(suite) = wish.suite {
            provider.cipher_suites = vec![suite];
        }
        let provider = Arc::new(provider);
        let anybody = Arc::new(Anybody(Arc::clone(&provider)));
        let versions = [wish.version.supported()];
        let failed = |e: Error| format!("the counterpart: {e}");
        match driver {
            Side::Server => {
                let builder = ClientConfig::builder_with_provider(provider)
                    .with_protocol_versions(&versions)
                    .map_err(failed)?
                    .dangerous()
                    .with_custom_certificate_verifier(anybody);
                let config = match &wish.own {
                    Some(own) => builder.with_client_auth_cert(chain(own)?, key(own)?).map_err(failed)?,
                    None => builder.with_no_client_auth(),
                };
                Ok(Self::Client(Arc::new(config)))
            }
            Side::Client => {
                let own = wish.own.as_ref().ok_or("the counterpart: a server needs a certificate")?;
                let config = ServerConfig::builder_with_provider(provider)
                    .with_protocol_versions(&versions)
                    .map_err(failed)?
                    .with_client_cert_verifier(anybody)
                    .with_single_cert(chain(own)?, key(own)?)
                    .map_err(failed)?;
                Ok(Self::Server(Arc::new(config)))
            }
        }
    }
}

impl Counterpart {
    pub fn new(config: &Config) -> Result<Self, String> {
        let failed = |e: Error| format!("the counterpart: {e}");
        let mut tls = match config {
            Config::Client(config) => {
                let name = ServerName::try_from(NAME).map_err(|e| e.to_string())?;
                Connection::from(ClientConnection::new(Arc::clone(config), name).map_err(failed)?)
            }
            Config::Server(config) => {
                Connection::from(ServerConnection::new(Arc::clone(config)).map_err(failed)?)
            }
        };
        // What a line sends is kept until it is moved, however much.
        tls.set_buffer_limit(None);
        Ok(Self { tls, got: Vec::new(), error: None, closed: false })
    }

    /// Takes bytes of the wire.
    pub fn take(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.error.is_none() {
            if self.tls.read_tls(&mut bytes).unwrap_or(0) == 0 {
                return;
            }
            match self.tls.process_new_packets() {
                Ok(state) => self.closed |= state.peer_has_closed(),
                Err(e) => self.error = Some(e),
            }
            // An end without close_notify is an error of the reader's that only the lines about it look at.
            let mut text = [0; 16 << 10];
            while let Ok(n @ 1..) = self.tls.reader().read(&mut text) {
                self.got.extend_from_slice(&text[..n]);
            }
        }
    }

    /// What it has for the wire.
    pub fn give(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while self.tls.wants_write() && self.tls.write_tls(&mut out).is_ok() {}
        out
    }
}

fn chain(own: &Identity) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(&own.cert).and_then(Iterator::collect);
    read.map_err(|e| format!("{}: {e}", own.cert.display()))
}

fn key(own: &Identity) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(&own.key).map_err(|e| format!("{}: {e}", own.key.display()))
}

/// Takes whoever has the key of the certificate that he shows, or has none.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Anybody {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}

/// The server that clients ask for.
pub const NAME: &str = "collector.example.net";
