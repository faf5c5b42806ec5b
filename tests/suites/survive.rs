//! The daemon survives its plugins: one that panics in any callback or does not return costs nobody else anything.

#[path = "plugin/libraries.rs"]
mod libraries;

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use sysloom_tests::{Daemon, Dir, file_lines};

fn config(action: &str) -> String {
    format!(
        "module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n\
         module(load=\"{}/libmisbehave.so\")\n\
         action(type=\"misbehave\" template=\"RSYSLOG_FileFormat\" {action})\n\
         action(type=\"omfile\" file=\"{{dir}}/log\")\n",
        libraries::libraries().display()
    )
}

fn say(daemon: &Daemon, dir: &Dir, n: usize) {
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    for i in 0..n {
        writeln!(stream, "<13>1 2026-11-23T01:02:03Z host app - - - number {i}").unwrap();
    }
}

/// A panic in a callback suspends that instance; the file beside it gets every message, and the daemon ends in order.
#[test]
fn a_panic_in_a_callback_costs_nobody_else_anything() {
    for callback in ["new", "activate", "worker", "commit", "resume", "hup", "free"] {
        let dir = Dir::new();
        let daemon = Daemon::start(&dir, "server", &config(&format!("panic=\"{callback}\"")));
        say(&daemon, &dir, 10);
        assert_eq!(file_lines(&dir.file("log"), 10).len(), 10, "{callback}");
        daemon.stop();
    }
}

/// A commit that does not return is named; messages go on to the others, and the daemon still ends.
#[test]
fn a_commit_that_does_not_return_is_named_and_outlived() {
    let dir = Dir::new();
    let action = "wait=\"commit\" until=\"{dir}/never\" queue.type=\"LinkedList\"";
    let daemon = Daemon::start(&dir, "server", &config(action));
    say(&daemon, &dir, 10);
    assert_eq!(file_lines(&dir.file("log"), 10).len(), 10);
    daemon.wait_stderr("plugin 'misbehave' has not returned from commit");
    say(&daemon, &dir, 10);
    assert_eq!(file_lines(&dir.file("log"), 20).len(), 20);
    let asked = Instant::now();
    daemon.stop();
    assert!(asked.elapsed() < Duration::from_secs(15), "it took {:?}", asked.elapsed());
}

/// An input that does not return is waited for as long as the configuration says, and then left behind.
#[test]
fn an_input_that_does_not_return_is_given_its_time() {
    let dir = Dir::new();
    let config = format!(
        "global(inputs.timeout.shutdown=\"2500\")\nmodule(load=\"{}/libmisbehave.so\")\n\
         input(type=\"misbehave\" wait=\"run\" until=\"{{dir}}/never\")\n*.* {{dir}}/log\n",
        libraries::libraries().display()
    );
    let daemon = Daemon::start(&dir, "server", &config);
    let asked = Instant::now();
    let said = daemon.stop();
    assert!(said.contains("1 input(s) did not stop in time; going on without them"), "{said}");
    // Without a word, a second is enough.
    assert!(asked.elapsed() >= Duration::from_millis(2500), "it took {:?}", asked.elapsed());
}
