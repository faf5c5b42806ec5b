//! impstats: every object's counters at regular intervals, as messages, into a file, or to a server.
#![forbid(unsafe_code)]

mod file;
mod format;
mod params;
mod push;
mod usage;

use file::LogFile;
use format::{Format, Object};
use jiff::Zoned;
use params::ModuleParams;
use push::Push;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use sysloom_sdk::{Complaint, Frame, Host, Input, Level, Stat, Submit, Waited, frame_flag, plugin, wait};
use usage::Usage;

/// The module's one instance.
pub struct Impstats {
    host: Host,
    interval: Duration,
    format: Format,
    bracketing: bool,
    reset: bool,
    /// PRI and tag of the messages, if there are to be any.
    head: Option<String>,
    file: Option<Mutex<LogFile>>,
    push: Option<Push>,
    usage: Usage,
}

impl Input for Impstats {
    const NAME: &'static str = "impstats";
    const RUNS: bool = true;
    const AUTO: bool = true;
    type Module = ModuleParams;
    type Settings = ();

    fn new(module: &ModuleParams, (): (), host: Host) -> Result<Self, Complaint> {
        let format = match (module.legacy_cee, module.legacy_json) {
            (true, _) => Format::Cee,
            (_, true) => Format::Json,
            _ => Format::parse(&module.format),
        };
        let name = host.setting("daemon.name").unwrap_or_else(|| "sysloomd".into());
        let pri = u32::from(module.facility) * 8 + u32::from(module.severity);
        let file = module.log_file.as_deref().filter(|file| !file.is_empty());
        Ok(Self {
            host,
            interval: Duration::from_secs(module.interval.into()),
            format,
            bracketing: module.bracketing,
            reset: module.reset,
            head: module.log_syslog.then(|| format!("<{pri}>{name}-pstats: ")),
            file: file.map(|file| Mutex::new(LogFile::new(file, module.overwrite))),
            push: Push::new(module, host)?,
            usage: Usage::new(&host),
        })
    }

    fn activate(&self) -> Result<(), Complaint> {
        Ok(())
    }

    fn run(&self, stop: BorrowedFd<'_>) -> Result<(), Complaint> {
        let mut next = Instant::now() + self.interval;
        let failed = |e: std::io::Error| Complaint::io("impstats: cannot wait", &e);
        while wait(stop, None, Some(next)).map_err(failed)? == Waited::Time {
            self.report();
            // Whoever holds a report back for long does not get the missed ones at once.
            next = (next + self.interval).max(Instant::now());
        }
        Ok(())
    }

    fn hup(&self) {
        if let Some(file) = &self.file {
            file.lock().unwrap_or_else(PoisonError::into_inner).close();
        }
    }
}

impl Impstats {
    fn report(&self) {
        self.usage.refresh();
        let mut report = Report {
            impstats: self,
            begun: false,
            now: String::new(),
            object: None,
            all: Vec::new(),
            series: Vec::new(),
        };
        self.host.walk_stats(self.reset, |stat| report.take(stat));
        // After the walk: nobody is to wait for a server.
        let sent = self.push.as_ref().map_or(Ok(()), |push| push.send(&report.series));
        if let Err(why) = sent {
            self.host.log(Level::Error, 0, &format!("impstats: {why}"));
        }
    }
}

/// A report in the making. It is out before the walk ends, so that whoever waits for it can rely on that.
struct Report<'a> {
    impstats: &'a Impstats,
    begun: bool,
    now: String,
    object: Option<Object>,
    /// For the format that makes one document.
    all: Vec<Object>,
    /// For the server.
    series: Vec<Vec<u8>>,
}

impl Report<'_> {
    fn take(&mut self, stat: Option<Stat<'_>>) {
        if !self.begun {
            self.begun = true;
            // The walk may have been held back: this is when its numbers were read.
            self.now = Zoned::now().strftime("%a %b %e %H:%M:%S %Y").to_string();
            if self.impstats.bracketing {
                self.line("BEGIN", false);
            }
        }
        // Two objects may have the same name; where the first counter comes again, the other begins.
        let again = |object: &Object, name| object.counters.first().is_some_and(|(first, _)| first == name);
        let same = |object: &Object| {
            stat.is_some_and(|s| {
                s.object == object.name && s.origin == object.origin && !again(object, s.name)
            })
        };
        if let Some(whole) = self.object.take_if(|object| !same(object)) {
            if let Some(push) = &self.impstats.push {
                push.add(&whole, &mut self.series);
            }
            match self.impstats.format.object(&whole) {
                Some(text) => self.line(&text, false),
                None => self.all.push(whole),
            }
        }
        let Some(stat) = stat else { return self.end() };
        let object = self.object.get_or_insert_with(|| Object {
            name: stat.object.into(),
            origin: stat.origin.into(),
            counters: Vec::new(),
        });
        object.counters.push((stat.name.into(), stat.value));
    }

    fn end(&mut self) {
        if self.impstats.format == Format::Zabbix {
            let document = format::zabbix(&self.all, &self.now);
            self.line(&document, false);
        }
        self.line(if self.impstats.bracketing { "END" } else { "" }, true);
    }

    /// One line of the report; an empty one only ends it.
    fn line(&self, text: &str, last: bool) {
        let flush = if last { Submit::FLUSH } else { Submit::NONE };
        if let Some(head) = &self.impstats.head {
            let message = format!("{head}{text}");
            let flags = frame_flag::LOCAL | frame_flag::NO_HOSTNAME | frame_flag::IGNORE_TIMESTAMP;
            let frame = Frame { len: message.len() as u32, flags, ..Frame::default() };
            let frames: &[Frame] = if text.is_empty() { &[] } else { &[frame] };
            // A daemon that takes nothing more is stopping.
            let _ = self.impstats.host.submit(message.as_bytes(), frames, flush);
        }
        let Some(file) = &self.impstats.file else { return };
        let line = match (text, self.impstats.format) {
            ("", _) => String::new(),
            (text, Format::Prometheus) if text.starts_with('#') => text.to_owned() + "\n",
            (text, Format::Prometheus) => format!("# {text}\n"),
            (text, Format::Zabbix) => format!("{text}\n"),
            (text, _) => format!("{}: {text}\n", self.now),
        };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(e) = file.write(&line, last) {
            let complaint = Complaint::io("impstats: cannot write to the file of log.file", &e);
            self.impstats.host.log(Level::Error, 0, &complaint.text);
        }
    }
}

plugin! { name: "impstats", inputs: [Impstats] }

#[cfg(test)]
mod tests;
