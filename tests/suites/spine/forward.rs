//! omfwd: the forms of a target, and a collector that comes late.

use crate::RECEIVE;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::time::{Duration, Instant};
use sysloom_tests::{Daemon, Dir, PATIENCE, connect, lines};

const MESSAGE: &str = "<134>1 2026-11-23T03:09:01Z host app - - - message 0";

/// A target, whether it is UDP, the listener's address, and what comes over the wire.
const TARGETS: [(&str, bool, &str, &str); 12] = [
    ("@127.0.0.1:{port};t", true, "127.0.0.1", "host message 0"),
    ("@[::1]:{port};t", true, "::1", "host message 0"),
    ("@@127.0.0.1:{port};t", false, "127.0.0.1", "host message 0\n"),
    ("@@[::1]:{port};t", false, "::1", "host message 0\n"),
    ("@@(o)127.0.0.1:{port};t", false, "127.0.0.1", "14 host message 0"),
    ("@@(o)[::1]:{port};t", false, "::1", "14 host message 0"),
    ("@@localhost:{port};t", false, "127.0.0.1", "host message 0\n"),
    ("@127.0.0.1:{port}", true, "127.0.0.1", "<134>Nov 23 03:09:01 host app message 0"),
    (
        "@@127.0.0.1:{port};RSYSLOG_SyslogProtocol23Format",
        false,
        "127.0.0.1",
        "<134>1 2026-11-23T03:09:01Z host app - - - message 0\n",
    ),
    (
        "@@(o)127.0.0.1:{port};RSYSLOG_SyslogProtocol23Format",
        false,
        "127.0.0.1",
        "53 <134>1 2026-11-23T03:09:01Z host app - - - message 0\n",
    ),
    (
        "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" template=\"t\")",
        false,
        "127.0.0.1",
        "host message 0\n",
    ),
    (
        "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" tcp_framing=\"octet-counted\" template=\"t\")",
        false,
        "127.0.0.1",
        "14 host message 0",
    ),
];

#[test]
fn a_target_says_protocol_framing_address_and_template() {
    for (target, udp, address, want) in TARGETS {
        let dir = Dir::new();
        let (socket, listener);
        let port = if udp {
            socket = UdpSocket::bind((address, 0)).unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.local_addr().unwrap().port()
        } else {
            socket = UdpSocket::bind((address, 0)).unwrap();
            0
        };
        listener = TcpListener::bind((address, 0)).unwrap();
        let port = if udp { port } else { listener.local_addr().unwrap().port() };
        let target = target.replace("{port}", &port.to_string());
        let selector = if target.starts_with("action") { "" } else { "*.* " };
        let config = format!(
            "{RECEIVE}template(name=\"t\" type=\"string\" string=\"%hostname%%msg:::sp-if-no-1st-sp%%msg%\")\n\
             {selector}{target}\n"
        );
        let daemon = Daemon::start(&dir, "daemon", &config);
        writeln!(connect(daemon.port(&dir.file("port"))), "{MESSAGE}").unwrap();
        let mut got = vec![0; want.len()];
        let end = if udp {
            got.resize(2048, 0);
            let n = socket.recv(&mut got).unwrap();
            got.truncate(n);
            Vec::new()
        } else {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.read_exact(&mut got).unwrap();
            daemon.signal(nix::sys::signal::Signal::SIGTERM);
            let mut end = Vec::new();
            stream.read_to_end(&mut end).unwrap();
            end
        };
        assert_eq!(String::from_utf8_lossy(&got), want, "{target}");
        assert_eq!(end, b"", "{target}: nothing follows");
    }
}

/// `(z9)` compresses what is worth it; a receiver of ours tells by the first byte.
#[test]
fn a_compressed_target_sends_less_and_the_same() {
    let dir = Dir::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let daemon = Daemon::start(
        &dir,
        "daemon",
        &format!(
            "{RECEIVE}template(name=\"t\" type=\"string\" string=\"%msg%\")\n*.* @(z9)127.0.0.1:{port};t\n"
        ),
    );
    let text = "the same words again ".repeat(20);
    let mut stream = connect(daemon.port(&dir.file("port")));
    writeln!(stream, "<134>1 2026-11-23T03:09:01Z host app - - - {text}").unwrap();
    let mut got = [0; 2048];
    let n = socket.recv(&mut got).unwrap();
    assert_eq!(got.first(), Some(&b'z'), "a compressed message is marked by its first byte");
    assert!(n < text.len() / 4, "{n} bytes");
    let mut plain = Vec::new();
    flate2::read::ZlibDecoder::new(got.get(1..n).unwrap()).read_to_end(&mut plain).unwrap();
    assert_eq!(String::from_utf8(plain).unwrap().trim_end(), text.trim_end());
    daemon.stop();
}

/// The collector is not there; messages wait, attempts become rarer; it comes, and gets all of them in order.
#[test]
fn a_collector_that_comes_late_gets_everything() {
    let dir = Dir::new();
    let port = sysloom_tests::port::free_port();
    let config = format!(
        "{RECEIVE}template(name=\"t\" type=\"string\" string=\"%msg%\\n\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" template=\"t\"\n\
                action.resumeInterval=\"1\" action.resumeRetryCount=\"-1\")\n"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    connect(daemon.port(&dir.file("port"))).write_all(lines(0..1000).as_bytes()).unwrap();
    daemon.wait_stderr("cannot connect to 127.0.0.1");
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let began = Instant::now();
    let (stream, _) = listener.accept().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "the first retries come soon");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream);
    let mut got: Vec<String> = reader.by_ref().lines().take(1000).map(Result::unwrap).collect();
    daemon.signal(nix::sys::signal::Signal::SIGTERM);
    got.extend(reader.lines().map(Result::unwrap));
    let want: Vec<String> = (0..1000).map(|i| format!("message {i}")).collect();
    assert!(got == want, "{} of 1000 lines", got.len());
}

/// Each of the two directives counts for its own protocol alone.
#[test]
fn rebinding_is_a_matter_of_the_protocol() {
    for (directive, rebinds) in
        [("$ActionSendTCPRebindInterval", false), ("$ActionSendUDPRebindInterval", true)]
    {
        let collector = UdpSocket::bind("127.0.0.1:0").unwrap();
        collector.set_read_timeout(Some(PATIENCE)).unwrap();
        let dir = Dir::new();
        let port = collector.local_addr().unwrap().port();
        let config = format!("{RECEIVE}{directive} 1\nif $inputname == \"imtcp\" then @127.0.0.1:{port}\n");
        let daemon = Daemon::start(&dir, "daemon", &config);
        let mut sender = connect(daemon.port(&dir.file("port")));
        let mut from = || {
            sender.write_all(b"<13>x\n").unwrap();
            collector.recv_from(&mut [0; 100]).unwrap().1.port()
        };
        let (first, second) = (from(), from());
        assert_eq!(first != second, rebinds, "{directive}");
        daemon.stop();
    }
}
