//! Batches: many messages in one block of bytes, the unit that crosses from an input thread to a worker.
//!
//! Intake fills them, queues carry them, workers read them, and the pool takes them back so that the steady state
//! allocates nothing.

use crate::message::Revision;
use crate::script::Slot;
use crossbeam_channel::{Receiver, Sender, bounded};

/// What queues carry and pools keep: many messages in one value.
pub trait Bulk: Default + Send {
    /// Messages held.
    fn messages(&self) -> usize;
    /// Bytes of their texts.
    fn bytes(&self) -> usize;
    /// Keeps the messages that `keep` says yes to, asked with the severity of each.
    fn keep(&mut self, keep: &mut dyn FnMut(u8) -> bool);
    /// Moves the first `n` messages behind those of `into`.
    fn move_front(&mut self, n: usize, into: &mut Self);
    /// Whether it has grown so large that nothing more should be added.
    fn is_heavy(&self) -> bool;
    /// Makes it empty for its next use; what grew beyond the usual is given back.
    fn reset(&mut self);
}

/// Messages as received, back to back in one block.
#[derive(Default)]
pub struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) heads: Vec<Head>,
    /// Of messages that came with variables, from an input or from a ruleset that handed them to another's queue, in the
    /// order of their heads.
    pub(crate) handed: Vec<Handed>,
}

/// What comes with a message besides its text.
pub(crate) struct Handed {
    /// The place of its head.
    pub at: usize,
    /// The ruleset that handed it to its queue.
    pub ruleset: Option<usize>,
    pub vars: Slot,
    /// What a modification made of it.
    pub revision: Option<Box<Revision>>,
}

/// What is known of a message before it is parsed.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Where the message stands in the batch's bytes.
    pub off: u32,
    pub len: u32,
    /// Who sent it: a number of `Peers`.
    pub peer: u32,
    /// Bits of `sysloom_abi::frame_flag`.
    pub flags: u32,
    /// When it was received, in nanoseconds since 1970.
    pub received_ns: i64,
    /// The input that it came through.
    pub input: u32,
    /// It stands for so many messages of its like that came in a row; 0 and 1 = for itself.
    pub repeated: u32,
}

impl Batch {
    /// Messages held.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Whether the batch shall go to the queue before it takes more.
    pub fn is_full(&self) -> bool {
        self.heads.len() >= MAX_MESSAGES || self.bytes.len() >= MAX_BYTES
    }

    /// Copies one message in; its head gets its place.
    pub fn push(&mut self, message: &[u8], head: Head) {
        let off = self.bytes.len() as u32;
        self.bytes.extend_from_slice(message);
        self.heads.push(Head { off, len: message.len() as u32, ..head });
    }

    /// The ruleset that called for this message to go into its queue.
    pub(crate) fn called(&self, at: usize) -> Option<usize> {
        let place = self.handed.binary_search_by_key(&at, |handed| handed.at).ok()?;
        self.handed.get(place)?.ruleset
    }

    /// The bytes of a message as received.
    pub fn raw(&self, head: &Head) -> &[u8] {
        let off = head.off as usize;
        self.bytes.get(off..off + head.len as usize).unwrap_or_default()
    }
}

impl Bulk for Batch {
    fn messages(&self) -> usize {
        self.len()
    }

    fn bytes(&self) -> usize {
        self.bytes.len()
    }

    fn keep(&mut self, keep: &mut dyn FnMut(u8) -> bool) {
        let Self { bytes, heads, handed } = self;
        let (mut at, mut place, mut handed_at) = (0, 0, 0);
        heads.retain(|head| {
            let off = head.off as usize;
            let kept = keep(severity(bytes.get(off..off + head.len as usize).unwrap_or_default()));
            if handed.get(handed_at).is_some_and(|handed| handed.at == at) {
                if kept {
                    handed[handed_at].at = place;
                    handed_at += 1;
                } else {
                    handed.remove(handed_at);
                }
            }
            at += 1;
            place += usize::from(kept);
            kept
        });
    }

    fn move_front(&mut self, n: usize, into: &mut Self) {
        let (n, before) = (n.min(self.heads.len()), into.heads.len());
        for head in self.heads.iter().take(n) {
            let off = head.off as usize;
            into.push(self.bytes.get(off..off + head.len as usize).unwrap_or_default(), *head);
        }
        self.heads.drain(..n);
        let moved = self.handed.iter().take_while(|handed| handed.at < n).count();
        let moved = self.handed.drain(..moved);
        into.handed.extend(moved.map(|handed| Handed { at: before + handed.at, ..handed }));
        self.handed.iter_mut().for_each(|handed| handed.at -= n);
    }

    fn is_heavy(&self) -> bool {
        self.bytes.len() >= MAX_BYTES
    }

    fn reset(&mut self) {
        self.bytes.clear();
        self.heads.clear();
        self.handed.clear();
        // One giant message must not keep its memory for ever.
        if self.bytes.capacity() > 2 * MAX_BYTES {
            self.bytes.shrink_to(MAX_BYTES);
        }
    }
}

/// The severity that a message says it has, before it is parsed.
fn severity(raw: &[u8]) -> u8 {
    let digits = raw.strip_prefix(b"<").map_or(&[][..], |rest| &rest[..rest.len().min(4)]);
    let pri = digits.split(|b| *b == b'>').next().and_then(|digits| std::str::from_utf8(digits).ok());
    let pri: u8 = pri.and_then(|digits| digits.parse().ok()).unwrap_or(UNSAID_PRI);
    pri % 8
}

/// Empty batches (or what else queues carry), kept for reuse. Shared by all threads.
pub struct Pool<T = Batch> {
    give: Sender<Box<T>>,
    take: Receiver<Box<T>>,
}

impl<T: Bulk> Pool<T> {
    /// A pool that keeps at most `keep` batches; more are freed.
    pub fn new(keep: usize) -> Self {
        let (give, take) = bounded(keep);
        Self { give, take }
    }

    /// An empty batch.
    pub fn take(&self) -> Box<T> {
        self.take.try_recv().unwrap_or_default()
    }

    /// Gives a batch back; its messages are gone.
    pub fn give(&self, mut batch: Box<T>) {
        batch.reset();
        let _ = self.give.try_send(batch);
    }
}

/// RFC 3164 4.3.3: user.notice.
const UNSAID_PRI: u8 = 13;
/// Messages of a full batch: rsyslog's queue.dequeueBatchSize of rulesets.
const MAX_MESSAGES: usize = 1024;
/// Bytes of a full batch; stays in a core's second-level cache.
const MAX_BYTES: usize = 96 * 1024;
