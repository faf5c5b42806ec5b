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

/// Reads a text under a name that says which front end it is for.
fn read_as(name: &str, text: String) -> sysloom_config::Loaded {
    let mut world = world::small("");
    world.files.insert(name.into(), text.into_bytes());
    sysloom_config::load(Path::new(name), &mut world)
}

#[test]
fn deep_nesting_is_refused_in_every_construct() {
    let n = 20_000;
    let nested =
        |open: &str, inner: &str, close: &str| format!("{}{inner}{}\n", open.repeat(n), close.repeat(n));
    for text in [
        nested("foreach ($.i in $!a) do {\n", "stop\n", "}\n"),
        nested("if 1 then { stop } else ", "stop", ""),
        nested("if 1 then ", "stop", ""),
        nested("if $msg == [", "\"a\"", "]"),
        nested("set $.a = -", "1", ";"),
        nested(":msg, contains, \"a\" {\n", "stop\n", "}\n"),
        nested("ruleset(name=\"a\") {\n", "stop\n", "}\n"),
        nested("template(name=\"a\" type=\"list\") {\n", "constant(value=\"x\")\n", "}\n"),
        nested("action(type=\"omfile\" file=[", "\"x\"", "]"),
    ] {
        let begin: String = text.chars().take(40).collect();
        let start = Instant::now();
        let loaded = world::load(&mut world::small(&text));
        assert!(start.elapsed() < Duration::from_secs(5), "{begin}: {:?}", start.elapsed());
        // What is accepted however long it is has no depth: an `else if` after the other.
        assert!(!loaded.diagnostics.is_empty() || begin.contains("else"), "{begin}");
        assert!(loaded.diagnostics.len() < 2 * n, "{begin}: {} complaints", loaded.diagnostics.len());
    }
}

#[test]
fn yaml_neither_expands_nor_recurses_without_end() {
    let bomb = (1..30).fold(String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"), |text, n| {
        text + &format!("a{n}: &a{n} [{}]\n", format!("*a{},", n - 1).repeat(10))
    });
    let deep = |open: &str, n: usize| format!("rulesets: {}", open.repeat(n));
    let blocks: String = (0..3000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    for text in
        [bomb, deep("[", 100_000), deep("{a: ", 100_000), deep("- ", 50_000), blocks, "? ".repeat(50_000)]
    {
        let begin: String = text.chars().take(30).collect();
        let start = Instant::now();
        let loaded = read_as("t.yaml", text);
        assert!(start.elapsed() < Duration::from_secs(5), "{begin}: {:?}", start.elapsed());
        assert!(
            loaded.has_errors() && loaded.diagnostics.len() < 100,
            "{begin}: {}",
            loaded.diagnostics.len()
        );
    }
}

#[test]
fn loops_and_chains_of_includes_end() {
    let mut world = world::small("include(file=\"a.conf\")\n*.* /x\n");
    let mut add = |name: &str, text: &str| world.files.insert(name.into(), text.into());
    add("a.conf", "$IncludeConfig b.conf\n*.* /a\n");
    add("b.conf", "include(file=\"a.conf\")\ninclude(file=\"b.conf\")\ninclude(file=\"c.yaml\")\n*.* /b\n");
    add("c.yaml", "include:\n  - path: a.conf\n  - path: c.yaml\n");
    let loaded = world::load(&mut world);
    assert_eq!(loaded.plan.actions.len(), 3, "{}", world::stderr(&loaded));
    assert_eq!(
        loaded.diagnostics.iter().filter(|d| d.slug == "include").count(),
        4,
        "{}",
        world::stderr(&loaded)
    );
    // Twelve files in a row include the next one twice, and a long chain follows: read as often as it is named.
    let mut world = world::small("include(file=\"0.conf\")\n*.* /x\n");
    for n in 0..60 {
        let text = format!("include(file=\"{}.conf\")\n", n + 1).repeat(if n < 12 { 2 } else { 1 });
        world.files.insert(format!("{n}.conf").into(), text.into_bytes());
    }
    world.files.insert("60.conf".into(), b"*.* /y\n".to_vec());
    let start = Instant::now();
    world::load(&mut world);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn huge_lines_are_read_in_proportion() {
    let n = 1 << 20;
    for text in [
        "x".repeat(4 * n),
        format!("*.* /{}\n", "x".repeat(4 * n)),
        format!("$ModLoad {}\n", "x".repeat(4 * n)),
        format!("# {}\n*.* /x\n", "x".repeat(4 * n)),
        format!("set $.a = \"{}\";\n", "x".repeat(4 * n)),
        format!("template(name=\"a\" type=\"string\" string=\"{}\")\n", "%msg%".repeat(n / 4)),
        format!("if $msg == [{}\"x\"] then stop\n", "\"x\",".repeat(n / 4)),
        format!("{}.* /x\n", "mail,".repeat(n / 4)),
        format!("*.* /x{}\n", " \\\n".repeat(n / 4)),
        format!("action(type=\"omfile\" {})\n", "a=\"b\" ".repeat(n / 64)),
        format!("module(load=\"{}\")\n", "/".repeat(n)),
    ] {
        let begin: String = text.chars().take(40).collect();
        let start = Instant::now();
        let loaded = world::load(&mut world::small(&text));
        assert!(start.elapsed() < Duration::from_secs(10), "{begin}: {:?}", start.elapsed());
        let told: usize = loaded.diagnostics.iter().map(|d| d.message.len()).sum();
        assert!(told < 10 * text.len(), "{begin}: {told} bytes of complaints");
    }
}
