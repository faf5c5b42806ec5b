//! The command line, the process's life, and its exit codes.

use crate::{RECEIVE, TEXT};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::path::Path;
use std::process::Output;
use sysloom_tests::{
    Daemon, Dir, built, check, command_of, connect, daemon_command, file_lines, lines, wait_for,
};

fn run(dir: &Dir, config: &str, words: &[&str]) -> Output {
    let file = dir.write("run.conf", config.replace("{dir}", &dir.path().display().to_string()));
    let mut command = daemon_command();
    command.arg("-M").arg(&built().modules).arg("-f").arg(file).args(words);
    command.output().unwrap()
}

#[test]
fn v_says_the_version_and_which_tls_library_a_script_can_count_on() {
    let out = daemon_command().arg("-v").output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success());
    assert!(text.lines().next().unwrap().starts_with("sysloomd  "), "{text}");
    // rsyslog's test harness reads this very line.
    let tls = text.lines().find(|line| line.starts_with("\tTLS network stream driver:")).unwrap();
    assert!(tls.contains("GnuTLS"), "{tls}");
}

/// Exit codes: 0 clean or warnings, 1 errors or nothing to do, 2 errors that the configuration itself forbids.
#[test]
fn a_check_answers_with_its_exit_code() {
    let dir = Dir::new();
    for (code, config) in [
        (0, "*.* {dir}/log\n"),
        (0, "$ModLoad imtcp\n$InputTCPServerRun 0\n*.* {dir}/log\n"),
        (1, ""),
        (1, "# nothing\n"),
        (1, "$ModLoad imtcp\n"),
        (1, "module(load=\"imtcp\" maxSesions=\"5\")\n*.* {dir}/log\n"),
        (1, "$NoSuchDirective on\n*.* {dir}/log\n"),
        (1, "$ModLoad imnosuch\n*.* {dir}/log\n"),
        (1, "global(abortOnUncleanConfig=\"off\")\naction(type=\"omfile\")\n*.* {dir}/log\n"),
        (2, "global(abortOnUncleanConfig=\"on\")\n$NoSuchDirective on\n*.* {dir}/log\n"),
        (2, "$AbortOnUncleanConfig on\n$NoSuchDirective on\n*.* {dir}/log\n"),
    ] {
        let got = check(&dir, config);
        assert_eq!(got.code, code, "{config}\n{}", got.stderr);
        let bye = got.stderr.contains("End of config validation run. Bye.");
        assert_eq!(bye, code == 0, "{}", got.stderr);
        assert!(got.stderr.starts_with("sysloomd: version "), "{}", got.stderr);
    }
    assert!(!dir.file("log").exists(), "a check creates nothing");
}

#[test]
fn a_check_opens_no_listener() {
    let dir = Dir::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config =
        format!("{RECEIVE}input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n*.* {{dir}}/log\n");
    assert_eq!(check(&dir, &config).code, 0);
    assert!(!dir.file("port").exists());
}

/// A daemon that cannot run says why and exits 1; with abortOnUncleanConfig it exits 2.
#[test]
fn a_start_that_cannot_be_ends_with_its_exit_code() {
    let dir = Dir::new();
    for (code, said, config, words) in [
        (1, "there are no active actions configured", "", &["-n", "-i", "NONE"][..]),
        (2, "'$NoSuch'", "$AbortOnUncleanConfig on\n$NoSuch on\n*.* {dir}/log\n", &["-n", "-i", "NONE"]),
        (1, "-f FILE", "*.* {dir}/log\n", &["-n", "-i", "NONE", "word"]),
        (1, "-Z", "*.* {dir}/log\n", &["-n", "-i", "NONE", "-Z"]),
        (1, "cannot write pid file", "*.* {dir}/log\n", &["-n", "-i", "/no/such/directory/pid"]),
    ] {
        let out = run(&dir, config, words);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(code), "{config} {words:?}\n{stderr}");
        let said = said.trim_matches('\'').trim_start_matches('$');
        assert!(stderr.contains(said), "{config} {words:?}\n{stderr}");
    }
    let out = daemon_command().args(["-n", "-i", "NONE", "-f", "/no/such/file.conf"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("/no/such/file.conf") && stderr.contains("-2104"), "{stderr}");
}

#[test]
fn a_second_daemon_with_the_same_pid_file_does_not_start() {
    let dir = Dir::new();
    let daemon = Daemon::start(&dir, "first", "*.* {dir}/log\n");
    let pid_file = dir.file("first.pid");
    assert_eq!(std::fs::read_to_string(&pid_file).unwrap(), daemon.pid().to_string());
    let out = run(&dir, "*.* {dir}/log\n", &["-n", "-i", pid_file.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains(&daemon.pid().to_string()));
    assert_eq!(std::fs::read_to_string(&pid_file).unwrap(), daemon.pid().to_string());
    daemon.stop();
    assert!(!pid_file.exists());
}

/// Without -n the command returns when the daemon is ready: its listener is there, and its pid file names it.
#[test]
fn a_start_in_the_background_returns_when_the_daemon_is_ready() {
    let dir = Dir::new();
    let pid_file = dir.file("daemon.pid");
    let config = format!("{RECEIVE}{TEXT}");
    let out = run(&dir, &config, &["-i", pid_file.to_str().unwrap()]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let pid: i32 = std::fs::read_to_string(&pid_file).unwrap().parse().unwrap();
    let process = format!("/proc/{pid}");
    let session = std::fs::read_to_string(format!("{process}/stat")).unwrap();
    let session = session.rsplit(") ").next().unwrap().split(' ').nth(3).unwrap().to_owned();
    let stop = || kill(Pid::from_raw(pid), Signal::SIGTERM);
    let port = std::fs::read_to_string(dir.file("port")).unwrap().parse().unwrap();
    connect(port).write_all(lines(0..1).as_bytes()).unwrap();
    let got = std::panic::catch_unwind(|| file_lines(&dir.file("log"), 1));
    stop().unwrap();
    assert_eq!(got.unwrap(), ["message 0"]);
    assert_eq!(session, pid.to_string(), "it leads a session of its own");
    wait_for("the daemon's end", || (!pid_file.exists()).then_some(()));
}

#[test]
fn a_start_in_the_background_that_fails_says_so_before_the_command_returns() {
    let dir = Dir::new();
    let out = run(&dir, "", &["-i", "NONE"]);
    assert_eq!(out.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(stderr.contains("no active actions"), "{stderr}");
}

#[test]
fn c_keeps_the_working_directory() {
    for keep in [false, true] {
        let dir = Dir::new();
        let home = dir.path().to_path_buf();
        let daemon = Daemon::start_with(&dir, "daemon", "*.* {dir}/log\n", |command| {
            command.current_dir(&home);
            if keep {
                command.arg("-C");
            }
        });
        let now = std::fs::read_link(format!("/proc/{}/cwd", daemon.pid())).unwrap();
        assert_eq!(now, if keep { home.as_path() } else { Path::new("/") });
        daemon.stop();
    }
}

/// Where each value was set, and which directive reaches a second action.
#[test]
fn explain_config_says_where_values_come_from_and_which_leak() {
    let dir = Dir::new();
    let file = dir.write(
        "check.conf",
        "$ActionFileDefaultTemplate RSYSLOG_FileFormat\n$FileCreateMode 0600\n$ActionResumeRetryCount 3\n\
         *.* /a\n*.* /b\naction(type=\"omfile\" file=\"/c\" fileCreateMode=\"0640\")\n",
    );
    let out = daemon_command().arg("--explain-config").arg("-f").arg(&file).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let of = |number: usize| {
        let begin =
            text.find(&format!("action action-{number}-builtin:omfile  (")).expect("the action's block");
        text[begin..].split("\n\n").next().unwrap_or_default()
    };
    let file = file.display();
    for (number, wanted) in [
        (0, format!("fileCreateMode = \"0600\"  {file}:2:17 $FileCreateMode\n  ")),
        (0, format!("action.resumeRetryCount = \"3\"  {file}:3:25 $ActionResumeRetryCount\n")),
        (0, "zipLevel = \"0\"  default\n".into()),
        (
            1,
            format!(
                "$FileCreateMode was taken by action action-0-builtin:omfile ({file}:4:5) and still holds"
            ),
        ),
        (1, "action.resumeRetryCount = \"0\"  default\n".into()),
        (2, format!("fileCreateMode = \"0640\"  {file}:6:")),
    ] {
        assert!(of(number).contains(&wanted), "action {number} lacks {wanted:?}:\n{}", of(number));
    }
    assert!(!of(0).contains("warning:") && !of(2).contains("warning:"), "{text}");
}

/// Modules come from -M, else SYSLOOM_MODDIR, else RSYSLOG_MODDIR, else from beside the executable.
#[test]
fn the_module_path_has_an_order() {
    let dir = Dir::new();
    let (good, empty) = (dir.file("good"), dir.file("empty"));
    std::fs::create_dir(&empty).unwrap();
    std::os::unix::fs::symlink(&built().modules, &good).unwrap();
    let good = good.to_str().unwrap();
    let empty = empty.to_str().unwrap();
    let both = format!("{empty}:{good}");
    let file = dir.write(
        "check.conf",
        format!("$ModLoad imtcp\n$InputTCPServerRun 0\n*.* {}\n", dir.file("log").display()),
    );
    let code = |option: Option<&str>, sysloom: Option<&str>, rsyslog: Option<&str>| {
        let mut command = daemon_command();
        command.arg("-N1").arg("-f").arg(&file);
        command.args(option.iter().flat_map(|path| ["-M", path]));
        command.envs(sysloom.map(|path| ("SYSLOOM_MODDIR", path)));
        command.envs(rsyslog.map(|path| ("RSYSLOG_MODDIR", path)));
        command.output().unwrap().status.code().unwrap()
    };
    for (want, option, sysloom, rsyslog) in [
        (0, None, None, None),
        (0, Some(good), None, None),
        (1, Some(empty), None, None),
        (0, Some(both.as_str()), None, None),
        (0, None, Some(good), None),
        (1, None, Some(empty), None),
        (0, None, None, Some(good)),
        (1, None, None, Some(empty)),
        (0, None, Some(good), Some(empty)),
        (1, None, Some(empty), Some(good)),
        (0, Some(good), Some(empty), Some(empty)),
        (1, Some(empty), Some(good), Some(good)),
    ] {
        assert_eq!(code(option, sysloom, rsyslog), want, "-M {option:?} {sysloom:?} {rsyslog:?}");
    }
}

/// The collector takes nothing, so messages wait in the queue; SIGTERM comes; the collector reads: all are there.
#[test]
fn sigterm_drains_what_is_queued() {
    const N: usize = 20_000;
    let dir = Dir::new();
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = collector.local_addr().unwrap().port();
    let config = format!(
        "$MainMsgQueueTimeoutShutdown 20000\n{RECEIVE}template(name=\"t\" type=\"string\" string=\"%msg%\\n\")\n\
         *.* @@127.0.0.1:{to};t\n"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    let mut sender = connect(daemon.port(&dir.file("port")));
    let fill = "x".repeat(500);
    let text: String =
        (0..N).map(|i| format!("<134>1 2026-11-23T03:09:01Z host app - - - {i} {fill}\n")).collect();
    sender.write_all(text.as_bytes()).unwrap();
    sender.shutdown(Shutdown::Write).unwrap();
    // The daemon closes its side when it has read all of it.
    assert_eq!(sender.read(&mut [0; 1]).unwrap(), 0);
    let (mut stream, _) = collector.accept().unwrap();
    daemon.signal(Signal::SIGTERM);
    daemon.wait_stopping();
    let mut got = String::new();
    stream.read_to_string(&mut got).unwrap();
    let mut daemon = daemon;
    assert!(daemon.wait().success());
    let numbers: Vec<usize> =
        got.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert_eq!(numbers, (0..N).collect::<Vec<_>>());
}

#[test]
fn a_keyboard_does_not_end_a_daemon_that_is_not_debugging() {
    let dir = Dir::new();
    let daemon = Daemon::start(&dir, "daemon", &format!("{RECEIVE}{TEXT}"));
    let port = daemon.port(&dir.file("port"));
    for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGPIPE] {
        daemon.signal(signal);
    }
    connect(port).write_all(lines(0..1).as_bytes()).unwrap();
    assert_eq!(file_lines(&dir.file("log"), 1), ["message 0"]);
    daemon.stop();
}

#[test]
fn started_as_rsyslogd_it_speaks_as_rsyslogd() {
    let dir = Dir::new();
    let link = dir.file("rsyslogd");
    std::os::unix::fs::symlink(&built().daemon, &link).unwrap();
    let out = command_of(&link).arg("-v").output().unwrap();
    assert!(String::from_utf8(out.stdout).unwrap().starts_with("rsyslogd  "));
    let file = dir.write("check.conf", "$Typo on\n*.* /dev/null\n");
    let mut check = command_of(&link);
    let out = check.arg("-N1").arg("-f").arg(file).arg("-M").arg(&built().modules).output().unwrap();
    let stderr = String::from_utf8(out.stderr).unwrap();
    assert!(stderr.lines().all(|line| line.starts_with("rsyslogd: ") || line.starts_with(' ')), "{stderr}");
    assert!(stderr.contains("https://www.rsyslog.com/e/3003"), "{stderr}");
}
