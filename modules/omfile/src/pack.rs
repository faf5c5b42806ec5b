//! What compresses a file: gzip, or zstd with threads of its own. Both take bytes and give out what is ready when they
//! are asked; a file may hold several streams, one behind the other, which `zcat` and `zstdcat` read as one.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{Error, Write};

/// How an action compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// gzip, at this level.
    Gzip(u32),
    /// zstd, at this level and with so many threads; 0 = the writing one.
    Zstd(u32, u32),
}

/// A stream that is being written.
pub enum Packer {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(Box<zstd::Encoder<'static, Vec<u8>>>),
}

impl Packer {
    pub fn new(packing: Packing) -> Result<Self, Error> {
        Ok(match packing {
            Packing::Gzip(level) => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(level))),
            Packing::Zstd(level, workers) => {
                let level = i32::try_from(level).unwrap_or(zstd::DEFAULT_COMPRESSION_LEVEL);
                let mut zstd = zstd::Encoder::new(Vec::new(), level)?;
                if workers > 0 {
                    zstd.multithread(workers)?;
                }
                Self::Zstd(Box::new(zstd))
            }
        })
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::Gzip(zip) => zip.write_all(bytes),
            Self::Zstd(zstd) => zstd.write_all(bytes),
        }
    }

    /// Makes everything ready that was written.
    pub fn flush(&mut self) -> Result<(), Error> {
        match self {
            Self::Gzip(zip) => zip.flush(),
            Self::Zstd(zstd) => zstd.flush(),
        }
    }

    /// What is ready; whoever takes it away leaves it empty.
    pub fn ready(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(zip) => zip.get_mut(),
            Self::Zstd(zstd) => zstd.get_mut(),
        }
    }

    /// Ends the stream: what is left of it.
    pub fn finish(self) -> Result<Vec<u8>, Error> {
        match self {
            Self::Gzip(zip) => zip.finish(),
            Self::Zstd(zstd) => zstd.finish(),
        }
    }
}
