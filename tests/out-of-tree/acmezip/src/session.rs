//! One compressed stream over the stream below.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use sysloom_sdk::{Complaint, Counter, Host, LayerSession, Lower, PeerFacts, Stop, Stream};

/// A session of either side.
pub struct Session {
    lower: Lower,
    counters: Counters,
    inflater: Option<Box<Decompress>>,
    /// Compressed bytes that came and are not inflated yet, from `taken` on.
    came: Vec<u8>,
    taken: usize,
    /// The peer's stream has ended.
    ended: bool,
    deflater: Option<Box<Compress>>,
    /// Compressed bytes that the stream below has not taken yet.
    held: Vec<u8>,
    /// The deflater keeps bytes that a flush would make it give.
    dirty: bool,
    /// Our stream has ended.
    finished: bool,
}

/// What a listener or an action counts: bytes before and after compression.
#[derive(Clone, Copy)]
pub struct Counters {
    plain: Counter,
    packed: Counter,
}

impl Counters {
    pub fn new(host: Host) -> Self {
        Self { plain: host.counter("acmezip.plain"), packed: host.counter("acmezip.packed") }
    }
}

impl Session {
    pub fn new(lower: Lower, counters: Counters) -> Self {
        Self {
            lower,
            counters,
            inflater: None,
            came: Vec::new(),
            taken: 0,
            ended: false,
            deflater: None,
            held: Vec::new(),
            dirty: false,
            finished: false,
        }
    }

    /// Inflates what came: how many bytes are in `buf` now.
    fn inflate(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        let inflater = self.inflater.get_or_insert_with(|| Box::new(Decompress::new(true)));
        let (before_in, before_out) = (inflater.total_in(), inflater.total_out());
        let input = self.came.get(self.taken..).unwrap_or_default();
        let status = inflater
            .decompress(input, buf, FlushDecompress::None)
            .map_err(|_| Stop::Failed(Complaint::new("the peer sends no zlib stream, or a damaged one")))?;
        self.taken += (inflater.total_in() - before_in) as usize;
        self.ended = status == Status::StreamEnd;
        Ok((inflater.total_out() - before_out) as usize)
    }

    /// Reads compressed bytes from below, when all that came before are inflated.
    fn fetch(&mut self) -> Result<(), Stop> {
        self.came.resize(CHUNK, 0);
        self.taken = 0;
        match self.lower.read(&mut self.came) {
            Ok(n) => {
                self.came.truncate(n);
                Ok(())
            }
            Err(stop) => {
                // Idle sessions are many: they keep no buffer.
                self.came = Vec::new();
                Err(stop)
            }
        }
    }

    /// Compresses into `held`.
    fn deflate(&mut self, input: &[u8], flush: FlushCompress) -> Result<(), Stop> {
        let deflater =
            self.deflater.get_or_insert_with(|| Box::new(Compress::new(Compression::fast(), true)));
        let (base, before) = (deflater.total_in(), deflater.total_out());
        loop {
            let used = (deflater.total_in() - base) as usize;
            let rest = input.get(used..).unwrap_or_default();
            self.held.reserve(CHUNK);
            let status = deflater
                .compress_vec(rest, &mut self.held, flush)
                .map_err(|_| Stop::Failed(Complaint::new("zlib refuses to compress")))?;
            let all_in = (deflater.total_in() - base) as usize == input.len();
            // Room that is left means that nothing more is to come.
            let all_out = self.held.len() < self.held.capacity();
            if status == Status::StreamEnd || (all_in && all_out && flush != FlushCompress::Finish) {
                break;
            }
        }
        self.counters.plain.add(input.len() as u64);
        self.counters.packed.add(deflater.total_out() - before);
        Ok(())
    }

    /// Hands down what is held.
    fn hand_down(&mut self) -> Result<(), Stop> {
        while !self.held.is_empty() {
            let taken = self.lower.write(&self.held)?;
            self.held.drain(..taken);
        }
        self.held = Vec::new();
        Ok(())
    }
}

impl Stream for Session {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        loop {
            if self.ended {
                return Err(Stop::Closed);
            }
            // Even without input: the inflater may have kept what had no room the last time.
            if self.inflater.is_some() || self.taken < self.came.len() {
                let n = self.inflate(buf)?;
                if n > 0 {
                    return Ok(n);
                }
                if self.ended || self.taken < self.came.len() {
                    continue;
                }
            }
            self.fetch()?;
        }
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        if self.finished {
            return Err(Stop::Failed(Complaint::new("written to after its end")));
        }
        if buf.is_empty() {
            if std::mem::take(&mut self.dirty) {
                self.deflate(&[], FlushCompress::Sync)?;
            }
            self.hand_down()?;
            return self.lower.write(&[]);
        }
        // Taking nothing new before the old is gone keeps the buffer small.
        if self.held.len() >= CHUNK {
            self.hand_down()?;
        }
        let part = buf.get(..buf.len().min(MOST)).unwrap_or_default();
        self.deflate(part, FlushCompress::None)?;
        self.dirty = true;
        Ok(part.len())
    }

    fn shutdown(&mut self) -> Result<(), Stop> {
        if !std::mem::replace(&mut self.finished, true) {
            self.deflate(&[], FlushCompress::Finish)?;
            self.deflater = None;
        }
        self.hand_down()?;
        self.lower.write(&[]).map(drop)
    }
}

impl LayerSession for Session {
    fn handshake(&mut self) -> Result<(), Stop> {
        Ok(())
    }

    fn peer(&self) -> PeerFacts<'_> {
        PeerFacts::default()
    }
}

/// What is read from below at once, and how much is held at least before it is handed down without a flush.
const CHUNK: usize = 16 << 10;
/// What is compressed at once at most.
const MOST: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{Far, TestHost, wire};

    fn pair() -> (Session, Far, TestHost) {
        let (host, (lower, far)) = (TestHost::new(), wire());
        (Session::new(lower, Counters::new(host.host())), far, host)
    }

    /// All that can be read now, and whether the stream has ended.
    fn drain(session: &mut Session) -> (Vec<u8>, bool) {
        let (mut all, mut buf) = (Vec::new(), [0; 7]);
        loop {
            match session.read(&mut buf) {
                Ok(n) => all.extend(&buf[..n]),
                Err(Stop::Wait(want)) if want.read => return (all, false),
                Err(Stop::Closed) => return (all, true),
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_is_flushed_arrives_and_what_is_shut_down_ends() {
        let ((mut a, mut down, host), (mut b, mut up, _)) = (pair(), pair());
        let text = b"<13>a line of a log\n".repeat(500);
        assert_eq!(a.write(&text).unwrap(), text.len());
        assert_eq!(a.write(&[]).unwrap(), 0);
        let packed = down.take();
        assert!(packed.len() * 10 < text.len(), "{} bytes", packed.len());
        assert_eq!(
            (host.count("acmezip.plain"), host.count("acmezip.packed")),
            (10_000, packed.len() as u64)
        );
        // Byte by byte, as a slow network would.
        let mut got = Vec::new();
        for byte in packed {
            up.give(&[byte]);
            let (some, ended) = drain(&mut b);
            got.extend(some);
            assert!(!ended);
        }
        assert_eq!(got, text);
        a.write(b"last words").unwrap();
        a.shutdown().unwrap();
        assert!(matches!(a.write(b"more"), Err(Stop::Failed(_))));
        up.give(&down.take());
        assert_eq!(drain(&mut b), (b"last words".to_vec(), true));
    }

    #[test]
    fn a_stream_below_that_is_full_makes_it_wait_without_loss() {
        let ((mut a, mut down, _), (mut b, mut up, _)) = (pair(), pair());
        down.room(0);
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            // xorshift: nothing that zlib could shorten.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .take(400_000)
        .collect();
        let mut sent = 0;
        loop {
            match a.write(&noise[sent..(sent + 1000).min(noise.len())]) {
                Ok(n) => sent += n,
                Err(Stop::Wait(want)) => break assert!(want.write),
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(sent < 200_000, "{sent} bytes were taken");
        assert!(matches!(a.write(&[]), Err(Stop::Wait(_))));
        loop {
            down.room(777);
            let done = a.write(&[]);
            up.give(&down.take());
            if done.is_ok() {
                break;
            }
        }
        assert_eq!(drain(&mut b).0, noise[..sent]);
    }

    #[test]
    fn garbage_breaks_the_stream_and_an_end_of_the_stream_below_ends_it() {
        let (mut session, mut far, _) = pair();
        far.give(b"<13>this is plain text\n");
        assert!(matches!(session.read(&mut [0; 9]), Err(Stop::Failed(why)) if why.text.contains("zlib")));
        let (mut session, mut far, _) = pair();
        far.close();
        assert!(matches!(session.read(&mut [0; 9]), Err(Stop::Closed)));
    }
}
