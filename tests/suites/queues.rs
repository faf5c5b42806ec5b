//! Queues in memory: what one destination does must not concern the others.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use sysloom_tests::{Daemon, Dir, file_lines, wait_for};

/// An action with a queue of its own waits for its collector; the file beside it gets every message meanwhile, and the
/// collector gets all of them when it comes.
#[test]
fn an_action_with_a_queue_holds_up_nobody_and_loses_nothing() {
    let dir = Dir::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n\
         *.* action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" template=\"RSYSLOG_FileFormat\"\n\
             action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\" queue.type=\"LinkedList\" queue.size=\"5000\")\n\
         *.* {{dir}}/log\n"
    );
    let daemon = Daemon::start(&dir, "server", &config);
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    for i in 0..1000 {
        writeln!(stream, "<13>1 2026-11-23T01:02:03Z host app - - - number {i:04}").unwrap();
    }
    assert_eq!(file_lines(&dir.file("log"), 1000).len(), 1000);
    let collector = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let (mut taken, _) = collector.accept().unwrap();
    taken.set_nonblocking(true).unwrap();
    let mut text = Vec::new();
    wait_for("all messages at the collector", || {
        let _ = taken.read_to_end(&mut text);
        (text.iter().filter(|b| **b == b'\n').count() >= 1000).then_some(())
    });
    let text = String::from_utf8(text).unwrap();
    for (i, line) in text.lines().enumerate() {
        assert!(line.ends_with(&format!("number {i:04}")), "line {i}: {line}");
    }
    daemon.stop();
}

/// A queue that may not grow drops what comes after the time allowed, and goes on with what it has.
#[test]
fn a_full_queue_drops_only_what_does_not_fit() {
    let dir = Dir::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n\
         *.* action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" action.resumeRetryCount=\"-1\"\n\
             queue.type=\"FixedArray\" queue.size=\"100\" queue.timeoutEnqueue=\"0\")\n\
         *.* {{dir}}/log\n"
    );
    let daemon = Daemon::start(&dir, "server", &config);
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    for i in 0..5000 {
        writeln!(stream, "<13>1 2026-11-23T01:02:03Z host app - - - number {i:04}").unwrap();
    }
    assert_eq!(file_lines(&dir.file("log"), 5000).len(), 5000);
    // The collector never comes: the daemon still ends in order, and says what it leaves behind.
    let said = daemon.stop();
    let line =
        said.lines().find(|line| line.contains("message(s) of action 'action-0-builtin:omfwd' are lost"));
    let lost = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u32>().ok());
    // The fill is looked at before each batch goes in, so that the last one may exceed the size.
    assert!(lost.is_some_and(|n| (1..5000).contains(&n)), "{said}");
}

/// The main queue is full and its destination away when the daemon is told to stop: its last line has room only in a
/// queue that may double its size then.
#[test]
fn a_full_queue_has_room_for_what_comes_last_if_it_may_double() {
    for (word, fits) in [("on", true), ("off", false)] {
        let dir = Dir::new();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "global(shutdown.queue.doubleSize=\"{word}\" processInternalMessages=\"on\" allMessagesToStderr=\"on\")\n\
             module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{{dir}}/stats\")\n\
             module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n\
             main_queue(queue.type=\"FixedArray\" queue.size=\"20\" queue.timeoutEnqueue=\"0\"\n\
             queue.timeoutShutdown=\"60000\")\n\
             *.* action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\"\n\
             action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\" template=\"RSYSLOG_FileFormat\")\n"
        );
        let mut daemon = Daemon::start(&dir, "server", &config);
        let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
        for i in 0..25 {
            writeln!(stream, "<13>1 2026-11-23T01:02:03Z host app - - - number {i:04}").unwrap();
        }
        wait_for("a full queue", || {
            let stats = std::fs::read_to_string(dir.file("stats")).ok()?;
            stats.contains(": main Q: origin=core.queue size=20 ").then_some(())
        });
        daemon.signal(nix::sys::signal::Signal::SIGTERM);
        daemon.wait_stderr("exiting on signal");
        let collector = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let (mut taken, _) = collector.accept().unwrap();
        let mut text = String::new();
        taken.read_to_string(&mut text).unwrap();
        assert!(daemon.wait().success(), "{}", daemon.stderr());
        assert!(text.contains("number 0000"), "{word}: {text}");
        assert_eq!(text.contains("exiting on signal"), fits, "{word}: {text}");
    }
}
