//! SIGHUP: files are closed and opened again, under load, and nothing is lost.

use crate::{RECEIVE, TEXT};
use nix::sys::signal::Signal;
use std::io::Write;
use sysloom_tests::{Daemon, Dir, connect, wait_for};

/// What logrotate does, five times, while a sender goes on.
#[test]
fn rotation_under_load_loses_and_doubles_nothing() {
    let action = |more: &str| {
        format!(
            "template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n\
             template(name=\"name\" type=\"string\" string=\"{{dir}}/log\")\n\
             *.* action(type=\"omfile\" template=\"text\" {more})\n"
        )
    };
    rotate(TEXT);
    rotate(&action("dynaFile=\"name\""));
    rotate(&action("file=\"{dir}/log\" asyncWriting=\"on\" ioBufferSize=\"64k\""));
    rotate(&action("file=\"{dir}/log\" queue.type=\"LinkedList\" queue.timeoutShutdown=\"20000\""));
}

fn rotate(action: &str) {
    const ROUNDS: usize = 5;
    let dir = Dir::new();
    let daemon = Daemon::start(&dir, "daemon", &format!("{RECEIVE}{action}"));
    let mut stream = connect(daemon.port(&dir.file("port")));
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stop = std::sync::Arc::clone(&done);
    let sender = std::thread::spawn(move || {
        let mut sent = 0;
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let text = sysloom_tests::lines(sent..sent + 50);
            stream.write_all(text.as_bytes()).unwrap();
            sent += 50;
        }
        sent
    });
    let log = dir.file("log");
    for round in 0..ROUNDS {
        wait_for("the file to be written", || std::fs::metadata(&log).ok().filter(|m| m.len() > 0));
        std::fs::rename(&log, dir.file(&format!("log.{round}"))).unwrap();
        daemon.signal(Signal::SIGHUP);
    }
    wait_for("the last file to be written", || std::fs::metadata(&log).ok().filter(|m| m.len() > 0));
    done.store(true, std::sync::atomic::Ordering::Relaxed);
    let sent = sender.join().unwrap();
    let read = || {
        let files = (0..ROUNDS).map(|round| dir.file(&format!("log.{round}"))).chain([log.clone()]);
        let texts: Vec<String> = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        texts.concat()
    };
    wait_for("all messages", || (read().matches('\n').count() >= sent).then_some(()));
    daemon.stop();
    let got: Vec<usize> =
        read().lines().map(|line| line.strip_prefix("message ").unwrap().parse().unwrap()).collect();
    let odd = got.iter().enumerate().find(|(at, number)| at != *number);
    assert_eq!(
        odd,
        None,
        "{action}: {:?}",
        odd.map(|(at, _)| &got[at.saturating_sub(3)..(at + 40).min(got.len())])
    );
    assert_eq!(got.len(), sent, "{action}");
}

#[test]
fn the_daemon_says_that_it_was_huped() {
    let dir = Dir::new();
    let daemon = Daemon::start(&dir, "daemon", "global(processInternalMessages=\"on\")\n*.* {dir}/log\n");
    daemon.signal(Signal::SIGHUP);
    wait_for("the line", || {
        let text = std::fs::read_to_string(dir.file("log")).ok()?;
        text.contains("rsyslogd was HUPed").then_some(())
    });
    daemon.stop();
    let text = std::fs::read_to_string(dir.file("log")).unwrap();
    assert!(text.contains("exiting on signal 15."), "{text}");
}
