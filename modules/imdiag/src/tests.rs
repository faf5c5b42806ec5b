//! Each command against a test host, and each parameter.

use super::*;
use params::ModuleParams;
use std::time::Duration;
use sysloom_sdk::testing::{TestHost, check_readme, settings, table};

const PATIENCE: Duration = Duration::from_secs(20);

/// An instance that runs until the test is over.
fn with(
    words: &[(&'static str, &str)],
    test: impl FnOnce(TestHost, &Imdiag, &mut dyn FnMut(&str) -> String),
) {
    let host = TestHost::new();
    for command in ["queues.size", "hup.pending", "lookups.pending", "log.debug", "log.flush"] {
        host.answer(command, &[0]);
    }
    for times in ["mainqueue.timeoutShutdown", "mainqueue.timeoutEnqueue", "inputs.timeout.shutdown"] {
        host.answer(times, &[0]);
    }
    for which in ["mainqueue", "action.queue"] {
        host.answer(&format!("default {which}.timeoutShutdown"), &[0]);
        host.answer(&format!("default {which}.timeoutEnqueue"), &[0]);
    }
    host.answer("termination.file", &[0]);
    let words: Vec<(&'static str, &str)> = words.iter().copied().chain([("serverRun", "0")]).collect();
    let imdiag = Imdiag::new(&settings(&words).unwrap(), settings(&[]).unwrap(), host.host()).unwrap();
    let (stop, stopped) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| imdiag.run(stopped.as_fd()));
        let mut session = imdiag.open(Accepted { conn: 9, peer: 0, address: "127.0.0.1", port: 1 });
        let mut sent = 0;
        let mut say = |line: &str| {
            imdiag.data(&mut session, format!("{line}\n").as_bytes()).unwrap();
            sent += 1;
            let replies = host.replies(sent, PATIENCE);
            assert_eq!(replies.len(), sent, "no reply to {line}");
            let (conn, reply) = replies.last().unwrap().clone();
            assert_eq!(conn, 9);
            reply
        };
        test(host, &imdiag, &mut say);
        drop(stop);
        thread.join().unwrap().unwrap();
    });
}

#[test]
fn messages_are_injected_by_number_and_as_they_are() {
    with(&[], |host, _, say| {
        assert_eq!(say("injectmsg 5 3"), "3 messages injected\n");
        assert_eq!(say("INJECTMSG 99999999 2 1"), "2 messages injected\n");
        assert_eq!(say("injectmsg literal <13>  two blanks "), "1 messages injected\n");
        assert_eq!(say("injectmsg 0 0"), "0 messages injected\n");
        let numbered = |n| format!("<167>Mar  1 01:00:00 192.0.2.8 tag msgnum:{n}:");
        let mut want: Vec<String> =
            ["00000005", "00000006", "00000007", "99999999", "100000000"].map(numbered).into();
        want.push("<13>  two blanks ".into());
        assert_eq!(host.messages(), want);
        let peer = host.submitted()[0].peer;
        assert_eq!(host.peer(peer).unwrap(), ("127.0.0.1".into(), "127.0.0.1".into(), 0));
        for bad in ["injectmsg", "injectmsg 1", "injectmsg a 1", "injectmsg 1 b", "injectmsg 1 1 c"] {
            assert!(say(bad).starts_with("imdiag::error "), "{bad}");
        }
    });
}

#[test]
fn many_messages_keep_their_order_in_few_calls() {
    with(&[], |host, _, say| {
        assert_eq!(say("injectmsg 0 20000"), "20000 messages injected\n");
        let numbers: Vec<usize> =
            host.messages().iter().map(|m| m.rsplit(':').nth(1).unwrap().parse().unwrap()).collect();
        assert_eq!(numbers, (0..20_000).collect::<Vec<_>>());
        let (calls, flushes, _) = host.submits();
        assert!(calls < 100 && flushes == 1, "{calls} {flushes}");
    });
}

#[test]
fn the_queue_is_empty_when_it_was_so_four_times_in_a_row() {
    with(&[], |host, _, say| {
        host.answer("queues.size", &[7]);
        assert_eq!(say("getmainmsgqueuesize"), "7\n");
        host.answer("queues.size", &[3, 0, 0, 1, 0]);
        assert_eq!(say("WaitMainQueueEmpty"), "mainqueue empty\n");
        let asked = host.commands().iter().filter(|(command, _)| command == "queues.size").count();
        assert_eq!(asked, 1 + 4 + 4);
    });
}

#[test]
fn a_hup_is_complete_when_none_was_seen_ten_times_in_a_row() {
    with(&[], |host, _, say| {
        assert_eq!(say("AwaitHUPComplete"), "timeout - looks like_HUP has completed [10 tries]\n");
        host.answer("hup.pending", &[0, 1, 0, 1, 0]);
        assert_eq!(say("awaithupcomplete"), "seen HUP request, looks like it has completed [14 tries]\n");
        host.answer("lookups.pending", &[1, 0]);
        assert_eq!(say("AwaitLookupTableReload"), "no pending lookup-table reloads found\n");
    });
}

#[test]
fn a_reader_of_statistics_waits_until_it_is_let_through() {
    with(&[], |host, imdiag, say| {
        assert!(say("awaitStatsReport").starts_with("imdiag::error : stats reporting was not blocked"));
        assert_eq!(say("blockStatsReporting"), "next stats reporting call will be blocked\n");
        std::thread::scope(|scope| {
            let read = || {
                imdiag.stats(Reading::Begins);
                imdiag.stats(Reading::Ended);
            };
            let first = scope.spawn(read);
            assert_eq!(say("awaitStatsReport block_again"), "stats reporting was unblocked\n");
            first.join().unwrap();
            let second = scope.spawn(read);
            assert_eq!(say("awaitStatsReport"), "stats reporting was unblocked\n");
            second.join().unwrap();
            // Unblocked for good.
            scope.spawn(read).join().unwrap();
        });
        let mut seen = Vec::new();
        host.host().walk_stats(false, |stat| {
            seen.extend(stat.map(|s| (s.object.to_owned(), s.name.to_owned(), s.value)));
        });
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(|(object, ..)| object == "imdiag-stats-reporting-controller"));
        let delays = seen.iter().find(|(_, name, _)| name == "delayInvocationCount").unwrap();
        // The second reader may have come only when the gate was open for good.
        assert!((1..=2).contains(&delays.2));
    });
}

#[test]
fn times_are_set_and_nonsense_is_refused() {
    with(&[], |host, _, say| {
        for (word, command) in [
            ("setMainMsgQueueTimeoutShutdown", "mainqueue.timeoutShutdown"),
            ("setMainMsgQueueTimeoutEnqueue", "mainqueue.timeoutEnqueue"),
            ("setInputShutdownTimeout", "inputs.timeout.shutdown"),
            ("setDefaultActionQueueTimeoutShutdown", "default action.queue.timeoutShutdown"),
            ("setDefaultActionQueueTimeoutEnqueue", "default action.queue.timeoutEnqueue"),
        ] {
            assert_eq!(say(&format!("{word} 1234")), "OK\n");
            assert_eq!(host.commands().last().unwrap(), &(command.to_owned(), "1234".to_owned()));
            for bad in ["", "-1", "soon"] {
                assert_eq!(say(&format!("{word} {bad}")), "ERROR: invalid timeout value\n");
            }
        }
        assert_eq!(say("enableDebug"), "debug enabled\n");
        assert_eq!(say("setSegDiskFault append"), "ERROR: the test has no answer to this command\n");
        host.answer("queue.fault", &[0]);
        assert_eq!(say("setSegDiskFault append 3"), "OK\n");
        assert_eq!(host.commands().last().unwrap().1, "append 3");
        assert_eq!(say("make coffee"), "unkown command 'make'\n");
    });
}

#[test]
fn a_reply_has_an_end_and_long_lines_are_whole() {
    with(&[], |host, _, say| {
        let reply = say(&"x".repeat(5000));
        assert!(reply.len() <= 1023 && reply.ends_with('\n'));
        let text = "y".repeat(10_000);
        assert_eq!(say(&format!("injectmsg literal {text}")), "1 messages injected\n");
        assert_eq!(host.messages(), [text]);
    });
}

#[test]
fn the_delay_mode_decides_where_injected_messages_wait() {
    for (mode, want) in [("no", Submit::NONE), ("light", Submit::LIGHT_DELAY), ("full", Submit::FULL_DELAY)] {
        with(&[("injectDelayMode", mode)], |host, _, say| {
            say("injectmsg 0 1");
            assert_eq!(host.submits().2, (want | Submit::FLUSH).0);
        });
    }
}

#[test]
fn settings_reach_the_daemon_when_the_module_is_loaded() {
    let words = [
        ("mainMsgQueueTimeoutShutdown", "1", "default mainqueue.timeoutShutdown"),
        ("mainMsgQueueTimeoutEnqueue", "2", "default mainqueue.timeoutEnqueue"),
        ("inputShutdownTimeout", "3", "inputs.timeout.shutdown"),
        ("defaultActionQueueTimeoutShutdown", "4", "default action.queue.timeoutShutdown"),
        ("defaultActionQueueTimeoutEnqueue", "5", "default action.queue.timeoutEnqueue"),
        ("properTerminationFile", "/end", "termination.file"),
    ];
    for (name, value, command) in words {
        with(&[(name, value)], |host, _, _| {
            assert_eq!(host.commands(), [(command.to_owned(), value.to_owned())]);
        });
    }
}

#[test]
fn a_second_listener_and_a_useless_guard_are_refused() {
    let host = TestHost::new();
    let module: Module = settings(&[("serverRun", "0"), ("abortTimeout", "0")]).unwrap();
    let own = Imdiag::new(&module, settings(&[]).unwrap(), host.host()).unwrap();
    assert_eq!(own.abort_after, None);
    assert!(host.lines()[0].text.contains("abortTimeout"));
    let second = Imdiag::new(&module, settings(&[("port", "0")]).unwrap(), host.host());
    let text = second.err().unwrap().text;
    assert_eq!(text, "only a single listener is supported, trying to add a second");
    let module: Module =
        settings(&[("abortTimeout", "5"), ("maxSessions", "3"), ("serverInputName", "d")]).unwrap();
    let own = Imdiag::new(&module, settings(&[]).unwrap(), host.host()).unwrap();
    assert_eq!(own.abort_after, Some(Duration::from_secs(5)));
    assert_eq!((own.max_sessions, own.name.as_str()), (3, "d"));
    assert!(own.port.is_none());
    assert!(Imdiag::new(&module, settings(&[("port", "0")]).unwrap(), host.host()).unwrap().port.is_some());
}

#[test]
fn the_readme_has_the_tables() {
    check_readme(
        env!("CARGO_MANIFEST_DIR"),
        &[("module", table::<ModuleParams>()), ("input", table::<InputParams>())],
    );
}
