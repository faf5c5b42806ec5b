//! immark: a message at regular intervals, which tells a reader of the log that the machine was alive.
#![forbid(unsafe_code)]

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};
use sysloom_sdk::{Complaint, Frame, Host, Input, Level, Params, Submit, Waited, frame_flag, plugin, wait};

/// `module(load="immark")`.
#[derive(Params)]
pub struct ModuleParams {
    /// Seconds between mark messages; 0 = none.
    #[param(non_negative, default = "1200", legacy = "MarkMessagePeriod:module")]
    pub interval: u32,
    /// The text of the messages.
    #[param(default = "-- MARK --")]
    pub mark_message_text: String,
    /// Say them as the daemon says its own messages, wherever those go, instead of submitting them.
    #[param(name = "use.syslogCall", default = "on")]
    pub syslog_call: bool,
    /// Mark the messages as such, so that actions may skip them.
    #[param(name = "use.markFlag", default = "on")]
    pub mark_flag: bool,
    /// The ruleset that the messages go to.
    #[param(ruleset)]
    pub ruleset: Option<String>,
}

pub struct Immark {
    host: Host,
    interval: Duration,
    way: Way,
}

/// How the messages go.
enum Way {
    /// As the daemon's own, with this command.
    Own { command: &'static str, text: String },
    /// Into the queue.
    Submit { message: Vec<u8>, flags: u32 },
}

impl Input for Immark {
    const NAME: &'static str = "immark";
    const RUNS: bool = true;
    const AUTO: bool = true;
    type Module = ModuleParams;
    type Settings = ();

    fn new(module: &ModuleParams, (): (), host: Host) -> Result<Self, Complaint> {
        let interval = Duration::from_secs(module.interval.into());
        if module.syslog_call && module.ruleset.is_some() {
            host.log(Level::Error, 0, OWN_HAVE_NO_RULESET);
        } else if module.syslog_call {
            let command = if module.mark_flag { "log.mark" } else { "log.plain" };
            let way = Way::Own { command, text: module.mark_message_text.clone() };
            return Ok(Self { host, interval, way });
        }
        let name = host.setting("daemon.name").unwrap_or_else(|| "sysloomd".into());
        let mark = if module.mark_flag { frame_flag::MARK } else { 0 };
        let message = format!("<{SYSLOG_INFO}>{name}: {}", module.mark_message_text).into_bytes();
        let flags = frame_flag::LOCAL | frame_flag::NO_HOSTNAME | frame_flag::IGNORE_TIMESTAMP | mark;
        Ok(Self { host, interval, way: Way::Submit { message, flags } })
    }

    fn activate(&self) -> Result<(), Complaint> {
        Ok(())
    }

    fn run(&self, stop: BorrowedFd<'_>) -> Result<(), Complaint> {
        if self.interval.is_zero() {
            return Ok(());
        }
        let mut next = Instant::now() + self.interval;
        loop {
            if wait(stop, None, Some(next)).map_err(|e| Complaint::io("immark: cannot wait", &e))?
                == Waited::Stop
            {
                return Ok(());
            }
            next += self.interval;
            if !self.say()? {
                return Ok(());
            }
        }
    }
}

impl Immark {
    /// One mark; `false` when the daemon stops.
    fn say(&self) -> Result<bool, Complaint> {
        match &self.way {
            Way::Own { command, text } => self.host.control(command, text).map(|_| true),
            Way::Submit { message, flags } => {
                let frame = Frame { len: message.len() as u32, flags: *flags, ..Frame::default() };
                Ok(self.host.submit(message, &[frame], Submit::FLUSH).is_ok())
            }
        }
    }
}

/// PRI of facility syslog, severity info.
const SYSLOG_INFO: u32 = 5 * 8 + 6;
const OWN_HAVE_NO_RULESET: &str = "immark: ruleset specified, but configured to log via syslog call - switching to rsyslog-internal logging";

plugin! { name: "immark", inputs: [Immark] }

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use sysloom_sdk::testing::{Submitted, TestHost, settings};

    /// What the module does within so many submitted marks.
    fn run(words: &[(&'static str, &str)], expected: usize) -> TestHost {
        let host = TestHost::new();
        host.set("daemon.name", "rsyslogd");
        let input = Immark::new(&settings(words).unwrap(), (), host.host()).unwrap();
        let (stop, ring) = UnixStream::pair().unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| input.run(stop.as_fd()));
            assert!(host.wait_for(expected, Duration::from_secs(20)));
            drop(ring);
            thread.join().unwrap().unwrap();
        });
        host
    }

    fn marks(words: &[(&'static str, &str)], expected: usize) -> Vec<Submitted> {
        let words: Vec<_> = words.iter().copied().chain([("use.syslogCall", "off")]).collect();
        run(&words, expected).submitted()
    }

    /// The commands of the first mark; none of the test's answers ends the thread.
    fn said(words: &[(&'static str, &str)]) -> (Vec<(String, String)>, Vec<Submitted>) {
        let host = TestHost::new();
        let input = Immark::new(&settings(words).unwrap(), (), host.host()).unwrap();
        let (stop, _ring) = UnixStream::pair().unwrap();
        assert!(input.run(stop.as_fd()).is_err());
        (host.commands(), host.submitted())
    }

    #[test]
    fn unless_told_otherwise_they_are_messages_of_the_daemon() {
        let one = |words: &[(&'static str, &str)], command: &str, text: &str| {
            let words: Vec<_> = words.iter().copied().chain([("interval", "1")]).collect();
            let (commands, submitted) = said(&words);
            assert_eq!(commands, [(command.to_owned(), text.to_owned())]);
            assert_eq!(submitted, []);
        };
        one(&[], "log.mark", "-- MARK --");
        one(&[("use.markFlag", "off"), ("markMessageText", "here")], "log.plain", "here");
    }

    #[test]
    fn a_ruleset_gets_them_whatever_the_call() {
        let host = run(&[("interval", "1"), ("ruleset", "marks")], 1);
        assert_eq!(host.submitted()[0].message, b"<46>rsyslogd: -- MARK --");
        assert!(host.commands().is_empty());
        let lines = host.lines();
        assert!(lines.iter().any(|line| line.text.ends_with("switching to rsyslog-internal logging")));
    }

    #[test]
    fn a_mark_comes_in_each_interval() {
        let before = Instant::now();
        let found = marks(&[("interval", "1")], 2);
        assert!(before.elapsed() >= Duration::from_secs(2));
        assert_eq!(found[0].message, b"<46>rsyslogd: -- MARK --");
        assert!(found.iter().all(|m| m.flags & frame_flag::MARK != 0 && m.flags & frame_flag::LOCAL != 0));
    }

    #[test]
    fn text_and_flag_can_be_chosen() {
        let found =
            marks(&[("interval", "1"), ("markMessageText", "still here"), ("use.markFlag", "off")], 1);
        assert_eq!(found[0].message, b"<46>rsyslogd: still here");
        assert_eq!(found[0].flags & frame_flag::MARK, 0);
    }

    #[test]
    fn without_an_interval_there_is_nothing_to_run_for() {
        assert_eq!(marks(&[("interval", "0")], 0), []);
    }

    #[test]
    fn the_readme_has_the_tables() {
        use sysloom_sdk::testing::{check_readme, table};
        check_readme(env!("CARGO_MANIFEST_DIR"), &[("module", table::<ModuleParams>())]);
    }
}
