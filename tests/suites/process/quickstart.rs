//! The quick start: certificates, two configurations, two daemons, a message that arrives, and nothing left running.

use super::{Started, rsyslogd, text};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use sysloom_tests::{Dir, daemon_command, file_lines, wait_for};

fn quickstart(dir: &Dir) -> Command {
    let mut command = daemon_command();
    command.env("TMPDIR", dir.path()).arg("quickstart");
    command
}

/// The folder that it made.
fn folder(dir: &Dir) -> PathBuf {
    let mut made = std::fs::read_dir(dir.path()).unwrap().flatten();
    let folder = made.next().expect("it makes a folder").path();
    assert!(made.next().is_none(), "and nothing beside it");
    folder
}

/// The processes that have a word with this path in their command line.
fn processes(folder: &Path) -> Vec<i32> {
    let folder = folder.display().to_string();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid: &i32| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(&folder)
        })
        .collect()
}

#[test]
fn once_shows_the_message_and_ends_with_everything_that_it_started() {
    let dir = Dir::new();
    let out = quickstart(&dir).arg("--once").output().unwrap();
    let (said, wrong) = (text(&out.stdout), text(&out.stderr));
    assert_eq!(out.status.code(), Some(0), "{said}{wrong}");
    assert_eq!(wrong, "");
    let folder = folder(&dir);
    // It names the two configurations, then shows the line of the collector's file.
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines[0].contains(folder.join("collector.conf").to_str().unwrap()), "{said}");
    assert!(lines[1].contains(folder.join("client.conf").to_str().unwrap()), "{said}");
    assert!(lines[1].contains(folder.join("log").to_str().unwrap()), "{said}");
    assert!(lines[2].ends_with("quickstart: hello over TLS"), "{said}");
    let arrived = std::fs::read_to_string(folder.join("collector.log")).unwrap();
    assert_eq!(arrived, format!("{}\n", lines[2]));
    assert!(processes(&folder).is_empty());
    for file in ["collector.conf", "client.conf"] {
        let checked = daemon_command().arg("-N1").arg("-f").arg(folder.join(file)).output().unwrap();
        assert!(checked.status.success(), "{file}: {}", text(&checked.stderr));
    }
}

#[test]
fn it_goes_on_until_a_signal_and_ends_its_daemons_even_when_it_is_killed() {
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let dir = Dir::new();
        let mut started = Started(quickstart(&dir).stdout(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(started.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.ends_with("hello over TLS")));
        // Two lines teach how to send more.
        let (_, command) = (lines.next().unwrap(), lines.next().unwrap());
        let folder = folder(&dir);
        let socket = folder.join("log");
        assert!(command.contains(&format!("--socket '{}'", socket.display())), "{command}");
        let sent = Command::new("sh").arg("-c").arg(&command).status().expect("a shell");
        assert!(sent.success(), "{command}");
        assert!(lines.any(|line| line.contains("me: any text")), "what arrives is shown");
        file_lines(&folder.join("collector.log"), 2);
        assert_eq!(processes(&folder).len(), 2);
        let pid = Pid::from_raw(started.id() as i32);
        kill(pid, signal).unwrap();
        let status = started.wait().unwrap();
        assert_eq!(status.success(), signal == Signal::SIGINT, "{status}");
        wait_for("the daemons to end", || processes(&folder).is_empty().then_some(()));
    }
}

#[test]
fn a_step_that_fails_is_said() {
    let dir = Dir::new();
    // Without modules the collector does not start, and says why.
    let out = quickstart(&dir).arg("--once").env("SYSLOOM_MODDIR", dir.path()).output().unwrap();
    let wrong = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{wrong}");
    assert!(wrong.starts_with("sysloomd quickstart: the collector ended, "), "{wrong}");
    assert!(wrong.contains("could not load module 'imtcp'"), "{wrong}");
    assert!(processes(dir.path()).is_empty());

    let out = quickstart(&dir).env("TMPDIR", dir.file("nowhere")).output().unwrap();
    let wrong = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{wrong}");
    assert!(wrong.contains("/nowhere/sysloom-quickstart-") && wrong.contains("No such file"), "{wrong}");

    let long = dir.file(&"x".repeat(100));
    std::fs::create_dir(&long).unwrap();
    let out = quickstart(&dir).env("TMPDIR", &long).output().unwrap();
    let wrong = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{wrong}");
    assert!(wrong.contains("too long for a socket; set TMPDIR"), "{wrong}");
}

#[test]
fn under_the_name_rsyslogd_the_word_is_a_usage_error() {
    let dir = Dir::new();
    let out = rsyslogd(&dir).arg("quickstart").output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).starts_with("rsyslogd: 'quickstart' is not an option"));
    let help = text(&daemon_command().arg("--help").output().unwrap().stdout);
    assert!(help.contains("sysloomd quickstart [--once]"), "{help}");
}
