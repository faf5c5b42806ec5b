//! Connections that a test makes itself: plain, and TLS with a client whose answers and alerts the test can see.

use crate::PATIENCE;
use crate::pki::Identity;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
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
    /// The same with a configuration of the test's own.
    pub fn connect_with(port: u16, config: Arc<ClientConfig>) -> Result<Self, rustls::Error> {
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(config, name).expect("the configuration is whole");
        let mut client = Self { stream: rustls::StreamOwned::new(connection, connect(port)) };
        client.handshake()?;
        Ok(client)
    }

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

/// The server's end of a TLS connection that a daemon under test makes; every byte of the wire is kept.
pub struct TlsServer {
    stream: rustls::StreamOwned<ServerConnection, Recorder>,
}

/// A socket that keeps what was read from it.
pub struct Recorder {
    socket: TcpStream,
    pub seen: Vec<u8>,
}

impl TlsServer {
    /// Waits for a connection. The certificate is the server's; the client's is not asked for.
    pub fn accept(listener: &TcpListener, own: &Identity, version: TlsVersion) -> io::Result<Self> {
        let (socket, _) = listener.accept()?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = CertificateDer::pem_file_iter(&own.cert).expect("a certificate's file");
        let chain = chain.map(|cert| cert.expect("a certificate")).collect();
        let key = PrivateKeyDer::from_pem_file(&own.key).expect("a key");
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version.supported()])
            .expect("a version that there is")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("they are a pair");
        let connection = ServerConnection::new(Arc::new(config)).expect("the configuration is whole");
        let mut stream = rustls::StreamOwned::new(connection, Recorder { socket, seen: Vec::new() });
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self { stream })
    }

    /// Everything until the client's close_notify; an end without one is an error.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut got = Vec::new();
        self.stream.read_to_end(&mut got)?;
        Ok(got)
    }

    /// Exactly `n` bytes.
    pub fn read(&mut self, n: usize) -> io::Result<Vec<u8>> {
        let mut got = vec![0; n];
        self.stream.read_exact(&mut got)?;
        Ok(got)
    }

    /// The content types of the records that came, in order.
    pub fn record_types(&self) -> Vec<u8> {
        record_types(&self.stream.sock.seen)
    }
}

/// The content types of the TLS records in a stream's bytes.
pub fn record_types(bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    let mut rest = bytes;
    while let [kind, _, _, high, low, ..] = rest {
        types.push(*kind);
        let length = 5 + usize::from(u16::from_be_bytes([*high, *low]));
        rest = rest.get(length..).unwrap_or_default();
    }
    types
}

impl Read for Recorder {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.socket.read(buffer)?;
        self.seen.extend_from_slice(&buffer[..n]);
        Ok(n)
    }
}

impl Write for Recorder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
