//! The stand-in for the engine.

use crate::libraries::libraries;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sysloom_abi::{Frame, log_level, status};
use sysloom_engine::plugin::{
    ConnectRequest, Content, Fault, Host, HostValue, Iface, InputModule, ListenRequest, Loader, OutputModule,
    PeerFacts, Plugin, Search, Services, StreamSink,
};

/// What plugins said and did.
pub struct Engine {
    level: AtomicU32,
    lines: Mutex<Vec<String>>,
    messages: Mutex<Vec<(u64, String)>>,
    counters: Mutex<HashMap<(u64, String), &'static AtomicU64>>,
    listeners: Mutex<Vec<(ListenRequest, StreamSink)>>,
}

impl Engine {
    /// An engine with a loader that finds the libraries of tests/plugins and the drivers.
    pub fn new() -> (Arc<Engine>, Loader) {
        Self::searching(libraries())
    }

    /// An engine whose module path is one directory.
    pub fn searching(directory: &Path) -> (Arc<Engine>, Loader) {
        let engine = Arc::new(Engine {
            level: AtomicU32::new(log_level::DEBUG),
            lines: Mutex::default(),
            messages: Mutex::default(),
            counters: Mutex::default(),
            listeners: Mutex::default(),
        });
        let host = Host::new(Arc::clone(&engine) as Arc<dyn Services>);
        (
            engine,
            Loader::new(host, Search { directories: vec![directory.to_path_buf()], ..Search::default() }),
        )
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Whether a line contains all of these.
    pub fn said(&self, words: &[&str]) -> bool {
        self.lines().iter().any(|line| words.iter().all(|w| line.contains(w)))
    }

    pub fn messages(&self) -> Vec<(u64, String)> {
        self.messages.lock().unwrap().clone()
    }

    pub fn value(&self, me: u64, name: &str) -> u64 {
        self.counter(me, name).load(Ordering::Relaxed)
    }

    pub fn listener(&self) -> (ListenRequest, StreamSink) {
        self.listeners.lock().unwrap().pop().expect("the input listens")
    }
}

impl Services for Engine {
    fn log_level(&self) -> &AtomicU32 {
        &self.level
    }

    fn log(&self, me: u64, level: u32, code: i32, text: &str, pairs: &[(&str, &str)]) {
        let pairs: String = pairs.iter().map(|(k, v)| format!(" {k}={v}")).collect();
        self.lines.lock().unwrap().push(format!("{me}/{level}/{code}: {text}{pairs}"));
    }

    fn counter(&self, me: u64, name: &str) -> &'static AtomicU64 {
        let mut counters = self.counters.lock().unwrap();
        counters.entry((me, name.to_owned())).or_insert_with(|| Box::leak(Box::default()))
    }

    fn intern(&self, _: &str, _: &str, port: u16) -> u32 {
        port.into()
    }

    fn submit(&self, me: u64, block: &[u8], frames: &[Frame], _: u32) -> i64 {
        let mut messages = self.messages.lock().unwrap();
        for frame in frames {
            let (off, len) = (frame.off as usize, frame.len as usize);
            messages.push((me, String::from_utf8_lossy(&block[off..off + len]).into_owned()));
        }
        frames.len() as i64
    }

    fn listen(&self, _: u64, sink: StreamSink, spec: &ListenRequest) -> Result<u16, Fault> {
        self.listeners.lock().unwrap().push((spec.clone(), sink));
        Ok(514)
    }

    fn reply(&self, _: u64, _: &[u8]) -> Result<(), Fault> {
        Err(Fault::new("nobody there"))
    }

    fn connect(&self, _: u64, _: &ConnectRequest) -> Result<i64, (i64, Fault)> {
        Err((status::FAILED, Fault::new("nobody there")))
    }

    fn write(&self, _: i64, _: &[u8], _: Duration) -> Result<(), (i64, usize, Fault)> {
        Err((status::CLOSED, 0, Fault::new("nobody there")))
    }

    fn alive(&self, _: i64) -> bool {
        false
    }

    fn close(&self, _: i64) {}

    fn verdict(&self, _: u64, _: &PeerFacts<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn property(&self, message: u64, name: &str, out: &mut [u8]) -> i64 {
        let value: &[u8] = match (message, name) {
            (7, "msg") => b"log me",
            (_, "msg") => {
                b"a text that is longer than sixty-four bytes, so that the plugin has to ask a second time"
            }
            _ => return status::INVALID,
        };
        let len = value.len().min(out.len());
        out[..len].copy_from_slice(&value[..len]);
        value.len() as i64
    }
}

/// Values for the parameters that are named, in the order of the interface's table.
pub fn values(iface: &Iface, set: &[(&str, Content)]) -> Vec<HostValue> {
    let unknown = set.iter().find(|(name, _)| !iface.instance_params.iter().any(|p| p.name == *name));
    assert!(unknown.is_none(), "no parameter {}", unknown.unwrap().0);
    let value = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, content)| content.clone());
    iface
        .instance_params
        .iter()
        .map(|p| value(&p.name).map(HostValue::configured).unwrap_or_default())
        .collect()
}

/// One text.
pub fn text(text: &str) -> Content {
    Content::Text(text.to_owned())
}

/// The interface of a kind.
pub fn iface(plugin: &Plugin, kind: u32) -> &Iface {
    plugin.ifaces().iter().find(|i| i.kind == kind).expect("the plugin has this kind")
}

/// The input module of misbehave.
pub fn input(plugin: &Arc<Plugin>) -> InputModule {
    InputModule::new(plugin, "misbehave", 1, &[]).expect("the module object")
}

/// The output module of misbehave.
pub fn output(plugin: &Arc<Plugin>) -> OutputModule {
    OutputModule::new(plugin, "MISBEHAVE", 2, &[]).expect("the module object")
}
