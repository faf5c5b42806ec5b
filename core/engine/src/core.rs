//! What every room and every plugin reaches through one value: log, counters, senders, the way into the queue, and
//! the connections.
//!
//! It is made before the configuration is read, because plugins already log then; what the configuration decides is
//! put in once, by `assemble`, before anything runs.

use crate::assemble::Places;
use crate::control::Control;
use crate::intake::{self, Intake};
use crate::netstream::{self, House, Net, Stack, StreamParams};
use crate::oversize::Oversize;
use crate::plugin::{
    ConnectRequest, Driver, Fault, InputInstance, ListenRequest, Loader, PeerFacts, Services, Side, Stat,
    StreamSink,
};
use crate::properties::Properties;
use crate::ratelimit::RateLimit;
use crate::reduce::Reducer;
use crate::selflog::{Form, Selflog};
use crate::senders::Senders;
use crate::stats::{CounterKind, Stats};
use crate::tracking::Tracking;
use crate::worker;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};
use std::time::Duration;
use sysloom_abi::{Frame, counter_flag, frame_flag, stats_flag, status, submit_flag};
use sysloom_config::Diagnostic;
use sysloom_config::plan::{PropertyRef, Value, Values};

/// The engine's services; plugins reach them through the ABI.
pub struct Core {
    pub log: Arc<Selflog>,
    pub stats: Arc<Stats>,
    /// What may be asked or changed while the daemon runs.
    pub control: Control,
    /// Who may send.
    pub senders: Senders,
    /// Set once the configuration is assembled.
    pub(crate) settled: OnceLock<Settled>,
    /// What `global()` said, and this host's name: known before the first instance is made.
    pub(crate) globals: OnceLock<(Values, String)>,
    /// Names of the templates that are made of constants and properties; set together with `globals`.
    pub(crate) pieced: OnceLock<Vec<String>>,
    /// Inputs that hear of readers of the statistics.
    pub(crate) readers: RwLock<Vec<Weak<InputInstance>>>,
    pub(crate) net: OnceLock<Net>,
    /// What plugins ask of messages, by number.
    pub properties: Arc<Properties>,
    /// Loads drivers on demand.
    pub(crate) loader: OnceLock<Arc<Loader>>,
    /// Names of instances, for their counters and messages.
    names: RwLock<HashMap<u64, (String, String)>>,
    /// Stream parameters of instances that listen or connect.
    streams: RwLock<HashMap<u64, Arc<Streaming>>>,
}

/// What the configuration decided.
pub(crate) struct Settled {
    /// By number of the input.
    pub intakes: Vec<Arc<Intake>>,
    /// Limits that inputs name, by number of the input.
    pub limits: Vec<Option<Arc<RateLimit>>>,
    /// The input number whose messages run through a ruleset, and the way into its queue, by the ruleset's name.
    pub rulesets: Vec<(String, u32, Arc<Intake>)>,
    /// By number of the input, and one for the daemon's own messages; none if repeated messages are not reduced.
    pub reducers: Vec<Reducer>,
    pub oversize: Oversize,
    pub tracking: Option<Tracking>,
    pub around: Arc<crate::message::Around>,
}

/// One instance's stream parameters, and for an action the stack that was made of them.
struct Streaming {
    params: StreamParams,
    places: Places,
    stack: RwLock<Option<Arc<Stack>>>,
}

impl Streaming {
    fn stack(&self) -> Option<Arc<Stack>> {
        self.stack.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn carry_with(&self, stack: Stack) -> Arc<Stack> {
        let stack = Arc::new(stack);
        *self.stack.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&stack));
        stack
    }
}

/// An instance's number in calls between host and plugin: what it is, and which one.
pub fn id_of(kind: Kind, index: usize) -> u64 {
    ((kind as u64) << 32) | index as u64
}

/// What an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Kind {
    Module = 1,
    Input = 2,
    Action = 3,
    Parser = 4,
}

impl Core {
    pub fn new(log: Arc<Selflog>) -> Arc<Self> {
        Arc::new(Self {
            log,
            stats: Arc::default(),
            control: Control::default(),
            senders: Senders::default(),
            globals: OnceLock::new(),
            pieced: OnceLock::new(),
            readers: RwLock::default(),
            settled: OnceLock::new(),
            net: OnceLock::new(),
            properties: Arc::default(),
            loader: OnceLock::new(),
            names: RwLock::default(),
            streams: RwLock::default(),
        })
    }

    /// Lends the loader, so that drivers can be loaded when a stream asks for them.
    pub fn lend(&self, loader: &Arc<Loader>) {
        let _ = self.loader.set(Arc::clone(loader));
    }

    /// Who hears of readers of the statistics.
    pub(crate) fn read_stats(&self, inputs: Vec<Weak<InputInstance>>) {
        *self.readers.write().unwrap_or_else(PoisonError::into_inner) = inputs;
    }

    /// Names an instance for its counters: who counts (origin), and the object's name.
    pub fn name(&self, me: u64, origin: &str, name: &str) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        names.insert(me, (origin.into(), name.into()));
    }

    /// Gives an instance its stream parameters, and says where they were set.
    pub fn stream(&self, me: u64, params: StreamParams, places: Places) {
        let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        streams.insert(me, Arc::new(Streaming { params, places, stack: RwLock::default() }));
    }

    /// Reads an action's keys and certificates now, while privileges last.
    pub fn prepare_stream(&self, me: u64) -> Result<(), Fault> {
        let streaming = self.streaming(me);
        self.stack(me, &streaming).map(drop)
    }

    /// Starts the watcher of client streams, if there is an action that may have any: a thread that an action is on when
    /// it connects first may be in another network namespace.
    pub fn watch_streams(&self) {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = streams.keys().any(|me| me >> 32 == Kind::Action as u64);
        if let Some(net) = self.net.get().filter(|_| wanted) {
            net.watch_clients();
        }
    }

    /// What keeps the streams of listeners and actions from working: drivers, modes, keys and certificates. Nothing
    /// is opened on the network. `begins` hears of each driver before its library is loaded.
    pub fn check_streams(&self, mut begins: impl FnMut(&str)) -> Vec<Diagnostic> {
        let Some(net) = self.net.get() else { return Vec::new() };
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> =
            streams.iter().filter(|(_, streaming)| streaming.params.driver.is_some()).collect();
        all.sort_by_key(|(me, _)| **me);
        let input = id_of(Kind::Input, 0)..id_of(Kind::Action, 0);
        let side = |me| if input.contains(me) { Side::Server } else { Side::Client };
        let mut found: Vec<Diagnostic> = Vec::new();
        for (me, streaming) in all {
            begins(streaming.params.driver.as_deref().unwrap_or_default());
            let Err(fault) = net.stack(*me, side(me), &streaming.params) else { continue };
            let mut complaint =
                Diagnostic::error(fault.code, "stream", &*fault.text, streaming.places.of(&fault.text));
            if fault.code == NOT_LOADABLE
                && let (Some(loader), Some(driver)) = (self.loader.get(), &streaming.params.driver)
                && let Some(near) = loader.nearest_driver(driver)
            {
                complaint = complaint.help(format!("did you mean `{near}`?"));
            }
            // What stands in global() is wrong once.
            if !found.iter().any(|d| d.message == complaint.message && d.span == complaint.span) {
                found.push(complaint);
            }
        }
        found
    }

    /// Reads the keys and certificates of all streams again; connections that are there go on with theirs.
    pub fn hup_streams(&self) {
        let Some(net) = self.net.get() else { return };
        net.hup();
        let streams: Vec<_> = {
            let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
            streams.iter().map(|(me, streaming)| (*me, Arc::clone(streaming))).collect()
        };
        for (me, streaming) in streams {
            if !streaming.stack().is_some_and(|stack| stack.encrypts()) {
                continue;
            }
            let whose = {
                let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
                names.get(&me).map(|(_, name)| name.clone()).unwrap_or_default()
            };
            if let Some(stack) = net.renew(me, Side::Client, &streaming.params, &whose) {
                streaming.carry_with(stack);
            }
        }
    }

    fn stack(&self, me: u64, streaming: &Streaming) -> Result<Arc<Stack>, Fault> {
        if let Some(stack) = streaming.stack() {
            return Ok(stack);
        }
        Ok(streaming.carry_with(self.net()?.stack(me, Side::Client, &streaming.params)?))
    }

    fn streaming(&self, me: u64) -> Arc<Streaming> {
        let streams = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        streams.get(&me).cloned().unwrap_or_else(|| {
            let (params, places) = (StreamParams::default(), Places::default());
            Arc::new(Streaming { params, places, stack: RwLock::default() })
        })
    }

    fn net(&self) -> Result<&Net, Fault> {
        self.net.get().ok_or_else(|| Fault::new("the daemon has no connections yet"))
    }
}

impl Services for Core {
    fn log_level(&self) -> &AtomicU32 {
        self.log.level()
    }

    fn log(&self, _me: u64, level: u32, code: i32, text: &str, kv: &[(&str, &str)]) {
        let mut line = text.to_owned();
        for (key, value) in kv {
            line.push_str(&format!(", {key} {value}"));
        }
        self.log.say(level.min(8) as u8, code, &line);
    }

    fn counter(&self, me: u64, name: &str) -> &'static AtomicU64 {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        match names.get(&me) {
            Some((origin, object)) => self.stats.counter(origin, object, name),
            None => self.stats.counter("plugin", &format!("{me:x}"), name),
        }
    }

    fn intern(&self, ip: &str, host: &str, _port: u16) -> u32 {
        self.settled.get().map_or(0, |settled| settled.around.peers.intern(ip, host))
    }

    fn submit(&self, me: u64, block: &[u8], frames: &[Frame], flags: u32) -> i64 {
        let index = me as u32;
        if me >> 32 != Kind::Input as u64 {
            return status::INVALID;
        }
        let Some(settled) = self.settled.get() else { return status::INVALID };
        let Some(intake) = settled.intakes.get(index as usize) else { return status::INVALID };
        if let Some(tracking) = &settled.tracking {
            tracking.count(frames, &settled.around.peers);
        }
        let (all, mut fitting, mut kept) = (frames.len(), Vec::new(), Vec::new());
        let name = settled.around.inputs.get(index as usize).map_or("", |input| &input.name);
        let frames = settled.oversize.fit(block, frames, name, 0, &mut fitting);
        let frames = match settled.limits.get(index as usize) {
            Some(Some(limit)) => limit.admit(index, block, frames, &mut kept),
            _ => frames,
        };
        let taken = match settled.reducers.get(index as usize) {
            Some(reducer) => reducer.submit(intake, index, block, frames, flags),
            None => intake.submit(index, block, frames, flags),
        };
        // What a limit drops is taken, too, and the parts of a message are one.
        let taken = if taken == frames.len() { all } else { taken.min(all) };
        taken as i64
    }

    fn listen(&self, me: u64, sink: StreamSink, spec: &ListenRequest) -> Result<u16, Fault> {
        let streaming = self.streaming(me);
        self.net()?.listen(me, &streaming.params, spec, Arc::new(sink))
    }

    fn reply(&self, conn: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.net()?.reply(conn, bytes);
        Ok(())
    }

    fn connect(&self, me: u64, to: &ConnectRequest) -> Result<i64, (i64, Fault)> {
        let streaming = self.streaming(me);
        let failed = |fault| (status::FAILED, fault);
        let stack = self.stack(me, &streaming).map_err(failed)?;
        self.net().map_err(failed)?.connect(me, &stack, &streaming.params, to)
    }

    fn write(&self, stream: i64, bytes: &[u8], timeout: Duration) -> Result<(), (i64, usize, Fault)> {
        let net = self.net().map_err(|fault| (status::FAILED, 0, fault))?;
        net.write(stream, bytes, timeout).map_err(|e| (e.status, e.written, e.why))
    }

    fn alive(&self, stream: i64) -> bool {
        self.net.get().is_some_and(|net| net.alive(stream))
    }

    fn close(&self, stream: i64) {
        if let Some(net) = self.net.get() {
            net.close(stream);
        }
    }

    fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Fault> {
        self.net()?.verdict(conn, peer)
    }

    fn property(&self, message: u64, name: &str, out: &mut [u8]) -> i64 {
        let Some(property) = PropertyRef::find(name, false) else {
            return status::INVALID;
        };
        worker::property(message, &property, out).map_or(status::INVALID, |len| len as i64)
    }

    fn find_property(&self, name: &str) -> i64 {
        let globals = self.globals.get().map(|(globals, _)| globals);
        let exact = globals.and_then(|globals| globals.bool("variables.caseSensitive")).unwrap_or(false);
        self.properties.find(name, exact).unwrap_or(status::INVALID)
    }

    fn counter_of(&self, me: u64, origin: &str, object: &str, name: &str, flags: u32) -> &'static AtomicU64 {
        let has = |flag| flags & flag != 0;
        let kind = CounterKind {
            level: has(counter_flag::LEVEL),
            first: has(counter_flag::FIRST),
            owner: if has(counter_flag::OWN) { me } else { 0 },
        };
        self.stats.place(origin, object, name, kind)
    }

    fn walk(&self, flags: u32, visit: &mut dyn FnMut(Option<Stat<'_>>)) {
        let readers: Vec<_> = {
            let readers = self.readers.read().unwrap_or_else(PoisonError::into_inner);
            readers.iter().filter_map(Weak::upgrade).collect()
        };
        readers.iter().for_each(|reader| reader.stats(false));
        self.stats.read(flags & stats_flag::RESET != 0, |origin, object, name, value| {
            visit(Some(Stat { origin, object, name, value }));
        });
        visit(None);
        readers.iter().for_each(|reader| reader.stats(true));
    }

    fn control(&self, _: u64, command: &str, argument: &str) -> Result<i64, Fault> {
        match command {
            // What is said enters the queue at once unless it is still kept; then there is no queue yet.
            "log.flush" => Ok(0),
            "log.debug" => {
                self.log.debug(true);
                Ok(0)
            }
            "log.plain" | "log.mark" => {
                let form = if command == "log.mark" { Form::Mark } else { Form::Plain };
                self.log.say_as(form, 6, 0, argument);
                Ok(0)
            }
            "sender.allowed" => {
                let mut words = argument.splitn(3, ' ');
                let (protocol, ip) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let ip = ip.parse().map_err(|_| Fault::new(format!("'{ip}' is no address")))?;
                let own = words.next().unwrap_or_default();
                Ok(self.senders.admits(protocol, own, ip).into())
            }
            "template.pieces" => {
                let pieced = self.pieced.get().ok_or_else(|| Fault::new("no templates are known yet"))?;
                Ok(pieced.iter().any(|name| name == argument).into())
            }
            "sender.folded" => Ok(self
                .settled
                .get()
                .map_or(0, |settled| settled.around.peers.intern_folded(argument))
                .into()),
            _ => self.control.obey(command, argument, &self.log.version),
        }
    }

    fn setting(&self, name: &str) -> Option<String> {
        let (globals, hostname) = self.globals.get()?;
        match name {
            "daemon.name" => return Some(self.log.name.clone()),
            "daemon.version" => return Some(self.log.version.clone()),
            "daemon.hostname" => return Some(hostname.clone()),
            _ => {}
        }
        Some(match globals.value(name)? {
            Value::Bool(on) => (if *on { "on" } else { "off" }).into(),
            Value::Int(number) => number.to_string(),
            Value::Str(text) => text.clone(),
            Value::List(list) => list.join(","),
        })
    }

    fn submit_to(&self, _: u64, ruleset: &str, block: &[u8], frames: &[Frame], flags: u32) -> i64 {
        let rulesets = self.settled.get().map_or(&[][..], |settled| &settled.rulesets);
        let mut numbered = rulesets.iter().enumerate();
        let Some((number, (_, input, intake))) =
            numbered.find(|(_, (name, ..))| name.eq_ignore_ascii_case(ruleset))
        else {
            return status::INVALID;
        };
        if frames.iter().all(|frame| frame.flags & frame_flag::COPY == 0) {
            return intake.submit(*input, block, frames, flags) as i64;
        }
        let mut taken = 0;
        for frame in frames {
            let copied = worker::with_message(frame.received_ns as u64, |message| {
                intake.copy(number, message, flags);
            });
            if frame.flags & frame_flag::COPY == 0 || copied.is_none() {
                break;
            }
            taken += 1;
            if intake.is_full() {
                intake.submit(*input, &[], &[], flags | submit_flag::FLUSH);
            }
        }
        intake.submit(*input, &[], &[], flags);
        taken
    }
}

impl House for Core {
    fn driver(&self, name: &str) -> Result<Arc<Driver>, Fault> {
        let loader = self.loader.get().ok_or_else(|| Fault::new("no driver can be loaded yet"))?;
        loader.driver(name).map_err(|failure| Fault::new(failure.to_string()).code(NOT_LOADABLE))
    }

    fn flush(&self) {
        intake::flush();
    }

    fn intern(&self, ip: &str, host: &str, port: u16) -> u32 {
        Services::intern(self, ip, host, port)
    }

    fn log(&self, me: u64, level: u32, code: i32, text: &str) {
        Services::log(self, me, level, code, text, &[]);
    }

    fn counter(&self, me: u64, name: &str) -> &'static AtomicU64 {
        Services::counter(self, me, name)
    }

    fn admits(&self, own: &str, ip: &str) -> Result<(), bool> {
        match ip.parse() {
            Ok(ip) if !self.senders.admits("TCP", own, ip) => Err(self.senders.warns()),
            _ => Ok(()),
        }
    }
}

impl netstream::Sink for StreamSink {
    fn open(&self, conn: u64, peer: u32, address: &str, port: u16) -> Box<dyn netstream::SinkSession> {
        Box::new(StreamSink::open(self, conn, peer, address, port))
    }
}

impl netstream::SinkSession for crate::plugin::SinkSession {
    fn data(&mut self, bytes: &[u8]) -> i64 {
        crate::plugin::SinkSession::data(self, bytes)
    }

    fn close(self: Box<Self>, reason: i64) {
        crate::plugin::SinkSession::close(*self, reason);
    }
}

/// rsyslog's code for a module that cannot be loaded.
const NOT_LOADABLE: i32 = 2066;
