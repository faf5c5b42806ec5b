//! RFC 5426, syslog over UDP, through imudp and omfwd.

use std::io::ErrorKind;
use std::io::Write;
use std::net::UdpSocket;
use sysloom_tests::{Daemon, Dir, PATIENCE, connect, file_lines};

/// A collector over UDP on both families, and the port that it has.
fn collector(dir: &Dir) -> (Daemon, u16) {
    let config = "global(maxMessageSize=\"8k\")\nmodule(load=\"imudp\")\n\
        template(name=\"t\" type=\"string\" string=\"%hostname%|%msg%\\n\")\n\
        input(type=\"imudp\" port=\"0\" listenPortFileName=\"{dir}/port\")\n\
        action(type=\"omfile\" file=\"{dir}/log\" template=\"t\")\n";
    let daemon = Daemon::start(dir, "collector", config);
    let port = daemon.port(&dir.file("port"));
    (daemon, port)
}

/// A sender of ours, and what it is given to send.
fn sender(dir: &Dir, action: &str) -> (Daemon, std::net::TcpStream) {
    let config = format!(
        "module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
         template(name=\"t\" type=\"string\" string=\"<%pri%>1 - %hostname% - - - - %msg%\")\n{action}\n"
    );
    let daemon = Daemon::start(dir, "sender", &config);
    let stream = connect(daemon.port(&dir.file("in")));
    (daemon, stream)
}

/// RFC 5426 3.1: a datagram has one message and no other bytes.
#[test]
fn rfc5426_01_02_a_datagram_is_one_message() {
    let (dir, socket) = (Dir::new(), UdpSocket::bind("127.0.0.1:0").unwrap());
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = socket.local_addr().unwrap().port();
    let (daemon, mut stream) = sender(&dir, &format!("*.* @127.0.0.1:{port};t"));
    stream.write_all(b"<13>1 - h - - - - one\n<13>1 - h - - - - two\n").unwrap();
    for want in ["<13>1 - h - - - - one", "<13>1 - h - - - - two"] {
        let mut got = [0; 2048];
        let n = socket.recv(&mut got).unwrap();
        assert_eq!(String::from_utf8_lossy(&got[..n]), want);
    }
    daemon.stop();

    // What looks like two messages is one here, a line break within it or not.
    let dir = Dir::new();
    let (daemon, port) = collector(&dir);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"<13>1 - h - - - - one\n<13>1 - h - - - - two", ("127.0.0.1", port)).unwrap();
    socket.send_to(b"<13>1 - h - - - - three", ("127.0.0.1", port)).unwrap();
    let lines = file_lines(&dir.file("log"), 2);
    assert_eq!(lines, ["h|one#012<13>1 - h - - - - two", "h|three"]);
    daemon.stop();
}

/// RFC 5426 3.2: 480 octets over IPv4, 1180 over IPv6, and better 2048 over both.
#[test]
fn rfc5426_03_04_05_long_datagrams_are_taken_whole() {
    let dir = Dir::new();
    let (daemon, port) = collector(&dir);
    let mut sent = Vec::new();
    for (from, to) in [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1")] {
        let socket = match UdpSocket::bind(from) {
            Ok(socket) => socket,
            Err(e) if e.kind() == ErrorKind::AddrNotAvailable => continue,
            Err(e) => panic!("{from}: {e}"),
        };
        for size in [480, 1180, 2048, 8000] {
            let head = "<13>1 - h - - - - ";
            let text = format!(
                "{}{to} {size}",
                "x".repeat(size - head.len() - to.len() - 1 - size.to_string().len())
            );
            assert_eq!(socket.send_to(format!("{head}{text}").as_bytes(), (to, port)).unwrap(), size);
            sent.push(format!("h|{text}"));
            assert_eq!(file_lines(&dir.file("log"), sent.len()), sent);
        }
    }
    assert!(sent.len() >= 4);
    daemon.stop();
}

/// RFC 5426 3.3: port 514 is where it is sent to unless told otherwise, and can be listened on; the sender's port may be
/// any.
#[test]
fn rfc5426_07_08_port_514_and_any_port_of_the_sender() {
    let dir = Dir::new();
    // An address of loopback that nobody else uses.
    let there = "127.0.53.14";
    let Ok(probe) = UdpSocket::bind((there, 514)) else {
        println!("skipped: port 514 needs privileges");
        return;
    };
    drop(probe);
    let config = format!(
        "module(load=\"imudp\")\ntemplate(name=\"t\" type=\"string\" string=\"%msg%\\n\")\n\
         input(type=\"imudp\" address=\"{there}\" port=\"514\")\n\
         action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n"
    );
    let daemon = Daemon::start(&dir, "collector", &config);
    let away = Dir::new();
    let (sending, mut stream) = sender(&away, &format!("*.* @{there};t"));
    sysloom_tests::wait_for("the listener", || UdpSocket::bind((there, 514)).is_err().then_some(()));
    stream.write_all(b"<13>1 - h - - - - sent to 514\n").unwrap();
    assert_eq!(file_lines(&dir.file("log"), 1), ["sent to 514"]);
    for n in 2..4 {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(b"<13>1 - h - - - - another port", (there, 514)).unwrap();
        file_lines(&dir.file("log"), n);
    }
    sending.stop();
    daemon.stop();
}

/// RFC 5426 4.1: the datagram's source is not the originator; the message says who that is.
#[test]
fn rfc5426_10_the_message_says_who_sent_it() {
    let dir = Dir::new();
    let (daemon, port) = collector(&dir);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"<13>1 - originator.example.net - - - - x", ("127.0.0.1", port)).unwrap();
    assert_eq!(file_lines(&dir.file("log"), 1), ["originator.example.net|x"]);
    daemon.stop();
}
