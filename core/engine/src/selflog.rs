//! The daemon's own messages: one line each, with severity and rsyslog's code, to stderr and into the log itself.
//!
//! Every room logs through a `slog::Logger` whose drain ends here; plugins' lines arrive the same way. What is said
//! before the main queue runs is kept and delivered when it does, as rsyslog does.

mod debug;
mod limit;
mod state;

pub use debug::Debug;

use crate::intake::now_ns;
use crate::message::reception;
use limit::Limit;
use slog::{Drain, KV, Level, Logger, OwnedKVList, Record, Serializer};
use state::State;
use std::fmt::{Arguments, Write as _};
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sysloom_config::plan::Values;

/// Where the daemon's own messages go.
pub struct Selflog {
    /// What stands before the colon: `rsyslogd` or `sysloomd`.
    pub name: String,
    /// What stands in the brackets after each text.
    pub version: String,
    /// Severity numbers above this are not made at all; plugins read it through the ABI.
    level: AtomicU32,
    /// Severity numbers up to this are delivered (internalmsg.severity).
    wanted: AtomicU32,
    /// Severity numbers up to this are copied to stderr; 0 = none (there is no emergency of our own).
    stderr: AtomicU32,
    /// How many lines may still be copied to stderr (errorMessagesToStderr.maxNumber).
    copies: AtomicI64,
    limit: Mutex<Limit>,
    debugging: AtomicBool,
    debug: Mutex<Debug>,
    /// The file of operatingStateFile.
    state: Mutex<Option<State>>,
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
    pub form: Form,
}

/// What is made of a line's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A bracket with the version follows it.
    Remark,
    /// It stays as it is.
    Plain,
    /// The same, and the message is a mark.
    Mark,
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
            level: AtomicU32::new(INFO),
            wanted: AtomicU32::new(INFO),
            stderr: AtomicU32::new(3),
            copies: AtomicI64::new(i64::MAX),
            limit: Mutex::new(Limit::new(INTERVAL, BURST)),
            debugging: AtomicBool::new(false),
            debug: Mutex::default(),
            state: Mutex::default(),
            sink: Mutex::new(Sink::Kept(Vec::new())),
        })
    }

    /// What `global()` says of the daemon's own messages.
    pub fn configure(&self, globals: &Values) {
        let number = |name| globals.written(name).and(globals.int(name)).and_then(|n| u32::try_from(n).ok());
        if let Some(severity) = number("internalmsg.severity") {
            self.wanted.store(severity, Ordering::Relaxed);
            self.level.fetch_max(severity, Ordering::Relaxed);
        }
        if let Some(most) = number("errorMessagesToStderr.maxNumber") {
            self.copies.store(most.into(), Ordering::Relaxed);
        }
        if globals.bool("allMessagesToStderr") == Some(true) {
            self.stderr.fetch_max(self.level.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        let interval = number("internalmsg.ratelimit.interval").map_or(INTERVAL, u64::from);
        let burst = number("internalmsg.ratelimit.burst").unwrap_or(BURST);
        lock(&self.limit).change(interval, burst);
    }

    /// Keeps a file of what is said until [`Selflog::close_state`], and says what is wrong with it.
    pub fn open_state(&self, path: &str) {
        let (state, remarks) = State::open(path, &self.version);
        remarks.iter().for_each(|(severity, code, text)| self.say(*severity, *code, text));
        *lock(&self.state) = state;
    }

    /// A line that stands in that file alone.
    pub fn note(&self, text: &str) {
        if let Some(state) = &mut *lock(&self.state) {
            state.message(text);
        }
    }

    /// The daemon has come to its end.
    pub fn close_state(&self) {
        if let Some(state) = lock(&self.state).take() {
            state.close();
        }
    }

    /// The number that [`sysloom_abi::Host::log_level`] points at.
    pub fn level(&self) -> &AtomicU32 {
        &self.level
    }

    /// Makes messages up to this severity number.
    pub fn set_level(&self, severity: u8) {
        self.level.store(severity.into(), Ordering::Relaxed);
    }

    /// Whether messages of this severity are copied to stderr.
    pub fn is_copied(&self, severity: u8) -> bool {
        u32::from(severity) <= self.stderr.load(Ordering::Relaxed) && self.copies.load(Ordering::Relaxed) > 0
    }

    /// Copies messages of this severity and worse to stderr; 0 = none.
    pub fn copy_to_stderr(&self, severity: u8) {
        self.stderr.store(severity.into(), Ordering::Relaxed);
    }

    /// Where the debug stream goes once it is switched on.
    pub fn debug_to(&self, debug: Debug) {
        *lock(&self.debug) = debug;
    }

    /// Switches the debug stream on or off: everything that is said, and what is only said then.
    pub fn debug(&self, on: bool) {
        self.debugging.store(on, Ordering::Relaxed);
        let level = if on { DEBUG } else { self.wanted.load(Ordering::Relaxed).max(INFO) };
        self.level.store(level, Ordering::Relaxed);
    }

    /// Whether the debug stream is on.
    pub fn is_debugging(&self) -> bool {
        self.debugging.load(Ordering::Relaxed)
    }

    /// A logger for a room of the engine.
    pub fn logger(self: &Arc<Self>) -> Logger {
        Logger::root(ToSelflog(Arc::clone(self)).ignore_res(), slog::o!())
    }

    /// Says one line.
    pub fn say(&self, severity: u8, code: i32, text: &str) {
        self.say_as(Form::Remark, severity, code, text);
    }

    /// Says one line of this form.
    pub fn say_as(&self, form: Form, severity: u8, code: i32, text: &str) {
        if u32::from(severity) > self.level.load(Ordering::Relaxed) {
            return;
        }
        let text = text.replace(|c: char| c.is_ascii_control(), " ");
        // rsyslog: the lines that carry a software id have no bracket.
        let form = if text.starts_with("[origin ") { Form::Plain } else { form };
        let line = Line { severity, code, text, form };
        if self.is_debugging() {
            lock(&self.debug).write(&line.text);
        }
        // rsyslog: lines that carry a software id are not kept there.
        if u32::from(severity) <= INFO && !line.text.starts_with("[origin ") {
            self.note(&line.text);
        }
        if u32::from(severity) <= self.stderr.load(Ordering::Relaxed)
            && self.copies.fetch_sub(1, Ordering::Relaxed) > 0
        {
            // A closed stderr is no reason to stop working.
            let _ = writeln!(std::io::stderr().lock(), "{}: {}", self.name, self.full_text(&line));
        }
        if u32::from(severity) > self.wanted.load(Ordering::Relaxed) {
            return;
        }
        let (passes, remark) = lock(&self.limit).take(Instant::now());
        if let Some(remark) = remark {
            let text = format!("{}[internal_messages]: {remark}", self.name);
            self.deliver(Line { severity: 6, code: LIMITED, text, form: Form::Remark });
        }
        if passes {
            self.deliver(line);
        }
    }

    fn deliver(&self, line: Line) {
        let deliver = match &mut *lock(&self.sink) {
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
        format!("<{pri}>{tag}: {}", self.body(line)).into_bytes()
    }

    fn body(&self, line: &Line) -> String {
        if line.form == Form::Remark { self.full_text(line) } else { line.text.clone() }
    }

    /// The queue runs: what was kept is delivered, and everything from now on.
    pub fn deliver_to(&self, deliver: Arc<dyn Fn(&Line) + Send + Sync>) {
        let kept = {
            let mut sink = lock(&self.sink);
            match std::mem::replace(&mut *sink, Sink::Deliver(Arc::clone(&deliver))) {
                Sink::Kept(lines) => lines,
                _ => Vec::new(),
            }
        };
        for line in &kept {
            deliver(line);
        }
    }

    /// As [`Selflog::deliver_to`], to the system's log socket, as syslog(3) does. Without one they are lost.
    pub fn deliver_to_syslog(self: &Arc<Self>) {
        let Ok(socket) = UnixDatagram::unbound() else { return self.deliver_nowhere() };
        // The reader may be this very process, and stuck.
        let _ = socket.set_write_timeout(Some(SOCKET_PATIENCE));
        let log = Arc::downgrade(self);
        self.deliver_to(Arc::new(move |line: &Line| {
            let Some(log) = log.upgrade() else { return };
            let mut message = format!("<{}>", 5 * 8 + line.severity).into_bytes();
            reception(now_ns()).write_rfc3164(&mut message);
            message.extend_from_slice(format!(" {}: {}", log.name, log.body(line)).as_bytes());
            let _ = socket.send_to(&message, LOG_SOCKET);
        }));
    }

    /// From now on messages only reach stderr.
    pub fn deliver_nowhere(&self) {
        *lock(&self.sink) = Sink::Nowhere;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

const INFO: u32 = 6;
const DEBUG: u32 = 8;
/// rsyslog: internalmsg.ratelimit.interval and .burst.
const INTERVAL: u64 = 60;
const BURST: u32 = 100;
/// rsyslog's code of what is said about dropped messages.
const LIMITED: i32 = 2177;
const LOG_SOCKET: &str = "/dev/log";
const SOCKET_PATIENCE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(log: &Selflog) -> Arc<Mutex<Vec<Line>>> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&seen);
        log.deliver_to(Arc::new(move |line| into.lock().unwrap().push(line.clone())));
        seen
    }

    #[test]
    fn lines_are_kept_until_they_can_be_delivered() {
        let log = Selflog::new("rsyslogd", "1.0");
        log.copy_to_stderr(0);
        slog::error!(log.logger(), "no\nway"; "code" => 2007);
        log.say(7, 0, "not made");
        let seen = gather(&log);
        slog::info!(log.logger(), "later"; "peer" => "192.0.2.1");
        let lines = seen.lock().unwrap().clone();
        assert_eq!(lines[0], Line { severity: 3, code: 2007, text: "no way".into(), form: Form::Remark });
        assert_eq!(lines[1].text, "later, peer 192.0.2.1");
        assert_eq!(
            String::from_utf8(log.message(&lines[0])).unwrap(),
            "<43>rsyslogd-2007: no way [v1.0 try https://www.rsyslog.com/e/2007 ]"
        );
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn what_is_above_the_limit_is_dropped_and_said_so_once() {
        let log = Selflog::new("rsyslogd", "1.0");
        log.copy_to_stderr(0);
        let seen = gather(&log);
        for n in 0..BURST + 50 {
            log.say(6, 0, &format!("line {n}"));
        }
        let lines = seen.lock().unwrap();
        assert_eq!(lines.len(), BURST as usize + 1);
        let last = lines.last().unwrap();
        assert_eq!(last.code, 2177);
        assert_eq!(last.text, "rsyslogd[internal_messages]: begin to drop messages due to rate-limiting");
    }

    #[test]
    fn debugging_makes_more_lines_but_delivers_none_of_them() {
        let log = Selflog::new("rsyslogd", "1.0");
        log.copy_to_stderr(0);
        let seen = gather(&log);
        let file = tempfile::NamedTempFile::new().unwrap();
        let stream = std::fs::File::create(file.path()).unwrap();
        log.debug_to(Debug { stdout: false, file: Some(stream), stamps: false });
        log.say(7, 0, "before");
        log.debug(true);
        log.say(7, 0, "while");
        log.debug(false);
        log.say(7, 0, "after");
        assert!(seen.lock().unwrap().is_empty());
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(text.ends_with(": while\n") && text.lines().count() == 1, "{text}");
    }
}
