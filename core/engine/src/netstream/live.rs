//! One accepted connection: its handshake, its reads, its replies, and how it ends. A reactor calls these when the
//! connection is ready and does what the returned [`Turn`] says.

use super::SinkSession;
use super::lines::{self, Stage};
use super::port::{Full, Port, Seat, count};
use super::verdicts::Verdicts;
use crate::plugin::{Halt, Session};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sysloom_abi::{log_level, status};

/// A connection that a reactor serves.
pub(crate) struct Live {
    pub conn: u64,
    pub session: Session,
    pub port: Arc<Port>,
    pub state: State,
    pub peer: Box<str>,
    pub peer_port: u16,
    /// What the reactor polls for.
    pub polled: Readiness,
    /// Stands in line for another turn.
    pub queued: bool,
    /// When the state began, and later when bytes came last.
    pub since: Instant,
    seat: Seat,
    sink: Option<Box<dyn SinkSession>>,
    replies: Vec<u8>,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readiness {
    pub read: bool,
    pub write: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Handshake,
    /// Open, but no byte has come yet.
    Silent,
    Sending,
    /// Both sides said their last; ours is still on its way.
    Ending,
}

/// What the reactor does next with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Poll(Readiness),
    /// There is more at hand: another turn after the others had theirs.
    Again,
    Gone,
}

impl Live {
    pub fn new(conn: u64, session: Session, port: Arc<Port>, seat: Seat, peer: &str, peer_port: u16) -> Self {
        let state = if session.is_layered() { State::Handshake } else { State::Silent };
        Self {
            conn,
            session,
            port,
            state,
            peer: peer.into(),
            peer_port,
            polled: READ,
            queued: false,
            since: Instant::now(),
            seat,
            sink: None,
            replies: Vec::new(),
        }
    }

    /// Goes on with whatever stands next. `got` is set when bytes went to the input.
    pub fn serve(&mut self, now: Instant, buffer: &mut [u8], verdicts: &Verdicts, got: &mut bool) -> Turn {
        match self.state {
            State::Handshake => match self.shake(verdicts) {
                Ok(()) => self.since = now,
                Err(turn) => return turn,
            },
            State::Ending => return self.end(),
            State::Silent | State::Sending => {}
        }
        if self.sink.is_none() {
            self.open();
        }
        let more = self.write_replies();
        match self.read(now, buffer, got) {
            Turn::Poll(ready) => Turn::Poll(Readiness { write: ready.write || more, ..ready }),
            turn => turn,
        }
    }

    /// Opens what needs no handshake, so that the input knows of it before its first byte.
    pub fn open_plain(&mut self) {
        if self.state == State::Silent && self.sink.is_none() {
            self.open();
        }
    }

    /// Takes bytes for the peer. They leave as far as they can; the rest follows when the peer reads.
    pub fn reply(&mut self, bytes: &[u8]) -> Turn {
        if self.replies.len() > MOST_REPLIES {
            self.fail(Stage::Read, "the peer does not read what it is answered");
            return Turn::Gone;
        }
        self.replies.extend_from_slice(bytes);
        if matches!(self.state, State::Handshake | State::Ending) {
            return Turn::Poll(self.polled);
        }
        let more = self.write_replies();
        Turn::Poll(Readiness { read: true, write: more })
    }

    /// How long it may stay as it is now.
    pub fn limit(&self) -> Option<Duration> {
        match self.state {
            State::Handshake => Some(self.port.handshake_limit),
            State::Ending => Some(ENDING),
            State::Silent | State::Sending => self.port.idle_limit,
        }
    }

    /// The time for what it does now is over.
    pub fn expire(&mut self, now: Instant) {
        let waited = now.saturating_duration_since(self.since).as_secs();
        let text = match self.state {
            State::Handshake => {
                format!("not finished within {waited} s: the peer was silent, or stopped half-way")
            }
            State::Silent => format!("it sent nothing for {waited} s while others waited for a place"),
            State::Sending => format!("it was silent for {waited} s, which is the idle limit"),
            State::Ending => return self.over(status::CLOSED),
        };
        let stage = if self.state == State::Handshake { Stage::Handshake } else { Stage::Read };
        count(self.port.counters.timed_out);
        self.log(log_level::WARNING, TIMEOUT, &lines::server(self, stage, &text));
        let _ = self.session.shutdown();
        self.over(status::TIMED_OUT);
    }

    /// The daemon stops: what lies ready is read, then the stream ends in order.
    pub fn stop(&mut self, now: Instant, buffer: &mut [u8], verdicts: &Verdicts, got: &mut bool) {
        if matches!(self.state, State::Silent | State::Sending) {
            // One turn's worth, so that a flood cannot keep the daemon up.
            if self.serve(now, buffer, verdicts, got) == Turn::Gone {
                return;
            }
        }
        let _ = self.session.shutdown();
        self.over(status::DISABLED);
    }

    /// Ends what the reactor cannot poll.
    pub fn fail(&mut self, stage: Stage, why: &str) {
        count(self.port.counters.broken);
        self.log(log_level::ERROR, 0, &lines::server(self, stage, why));
        self.over(status::FAILED);
    }

    fn shake(&mut self, verdicts: &Verdicts) -> Result<(), Turn> {
        let halt = match self.session.handshake() {
            Ok(()) => match verdicts.after(self.conn, &mut self.session) {
                Ok(()) => {
                    verdicts.forget(self.conn);
                    self.state = State::Silent;
                    return Ok(());
                }
                Err(why) => Halt::Refused(Box::new(why)),
            },
            Err(Halt::Wait { read, write }) => return Err(Turn::Poll(Readiness { read, write })),
            Err(other) => other,
        };
        verdicts.forget(self.conn);
        let counters = &self.port.counters;
        count(counters.handshake_failed);
        let (code, why) = match &halt {
            Halt::Refused(why) => {
                count(counters.refused);
                (REFUSED, why.text.clone())
            }
            Halt::Failed(why) | Halt::TimedOut(why) => (HANDSHAKE, why.text.clone()),
            Halt::Closed | Halt::Wait { .. } => {
                (HANDSHAKE, "the peer closed the connection before it was over".to_owned())
            }
        };
        self.log(log_level::ERROR, code, &lines::server(self, Stage::Handshake, &why));
        Err(Turn::Gone)
    }

    fn open(&mut self) {
        let port = &self.port;
        count(port.counters.opened);
        let peer = port.house.intern(&self.peer, "", self.peer_port);
        self.sink = Some(port.sink.open(self.conn, peer, &self.peer, self.peer_port));
        if port.notify_open {
            let text = format!("{}: connection from {} opened", port.label, lines::address(self));
            self.log(log_level::INFO, 0, &text);
        }
    }

    fn read(&mut self, now: Instant, buffer: &mut [u8], got: &mut bool) -> Turn {
        let turns = match self.port.max_reads {
            0 => READS_A_TURN,
            n => n.min(READS_A_TURN),
        };
        for _ in 0..turns {
            let bytes = match self.session.read(buffer) {
                Ok(n) => buffer.get(..n).unwrap_or_default(),
                Err(Halt::Wait { read, write }) => return Turn::Poll(Readiness { read, write }),
                Err(Halt::Closed) => return self.end(),
                Err(Halt::Failed(why) | Halt::Refused(why) | Halt::TimedOut(why)) => {
                    count(self.port.counters.broken);
                    self.log(log_level::WARNING, 0, &lines::server(self, Stage::Read, &why.text));
                    self.over(status::FAILED);
                    return Turn::Gone;
                }
            };
            self.since = now;
            if self.state == State::Silent {
                if let Some(turn) = self.first(bytes.first_chunk::<3>().copied()) {
                    return turn;
                }
                self.state = State::Sending;
            }
            *got = true;
            let bytes = buffer.get(..bytes.len()).unwrap_or_default();
            if self.sink.as_mut().is_none_or(|sink| sink.data(bytes) < 0) {
                let _ = self.session.shutdown();
                self.over(status::FAILED);
                return Turn::Gone;
            }
        }
        Turn::Again
    }

    /// The first bytes have come: takes a seat, and looks whether they are what this port speaks.
    fn first(&mut self, head: Option<[u8; 3]>) -> Option<Turn> {
        if !self.port.stack().encrypts() && matches!(head, Some([0x16, 3, 0..=4])) {
            count(self.port.counters.wrong_protocol);
            let why = "the peer speaks TLS and this listener does not; set streamDriver.mode=\"1\" and a TLS \
                       driver here, or send plain text there";
            self.log(log_level::ERROR, HANDSHAKE, &lines::server(self, Stage::Read, why));
            self.over(status::FAILED);
            return Some(Turn::Gone);
        }
        let full = self.seat.sit().err()?;
        table_full(&self.port, &lines::address(self), full);
        let _ = self.session.shutdown();
        self.over(status::FAILED);
        Some(Turn::Gone)
    }

    /// The peer said its last: answer in order and be done.
    fn end(&mut self) -> Turn {
        if self.state != State::Ending {
            self.state = State::Ending;
            self.since = Instant::now();
        }
        match self.session.say_end() {
            Err(Halt::Wait { write: true, .. }) => Turn::Poll(Readiness { read: false, write: true }),
            _ => {
                self.over(status::CLOSED);
                Turn::Gone
            }
        }
    }

    /// Whether bytes are left for the peer.
    fn write_replies(&mut self) -> bool {
        while !self.replies.is_empty() {
            match self.session.write(&self.replies) {
                Ok(n) => {
                    self.replies.drain(..n.min(self.replies.len()));
                }
                Err(Halt::Wait { .. }) => return true,
                // The read side tells what happened.
                Err(_) => self.replies.clear(),
            }
        }
        if self.replies.capacity() > 0 {
            self.replies = Vec::new();
            return matches!(self.session.write(&[]), Err(Halt::Wait { .. }));
        }
        false
    }

    fn over(&mut self, reason: i64) {
        if let Some(sink) = self.sink.take() {
            sink.close(reason);
            if self.port.notify_close {
                let text = format!("{}: connection from {} closed", self.port.label, lines::address(self));
                self.log(log_level::INFO, 0, &text);
            }
        }
    }

    fn log(&self, level: u32, code: i32, text: &str) {
        self.port.house.log(self.port.me, level, code, text);
    }
}

/// One line and one count for a connection that found no place.
pub(crate) fn table_full(port: &Port, peer: &str, full: Full) {
    count(port.counters.table_full);
    let why = match full {
        Full::Sessions(n) => format!("all {n} sessions are taken (maxSessions)"),
        Full::Waiting(n) => format!("{n} connections have sent nothing yet (maxSessions and 64 more)"),
        Full::Source(n) => format!("its address has {n} sessions already, the limit for one source"),
        Full::SourceWaiting(n) => format!("{n} connections of its address have sent nothing yet"),
    };
    let text = format!("{}: too many tcp sessions - dropping incoming request of {peer}: {why}", port.label);
    port.house.log(port.me, log_level::ERROR, TABLE_FULL, &text);
}

const READ: Readiness = Readiness { read: true, write: false };
/// Bytes that wait for a peer to read its answers.
const MOST_REPLIES: usize = 4 << 20;
/// A megabyte or so; then the others have their turn.
const READS_A_TURN: u32 = 16;
/// What our last bytes get to reach a peer that does not read.
const ENDING: Duration = Duration::from_secs(5);
/// rsyslog's codes: session table full, handshake failed, certificate not accepted, silent for too long.
const TABLE_FULL: i32 = 2079;
const HANDSHAKE: i32 = 2083;
const REFUSED: i32 = 2084;
const TIMEOUT: i32 = 2175;
