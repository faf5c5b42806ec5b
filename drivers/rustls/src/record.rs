//! rustls' state machine of either side behind one face: bytes in, plain text and records out.

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncryptError, InsufficientSizeError, UnbufferedStatus, WriteTraffic,
};
use rustls::{
    ClientConfig, CommonState, Error, ExtractedSecrets, HandshakeKind, NamedGroup, ProtocolVersion,
    ServerConfig, SupportedCipherSuite,
};
use std::sync::Arc;
use sysloom_sdk::tls::Outbox;

/// The state of a connection.
pub enum Tls {
    Client(Box<UnbufferedClientConnection>),
    Server(Box<UnbufferedServerConnection>),
    /// Given up; whether it was a server.
    Gone(bool),
}

/// Where a run came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do without new bytes.
    Again,
    /// More bytes are needed.
    Rest,
    /// The peer has sent close_notify, or both have.
    Ended,
}

/// What to do once data may be sent; becomes `None` when done.
pub enum Work<'a> {
    None,
    Encrypt(&'a [u8]),
    Close,
}

/// Where plain text goes: into the caller's buffer, and what has no room there into the spare one.
pub struct Plain<'a> {
    buf: &'a mut [u8],
    filled: usize,
    spare: &'a mut Vec<u8>,
}

impl<'a> Plain<'a> {
    pub fn new(buf: &'a mut [u8], spare: &'a mut Vec<u8>) -> Self {
        Self { buf, filled: 0, spare }
    }

    pub fn filled(&self) -> usize {
        self.filled
    }

    fn take(&mut self, payload: &[u8]) {
        let room = self.buf.get_mut(self.filled..).unwrap_or_default();
        let (fits, rest) = payload.split_at(payload.len().min(room.len()));
        if let Some(room) = room.get_mut(..fits.len()) {
            room.copy_from_slice(fits);
        }
        self.filled += fits.len();
        self.spare.extend_from_slice(rest);
    }
}

impl Tls {
    pub fn server(config: Arc<ServerConfig>) -> Result<Self, Error> {
        UnbufferedServerConnection::new(config).map(|c| Tls::Server(Box::new(c)))
    }

    pub fn client(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, Error> {
        UnbufferedClientConnection::new(config, name).map(|c| Tls::Client(Box::new(c)))
    }

    /// Works until more bytes are needed; tells how many of `input` are done with.
    pub fn run(
        &mut self,
        input: &mut [u8],
        plain: &mut Plain<'_>,
        work: &mut Work<'_>,
        outbox: &mut Outbox,
    ) -> (usize, Result<Step, Error>) {
        let mut used = 0;
        loop {
            let rest = input.get_mut(used..).unwrap_or_default();
            let (discard, step) = match self {
                Tls::Client(c) => step(c.process_tls_records(rest), plain, work, outbox),
                Tls::Server(c) => step(c.process_tls_records(rest), plain, work, outbox),
                Tls::Gone(_) => (0, Ok(Step::Ended)),
            };
            used += discard;
            if step != Ok(Step::Again) {
                return (used, step);
            }
        }
    }

    /// After an error: the alert that rustls made of it.
    pub fn fetch_alert(&mut self, outbox: &mut Outbox) {
        let (mut spare, mut work) = (Vec::new(), Work::None);
        let mut plain = Plain::new(&mut [], &mut spare);
        // Never beyond what waits to be sent: the next step would go on with what the peer has sent.
        while self.common().is_some_and(CommonState::wants_write) {
            let step = match self {
                Tls::Client(c) => step(c.process_tls_records(&mut []), &mut plain, &mut work, outbox).1,
                Tls::Server(c) => step(c.process_tls_records(&mut []), &mut plain, &mut work, outbox).1,
                Tls::Gone(_) => return,
            };
            if step != Ok(Step::Again) {
                return;
            }
        }
    }

    /// Gives the connection up for its keys.
    pub fn take_secrets(&mut self) -> Option<ExtractedSecrets> {
        let gone = Tls::Gone(self.is_server());
        match std::mem::replace(self, gone) {
            Tls::Client(c) => c.dangerous_into_kernel_connection().ok().map(|(secrets, _)| secrets),
            Tls::Server(c) => c.dangerous_into_kernel_connection().ok().map(|(secrets, _)| secrets),
            Tls::Gone(_) => None,
        }
    }

    pub fn is_server(&self) -> bool {
        matches!(self, Tls::Server(_) | Tls::Gone(true))
    }

    pub fn is_handshaking(&self) -> bool {
        self.common().is_some_and(CommonState::is_handshaking)
    }

    /// Whether anything of the peer's has been understood.
    pub fn progress(&self) -> bool {
        self.version().is_some()
    }

    pub fn version(&self) -> Option<ProtocolVersion> {
        self.common()?.protocol_version()
    }

    pub fn suite(&self) -> Option<SupportedCipherSuite> {
        self.common()?.negotiated_cipher_suite()
    }

    pub fn group(&self) -> Option<NamedGroup> {
        self.common()?.negotiated_key_exchange_group().map(|g| g.name())
    }

    pub fn kind(&self) -> Option<HandshakeKind> {
        self.common()?.handshake_kind()
    }

    pub fn chain(&self) -> &[CertificateDer<'static>] {
        self.common().and_then(CommonState::peer_certificates).unwrap_or_default()
    }

    fn common(&self) -> Option<&CommonState> {
        match self {
            Tls::Client(c) => Some(c),
            Tls::Server(c) => Some(c),
            Tls::Gone(_) => None,
        }
    }
}

/// Does what one state asks for.
fn step<D>(
    status: UnbufferedStatus<'_, '_, D>,
    plain: &mut Plain<'_>,
    work: &mut Work<'_>,
    outbox: &mut Outbox,
) -> (usize, Result<Step, Error>) {
    let mut discard = status.discard;
    let state = match status.state {
        Ok(state) => state,
        Err(e) => return (discard, Err(e)),
    };
    let step = match state {
        ConnectionState::ReadTraffic(mut traffic) => {
            while let Some(record) = traffic.next_record() {
                match record {
                    Ok(record) => {
                        discard += record.discard;
                        plain.take(record.payload);
                    }
                    Err(e) => return (discard, Err(e)),
                }
            }
            Step::Again
        }
        ConnectionState::EncodeTlsData(mut data) => {
            if let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) =
                data.encode(&mut [])
                && let Ok(n) = data.encode(outbox.room(required_size))
            {
                outbox.commit(n);
            }
            Step::Again
        }
        // The outbox keeps what is to be transmitted until it is.
        ConnectionState::TransmitTlsData(data) => {
            data.done();
            Step::Again
        }
        ConnectionState::WriteTraffic(traffic) => match write(traffic, work, outbox) {
            Ok(()) => Step::Rest,
            Err(e) => return (discard, Err(e)),
        },
        ConnectionState::PeerClosed | ConnectionState::Closed => Step::Ended,
        ConnectionState::BlockedHandshake => Step::Rest,
        // Early data is never accepted, and other states are not known.
        _ => return (discard, Err(Error::HandshakeNotComplete)),
    };
    (discard, Ok(step))
}

fn write<D>(mut traffic: WriteTraffic<'_, D>, work: &mut Work<'_>, outbox: &mut Outbox) -> Result<(), Error> {
    let guess = match work {
        Work::None => return Ok(()),
        Work::Encrypt(data) => data.len() + (data.len() / RECORD + 1) * OVERHEAD,
        Work::Close => 2 * OVERHEAD,
    };
    let mut once = |room: &mut [u8]| match work {
        Work::Encrypt(data) => traffic.encrypt(data, room),
        Work::Close | Work::None => traffic.queue_close_notify(room),
    };
    let written = match once(outbox.room(guess)) {
        Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size })) => {
            once(outbox.room(required_size))
        }
        other => other,
    };
    outbox.commit(written.map_err(|_| Error::EncryptError)?);
    *work = Work::None;
    Ok(())
}

/// Plain text in one record.
const RECORD: usize = 16 << 10;
/// What a record adds, generously.
const OVERHEAD: usize = 64;
