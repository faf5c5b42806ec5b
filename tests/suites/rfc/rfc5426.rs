//! RFC 5426, syslog over UDP, through imudp and omfwd.

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, sendto, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use std::io::{ErrorKind, Write};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
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
    through_port_514("127.0.53.14");
}

/// RFC 3164 2: syslog's port is UDP 514.
#[test]
fn rfc3164_11_udp_port_514() {
    through_port_514("127.0.53.15");
}

/// `there` is an address of loopback that nobody else uses.
fn through_port_514(there: &str) {
    let dir = Dir::new();
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

/// RFC 5426 3.6: a sender has its datagrams summed; what has no sum is accepted over IPv4, and what has a wrong one is not.
#[test]
fn rfc5426_09_checksums() {
    let flags = SockFlag::SOCK_CLOEXEC;
    let Ok(wire) = socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Udp) else {
        println!("skipped: a raw socket needs privileges");
        return;
    };
    nix::sys::socket::setsockopt(&wire, sockopt::ReceiveTimeout, &TimeVal::seconds(30)).unwrap();
    let dir = Dir::new();
    let (daemon, port) = collector(&dir);
    let away = Dir::new();
    let (sending, mut stream) = sender(&away, &format!("*.* @127.0.0.1:{port};t"));
    let to = SockaddrIn::new(127, 0, 0, 1, port);
    let ours = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (sum, text) in [(0xdead, "wrong sum"), (0, "no sum")] {
        let datagram = datagram(ours, port, sum, &format!("<13>1 - h - - - - {text}"));
        assert_eq!(sendto(wire.as_raw_fd(), &datagram, &to, MsgFlags::empty()).unwrap(), datagram.len());
    }
    assert_eq!(file_lines(&dir.file("log"), 1), ["h|no sum"]);
    stream.write_all(b"<13>1 - h - - - - summed\n").unwrap();
    assert_eq!(file_lines(&dir.file("log"), 2), ["h|no sum", "h|summed"]);
    // The wire had all that went to this port, the one without a sum too.
    let mut sums = Vec::new();
    let mut bytes = [0; 65536];
    while sums.len() < 3 {
        let n = nix::unistd::read(&wire, &mut bytes).expect("the datagrams are seen");
        let packet = &bytes[..n];
        let Some(udp) = packet.first().and_then(|first| packet.get(usize::from(first & 15) * 4..)) else {
            continue;
        };
        let word = |at: usize| udp.get(at..at + 2).map_or(0, |two| u16::from_be_bytes([two[0], two[1]]));
        if word(2) == port {
            sums.push((word(0) == ours, word(6)));
        }
    }
    let without = sums.iter().filter(|(_, sum)| *sum == 0).count();
    let summed = sums.iter().find(|(crafted, _)| !crafted).expect("the sender's");
    assert!(without == 1 && summed.1 != 0, "{sums:?}");
    sending.stop();
    daemon.stop();
}

/// A UDP datagram with this sum, without the head that the system adds.
fn datagram(from: u16, to: u16, sum: u16, text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len() + 8).expect("a short text");
    let head = [from, to, length, sum].map(u16::to_be_bytes).concat();
    [head.as_slice(), text.as_bytes()].concat()
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
