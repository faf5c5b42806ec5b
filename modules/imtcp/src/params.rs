//! The options of `module()` and `input()`, and the framing rules that they come to.

use crate::unpack::Unpacking;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};
use sysloom_sdk::frame::Rules;
use sysloom_sdk::{Complaint, ParamSpec, Params, Values};

/// `module(load="imtcp")`: what inputs get that do not say otherwise.
#[derive(Params)]
pub struct ModuleParams {
    /// Full queues slow senders down.
    #[param(default = "on", legacy = "InputTCPFlowControl:module")]
    pub flow_control: bool,
    /// LF does not end a frame.
    #[param(
        name = "disableLFDelimiter",
        default = "off",
        legacy = "InputTCPServerDisableLFDelimiter:module"
    )]
    pub disable_lf: bool,
    /// Drop the rest of a message that is too long, instead of making messages of it.
    #[param(default = "off")]
    pub discard_truncated_msg: bool,
    /// Accept octet-counted frames.
    #[param(default = "on", legacy = "InputTCPServerSupportOctetCountedFraming:module")]
    pub octet_counted_framing: bool,
    /// Log when a connection closes.
    #[param(name = "notifyOnConnectionClose", default = "off")]
    #[param(legacy = "InputTCPServerNotifyOnConnectionClose:module")]
    pub notify_close: bool,
    /// Log when a connection opens.
    #[param(name = "notifyOnConnectionOpen", default = "off")]
    pub notify_open: bool,
    /// A further byte that ends a frame; -1 = none.
    #[param(min = -1, max = 255, default = "-1", legacy = "InputTCPServerAddtlFrameDelimiter:module")]
    pub addtl_frame_delimiter: i32,
    /// Largest octet count that is believed.
    #[param(min = 1, max = 200_000_000, default = "200000")]
    pub max_frame_size: u32,
    /// Sessions at once, for each listener.
    #[param(positive, default = "200", legacy = "InputTCPMaxSessions:module")]
    pub max_sessions: u32,
    /// Listeners at once.
    #[param(positive, alias = "maxListners", default = "20", legacy = "InputTCPMaxListeners:module")]
    pub max_listeners: u32,
    /// Threads that serve the sessions.
    #[param(positive, default = "2")]
    pub worker_threads: u32,
    /// Reads in a row before another session gets its turn; 0 = no limit.
    #[param(name = "starvationProtection.maxReads", non_negative, default = "500")]
    pub max_reads: u32,
    /// Use TCP keep-alive.
    #[param(default = "off", legacy = "InputTCPServerKeepAlive:module")]
    pub keep_alive: bool,
    /// Probes without answer before the connection is given up; 0 = the system's number.
    #[param(
        name = "keepAlive.probes",
        non_negative,
        default = "0",
        legacy = "InputTCPServerKeepAlive_probes:module"
    )]
    pub keep_alive_probes: u32,
    /// Seconds of silence before the first probe; 0 = the system's.
    #[param(
        name = "keepAlive.time",
        non_negative,
        default = "0",
        legacy = "InputTCPServerKeepAlive_time:module"
    )]
    pub keep_alive_time: u32,
    /// Seconds between probes; 0 = the system's.
    #[param(
        name = "keepAlive.interval",
        non_negative,
        default = "0",
        legacy = "InputTCPServerKeepAlive_intvl:module"
    )]
    pub keep_alive_interval: u32,
    /// Keep the case of sender names that come from DNS.
    #[param(default = "on", legacy = "InputTCPServerPreserveCase:module")]
    pub preserve_case: bool,
    /// What the senders do with their streams: nothing, or compress each as a whole.
    #[param(name = "compression.mode", choices = "none|stream:always", default = "none")]
    #[param(legacy = "InputTCPServerCompressionMode:module")]
    pub compression_mode: String,
    /// What they compress with.
    #[param(name = "compression.driver", choices = "zlib|zstd", default = "zlib")]
    #[param(legacy = "InputTCPServerCompressionDriver:module")]
    pub compression_driver: String,
    /// How many times its size a compressed stream may become; 0 = no limit.
    #[param(name = "compression.maxExpansionRatio", non_negative, default = "1024")]
    pub max_ratio: u32,
    /// Bytes that one read of a compressed stream may become; 0 = no limit.
    #[param(name = "compression.maxDecompressedBytesPerReceive", non_negative, default = "67108864")]
    pub max_at_once: u32,
    /// Bytes of the windows that zstd keeps for all sessions together.
    #[param(name = "compression.maxTotalZstdWindowBytes", non_negative, default = "67108864")]
    pub max_windows: u32,
    /// The network namespace to listen in, one that `ip netns` made.
    pub network_namespace: Option<String>,
    /// Who may connect: addresses, networks and names; otherwise whom `$AllowedSender` names.
    pub allowed_sender: Vec<String>,
}

/// The module's options, and how many listeners have been made with them.
pub struct Module {
    pub params: ModuleParams,
    pub listeners: AtomicU32,
    /// Bytes of the zstd windows in use.
    pub windows: Arc<AtomicU64>,
}

impl Params for Module {
    const TABLE: &'static [ParamSpec] = ModuleParams::TABLE;
    fn read(values: &Values<'_>) -> Result<Self, Complaint> {
        Ok(Self {
            params: ModuleParams::read(values)?,
            listeners: AtomicU32::new(0),
            windows: Arc::default(),
        })
    }
}

/// `input(type="imtcp")`.
#[derive(Params)]
pub struct InputParams {
    /// The port to listen on, a number or a service; 0 = any free one.
    #[param(required, legacy = "InputTCPServerRun:trigger")]
    pub port: String,
    /// The local address to listen on; all if there is none.
    #[param(legacy = "InputTCPServerListenIP:sticky")]
    pub address: Option<String>,
    /// The property inputname of the messages, and the name in statistics.
    #[param(default = "imtcp", legacy = "InputTCPServerInputName:sticky")]
    pub name: String,
    /// The ruleset that the messages go to.
    #[param(ruleset, legacy = "InputTCPServerBindRuleset:sticky")]
    pub ruleset: Option<String>,
    /// A file that gets the port that was bound.
    #[param(name = "listenPortFileName", path, legacy = "InputTCPServerListenPortFile:sticky")]
    pub port_file: Option<String>,
    /// Full queues slow senders down.
    pub flow_control: Option<bool>,
    /// LF does not end a frame.
    #[param(name = "disableLFDelimiter")]
    pub disable_lf: Option<bool>,
    /// Drop the rest of a message that is too long, instead of making messages of it.
    pub discard_truncated_msg: Option<bool>,
    /// Accept octet-counted frames.
    pub support_octet_counted_framing: Option<bool>,
    /// Log when a connection closes.
    #[param(name = "notifyOnConnectionClose")]
    pub notify_close: Option<bool>,
    /// Log when a connection opens.
    #[param(name = "notifyOnConnectionOpen")]
    pub notify_open: Option<bool>,
    /// A further byte that ends a frame; -1 = none.
    #[param(min = -1, max = 255)]
    pub addtl_frame_delimiter: Option<i32>,
    /// Largest octet count that is believed.
    #[param(min = 1, max = 200_000_000)]
    pub max_frame_size: Option<u32>,
    /// LF ends a frame only if `<` follows.
    #[param(default = "off")]
    pub multi_line: bool,
    /// A frame begins with a line that this extended regular expression matches, and nothing else tells frames apart.
    #[param(name = "framing.delimiter.regex")]
    pub header: Option<String>,
    /// Ignore the blank that Cisco ASA puts before a frame.
    #[param(name = "framingFix.cisco.asa", default = "off")]
    pub cisco_asa: bool,
    /// Sessions at once.
    #[param(positive)]
    pub max_sessions: Option<u32>,
    /// Listeners at once.
    #[param(positive, alias = "maxListners")]
    pub max_listeners: Option<u32>,
    /// Connections that may wait to be accepted; a tenth of maxSessions and 5 by default.
    #[param(non_negative)]
    pub socket_backlog: Option<u32>,
    /// Threads that serve the sessions.
    #[param(positive)]
    pub worker_threads: Option<u32>,
    /// Reads in a row before another session gets its turn; 0 = no limit.
    #[param(name = "starvationProtection.maxReads", non_negative)]
    pub max_reads: Option<u32>,
    /// Use TCP keep-alive.
    pub keep_alive: Option<bool>,
    /// Probes without answer before the connection is given up; 0 = the system's number.
    #[param(name = "keepAlive.probes", non_negative)]
    pub keep_alive_probes: Option<u32>,
    /// Seconds of silence before the first probe; 0 = the system's.
    #[param(name = "keepAlive.time", non_negative)]
    pub keep_alive_time: Option<u32>,
    /// Seconds between probes; 0 = the system's.
    #[param(name = "keepAlive.interval", non_negative)]
    pub keep_alive_interval: Option<u32>,
    /// Keep the case of sender names that come from DNS.
    pub preserve_case: Option<bool>,
    /// What the senders do with their streams: nothing, or compress each as a whole.
    #[param(name = "compression.mode", choices = "none|stream:always")]
    pub compression_mode: Option<String>,
    /// What they compress with.
    #[param(name = "compression.driver", choices = "zlib|zstd")]
    pub compression_driver: Option<String>,
    /// How many times its size a compressed stream may become; 0 = no limit.
    #[param(name = "compression.maxExpansionRatio", non_negative)]
    pub max_ratio: Option<u32>,
    /// Bytes that one read of a compressed stream may become; 0 = no limit.
    #[param(name = "compression.maxDecompressedBytesPerReceive", non_negative)]
    pub max_at_once: Option<u32>,
    /// Bytes of the windows that zstd keeps for all sessions together.
    #[param(name = "compression.maxTotalZstdWindowBytes", non_negative)]
    pub max_windows: Option<u32>,
    /// The network namespace to listen in; empty = this process's.
    pub network_namespace: Option<String>,
    /// The zone of times that name none, `+hh:mm` or `-hh:mm`; otherwise this host's.
    #[param(name = "defaultTZ", word)]
    pub default_zone: Option<String>,
    /// Who may connect, instead of whom the module's list names.
    pub allowed_sender: Option<Vec<String>>,
    /// Seconds in which rateLimit.burst messages may come; 0 = no limit.
    #[param(name = "rateLimit.interval", non_negative, default = "0")]
    pub limit_interval: u32,
    /// Messages in an interval; what is above is dropped.
    #[param(name = "rateLimit.burst", non_negative, default = "10000")]
    pub limit_burst: u32,
    /// The ratelimit() object that limits it, instead of interval and burst.
    #[param(name = "rateLimit.name")]
    pub limit_name: Option<String>,
}

impl InputParams {
    /// How streams are unpacked; None = they are not compressed.
    pub fn unpacking(&self, module: &ModuleParams, windows: &Arc<AtomicU64>) -> Option<Unpacking> {
        let mode = self.compression_mode.as_ref().unwrap_or(&module.compression_mode);
        let driver = self.compression_driver.as_ref().unwrap_or(&module.compression_driver);
        mode.eq_ignore_ascii_case("stream:always").then(|| Unpacking {
            zstd: driver.eq_ignore_ascii_case("zstd"),
            most_ratio: self.max_ratio.unwrap_or(module.max_ratio).into(),
            most_at_once: self.max_at_once.unwrap_or(module.max_at_once).into(),
            most_windows: self.max_windows.unwrap_or(module.max_windows).into(),
            windows: Arc::clone(windows),
        })
    }

    pub fn rules(&self, module: &ModuleParams, max_message: usize) -> Rules {
        let delimiter = self.addtl_frame_delimiter.unwrap_or(module.addtl_frame_delimiter);
        Rules {
            octet_counted: self.support_octet_counted_framing.unwrap_or(module.octet_counted_framing),
            lf: !self.disable_lf.unwrap_or(module.disable_lf),
            extra_delimiter: u8::try_from(delimiter).ok(),
            max_frame: self.max_frame_size.unwrap_or(module.max_frame_size) as usize,
            max_message,
            discard_truncated: self.discard_truncated_msg.unwrap_or(module.discard_truncated_msg),
            cisco_asa: self.cisco_asa,
            multi_line: self.multi_line,
        }
    }
}
