//! zlib, in the two forms that rsyslog's receivers know: each message by itself, marked with a `z`, or the whole
//! stream, which zstd can compress as well.

use flate2::{Compress, FlushCompress};
use std::io::{Error, Write};

/// What is compressed, and at which level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Single(u32),
    Stream(u32),
    /// The whole stream, with zstd.
    Zstd(u32),
}

/// Compresses messages by themselves.
pub struct Single {
    zlib: Compress,
    out: Vec<u8>,
}

/// Compresses a stream.
pub enum Stream {
    Zlib(Box<Compress>),
    Zstd(Box<zstd::Encoder<'static, Vec<u8>>>),
}

impl Single {
    pub fn new(level: u32) -> Self {
        Self { zlib: Compress::new(flate2::Compression::new(level), true), out: Vec::new() }
    }

    /// `z` and the compressed message, or the message itself if that is not longer. `true` = compressed.
    pub fn pack<'a>(&'a mut self, message: &'a [u8]) -> (&'a [u8], bool) {
        // rsyslog: shorter ones are not tried.
        if message.len() <= MIN_SIZE {
            return (message, false);
        }
        self.out.clear();
        self.out.push(b'z');
        self.zlib.reset();
        let done = deflate(&mut self.zlib, message, &mut self.out, FlushCompress::Finish);
        if done && self.out.len() < message.len() { (&self.out, true) } else { (message, false) }
    }
}

impl Stream {
    /// None = the stream is not compressed as a whole.
    pub fn new(compression: Compression) -> Result<Option<Self>, Error> {
        Ok(match compression {
            Compression::None | Compression::Single(_) => None,
            Compression::Stream(level) => {
                Some(Self::Zlib(Box::new(Compress::new(flate2::Compression::new(level), true))))
            }
            Compression::Zstd(level) => {
                let level = i32::try_from(level).unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
                Some(Self::Zstd(Box::new(zstd::Encoder::new(Vec::new(), level)?)))
            }
        })
    }

    /// Adds `bytes` to the stream and appends to `out` what can be sent; with `flush` that is everything.
    pub fn push(&mut self, bytes: &[u8], flush: bool, out: &mut Vec<u8>) {
        match self {
            Self::Zlib(zlib) => {
                let flush = if flush { FlushCompress::Sync } else { FlushCompress::None };
                deflate(zlib, bytes, out, flush);
            }
            Self::Zstd(zstd) => {
                // A Vec takes everything.
                let _ = zstd.write_all(bytes);
                if flush {
                    let _ = zstd.flush();
                }
                out.append(zstd.get_mut());
            }
        }
    }
}

/// `false` if zlib refuses, which it does for no input.
fn deflate(zlib: &mut Compress, mut input: &[u8], out: &mut Vec<u8>, flush: FlushCompress) -> bool {
    loop {
        out.reserve(input.len() / 2 + 64);
        let (before_in, room) = (zlib.total_in(), out.capacity() - out.len());
        let before_out = zlib.total_out();
        let Ok(status) = zlib.compress_vec(input, out, flush) else { return false };
        let used = usize::try_from(zlib.total_in() - before_in).unwrap_or(usize::MAX);
        input = input.get(used..).unwrap_or_default();
        let full = (zlib.total_out() - before_out) as usize >= room;
        match flush {
            FlushCompress::Finish if status == flate2::Status::StreamEnd => return true,
            FlushCompress::Finish => {}
            // zlib has given out everything when it leaves room.
            _ if input.is_empty() && !full => return true,
            _ => {}
        }
    }
}

/// Bytes that a message must exceed to be compressed.
const MIN_SIZE: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Decompress, FlushDecompress};

    fn inflate(zlib: &mut Decompress, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 << 20);
        zlib.decompress_vec(bytes, &mut out, FlushDecompress::Sync).unwrap();
        out
    }

    #[test]
    fn a_message_is_compressed_only_if_that_makes_it_shorter() {
        let mut single = Single::new(9);
        assert_eq!(single.pack(b"<13>short"), (&b"<13>short"[..], false));
        let noise: Vec<u8> = (0..200u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(single.pack(&noise), (&noise[..], false));
        for text in ["ab".repeat(100), "<13>tag: x".repeat(5000)] {
            let (packed, compressed) = single.pack(text.as_bytes());
            assert!(compressed && packed.len() < text.len() / 4 && packed[0] == b'z');
            assert_eq!(inflate(&mut Decompress::new(true), &packed[1..]), text.as_bytes());
        }
    }

    fn stream(compression: Compression) -> Stream {
        Stream::new(compression).unwrap().unwrap()
    }

    #[test]
    fn a_zstd_stream_holds_nothing_back_either() {
        let (mut stream, mut got) = (stream(Compression::Zstd(9)), Vec::new());
        let mut zstd = zstd::stream::write::Decoder::new(&mut got).unwrap();
        let (mut sent, mut out) = (Vec::new(), Vec::new());
        for part in [&b"<13>one\n"[..], &b"<13>two\n".repeat(10_000), b"<13>three\n"] {
            out.clear();
            stream.push(part, true, &mut out);
            assert!(out.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) == sent.is_empty());
            zstd.write_all(&out).unwrap();
            zstd.flush().unwrap();
            sent.extend_from_slice(part);
            assert!(**zstd.get_ref() == sent);
        }
        out.clear();
        stream.push(b"<13>four\n", false, &mut out);
        assert_eq!(out, b"");
    }

    #[test]
    fn a_flushed_stream_holds_nothing_back() {
        let (mut stream, mut zlib) = (stream(Compression::Stream(6)), Decompress::new(true));
        for part in [&b"<13>one\n"[..], &b"<13>two\n".repeat(10_000), b"<13>three\n"] {
            let mut out = Vec::new();
            stream.push(part, true, &mut out);
            assert!(inflate(&mut zlib, &out) == part);
        }
        let (mut out, mut again) = (Vec::new(), Vec::new());
        stream.push(b"<13>four\n", false, &mut out);
        assert_eq!(inflate(&mut zlib, &out), b"");
        stream.push(b"", true, &mut again);
        assert_eq!(inflate(&mut zlib, &again), b"<13>four\n");
    }
}
