//! Messages that a sender compressed, each by itself: a `z` and a zlib stream, as omfwd's and rsyslog's
//! compression.mode="single" write them. Workers inflate them in the batch, before anything is parsed.
//!
//! Only what came over a network is looked at. A message that is none of these costs one comparison.

use crate::batch::{Batch, Head};
use crate::intake::now_ns;
use crate::peers::Peers;
use flate2::{Decompress, FlushDecompress, Status};
use slog::{Logger, error};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use sysloom_abi::frame_flag;
use thiserror::Error;

/// What holds for all workers; there is none where parser.supportCompressionExtension is off.
pub struct Inflation {
    /// The largest message in bytes (maxMessageSize).
    most: usize,
    log: Logger,
    /// Nanoseconds since 1970 from which on a failure is told again.
    quiet_until: AtomicI64,
    /// Failures that were not told meanwhile.
    untold: AtomicU64,
}

/// A worker's own part, which nothing is allocated for until the first compressed message.
#[derive(Default)]
pub struct Inflater(Option<Box<(Decompress, [u8; ROOM])>>);

/// Why a message stays as it came.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    #[error("it is no zlib stream, or a damaged one")]
    Bad,
    #[error("its zlib stream breaks off")]
    Cut,
    #[error("inflated it is longer than maxMessageSize ({0})")]
    Long(usize),
}

impl Inflation {
    pub fn new(most: usize, log: Logger) -> Self {
        Self { most, log, quiet_until: AtomicI64::new(0), untold: AtomicU64::new(0) }
    }

    /// Inflates the compressed messages of a batch.
    // rsyslog: one that cannot be inflated is reported and goes on as it came.
    pub fn unpack(&self, batch: &mut Batch, inflater: &mut Inflater, name: impl Fn(&Head) -> String) {
        for at in 0..batch.len() {
            if !batch
                .heads
                .get(at)
                .is_some_and(|head| is_remote(head) && batch.raw(head).first() == Some(&b'z'))
            {
                continue;
            }
            // What a ruleset handed over has been here before.
            if batch.called(at).is_some() {
                continue;
            }
            if let Err(why) = inflater.inflate(batch, at, self.most)
                && let Some(head) = batch.heads.get(at)
            {
                self.tell(why, &name(head));
            }
        }
    }

    /// One line a minute.
    fn tell(&self, why: Fault, from: &str) {
        let (now, until) = (now_ns(), self.quiet_until.load(Ordering::Relaxed));
        let next = now.saturating_add(QUIET_NS);
        let mine = now >= until
            && self.quiet_until.compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !mine {
            self.untold.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let more = match self.untold.swap(0, Ordering::Relaxed) {
            0 => String::new(),
            n => format!(" ({n} more since the last such line)"),
        };
        error!(self.log, "a message from {from} begins with z, as compressed ones do, but {why}; it is taken as it came{more}: \
            look at what the sender compresses, or set global(parser.supportCompressionExtension=\"off\") if it sends text";
            "code" => ZLIB);
    }
}

impl Inflater {
    /// Puts what a message inflates to behind the batch's bytes, and its head there.
    fn inflate(&mut self, batch: &mut Batch, at: usize, most: usize) -> Result<(), Fault> {
        let Batch { bytes, heads, .. } = batch;
        let Some(head) = heads.get_mut(at) else { return Ok(()) };
        let start = bytes.len();
        let from = head.off as usize + 1;
        let end = head.off as usize + head.len as usize;
        let (zlib, room) = &mut **self.0.get_or_insert_with(|| Box::new((Decompress::new(true), [0; ROOM])));
        zlib.reset(true);
        let done = loop {
            let (used, had) = (zlib.total_in() as usize, zlib.total_out());
            let input = bytes.get(from + used..end).unwrap_or_default();
            let Ok(status) = zlib.decompress(input, room, FlushDecompress::None) else {
                break Err(Fault::Bad);
            };
            let got = (zlib.total_out() - had) as usize;
            if bytes.len() - start + got > most || u32::try_from(bytes.len() + got).is_err() {
                break Err(Fault::Long(most));
            }
            bytes.extend_from_slice(room.get(..got).unwrap_or_default());
            match status {
                // rsyslog: what stands behind the stream is no matter.
                Status::StreamEnd => break Ok(()),
                _ if got == 0 && zlib.total_in() as usize == used => break Err(Fault::Cut),
                Status::Ok | Status::BufError => {}
            }
        };
        match done {
            Ok(()) => (head.off, head.len) = (start as u32, (bytes.len() - start) as u32),
            Err(_) => bytes.truncate(start),
        }
        done
    }
}

/// Whether a message came from another host, by its sender's number.
fn is_remote(head: &Head) -> bool {
    head.peer != 0 && head.flags & frame_flag::LOCAL == 0
}

/// Who sent a message, and through which input.
pub fn origin(head: &Head, peers: &Peers, input: &str) -> String {
    format!("{} through input '{input}'", peers.peer(head.peer).ip)
}

/// Bytes that are inflated at a time.
const ROOM: usize = 8192;
/// How long a failure keeps the following ones from being told.
const QUIET_NS: i64 = 60_000_000_000;
/// rsyslog's code of what zlib does not take.
const ZLIB: i32 = 2141;

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compress, Compression, FlushCompress};

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 100);
        out.push(b'z');
        let status =
            Compress::new(Compression::new(9), true).compress_vec(text, &mut out, FlushCompress::Finish);
        assert_eq!(status.unwrap(), Status::StreamEnd);
        out
    }

    fn head(peer: u32, flags: u32) -> Head {
        Head { off: 0, len: 0, peer, flags, received_ns: 1, input: 0, repeated: 0 }
    }

    fn unpacked(message: &[u8], head: Head) -> (Vec<u8>, u64) {
        let (mut batch, mut inflater) = (Batch::default(), Inflater::default());
        batch.push(b"<13>before", head);
        batch.push(message, head);
        batch.push(b"<13>after", head);
        let inflation = Inflation::new(MOST, Logger::root(slog::Discard, slog::o!()));
        inflation.quiet_until.store(i64::MAX, Ordering::Relaxed);
        inflation.unpack(&mut batch, &mut inflater, |_| String::new());
        let raw = |at: usize| batch.raw(&batch.heads[at]).to_vec();
        assert_eq!((raw(0), raw(2)), (b"<13>before".to_vec(), b"<13>after".to_vec()));
        (raw(1), inflation.untold.load(Ordering::Relaxed))
    }

    #[test]
    fn compressed_messages_are_inflated_and_others_left() {
        let noise: Vec<u8> = (0..20_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for text in
            [&b"<13>short"[..], &b"<13>tag: text ".repeat(1000), &noise, b"z twice", b"", &[b'x'; MOST]]
        {
            assert_eq!(unpacked(&packed(text), head(7, 0)), (text.to_vec(), 0));
            let with_more = [&packed(text), &b"more"[..]].concat();
            assert_eq!(unpacked(&with_more, head(7, 0)), (text.to_vec(), 0));
        }
        assert_eq!(unpacked(b"<13>z", head(7, 0)).1, 0);
    }

    #[test]
    fn what_is_damaged_or_too_long_stays_as_it_came() {
        let whole = packed(&b"<13>tag: text ".repeat(100));
        let mut damaged = whole.clone();
        damaged[20] ^= 0xff;
        let bomb = packed(&vec![b'a'; 10 << 20]);
        let one_too_long = packed(&[b'x'; MOST + 1]);
        let no_sum = &whole[..whole.len() - 1];
        for message in [&b"z"[..], b"zebra", b"zx\x9c", &whole[..30], no_sum, &damaged, &bomb, &one_too_long]
        {
            assert_eq!(unpacked(message, head(7, 0)), (message.to_vec(), 1));
        }
    }

    #[test]
    fn each_fault_has_its_words() {
        let fault = |message: &[u8]| {
            let mut batch = Batch::default();
            batch.push(message, head(7, 0));
            Inflater::default().inflate(&mut batch, 0, MOST).unwrap_err()
        };
        assert_eq!(fault(b"zebra"), Fault::Bad);
        assert_eq!(fault(&packed(b"some text")[..9]), Fault::Cut);
        assert_eq!(fault(&packed(&[0; MOST + 1])), Fault::Long(MOST));
    }

    #[test]
    fn only_what_came_over_a_network_is_looked_at() {
        let message = packed(b"<13>a");
        for own in [head(0, 0), head(7, frame_flag::LOCAL)] {
            assert_eq!(unpacked(&message, own), (message.clone(), 0));
        }
    }

    #[test]
    fn a_failure_is_told_once_a_minute() {
        let inflation = Inflation::new(MOST, Logger::root(slog::Discard, slog::o!()));
        for untold in [0, 1, 2] {
            inflation.tell(Fault::Bad, "192.0.2.1");
            assert_eq!(inflation.untold.load(Ordering::Relaxed), untold);
        }
        inflation.quiet_until.store(0, Ordering::Relaxed);
        inflation.tell(Fault::Bad, "192.0.2.1");
        assert_eq!(inflation.untold.load(Ordering::Relaxed), 0);
    }

    const MOST: usize = 50_000;
}
