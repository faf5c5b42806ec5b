//! The options of `module()`, which are the system socket's, and of `input()`; one set of values after that.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use sysloom_sdk::{Complaint, ParamSpec, Params, Values};

/// `module(load="imuxsock")`: the system socket.
#[derive(Params)]
pub struct ModuleParams {
    /// Open the system's log socket.
    #[param(name = "sysSock.use", default = "on", legacy = "OmitLocalLogging:module:inverted")]
    pub open: bool,
    /// Its path: /dev/log, or systemd's socket on a machine that runs systemd.
    #[param(name = "sysSock.name", legacy = "SystemLogSocketName:module")]
    pub name: Option<PathBuf>,
    /// Remove the socket at start and stop.
    #[param(name = "sysSock.unlink", default = "on")]
    pub unlink: bool,
    /// Use the time of reception instead of the message's time stamp.
    #[param(
        name = "sysSock.ignoreTimestamp",
        default = "on",
        legacy = "SystemLogSocketIgnoreMsgTimestamp:module"
    )]
    pub ignore_timestamp: bool,
    /// Drop messages of this daemon itself.
    #[param(name = "sysSock.ignoreOwnMessages", default = "on")]
    pub ignore_own: bool,
    /// Full queues make the writers wait.
    #[param(name = "sysSock.flowControl", default = "off", legacy = "SystemLogSocketFlowControl:module")]
    pub flow_control: bool,
    /// Take the time of reception from the system, which knows when the message was sent.
    #[param(name = "sysSock.useSysTimeStamp", default = "on", legacy = "SystemLogUseSysTimeStamp:module")]
    pub system_time: bool,
    /// Append what the system knows of the sending process.
    #[param(name = "sysSock.annotate", default = "off", legacy = "SystemLogSocketAnnotate:module")]
    pub annotate: bool,
    /// With sysSock.annotate: make it the variables $!pid, $!uid, $!gid, $!appname, $!exe and $!cmd instead.
    #[param(name = "sysSock.parseTrusted", default = "off", legacy = "SystemLogParseTrusted:module")]
    pub parse_trusted: bool,
    /// Read messages as local programs write them: PRI, time stamp, tag.
    #[param(name = "sysSock.useSpecialParser", default = "on")]
    pub special_parser: bool,
    /// The messages have a host name (without the special parser).
    #[param(name = "sysSock.parseHostname", default = "off")]
    pub parse_hostname: bool,
    /// Put the sender's true process id into the tag.
    #[param(name = "sysSock.usePIDFromSystem", default = "off", legacy = "SystemLogUsePIDFromSystem:module")]
    pub true_pid: bool,
    /// Seconds in which a process may send sysSock.rateLimit.burst messages; 0 = no limit.
    #[param(name = "sysSock.rateLimit.interval", non_negative, default = "0")]
    #[param(legacy = "SystemLogRateLimitInterval:module")]
    pub limit_interval: u32,
    /// Messages of a process in an interval; what is above is dropped.
    #[param(name = "sysSock.rateLimit.burst", non_negative, default = "200")]
    #[param(legacy = "SystemLogRateLimitBurst:module")]
    pub limit_burst: u32,
    /// Only messages of this severity number and above are limited.
    #[param(name = "sysSock.rateLimit.severity", min = 0, max = 7, default = "1")]
    #[param(legacy = "SystemLogRateLimitSeverity:module")]
    pub limit_severity: u8,
    /// The ratelimit() object that limits it, instead of interval and burst.
    #[param(name = "sysSock.rateLimit.name")]
    pub limit_name: Option<String>,
}

/// `input(type="imuxsock")`: a further socket.
#[derive(Params)]
pub struct InputParams {
    /// The socket's path; `@name` is one without a file.
    #[param(legacy = "AddUnixListenSocket:trigger")]
    pub socket: Option<PathBuf>,
    /// Remove the socket at start and stop.
    #[param(default = "on")]
    pub unlink: bool,
    /// Create missing directories of the path.
    #[param(default = "off", legacy = "InputUnixListenSocketCreatePath:sticky")]
    pub create_path: bool,
    /// Drop messages of this daemon itself.
    #[param(name = "ignoreOwnMessages", default = "on")]
    pub ignore_own: bool,
    /// The host name of the messages; this machine's if there is none.
    #[param(name = "hostName", legacy = "InputUnixListenSocketHostName:pending")]
    pub host_name: Option<String>,
    /// Use the time of reception instead of the message's time stamp.
    #[param(default = "on", legacy = "InputUnixListenSocketIgnoreMsgTimestamp:sticky")]
    pub ignore_timestamp: bool,
    /// Full queues make the writers wait.
    #[param(default = "off", legacy = "InputUnixListenSocketFlowControl:sticky")]
    pub flow_control: bool,
    /// Take the time of reception from the system, which knows when the message was sent.
    #[param(
        name = "useSysTimeStamp",
        default = "on",
        legacy = "InputUnixListenSocketUseSysTimeStamp:sticky"
    )]
    pub system_time: bool,
    /// Append what the system knows of the sending process.
    #[param(default = "off", legacy = "InputUnixListenSocketAnnotate:sticky")]
    pub annotate: bool,
    /// With annotate: make it the variables $!pid, $!uid, $!gid, $!appname, $!exe and $!cmd instead.
    #[param(name = "parseTrusted", default = "off")]
    pub parse_trusted: bool,
    /// Read messages as local programs write them: PRI, time stamp, tag.
    #[param(name = "useSpecialParser", default = "on")]
    pub special_parser: bool,
    /// The messages have a host name (without the special parser).
    #[param(name = "parseHostname", default = "off")]
    pub parse_hostname: bool,
    /// Put the sender's true process id into the tag.
    #[param(
        name = "usePIDFromSystem",
        default = "off",
        legacy = "InputUnixListenSocketUsePIDFromSystem:sticky"
    )]
    pub true_pid: bool,
    /// The ruleset that the messages go to.
    #[param(ruleset)]
    pub ruleset: Option<String>,
    /// Seconds in which a process may send rateLimit.burst messages; 0 = no limit.
    #[param(name = "rateLimit.interval", non_negative, default = "0")]
    #[param(legacy = "IMUXSockRateLimitInterval:sticky")]
    pub limit_interval: u32,
    /// Messages of a process in an interval; what is above is dropped.
    #[param(
        name = "rateLimit.burst",
        non_negative,
        default = "200",
        legacy = "IMUXSockRateLimitBurst:sticky"
    )]
    pub limit_burst: u32,
    /// Only messages of this severity number and above are limited.
    #[param(name = "rateLimit.severity", min = 0, max = 7, default = "1")]
    #[param(legacy = "IMUXSockRateLimitSeverity:sticky")]
    pub limit_severity: u8,
    /// The ratelimit() object that limits it, instead of interval and burst.
    #[param(name = "rateLimit.name")]
    pub limit_name: Option<String>,
}

/// The module's options, and whether the system socket has its instance.
pub struct Module {
    params: ModuleParams,
    taken: AtomicBool,
}

impl Params for Module {
    const TABLE: &'static [ParamSpec] = ModuleParams::TABLE;
    fn read(values: &Values<'_>) -> Result<Self, Complaint> {
        Ok(Self { params: ModuleParams::read(values)?, taken: AtomicBool::new(false) })
    }
}

/// What one socket does.
pub struct Options {
    pub open: bool,
    pub path: PathBuf,
    pub unlink: bool,
    pub create_path: bool,
    pub ignore_own: bool,
    pub host_name: Option<String>,
    pub ignore_timestamp: bool,
    pub flow_control: bool,
    pub system_time: bool,
    pub annotate: bool,
    pub parse_trusted: bool,
    pub special_parser: bool,
    pub parse_hostname: bool,
    pub true_pid: bool,
    /// Interval, burst, and the severity from which on.
    pub limit: (u32, u32, u8),
}

impl Options {
    pub fn system(module: &Module) -> Result<Self, Complaint> {
        if module.taken.swap(true, SeqCst) {
            return Err(Complaint::new("an input needs the name of a socket").param("socket"));
        }
        let p = &module.params;
        Ok(Self {
            open: p.open,
            path: p.name.clone().unwrap_or_else(system_path),
            unlink: p.unlink,
            create_path: false,
            ignore_own: p.ignore_own,
            host_name: None,
            ignore_timestamp: p.ignore_timestamp,
            flow_control: p.flow_control,
            system_time: p.system_time,
            annotate: p.annotate,
            parse_trusted: p.parse_trusted,
            special_parser: p.special_parser,
            parse_hostname: p.parse_hostname,
            true_pid: p.true_pid,
            limit: limit(p.limit_name.as_deref(), p.limit_interval, p.limit_burst, p.limit_severity),
        })
    }

    pub fn further(p: InputParams) -> Self {
        Self {
            open: true,
            path: p.socket.unwrap_or_default(),
            unlink: p.unlink,
            create_path: p.create_path,
            ignore_own: p.ignore_own,
            host_name: p.host_name,
            ignore_timestamp: p.ignore_timestamp,
            flow_control: p.flow_control,
            system_time: p.system_time,
            annotate: p.annotate,
            parse_trusted: p.parse_trusted,
            special_parser: p.special_parser,
            parse_hostname: p.parse_hostname,
            true_pid: p.true_pid,
            limit: limit(p.limit_name.as_deref(), p.limit_interval, p.limit_burst, p.limit_severity),
        }
    }
}

/// Where journald forwards to, on a machine that systemd has started; else what programs write to.
fn system_path() -> PathBuf {
    let systemd = Path::new("/run/systemd/system").is_dir() && Path::new("/run/systemd/journal").is_dir();
    PathBuf::from(if systemd { "/run/systemd/journal/syslog" } else { "/dev/log" })
}

/// The limit of each process; none where the daemon applies a limit by name.
fn limit(name: Option<&str>, interval: u32, burst: u32, severity: u8) -> (u32, u32, u8) {
    (if name.is_some() { 0 } else { interval }, burst, severity)
}
