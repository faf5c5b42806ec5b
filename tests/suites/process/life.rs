//! Start, HUP and end: files, signals, exit codes, systemd.

use crate::{Started, config, rsyslogd, text};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};
use sysloom_tests::{Diag, Dir, wait_for};

const LOG: &str = "*.* action(type=\"omfile\" file=\"{dir}/log\")\n";

#[test]
fn the_termination_file_is_the_last_thing() {
    let dir = Dir::new();
    let daemon = Diag::start(&dir, LOG);
    let (pid, file) = (daemon.pid(), daemon.termination.clone());
    assert_eq!(std::fs::read_to_string(dir.file("X:.pid")).unwrap(), pid.to_string());
    assert!(!file.exists());
    assert!(daemon.stop().success());
    let said = std::fs::read_to_string(&file).unwrap();
    let want = ["status=ok", "reason=normal", &format!("pid={pid}"), "signal=15", "phase=main-return"];
    for line in want {
        assert!(said.lines().any(|l| l == line), "{line}: {said}");
    }
    assert!(said.lines().any(|l| l == "queue.overall.size=0"));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!dir.file("X:.pid").exists());
}

#[test]
fn a_killed_daemon_leaves_none() {
    let dir = Dir::new();
    let mut daemon = Diag::start(&dir, LOG);
    daemon.signal(Signal::SIGKILL);
    assert_eq!(daemon.wait().signal(), Some(Signal::SIGKILL as i32));
    assert!(!daemon.termination.exists() && dir.file("X:.pid").exists());
    // The pid file of a process that is gone does not stop the next one.
    assert!(Diag::start(&dir, LOG).stop().success());
}

#[test]
fn start_hup_and_exit_are_said() {
    let dir = Dir::new();
    let mut daemon = Diag::start(&dir, LOG);
    let pid = daemon.pid();
    daemon.signal(Signal::SIGHUP);
    assert!(daemon.say("AwaitHUPComplete").contains("has completed"));
    assert!(daemon.stop().success());
    let said = std::fs::read_to_string(dir.file("X.started")).unwrap();
    let origin = |what: &str| format!("x-pid=\"{pid}\" x-info=\"https://www.rsyslog.com\"] {what}");
    let ends: Vec<String> = ["start", "rsyslogd was HUPed", "exiting on signal 15."].map(origin).into();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    for (line, end) in lines.iter().zip(&ends) {
        assert!(
            line.contains(" rsyslogd: [origin software=\"rsyslogd\" swVersion=\"") && line.ends_with(end),
            "{said}"
        );
    }
}

#[test]
fn a_fifth_sigterm_aborts() {
    let dir = Dir::new();
    let config = "module(load=\"omtesting\")\nmain_queue(queue.timeoutShutdown=\"100000\")\nif $msg contains \
         \"msgnum\" then action(type=\"omtesting\" command=\"always_suspend\" action.resumeRetryCount=\"-1\")\n";
    let mut daemon = Diag::start(&dir, config);
    daemon.say("injectmsg 0 1");
    for _ in 0..5 {
        daemon.signal(Signal::SIGTERM);
        // Each one must be taken before the next is sent: pending signals of one kind are one.
        let status = format!("/proc/{}/status", daemon.pid());
        wait_for("the signal to be taken", || {
            let Ok(text) = std::fs::read_to_string(&status) else { return Some(()) };
            let mask = text.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
            let pending = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
            (pending & (1 << (Signal::SIGTERM as u32 - 1)) == 0).then_some(())
        });
        // The thread that counts them wakes for each.
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert_eq!(daemon.wait().signal(), Some(Signal::SIGABRT as i32));
    assert!(!daemon.termination.exists());
}

#[test]
fn systemd_hears_that_it_is_ready_and_that_it_stops() {
    let dir = Dir::new();
    let socket = UnixDatagram::bind(dir.file("notify")).unwrap();
    socket.set_read_timeout(Some(sysloom_tests::PATIENCE)).unwrap();
    let hear = || {
        let mut buffer = [0; 100];
        let n = socket.recv(&mut buffer).unwrap();
        text(&buffer[..n])
    };
    let path = dir.file("notify");
    let daemon = Diag::start_with(&dir, "", LOG, |command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    assert_eq!(hear(), "READY=1");
    assert!(daemon.stop().success());
    assert_eq!(hear(), "STOPPING=1");
}

/// With or without systemd.notifyReadyDelay, everything is bound when systemd hears that the daemon is ready.
#[test]
fn inputs_are_there_when_systemd_hears_of_it() {
    let dir = Dir::new();
    let socket = UnixDatagram::bind(dir.file("notify")).unwrap();
    socket.set_read_timeout(Some(sysloom_tests::PATIENCE)).unwrap();
    for word in ["on", "off"] {
        let config = format!(
            "global(systemd.notifyReadyDelay=\"{word}\")\n{LOG}module(load=\"imtcp\")\nmodule(load=\"imudp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/tcp\")\n\
             input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/udp\")\n"
        );
        for file in ["tcp", "udp"] {
            let _ = std::fs::remove_file(dir.file(file));
        }
        let path = config_file(&dir, &config);
        let child = rsyslogd(&dir)
            .args(["-n", "-iNONE", "-f", &path])
            .env("NOTIFY_SOCKET", dir.file("notify"))
            .spawn();
        let child = crate::Started(child.unwrap());
        let mut buffer = [0; 100];
        let n = socket.recv(&mut buffer).unwrap();
        assert_eq!(text(&buffer[..n]), "READY=1");
        // Nothing is waited for here.
        let port = |file| std::fs::read_to_string(dir.file(file)).unwrap().trim().parse::<u16>().unwrap();
        assert!(sysloom_tests::port::listens(port("tcp")), "{word}");
        assert!(sysloom_tests::port::receives(port("udp")), "{word}");
        drop(child);
    }
}

fn config_file(dir: &Dir, text: &str) -> String {
    let text = text.replace("{dir}", &dir.path().display().to_string());
    dir.write("ready.conf", text).display().to_string()
}

#[test]
fn a_start_in_the_background_answers_with_its_success() {
    let dir = Dir::new();
    config(
        &dir,
        "a.conf",
        &format!("{LOG}module(load=\"imdiag\" serverRun=\"0\" listenPortFileName=\"{{dir}}/port\")\n"),
    );
    let out = rsyslogd(&dir).args(["-fa.conf", "-C", "-ix.pid"]).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    // The pid is that of the process that stays, and it is there already.
    let pid: i32 = std::fs::read_to_string(dir.file("x.pid")).unwrap().parse().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session: i32 = stat.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap().parse().unwrap();
    assert_eq!(session, pid, "it leads a session of its own");
    for fd in 0..3 {
        let target = std::fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap();
        assert_eq!(target.to_str(), Some("/dev/null"));
    }
    // A second one is refused while the first one lives.
    let second = rsyslogd(&dir).args(["-fa.conf", "-n", "-ix.pid"]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("already"), "{}", text(&second.stderr));
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    wait_for("its end", || (!dir.file("x.pid").exists()).then_some(()));
    config(&dir, "bad.conf", "");
    let out = rsyslogd(&dir).args(["-fbad.conf", "-ix.pid"]).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stderr).contains("2103") && !dir.file("x.pid").exists());
    let out = rsyslogd(&dir).args(["-n", "-fa.conf", "-i/nonexistent/pid"]).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
}

/// The limit is 60 s unless it is set; here the configuration is a pipe that nobody has written to yet.
#[test]
fn whoever_starts_it_in_the_background_is_not_kept_waiting_for_ever() {
    let dir = Dir::new();
    let pipe = dir.file("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    config(&dir, "a.conf", &format!("{LOG}include(file=\"{{dir}}/pipe\")\n"));
    let before = Instant::now();
    let mut start = rsyslogd(&dir);
    // A file, since the daemon keeps its end of what it has got.
    start.stderr(std::fs::File::create(dir.file("stderr")).unwrap()).stdout(std::process::Stdio::null());
    let status =
        start.args(["-fa.conf", "-C", "-ix.pid"]).env("SYSLOOM_START_TIMEOUT", "1").status().unwrap();
    assert!((1..20).contains(&before.elapsed().as_secs()), "{:?}", before.elapsed());
    assert_eq!(status.code(), Some(1));
    let said = std::fs::read_to_string(dir.file("stderr")).unwrap();
    assert!(said.contains("the daemon was not ready within 1s"), "{said}");
    assert!(!dir.file("x.pid").exists());
    // The one that it waited for goes on by itself.
    std::fs::write(&pipe, "# nothing more\n").unwrap();
    let pid = wait_for("the daemon", || std::fs::read_to_string(dir.file("x.pid")).ok()?.parse().ok());
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    wait_for("its end", || (!dir.file("x.pid").exists()).then_some(()));
}

#[test]
fn its_directory_is_the_root_unless_told_otherwise() {
    for (words, root) in [(&["-n"][..], true), (&["-n", "-C"], false), (&["-n", "-u2"], false)] {
        let dir = Dir::new();
        config(&dir, "a.conf", LOG);
        let pid_file = dir.file("x.pid");
        let mut command = rsyslogd(&dir);
        let mut child =
            Started(command.args(words).arg("-fa.conf").arg("-i").arg(&pid_file).spawn().unwrap());
        wait_for("the pid file", || pid_file.exists().then_some(()));
        let cwd = std::fs::read_link(format!("/proc/{}/cwd", child.id())).unwrap();
        assert_eq!(cwd == std::path::Path::new("/"), root, "{words:?} {cwd:?}");
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn umask_and_open_files_are_as_configured() {
    let dir = Dir::new();
    let config = format!("global(umask=\"0077\" maxOpenFiles=\"777\")\n{LOG}");
    let daemon = Diag::start(&dir, &config);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(files.split_whitespace().nth(3), Some("777"));
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
    assert!(status.lines().any(|line| line == "Umask:\t0077"), "{status}");
    assert!(daemon.stop().success());
}

#[test]
fn ctrl_c_ends_it_when_the_configuration_allows() {
    let dir = Dir::new();
    let mut daemon = Diag::start(&dir, &format!("global(shutdown.enable.ctlc=\"on\")\n{LOG}"));
    daemon.signal(Signal::SIGINT);
    assert!(daemon.wait().success());
    let said = std::fs::read_to_string(&daemon.termination).unwrap();
    assert!(said.contains("signal=2\n"), "{said}");
}

#[test]
fn a_shutdown_under_load_loses_nothing_that_its_time_allows() {
    let dir = Dir::new();
    let config = "template(name=\"n\" type=\"string\" string=\"%msg:F,58:2%\\n\")\n\
                  if $msg contains \"msgnum\" then action(type=\"omfile\" file=\"{dir}/log\" template=\"n\")\n";
    let mut daemon = Diag::start(&dir, config);
    assert_eq!(daemon.say("injectmsg 0 50000"), "50000 messages injected");
    let before = Instant::now();
    // At once, with the queue still full.
    assert!(daemon.stop_now().success());
    assert!(before.elapsed() < Duration::from_secs(12));
    let text = std::fs::read_to_string(dir.file("log")).unwrap();
    let mut numbers: Vec<usize> = text.lines().map(|n| n.parse().unwrap()).collect();
    // So many have a second worker start.
    numbers.sort_unstable();
    assert_eq!(numbers, (0..50_000).collect::<Vec<_>>());
}
