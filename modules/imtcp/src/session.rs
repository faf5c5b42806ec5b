//! One connection: where its next frame stands, and who is at the other end. Idle sessions are many, so this is small
//! and owns no buffer between frames.

use crate::Imtcp;
use std::cell::RefCell;
use std::sync::PoisonError;
use sysloom_sdk::frame::{Event, Sink, Splitter};
use sysloom_sdk::{Accepted, Complaint, Frame, Level, frame_flag};

pub struct Session {
    splitter: Splitter,
    peer: u32,
    port: u16,
    /// Bad frames that have been logged.
    logged: u16,
    address: Box<str>,
}

/// Takes what the splitter finds in `block`, the bytes of one read.
struct Intake<'a> {
    input: &'a Imtcp,
    session: Peer<'a>,
    block: &'a [u8],
    frames: &'a mut Vec<Frame>,
    /// The host stops and takes no more.
    refused: bool,
}

/// The session without its splitter.
struct Peer<'a> {
    number: u32,
    port: u16,
    address: &'a str,
    logged: &'a mut u16,
}

impl Session {
    pub fn new(accepted: &Accepted<'_>) -> Self {
        Self {
            splitter: Splitter::new(),
            peer: accepted.peer,
            port: accepted.port,
            logged: 0,
            address: accepted.address.into(),
        }
    }

    pub fn feed(&mut self, input: &Imtcp, bytes: &[u8]) -> Result<(), Complaint> {
        input.bytes.add(bytes.len() as u64);
        let refused =
            self.with(input, bytes, |splitter, intake| splitter.feed(&input.rules, intake.block, intake));
        if refused { Err(Complaint::new("the daemon takes no more messages")) } else { Ok(()) }
    }

    /// The stream is over: what is pending becomes a message or is lost.
    pub fn finish(mut self, input: &Imtcp) {
        self.with(input, &[], |splitter, intake| splitter.close(intake));
    }

    fn with(
        &mut self,
        input: &Imtcp,
        block: &[u8],
        work: impl FnOnce(&mut Splitter, &mut Intake<'_>),
    ) -> bool {
        FRAMES.with_borrow_mut(|frames| {
            frames.clear();
            let session =
                Peer { number: self.peer, port: self.port, address: &self.address, logged: &mut self.logged };
            let mut intake = Intake { input, session, block, frames, refused: false };
            work(&mut self.splitter, &mut intake);
            intake.submit();
            intake.refused
        })
    }
}

impl Sink for Intake<'_> {
    fn span(&mut self, offset: usize, len: usize) {
        let frame = self.frame(offset, len);
        self.frames.push(frame);
    }

    fn carried(&mut self, frame: &[u8]) {
        // Messages keep the order of the stream.
        self.submit();
        let one = self.frame(0, frame.len());
        self.hand_over(frame, &[one]);
    }

    fn event(&mut self, event: Event) {
        // The splitter tells of a count that it does not believe once more.
        if matches!(event, Event::Oversize { announced } if announced > self.input.rules.max_frame as u64) {
            return;
        }
        self.input.bad_frames.add(1);
        if *self.session.logged >= MAX_LINES {
            return;
        }
        *self.session.logged += 1;
        let max = self.input.rules.max_message;
        let what = match event {
            Event::Oversize { announced } => {
                format!("message of {announced} bytes is larger than max msg size ({max}), {}", self.fate())
            }
            Event::TooLong { announced } => {
                format!(
                    "Framing Error in received TCP message: frame too large: {announced}, change to octet stuffing"
                )
            }
            Event::BadCount => {
                "Framing Error in received TCP message: octet count is 0 or has leading zeros".into()
            }
            Event::Truncated { len } => {
                format!(
                    "message received is larger than max msg size ({len} of {max} bytes taken), {}",
                    self.fate()
                )
            }
            Event::Incomplete { wanted, got } => {
                format!("Incomplete frame at end of stream: {got} of {wanted} bytes came, message lost")
            }
        };
        let code = match event {
            Event::Oversize { .. } | Event::Truncated { .. } => CODE_OVERSIZE,
            _ => 0,
        };
        let last = if *self.session.logged == MAX_LINES {
            "; further ones of this session are not logged"
        } else {
            ""
        };
        let (name, address, port) = (&self.input.params.name, self.session.address, self.session.port);
        self.input.host.log(Level::Error, code, &format!("{name}: {what}, peer {address}:{port}{last}"));
    }
}

impl Intake<'_> {
    fn frame(&self, offset: usize, len: usize) -> Frame {
        let cut = self.input.rules.discard_truncated && len >= self.input.rules.max_message;
        Frame {
            // A read is far below 4 GiB.
            off: offset as u32,
            len: len as u32,
            peer: self.session.number,
            flags: if cut { frame_flag::TRUNCATED } else { 0 },
            received_ns: 0,
        }
    }

    /// What happens to a message that is too long.
    fn fate(&self) -> &'static str {
        if self.input.rules.discard_truncated { "message will be truncated" } else { "message will be split" }
    }

    fn submit(&mut self) {
        if self.frames.is_empty() {
            return;
        }
        let frames = std::mem::take(self.frames);
        self.hand_over(self.block, &frames);
        *self.frames = frames;
        self.frames.clear();
    }

    fn hand_over(&mut self, block: &[u8], frames: &[Frame]) {
        let allowed = match &self.input.limit {
            None => frames.len(),
            Some(limit) => {
                let mut limit = limit.lock().unwrap_or_else(PoisonError::into_inner);
                limit.take(frames.len(), |words, code| {
                    self.input.host.log(
                        Level::Warning,
                        code,
                        &format!("{}: {words}", self.input.params.name),
                    );
                })
            }
        };
        let Some(frames) = frames.get(..allowed).filter(|f| !f.is_empty()) else { return };
        match self.input.host.submit(block, frames, self.input.submit) {
            Ok(taken) => self.input.submitted.add(taken as u64),
            Err(_) => self.refused = true,
        }
    }
}

thread_local! {
    /// The frames of the read at hand; kept, so that a read allocates nothing.
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Bad frames of one session that are worth a line.
const MAX_LINES: u16 = 5;
/// rsyslog's code of a message that is too long.
const CODE_OVERSIZE: i32 = 2445;
