//! A stream gives the same frames however it is cut into reads, and none is empty or too long.

use sysloom_frame::{Event, Rules, Sink, Splitter, push_lf, push_octet_counted};

/// Streams of both framings.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![b"<13>a\n9 <13>hello<13>b\r\n\n300000 <13>c\n12 zx^4567890125 zx\x9cab 2 zx^\n2024-01-01 x\n0 <13>d\n".to_vec()];
    for message in [&b"<13>Oct 11 22:14:15 host tag: x"[..], b"<165>1 - host app - - - a\nb", &[b'<'; 60]] {
        let mut stream = Vec::new();
        for _ in 0..4 {
            push_octet_counted(&mut stream, message);
            push_lf(&mut stream, message, b'\n');
        }
        seeds.push(stream);
    }
    seeds
}

/// The first two bytes choose the rules, the next the sizes of the reads.
pub fn run(input: &[u8]) {
    let [flags, limit, cut, stream @ ..] = input else { return };
    let bit = |at: u8| flags >> at & 1 == 1;
    let rules = Rules {
        octet_counted: !bit(0),
        lf: !bit(1),
        extra_delimiter: bit(2).then_some(0),
        discard_truncated: bit(3),
        cisco_asa: bit(4),
        multi_line: bit(5),
        max_frame: if bit(6) { 200_000 } else { usize::from(*limit) },
        max_message: if bit(7) { 8096 } else { usize::from(*limit) },
    };
    let whole = split(&rules, stream, usize::MAX);
    let longest = rules.max_message.max(20);
    for frame in whole.iter().flatten() {
        assert!(!frame.is_empty() && frame.len() <= longest, "a frame of {} bytes", frame.len());
    }
    assert_eq!(split(&rules, stream, 1), whole, "byte by byte");
    assert_eq!(split(&rules, stream, 1 + usize::from(*cut)), whole, "in pieces of {}", 1 + usize::from(*cut));
}

type Found = Result<Vec<u8>, Event>;

fn split(rules: &Rules, stream: &[u8], piece: usize) -> Vec<Found> {
    let mut splitter = Splitter::new();
    let mut sink = Frames { input: &[], found: Vec::new() };
    for input in stream.chunks(piece) {
        sink.input = input;
        splitter.feed(rules, input, &mut sink);
    }
    splitter.close(&mut sink);
    assert!(splitter.is_idle());
    sink.found
}

struct Frames<'a> {
    input: &'a [u8],
    found: Vec<Found>,
}

impl Sink for Frames<'_> {
    fn span(&mut self, offset: usize, len: usize) {
        self.found.push(Ok(self.input[offset..offset + len].to_vec()));
    }
    fn carried(&mut self, frame: &[u8]) {
        self.found.push(Ok(frame.to_vec()));
    }
    fn event(&mut self, event: Event) {
        self.found.push(Err(event));
    }
}
