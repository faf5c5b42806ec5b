//! impstats' options.

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
    /// The ruleset that the messages go to.
    #[param(ruleset)]
    pub ruleset: Option<String>,
}
