//! What action parameters promise, seen through the whole daemon: each case fails when its parameter is ignored.

#[path = "actions/bounds.rs"]
mod bounds;
#[path = "actions/conditions.rs"]
mod conditions;
#[path = "actions/discovery.rs"]
mod discovery;
#[path = "actions/effects.rs"]
mod effects;
#[path = "actions/limits.rs"]
mod limits;
#[path = "actions/queues.rs"]
mod queues;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use sysloom_tests::{Daemon, Dir};

/// A daemon with a TCP input, and a connection to it.
pub fn start(dir: &Dir, config: &str) -> (Daemon, TcpStream) {
    start_with(dir, config, |_| {})
}

/// The same; `adjust` may change the daemon's command.
pub fn start_with(dir: &Dir, config: &str, adjust: impl FnOnce(&mut Command)) -> (Daemon, TcpStream) {
    let config = format!(
        "module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n\
         template(name=\"m\" type=\"string\" string=\"%msg%\\n\")\n{config}"
    );
    let daemon = Daemon::start_with(dir, "server", &config, adjust);
    let stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    (daemon, stream)
}

/// Sends messages whose texts are these numbers.
pub fn send(stream: &mut TcpStream, numbers: std::ops::Range<u32>) {
    let lines: String =
        numbers.map(|i| format!("<13>1 2026-11-23T01:02:03Z host app - - - number{i:04}\n")).collect();
    stream.write_all(lines.as_bytes()).unwrap();
}

/// The lines that `send` makes with template `m`.
pub fn texts(numbers: impl Iterator<Item = u32>) -> Vec<String> {
    numbers.map(|i| format!("number{i:04}")).collect()
}

/// A port where nobody listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
