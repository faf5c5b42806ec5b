//! impstats' options.

use std::path::PathBuf;
use sysloom_sdk::Params;

/// `module(load="impstats")`.
#[derive(Params)]
pub struct ModuleParams {
    /// Seconds between reports.
    #[param(positive, default = "300", legacy = "PStatInterval:module|PStatsInterval:module")]
    pub interval: u32,
    /// Facility of the reports, as a number.
    #[param(default = "5", min = 0, max = 23, legacy = "PStatFacility:module")]
    pub facility: u8,
    /// Severity of the reports, as a number.
    #[param(default = "6", min = 0, max = 7, legacy = "PStatSeverity:module")]
    pub severity: u8,
    /// Put a line BEGIN before and END after each report.
    #[param(default = "off")]
    pub bracketing: bool,
    /// Submit reports as messages.
    #[param(name = "log.syslog", default = "on")]
    pub log_syslog: bool,
    /// Start counts anew after each report.
    #[param(name = "resetCounters", default = "off")]
    pub reset: bool,
    /// A file that reports are appended to.
    #[param(name = "log.file", path)]
    pub log_file: Option<String>,
    /// Replace the file by each report instead of appending to it; no reader sees half of one.
    #[param(name = "log.file.overwrite", default = "off")]
    pub overwrite: bool,
    /// How reports are written.
    #[param(choices = "legacy|json|json-elasticsearch|cee|prometheus|zabbix", default = "legacy")]
    pub format: String,
    /// As format="json".
    #[param(name = "legacyJson", deprecated, default = "off", legacy = "PStatJSON:module")]
    pub legacy_json: bool,
    /// As format="cee".
    #[param(name = "legacyCee", deprecated, default = "off", legacy = "PStatCEE:module")]
    pub legacy_cee: bool,
    /// An http or https address that reports are sent to (Prometheus' remote write).
    #[param(name = "push.url", word)]
    pub push_url: Option<String>,
    /// Labels for all that is sent there, as name=value.
    #[param(name = "push.labels")]
    pub push_labels: Vec<String>,
    /// Milliseconds that a request may take.
    #[param(name = "push.timeout.ms", positive, default = "5000")]
    pub push_timeout: u32,
    /// The label `instance`, which is this host's name.
    #[param(name = "push.label.instance", default = "on")]
    pub push_instance: bool,
    /// The label `origin` of the object.
    #[param(name = "push.label.origin", default = "off")]
    pub push_origin: bool,
    /// The label `name` of the object.
    #[param(name = "push.label.name", default = "off")]
    pub push_name: bool,
    /// The label `job`; empty = none.
    #[param(name = "push.label.job", word, default = "rsyslog")]
    pub push_job: String,
    /// Certificates that vouch for the server, instead of the system's.
    #[param(name = "push.tls.cafile", path)]
    pub push_ca: Option<PathBuf>,
    /// Our certificate, with its chain.
    #[param(name = "push.tls.certfile", path)]
    pub push_cert: Option<PathBuf>,
    /// Our certificate's key.
    #[param(name = "push.tls.keyfile", path)]
    pub push_key: Option<PathBuf>,
    /// Take any server's certificate.
    #[param(name = "push.tls.insecureSkipVerify", default = "off")]
    pub push_insecure: bool,
    /// Bytes of a request before it is compressed; 0 = no limit.
    #[param(name = "push.batch.maxBytes", non_negative, default = "0")]
    pub push_max_bytes: u32,
    /// Counters in a request; 0 = no limit.
    #[param(name = "push.batch.maxSeries", non_negative, default = "0")]
    pub push_max_series: u32,
    /// The ruleset that the messages go to.
    #[param(ruleset)]
    pub ruleset: Option<String>,
}
