//! What a message costs: nanoseconds for each stage on one core, and the allocations of the steady state, which must
//! be none. `cargo run --release -p sysloom-bench` after `cargo build --release`; `flood.py` beside it compares whole
//! daemons.
//!
//! The engine runs on this one thread: split with sysloom-frame, then the real worker over configurations that add one
//! stage after another, so that a stage's cost is a difference. `--messages N` sets how many.
#![forbid(unsafe_code)]

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sysloom_abi::Frame;
use sysloom_engine::assemble::{World, assemble};
use sysloom_engine::core::Core;
use sysloom_engine::engine::Engine;
use sysloom_engine::plugin::{Host, Loader, Search};
use sysloom_engine::selflog::Selflog;
use sysloom_frame::{Event, Rules, Sink, Splitter};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let messages = argument("--messages").unwrap_or(1_000_000);
    let block = stream();
    let per_block = frames_of(&block).len();
    let rounds = (messages / per_block).max(1);
    let total = (rounds * per_block) as f64;
    println!("{} messages of 104 bytes (RFC 3164), one core, best of {REPEATS}", rounds * per_block);

    let split = split(&block, rounds);
    let mut before = split;
    line("split", split, total);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("out");
    let mut sum = split;
    for (stage, config) in [
        ("intake, queue, parse", "*.* stop\n/dev/null\n".to_owned()),
        ("filter", format!("{FILTERS}*.* stop\n*.* /dev/null\n")),
        ("script", format!("{FILTERS}{SCRIPT}*.* stop\n*.* /dev/null\n")),
        ("render, commit to /dev/null", format!("{FILTERS}{SCRIPT}*.* /dev/null\n")),
        ("render, commit to a file", format!("{FILTERS}{SCRIPT}*.* {}\n", file.display())),
    ] {
        let time = split + engine(&config, directory.path(), &block, rounds);
        line(stage, time.saturating_sub(before), total);
        before = if stage.ends_with("null") { before } else { time };
        sum = time;
    }
    println!("{:<28} {:7.2} M messages/s", "all of it, to the file", total / sum.as_secs_f64() / 1e6);
}

/// Runs the blocks through an engine with this configuration; the best of some repeats. Panics if the steady state
/// allocates.
fn engine(config: &str, directory: &Path, block: &[u8], rounds: usize) -> Duration {
    let conf = directory.join("bench.conf");
    std::fs::write(&conf, config).expect("the directory is ours");
    let core = Core::new(Selflog::new("bench", "0"));
    let host = Host::new(Arc::clone(&core) as _);
    let search = Search { directories: vec![modules()], ..Search::default() };
    let loader = Arc::new(Loader::new(host, search));
    core.lend(&loader);
    let mut world = World::new(Arc::clone(&loader));
    let loaded = sysloom_config::load(&conf, &mut world);
    let (engine, found) = assemble(&loaded.plan, &core, &world.into_modules());
    for complaint in loaded.diagnostics.iter().chain(&found) {
        assert!(complaint.span.is_none(), "{}", complaint.message);
    }
    let frames = frames_of(block);
    let mut worker = engine.worker_inline();
    let mut run = |engine: &Engine, rounds: usize| {
        for _ in 0..rounds {
            // A number that no input has: the default ruleset, with a host name in the messages.
            engine.submit_inline(u32::MAX, block, &frames);
            engine.work_inline(&mut worker);
        }
    };
    run(&engine, rounds.min(200));
    let mut best = Duration::MAX;
    for _ in 0..REPEATS {
        let allocated = allocations();
        let start = Instant::now();
        run(&engine, rounds);
        best = best.min(start.elapsed());
        assert_eq!(allocations() - allocated, 0, "allocations in the steady state of:\n{config}");
    }
    best
}

fn split(block: &[u8], rounds: usize) -> Duration {
    let mut best = Duration::MAX;
    let (rules, mut splitter, mut count) = (Rules::default(), Splitter::default(), Count::default());
    for _ in 0..REPEATS {
        let allocated = allocations();
        let start = Instant::now();
        (0..rounds).for_each(|_| splitter.feed(&rules, block, &mut count));
        best = best.min(start.elapsed());
        assert_eq!(allocations() - allocated, 0, "allocations while splitting");
    }
    assert!(count.frames > 0);
    best
}

fn frames_of(block: &[u8]) -> Vec<Frame> {
    let mut spans = Count { keep: true, ..Count::default() };
    Splitter::default().feed(&Rules::default(), block, &mut spans);
    spans.spans
}

#[derive(Default)]
struct Count {
    frames: usize,
    keep: bool,
    spans: Vec<Frame>,
}

impl Sink for Count {
    fn span(&mut self, offset: usize, len: usize) {
        self.frames += 1;
        if self.keep {
            self.spans.push(Frame { off: offset as u32, len: len as u32, ..Frame::default() });
        }
    }

    fn carried(&mut self, _: &[u8]) {
        self.frames += 1;
    }

    fn event(&mut self, event: Event) {
        panic!("the stream is sound: {event:?}");
    }
}

/// One read's worth of lines.
fn stream() -> Vec<u8> {
    let mut block = Vec::new();
    let mut i = 0;
    while block.len() < 60_000 {
        let head = format!(
            "<13{}>Nov 23 03:09:{:02} host{:03} app{:02}[{}]: ",
            i % 4,
            i % 60,
            i % 250,
            i % 40,
            1000 + i
        );
        let filler = 104_usize.saturating_sub(head.len());
        let text =
            "user login accepted from 198.51.100.23 port 51422 session opened method publickey result ok";
        block.extend_from_slice(head.as_bytes());
        block.extend_from_slice(&text.as_bytes()[..filler]);
        block.push(b'\n');
        i += 1;
    }
    block
}

fn line(stage: &str, time: Duration, total: f64) {
    println!("{stage:<28} {:7.1} ns a message", time.as_secs_f64() * 1e9 / total);
}

fn allocations() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

/// The libraries stand beside this program.
fn modules() -> PathBuf {
    let exe = std::env::current_exe().expect("a program knows its file");
    exe.parent().expect("a file stands in a directory").to_path_buf()
}

fn argument(name: &str) -> Option<usize> {
    let mut words = std::env::args().skip_while(|word| word != name);
    words.nth(1)?.parse().ok()
}

const REPEATS: usize = 5;
/// Two selectors that miss and two property filters that miss.
const FILTERS: &str = "mail.err stop\nlocal3.=debug stop\n:programname, isequal, \"nobody\" stop\n\
    :msg, contains, \"needle-absent\" stop\n";
/// Expressions that do not hold.
const SCRIPT: &str = "if $programname == [\"none\", \"other\"] and $syslogseverity <= 3 then stop\n\
    if not ($msg contains \"login\") or $hostname startswith \"zzz\" then stop\n\
    if $syslogfacility-text == \"mail\" or $procid > 99999 then stop\n\
    if re_match($msg, \"absent [0-9]+\") then stop\n";
