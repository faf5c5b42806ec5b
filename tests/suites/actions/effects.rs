//! Parameters of actions whose effect takes time or somebody else's doing: marks, repeated tries, files that are moved
//! away, and what a queued message knows.

use crate::{closed_port, send, start, texts};
use nix::sys::signal::Signal;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use sysloom_tests::{Daemon, Dir, file_lines, wait_for};

fn file(name: &str, more: &str) -> String {
    format!("action(type=\"omfile\" file=\"{{dir}}/{name}\" template=\"m\" {more})\n")
}

fn lines(dir: &Dir, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(dir.file(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// While there are messages, an action that does not want all marks gets none; in silence it gets them.
#[test]
fn marks_are_for_the_silence() {
    silence("use.syslogCall=\"off\"");
}

/// Those that the daemon says itself know what they are, too.
#[test]
fn own_marks_are_for_the_silence() {
    silence(")\nglobal(processInternalMessages=\"on\"");
}

fn silence(more: &str) {
    let dir = Dir::new();
    let config = format!("module(load=\"immark\" interval=\"4\" {more})\n")
        + &file("few", "action.writeAllMarkMessages=\"off\"")
        + &file("all", "action.writeAllMarkMessages=\"on\"");
    let (daemon, mut stream) = start(&dir, &config);
    let marks = |name: &str| lines(&dir, name).iter().filter(|line| line.contains("-- MARK --")).count();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                send(&mut stream, 0..1);
                std::thread::park_timeout(Duration::from_millis(50));
            }
        });
        wait_for("a mark", || (marks("all") == 1).then_some(()));
        assert_eq!(marks("few"), 0);
        done.store(true, Ordering::Relaxed);
    });
    wait_for("a mark in the silence", || (marks("few") >= 1).then_some(()));
    daemon.stop();
}

/// The count of every third message is forgotten after a second.
#[test]
fn a_count_is_forgotten_when_it_takes_too_long() {
    let dir = Dir::new();
    let config = file("third", "action.execOnlyEveryNthTime=\"3\" action.execOnlyEveryNthTimeTimeout=\"1\"")
        + &file("third.ever", "action.execOnlyEveryNthTime=\"3\"")
        + &file("all", "");
    let (daemon, mut stream) = start(&dir, &config);
    let arrived = |n: u32| assert_eq!(file_lines(&dir.file("all"), n as usize).len(), n as usize);
    send(&mut stream, 0..2);
    arrived(2);
    // Times count in whole seconds: the next second but one is later than the time-out, wherever in its second it began.
    let begun = std::time::Instant::now();
    wait_for("the time-out", || (begun.elapsed() > Duration::from_millis(2100)).then_some(()));
    send(&mut stream, 2..4);
    arrived(4);
    send(&mut stream, 4..5);
    arrived(5);
    daemon.stop();
    assert_eq!(lines(&dir, "third.ever"), texts(2..3));
    assert_eq!(lines(&dir, "third"), texts(4..5));
}

#[test]
fn every_suspension_is_said_if_that_is_wanted() {
    for (continuation, least, most) in [("on", 4, usize::MAX), ("off", 0, 3)] {
        let dir = Dir::new();
        let port = closed_port();
        let config = format!(
            "global(processInternalMessages=\"on\")\n\
             if $inputname != \"imtcp\" then {{ action(type=\"omfile\" file=\"{{dir}}/own\") stop }}\n\
             action(type=\"omfwd\" name=\"gone\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" \
             action.resumeInterval=\"1\" action.resumeIntervalMax=\"1\" action.resumeRetryCount=\"0\" \
             action.reportSuspensionContinuation=\"{continuation}\" action.errorFile=\"{{dir}}/errors\")\n"
        );
        let (daemon, mut stream) = start(&dir, &config);
        let mut sent = 0;
        let said = || lines(&dir, "own").iter().filter(|line| line.contains("2007:")).count();
        // A failed try for each second and message.
        let begun = std::time::Instant::now();
        wait_for("some tries", || {
            send(&mut stream, sent..sent + 1);
            sent += 1;
            (said() >= least && begun.elapsed() > Duration::from_secs(5)).then_some(())
        });
        assert!(said() <= most, "{continuation}: {}", said());
        daemon.stop();
    }
}

#[test]
fn nothing_is_said_of_suspensions_if_that_is_not_wanted() {
    let dir = Dir::new();
    let port = closed_port();
    let config = format!(
        "global(processInternalMessages=\"on\")\n\
         if $inputname != \"imtcp\" then {{ action(type=\"omfile\" file=\"{{dir}}/own\") stop }}\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" action.reportSuspension=\"off\" \
         action.resumeRetryCount=\"0\" action.errorFile=\"{{dir}}/errors\")\n"
    );
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..3);
    assert_eq!(file_lines(&dir.file("errors"), 3).len(), 3);
    daemon.stop();
    assert!(!lines(&dir, "own").iter().any(|line| line.contains("2007:")), "{:?}", lines(&dir, "own"));
}

#[test]
fn a_hup_begins_a_new_error_file() {
    let dir = Dir::new();
    let port = closed_port();
    let config = format!(
        "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" template=\"m\" \
         action.resumeRetryCount=\"0\" action.resumeInterval=\"600\" action.errorFile=\"{{dir}}/errors\")\n"
    );
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..2);
    assert_eq!(file_lines(&dir.file("errors"), 2).len(), 2);
    std::fs::rename(dir.file("errors"), dir.file("errors.1")).unwrap();
    daemon.signal(Signal::SIGHUP);
    wait_for("the new file", || {
        send(&mut stream, 2..3);
        dir.file("errors").exists().then_some(())
    });
    daemon.stop();
    assert!(lines(&dir, "errors").iter().all(|line| line.contains("number0002")));
}

/// What a message's variables are when it is put into an action's queue is what the action sees.
#[test]
fn a_queued_message_keeps_its_variables() {
    for copy in ["on", "off"] {
        let dir = Dir::new();
        dir.write("state", "SUSPENDED\n");
        let config = format!(
            "template(name=\"v\" type=\"string\" string=\"%msg% %$!seen%\\n\")\nset $!seen = \"before\";\n\
             action(type=\"omfile\" file=\"{{dir}}/queued\" template=\"v\" action.copyMsg=\"{copy}\" \
             queue.type=\"LinkedList\" action.externalState.file=\"{{dir}}/state\" action.resumeRetryCount=\"-1\" \
             action.resumeInterval=\"1\")\nset $!seen = \"after\";\n{}",
            file("all", "").replace("template=\"m\"", "template=\"v\"")
        );
        let (daemon, mut stream) = start(&dir, &config);
        send(&mut stream, 0..20);
        let with = |word: &str| texts(0..20).iter().map(|text| format!("{text} {word}")).collect::<Vec<_>>();
        assert_eq!(file_lines(&dir.file("all"), 20), with("after"));
        dir.write("state", "READY\n");
        assert_eq!(file_lines(&dir.file("queued"), 20), with("before"));
        daemon.stop();
    }
}

/// What keeps an output from its destination is said once, under rsyslog's code, whatever the destination is.
#[test]
fn outputs_that_cannot_write_say_so_under_rsyslog_s_codes() {
    let dir = Dir::new();
    std::fs::create_dir(dir.file("dir")).unwrap();
    let config = "global(processInternalMessages=\"on\")\n\
        template(name=\"outside\" type=\"string\" string=\"{dir}/dir/%programname%/../../../x\")\n\
        if $inputname != \"imtcp\" then { action(type=\"omfile\" file=\"{dir}/own\") stop }\n\
        action(type=\"omfile\" name=\"isdir\" file=\"{dir}/dir\")\n\
        action(type=\"omfile\" name=\"missing\" file=\"{dir}/no/such\" createDirs=\"off\")\n\
        action(type=\"omfile\" name=\"full\" file=\"/dev/full\" action.resumeRetryCount=\"0\")\n\
        action(type=\"omfile\" name=\"refused\" dynaFile=\"outside\")\n\
        action(type=\"ompipe\" name=\"nopipe\" pipe=\"{dir}/pipe\")\n\
        action(type=\"ompipe\" name=\"dirpipe\" pipe=\"{dir}/dir\")\n\
        action(type=\"omusrmsg\" name=\"nobody\" users=\"nobody-is-here\")\n"
        .to_owned()
        + &file("all", "");
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..1);
    assert_eq!(file_lines(&dir.file("all"), 1), texts(0..1));
    send(&mut stream, 1..2);
    assert_eq!(file_lines(&dir.file("all"), 2), texts(0..2));
    daemon.stop();
    let own = lines(&dir, "own");
    for (code, action, what) in [
        (2433, "isdir", "open error: Is a directory"),
        (2040, "missing", "open error: No such file or directory"),
        (2027, "full", "write error: No space left on device"),
        (2039, "nopipe", "could not open pipe"),
        (2039, "dirpipe", "Is a directory"),
    ] {
        let found: Vec<_> =
            own.iter().filter(|l| l.contains(&format!("'{action}'")) && l.contains(what)).collect();
        assert_eq!(found.len(), 1, "{action}: {own:#?}");
        assert!(found[0].contains(&format!("-{code}: ")), "{found:?}");
        assert!(
            own.iter().any(|l| l.contains(&format!("2007: action '{action}' suspended"))),
            "{action}: {own:#?}"
        );
    }
    // A name that leads elsewhere costs its message only, and an absent user nothing.
    assert!(
        own.iter().any(|l| l.contains("'refused'") && l.contains("1 message(s) lost: dynamic file name"))
    );
    assert!(
        !own.iter().any(|l| l.contains("action 'refused' suspended") || l.contains("'nobody'")),
        "{own:#?}"
    );
}

/// Outputs that are neither files nor the network write what their template says.
#[test]
fn pipes_and_standard_output_get_the_template_asked_for() {
    let dir = Dir::new();
    assert!(Command::new("mkfifo").arg(dir.file("pipe")).status().unwrap().success());
    let pipe = OpenOptions::new().read(true).write(true).open(dir.file("pipe")).unwrap();
    let config = "module(load=\"imtcp\")\nmodule(load=\"omstdout\")\n\
        input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/port\")\n\
        template(name=\"m\" type=\"string\" string=\"just %msg%\\n\")\n\
        if $programname == \"app\" then {\n\
        action(type=\"ompipe\" pipe=\"{dir}/pipe\" template=\"m\")\n\
        action(type=\"omstdout\" template=\"m\")\n}\n\
        action(type=\"omfile\" file=\"/dev/null\")\n";
    let stdout = File::create(dir.file("stdout")).unwrap();
    let daemon = Daemon::start_with(&dir, "server", config, |command| {
        command.stdout(stdout);
    });
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    send(&mut stream, 7..8);
    let mut line = String::new();
    BufReader::new(pipe).read_line(&mut line).unwrap();
    assert_eq!(line, "just number0007\n");
    assert_eq!(file_lines(&dir.file("stdout"), 1), ["just number0007"]);
    daemon.stop();
}
