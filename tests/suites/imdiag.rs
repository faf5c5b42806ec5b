//! imdiag in a running daemon: each command, as a shell test bench gives it.

#[path = "imdiag/settings.rs"]
mod settings;

use nix::sys::signal::Signal;
use std::io::Write;
use std::time::{Duration, Instant};
use sysloom_tests::{Diag, Dir, ask, file_lines, wait_for};

/// Numbers of injected messages, one a line.
const NUMBERS: &str = "template(name=\"n\" type=\"string\" string=\"%msg:F,58:2%\\n\")\n\
    if $msg contains \"msgnum\" then action(type=\"omfile\" file=\"{dir}/numbers\" template=\"n\")\n";

#[test]
fn injected_messages_arrive_in_order_before_the_queue_is_empty() {
    let dir = Dir::new();
    let mut daemon = Diag::start(&dir, NUMBERS);
    assert_eq!(daemon.say("injectmsg 0 30000"), "30000 messages injected");
    assert_eq!(daemon.say("injectmsg 30000 5 1"), "5 messages injected");
    assert_eq!(daemon.say("WaitMainQueueEmpty"), "mainqueue empty");
    let numbers: Vec<usize> =
        file_lines(&dir.file("numbers"), 30_005).iter().map(|n| n.parse().unwrap()).collect();
    assert_eq!(numbers, (0..30_005).collect::<Vec<_>>());
    assert_eq!(daemon.say("getmainmsgqueuesize"), "0");
    assert!(daemon.stop().success());
}

#[test]
fn an_injected_message_has_these_properties() {
    let dir = Dir::new();
    let config = "template(name=\"p\" type=\"string\" string=\"%inputname%|%fromhost%|%fromhost-ip%|%hostname%|\
                  %syslogtag%|%msg%|%pri%|%timereported%\\n\")\n\
                  if $inputname == \"imdiag\" then action(type=\"omfile\" file=\"{dir}/log\" template=\"p\")\n";
    let mut daemon = Diag::start(&dir, config);
    daemon.say("injectmsg 7 1");
    daemon.say("injectmsg literal <13>Oct 11 22:14:15 there app: two  blanks");
    daemon.say("WaitMainQueueEmpty");
    assert_eq!(
        file_lines(&dir.file("log"), 2),
        [
            "imdiag|127.0.0.1|127.0.0.1|192.0.2.8|tag| msgnum:00000007:|167|Mar  1 01:00:00",
            "imdiag|127.0.0.1|127.0.0.1|there|app:| two  blanks|13|Oct 11 22:14:15"
        ]
    );
    assert!(daemon.stop().success());
}

#[test]
fn a_queue_that_cannot_get_rid_of_messages_is_not_empty() {
    let dir = Dir::new();
    let config = "module(load=\"omtesting\")\nif $msg contains \"msgnum\" then :omtesting:sleep 0 20000\n";
    let mut daemon = Diag::start(&dir, config);
    daemon.say("injectmsg 0 50");
    let before = Instant::now();
    let size: usize = daemon.say("getmainmsgqueuesize").parse().unwrap();
    assert!(size > 0);
    assert_eq!(daemon.say("WaitMainQueueEmpty"), "mainqueue empty");
    // What is dequeued but not processed counts: fifty messages take a second.
    assert!(before.elapsed() > Duration::from_millis(800), "{:?}", before.elapsed());
    assert!(daemon.stop().success());
}

#[test]
fn a_hup_is_awaited_until_files_are_new() {
    let dir = Dir::new();
    let mut daemon = Diag::start(&dir, NUMBERS);
    for round in 0..10 {
        daemon.say(&format!("injectmsg {round} 1"));
        daemon.say("WaitMainQueueEmpty");
        std::fs::rename(dir.file("numbers"), dir.file(&format!("numbers.{round}"))).unwrap();
        daemon.signal(Signal::SIGHUP);
        let reply = daemon.say("AwaitHUPComplete");
        assert!(reply.contains("HUP") && reply.contains("has completed ["), "{reply}");
    }
    daemon.say("injectmsg 10 1");
    daemon.say("WaitMainQueueEmpty");
    assert_eq!(file_lines(&dir.file("numbers"), 1), ["00000010"]);
    for round in 0..10 {
        assert_eq!(file_lines(&dir.file(&format!("numbers.{round}")), 1), [format!("{round:08}")]);
    }
    assert_eq!(daemon.say("AwaitLookupTableReload"), "no pending lookup-table reloads found");
    assert!(daemon.stop().success());
}

#[test]
fn statistics_wait_until_they_are_let_through() {
    let dir = Dir::new();
    let config = format!(
        "module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{{dir}}/stats\")\n{NUMBERS}"
    );
    let mut daemon = Diag::start(&dir, &config);
    assert!(daemon.say("awaitStatsReport").starts_with("imdiag::error : stats reporting was not blocked"));
    assert_eq!(daemon.say("blockStatsReporting"), "next stats reporting call will be blocked");
    let reports = |dir: &Dir| {
        let text = std::fs::read_to_string(dir.file("stats")).unwrap_or_default();
        (text.matches(": imdiag-stats-reporting-controller: origin=imdiag ").count(), text)
    };
    let before = reports(&dir).0;
    daemon.say("injectmsg 0 123");
    daemon.say("WaitMainQueueEmpty");
    assert_eq!(daemon.say("awaitStatsReport block_again"), "stats reporting was unblocked");
    let (after, text) = reports(&dir);
    assert_eq!(after, before + 1, "{text}");
    // The whole report is in the file, and it knows what happened while it was blocked.
    let report = &text[text.rfind(": imdiag-stats-reporting-controller:").unwrap()..];
    assert!(report.contains("main Q: origin=core.queue size=0 enqueued="), "{report}");
    assert!(report.contains("action-1-builtin:omfile: origin=core.action processed=123 "), "{report}");
    assert!(report.contains("resource-usage: origin=impstats utime="), "{report}");
    assert_eq!(daemon.say("awaitStatsReport"), "stats reporting was unblocked");
    assert_eq!(reports(&dir).0, before + 2);
    assert!(daemon.stop().success());
}

#[test]
fn a_daemon_ends_while_statistics_are_blocked() {
    let dir = Dir::new();
    let config = "module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{dir}/stats\")\n";
    let mut daemon = Diag::start(&dir, config);
    daemon.say("blockStatsReporting");
    wait_for("a reader that is held back", || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).ok()?;
        tasks.flatten().find(|task| {
            let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
            read("comm").trim() == "in" && read("wchan").contains("futex")
        })
    });
    let before = Instant::now();
    assert!(daemon.stop_now().success());
    assert!(before.elapsed() < Duration::from_secs(5));
}

#[test]
fn what_is_said_to_it_is_always_answered() {
    let dir = Dir::new();
    let mut daemon = Diag::start(&dir, NUMBERS);
    for (command, reply) in [
        ("setMainMsgQueueTimeoutShutdown 5000", "OK"),
        ("setMainMsgQueueTimeoutEnqueue 5000", "OK"),
        ("setInputShutdownTimeout 5000", "OK"),
        ("setDefaultActionQueueTimeoutShutdown 5000", "OK"),
        ("setDefaultActionQueueTimeoutEnqueue 5000", "OK"),
        ("setInputShutdownTimeout", "ERROR: invalid timeout value"),
        ("setInputShutdownTimeout -5", "ERROR: invalid timeout value"),
        ("GETMAINMSGQUEUESIZE", "0"),
        ("nosuch command", "unkown command 'nosuch'"),
    ] {
        assert_eq!(daemon.say(command), reply, "{command}");
    }
    assert!(daemon.say("setSegDiskFault append").starts_with("ERROR: "));
    assert!(daemon.say("injectmsg 1").starts_with("imdiag::error"));
    // Octet-counted, and two commands in one write.
    let mut counted = daemon.connect();
    counted.write_all(b"19 getmainmsgqueuesize").unwrap();
    let mut buffer = [0; 100];
    let n = std::io::Read::read(&mut counted, &mut buffer).unwrap();
    assert_eq!(&buffer[..n], b"0\n");
    // A long line is one message.
    let long = "x".repeat(9_000);
    assert_eq!(
        ask(&mut counted, &format!("injectmsg literal <13>Oct 11 22:14:15 h t: {long}")),
        "1 messages injected"
    );
    assert!(daemon.stop().success());
}

#[test]
fn the_port_is_the_same_on_both_address_families() {
    let dir = Dir::new();
    let mut daemon = Diag::start(&dir, NUMBERS);
    // What the daemon says of its start.
    daemon.say("WaitMainQueueEmpty");
    let mut families = 0;
    for address in ["127.0.0.1", "::1"] {
        if let Ok(mut stream) = std::net::TcpStream::connect((address, daemon.port())) {
            assert_eq!(ask(&mut stream, "getmainmsgqueuesize"), "0");
            families += 1;
        }
    }
    let wanted = if std::net::TcpListener::bind("[::1]:0").is_ok() { 2 } else { 1 };
    assert_eq!(families, wanted);
    assert!(daemon.stop().success());
}

#[test]
fn the_guard_ends_a_daemon_that_lives_too_long() {
    let dir = Dir::new();
    let config = "module(load=\"imdiag\" serverRun=\"0\" listenPortFileName=\"{dir}/port\" abortTimeout=\"1\" \
                  properTerminationFile=\"{dir}/end\")\n*.* {dir}/log\n";
    let mut daemon = sysloom_tests::Daemon::start(&dir, "daemon", config);
    let status = daemon.wait();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(Signal::SIGABRT as i32));
    assert!(daemon.stderr().contains("timeoutGuard: rsyslog still active after expiry of guard period"));
    let text = std::fs::read_to_string(dir.file("end")).unwrap();
    for line in ["status=error", "reason=timeoutGuard", "phase=timeoutguard-abort"] {
        assert!(text.lines().any(|l| l == line), "{text}");
    }
}

#[test]
fn the_main_queues_times_are_defaults_that_the_configuration_overrides() {
    // A worker that never gets done: the daemon ends when the queue's time is over.
    let stuck = "module(load=\"omtesting\")\nif $msg contains \"msgnum\" then \
                 action(type=\"omtesting\" command=\"always_suspend\" action.resumeRetryCount=\"-1\")\n";
    for (parameters, config, least, most) in [
        ("", "main_queue(queue.timeoutShutdown=\"100\" queue.timeoutActionCompletion=\"100\")\n", 0, 5_000),
        (
            "",
            "main_queue(queue.timeoutShutdown=\"3000\" queue.timeoutActionCompletion=\"100\")\n",
            3_000,
            9_000,
        ),
    ] {
        let dir = Dir::new();
        let mut daemon = Diag::start_with(&dir, parameters, &format!("{config}{stuck}"), |_| {});
        daemon.say("injectmsg 0 10");
        let before = Instant::now();
        assert!(daemon.stop_now().success());
        let took = before.elapsed().as_millis();
        assert!((least..most).contains(&took), "{config} {took} ms");
    }
    let dir = Dir::new();
    let mut daemon = Diag::start(&dir, stuck);
    daemon.say("injectmsg 0 10");
    // From ten seconds, which imdiag set, to next to nothing.
    assert_eq!(daemon.say("setMainMsgQueueTimeoutShutdown 100"), "OK");
    let before = Instant::now();
    assert!(daemon.stop_now().success());
    assert!(before.elapsed() < Duration::from_secs(8), "{:?}", before.elapsed());
}

#[test]
fn legacy_directives_start_it_too() {
    let dir = Dir::new();
    let config = "$ModLoad imdiag\n$IMDiagListenPortFileName {dir}/port\n$IMDiagServerRun 0\n*.* {dir}/log\n";
    let daemon = sysloom_tests::Daemon::start(&dir, "daemon", config);
    let port = daemon.port(&dir.file("port"));
    let mut stream = sysloom_tests::connect(port);
    assert_eq!(ask(&mut stream, "injectmsg literal <13>Oct 11 22:14:15 h t: hello"), "1 messages injected");
    wait_for("the message", || {
        std::fs::read_to_string(dir.file("log")).ok().filter(|text| text.contains("hello"))
    });
    daemon.stop();
    let config =
        "module(load=\"imdiag\" serverRun=\"0\")\ninput(type=\"imdiag\" port=\"0\")\n*.* {dir}/log\n";
    let got = sysloom_tests::check(&dir, config);
    assert_eq!(got.code, 1);
    assert!(
        got.stderr.contains("imdiag: only a single listener is supported, trying to add a second"),
        "{got:?}"
    );
}
