//! Nanoseconds per message: `cargo run --release -p sysloom-wire --example speed`.

use std::time::Instant;
use sysloom_wire::{Options, Parsed, SanitizeRules, Timestamp, parse_chain};

fn main() {
    let rfc3164 = b"<34>Oct 11 22:14:15 mymachine.example su[4711]: 'su root' failed for lonvick on /dev/pts/8, attempt 12345"
        .as_slice();
    let mut rfc5424 = b"<165>1 2026-10-11T22:14:15.003123Z mymachine.example.com evntslog 4711 ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\"] ".to_vec();
    rfc5424.resize(200, b'x');
    let mut escaped = rfc3164.to_vec();
    escaped[100] = b'\t';
    let reception = Timestamp::from_unix(1_790_000_000, 123_456, 60);
    let (rules, options) = (SanitizeRules::default(), Options::default());
    for (name, message) in
        [("RFC 5424", &rfc5424[..]), ("RFC 3164", rfc3164), ("RFC 3164 with a TAB", &escaped)]
    {
        // A batch of its own memory, as a worker sees it.
        let batch: Vec<u8> = message.repeat(1024);
        let mut parsed = vec![Parsed::new(); 1024];
        let mut scratch = Vec::new();
        let mut best = f64::MAX;
        for _ in 0..2000 {
            scratch.clear();
            let start = Instant::now();
            for (raw, parsed) in batch.chunks_exact(message.len()).zip(&mut parsed) {
                let found = parse_chain(&rules, &options, &reception, raw, &mut scratch, parsed);
                assert!(found.is_some());
            }
            best = best.min(start.elapsed().as_nanos() as f64 / 1024.0);
        }
        assert!(parsed.iter().all(|parsed| parsed.timestamp.is_some()));
        println!("{name}, {} bytes: {best:.1} ns", message.len());
    }
    let time = Timestamp { fraction_digits: 3, ..reception };
    let mut out = Vec::with_capacity(64 * 1024);
    for (name, write) in [
        ("rfc3339", Timestamp::write_rfc3339 as fn(&Timestamp, &mut Vec<u8>)),
        ("rfc3164", Timestamp::write_rfc3164),
    ] {
        let mut best = f64::MAX;
        for _ in 0..2000 {
            out.clear();
            let start = Instant::now();
            for _ in 0..1024 {
                write(std::hint::black_box(&time), &mut out);
            }
            best = best.min(start.elapsed().as_nanos() as f64 / 1024.0);
        }
        println!("write {name}: {best:.1} ns");
    }
    println!("Parsed: {} bytes", std::mem::size_of::<Parsed>());
}
