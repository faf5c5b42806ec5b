//! Connections that a test makes itself: plain, and TLS with a client whose answers and alerts the test can see.

use crate::PATIENCE;
use crate::pki::Identity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

/// Versions of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    V12,
    V13,
}

impl TlsVersion {
    pub const BOTH: [Self; 2] = [Self::V12, Self::V13];

    pub fn supported(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::V12 => &rustls::version::TLS12,
            Self::V13 => &rustls::version::TLS13,
        }
    }

    /// GnuTLS's priority string that allows this version only.
    pub fn priority(self) -> &'static str {
        match self {
            Self::V12 => "NORMAL:-VERS-ALL:+VERS-TLS1.2",
            Self::V13 => "NORMAL:-VERS-ALL:+VERS-TLS1.3",
        }
    }

    /// The same in the words of OpenSSL's SSL_CONF.
    pub fn ssl_conf(self) -> &'static str {
        match self {
            Self::V12 => "MinProtocol=TLSv1.2\nMaxProtocol=TLSv1.2",
            Self::V13 => "MinProtocol=TLSv1.3\nMaxProtocol=TLSv1.3",
        }
    }

    /// stunnel's sslVersion.
    pub fn stunnel(self) -> &'static str {
        match self {
            Self::V12 => "TLSv1.2",
            Self::V13 => "TLSv1.3",
        }
    }

    /// syslog-ng's ssl-options.
    pub fn ng_options(self) -> &'static str {
        match self {
            Self::V12 => " ssl-options(no-sslv2, no-sslv3, no-tlsv1, no-tlsv11, no-tlsv13)",
            Self::V13 => " ssl-options(no-sslv2, no-sslv3, no-tlsv1, no-tlsv11, no-tlsv12)",
        }
    }

    /// openssl's option that allows this version only.
    pub fn option(self) -> &'static str {
        match self {
            Self::V12 => "-tls1_2",
            Self::V13 => "-tls1_3",
        }
    }
}

/// Connects to a port on loopback; reads and writes do not wait for ever.
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("it is open");
    stream.set_write_timeout(Some(PATIENCE)).expect("it is open");
    stream
}

/// `n` messages, each a line.
pub fn lines(n: std::ops::Range<usize>) -> String {
    n.map(|i| format!("<134>1 2026-11-23T03:09:01Z host app - - - message {i}\n")).collect()
}

/// A TLS connection on loopback.
pub struct TlsClient {
    stream: rustls::StreamOwned<ClientConnection, TcpStream>,
}

impl TlsClient {
    /// Shakes hands with whatever listens on `port`, trusting `ca` for `localhost`, with a certificate or none.
    pub fn connect(
        port: u16,
        ca: &Path,
        own: Option<&Identity>,
        version: TlsVersion,
    ) -> Result<Self, rustls::Error> {
        let mut client = Self::start(port, ca, own, version);
        client.handshake()?;
        Ok(client)
    }

    /// A connection that the server refuses: the port that it came from, and the error. In TLS 1.3 the refusal
    /// comes after the client's own end of the handshake.
    pub fn refused(port: u16, ca: &Path, own: Option<&Identity>, version: TlsVersion) -> (u16, String) {
        let mut client = Self::start(port, ca, own, version);
        let from = client.socket().local_addr().expect("it is connected").port();
        let error = match client.handshake() {
            Err(e) => format!("{e:?}"),
            Ok(()) => match client.receive() {
                Ok(n) => format!("no error, but {n} bytes"),
                Err(e) => format!("{e:?}"),
            },
        };
        (from, error)
    }

    fn start(port: u16, ca: &Path, own: Option<&Identity>, version: TlsVersion) -> Self {
        let config = Arc::new(client_config(ca, own, version));
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(config, name).expect("the configuration is whole");
        Self { stream: rustls::StreamOwned::new(connection, connect(port)) }
    }

    /// Until the handshake is over on both sides: in TLS 1.3 the server judges the client last, so what it says
    /// next, a ticket or an alert, belongs to it.
    fn handshake(&mut self) -> Result<(), rustls::Error> {
        let (connection, socket) = (&mut self.stream.conn, &mut self.stream.sock);
        while connection.is_handshaking() {
            step(connection, socket)?;
        }
        while connection.wants_write() {
            if let Err(e) = connection.write_tls(socket) {
                return Err(rustls::Error::General(e.to_string()));
            }
        }
        Ok(())
    }

    /// Sends bytes as application data.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// What the peer does next: bytes, an orderly end (0), or an error that holds its alert.
    pub fn receive(&mut self) -> Result<usize, io::Error> {
        self.stream.read(&mut [0; 4096])
    }

    /// Sends close_notify and reads until the peer's; whether there was one.
    pub fn close(mut self) -> bool {
        self.stream.conn.send_close_notify();
        if self.stream.flush().is_err() {
            return false;
        }
        loop {
            match self.stream.read(&mut [0; 4096]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }

    pub fn connection(&self) -> &ClientConnection {
        &self.stream.conn
    }

    pub fn socket(&self) -> &TcpStream {
        &self.stream.sock
    }
}

/// A client's configuration.
pub fn client_config(ca: &Path, own: Option<&Identity>, version: TlsVersion) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for cert in CertificateDer::pem_file_iter(ca).expect("the authority's file") {
        roots.add(cert.expect("a certificate")).expect("an anchor");
    }
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version.supported()])
        .expect("a version that there is")
        .with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = CertificateDer::pem_file_iter(&own.cert).expect("a certificate's file");
            let chain = chain.map(|cert| cert.expect("a certificate")).collect();
            let key = PrivateKeyDer::from_pem_file(&own.key).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("they are a pair")
        }
    }
}

fn step(connection: &mut ClientConnection, socket: &mut TcpStream) -> Result<(), rustls::Error> {
    let lost = |e: io::Error| rustls::Error::General(e.to_string());
    while connection.wants_write() {
        connection.write_tls(socket).map_err(lost)?;
    }
    if connection.is_handshaking() && connection.wants_read() {
        if connection.read_tls(socket).map_err(lost)? == 0 {
            return Err(rustls::Error::General("the peer closed the connection".into()));
        }
        connection.process_new_packets()?;
    }
    Ok(())
}
