//! One TLS session over the stream below, on rustls' unbuffered interface: records are decrypted in the thread's scratch
//! buffer and encrypted in the thread's outbox, so an idle session owns nothing but its keys.
//!
//! The host calls from one thread at a time. After an end or a failure every call says so again.

use crate::context::{self, Context};
use crate::record::{Plain, Step, Tls, Work};
use crate::{refuse, verify, words};
use rustls::{HandshakeKind, ProtocolVersion};
use std::cell::Cell;
use std::sync::Arc;
use sysloom_sdk::tls::words::cut_short;
use sysloom_sdk::tls::{Below, Daemon, Outbox};
use sysloom_sdk::{Complaint, LayerSession, Level, Lower, PeerFacts, Stop, Stream, Want};

/// A session of either side.
pub struct Session<B = Lower> {
    below: B,
    tls: Tls,
    daemon: Arc<dyn Daemon>,
    conn: u64,
    /// What the client asked for.
    server_name: Box<str>,
    /// The start of a record whose rest has not come yet.
    kept: Vec<u8>,
    outbox: Outbox,
    /// Plain text that had no room in the caller's buffer.
    spare: Vec<u8>,
    spare_start: usize,
    stage: Stage,
    /// The daemon has judged the peer.
    judged: bool,
    /// The peer has sent at least one byte.
    heard: bool,
    /// close_notify has been sent.
    closed: bool,
    /// The peer sends no more.
    ended: bool,
    failed: Option<Failure>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fresh,
    Handshake,
    Open,
}

#[derive(Clone)]
struct Failure {
    refused: bool,
    why: Complaint,
}

impl<B: Below> Session<B> {
    /// A session that has done nothing yet. `server_name` is what a client asks for; empty = nothing.
    pub fn new(
        context: &Context,
        daemon: Arc<dyn Daemon>,
        below: B,
        server: bool,
        server_name: &str,
        conn: u64,
    ) -> Result<Self, Complaint> {
        let mut asked_for = "";
        let tls = match context {
            Context::Server(config) if server => Tls::server(config.clone()),
            Context::Client { naming, nameless } if !server => {
                let (name, sent) = context::server_name(server_name)?;
                if sent {
                    asked_for = server_name;
                }
                let config = if sent { naming } else { nameless };
                Tls::client(config.clone(), name)
            }
            _ => {
                return Err(Complaint::new(
                    "these TLS settings were made for the other side of a connection",
                ));
            }
        }
        .map_err(|e| words::setup(&e))?;
        Ok(Self {
            below,
            tls,
            daemon,
            conn,
            server_name: asked_for.into(),
            kept: Vec::new(),
            outbox: Outbox::default(),
            spare: Vec::new(),
            spare_start: 0,
            stage: Stage::Fresh,
            judged: false,
            heard: false,
            closed: false,
            ended: false,
            failed: None,
        })
    }

    /// Reads from below behind what is kept, and processes all of it.
    fn receive(&mut self, most: usize, plain: &mut Plain<'_>) -> Result<Step, Stop> {
        let mut scratch = SCRATCH.take();
        let result = self.receive_with(&mut scratch, most, plain);
        SCRATCH.set(scratch);
        result
    }

    fn receive_with(
        &mut self,
        scratch: &mut Vec<u8>,
        most: usize,
        plain: &mut Plain<'_>,
    ) -> Result<Step, Stop> {
        let held = self.kept.len();
        if scratch.len() < held + most {
            scratch.resize(held + most, 0);
        }
        let room = scratch.get_mut(held..held + most).unwrap_or_default();
        let got = self.below.read(room)?;
        self.heard = true;
        let all = scratch.get_mut(..held + got).unwrap_or_default();
        if let Some(front) = all.get_mut(..held) {
            front.copy_from_slice(&self.kept);
        }
        let (used, step) = self.process(all, plain);
        self.kept = all.get(used..).unwrap_or_default().to_vec();
        step
    }

    /// Has rustls work on received bytes; tells how many are done with.
    fn process(&mut self, input: &mut [u8], plain: &mut Plain<'_>) -> (usize, Result<Step, Stop>) {
        if self.stage == Stage::Open {
            let (used, step) = self.tls.run(input, plain, &mut Work::None, &mut self.outbox);
            let step = step.map_err(|e| self.fail(words::failure(&e, self.tls.is_server(), None), false));
            return (used, step);
        }
        let mut first = [0; FIRST];
        let seen = input.len().min(FIRST);
        first.iter_mut().zip(input.iter()).for_each(|(to, from)| *to = *from);
        let before = self.tls.progress();
        let ((used, step), asked) =
            verify::within(self.conn, || self.tls.run(input, plain, &mut Work::None, &mut self.outbox));
        self.judged |= asked.judged;
        if let Some(name) = asked.server_name {
            self.server_name = name;
        }
        let step = step.map_err(|e| match asked.refusal {
            Some(why) => self.fail(why, true),
            None => {
                let first = first.get(..seen).filter(|_| !before);
                self.fail(words::failure(&e, self.tls.is_server(), first), false)
            }
        });
        (used, step)
    }

    /// Notes a failure and fetches the alert that rustls has for it.
    fn fail(&mut self, why: Complaint, refused: bool) -> Stop {
        self.tls.fetch_alert(&mut self.outbox);
        self.failed = Some(Failure { refused, why: why.clone() });
        if refused { Stop::Refused(why) } else { Stop::Failed(why) }
    }

    /// The handshake is over: asks for the verdict, if rustls had no reason to ask (a resumed session, or a client
    /// without certificate).
    fn judge(&mut self) {
        self.stage = Stage::Open;
        if self.judged {
            return;
        }
        self.judged = true;
        let verdict = self.daemon.verdict(self.conn, &self.peer());
        if let Err(why) = verdict {
            self.send_alert(why.code);
            // What it has sent behind the handshake is nobody's.
            (self.spare, self.spare_start) = (Vec::new(), 0);
            self.failed = Some(Failure { refused: true, why });
        }
    }

    /// The last record of this connection: an alert that rustls itself would not send.
    fn send_alert(&mut self, code: i32) {
        let mut code = u8::try_from(code).ok().filter(|c| *c != 0).unwrap_or(ACCESS_DENIED);
        // RFC 8446 6.2: certificate_required is of TLS 1.3. RFC 5246 7.4.6: handshake_failure.
        if code == CERTIFICATE_REQUIRED && self.tls.version() == Some(ProtocolVersion::TLSv1_2) {
            code = HANDSHAKE_FAILURE;
        }
        let suite = self.tls.suite();
        let record =
            self.tls.take_secrets().zip(suite).and_then(|(s, suite)| refuse::alert_record(s, suite, code));
        if let Some(record) = record {
            self.outbox.push(&record);
        }
        self.closed = true;
    }

    /// After a failed handshake: passes the alert on, and says why. What the peer has sent meanwhile is read, because
    /// a close with unread bytes would reset the connection and take the alert with it.
    fn end_handshake(&mut self, failure: Failure) -> Stop {
        if let Err(Stop::Wait(want)) = self.outbox.flush(&mut self.below) {
            return Stop::Wait(want);
        }
        self.outbox.clear();
        let mut scratch = SCRATCH.take();
        scratch.resize(scratch.len().max(CHUNK), 0);
        for _ in 0..DRAINS {
            if self.below.read(&mut scratch).is_err() {
                break;
            }
        }
        SCRATCH.set(scratch);
        if failure.refused { Stop::Refused(failure.why) } else { Stop::Failed(failure.why) }
    }

    /// Queues close_notify behind everything else.
    fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) || self.stage != Stage::Open {
            return;
        }
        let mut plain = Plain::new(&mut [], &mut self.spare);
        let _ = self.tls.run(&mut self.kept, &mut plain, &mut Work::Close, &mut self.outbox);
    }

    fn take_spare(&mut self, buf: &mut [u8]) -> usize {
        let rest = self.spare.get(self.spare_start..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.spare_start += n;
        if self.spare_start >= self.spare.len() {
            (self.spare, self.spare_start) = (Vec::new(), 0);
        }
        n
    }

    /// Answers and remembers the peer's close_notify.
    fn end(&mut self) {
        self.ended = true;
        // RFC 5425 4.4: a close_notify is answered with one.
        self.close();
        let _ = self.outbox.flush(&mut self.below);
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

    /// What a read waits for: pending records want to leave meanwhile.
    fn waiting(&self, want: Want) -> Stop {
        Stop::Wait(Want { write: want.write || !self.outbox.is_empty(), ..want })
    }
}

impl<B: Below> Stream for Session<B> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        if buf.is_empty() {
            return Err(Stop::Failed(Complaint::new("a read into no buffer")));
        }
        if !self.spare.is_empty() {
            return Ok(self.take_spare(buf));
        }
        if let Some(stop) = self.failure() {
            return Err(stop);
        }
        if self.stage != Stage::Open {
            return Err(Stop::Failed(Complaint::new("a read before the TLS handshake is over")));
        }
        // The host comes back here, not to `write`, when what a read waits for is that records can leave.
        if let Err(stop @ (Stop::Failed(_) | Stop::Closed)) = self.outbox.flush(&mut self.below) {
            return Err(stop);
        }
        loop {
            if self.ended {
                return Err(Stop::Closed);
            }
            // Records that left room for each other below have room for their plain text above.
            let most = buf.len().saturating_sub(self.kept.len()).clamp(SMALLEST, CHUNK);
            let mut spare = std::mem::take(&mut self.spare);
            let mut plain = Plain::new(buf, &mut spare);
            let result = self.receive(most, &mut plain);
            let filled = plain.filled();
            self.spare = spare;
            match result {
                Ok(Step::Ended) => self.end(),
                // An answer to a key update, which may wait for the next call.
                Ok(_) if !self.outbox.is_empty() => match self.outbox.flush(&mut self.below) {
                    Ok(()) | Err(Stop::Wait(_)) => {}
                    Err(stop) if filled == 0 => return Err(stop),
                    Err(_) => {}
                },
                Ok(_) => {}
                Err(Stop::Wait(want)) => return Err(self.waiting(want)),
                Err(Stop::Closed) => self.cut_off(),
                Err(stop) => {
                    let _ = self.outbox.flush(&mut self.below);
                    if filled == 0 {
                        return Err(stop);
                    }
                }
            }
            if filled > 0 {
                return Ok(filled);
            }
        }
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        if let Some(stop) = self.failure() {
            return Err(stop);
        }
        self.outbox.flush(&mut self.below)?;
        if buf.is_empty() {
            return self.below.write(buf).map(|_| 0);
        }
        if self.ended {
            return Err(Stop::Closed);
        }
        if self.closed || self.stage != Stage::Open {
            return Err(Stop::Failed(Complaint::new("a write outside the TLS session")));
        }
        let mut taken = 0;
        for batch in buf.chunks(BATCH) {
            let mut plain = Plain::new(&mut [], &mut self.spare);
            let mut work = Work::Encrypt(batch);
            let (_, step) = self.tls.run(&mut self.kept, &mut plain, &mut work, &mut self.outbox);
            if let Err(e) = step {
                return Err(self.fail(words::failure(&e, self.tls.is_server(), None), false));
            }
            if matches!(work, Work::Encrypt(_)) {
                return Err(self.fail(Complaint::new("the TLS session takes no more data"), false));
            }
            taken += batch.len();
            match self.outbox.flush(&mut self.below) {
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
        self.outbox.flush(&mut self.below)
    }
}

impl<B: Below> LayerSession for Session<B> {
    fn handshake(&mut self) -> Result<(), Stop> {
        loop {
            if let Some(failure) = self.failed.clone() {
                return Err(self.end_handshake(failure));
            }
            self.outbox.flush(&mut self.below)?;
            if self.stage == Stage::Open {
                return Ok(());
            }
            let mut spare = std::mem::take(&mut self.spare);
            let mut plain = Plain::new(&mut [], &mut spare);
            let step = match self.stage {
                // A client speaks first.
                Stage::Fresh => self.process(&mut [], &mut plain).1,
                _ => self.receive(HELLO_CHUNK, &mut plain),
            };
            self.spare = spare;
            if self.stage == Stage::Fresh {
                self.stage = Stage::Handshake;
            }
            match step {
                Ok(step) => {
                    self.ended |= step == Step::Ended;
                    if !self.tls.is_handshaking() {
                        self.judge();
                    }
                }
                Err(Stop::Closed) if !self.heard && self.tls.is_server() => return Err(Stop::Closed),
                Err(Stop::Closed) => {
                    let why = cut_short(self.tls.is_server(), self.heard);
                    self.failed = Some(Failure { refused: false, why });
                }
                // `failed` holds it; the alert goes first.
                Err(_) if self.failed.is_some() => {}
                Err(stop) => return Err(stop),
            }
        }
    }

    fn peer(&self) -> PeerFacts<'_> {
        let version = match self.tls.version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "",
        };
        PeerFacts {
            chain: self.tls.chain().iter().map(AsRef::as_ref).collect(),
            staple: &[],
            server_name: &self.server_name,
            resumed: self.tls.kind() == Some(HandshakeKind::Resumed),
            server: self.tls.is_server(),
            protocol: version,
            cipher: self.tls.suite().and_then(|s| s.suite().as_str()).unwrap_or_default(),
            group: self.tls.group().and_then(|g| g.as_str()).unwrap_or_default(),
        }
    }
}

/// What is read from below at a time.
const CHUNK: usize = 64 << 10;
/// As above, during the handshake: what comes behind it has to be set aside.
const HELLO_CHUNK: usize = 16 << 10;
/// What is read at least, however small the caller's buffer.
const SMALLEST: usize = 4 << 10;
/// Plain text that becomes one write: four full records.
const BATCH: usize = 64 << 10;
/// How much of a stranger's first bytes is kept for the log.
const FIRST: usize = 32;
/// Reads of what a refused peer still sends.
const DRAINS: usize = 4;
const HANDSHAKE_FAILURE: u8 = 40;
const ACCESS_DENIED: u8 = 49;
const CERTIFICATE_REQUIRED: u8 = 116;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}
