//! Where messages enter: each input thread gathers them in a batch of its own and hands it to the queue of their
//! ruleset when it is full or the input has nothing more at hand.
//!
//! Called from input threads and netstream loops through the plugin host. Nothing is locked or allocated per message.

use crate::batch::{Batch, Handed, Head, Pool};
use crate::message::Message;
use crate::queue::{Delay, Queue};
use crate::script::{self, Json, Slot};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use sysloom_abi::{Frame, frame_flag, submit_flag};

/// The way from inputs to a queue.
pub struct Intake {
    queue: Arc<Queue>,
    pool: Arc<Pool>,
}

/// The batch that a thread is filling, and where it will go.
struct Filling {
    intake: Arc<Intake>,
    batch: Box<Batch>,
    delay: Delay,
}

thread_local! {
    /// One entry for each queue that this thread feeds; nearly always one.
    static FILLING: RefCell<Vec<Filling>> = const { RefCell::new(Vec::new()) };
}

impl Intake {
    pub fn new(queue: Arc<Queue>, pool: Arc<Pool>) -> Arc<Self> {
        Arc::new(Self { queue, pool })
    }

    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Copies the messages that `frames` names in `block`. Returns how many were taken.
    pub fn submit(self: &Arc<Self>, input: u32, block: &[u8], frames: &[Frame], flags: u32) -> usize {
        self.submit_repeated(input, block, frames, 0, flags)
    }

    /// As [`Intake::submit`], of messages that each stand for so many of their like.
    pub fn submit_repeated(
        self: &Arc<Self>,
        input: u32,
        block: &[u8],
        frames: &[Frame],
        repeated: u32,
        flags: u32,
    ) -> usize {
        let mut now = 0;
        let delay = delay(flags);
        let most = self.queue.limits().batch;
        self.fill(delay, |mine| {
            for frame in frames {
                let off = frame.off as usize;
                let Some(message) = block.get(off..off + frame.len as usize) else { continue };
                let received_ns = match frame.received_ns {
                    0 => *nonzero(&mut now, now_ns),
                    given => given,
                };
                let Frame { peer, flags, .. } = *frame;
                let flags = flags & !DELAYS | delay_bits(delay);
                if flags & frame_flag::VARIABLES != 0
                    && let Some(object) = variables(block.get(off + frame.len as usize..).unwrap_or_default())
                {
                    let (at, vars) = (mine.batch.len(), Slot::with(object));
                    mine.batch.handed.push(Handed { at, ruleset: None, vars, revision: None });
                }
                mine.batch.push(message, Head { off: 0, len: 0, peer, flags, received_ns, input, repeated });
                if mine.batch.is_full() || mine.batch.len() >= most {
                    mine.send();
                }
            }
            if flags & submit_flag::FLUSH != 0 {
                mine.send();
            }
        });
        frames.len()
    }

    /// Copies a message that is at work, with what was set in it, for the ruleset of this number. It goes to the queue
    /// with the next flush.
    pub fn copy(self: &Arc<Self>, ruleset: usize, message: &Message<'_>, flags: u32) {
        let delay = delay(flags);
        self.fill(delay, |mine| {
            let (at, vars, revision) = (mine.batch.len(), message.vars.copy(), message.revision());
            mine.batch.handed.push(Handed { at, ruleset: Some(ruleset), vars, revision });
            let flags = message.head.flags & !DELAYS | delay_bits(delay);
            mine.batch.push(message.raw, Head { flags, ..*message.head });
        });
    }

    /// Whether the calling thread has a batch for it that is to go before another message.
    pub fn is_full(self: &Arc<Self>) -> bool {
        let most = self.queue.limits().batch;
        FILLING.with_borrow(|filling| {
            let mine = filling.iter().find(|f| Arc::ptr_eq(&f.intake, self));
            mine.is_some_and(|mine| mine.batch.is_full() || mine.batch.len() >= most)
        })
    }

    fn fill<R>(self: &Arc<Self>, delay: Delay, work: impl FnOnce(&mut Filling) -> R) -> R {
        FILLING.with_borrow_mut(|filling| {
            let at = filling.iter().position(|f| Arc::ptr_eq(&f.intake, self)).unwrap_or_else(|| {
                filling.push(Filling { intake: Arc::clone(self), batch: self.pool.take(), delay });
                filling.len() - 1
            });
            let mine = &mut filling[at];
            // The least patient sender of a batch decides how long it may wait.
            mine.delay = if mine.batch.is_empty() { delay } else { mine.delay.less_patient(delay) };
            work(mine)
        })
    }
}

/// Hands the calling thread's batches to their queues: it has nothing more at hand.
pub fn flush() {
    FILLING.with_borrow_mut(|filling| filling.iter_mut().for_each(Filling::send));
}

/// The calling thread is done: its batches go to their queues and the rest is freed.
pub fn finish() {
    flush();
    FILLING.with_borrow_mut(Vec::clear);
}

/// Nanoseconds since 1970.
pub fn now_ns() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
}

impl Filling {
    fn send(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::replace(&mut self.batch, self.intake.pool.take());
        self.intake.queue.enqueue(batch, self.delay);
    }
}

/// The object that stands behind a message.
fn variables(behind: &[u8]) -> Option<Json> {
    let (len, rest) = behind.split_first_chunk()?;
    let text = rest.get(..u32::from_le_bytes(*len) as usize)?;
    script::parse::parse(text).filter(|json| matches!(json, Json::Object(_)))
}

/// A message with what stands behind it.
pub(crate) fn whole<'b>(frame: &Frame, block: &'b [u8]) -> &'b [u8] {
    let from = block.get(frame.off as usize..).unwrap_or_default();
    let len = frame.len as usize;
    let behind = match from.get(len..).and_then(<[u8]>::first_chunk) {
        Some(len) if frame.flags & frame_flag::VARIABLES != 0 => 4 + u32::from_le_bytes(*len) as usize,
        _ => 0,
    };
    from.get(..len.saturating_add(behind)).unwrap_or_else(|| from.get(..len).unwrap_or_default())
}

fn delay(flags: u32) -> Delay {
    match flags {
        f if f & submit_flag::NO_WAIT != 0 => Delay::Never,
        f if f & submit_flag::FULL_DELAY != 0 => Delay::Full,
        f if f & submit_flag::LIGHT_DELAY != 0 => Delay::Light,
        _ => Delay::None,
    }
}

/// How far the sender of a message can be held back, in the flags of its head.
fn delay_bits(delay: Delay) -> u32 {
    match delay {
        Delay::Full => FULL,
        Delay::Light => LIGHT,
        Delay::None | Delay::Never => 0,
    }
}

/// The opposite: what a head says.
pub fn delay_of(flags: u32) -> Delay {
    match flags & DELAYS {
        FULL => Delay::Full,
        LIGHT => Delay::Light,
        _ => Delay::None,
    }
}

fn nonzero(slot: &mut i64, make: impl FnOnce() -> i64) -> &i64 {
    if *slot == 0 {
        *slot = make();
    }
    slot
}

/// Bits of a head's flags that no frame has.
const LIGHT: u32 = 1 << 14;
const FULL: u32 = 1 << 15;
const DELAYS: u32 = LIGHT | FULL;
/// A message of the daemon's own.
pub(crate) const OWN: u32 = 1 << 13;
