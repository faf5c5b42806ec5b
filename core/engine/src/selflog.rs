//! The daemon's own messages: one line each, with severity and rsyslog's code, to stderr and into the log itself.
//!
//! Every room logs through a `slog::Logger` whose drain ends here; plugins' lines arrive the same way. What is said
//! before the main queue runs is kept and delivered when it does, as rsyslog does.

use slog::{Drain, KV, Level, Logger, OwnedKVList, Record, Serializer};
use std::fmt::{Arguments, Write as _};
use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// Where the daemon's own messages go.
pub struct Selflog {
    /// What stands before the colon: `rsyslogd` or `sysloomd`.
    pub name: String,
    /// What stands in the brackets after each text.
    pub version: String,
    /// Severity numbers above this are not made at all; plugins read it through the ABI.
    level: AtomicU32,
    /// Severity numbers up to this are copied to stderr; 0 = none (there is no emergency of our own).
    stderr: AtomicU32,
    sink: Mutex<Sink>,
}

/// One message of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Syslog's severity, 0-7.
    pub severity: u8,
    /// rsyslog's code; 0 = none.
    pub code: i32,
    pub text: String,
}

enum Sink {
    /// Until the queue runs.
    Kept(Vec<Line>),
    /// Into the queue, or wherever the configuration wants them.
    Deliver(Arc<dyn Fn(&Line) + Send + Sync>),
    Nowhere,
}

impl Selflog {
    pub fn new(name: &str, version: &str) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            version: version.into(),
            level: AtomicU32::new(6),
            stderr: AtomicU32::new(3),
            sink: Mutex::new(Sink::Kept(Vec::new())),
        })
    }

    /// The number that [`sysloom_abi::Host::log_level`] points at.
    pub fn level(&self) -> &AtomicU32 {
        &self.level
    }

    /// Keeps messages up to this severity number.
    pub fn set_level(&self, severity: u8) {
        self.level.store(severity.into(), Ordering::Relaxed);
    }

    /// Whether messages of this severity are copied to stderr.
    pub fn is_copied(&self, severity: u8) -> bool {
        u32::from(severity) <= self.stderr.load(Ordering::Relaxed)
    }

    /// Copies messages of this severity and worse to stderr; 0 = none.
    pub fn copy_to_stderr(&self, severity: u8) {
        self.stderr.store(severity.into(), Ordering::Relaxed);
    }

    /// Says everything there is to say, on stderr as well.
    pub fn debug(&self) {
        self.level.store(8, Ordering::Relaxed);
        self.stderr.store(8, Ordering::Relaxed);
    }

    /// A logger for a room of the engine.
    pub fn logger(self: &Arc<Self>) -> Logger {
        Logger::root(ToSelflog(Arc::clone(self)).ignore_res(), slog::o!())
    }

    /// Says one line.
    pub fn say(&self, severity: u8, code: i32, text: &str) {
        if u32::from(severity) > self.level.load(Ordering::Relaxed) {
            return;
        }
        let line = Line { severity, code, text: text.replace(|c: char| c.is_ascii_control(), " ") };
        if u32::from(severity) <= self.stderr.load(Ordering::Relaxed) {
            // A closed stderr is no reason to stop working.
            let _ = writeln!(std::io::stderr().lock(), "{}: {}", self.name, self.full_text(&line));
        }
        let deliver = match &mut *self.sink.lock().unwrap_or_else(|e| e.into_inner()) {
            Sink::Kept(lines) => return lines.push(line),
            Sink::Deliver(deliver) => Arc::clone(deliver),
            Sink::Nowhere => return,
        };
        deliver(&line);
    }

    /// The text with its bracket: version, and where to read about the code.
    pub fn full_text(&self, line: &Line) -> String {
        match line.code {
            // rsyslog: codes 1 and 3000 are never shown.
            0 | 1 | 3000 => format!("{} [v{}]", line.text, self.version),
            code => {
                format!("{} [v{} try https://www.rsyslog.com/e/{code} ]", line.text, self.version)
            }
        }
    }

    /// The message as it enters a queue: facility syslog, tag with the code.
    pub fn message(&self, line: &Line) -> Vec<u8> {
        let pri = 5 * 8 + line.severity;
        let tag = match line.code {
            0 | 1 | 3000 => self.name.clone(),
            code => format!("{}-{code}", self.name),
        };
        // rsyslog: the lines that carry a software id have no bracket.
        let text = if line.text.starts_with("[origin ") { line.text.clone() } else { self.full_text(line) };
        format!("<{pri}>{tag}: {text}").into_bytes()
    }

    /// The queue runs: what was kept is delivered, and everything from now on.
    pub fn deliver_to(&self, deliver: Arc<dyn Fn(&Line) + Send + Sync>) {
        let kept = {
            let mut sink = self.sink.lock().unwrap_or_else(|e| e.into_inner());
            match std::mem::replace(&mut *sink, Sink::Deliver(Arc::clone(&deliver))) {
                Sink::Kept(lines) => lines,
                _ => Vec::new(),
            }
        };
        for line in &kept {
            deliver(line);
        }
    }

    /// From now on messages only reach stderr.
    pub fn deliver_nowhere(&self) {
        *self.sink.lock().unwrap_or_else(|e| e.into_inner()) = Sink::Nowhere;
    }
}

/// slog's end of it.
struct ToSelflog(Arc<Selflog>);

impl Drain for ToSelflog {
    type Ok = ();
    type Err = slog::Never;

    fn log(&self, record: &Record<'_>, _values: &OwnedKVList) -> Result<(), slog::Never> {
        let severity = match record.level() {
            Level::Critical => 2,
            Level::Error => 3,
            Level::Warning => 4,
            Level::Info => 6,
            Level::Debug | Level::Trace => 7,
        };
        let mut words = Words { text: record.msg().to_string(), code: 0 };
        // Formatting into a String cannot fail.
        let _ = record.kv().serialize(record, &mut words);
        self.0.say(severity, words.code, &words.text);
        Ok(())
    }
}

/// Gathers a record's keys: `code` becomes the line's code, the others follow the text.
struct Words {
    text: String,
    code: i32,
}

impl Serializer for Words {
    fn emit_arguments(&mut self, key: slog::Key, value: &Arguments<'_>) -> slog::Result {
        if key == "code" {
            self.code = value.to_string().parse().unwrap_or(0);
            return Ok(());
        }
        write!(self.text, ", {key} {value}").map_err(slog::Error::Fmt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_until_they_can_be_delivered() {
        let log = Selflog::new("rsyslogd", "1.0");
        log.copy_to_stderr(0);
        slog::error!(log.logger(), "no\nway"; "code" => 2007);
        log.say(7, 0, "not made");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        log.deliver_to(Arc::new(move |line| into.lock().unwrap().push(line.clone())));
        slog::info!(log.logger(), "later"; "peer" => "192.0.2.1");
        let lines = seen.lock().unwrap().clone();
        assert_eq!(lines[0], Line { severity: 3, code: 2007, text: "no way".into() });
        assert_eq!(lines[1].text, "later, peer 192.0.2.1");
        assert_eq!(
            String::from_utf8(log.message(&lines[0])).unwrap(),
            "<43>rsyslogd-2007: no way [v1.0 try https://www.rsyslog.com/e/2007 ]"
        );
        assert_eq!(lines.len(), 2);
    }
}
