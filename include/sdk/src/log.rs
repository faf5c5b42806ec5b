//! slog for plugins: a drain whose lines go to the daemon's log. A line above the daemon's level costs one load.

use crate::Host;
use crate::host::borrow;
use slog::{Drain, KV, Key, Logger, OwnedKVList, Record, Serializer, o};
use std::fmt::{self, Write};
use sysloom_abi as abi;
use sysloom_abi::log_level;

/// Levels of the log: syslog's severities, and one below for debugging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Level {
    Critical = log_level::CRITICAL,
    Error = log_level::ERROR,
    Warning = log_level::WARNING,
    Notice = log_level::NOTICE,
    Info = log_level::INFO,
    Debug = log_level::DEBUG,
    Trace = log_level::TRACE,
}

impl From<slog::Level> for Level {
    fn from(level: slog::Level) -> Self {
        match level {
            slog::Level::Critical => Level::Critical,
            slog::Level::Error => Level::Error,
            slog::Level::Warning => Level::Warning,
            slog::Level::Info => Level::Info,
            slog::Level::Debug => Level::Debug,
            slog::Level::Trace => Level::Trace,
        }
    }
}

impl Host {
    /// A logger for slog's macros. The key `code` becomes rsyslog's error code of the line.
    pub fn logger(&self) -> Logger {
        Logger::root(HostDrain(*self), o!())
    }
}

/// The drain behind [`Host::logger`], for plugins that put another drain in between.
#[derive(Clone, Copy, Debug)]
pub struct HostDrain(pub Host);

impl Drain for HostDrain {
    type Ok = ();
    type Err = slog::Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), slog::Never> {
        let level = Level::from(record.level());
        if !self.0.enabled(level) {
            return Ok(());
        }
        let mut pairs = Pairs::default();
        // A value that cannot be shown is left out; the line itself is worth more.
        let _ = record.kv().serialize(record, &mut pairs);
        let _ = values.serialize(record, &mut pairs);
        let mut text = String::new();
        let _ = text.write_fmt(*record.msg());
        let raw: Vec<abi::Kv> = pairs
            .list
            .iter()
            .map(|(key, value)| abi::Kv { key: borrow(key.as_bytes()), value: borrow(value.as_bytes()) })
            .collect();
        self.0.log_pairs(level, pairs.code, &text, &raw);
        Ok(())
    }

    fn is_enabled(&self, level: slog::Level) -> bool {
        self.0.enabled(level.into())
    }
}

#[derive(Default)]
struct Pairs {
    code: i32,
    list: Vec<(Key, String)>,
}

impl Serializer for Pairs {
    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        self.list.push((key, value.to_string()));
        Ok(())
    }

    fn emit_i32(&mut self, key: Key, value: i32) -> slog::Result {
        if key == "code" {
            self.code = value;
            return Ok(());
        }
        self.emit_arguments(key, &format_args!("{value}"))
    }
}
