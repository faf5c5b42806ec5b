//! omusrmsg: records to the terminals of users who are logged in, some of them or all.
#![forbid(unsafe_code)]

mod sessions;

use sessions::Session;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::sync::{Mutex, PoisonError};
use sysloom_sdk::{Commit, Complaint, Host, Level, Limit, Output, Params, Records, Worker, plugin};

/// `action(type="omusrmsg")`.
#[derive(Params)]
pub struct ActionParams {
    /// Who gets the messages: user names separated by commas, or `*` for everybody.
    #[param(required, selector_text)]
    pub users: String,
    /// Template of the records.
    #[param(template)]
    pub template: Option<String>,
    /// Seconds in which rateLimit.burst messages may be sent; 0 = no limit.
    #[param(name = "rateLimit.interval", non_negative, default = "0")]
    pub limit_interval: u32,
    /// Messages in an interval; what is above is dropped.
    #[param(name = "rateLimit.burst", non_negative, default = "200")]
    pub limit_burst: u32,
    /// The ratelimit() object that limits it, instead of interval and burst.
    #[param(name = "rateLimit.name")]
    pub limit_name: Option<String>,
}

pub struct Omusrmsg {
    host: Host,
    recipients: Recipients,
    limit: Option<Mutex<Limit>>,
}

enum Recipients {
    Everybody,
    Users(Vec<String>),
}

impl Output for Omusrmsg {
    const NAME: &'static str = "omusrmsg";
    const BUILTIN: bool = true;
    const DEFAULT_TEMPLATE: &'static str = " StdUsrMsgFmt";
    type Module = ();
    type Settings = ActionParams;
    type Worker = Writer;

    fn new((): &(), params: ActionParams, host: Host) -> Result<Self, Complaint> {
        let recipients = match params.users.trim() {
            "*" => Recipients::Everybody,
            users => {
                let users = users.split(',').map(str::trim).filter(|user| !user.is_empty());
                Recipients::Users(users.map(str::to_owned).collect())
            }
        };
        if matches!(&recipients, Recipients::Users(users) if users.is_empty()) {
            return Err(Complaint::new("no user is named").param("users"));
        }
        let limit = Limit::unless_named(&params.limit_name, params.limit_interval, params.limit_burst);
        let limit = limit.map(Mutex::new);
        Ok(Self { host, recipients, limit })
    }
}

impl Omusrmsg {
    fn allowed(&self, wanted: usize) -> usize {
        let Some(limit) = &self.limit else { return wanted };
        let mut limit = limit.lock().unwrap_or_else(PoisonError::into_inner);
        limit.take(wanted, |words, code| self.host.log(Level::Warning, code, &format!("omusrmsg: {words}")))
    }
}

impl Recipients {
    fn include(&self, session: &Session) -> bool {
        match self {
            Recipients::Everybody => true,
            Recipients::Users(users) => users.contains(&session.user),
        }
    }
}

pub struct Writer;

impl Worker<Omusrmsg> for Writer {
    fn new(_: &Omusrmsg) -> Result<Self, Complaint> {
        Ok(Self)
    }

    fn commit(&mut self, output: &Omusrmsg, records: &Records<'_>) -> Commit {
        let allowed = output.allowed(records.len());
        for session in sessions::all().iter().filter(|s| output.recipients.include(s)) {
            // A terminal that is closed or stuck is nobody's loss but its own.
            let _ = tell(session, records.rows().take(allowed));
        }
        Commit::Done
    }

    fn resume(&mut self, _: &Omusrmsg) -> Result<(), Complaint> {
        Ok(())
    }
}

fn tell<'a>(session: &Session, texts: impl Iterator<Item = &'a [u8]>) -> std::io::Result<()> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let mut terminal = OpenOptions::new().write(true).custom_flags(flags).open(session.terminal())?;
    let facts = terminal.metadata()?;
    // rsyslog: a terminal that its owner may not write to is closed to everybody.
    if !facts.file_type().is_char_device() || facts.mode() & 0o200 == 0 {
        return Ok(());
    }
    for text in texts {
        terminal.write_all(text)?;
    }
    Ok(())
}

plugin! { name: "omusrmsg", outputs: [Omusrmsg] }

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{TestHost, settings};

    fn make(host: &TestHost, words: &[(&'static str, &str)]) -> Result<Omusrmsg, Complaint> {
        Omusrmsg::new(&(), settings(words)?, host.host())
    }

    #[test]
    fn recipients_are_everybody_or_those_named() {
        let host = TestHost::new();
        let named = |users: &str, user: &str| {
            let session = Session { user: user.into(), line: "pts/0".into() };
            make(&host, &[("users", users)]).unwrap().recipients.include(&session)
        };
        assert!(named("*", "ann") && named("ann", "ann") && named("bob, ann", "ann"));
        assert!(!named("bob", "ann") && !named("anna", "ann"));
        assert_eq!(make(&host, &[("users", ",")]).err().unwrap().param, Some("users"));
        assert_eq!(make(&host, &[]).err().unwrap().param, Some("users"));
    }

    #[test]
    fn a_rate_limit_drops_what_is_above() {
        let host = TestHost::new();
        let words = [("users", "*"), ("rateLimit.interval", "600"), ("rateLimit.burst", "3")];
        let output = make(&host, &words).unwrap();
        assert_eq!((output.allowed(2), output.allowed(2), output.allowed(2)), (2, 1, 0));
        assert_eq!(host.lines()[0].text, "omusrmsg: begin to drop messages due to rate-limiting");
    }

    #[test]
    fn only_terminals_are_written_to() {
        let dir = std::env::temp_dir().join(format!("omusrmsg-tty-{}", std::process::id()));
        std::fs::write(&dir, "").unwrap();
        let line = std::path::Path::new("..").join(dir.strip_prefix("/").unwrap());
        tell(&Session { user: "ann".into(), line }, [&b"text"[..]].into_iter()).unwrap();
        let text = std::fs::read_to_string(&dir);
        std::fs::remove_file(&dir).unwrap();
        assert_eq!(text.unwrap(), "");
        let null = Session { user: "ann".into(), line: "null".into() };
        tell(&null, [&b"text"[..]].into_iter()).unwrap();
    }

    #[test]
    fn the_readme_has_the_tables() {
        use sysloom_sdk::testing::{check_readme, table};
        check_readme(env!("CARGO_MANIFEST_DIR"), &[("action", table::<ActionParams>())]);
    }
}
