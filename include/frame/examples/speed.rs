//! Nanoseconds per frame: `cargo run --release -p sysloom-frame --example speed`.

use std::time::Instant;
use sysloom_frame::{Event, Rules, Sink, Splitter, push_lf, push_octet_counted};

#[derive(Default)]
struct Spans {
    spans: Vec<(u32, u32)>,
    carried: u64,
}

impl Sink for Spans {
    fn span(&mut self, offset: usize, len: usize) {
        self.spans.push((offset as u32, len as u32));
    }
    fn carried(&mut self, frame: &[u8]) {
        self.carried += frame.len() as u64;
    }
    fn event(&mut self, event: Event) {
        panic!("{event:?}");
    }
}

fn main() {
    let rules = Rules::default();
    let message = [b"<165>1 2026-10-11T22:14:15.003Z host app 123 ID47 - ".as_slice(), &[b'x'; 148]].concat();
    for (name, counted) in [("octet-counted", true), ("LF", false)] {
        let mut stream = Vec::new();
        for _ in 0..100_000 {
            if counted {
                push_octet_counted(&mut stream, &message);
            } else {
                push_lf(&mut stream, &message, b'\n');
            }
        }
        let mut sink = Spans::default();
        let (mut best, mut frames) = (f64::MAX, 0);
        for _ in 0..30 {
            let mut splitter = Splitter::new();
            frames = 0;
            let start = Instant::now();
            for read in stream.chunks(65536) {
                sink.spans.clear();
                splitter.feed(&rules, read, &mut sink);
                frames += sink.spans.len();
            }
            best = best.min(start.elapsed().as_nanos() as f64 / 100_000.0);
        }
        println!("{name}: {best:.1} ns per frame of {} bytes, {frames} of 100000 in place", message.len());
    }
}
