//! One TLS session over the stream below. OpenSSL reads from there and writes into the thread's outbox; an idle session
//! holds no buffers.
//!
//! The host calls from one thread at a time. After an end or a failure every call says so again.

use crate::context::Context;
use crate::record::Io;
use crate::refuse::{Secret, replace_alert};
use crate::{raw, tickets, verify, words};
use openssl::error::ErrorStack;
use openssl::ssl::{Error, ErrorCode, NameType, Ssl, SslSession, SslStream, SslVersion, StatusType};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;
use sysloom_sdk::tls::words::{cut_short, not_tls};
use sysloom_sdk::tls::{Below, Daemon, server_name};
use sysloom_sdk::{Complaint, LayerSession, Level, Lower, PeerFacts, Role, Stop, Stream, Want};

/// A session of either side.
pub struct Session<B: Below = Lower> {
    tls: SslStream<Io<B>>,
    daemon: Arc<dyn Daemon>,
    conn: u64,
    server: bool,
    /// What the client asked for.
    server_name: Box<str>,
    /// The peer's certificates.
    chain: Vec<Vec<u8>>,
    /// What a client takes up again, until its handshake begins.
    ticket: Option<SslSession>,
    open: bool,
    /// close_notify has been sent.
    closed: bool,
    /// The peer sends no more.
    ended: bool,
    failed: Option<Failure>,
}

#[derive(Clone)]
struct Failure {
    refused: bool,
    why: Complaint,
}

impl<B: Below> Session<B> {
    /// A session that has done nothing yet. `name` is what a client asks for; empty = nothing.
    pub fn new(
        context: &Context,
        daemon: Arc<dyn Daemon>,
        below: B,
        server: bool,
        name: &str,
        conn: u64,
    ) -> Result<Self, Complaint> {
        if server != (context.role() == Role::Server) {
            return Err(Complaint::new("these TLS settings were made for the other side of a connection"));
        }
        let asked_for = if server { None } else { server_name(name)? };
        let tls =
            prepare(context, daemon.clone(), below, asked_for, name, conn).map_err(|e| words::setup(&e))?;
        Ok(Self {
            tls,
            daemon,
            conn,
            server,
            server_name: asked_for.unwrap_or_default().into(),
            chain: Vec::new(),
            ticket: if server { None } else { context.sessions().take(name) },
            open: false,
            closed: false,
            ended: false,
            failed: None,
        })
    }

    fn io(&mut self) -> &mut Io<B> {
        self.tls.get_mut()
    }

    /// Notes a failure; OpenSSL has written the alert that it has for it.
    fn fail(&mut self, why: Complaint, refused: bool) -> Stop {
        self.failed = Some(Failure { refused, why: why.clone() });
        if refused { Stop::Refused(why) } else { Stop::Failed(why) }
    }

    /// What OpenSSL's error means after the handshake.
    fn stop(&mut self, error: &Error) -> Stop {
        match (error.code(), error.ssl_error()) {
            (ErrorCode::ZERO_RETURN, _) => {
                self.end();
                Stop::Closed
            }
            (_, Some(errors)) => {
                let why = words::failure(errors, self.server);
                self.fail(why, false)
            }
            _ if self.io().ended => {
                self.cut_off();
                Stop::Closed
            }
            _ => self.below_stopped(),
        }
    }

    /// The peer does not take no for an answer.
    fn nagged(&mut self) -> Stop {
        self.close();
        let _ = self.io().flush();
        let why = "the peer broke the rules of TLS (it asks for a new handshake again and again)";
        self.fail(Complaint::new(why), false)
    }

    /// What the stream below had to say when OpenSSL read from it.
    fn below_stopped(&mut self) -> Stop {
        match self.io().stop.take() {
            Some(Stop::Wait(want)) => {
                // Pending records want to leave meanwhile.
                let write = want.write || !self.io().outbox.is_empty();
                Stop::Wait(Want { write, ..want })
            }
            Some(stop) => stop,
            None => self.fail(Complaint::new("OpenSSL gave up without a reason"), false),
        }
    }

    /// OpenSSL has given the handshake up, or waits.
    fn handshake_stopped(&mut self, error: &Error) -> Option<Stop> {
        if self.io().strange {
            let why = Complaint::new(not_tls(self.tls.get_ref().first(), self.server));
            self.io().outbox.push(&DECODE_ERROR);
            self.fail(why, false);
            return None;
        }
        let Some(errors) = error.ssl_error() else {
            if !self.io().ended {
                return Some(self.below_stopped());
            }
            let (server, heard) = (self.server, self.io().heard());
            if server && !heard {
                return Some(Stop::Closed);
            }
            self.fail(cut_short(server, heard), false);
            return None;
        };
        let asked = verify::asked(self.tls.ssl());
        if let Some(why) = asked.refusal {
            self.send_alert(&asked.secret, why.code);
            self.fail(why, true);
        } else {
            self.fail(words::failure(errors, self.server), false);
        }
        None
    }

    /// Has the alert that OpenSSL has written be the verdict's.
    fn send_alert(&mut self, secret: &[u8], code: i32) {
        let mut code = u8::try_from(code).ok().filter(|c| *c != 0).unwrap_or(ACCESS_DENIED);
        // RFC 8446 6.2: certificate_required is of TLS 1.3. RFC 5246 7.4.6: handshake_failure.
        if code == CERTIFICATE_REQUIRED && self.tls.ssl().version2() == Some(SslVersion::TLS1_2) {
            code = HANDSHAKE_FAILURE;
        }
        let suite = self.tls.ssl().current_cipher().and_then(|c| c.standard_name());
        let secret = suite.filter(|_| !secret.is_empty()).map(|suite| Secret { suite, bytes: secret });
        replace_alert(&mut self.tls.get_mut().outbox, secret, code);
    }

    /// The handshake is over: keeps what the peer has shown, and asks for the verdict if nobody has yet.
    fn settle(&mut self) {
        self.open = true;
        let asked = verify::asked(self.tls.ssl());
        self.chain = asked.chain;
        if self.server {
            self.server_name = self.tls.ssl().servername(NameType::HOST_NAME).unwrap_or_default().into();
        }
        if asked.judged == Some(self.tls.ssl().session_reused()) {
            return;
        }
        if let Err(why) = self.daemon.verdict(self.conn, &self.peer()) {
            self.closed = true;
            self.failed = Some(Failure { refused: true, why });
        }
    }

    /// After a failed handshake: passes the alert on, and says why. What the peer has sent meanwhile is read, because
    /// a close with unread bytes would reset the connection and take the alert with it.
    fn end_handshake(&mut self, failure: Failure) -> Stop {
        if let Err(Stop::Wait(want)) = self.io().flush() {
            return Stop::Wait(want);
        }
        self.io().outbox.clear();
        let mut scratch = SCRATCH.take();
        scratch.resize(DRAIN, 0);
        for _ in 0..DRAINS {
            if self.io().below.read(&mut scratch).is_err() {
                break;
            }
        }
        SCRATCH.set(scratch);
        if failure.refused { Stop::Refused(failure.why) } else { Stop::Failed(failure.why) }
    }

    /// Queues close_notify behind everything else.
    fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) || !self.open {
            return;
        }
        forget_errors();
        // It writes into the outbox, and reads nothing the first time.
        let _ = self.tls.shutdown();
    }

    /// Answers and remembers the peer's close_notify.
    fn end(&mut self) {
        self.ended = true;
        // RFC 5425 4.4: a close_notify is answered with one.
        self.close();
        let _ = self.io().flush();
    }

    /// A FIN without close_notify. All data before it stays good: framing tells whether a message is complete.
    fn cut_off(&mut self) {
        self.ended = true;
        if self.daemon.enabled(Level::Debug) {
            self.daemon.log(Level::Debug, "the peer closed the connection without a TLS close_notify");
        }
    }

    fn failure(&self) -> Option<Stop> {
        self.failed.as_ref().map(|f| Stop::Failed(f.why.clone()))
    }
}

impl<B: Below> Stream for Session<B> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        if buf.is_empty() {
            return Err(Stop::Failed(Complaint::new("a read into no buffer")));
        }
        if let Some(stop) = self.failure() {
            return Err(stop);
        }
        if !self.open {
            return Err(Stop::Failed(Complaint::new("a read before the TLS handshake is over")));
        }
        // The host comes back here, not to `write`, when what a read waits for is that records can leave.
        if let Err(stop @ (Stop::Failed(_) | Stop::Closed)) = self.io().flush() {
            return Err(stop);
        }
        let mut filled = 0;
        while let Some(room) = buf.get_mut(filled..).filter(|room| !room.is_empty()) {
            if self.ended {
                return if filled > 0 { Ok(filled) } else { Err(Stop::Closed) };
            }
            forget_errors();
            self.io().enough = filled > 0;
            let read = self.tls.ssl_read(room);
            if verify::nags(self.tls.ssl()) {
                filled += read.unwrap_or_default();
                let stop = self.nagged();
                return if filled > 0 { Ok(filled) } else { Err(stop) };
            }
            match read {
                Ok(n) => filled += n,
                // All records that came are read.
                Err(error) if filled > 0 && error.code() == ErrorCode::WANT_READ => break,
                Err(error) => {
                    let stop = self.stop(&error);
                    let _ = self.io().flush();
                    // Ends and failures are remembered, and a read that waits can be repeated.
                    return if filled > 0 { Ok(filled) } else { Err(stop) };
                }
            }
        }
        // An answer to a key update; what is left of it waits for the next call.
        let _ = self.io().flush();
        Ok(filled)
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        if let Some(stop) = self.failure() {
            return Err(stop);
        }
        self.io().flush()?;
        if buf.is_empty() {
            return self.io().below.write(buf).map(|_| 0);
        }
        if self.ended {
            return Err(Stop::Closed);
        }
        if self.closed || !self.open {
            return Err(Stop::Failed(Complaint::new("a write outside the TLS session")));
        }
        let mut taken = 0;
        for batch in buf.chunks(BATCH) {
            forget_errors();
            // All of it: the outbox takes whatever comes.
            if let Err(error) = self.tls.ssl_write(batch) {
                return Err(self.stop(&error));
            }
            taken += batch.len();
            match self.io().flush() {
                Ok(()) => {}
                Err(Stop::Wait(_)) => break,
                Err(stop) => return Err(stop),
            }
        }
        Ok(taken)
    }

    fn shutdown(&mut self) -> Result<(), Stop> {
        if self.failed.is_none() {
            self.close();
        }
        self.io().flush()
    }
}

impl<B: Below> LayerSession for Session<B> {
    fn handshake(&mut self) -> Result<(), Stop> {
        if let Some(ticket) = self.ticket.take() {
            tickets::offer(self.tls.ssl(), &ticket);
        }
        loop {
            if let Some(failure) = self.failed.clone() {
                return Err(self.end_handshake(failure));
            }
            self.io().flush()?;
            if self.open {
                return Ok(());
            }
            forget_errors();
            let step = self.tls.do_handshake();
            if verify::nags(self.tls.ssl()) {
                self.nagged();
                continue;
            }
            match step {
                Ok(()) => self.settle(),
                Err(error) => match self.handshake_stopped(&error) {
                    // What OpenSSL has written is what the peer waits for.
                    Some(Stop::Wait(want)) => {
                        self.io().flush()?;
                        return Err(Stop::Wait(Want { write: false, ..want }));
                    }
                    Some(stop) => return Err(stop),
                    // `failed` holds it; the alert goes first.
                    None => {}
                },
            }
        }
    }

    fn peer(&self) -> PeerFacts<'_> {
        let ssl = self.tls.ssl();
        PeerFacts {
            chain: self.chain.iter().map(Vec::as_slice).collect(),
            staple: if self.server { &[] } else { ssl.ocsp_status().unwrap_or_default() },
            server_name: &self.server_name,
            resumed: ssl.session_reused(),
            server: self.server,
            protocol: if self.open { ssl.version_str() } else { "" },
            cipher: ssl.current_cipher().and_then(|c| c.standard_name()).unwrap_or_default(),
            group: raw::group(ssl).unwrap_or_default(),
        }
    }
}

/// OpenSSL's state over the stream below.
fn prepare<B: Below>(
    context: &Context,
    daemon: Arc<dyn Daemon>,
    below: B,
    asked_for: Option<&str>,
    name: &str,
    conn: u64,
) -> Result<SslStream<Io<B>>, ErrorStack> {
    let server = context.role() == Role::Server;
    let mut ssl = Ssl::new(&context.ssl(Instant::now()))?;
    verify::attach(&mut ssl, daemon, conn, server, name)?;
    if let Some(name) = asked_for {
        ssl.set_hostname(name)?;
    }
    match server {
        true => ssl.set_accept_state(),
        false => {
            ssl.set_connect_state();
            ssl.set_status_type(StatusType::OCSP)?;
        }
    }
    SslStream::new(ssl, Io::new(below))
}

/// Errors that others have left in this thread would be taken for those of the next call.
fn forget_errors() {
    drop(ErrorStack::get());
}

/// Plain text that becomes one write: four full records.
const BATCH: usize = 64 << 10;
/// A fatal alert in plain text.
const DECODE_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 50];
const HANDSHAKE_FAILURE: u8 = 40;
const ACCESS_DENIED: u8 = 49;
const CERTIFICATE_REQUIRED: u8 = 116;
/// What is read at a time of what a refused peer still sends, and how often.
const DRAIN: usize = 16 << 10;
const DRAINS: usize = 4;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}
