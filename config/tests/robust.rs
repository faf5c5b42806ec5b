//! Nothing that can be written makes the reader panic, and large configurations are read quickly.

mod world;

use std::path::Path;
use std::time::{Duration, Instant};

/// A small generator of numbers, the same ones in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

fn samples() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut samples = Vec::new();
    for folder in [folder.join("cases"), folder.join("../samples")] {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|e| e == "conf" || e == "yaml") {
                samples.push(std::fs::read(&path).expect("a sample"));
            }
        }
    }
    samples.sort();
    samples
}

/// Pieces that matter to the parsers.
const PIECES: &[&[u8]] = &[
    b"\n",
    b"\"",
    b"'",
    b"`",
    b"\\",
    b"{",
    b"}",
    b"(",
    b")",
    b"[",
    b"]",
    b"%",
    b"$",
    b"!",
    b";",
    b",",
    b":",
    b"#",
    b"/*",
    b"*/",
    b"&",
    b"\\\n",
    b"\r\n",
    b"\x00",
    b"\xff",
    b"\xc3",
    "ö".as_bytes(),
    b" ",
    b"if ",
    b" then ",
    b"else ",
    b"=",
    b"0x",
    b"99999999999999999999",
    b"-",
    b"$template x,\"",
    b"%msg:R,ERE:",
    b"--end",
    b"*.*",
    b"@@(z",
    b"property(",
    b"- ",
    b"  ",
    b": ",
];

fn mutate(text: &[u8], other: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    let mut out = text.to_vec();
    for _ in 0..=numbers.next(4) {
        let at = numbers.next(out.len() + 1);
        let end = (at + numbers.next(12)).min(out.len());
        match numbers.next(5) {
            0 => drop(out.drain(at..end)),
            1 => drop(out.splice(at..at, PIECES[numbers.next(PIECES.len())].iter().copied())),
            2 => drop(out.splice(at..end, PIECES[numbers.next(PIECES.len())].iter().copied())),
            3 => {
                let from = numbers.next(other.len());
                let to = (from + numbers.next(40)).min(other.len());
                out.splice(at..at, other[from..to].iter().copied());
            }
            _ => out.truncate(at.max(1)),
        }
    }
    out
}

#[test]
fn no_text_makes_it_panic() {
    let samples = samples();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for run in 0..1500 {
        let text = &samples[numbers.next(samples.len())];
        let other = &samples[numbers.next(samples.len())];
        let mutated = mutate(text, other, &mut numbers);
        let name = if run % 4 == 0 { "t.yaml" } else { "t.conf" };
        let mut world = world::small("");
        world.files.insert(name.into(), mutated);
        let loaded = sysloom_config::load(Path::new(name), &mut world);
        // Rendering must cope with every place that was reported.
        assert!(!world::stderr(&loaded).is_empty() || loaded.diagnostics.is_empty());
        for d in &loaded.diagnostics {
            if let Some(span) = d.span {
                let source = loaded.sources.source(span.file).expect("a known file");
                assert!(span.start <= span.end && span.end as usize <= source.text.len(), "{d:?}");
            }
        }
    }
}

#[test]
fn deep_nesting_is_refused_and_survived() {
    for text in [
        format!("{}*.* /x\n", "if 1 then {\n".repeat(5000)),
        format!("if {} then stop\n*.* /x\n", "(".repeat(50_000)),
        format!("if {}1 then stop\n*.* /x\n", "not ".repeat(50_000)),
        format!("set $.x = {}1;\n*.* /x\n", "1 + ".repeat(50_000)),
        format!("set $.x = {}1{};\n*.* /x\n", "strlen(".repeat(5000), ")".repeat(5000)),
        format!("{} /x\n", "*.*\n".repeat(5000)),
        format!("ruleset(name=\"x\") {{ {}", "{".repeat(5000)),
        "}".repeat(5000),
    ] {
        let loaded = world::load(&mut world::small(&text));
        assert!(!loaded.diagnostics.is_empty());
    }
}

#[test]
fn ten_thousand_lines_are_read_at_once() {
    let mut text = String::from("module(load=\"imtcp\")\n");
    for n in 0..2500 {
        text.push_str(&format!(
            "template(name=\"t{n}\" type=\"string\" string=\"%timestamp:::date-rfc3339% %msg:1:{n}%\\n\")\n\
             if $programname == 'p{n}' and not ($msg contains 'x') then {{\n\
             \taction(name=\"a{n}\" type=\"omfile\" file=\"/var/log/{n}\" template=\"t{n}\")\n}}\n\
             local{}.info;mail.none /var/log/l{n}\n",
            n % 8
        ));
    }
    assert!(text.lines().count() > 10_000);
    let start = Instant::now();
    let loaded = world::load(&mut world::small(&text));
    let took = start.elapsed();
    assert!(loaded.diagnostics.is_empty(), "{}", world::stderr(&loaded));
    assert_eq!(loaded.plan.actions.len(), 5000);
    // Without optimisation and with the machine busy; optimised it is well below 100 ms.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn thousands_of_mistakes_are_told_quickly() {
    let text = "action(type=\"omfile\" fiel=\"/x\")\n".repeat(2000);
    let loaded = world::load(&mut world::small(&text));
    let start = Instant::now();
    let told = world::stderr(&loaded);
    assert!(told.len() > 200_000);
    let took = start.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}
