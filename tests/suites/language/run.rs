//! Runs a daemon on the cases and reads what came out.

use crate::cases::{Case, configuration};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use sysloom_tests::{Dir, built, wait_for};

/// What each case gave for each message, counted from 1.
pub type Results = BTreeMap<(String, usize), Vec<u8>>;

/// A daemon to compare.
pub struct Subject {
    pub name: &'static str,
    command: Vec<PathBuf>,
}

/// A running daemon, which ends with the test.
pub struct Running {
    child: Child,
    name: &'static str,
    log: PathBuf,
}

impl Subject {
    /// rsyslogd, if it is installed.
    pub fn rsyslogd() -> Option<Self> {
        let exe = Path::new("/usr/sbin/rsyslogd");
        exe.exists().then(|| Self { name: "rsyslogd", command: vec![exe.into()] })
    }

    pub fn sysloomd() -> Self {
        let built = built();
        Self { name: "sysloomd", command: vec![built.daemon.clone(), "-M".into(), built.modules.clone()] }
    }

    /// Sends the messages through all cases.
    pub fn run(&self, dir: &Dir, cases: &[Case], messages: &[Vec<u8>]) -> Results {
        let name = self.name;
        let (out, port) = (dir.file(&format!("{name}.out")), dir.file(&format!("{name}.port")));
        for (table, text) in TABLES {
            dir.write(table, text);
        }
        let input = format!(
            "global(workDirectory=\"{}\")\nmodule(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{}\")\n",
            dir.path().display(),
            port.display()
        );
        let body = configuration(cases)
            .replace("{out}", &out.display().to_string())
            .replace("{dir}", &dir.path().display().to_string());
        let mut running = Running::start(self, dir, &format!("{input}{body}"));
        // The file may be there before the port listens.
        let mut stream = wait_for(&format!("{name}'s port"), || {
            running.check();
            let port: u16 = std::fs::read_to_string(&port).ok()?.trim().parse().ok()?;
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        for message in messages {
            stream.write_all(message).and_then(|()| stream.write_all(b"\n")).expect("it reads");
        }
        let last = format!("[[end|{}||]]", messages.len());
        wait_for(&format!("{name}'s last result"), || {
            running.check();
            let text = std::fs::read(&out).ok()?;
            text.windows(last.len()).any(|w| w == last.as_bytes()).then_some(())
        });
        results(&std::fs::read(&out).expect("it was just read"))
    }
}

impl Running {
    pub fn start(subject: &Subject, dir: &Dir, config: &str) -> Self {
        let name = subject.name;
        let config = dir.write(&format!("{name}.conf"), config);
        let log = dir.file(&format!("{name}.log"));
        let said = File::create(&log).expect("the directory is ours");
        let mut command = Command::new(&subject.command[0]);
        command
            .args(&subject.command[1..])
            .arg("-n")
            .args(["-i", "NONE", "-f"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(said.try_clone().expect("a file can be shared"))
            .stderr(said)
            .env_remove("SYSLOOM_BIN")
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        let child = command.spawn().unwrap_or_else(|e| panic!("{name}: {e}"));
        Self { child, name, log }
    }

    /// Panics if the daemon is gone.
    pub fn check(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("{} ended, {status}:\n{said}", self.name);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        let _ = self.child.wait();
    }
}

/// Reads `[[case|message|value|]]`.
fn results(text: &[u8]) -> Results {
    let mut results = Results::new();
    for part in split(text, b"|]]\n") {
        let Some(start) = part.windows(2).position(|w| w == b"[[") else { continue };
        let mut cells = part[start + 2..].splitn(3, |b| *b == b'|');
        let mut text = || cells.next().map(|cell| String::from_utf8_lossy(cell).into_owned());
        let (Some(case), Some(Ok(message))) = (text(), text().map(|n| n.parse())) else { continue };
        results.insert((case, message), cells.next().unwrap_or_default().to_vec());
    }
    results
}

fn split<'a>(text: &'a [u8], mark: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let at = rest.windows(mark.len()).position(|w| w == mark)?;
        let part = &rest[..at];
        rest = &rest[at + mark.len()..];
        Some(part)
    })
}

const TABLES: [(&str, &str); 3] = [
    (
        "strings.json",
        r#"{"version":1,"nomatch":"none","type":"string","table":[{"index":"key1","value":"one"},{"index":"su","value":"switch"}]}"#,
    ),
    (
        "array.json",
        r#"{"version":1,"nomatch":"none","type":"array","table":[{"index":5,"value":"five"},{"index":6,"value":"six"}]}"#,
    ),
    (
        "sparse.json",
        r#"{"version":1,"nomatch":"none","type":"sparseArray","table":[{"index":100,"value":"hundred"},{"index":200,"value":"two"}]}"#,
    ),
];
