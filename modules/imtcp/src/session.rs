//! One connection: where its next frame stands, and who is at the other end. Idle sessions are many, so this is small
//! and owns no buffer between frames.

use crate::Imtcp;
use crate::headed::Headed;
use crate::unpack::{Fault, Unpacker};
use std::cell::RefCell;
use std::sync::PoisonError;
use sysloom_sdk::frame::{Event, Sink, Splitter};
use sysloom_sdk::{Accepted, Complaint, Frame, Level, frame_flag};

pub struct Session {
    framing: Framing,
    /// Of a stream that is compressed; it comes with the first byte.
    unpacker: Option<Box<Unpacker>>,
    peer: u32,
    port: u16,
    /// Bad frames that have been logged.
    logged: u16,
    address: Box<str>,
}

/// How frames are told apart, and where the next one stands.
enum Framing {
    Usual(Splitter),
    Headed(Box<Headed>),
}

/// Takes what the splitter finds in `block`, the bytes of one read.
struct Intake<'a> {
    input: &'a Imtcp,
    session: Peer<'a>,
    block: &'a [u8],
    frames: &'a mut Vec<Frame>,
    /// The host stops and takes no more.
    refused: bool,
    /// A frame was complained of; its message is not complained of again.
    told: bool,
}

/// The session without its splitter.
struct Peer<'a> {
    number: u32,
    port: u16,
    address: &'a str,
    logged: &'a mut u16,
}

impl Session {
    pub fn new(input: &Imtcp, accepted: &Accepted<'_>) -> Self {
        let headed = input.header.is_some();
        Self {
            framing: if headed { Framing::Headed(Box::default()) } else { Framing::Usual(Splitter::new()) },
            unpacker: None,
            peer: input.sender(accepted),
            port: accepted.port,
            logged: 0,
            address: accepted.address.into(),
        }
    }

    pub fn feed(&mut self, input: &Imtcp, bytes: &[u8]) -> Result<(), Complaint> {
        input.bytes.add(bytes.len() as u64);
        let Some((unpacking, decompressed, errors)) = &input.unpacking else {
            return self.split(input, bytes);
        };
        let unpacker = match self.unpacker.take() {
            Some(unpacker) => Ok(unpacker),
            None => Unpacker::new(unpacking).map(Box::new),
        };
        let result = unpacker.and_then(|mut unpacker| {
            let result = unpacker.unpack(unpacking, bytes, |part| {
                decompressed.add(part.len() as u64);
                self.split(input, part)
            });
            self.unpacker = Some(unpacker);
            result
        });
        match result {
            Ok(()) => Ok(()),
            Err(Fault::Refused(why)) => Err(why),
            Err(fault) => {
                errors.add(1);
                let (what, advice) = fault.words();
                // Why a connection ends is always said.
                self.logged = 0;
                self.with(input, &[], |_, intake| intake.say(Level::Error, CODE_ZLIB, &what, advice));
                Err(Complaint::new(what))
            }
        }
    }

    fn split(&mut self, input: &Imtcp, bytes: &[u8]) -> Result<(), Complaint> {
        let refused = self.with(input, bytes, |framing, intake| match (framing, &input.header) {
            (Framing::Headed(headed), Some(header)) => {
                headed.feed(&input.rules, header, intake.block, intake);
            }
            (Framing::Usual(splitter), _) => splitter.feed(&input.rules, intake.block, intake),
            // A session is headed only where its listener has an expression.
            (Framing::Headed(_), None) => {}
        });
        if refused { Err(Complaint::new("the daemon takes no more messages")) } else { Ok(()) }
    }

    /// The stream is over: what is pending becomes a message or is lost.
    pub fn finish(mut self, input: &Imtcp) {
        self.with(input, &[], |framing, intake| match framing {
            Framing::Usual(splitter) => splitter.close(intake),
            Framing::Headed(headed) => std::mem::take(&mut **headed).close(&input.rules, intake),
        });
    }

    fn with(
        &mut self,
        input: &Imtcp,
        block: &[u8],
        work: impl FnOnce(&mut Framing, &mut Intake<'_>),
    ) -> bool {
        FRAMES.with_borrow_mut(|frames| {
            frames.clear();
            let session =
                Peer { number: self.peer, port: self.port, address: &self.address, logged: &mut self.logged };
            let mut intake = Intake { input, session, block, frames, refused: false, told: false };
            work(&mut self.framing, &mut intake);
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
        self.told = true;
        if *self.session.logged >= MAX_LINES {
            return;
        }
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
        let advice = match event {
            Event::Oversize { .. } | Event::Truncated { .. } => {
                "raise maxMessageSize if such messages are wanted"
            }
            Event::TooLong { .. } => {
                "raise maxFrameSize, or look at what the sender writes before its messages"
            }
            Event::BadCount => "look at what the sender writes before its messages",
            Event::Incomplete { .. } => "the sender or the network broke off",
        };
        self.say(Level::Error, code, &what, advice);
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
            flags: if cut { frame_flag::TRUNCATED } else { 0 }
                | u32::from(self.session.port) << frame_flag::PORT_SHIFT,
            received_ns: 0,
        }
    }

    /// What happens to a message that is too long.
    fn fate(&self) -> &'static str {
        if self.input.rules.discard_truncated { "message will be truncated" } else { "message will be split" }
    }

    /// Says one line about this session, and says when it is the last.
    fn say(&mut self, level: Level, code: i32, what: &str, advice: &str) {
        if *self.session.logged >= MAX_LINES {
            return;
        }
        *self.session.logged += 1;
        let last = if *self.session.logged == MAX_LINES {
            "; further ones of this session are not logged"
        } else {
            ""
        };
        let (name, address, port) = (&self.input.params.name, self.session.address, self.session.port);
        let own = self.input.port.get().copied().unwrap_or_default();
        let line = format!("{name}: {what}, peer {address}:{port}, listener {own}: {advice}{last}");
        self.input.host.log(level, code, &line);
    }

    /// What can be told of a message before it is parsed. It is taken all the same.
    fn look_at(&mut self, message: &[u8]) {
        let (what, advice) = match message.first() {
            Some(b'<') if has_pri(message) && is_text(message) => return,
            Some(b'<') if !has_pri(message) => (
                "message with an invalid PRI, taken with facility invld",
                "let the sender write <0> to <191>",
            ),
            Some(b'0'..=b'9') if self.input.rules.octet_counted && is_text(message) => (
                "message that begins with digits but no octet count, taken as a line",
                "let the sender begin with <PRI>",
            ),
            Some(b'z') if is_packed(message) => return,
            _ if is_text(message) => return,
            _ if message.contains(&0) => {
                ("message with a NUL, which is escaped", "let the sender write text")
            }
            _ => ("message that is no UTF-8, taken as it is", "let the sender write UTF-8"),
        };
        self.input.bad_messages.add(1);
        if !std::mem::take(&mut self.told) {
            self.say(Level::Warning, 0, what, advice);
        }
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
        for frame in frames {
            let off = frame.off as usize;
            self.look_at(block.get(off..off + frame.len as usize).unwrap_or_default());
        }
        match self.input.host.submit(block, frames, self.input.submit) {
            Ok(taken) => self.input.submitted.add(taken as u64),
            Err(_) => self.refused = true,
        }
    }
}

/// Whether a message that begins with `<` has a PRI.
fn has_pri(message: &[u8]) -> bool {
    let digits = message.get(1..).unwrap_or_default().iter().take_while(|b| b.is_ascii_digit()).count();
    let value = message.get(1..=digits).unwrap_or_default();
    let number = value.iter().take(4).fold(0_u32, |n, digit| n * 10 + u32::from(digit - b'0'));
    (1..=3).contains(&digits) && number <= 191 && message.get(digits + 1) == Some(&b'>')
}

/// Whether a message begins as compressed ones do, which the daemon inflates.
fn is_packed(message: &[u8]) -> bool {
    // RFC 1950 2.2.
    matches!(*message, [b'z', method, flags, ..]
        if method & 0x8f == 8 && u16::from_be_bytes([method, flags]).is_multiple_of(31))
}

/// Whether a message is text without NULs.
fn is_text(message: &[u8]) -> bool {
    // One pass over what is nearly always plain ASCII.
    let plain = message.iter().fold(true, |plain, b| plain & (1..0x80).contains(b));
    plain || (!message.contains(&0) && std::str::from_utf8(message).is_ok())
}

thread_local! {
    /// The frames of the read at hand; kept, so that a read allocates nothing.
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Bad frames of one session that are worth a line.
const MAX_LINES: u16 = 5;
/// rsyslog's code of what zlib does not take.
const CODE_ZLIB: i32 = 2141;
/// rsyslog's code of a message that is too long.
const CODE_OVERSIZE: i32 = 2445;
