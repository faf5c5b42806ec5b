//! In the steady state a message costs no allocation on its way over the plugin ABI, on either side: data, submit,
//! commit, a property, a counter, and a log line that nobody wants. One test, so that nothing else allocates meanwhile.

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;
use sysloom_abi::{Frame, Span, log_level, status};
use sysloom_engine::plugin::{
    Committed, ConnectRequest, Fault, Host, InputModule, ListenRequest, Loader, OutputModule, PeerFacts,
    Rows, Search, Services, StreamSink,
};

#[path = "plugin/libraries.rs"]
mod libraries;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn steady_calls_allocate_nothing() {
    let engine = Arc::new(Engine::default());
    engine.level.store(log_level::INFO, Ordering::Relaxed);
    let host = Host::new(Arc::clone(&engine) as Arc<dyn Services>);
    let loader = Loader::new(
        host,
        Search { directories: vec![libraries::libraries().to_path_buf()], ..Search::default() },
    );
    let plugin = loader.module("misbehave").unwrap();
    let input = InputModule::new(&plugin, "misbehave", 1, &[]).unwrap().instance(2, &[]).unwrap();
    input.activate().unwrap();
    let sink = engine.sink.lock().unwrap().take().unwrap();
    let mut session = sink.open(1, 1, "192.0.2.1", 1000);
    let output = OutputModule::new(&plugin, "misbehave", 1, &[]).unwrap().instance(3, &[]).unwrap();
    let mut worker = output.worker().unwrap();
    let (block, cells, messages) = ([b'x'; 512], [Span { off: 0, len: 8 }; 64], [5_u64; 64]);
    let rows = Rows { columns: 1, block: &block, cells: &cells, messages: &messages };
    let mut results = Vec::new();

    // The plugin's own allocations up to now are in the counter that both its sides add to.
    let mut round = || {
        assert_eq!(session.data(&block), status::OK);
        assert_eq!(worker.commit(rows, &mut results), Committed::Done);
        let theirs = ALLOCATIONS.load(Ordering::Relaxed);
        let ours = ALLOCATOR.stats();
        (theirs, ours.allocations + ours.reallocations)
    };
    // The first rounds make what stays: places of threads, buffers.
    round();
    round();
    let before = round();
    let taken = engine.taken.load(Ordering::Relaxed);
    for _ in 0..1000 {
        assert_eq!(round(), before, "(theirs, ours)");
    }
    assert_eq!(engine.taken.load(Ordering::Relaxed), taken + 1000);
    // The counter would have shown it.
    assert!(before.0 > 0);
}

/// Takes messages without looking at them.
#[derive(Default)]
struct Engine {
    level: AtomicU32,
    taken: AtomicU64,
    sink: Mutex<Option<StreamSink>>,
}

/// What the plugin's counter of that name shows.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static OTHERS: AtomicU64 = AtomicU64::new(0);

impl Services for Engine {
    fn log_level(&self) -> &AtomicU32 {
        &self.level
    }

    fn log(&self, _: u64, _: u32, _: i32, text: &str, _: &[(&str, &str)]) {
        panic!("nobody wants to know that {text}");
    }

    fn counter(&self, _: u64, name: &str) -> &'static AtomicU64 {
        if name == "allocations" { &ALLOCATIONS } else { &OTHERS }
    }

    fn intern(&self, _: &str, _: &str, _: u16) -> u32 {
        0
    }

    fn submit(&self, _: u64, _: &[u8], frames: &[Frame], _: u32) -> i64 {
        self.taken.fetch_add(frames.len() as u64, Ordering::Relaxed);
        frames.len() as i64
    }

    fn listen(&self, _: u64, sink: StreamSink, _: &ListenRequest) -> Result<u16, Fault> {
        *self.sink.lock().unwrap() = Some(sink);
        Ok(0)
    }

    fn reply(&self, _: u64, _: &[u8]) -> Result<(), Fault> {
        Ok(())
    }

    fn connect(&self, _: u64, _: &ConnectRequest) -> Result<i64, (i64, Fault)> {
        Err((status::FAILED, Fault::default()))
    }

    fn write(&self, _: i64, _: &[u8], _: Duration) -> Result<(), (i64, usize, Fault)> {
        Ok(())
    }

    fn alive(&self, _: i64) -> bool {
        false
    }

    fn close(&self, _: i64) {}

    fn verdict(&self, _: u64, _: &PeerFacts<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn property(&self, _: u64, _: &str, out: &mut [u8]) -> i64 {
        let len = out.len().min(20);
        out[..len].fill(b'p');
        20
    }
}
