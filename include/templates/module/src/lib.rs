//! `acme`: an output that appends each record to a file.
#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use sysloom_sdk::{Commit, Complaint, Counter, Host, Output, Params, Records, Worker, plugin};

/// Options of `action(type="acme" ...)`.
#[derive(Params)]
pub struct Settings {
    /// The file to append to.
    #[param(required)]
    file: PathBuf,
    /// What a record looks like.
    #[param(template)]
    #[allow(dead_code, reason = "the daemon renders it")]
    template: Option<String>,
}

/// One action.
pub struct Action {
    file: PathBuf,
    written: Counter,
}

impl Output for Action {
    const NAME: &'static str = "acme";
    const DEFAULT_TEMPLATE: &'static str = "RSYSLOG_TraditionalFileFormat";
    type Module = ();
    type Settings = Settings;
    type Worker = Writer;

    fn new(_: &(), settings: Settings, host: Host) -> Result<Self, Complaint> {
        Ok(Self { file: settings.file, written: host.counter("written") })
    }
}

/// What one committing thread writes with.
pub struct Writer(File);

impl Worker<Action> for Writer {
    fn new(action: &Action) -> Result<Self, Complaint> {
        let file = OpenOptions::new().append(true).create(true).open(&action.file);
        file.map(Writer).map_err(|e| Complaint::io(format!("cannot open {}", action.file.display()), &e))
    }

    fn commit(&mut self, action: &Action, records: &Records<'_>) -> Commit {
        match self.0.write_all(records.block()) {
            Ok(()) => {
                action.written.add(records.len() as u64);
                Commit::Done
            }
            Err(e) => Commit::Suspended(Complaint::io("cannot write", &e)),
        }
    }

    fn resume(&mut self, _: &Action) -> Result<(), Complaint> {
        Ok(())
    }
}

plugin! { name: "acme", outputs: [Action] }

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{Rows, TestHost, settings};

    #[test]
    fn records_are_appended() {
        let path = std::env::temp_dir().join(format!("acme-{}", std::process::id()));
        let host = TestHost::new();
        let words = settings(&[("file", path.to_str().unwrap())]).unwrap();
        let action = Action::new(&(), words, host.host()).unwrap();
        let mut writer = Writer::new(&action).unwrap();
        let done = Rows::new(["one\n", "two\n"]).lend(&host, |records| writer.commit(&action, records));
        assert!(matches!(done, Commit::Done));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(host.count("written"), 2);
        std::fs::remove_file(&path).unwrap();
    }
}
