//! What the process says: diagnostics of the configuration, its own start and end, its version.

use crate::UNCLEAN;
use crate::arguments::{Arguments, Task};
use crate::settings::{Colour, Settings};
use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use sysloom_config::diagnostic::{first_line, render};
use sysloom_config::{Diagnostic, Loaded, Plan, Severity, Sources};
use sysloom_engine::plugin::Fault;
use sysloom_engine::selflog::Selflog;

/// The daemon's version, in messages and in `-v`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The process's voice.
pub struct Report {
    log: Arc<Selflog>,
    checking: Option<u32>,
    foreground: bool,
    colour: bool,
    errors: Cell<usize>,
    /// Whether start, HUP and end are logged.
    status: Cell<bool>,
}

impl Report {
    pub fn new(log: Arc<Selflog>, settings: &Settings, arguments: &Arguments) -> Self {
        let checking = match arguments.task {
            Task::Check { level } => Some(level),
            Task::ExplainConfig => Some(0),
            _ => None,
        };
        let foreground = settings.foreground || arguments.debug || checking.is_some();
        // rsyslog: only errors are copied; sysloomd copies warnings too, since they are meant for whoever looks.
        let copied = if log.name == "rsyslogd" && checking.is_none() { 3 } else { 4 };
        // In the background too, until the start has succeeded: whoever started it sees why it did not.
        log.copy_to_stderr(copied);
        let colour = match settings.colour {
            Colour::Auto => std::io::stderr().is_terminal(),
            Colour::Always => true,
            Colour::Never => false,
        };
        Self { log, checking, foreground, colour, errors: Cell::new(0), status: Cell::new(true) }
    }

    /// The start has succeeded: in the background, nobody reads stderr from now on.
    pub fn settled(&self) {
        if !self.foreground {
            self.log.copy_to_stderr(0);
        }
    }

    pub fn log(&self) -> &Arc<Selflog> {
        &self.log
    }

    pub fn begin_check(&self, file: &Path) {
        let Some(level @ 1..) = self.checking else { return };
        let (name, file) = (&self.log.name, file.display());
        eprintln!("{name}: version {VERSION}, config validation run (level {level}), master config {file}");
    }

    /// The check found the configuration usable; whether it is also free of errors.
    pub fn end_of_check(&self) -> u8 {
        if self.errors.get() > 0 {
            return 1;
        }
        if self.checking != Some(0) {
            eprintln!("{}: End of config validation run. Bye.", self.log.name);
        }
        0
    }

    /// Each diagnostic's first line goes into the log; caret, help and slug follow on stderr.
    pub fn diagnostics<'a>(&self, found: impl Iterator<Item = &'a Diagnostic>, sources: &Sources) {
        for diagnostic in found {
            let severity = match diagnostic.severity {
                Severity::Error => {
                    self.errors.set(self.errors.get() + 1);
                    3
                }
                Severity::Warning => 4,
                Severity::Note => 6,
            };
            self.log.say(severity, diagnostic.code, &first_line(diagnostic, sources));
            if self.log.is_copied(severity) {
                let _ =
                    std::io::stderr().lock().write_all(render(diagnostic, sources, self.colour).as_bytes());
            }
        }
    }

    /// Whether the daemon may run on what was loaded, and on the outputs that came of it. `unknown` is a user or group
    /// that does not exist: whoever names one does not want to go on as root.
    pub fn usable(
        &self,
        loaded: &Loaded,
        unknown: Option<&str>,
        delivers: bool,
    ) -> Result<(), (String, i32)> {
        if loaded.abort {
            return Err(("a file that must be included is missing".into(), 0));
        }
        if loaded.diagnostics.iter().any(|d| d.code == CANNOT_OPEN) {
            return Err(("the configuration file cannot be read".into(), CANNOT_OPEN));
        }
        if let Some(unknown) = unknown
            && loaded.plan.globals.bool("security.abortOnIDResolutionFail") != Some(false)
        {
            let text =
                format!("{unknown} is not known, and security.abortOnIDResolutionFail is on: not started");
            return Err((text, 0));
        }
        if self.errors.get() > 0 && loaded.plan.globals.bool("abortOnUncleanConfig") == Some(true) {
            return Err((
                "the configuration is not clean, and abortOnUncleanConfig is on: not started".into(),
                UNCLEAN,
            ));
        }
        if !delivers {
            let text = "there are no active actions configured. Inputs would run, but no output whatsoever were \
                 created.";
            self.log.say(3, NO_ACTIONS, text);
            return Err((text.into(), NO_ACTIONS));
        }
        Ok(())
    }

    /// The process ends without having run.
    pub fn fatal(&self, why: &str, code: i32) {
        let name = &self.log.name;
        match code {
            // rsyslog: this very line.
            CANNOT_OPEN | NO_ACTIONS => eprintln!(
                "{name}: run failed with error -{code} (see rsyslog.h or try https://www.rsyslog.com/e/{code} \
                 to learn what that number means)"
            ),
            _ => eprintln!("{name}: {why}"),
        }
    }

    /// Something could not be activated; everything else runs.
    pub fn fault(&self, fault: &Fault) {
        self.errors.set(self.errors.get() + 1);
        self.log.say(3, fault.code, &fault.text);
    }

    /// Whether the daemon's own messages go through its rulesets.
    pub fn delivers_own_messages(&self, plan: &Plan) -> bool {
        let default = std::env::var("RSYSLOG_DFLT_LOG_INTERNAL").is_ok_and(|value| value == "1");
        let written = plan.globals.written("processInternalMessages");
        written.and(plan.globals.bool("processInternalMessages")).unwrap_or(default)
    }

    /// Whether start, HUP and end are logged ($LogRSyslogStatusMessages).
    pub fn log_status(&self, on: bool) {
        self.status.set(on);
    }

    pub fn started(&self) {
        self.status("start");
    }

    pub fn hup(&self) {
        self.status("rsyslogd was HUPed");
    }

    pub fn exiting(&self, signal: i32) {
        self.status(&format!("exiting on signal {signal}."));
    }

    fn status(&self, what: &str) {
        if !self.status.get() {
            return;
        }
        let (name, pid) = (&self.log.name, std::process::id());
        self.log.say(
            6,
            0,
            &format!(
                "[origin software=\"{name}\" swVersion=\"{VERSION}\" x-pid=\"{pid}\" \
                 x-info=\"https://www.rsyslog.com\"] {what}"
            ),
        );
    }
}

/// The text of `-v`, in the shape of rsyslogd's.
pub fn version_block(name: &str) -> String {
    format!(
        "{name}  {VERSION} (aka 2026.11) compiled with:\n\
         \tPLATFORM:\t\t\t\t{}-{}\n\
         \tTLS network stream driver:\t\trustls (answers to GnuTLS's name gtls)\n\
         \tplugin ABI:\t\t\t\t{}.{}\n",
        std::env::consts::ARCH,
        std::env::consts::OS,
        sysloom_engine::ABI.0,
        sysloom_engine::ABI.1,
    )
}

/// rsyslog: the configuration file cannot be opened.
const CANNOT_OPEN: i32 = 2104;
/// rsyslog: nothing would be done with any message.
const NO_ACTIONS: i32 = 2103;
