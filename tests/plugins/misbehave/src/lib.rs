//! misbehave: an input, an output and a driver layer that do wrong where their options say, for tests of the loader,
//! the guards and the watch. It counts its own allocations too, so that a test can see that steady calls make none.
#![forbid(unsafe_code)]

mod conduct;
mod layer;

use conduct::Conduct;
use layer::Misbehave as MisbehaveLayer;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use sysloom_sdk::{
    Accepted, Commit, Complaint, Counter, End, Frame, Host, Input, Listen, Outcome, Output, Params, Records,
    StreamInput, Submit, Worker, plugin, slog,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Options of `module()`, for both.
#[derive(Params)]
pub struct Module {
    /// Whether making the module object panics (in the middle of its values: it is the field's type that does).
    #[param(name = "modulePanics", default = "off")]
    panics: conduct::Bomb,
}

/// Options of an instance.
#[derive(Params)]
pub struct Settings {
    /// The callback that panics.
    #[param(word, legacy = "MisbehavePanic:sticky|MisbehavePanicOnce")]
    panic: Option<String>,
    /// What it throws; a bomb panics again when it is dropped.
    #[param(default = "words", choices = "words|number|bomb")]
    throws: String,
    /// The callback that complains.
    #[param(word)]
    fail: Option<String>,
    /// The callback that does not return before the file `until` is there.
    #[param(word)]
    wait: Option<String>,
    until: PathBuf,
    /// Some of every other type, to see what arrives.
    #[param(name = "count", alias = "number|n", positive, default = "7", max = 99)]
    count: u8,
    peers: Vec<String>,
    #[param(file_mode, default = "0644", secret, deprecated)]
    mode: u32,
    #[param(char)]
    delimiter: Option<char>,
    #[param(selector_text)]
    text: String,
}

/// The input.
pub struct Misbehave {
    host: Host,
    conduct: Conduct,
    submitted: Counter,
    allocations: Counter,
    quiet: slog::Logger,
}

impl Input for Misbehave {
    const NAME: &'static str = "misbehave";
    const STREAMS: bool = true;
    const STREAM_LEGACY: &'static str = "InputMisbehave";
    const RUNS: bool = true;
    type Module = Module;
    type Settings = Settings;

    fn new(module: &Module, settings: Settings, host: Host) -> Result<Self, Complaint> {
        let _ = module.panics;
        let conduct = Conduct::of(&settings);
        conduct.at("new")?;
        host.log(sysloom_sdk::Level::Debug, 0, &settings.seen());
        host.counter("farewells").add(FAREWELLS.load(Ordering::Relaxed));
        let (submitted, allocations) = (host.counter("submitted"), host.counter("allocations"));
        Ok(Self { host, conduct, submitted, allocations, quiet: host.logger() })
    }

    fn activate(&self) -> Result<(), Complaint> {
        self.conduct.at("activate")?;
        if self.conduct.fails("listen") {
            // Not the instance that the host knows.
            let other = Self { conduct: self.conduct.clone(), quiet: self.quiet.clone(), ..*self };
            return self.host.listen(&other, &Listen::default()).map(|_| ());
        }
        let spec = Listen { port: "0", name: "misbehave", max_sessions: 3, ..Listen::default() };
        self.host.listen(self, &spec).map(|_| ())
    }

    fn run(&self, _: BorrowedFd<'_>) -> Result<(), Complaint> {
        self.conduct.at("run")
    }

    fn hup(&self) {
        let _ = self.conduct.at("hup");
    }
}

impl StreamInput for Misbehave {
    type Session = u32;

    fn open(&self, session: Accepted<'_>) -> u32 {
        let _ = self.conduct.at("open");
        session.peer
    }

    fn data(&self, peer: &mut u32, bytes: &[u8]) -> Result<(), Complaint> {
        self.conduct.at("data")?;
        let beyond = u32::from(self.conduct.fails("frames"));
        let frame = Frame { len: bytes.len() as u32 + beyond, peer: *peer, ..Frame::default() };
        let taken = self.host.submit(bytes, &[frame], Submit::LIGHT_DELAY)?;
        self.submitted.add(taken as u64);
        slog::trace!(self.quiet, "took {taken} messages"; "peer" => *peer);
        tell(self.allocations);
        Ok(())
    }

    fn close(&self, _: u32, reason: End) {
        let _ = self.conduct.at("close");
        self.host.log(sysloom_sdk::Level::Debug, 0, &format!("closed: {reason:?}"));
    }
}

impl Drop for Misbehave {
    fn drop(&mut self) {
        let _ = self.conduct.at("free");
    }
}

/// The output. Rows that say `reject` or `retry` get that.
pub struct MisbehaveOutput {
    conduct: Conduct,
    host: Host,
    allocations: Counter,
}

pub struct OutputWorker {
    property: Vec<u8>,
}

impl Output for MisbehaveOutput {
    const NAME: &'static str = "misbehave";
    const BUILTIN: bool = true;
    const DEFAULT_TEMPLATE: &'static str = "RSYSLOG_FileFormat";
    type Module = Module;
    type Settings = Settings;
    type Worker = OutputWorker;

    fn new(_: &Module, settings: Settings, host: Host) -> Result<Self, Complaint> {
        let conduct = Conduct::of(&settings);
        conduct.at("new")?;
        Ok(Self { conduct, host, allocations: host.counter("allocations") })
    }

    fn activate(&self) -> Result<(), Complaint> {
        self.conduct.at("activate")
    }

    fn hup(&self) {
        let _ = self.conduct.at("hup");
    }
}

impl Worker<MisbehaveOutput> for OutputWorker {
    fn new(output: &MisbehaveOutput) -> Result<Self, Complaint> {
        output.conduct.at("worker")?;
        Ok(Self { property: Vec::with_capacity(64) })
    }

    fn commit(&mut self, output: &MisbehaveOutput, records: &Records<'_>) -> Commit {
        if let Err(complaint) = output.conduct.at("commit") {
            return Commit::Suspended(complaint);
        }
        if output.conduct.fails("disable") {
            return Commit::Disabled("for ever".into());
        }
        let outcome = |row: &[u8]| match row {
            b"reject" => Outcome::Reject,
            b"retry" => Outcome::Retry,
            _ => Outcome::Done,
        };
        if records.rows().any(|row| outcome(row) != Outcome::Done) {
            return Commit::Each(records.rows().map(outcome).collect(), "not all".into());
        }
        for row in 0..records.len() {
            if records.property(row, "msg", &mut self.property) && self.property == b"log me" {
                output.host.log(sysloom_sdk::Level::Info, 2077, "a record says so");
            }
        }
        tell(output.allocations);
        Commit::Done
    }

    fn resume(&mut self, output: &MisbehaveOutput) -> Result<(), Complaint> {
        output.conduct.at("resume")
    }
}

impl Drop for OutputWorker {
    fn drop(&mut self) {
        assert!(self.property != b"panic in free", "freeing the worker");
    }
}

/// Shows this library's allocations so far as a counter.
fn tell(counter: Counter) {
    let made = ALLOCATOR.stats();
    let made = (made.allocations + made.reallocations) as u64;
    counter.add(made.saturating_sub(counter.get()));
}

/// Counts, so that later instances can tell.
fn farewell() {
    FAREWELLS.fetch_add(1, Ordering::Relaxed);
}

static FAREWELLS: AtomicU64 = AtomicU64::new(0);

plugin! {
    name: "misbehave",
    stream_inputs: [Misbehave],
    outputs: [MisbehaveOutput],
    layers: [MisbehaveLayer],
    shutdown: farewell
}
