//! Listeners: several of them, each with its own driver and settings; address families; framings.

use crate::{RECEIVE, TEXT};
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use sysloom_tests::pki::{Pki, Wish};
use sysloom_tests::{Daemon, Dir, TlsClient, TlsVersion, connect, file_lines, lines, wait_for};

/// Three listeners in one daemon: plain, TLS, and plain with a name, a ruleset and framing of its own.
#[test]
fn each_listener_has_its_own_driver_and_settings() {
    let dir = Dir::new();
    let pki = Pki::new(&dir);
    let server = pki.issue(&dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
    let config = format!(
        "module(load=\"imtcp\")\n\
         template(name=\"t\" type=\"string\" string=\"%inputname% %msg%\\n\")\n\
         ruleset(name=\"third\") {{ action(type=\"omfile\" file=\"{{dir}}/third\" template=\"t\") }}\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/plain\" name=\"plain\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/tls\" name=\"tls\"\n\
               streamDriver.name=\"rustls\" streamDriver.mode=\"1\" streamDriver.authMode=\"anon\"\n\
               streamDriver.certFile=\"{}\" streamDriver.keyFile=\"{}\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/pipe\" name=\"pipe\"\n\
               addtlFrameDelimiter=\"124\" supportOctetCountedFraming=\"off\" ruleset=\"third\")\n\
         *.* action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n",
        server.cert.display(),
        server.key.display()
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    let port = |name: &str| daemon.port(&dir.file(name));
    connect(port("plain")).write_all(lines(0..1).as_bytes()).unwrap();
    let mut client = TlsClient::connect(port("tls"), &pki.file(), None, TlsVersion::V13).unwrap();
    client.send(lines(1..2).as_bytes()).unwrap();
    assert!(client.close());
    let text = "<134>1 2026-11-23T03:09:01Z h a - - - 7 a|<134>1 2026-11-23T03:09:01Z h a - - - b|";
    connect(port("pipe")).write_all(text.as_bytes()).unwrap();
    let mut got = file_lines(&dir.file("log"), 2);
    got.sort();
    assert_eq!(got, ["plain message 0", "tls message 1"]);
    assert_eq!(file_lines(&dir.file("third"), 2), ["pipe 7 a", "pipe b"]);
    // RFC 5425 4.2: a mode without authentication is not recommended, so it is said.
    let said = daemon.stop();
    assert!(said.contains("authMode anon") && said.lines().count() == 1, "{said}");
}

/// Legacy settings count for the listeners that follow them.
#[test]
fn legacy_settings_count_for_the_listeners_that_follow() {
    let dir = Dir::new();
    let config = "$ModLoad imtcp\n$InputTCPServerListenIP 127.0.0.1\n\
         $InputTCPServerInputName one\n$InputTCPServerListenPortFile {dir}/one\n$InputTCPServerRun 0\n\
         $InputTCPServerInputName two\n$InputTCPServerListenPortFile {dir}/two\n$InputTCPServerRun 0\n\
         $template t,\"%inputname% %msg%\\n\"\n*.* {dir}/log;t\n";
    let daemon = Daemon::start(&dir, "daemon", config);
    for (i, name) in ["one", "two"].iter().enumerate() {
        connect(daemon.port(&dir.file(name))).write_all(lines(i..i + 1).as_bytes()).unwrap();
        file_lines(&dir.file("log"), i + 1);
    }
    assert_eq!(file_lines(&dir.file("log"), 2), ["one message 0", "two message 1"]);
    assert_eq!(daemon.stop(), "");
}

#[test]
fn one_port_serves_both_address_families() {
    let dir = Dir::new();
    let config = "module(load=\"imtcp\")\nmodule(load=\"imudp\")\n\
         input(type=\"imtcp\" port=\"0\" listenPortFileName=\"{dir}/port\")\n\
         input(type=\"imudp\" port=\"0\" listenPortFileName=\"{dir}/udp\")\n\
         template(name=\"t\" type=\"string\" string=\"%fromhost-ip% %msg%\\n\")\n\
         *.* action(type=\"omfile\" file=\"{dir}/log\" template=\"t\")\n";
    let daemon = Daemon::start(&dir, "daemon", config);
    let port = daemon.port(&dir.file("port"));
    let udp = daemon.port(&dir.file("udp"));
    let mut want = Vec::new();
    for (i, address) in ["127.0.0.1", "::1"].into_iter().enumerate() {
        let mut stream = TcpStream::connect((address, port)).unwrap();
        stream.write_all(lines(i..i + 1).as_bytes()).unwrap();
        let socket = UdpSocket::bind((address, 0)).unwrap();
        socket.send_to(lines(i + 2..i + 3).trim_end().as_bytes(), (address, udp)).unwrap();
        want.push(format!("{address} message {i}"));
        want.push(format!("{address} message {}", i + 2));
    }
    let mut got = file_lines(&dir.file("log"), 4);
    got.sort();
    want.sort();
    assert_eq!(got, want);
    assert_eq!(daemon.stop(), "");
}

/// What one connection carries, and the messages that it comes to.
const FRAMINGS: [(&str, &str, &[&str]); 9] = [
    ("a last line without its end", "<13>1 - h a - - - one\n<13>1 - h a - - - two", &["one", "two"]),
    ("lines", "<13>1 - h a - - - one\n<13>1 - h a - - - two\n", &["one", "two"]),
    ("counted", "21 <13>1 - h a - - - one21 <13>1 - h a - - - two", &["one", "two"]),
    (
        "told apart per frame",
        "21 <13>1 - h a - - - one<13>1 - h a - - - two\n23 <13>1 - h a - - - three",
        &["one", "two", "three"],
    ),
    ("LF in a counted frame", "25 <13>1 - h a - - - one\ntwo", &["one#012two"]),
    ("LF after a counted frame", "21 <13>1 - h a - - - one\n21 <13>1 - h a - - - two\n", &["one", "two"]),
    ("NUL ends nothing", "<13>1 - h a - - - one\0two\n", &["one#000two"]),
    ("an empty line", "\n<13>1 - h a - - - one\n\n", &["one"]),
    (
        "digits that count nothing",
        "<13>1 - h a - - - one\n2026 is a year\n<13>1 - h a - - - two\n",
        &["one", "a year", "two"],
    ),
];

/// Each row arrives in one write, and a byte at a time: what a read holds must not matter.
#[test]
fn framings_are_told_apart() {
    let dir = Dir::new();
    let daemon = Daemon::start(&dir, "daemon", &format!("{RECEIVE}{TEXT}"));
    let port = daemon.port(&dir.file("port"));
    let mut want = Vec::new();
    for (name, bytes, messages) in FRAMINGS {
        for split in [false, true] {
            let mut stream = connect(port);
            stream.set_nodelay(true).unwrap();
            if split {
                bytes.as_bytes().iter().for_each(|byte| stream.write_all(&[*byte]).unwrap());
            } else {
                stream.write_all(bytes.as_bytes()).unwrap();
            }
            drop(stream);
            want.extend(messages.iter().map(|text| (*text).to_owned()));
            let got = wait_for(name, || {
                let text = std::fs::read_to_string(dir.file("log")).ok()?;
                let got: Vec<String> = text.lines().map(|line| line.trim_start().to_owned()).collect();
                (got.len() >= want.len()).then_some(got)
            });
            assert_eq!(got, want, "{name}, byte by byte: {split}");
        }
    }
    daemon.stop();
}

#[test]
fn a_port_that_is_taken_is_one_line_and_the_others_listen() {
    let dir = Dir::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let config =
        format!("{RECEIVE}input(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\" name=\"busy\")\n{TEXT}");
    let daemon = Daemon::start(&dir, "daemon", &config);
    connect(daemon.port(&dir.file("port"))).write_all(lines(0..1).as_bytes()).unwrap();
    assert_eq!(file_lines(&dir.file("log"), 1), ["message 0"]);
    let said = daemon.stop();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&format!("127.0.0.1 port {port}: another process listens there")), "{said}");
}

#[test]
fn a_message_knows_its_sender_s_port() {
    let dir = Dir::new();
    let config = format!(
        "{RECEIVE}module(load=\"imudp\")\n\
         input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/udp\")\n\
         template(name=\"t\" type=\"string\" string=\"%inputname% %fromhost-port%\\n\")\n\
         *.* action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    let mut stream = connect(daemon.port(&dir.file("port")));
    stream.write_all(b"<13>1 - host app - - - over tcp\n").unwrap();
    let from = stream.local_addr().unwrap().port();
    assert_eq!(file_lines(&dir.file("log"), 1), [format!("imtcp {from}")]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"<13>1 - host app - - - over udp", ("127.0.0.1", daemon.port(&dir.file("udp")))).unwrap();
    let from = socket.local_addr().unwrap().port();
    assert_eq!(file_lines(&dir.file("log"), 2)[1], format!("imudp {from}"));
    daemon.stop();
}
