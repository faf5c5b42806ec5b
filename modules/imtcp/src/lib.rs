//! imtcp: syslog over TCP, plain or through whatever netstream driver the configuration names.
//!
//! The host accepts, decrypts, reads and times out; this module finds the frames and hands them on, one submit for all
//! whole frames of a read. Every `input()` is a listener with settings of its own; what it leaves open, the module's
//! options decide.
#![forbid(unsafe_code)]

mod headed;
mod params;
mod session;
mod unpack;

use params::{InputParams, Module};
use regex::bytes::Regex;
use session::Session;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, OnceLock};
use sysloom_sdk::frame::Rules;
use sysloom_sdk::{
    Accepted, Complaint, Counter, End, Host, Input, KeepAlive, Limit, Listen, StreamInput, Submit, net,
    plugin,
};
use unpack::Unpacking;

/// One listener.
pub struct Imtcp {
    host: Host,
    params: InputParams,
    rules: Rules,
    /// What frames begin with (framing.delimiter.regex).
    header: Option<Regex>,
    /// How streams are unpacked that are compressed, and how many bytes came of it and how often it failed.
    unpacking: Option<(Unpacking, Counter, Counter)>,
    submit: Submit,
    /// Sender names keep their case.
    preserve_case: bool,
    listen: Sizes,
    limit: Option<Mutex<Limit>>,
    submitted: Counter,
    bytes: Counter,
    bad_frames: Counter,
    bad_messages: Counter,
    /// The port that was bound.
    port: OnceLock<u16>,
}

/// What the listener asks the host for, besides its address.
struct Sizes {
    max_sessions: u32,
    backlog: u32,
    max_reads: u32,
    threads: u32,
    keep_alive: KeepAlive,
    notify_open: bool,
    notify_close: bool,
    allowed: String,
    namespace: String,
}

impl Input for Imtcp {
    const NAME: &'static str = "imtcp";
    const STREAMS: bool = true;
    const STREAM_LEGACY: &'static str = "InputTCPServer";
    type Module = Module;
    type Settings = InputParams;

    fn new(module: &Module, params: InputParams, host: Host) -> Result<Self, Complaint> {
        let listeners = module.listeners.fetch_add(1, Relaxed) + 1;
        let unpacking = params.unpacking(&module.params, &module.windows);
        let module = &module.params;
        let most = params.max_listeners.unwrap_or(module.max_listeners);
        if listeners > most {
            let words = format!("maximum number of listeners ({most}) exceeded, see maxListeners");
            return Err(Complaint::new(words).param("port").code(CODE_LISTENERS));
        }
        if params.allowed_sender.as_ref().is_some_and(Vec::is_empty) {
            return Err(Complaint::new("allowedSender names nobody").param("allowedSender"));
        }
        let header = params.header.as_deref().filter(|header| !header.is_empty());
        let header = header.map(headed::compile).transpose()?;
        let rules = params.rules(module, host.max_message_size());
        let max_sessions = params.max_sessions.unwrap_or(module.max_sessions);
        let listen = Sizes {
            max_sessions,
            backlog: params.socket_backlog.unwrap_or(max_sessions / 10 + 5),
            max_reads: params.max_reads.unwrap_or(module.max_reads),
            threads: params.worker_threads.unwrap_or(module.worker_threads),
            keep_alive: KeepAlive {
                on: params.keep_alive.unwrap_or(module.keep_alive),
                probes: params.keep_alive_probes.unwrap_or(module.keep_alive_probes),
                time: params.keep_alive_time.unwrap_or(module.keep_alive_time),
                interval: params.keep_alive_interval.unwrap_or(module.keep_alive_interval),
            },
            notify_open: params.notify_open.unwrap_or(module.notify_open),
            notify_close: params.notify_close.unwrap_or(module.notify_close),
            allowed: params.allowed_sender.as_ref().unwrap_or(&module.allowed_sender).join(","),
            namespace: params
                .network_namespace
                .as_ref()
                .or(module.network_namespace.as_ref())
                .cloned()
                .unwrap_or_default(),
        };
        let delay = params.flow_control.unwrap_or(module.flow_control);
        Ok(Self {
            host,
            rules,
            header,
            unpacking: unpacking.map(|unpacking| {
                (unpacking, host.counter("bytes.decompressed"), host.counter("decompression.errors"))
            }),
            preserve_case: params.preserve_case.unwrap_or(module.preserve_case),
            submit: if delay { Submit::LIGHT_DELAY } else { Submit::NONE },
            listen,
            limit: Limit::unless_named(&params.limit_name, params.limit_interval, params.limit_burst)
                .map(Mutex::new),
            submitted: host.counter("submitted"),
            bytes: host.counter("bytes.received"),
            bad_frames: host.counter("frames.bad"),
            bad_messages: host.counter("messages.bad"),
            port: OnceLock::new(),
            params,
        })
    }

    fn activate(&self) -> Result<(), Complaint> {
        let port = match self.params.port.as_str() {
            // rsyslog: a $InputTCPServerRun without a port.
            "" => "10514",
            port => port,
        };
        let listen = Listen {
            address: self.params.address.as_deref().unwrap_or_default(),
            port,
            port_file: self.params.port_file.as_deref().unwrap_or_default(),
            name: &self.params.name,
            max_sessions: self.listen.max_sessions,
            backlog: self.listen.backlog,
            max_reads: self.listen.max_reads,
            threads: self.listen.threads,
            keep_alive: self.listen.keep_alive,
            notify_open: self.listen.notify_open,
            notify_close: self.listen.notify_close,
            allowed: &self.listen.allowed,
        };
        let port = net::within(&self.listen.namespace, || self.host.listen(self, &listen))??;
        // The host activates an instance once.
        let _ = self.port.set(port);
        Ok(())
    }
}

impl Imtcp {
    /// The number of a sender, by which its messages get their names.
    fn sender(&self, accepted: &Accepted<'_>) -> u32 {
        let folded = || self.host.control("sender.folded", accepted.address).ok()?.try_into().ok();
        if self.preserve_case { accepted.peer } else { folded().unwrap_or(accepted.peer) }
    }
}

impl StreamInput for Imtcp {
    type Session = Session;

    fn open(&self, accepted: Accepted<'_>) -> Session {
        Session::new(self, &accepted)
    }

    fn data(&self, session: &mut Session, bytes: &[u8]) -> Result<(), Complaint> {
        session.feed(self, bytes)
    }

    fn close(&self, session: Session, _: End) {
        session.finish(self);
    }
}

/// rsyslog's code of a listener too many.
const CODE_LISTENERS: i32 = 2080;

plugin! { name: "imtcp", stream_inputs: [Imtcp] }

#[cfg(test)]
mod tests;
