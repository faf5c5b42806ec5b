//! What imdiag changes or counts: each setting and command by its effect, not by its reply alone.

use crate::NUMBERS;
use nix::sys::signal::Signal;
use std::fs::File;
use std::time::{Duration, Instant};
use sysloom_tests::{Diag, Dir, check, file_lines, wait_for};

#[test]
fn the_environment_says_how_often_the_queue_must_be_empty() {
    let dir = Dir::new();
    let mut daemon = Diag::start_with(&dir, "", NUMBERS, |command| {
        command.env("CI_SHUTDOWN_QUEUE_EMPTY_CHECKS", "14");
    });
    let before = Instant::now();
    assert_eq!(daemon.say("WaitMainQueueEmpty"), "mainqueue empty");
    assert!(before.elapsed() >= Duration::from_millis(1400), "{:?}", before.elapsed());
    assert!(daemon.stop().success());
}

#[test]
fn messages_can_be_injected_one_after_the_other() {
    let dir = Dir::new();
    let mut daemon = Diag::start(&dir, NUMBERS);
    let before = Instant::now();
    assert_eq!(daemon.say("injectmsg 7 5 200"), "5 messages injected");
    assert!(before.elapsed() >= Duration::from_millis(800), "{:?}", before.elapsed());
    assert_eq!(file_lines(&dir.file("numbers"), 5), (7..12).map(|n| format!("{n:08}")).collect::<Vec<_>>());
    assert!(daemon.stop().success());
}

#[test]
fn its_statistics_stand_before_all_others() {
    let dir = Dir::new();
    let stats = "module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{dir}/stats\")\n";
    let mut daemon = Diag::start(&dir, &format!("{stats}{NUMBERS}"));
    daemon.say("injectmsg 0 3");
    let line = wait_for("a report", || {
        let stats = std::fs::read_to_string(dir.file("stats")).ok()?;
        stats.contains("resource-usage").then(|| stats.lines().next().unwrap().to_owned())
    });
    assert!(line.contains(": imdiag-stats-reporting-controller: "), "{line}");
    let counters: Vec<&str> = line
        .split(": origin=imdiag ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .map(|counter| counter.split('=').next().unwrap())
        .collect();
    let wanted =
        ["potentialTotalArtificialDelayInMs", "actualTotalArtificialDelayInMs", "delayInvocationCount"];
    assert_eq!(counters, wanted);
    assert!(daemon.stop().success());
}

/// Ten milliseconds are too few for a second's work, unless it is told otherwise while it runs.
#[test]
fn the_time_of_actions_queues_can_be_changed_at_run_time() {
    let config = "global(processInternalMessages=\"off\")\nmodule(load=\"omtesting\")\n\
                  if $msg contains \"msgnum\" then action(type=\"omtesting\" command=\"sleep 0 5000\" \
                  echoStdout=\"on\" queue.type=\"LinkedList\" queue.dequeueBatchSize=\"10\")\n";
    for (command, all) in
        [("getmainmsgqueuesize", false), ("setDefaultActionQueueTimeoutShutdown 30000", true)]
    {
        let dir = Dir::new();
        let stdout = dir.file("stdout");
        let mut daemon = Diag::start_with(&dir, "", config, |command| {
            command.stdout(File::create(&stdout).unwrap());
        });
        daemon.say(command);
        daemon.say("injectmsg 0 200");
        assert!(daemon.stop_now().success());
        let n = std::fs::read_to_string(stdout).unwrap().matches("msgnum:").count();
        assert_eq!(n == 200, all, "{n} after {command}");
    }
}

/// Two seconds for each message that does not fit, or none at all.
#[test]
fn the_time_to_wait_for_room_can_be_changed_at_run_time() {
    let dir = Dir::new();
    dir.write("state", "SUSPENDED\n");
    let config = "global(processInternalMessages=\"off\")\nmain_queue(queue.size=\"100\")\n\
                  if $msg contains \"msgnum\" then action(type=\"omfile\" file=\"{dir}/log\" \
                  action.externalState.file=\"{dir}/state\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\")\n";
    let mut daemon = Diag::start(&dir, config);
    assert_eq!(daemon.say("setMainMsgQueueTimeoutEnqueue 0"), "OK");
    let before = Instant::now();
    assert_eq!(daemon.say("injectmsg 0 1000"), "1000 messages injected");
    assert!(before.elapsed() < Duration::from_secs(20), "{:?}", before.elapsed());
    assert_eq!(daemon.say("getmainmsgqueuesize"), "100");
    dir.write("state", "READY\n");
    assert!(daemon.stop().success());
    assert_eq!(file_lines(&dir.file("log"), 100).len(), 100);
}

#[test]
fn debugging_can_be_switched_on_at_run_time() {
    let dir = Dir::new();
    let stdout = dir.file("stdout");
    let mut daemon = Diag::start_with(&dir, "", NUMBERS, |command| {
        command.stdout(File::create(&stdout).unwrap());
    });
    daemon.signal(Signal::SIGHUP);
    daemon.say("AwaitHUPComplete");
    assert_eq!(std::fs::read_to_string(&stdout).unwrap(), "");
    assert_eq!(daemon.say("enableDebug"), "debug enabled");
    daemon.signal(Signal::SIGHUP);
    daemon.say("AwaitHUPComplete");
    wait_for("the debug stream", || std::fs::read_to_string(&stdout).ok().filter(|s| s.contains("HUPed")));
    assert!(daemon.say("clearSegDiskFault").starts_with("ERROR: "));
    assert!(daemon.stop().success());
}

#[test]
fn all_of_its_parameters_are_known() {
    let dir = Dir::new();
    let more = "serverStreamDriverMode=\"0\" serverStreamDriverAuthMode=\"anon\" \
                serverStreamDriverPermittedPeer=[\"a\",\"b\"] serverInputName=\"other\" maxSessions=\"7\" \
                injectDelayMode=\"light\"";
    let mut daemon = Diag::start_with(&dir, more, NUMBERS, |_| {});
    assert_eq!(daemon.say("injectmsg 0 3"), "3 messages injected");
    assert!(daemon.stop().success());
    assert_eq!(file_lines(&dir.file("numbers"), 3).len(), 3);
    let legacy = "$ModLoad imdiag\n$IMDiagAbortTimeout 100\n$IMDiagInjectDelayMode full\n$IMDiagMaxSessions 7\n\
                  $IMDiagServerInputName other\n$IMDiagServerStreamDriverMode 0\n\
                  $IMDiagServerStreamDriverAuthMode anon\n$IMDiagServerStreamDriverPermittedPeer a\n\
                  $IMDiagListenPortFileName {dir}/port\n$IMDiagServerRun 0\n*.* {dir}/log\n";
    let got = check(&dir, legacy);
    assert_eq!((got.code, got.stderr.contains("error")), (0, false), "{}", got.stderr);
}
