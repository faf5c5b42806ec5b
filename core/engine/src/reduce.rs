//! `$RepeatedMsgReduction`: of a message that an input gets several times in a row, the first goes on at once and the
//! others are counted; the last of them goes on when something else comes, or the input ends. An input that tells
//! processes apart has each of them repeat itself only.
//!
//! `Core` sends the messages of inputs through here when the configuration asks for it. To know the same message again
//! it must be parsed on the input's thread; without the directive nothing of this runs.

use crate::intake::{self, Intake, now_ns};
use crate::message::{Around, reception};
use crate::worker::Reading;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use sysloom_abi::{Frame, frame_flag, submit_flag};
use sysloom_wire::Parsed;

/// What one input, or each process that it tells apart, has said last, and how often.
pub(crate) struct Reducer {
    reading: Reading,
    around: Arc<Around>,
    /// Threads of one input share it, as senders share a listener's limit in rsyslog.
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// By the number of a process; 0 = all who are not told apart.
    senders: BTreeMap<u32, State>,
    /// What makes the message at hand the same as another.
    key: Vec<u8>,
    changed: Vec<u8>,
}

#[derive(Default)]
struct State {
    /// The last message as it came, with what stands behind it; empty = none yet.
    last: Vec<u8>,
    frame: Frame,
    /// How often it came again.
    again: u32,
    /// What makes another message the same.
    like: Vec<u8>,
}

impl Reducer {
    pub(crate) fn new(reading: Reading, around: &Arc<Around>) -> Self {
        Self { reading, around: Arc::clone(around), seen: Mutex::default() }
    }

    /// As [`Intake::submit`], less what only repeats.
    pub(crate) fn submit(
        &self,
        intake: &Arc<Intake>,
        input: u32,
        block: &[u8],
        frames: &[Frame],
        flags: u32,
    ) -> usize {
        let mut seen = self.lock();
        for frame in frames {
            let off = frame.off as usize;
            let Some(message) = block.get(off..off + frame.len as usize) else { continue };
            let mut frame = *frame;
            if frame.received_ns == 0 {
                frame.received_ns = now_ns();
            }
            if !self.tell_apart(&mut seen, &frame, message) {
                continue;
            }
            let Seen { senders, key, .. } = &mut *seen;
            let sender = match frame.flags & frame_flag::PROCESS {
                0 => 0,
                _ => frame.flags >> frame_flag::PORT_SHIFT,
            };
            if senders.len() >= MOST_SENDERS && !senders.contains_key(&sender) {
                senders.values_mut().for_each(|state| state.send(intake, input, flags));
                senders.clear();
            }
            let state = senders.entry(sender).or_default();
            let repeats = !state.last.is_empty() && *key == state.like;
            if repeats {
                state.again += 1;
            } else {
                state.send(intake, input, flags);
                intake.submit(input, block, &[frame], flags & !submit_flag::FLUSH);
            }
            // rsyslog: the latest of them stands for all, with its time.
            state.keep(block, frame, key);
        }
        if flags & submit_flag::FLUSH != 0 {
            intake.submit(input, &[], &[], flags);
        }
        frames.len()
    }

    /// The input has ended: what it got again goes on now.
    pub(crate) fn finish(&self, intake: &Arc<Intake>, input: u32) {
        for state in std::mem::take(&mut self.lock().senders).values_mut() {
            state.send(intake, input, submit_flag::FLUSH);
        }
    }

    /// Puts what makes this message the same as another into the key; false = it is none that is delivered.
    // rsyslog: MSG, HOSTNAME, PROCID and APP-NAME; not the time, nor the priority, nor MSGID and structured data.
    fn tell_apart(&self, seen: &mut Seen, frame: &Frame, message: &[u8]) -> bool {
        let Seen { key, changed, .. } = seen;
        key.clear();
        changed.clear();
        let mut parsed = Parsed::new();
        let received = reception(frame.received_ns);
        let Some(text) = self.reading.read(frame.flags, &received, message, changed, &mut parsed) else {
            return false;
        };
        let text = text.of(message, changed);
        let peer;
        let host = match parsed.hostname(text) {
            Some(name) => name,
            None => {
                peer = self.around.peers.peer(frame.peer);
                self.around.peers.name(&peer).as_bytes()
            }
        };
        for part in [parsed.msg(text), host, parsed.procid(text), parsed.app_name(text)] {
            key.extend_from_slice(part);
            key.push(0);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, block: &[u8], frame: Frame, key: &mut Vec<u8>) {
        self.last.clear();
        self.last.extend_from_slice(intake::whole(&frame, block));
        self.frame = Frame { off: 0, ..frame };
        std::mem::swap(key, &mut self.like);
    }

    /// Sends what came again, as one message that says how often.
    fn send(&mut self, intake: &Arc<Intake>, input: u32, flags: u32) {
        let times = std::mem::take(&mut self.again);
        if times > 0 {
            intake.submit_repeated(input, &self.last, &[self.frame], times, flags & !submit_flag::FLUSH);
        }
    }
}

/// Processes whose last message is kept before all of them are forgotten.
const MOST_SENDERS: usize = 1000;
