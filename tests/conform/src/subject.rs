//! The driver under test, loaded into the process that looks at it, with a host around it that keeps what it says.

use crate::Options;
use crate::judge::Judge;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;
use sysloom_abi::{Frame, log_level, status};
use sysloom_engine::plugin::{
    ConnectRequest, Context, Driver, Facts, Fault, Host, ListenRequest, Loader, PeerFacts, Search, Services,
    Side, StreamSink, StreamValues,
};

/// What every body gets.
pub struct Subject {
    pub driver: Arc<Driver>,
    pub facts: Facts,
    pub options: Options,
    pub host: &'static Host,
    /// Answers the driver's questions about peers.
    pub judge: Arc<Judge>,
    /// Kept, because what it has loaded lives as long as the process.
    pub loader: Loader,
}

impl Subject {
    /// Loads the file, as the daemon does.
    pub fn load(options: &Options) -> Result<Self, String> {
        let facts = Facts::of(&options.file).map_err(|e| format!("{}: {e}", options.file.display()))?;
        let judge = Arc::<Judge>::default();
        let host = Host::new(Arc::new(House::new(Arc::clone(&judge))));
        let search = Search { directories: options.directories(), ..Search::default() };
        let loader = Loader::new(host, search);
        let plugin = loader.load(&options.file).map_err(|e| format!("{}: {e}", options.file.display()))?;
        let driver = plugin.driver(&facts.name).or_else(|| plugin.drivers().first().cloned());
        let driver = driver.ok_or_else(|| format!("{}: no netstream driver", options.file.display()))?;
        Ok(Self { driver, facts, options: options.clone(), host, judge, loader })
    }

    /// A context of the driver for plain streams, as mode 0 makes them.
    pub fn plain(&self, side: Side) -> Result<Arc<Context>, String> {
        let values = StreamValues { auth_mode: "anon".to_owned(), ..StreamValues::default() };
        self.driver.context(1, side, &values).map_err(|e| format!("no context: {}", e.text))
    }
}

/// A host that has no messages, inputs or outputs.
struct House {
    level: AtomicU32,
    judge: Arc<Judge>,
    counter: &'static AtomicU64,
}

impl House {
    fn new(judge: Arc<Judge>) -> Self {
        Self { level: AtomicU32::new(log_level::INFO), judge, counter: Box::leak(Box::default()) }
    }
}

impl Services for House {
    fn log_level(&self) -> &AtomicU32 {
        &self.level
    }

    fn log(&self, _: u64, level: u32, _: i32, text: &str, _: &[(&str, &str)]) {
        if level <= log_level::WARNING {
            // Kept with a failure, since the parent shows the end of what a body writes here.
            eprintln!("the driver logs: {text}");
        }
    }

    fn counter(&self, _: u64, _: &str) -> &'static AtomicU64 {
        self.counter
    }

    fn intern(&self, _: &str, _: &str, _: u16) -> u32 {
        0
    }

    fn submit(&self, _: u64, _: &[u8], _: &[Frame], _: u32) -> i64 {
        status::INVALID
    }

    fn listen(&self, _: u64, _: StreamSink, _: &ListenRequest) -> Result<u16, Fault> {
        Err(Fault::new("a driver does not listen through the host"))
    }

    fn reply(&self, _: u64, _: &[u8]) -> Result<(), Fault> {
        Err(Fault::new("a driver has no sessions of the host"))
    }

    fn connect(&self, _: u64, _: &ConnectRequest) -> Result<i64, (i64, Fault)> {
        Err((status::FAILED, Fault::new("a driver does not connect through the host")))
    }

    fn write(&self, _: i64, _: &[u8], _: Duration) -> Result<(), (i64, usize, Fault)> {
        Err((status::INVALID, 0, Fault::new("there is no such stream")))
    }

    fn alive(&self, _: i64) -> bool {
        false
    }

    fn close(&self, _: i64) {}

    fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Fault> {
        self.judge.verdict(conn, peer)
    }

    fn property(&self, _: u64, _: &str, _: &mut [u8]) -> i64 {
        status::INVALID
    }
}
