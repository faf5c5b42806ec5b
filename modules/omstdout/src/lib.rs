//! omstdout: records to the daemon's standard output, for tests and containers.
#![forbid(unsafe_code)]

use std::io::Write;
use sysloom_sdk::{Commit, Complaint, Host, Output, Params, Records, Worker, plugin};

/// `action(type="omstdout")`.
#[derive(Params)]
pub struct ActionParams {
    /// Append LF to records that do not end in one.
    #[param(name = "ensureLFEnding", default = "on", legacy = "ActionOMStdoutEnsureLFEnding:sticky")]
    pub ensure_lf: bool,
    /// Template of the records.
    #[param(template)]
    pub template: Option<String>,
}

pub struct Omstdout {
    ensure_lf: bool,
}

impl Output for Omstdout {
    const NAME: &'static str = "omstdout";
    const DEFAULT_TEMPLATE: &'static str = "RSYSLOG_FileFormat";
    type Module = ();
    type Settings = ActionParams;
    type Worker = Printer;

    fn new((): &(), params: ActionParams, _: Host) -> Result<Self, Complaint> {
        Ok(Self { ensure_lf: params.ensure_lf })
    }
}

pub struct Printer {
    text: Vec<u8>,
}

impl Worker<Omstdout> for Printer {
    fn new(_: &Omstdout) -> Result<Self, Complaint> {
        Ok(Self { text: Vec::new() })
    }

    fn commit(&mut self, output: &Omstdout, records: &Records<'_>) -> Commit {
        self.text.clear();
        records.rows().for_each(|row| push(&mut self.text, row, output.ensure_lf));
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(&self.text).and_then(|()| stdout.flush()) {
            Ok(()) => Commit::Done,
            Err(e) => Commit::Suspended(Complaint::io("cannot write to standard output", &e)),
        }
    }

    fn resume(&mut self, _: &Omstdout) -> Result<(), Complaint> {
        Ok(())
    }
}

fn push(out: &mut Vec<u8>, row: &[u8], ensure_lf: bool) {
    out.extend_from_slice(row);
    if ensure_lf && row.last() != Some(&b'\n') {
        out.push(b'\n');
    }
}

plugin! { name: "omstdout", outputs: [Omstdout] }

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{Rows, TestHost, settings};

    #[test]
    fn a_line_is_ended_unless_told_otherwise() {
        for (words, text) in [(&[][..], "a\nb\n\n"), (&[("ensureLFEnding", "off")][..], "ab\n")] {
            let host = TestHost::new();
            let output = Omstdout::new(&(), settings(words).unwrap(), host.host()).unwrap();
            let mut printer = Printer::new(&output).unwrap();
            let commit = Rows::new(["a", "b\n", ""]).lend(&host, |records| printer.commit(&output, records));
            assert!(matches!(commit, Commit::Done));
            assert_eq!(String::from_utf8_lossy(&printer.text), text);
        }
    }

    #[test]
    fn the_readme_has_the_tables() {
        use sysloom_sdk::testing::{check_readme, table};
        check_readme(env!("CARGO_MANIFEST_DIR"), &[("action", table::<ActionParams>())]);
    }
}
