//! The options of `module()` and `input()`.

use sysloom_sdk::Params;

/// `module(load="imudp")`.
#[derive(Params)]
pub struct ModuleParams {
    /// Datagrams that one call may read.
    #[param(min = 1, max = 1024, default = "32")]
    pub batch_size: u32,
    /// Threads of each input.
    #[param(min = 1, max = 32, default = "1")]
    pub threads: u32,
    /// Datagrams in a row that share one time of reception; 0 = all of a call.
    #[param(non_negative, default = "2", legacy = "UDPServerTimeRequery:module")]
    pub time_requery: u32,
    /// How the system schedules the threads: fifo, rr or other.
    #[param(word, choices = "fifo|rr|other", legacy = "IMUDPSchedulingPolicy:module")]
    pub scheduling_policy: Option<String>,
    /// Their priority, for fifo and rr.
    #[param(min = 0, max = 99, legacy = "IMUDPSchedulingPriority:module")]
    pub scheduling_priority: Option<u8>,
    /// Keep the case of sender names that come from DNS.
    #[param(default = "off")]
    pub preserve_case: bool,
    /// Who may send: addresses, networks and names; otherwise whom `$AllowedSender` names.
    pub allowed_sender: Vec<String>,
}

/// `input(type="imudp")`.
#[derive(Params)]
pub struct InputParams {
    /// The ports to listen on, numbers or services; 0 = any free one.
    #[param(required, legacy = "UDPServerRun:trigger")]
    pub port: Vec<String>,
    /// A file that gets the (first) port that was bound.
    #[param(name = "listenPortFileName", path)]
    pub port_file: Option<std::path::PathBuf>,
    /// The property inputname of the messages, and the name in statistics.
    #[param(word, alias = "inputname", default = "imudp")]
    pub name: String,
    /// The name gets the port behind it: `imudp:514`.
    #[param(name = "name.appendPort", alias = "inputname.appendPort", default = "off")]
    pub append_port: bool,
    /// The zone of times that name none, `+hh:mm` or `-hh:mm`; otherwise this host's.
    #[param(name = "defaultTZ", word)]
    pub default_zone: Option<String>,
    /// The local address to listen on; all if there is none, or with `*`.
    #[param(legacy = "UDPServerAddress:sticky")]
    pub address: Option<String>,
    /// The network interface to listen on.
    pub device: Option<String>,
    /// The ruleset that the messages go to.
    #[param(ruleset, legacy = "InputUDPServerBindRuleset:sticky")]
    pub ruleset: Option<String>,
    /// Seconds in which rateLimit.burst messages may come; 0 = no limit.
    #[param(name = "rateLimit.interval", non_negative, default = "0")]
    pub limit_interval: u32,
    /// Messages in an interval; what is above is dropped.
    #[param(name = "rateLimit.burst", non_negative, default = "10000")]
    pub limit_burst: u32,
    /// The ratelimit() object that limits it, instead of interval and burst.
    #[param(name = "rateLimit.name")]
    pub limit_name: Option<String>,
    /// Bytes of the socket's receive buffer; 0 = the system's. Unset: 4m, or what the system permits of it.
    #[param(name = "rcvbufSize", size, min = 0, max = 1_073_741_824)]
    pub receive_buffer: Option<u64>,
    /// Listen on an address that the system does not have: 0 = no, 1 = yes, 2 = yes, and log it.
    #[param(min = 0, max = 2, default = "2")]
    pub ip_free_bind: u8,
    /// Who may send, instead of whom the module's list names.
    pub allowed_sender: Option<Vec<String>>,
}
