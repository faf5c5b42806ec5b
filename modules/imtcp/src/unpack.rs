//! Streams that the sender compresses as a whole (compression.mode="stream:always"), with zlib or zstd.
//!
//! A session that expands beyond what its listener permits ends; the memory that zstd asks for is counted before it is
//! given.

use flate2::{Decompress, FlushDecompress, Status};
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use sysloom_sdk::Complaint;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

/// What a listener says of its streams.
pub struct Unpacking {
    pub zstd: bool,
    /// Bytes out for each byte in, of a session as a whole; 0 = no limit.
    pub most_ratio: u64,
    /// Bytes that one read may become; 0 = no limit.
    pub most_at_once: u64,
    /// Bytes of the zstd windows of all sessions, and what is in use.
    pub most_windows: u64,
    pub windows: Arc<AtomicU64>,
}

/// Why a session ends.
#[derive(Debug)]
pub enum Fault {
    /// The stream is damaged, in the decompressor's words.
    Damaged(String),
    Ratio(u64),
    AtOnce(u64),
    Windows {
        wanted: u64,
        most: u64,
    },
    /// What was unpacked found no taker.
    Refused(Complaint),
}

/// The decompressor of one session.
pub struct Unpacker {
    format: Format,
    received: u64,
    given: u64,
}

enum Format {
    Zlib(Decompress),
    Zstd(Zstd),
}

struct Zstd {
    decoder: Decoder<'static>,
    /// The beginning of a frame whose window is not known yet.
    head: Vec<u8>,
    in_frame: bool,
    window: Window,
}

/// A part of what windows may have together.
struct Window {
    all: Arc<AtomicU64>,
    size: u64,
}

impl Fault {
    /// What happened, and what to do about it.
    pub fn words(&self) -> (String, &'static str) {
        match self {
            Self::Damaged(why) => (
                format!("the stream cannot be decompressed ({why}), connection closed"),
                "let the sender compress with compression.mode=\"stream:always\" and the same compression.driver",
            ),
            Self::Ratio(most) => (
                format!("the stream expands to more than {most} times its size, connection closed"),
                "raise compression.maxExpansionRatio if the sender is to be trusted",
            ),
            Self::AtOnce(most) => (
                format!("one read expands to more than {most} bytes, connection closed"),
                "raise compression.maxDecompressedBytesPerReceive if the sender is to be trusted",
            ),
            Self::Windows { wanted, most } => (
                format!(
                    "the stream needs a zstd window of {wanted} bytes, and all together may have {most}, connection closed"
                ),
                "raise compression.maxTotalZstdWindowBytes, or let senders compress with a lower level",
            ),
            Self::Refused(why) => (why.text.clone(), ""),
        }
    }
}

impl Unpacker {
    pub fn new(unpacking: &Unpacking) -> Result<Self, Fault> {
        let format = if unpacking.zstd {
            let decoder = Decoder::new().map_err(|e| Fault::Damaged(e.to_string()))?;
            let window = Window { all: Arc::clone(&unpacking.windows), size: 0 };
            Format::Zstd(Zstd { decoder, head: Vec::new(), in_frame: false, window })
        } else {
            Format::Zlib(Decompress::new(true))
        };
        Ok(Self { format, received: 0, given: 0 })
    }

    /// Unpacks the bytes of one read and gives them away in pieces.
    pub fn unpack(
        &mut self,
        unpacking: &Unpacking,
        input: &[u8],
        mut give: impl FnMut(&[u8]) -> Result<(), Complaint>,
    ) -> Result<(), Fault> {
        self.received = self.received.saturating_add(input.len() as u64);
        let (received, given) = (self.received, &mut self.given);
        let mut at_once = 0;
        let mut take = |bytes: &[u8]| {
            *given = given.saturating_add(bytes.len() as u64);
            at_once += bytes.len() as u64;
            if unpacking.most_at_once > 0 && at_once > unpacking.most_at_once {
                return Err(Fault::AtOnce(unpacking.most_at_once));
            }
            if unpacking.most_ratio > 0 && *given / unpacking.most_ratio > received {
                return Err(Fault::Ratio(unpacking.most_ratio));
            }
            if bytes.is_empty() { Ok(()) } else { give(bytes).map_err(Fault::Refused) }
        };
        ROOM.with_borrow_mut(|room| {
            room.resize(ROOM_SIZE, 0);
            match &mut self.format {
                Format::Zlib(zlib) => inflate(zlib, input, room, &mut take),
                Format::Zstd(zstd) => zstd.unpack(unpacking.most_windows, input, room, &mut take),
            }
        })
    }
}

fn inflate(
    zlib: &mut Decompress,
    mut input: &[u8],
    room: &mut [u8],
    take: &mut impl FnMut(&[u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    loop {
        let (used, had) = (zlib.total_in(), zlib.total_out());
        let status = zlib
            .decompress(input, room, FlushDecompress::None)
            .map_err(|_| Fault::Damaged("it is no zlib stream, or damaged".into()))?;
        let (used, got) = ((zlib.total_in() - used) as usize, (zlib.total_out() - had) as usize);
        input = input.get(used..).unwrap_or_default();
        take(room.get(..got).unwrap_or_default())?;
        match status {
            // Another stream may follow.
            Status::StreamEnd => zlib.reset(true),
            _ if used == 0 && got == 0 => return Ok(()),
            _ => {}
        }
        if input.is_empty() && got < room.len() {
            return Ok(());
        }
    }
}

impl Zstd {
    fn unpack(
        &mut self,
        most: u64,
        mut input: &[u8],
        room: &mut [u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        loop {
            while !self.in_frame {
                let Some((byte, rest)) = input.split_first() else { return Ok(()) };
                input = rest;
                self.head.push(*byte);
                let Some(size) = window_of(&self.head) else { continue };
                self.window.claim(size, most)?;
                self.in_frame = true;
                let head = std::mem::take(&mut self.head);
                self.decode(&head, room, take)?;
            }
            if input.is_empty() {
                return Ok(());
            }
            input = self.decode(input, room, take)?;
        }
    }

    /// Decodes to the end of the input or of the frame; what is left.
    fn decode<'i>(
        &mut self,
        input: &'i [u8],
        room: &mut [u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<&'i [u8], Fault> {
        let mut from = InBuffer::around(input);
        loop {
            let mut to = OutBuffer::around(room);
            let run = self.decoder.run(&mut from, &mut to);
            let hint = run.map_err(|e| Fault::Damaged(e.to_string()))?;
            let got = to.pos();
            take(room.get(..got).unwrap_or_default())?;
            if hint == 0 {
                self.in_frame = false;
                self.window.give_back();
            }
            if hint == 0 || (from.pos() == input.len() && got < room.len()) {
                return Ok(input.get(from.pos()..).unwrap_or_default());
            }
        }
    }
}

impl Window {
    fn claim(&mut self, wanted: u64, most: u64) -> Result<(), Fault> {
        self.give_back();
        let fits = |used: u64| used.checked_add(wanted).filter(|all| *all <= most);
        match self.all.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits) {
            Ok(_) => {
                self.size = wanted;
                Ok(())
            }
            Err(_) => Err(Fault::Windows { wanted, most }),
        }
    }

    fn give_back(&mut self) {
        self.all.fetch_sub(std::mem::take(&mut self.size), Ordering::Relaxed);
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// The window that a frame needs, from its first bytes; None = there are too few of them. What is no frame needs none.
// RFC 8878 3.1.1.
fn window_of(head: &[u8]) -> Option<u64> {
    let (magic, rest) = head.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*magic) != MAGIC {
        return Some(0);
    }
    let (descriptor, rest) = rest.split_first()?;
    if descriptor & SINGLE_SEGMENT == 0 {
        let byte = rest.first()?;
        let base = 1_u64 << (10 + (byte >> 3));
        return Some(base + base / 8 * u64::from(byte & 7));
    }
    let dictionary = [0, 1, 2, 4].get(usize::from(descriptor & 3)).copied().unwrap_or(0);
    let len = 1 << (descriptor >> 6);
    let size = rest.get(dictionary..dictionary + len)?;
    let number = size.iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    Some(if len == 2 { number + 256 } else { number })
}

thread_local! {
    /// Where a thread unpacks; kept, so that a read allocates nothing.
    static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Bytes that are unpacked at a time.
const ROOM_SIZE: usize = 64 << 10;
const MAGIC: u32 = 0xfd2f_b528;
const SINGLE_SEGMENT: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn unpacking(zstd: bool) -> Unpacking {
        Unpacking { zstd, most_ratio: 0, most_at_once: 0, most_windows: 64 << 20, windows: Arc::default() }
    }

    fn packed(zstd: bool, text: &[u8]) -> Vec<u8> {
        if zstd {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
            encoder.write_all(text).unwrap();
            return encoder.finish().unwrap();
        }
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(9));
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn run(how: &Unpacking, pieces: &[&[u8]]) -> (Vec<u8>, Result<(), Fault>) {
        let (mut unpacker, mut out) = (Unpacker::new(how).unwrap(), Vec::new());
        for piece in pieces {
            let result = unpacker.unpack(how, piece, |bytes| {
                out.extend_from_slice(bytes);
                Ok(())
            });
            if result.is_err() {
                return (out, result);
            }
        }
        (out, Ok(()))
    }

    #[test]
    fn streams_are_unpacked_however_they_are_cut() {
        let noise: Vec<u8> = (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for zstd in [false, true] {
            let how = unpacking(zstd);
            for text in [&b"<13>a\n"[..], &b"<13>tag: text\n".repeat(20_000), &noise] {
                // Two streams, one behind the other.
                let stream = [packed(zstd, text), packed(zstd, b"<13>z\n")].concat();
                let want = [text, b"<13>z\n"].concat();
                let sizes: &[usize] = if stream.len() < 5000 { &[1, 7, 5000] } else { &[997, 1_000_000] };
                for size in sizes.iter().copied() {
                    let pieces: Vec<&[u8]> = stream.chunks(size).collect();
                    let (out, result) = run(&how, &pieces);
                    assert!(
                        out == want && result.is_ok(),
                        "zstd {zstd}, {} bytes in {size}: {result:?}",
                        text.len()
                    );
                }
            }
            assert_eq!(how.windows.load(Ordering::Relaxed), 0);
        }
    }

    #[test]
    fn a_stream_of_tiny_frames_is_a_stream() {
        let frames = zstd::bulk::compress(b"x", 3).unwrap().repeat(20_000);
        let (out, result) = run(&unpacking(true), &[&frames]);
        assert!(out == [b'x'; 20_000] && result.is_ok(), "{result:?}");
    }

    #[test]
    fn limits_end_a_stream() {
        for zstd in [false, true] {
            let bomb = packed(zstd, &vec![b'a'; 2 << 20]);
            let how = Unpacking { most_ratio: 100, ..unpacking(zstd) };
            let (out, result) = run(&how, &[&bomb]);
            assert!(matches!(result, Err(Fault::Ratio(100))), "{result:?}");
            assert!(out.len() <= 101 * bomb.len() + ROOM_SIZE);
            let how = Unpacking { most_at_once: 1 << 20, ..unpacking(zstd) };
            let (out, result) = run(&how, &[&bomb]);
            assert!(matches!(result, Err(Fault::AtOnce(_))) && out.len() <= 1 << 20, "{result:?}");
            assert_eq!(run(&unpacking(zstd), &[&bomb]).0.len(), 2 << 20);
            for damaged in [&b"<13>plain text\n"[..], &bomb[3..]] {
                assert!(matches!(run(&how, &[damaged]).1, Err(Fault::Damaged(_))));
            }
        }
    }

    #[test]
    fn windows_of_all_sessions_are_counted_before_memory_is_taken() {
        let stream = packed(true, b"<13>a\n");
        let how = Unpacking { most_windows: 5 << 20, ..unpacking(true) };
        let window = window_of(&stream).unwrap();
        assert_eq!(window, 2 << 20);
        let mut all: Vec<Unpacker> = (0..3).map(|_| Unpacker::new(&how).unwrap()).collect();
        let half = &stream[..10];
        let results: Vec<bool> = all.iter_mut().map(|u| u.unpack(&how, half, |_| Ok(())).is_ok()).collect();
        assert_eq!(results, [true, true, false]);
        assert_eq!(how.windows.load(Ordering::Relaxed), 2 * window);
        drop(all);
        assert_eq!(how.windows.load(Ordering::Relaxed), 0);
        // A frame that says its size needs a window of that size.
        assert_eq!(window_of(&zstd::bulk::compress(&[0; 1000], 3).unwrap()), Some(1000));
        assert_eq!((window_of(b"<13>"), window_of(b"\x28\xb5\x2f\xfd\x00")), (Some(0), None));
    }
}
