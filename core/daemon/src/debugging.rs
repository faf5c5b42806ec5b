//! What `-d`, `RSYSLOG_DEBUG` and `RSYSLOG_DEBUGLOG` ask for.

use crate::arguments::Arguments;
use std::fs::File;
use sysloom_engine::selflog::{Debug, Selflog};

/// The debug stream, before it begins.
pub struct Debugging {
    on: bool,
    on_demand: bool,
    stdout: bool,
    stamps: bool,
    file: Option<File>,
}

/// The debug log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("RSYSLOG_DEBUGLOG: cannot open '{0}': {1}")]
pub struct DebugLogError(String, #[source] std::io::Error);

impl Debugging {
    /// Reads the variables. Words that mean nothing are remarked on.
    pub fn new(name: &str, arguments: &Arguments) -> Result<Self, DebugLogError> {
        let words = std::env::var("RSYSLOG_DEBUG").unwrap_or_default();
        let mut this = Self { on: arguments.debug, on_demand: false, stdout: true, stamps: true, file: None };
        for word in words.split_ascii_whitespace() {
            match word.to_ascii_lowercase().as_str() {
                "debug" => this.on = true,
                "debugondemand" => this.on_demand = true,
                "nostdout" => this.stdout = false,
                "nologtimestamp" => this.stamps = false,
                // Accepted: lines carry the thread's name anyway.
                "outputtidtostderr" => {}
                "help" => eprintln!(
                    "{name}: RSYSLOG_DEBUG knows the words debug, debugondemand, nostdout, nologtimestamp, \
                     outputtidtostderr and help"
                ),
                _ => eprintln!("{name}: invalid RSYSLOG_DEBUG option '{word}' - ignored"),
            }
        }
        if let Ok(file) = std::env::var("RSYSLOG_DEBUGLOG")
            && !file.is_empty()
        {
            this.file = Some(File::create(&file).map_err(|e| DebugLogError(file, e))?);
        }
        Ok(this)
    }

    /// Tells the log where the stream goes, and starts it if it is wanted from the start.
    pub fn begin(&self, log: &Selflog) {
        let file = self.file.as_ref().and_then(|file| file.try_clone().ok());
        log.debug_to(Debug { stdout: self.stdout, file, stamps: self.stamps });
        if self.on {
            log.debug(true);
        }
    }

    /// Whether SIGUSR1 switches the stream on and off.
    pub fn on_demand(&self) -> bool {
        self.on || self.on_demand
    }
}
