//! Sockets that systemd opens before the daemon runs and passes to it (sd_listen_fds(3)). A shell stands in for systemd:
//! it puts the sockets at 3 and 4, says so in the environment and becomes the daemon.

use crate::{config, rsyslogd, text};
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::process::{Command, Stdio};
use sysloom_tests::{Diag, Dir, wait_for};

const CONFIG: &str = "module(load=\"imuxsock\" sysSock.name=\"{dir}/system\" sysSock.rateLimit.interval=\"0\")\n\
                      input(type=\"imuxsock\" socket=\"{dir}/further\")\n\
                      template(name=\"f\" type=\"string\" string=\"%syslogtag%%msg%\\n\")\n\
                      action(type=\"omfile\" file=\"{dir}/log\" template=\"f\")\n";

/// The command, started as systemd starts it: with two sockets, meant for the process that this shell word names.
fn passes(command: &mut Command, meant_for: &str, sockets: [OwnedFd; 2]) {
    let script = format!(
        "exec 3<&0 4<&1 </dev/null >&2; export LISTEN_FDS=2 LISTEN_PID={meant_for}; exec \"$0\" \"$@\""
    );
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    let [third, fourth] = sockets;
    shell.stdin(Stdio::from(third)).stdout(Stdio::from(fourth)).stderr(Stdio::inherit());
    *command = shell;
}

fn bound(dir: &Dir, name: &str) -> UnixDatagram {
    UnixDatagram::bind(dir.file(name)).unwrap()
}

fn send(path: &Path, message: &str) {
    UnixDatagram::unbound().unwrap().send_to(message.as_bytes(), path).unwrap();
}

/// A daemon that gets both sockets.
fn start(dir: &Dir, config: &str, meant_for: &str, sockets: [OwnedFd; 2]) -> Diag {
    let stderr = std::fs::File::create(dir.file("shell.stderr")).unwrap();
    Diag::start_with(dir, "", config, |command| {
        passes(command, meant_for, sockets);
        command.stderr(stderr);
    })
}

/// The lines that were written so far.
fn log(dir: &Dir) -> Vec<String> {
    let text = std::fs::read_to_string(dir.file("log")).unwrap_or_default();
    text.lines().map(String::from).collect()
}

/// Waits for a line that ends so.
fn wait_for_line(dir: &Dir, end: &str) {
    wait_for(end, || log(dir).iter().any(|line| line.ends_with(end)).then_some(()));
}

#[test]
fn what_was_sent_before_the_daemon_ran_arrives_and_the_files_stay() {
    let dir = Dir::new();
    let sockets = [bound(&dir, "system"), bound(&dir, "further")];
    let passed = || sockets.each_ref().map(|socket| OwnedFd::from(socket.try_clone().unwrap()));
    for run in ["first", "second"] {
        send(&dir.file("system"), &format!("<13>{run}: early"));
        send(&dir.file("further"), &format!("<13>{run}: early, too"));
        let daemon = start(&dir, CONFIG, "$$", passed());
        for name in ["system", "further"] {
            send(&dir.file(name), &format!("<13>{run}: {name}"));
        }
        let ends = ["early", "early, too", "system", "further"].map(|end| format!("{run}: {end}"));
        ends.iter().for_each(|end| wait_for_line(&dir, end));
        for fd in [3, 4] {
            let facts = std::fs::read_to_string(format!("/proc/{}/fdinfo/{fd}", daemon.pid())).unwrap();
            let flags = facts.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
            let closed_on_exec = i32::from_str_radix(flags, 8).unwrap() & OFlag::O_CLOEXEC.bits() != 0;
            assert!(closed_on_exec, "what was passed goes no further: {facts}");
        }
        assert!(daemon.stop().success());
        let log = log(&dir);
        let with = |end: &str| log.iter().filter(|line| line.ends_with(end)).count();
        for end in ends {
            assert_eq!(with(&end), 1, "{end}: {log:?}");
        }
        for (name, fd) in [("system", 3), ("further", 4)] {
            let path = dir.file(name);
            assert!(path.exists(), "{path:?} is systemd's");
            let said = format!("Acquired UNIX socket '{}' (fd {fd}) from systemd.", path.display());
            let acquired = log.iter().filter(|line| line.contains(&said)).count();
            assert_eq!(acquired, if run == "first" { 1 } else { 2 }, "{log:?}");
        }
    }
}

#[test]
fn what_no_input_is_for_is_one_line_and_is_closed() {
    let dir = Dir::new();
    let stranger = bound(&dir, "stranger");
    let listener = UnixListener::bind(dir.file("stream")).unwrap();
    let daemon = start(&dir, CONFIG, "$$", [stranger.try_clone().unwrap().into(), listener.into()]);
    let holds = |path: &Path| {
        let table = std::fs::read_to_string("/proc/net/unix").unwrap();
        let line = table.lines().find(|line| line.ends_with(path.to_str().unwrap()));
        let inode = line.unwrap().split_whitespace().nth(6).unwrap().to_string();
        let fds = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap();
        let target = Path::new(&format!("socket:[{inode}]")).to_path_buf();
        fds.flatten().any(|fd| std::fs::read_link(fd.path()).is_ok_and(|link| link == target))
    };
    assert!(holds(&dir.file("system")) && !holds(&dir.file("stranger")));
    assert!(daemon.stop().success());
    let log = log(&dir);
    let said: Vec<_> = log.iter().filter(|line| line.contains("systemd passed descriptor")).collect();
    assert_eq!(said.len(), 2, "{log:?}");
    let path = dir.file("stranger");
    assert!(said[0].contains(&format!("descriptor 3 (socket '{}')", path.display())), "{said:?}");
    assert!(said[1].contains("descriptor 4 (no local datagram socket)"), "{said:?}");
    // Its own it made and took away.
    assert!(path.exists() && !dir.file("system").exists());
}

#[test]
fn what_is_meant_for_another_process_is_not_taken() {
    for other in ["$PPID", ""] {
        let dir = Dir::new();
        let sockets = [bound(&dir, "system"), bound(&dir, "further")];
        send(&dir.file("system"), "<13>early: unheard");
        let daemon = start(&dir, CONFIG, other, sockets.map(OwnedFd::from));
        send(&dir.file("system"), "<13>late: heard");
        wait_for_line(&dir, "late: heard");
        assert!(daemon.stop().success());
        let log = log(&dir);
        assert!(!log.iter().any(|line| line.contains("early") || line.contains("systemd")), "{log:?}");
        assert!(!dir.file("system").exists(), "the socket was its own");
    }
}

/// rsyslogd would make sockets of its own then, in the place of systemd's.
#[test]
fn a_start_in_the_background_takes_them_along() {
    let dir = Dir::new();
    let sockets = [bound(&dir, "system"), bound(&dir, "further")];
    send(&dir.file("system"), "<13>early: a");
    send(&dir.file("further"), "<13>early: b");
    config(&dir, "a.conf", CONFIG);
    let mut command = rsyslogd(&dir);
    command.args(["-fa.conf", "-C", "-ix.pid"]);
    passes(&mut command, "$$", sockets.map(OwnedFd::from));
    let out = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    let pid: i32 = std::fs::read_to_string(dir.file("x.pid")).unwrap().parse().unwrap();
    wait_for_line(&dir, "early: a");
    wait_for_line(&dir, "early: b");
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    wait_for("its end", || (!dir.file("x.pid").exists()).then_some(()));
    assert!(dir.file("system").exists() && dir.file("further").exists());
}
