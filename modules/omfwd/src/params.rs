//! The options of `module()` and `action()`, and the plan that they come to.

use crate::discovery::Discovery;
use crate::pack::Compression;
use std::sync::Arc;
use std::time::Duration;
use sysloom_sdk::{Complaint, Counter, CounterKind, Host, KeepAlive, Params};

/// `module(load="builtin:omfwd")`.
#[derive(Params)]
pub struct ModuleParams {
    /// Template of actions that name none.
    #[param(template)]
    pub template: Option<String>,
    /// Bytes that one write to a stream may have; 0 = each message by itself. By default a commit is one write.
    #[param(name = "iobuffer.maxSize", non_negative)]
    pub max_write: Option<u32>,
}

/// `action(type="omfwd")`.
#[derive(Params)]
pub struct ActionParams {
    /// Where to send to; several are a pool (TCP only).
    pub target: Vec<String>,
    /// The domain whose DNS names the targets and their ports, instead of target and port.
    #[param(name = "targetSrv", word)]
    pub target_srv: Option<String>,
    /// Port or service; one for all targets, or one for each.
    #[param(default = "514")]
    pub port: Vec<String>,
    /// What carries the messages.
    #[param(choices = "udp|tcp", default = "udp")]
    pub protocol: String,
    /// Template of the records.
    #[param(template, legacy = "ActionForwardDefaultTemplate:sticky")]
    pub template: Option<String>,
    /// The local address to send from (UDP only).
    #[param(word)]
    pub address: Option<String>,
    /// The network interface to send through.
    #[param(word)]
    pub device: Option<String>,
    /// The network namespace to send from, one that `ip netns` made.
    #[param(word)]
    pub network_namespace: Option<String>,
    /// How messages are told apart on a stream.
    #[param(name = "tcp_framing", choices = "traditional|octet-counted", default = "traditional")]
    pub framing: String,
    /// The byte that ends a message with traditional framing.
    #[param(name = "tcp_frameDelimiter", min = 0, max = 255, default = "10")]
    pub delimiter: u8,
    /// The compressor's level, used with compression.mode.
    #[param(min = 0, max = 9, default = "9")]
    pub zip_level: u32,
    /// Compress each message by itself, or the whole stream (TCP only).
    #[param(name = "compression.mode", choices = "none|single|stream:always", default = "none")]
    pub compression_mode: String,
    /// What compresses; zstd only the whole stream.
    #[param(name = "compression.driver", choices = "zlib|zstd", default = "zlib")]
    pub compression_driver: String,
    /// Give out everything of a compressed stream at the end of a batch.
    #[param(name = "compression.stream.flushOnTXEnd", default = "on")]
    pub flush_stream: bool,
    /// Send from an address that the system does not have (UDP only): 0 = no, 1 = yes, 2 = yes, and log it.
    #[param(min = 0, max = 2, default = "2")]
    pub ip_free_bind: u8,
    /// Has no effect.
    #[param(deprecated)]
    pub max_error_messages: Option<i64>,
    /// Open a new connection or socket after this many messages; 0 = never.
    #[param(non_negative, default = "0")]
    pub rebind_interval: u32,
    /// The same, but only for TCP.
    // rsyslog: only the directives tell the protocols apart.
    #[param(name = "rebindInterval.tcp", non_negative, legacy = "ActionSendTCPRebindInterval:sticky")]
    pub rebind_tcp: Option<u32>,
    /// The same, but only for UDP.
    #[param(name = "rebindInterval.udp", non_negative, legacy = "ActionSendUDPRebindInterval:sticky")]
    pub rebind_udp: Option<u32>,
    /// Use TCP keep-alive.
    #[param(default = "off", legacy = "ActionSendTCPKeepAlive:sticky")]
    pub keep_alive: bool,
    /// Probes without answer before the connection is given up; 0 = the system's number.
    #[param(
        name = "keepAlive.probes",
        non_negative,
        default = "0",
        legacy = "ActionSendTCPKeepAlive_probes:sticky"
    )]
    pub keep_alive_probes: u32,
    /// Seconds of silence before the first probe; 0 = the system's.
    #[param(
        name = "keepAlive.time",
        non_negative,
        default = "0",
        legacy = "ActionSendTCPKeepAlive_time:sticky"
    )]
    pub keep_alive_time: u32,
    /// Seconds between probes; 0 = the system's.
    #[param(
        name = "keepAlive.interval",
        non_negative,
        default = "0",
        legacy = "ActionSendTCPKeepAlive_intvl:sticky"
    )]
    pub keep_alive_interval: u32,
    /// Milliseconds that sent data may stay unacknowledged; 0 = the system's limit.
    #[param(name = "tcp_user_timeout", non_negative, default = "0")]
    pub user_timeout: u32,
    /// Log only every n-th failure to connect.
    #[param(non_negative, default = "0")]
    pub con_err_skip: u32,
    /// Send the last message of a lost connection again.
    #[param(default = "off", legacy = "ActionSendResendLastMsgOnReconnect:sticky")]
    pub resend_last_msg_on_reconnect: bool,
    /// Look whether the peer has closed the connection before a message is made ready for it.
    #[param(default = "on")]
    pub extended_connection_check: bool,
    /// Send each datagram to every address of the target.
    #[param(name = "udp.sendToAll", default = "off")]
    pub send_to_all: bool,
    /// Microseconds to wait after each datagram.
    #[param(name = "udp.sendDelay", non_negative, default = "0")]
    pub send_delay: u32,
    /// Bytes of the socket's send buffer; 0 = the system's.
    #[param(name = "udp.sendBuf", size, default = "0")]
    pub send_buffer: u64,
    /// Seconds until a member of a pool that failed is tried again.
    #[param(name = "pool.resumeInterval", positive, default = "30")]
    pub pool_resume: u32,
    /// Seconds in which rateLimit.burst messages may be sent; 0 = no limit.
    #[param(name = "rateLimit.interval", non_negative, default = "0")]
    pub limit_interval: u32,
    /// Messages in an interval; what is above is dropped.
    #[param(name = "rateLimit.burst", non_negative, default = "200")]
    pub limit_burst: u32,
    /// The ratelimit() object that limits it, instead of interval and burst.
    #[param(name = "rateLimit.name")]
    pub limit_name: Option<String>,
}

/// What an action does, with everything decided.
pub struct Plan {
    pub tcp: bool,
    pub targets: Vec<Arc<Target>>,
    /// Where the targets come from if the configuration does not name them.
    pub discovery: Option<Discovery>,
    pub octet_counted: bool,
    pub delimiter: u8,
    pub compression: Compression,
    pub flush_stream: bool,
    pub max_write: usize,
    pub keep_alive: KeepAlive,
    pub user_timeout: Duration,
    pub rebind: u64,
    pub skip: u32,
    pub resend_last: bool,
    pub look_first: bool,
    pub pool_resume: Duration,
    pub address: String,
    pub device: String,
    pub namespace: String,
    pub free_bind: u8,
    pub to_all: bool,
    pub delay: Duration,
    pub send_buffer: usize,
}

pub struct Target {
    pub host: String,
    pub port: String,
    pub bytes: Counter,
    pub messages: Counter,
    pub connects: Counter,
}

impl Target {
    /// rsyslog: statistics have an object for each target, like `UDP-192.0.2.1-514`.
    pub fn new(host: Host, tcp: bool, name: &str, port: String) -> Self {
        let object = format!("{}-{name}-{port}", if tcp { "TCP" } else { "UDP" });
        let own = CounterKind { own: true, ..CounterKind::default() };
        let counter = |counter| host.counter_of("omfwd", &object, counter, own);
        Self {
            bytes: counter("bytes.sent"),
            messages: counter("messages.sent"),
            connects: counter("num.connects"),
            host: name.to_owned(),
            port,
        }
    }
}

impl ActionParams {
    pub fn plan(self, module: &ModuleParams, host: Host) -> Result<Plan, Complaint> {
        let tcp = self.protocol.eq_ignore_ascii_case("tcp");
        let domain = self.target_srv.as_deref().filter(|domain| !domain.is_empty());
        if domain.is_some() && !self.target.is_empty() {
            let words = "there is a target already: targetSrv is for actions without";
            return Err(Complaint::new(words).param("targetSrv").code(CODE_PARAMETERS));
        }
        let discovery = domain.map(|domain| Discovery::new(host, tcp, domain)).transpose()?;
        let unnamed = self.target.is_empty() && discovery.is_none();
        if unnamed || self.target.iter().any(String::is_empty) {
            return Err(Complaint::new("the target is empty").param("target").code(CODE_MISSING));
        }
        if !tcp && self.target.len() > 1 {
            let words = "a pool of targets needs protocol \"tcp\"";
            return Err(Complaint::new(words).param("target").code(CODE_PARAMETERS));
        }
        if self.port.len() > 1 && self.port.len() != self.target.len() {
            let words = "there must be one port, or as many as targets";
            return Err(Complaint::new(words).param("port").code(CODE_PARAMETERS));
        }
        let zstd = self.compression_driver.eq_ignore_ascii_case("zstd");
        let compression = match self.compression_mode.as_str() {
            "single" if zstd => {
                let words = "zstd compresses streams: it needs compression.mode \"stream:always\"";
                return Err(Complaint::new(words).param("compression.driver").code(CODE_PARAMETERS));
            }
            "stream:always" if tcp && zstd => Compression::Zstd(self.zip_level),
            "single" => Compression::Single(self.zip_level),
            "stream:always" if tcp => Compression::Stream(self.zip_level),
            "stream:always" => {
                let words = "a compressed stream needs protocol \"tcp\"";
                return Err(Complaint::new(words).param("compression.mode").code(CODE_PARAMETERS));
            }
            _ => Compression::None,
        };
        let port = |index: usize| {
            let port = if self.port.len() > 1 { self.port.get(index) } else { self.port.first() };
            port.filter(|p| !p.is_empty()).map_or("514", String::as_str).to_string()
        };
        let targets = self.target.iter().enumerate();
        Ok(Plan {
            tcp,
            targets: targets.map(|(i, name)| Arc::new(Target::new(host, tcp, name, port(i)))).collect(),
            discovery,
            octet_counted: self.framing.eq_ignore_ascii_case("octet-counted"),
            delimiter: self.delimiter,
            compression,
            flush_stream: self.flush_stream,
            max_write: module.max_write.map_or(usize::MAX, |n| n as usize),
            keep_alive: KeepAlive {
                on: self.keep_alive,
                probes: self.keep_alive_probes,
                time: self.keep_alive_time,
                interval: self.keep_alive_interval,
            },
            user_timeout: Duration::from_millis(self.user_timeout.into()),
            rebind: if tcp { self.rebind_tcp } else { self.rebind_udp }
                .unwrap_or(self.rebind_interval)
                .into(),
            skip: self.con_err_skip,
            resend_last: self.resend_last_msg_on_reconnect,
            look_first: self.extended_connection_check,
            pool_resume: Duration::from_secs(self.pool_resume.into()),
            address: self.address.unwrap_or_default(),
            device: self.device.unwrap_or_default(),
            namespace: self.network_namespace.unwrap_or_default(),
            free_bind: self.ip_free_bind,
            to_all: self.send_to_all,
            delay: Duration::from_micros(self.send_delay.into()),
            send_buffer: usize::try_from(self.send_buffer).unwrap_or(usize::MAX),
        })
    }
}

/// rsyslog's codes: a missing parameter, parameters that contradict each other.
const CODE_MISSING: i32 = 2211;
const CODE_PARAMETERS: i32 = 2016;
