//! RFC 3164 and 5424: what a relay may not change, and the transports that it must have.

use std::io::{Read, Write};
use std::net::UdpSocket;
use sysloom_tests::{Daemon, Dir, PATIENCE, connect};

/// What a relay between two connections makes of messages, with a forwarding template. Without a template it is
/// omfwd's own, which is RFC 3164's.
fn relayed(messages: &[&str], template: &str) -> Vec<String> {
    let dir = Dir::new();
    let (listener, port) = crate::listener();
    let template = if template.is_empty() { String::new() } else { format!(";{template}") };
    let config = format!(
        "module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
         *.* @@(o)127.0.0.1:{port}{template}\n"
    );
    let daemon = Daemon::start(&dir, "relay", &config);
    let mut source = connect(daemon.port(&dir.file("in")));
    for message in messages {
        write!(source, "{} {message}", message.len()).unwrap();
    }
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut got = Vec::new();
    for _ in messages {
        let mut digits = String::new();
        let mut byte = [0];
        loop {
            stream.read_exact(&mut byte).unwrap();
            if byte == *b" " {
                break;
            }
            digits.push(char::from(byte[0]));
        }
        let mut frame = vec![0; digits.parse().unwrap()];
        stream.read_exact(&mut frame).unwrap();
        got.push(String::from_utf8(frame).unwrap());
    }
    daemon.stop();
    got
}

/// RFC 3164 4.2: a relay does not change a valid message.
#[test]
fn rfc3164_09_a_valid_message_is_passed_on_unchanged() {
    let messages = [
        "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
        "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
        "<0>Oct 22 10:52:12 scapegoat sched[0]: That's All Folks!",
        "<191>Jan  1 00:00:00 host tag: ",
    ];
    assert_eq!(relayed(&messages, ""), messages);
}

/// RFC 3164 4.1, 6.1: what is longer than 1024 octets is passed on whole: a receiver that takes no more cuts itself.
#[test]
fn rfc3164_10_a_long_message_is_passed_on_whole() {
    let long = format!("<34>Oct 11 22:14:15 mymachine su: {}", "x".repeat(3000));
    assert_eq!(relayed(&[&long], ""), [long.as_str()]);
}

/// RFC 5424 4.1, 6.3, 6.4: a relay passes on unknown structured data and every octet of MSG.
#[test]
fn rfc5424_24_25_a_message_is_passed_on_unchanged() {
    let messages = [
        "<165>1 2003-10-11T22:14:15.003Z host app 1 ID47 [unknown@32473 a=\"b\\\"\\]\\\\\" c=\"\u{fc}\"][x@1] text",
        "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 app - - - \u{feff}with a BOM",
        "<165>1 2003-10-11T22:14:15.003Z host app 1 ID47 [timeQuality tzKnown=\"1\"][origin ip=\"192.0.2.1\"] -  two blanks ",
        "<0>1 2003-10-11T22:14:15Z a.b.c.example.test x y z - text",
    ];
    let got = relayed(&messages, "RSYSLOG_SyslogProtocol23Format");
    let got: Vec<&str> = got.iter().map(|text| text.strip_suffix('\n').unwrap_or(text)).collect();
    assert_eq!(got, messages);
}

/// RFC 5424 5.1: TLS is there (RFC 5425's lines use it).
#[test]
fn rfc5424_26_tls_is_there() {
    let world = crate::World::new();
    let (collector, port) = world.collector(sysloom_tests::Auth::Valid, &[]);
    let channel = world.tls().judging(sysloom_tests::Auth::Name, &["localhost"]);
    let sender = world.sender(&channel, port, &sysloom_tests::lines(0..3));
    assert_eq!(sysloom_tests::file_lines(&world.dir.file("log"), 3), ["message 0", "message 1", "message 2"]);
    sender.stop();
    collector.stop();
}

/// RFC 5424 5.1: UDP is there, in both directions.
#[test]
fn rfc5424_27_udp_is_there() {
    let dir = Dir::new();
    let target = UdpSocket::bind("127.0.0.1:0").unwrap();
    target.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = target.local_addr().unwrap().port();
    let config = format!(
        "module(load=\"imudp\")\n\
         input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
         *.* @127.0.0.1:{port}\n"
    );
    let daemon = Daemon::start(&dir, "relay", &config);
    let message = "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8";
    let source = UdpSocket::bind("127.0.0.1:0").unwrap();
    source.send_to(message.as_bytes(), ("127.0.0.1", daemon.port(&dir.file("in")))).unwrap();
    let mut got = [0; 2048];
    let n = target.recv(&mut got).unwrap();
    assert_eq!(std::str::from_utf8(&got[..n]).unwrap(), message);
    daemon.stop();
}

/// RFC 5424 6.2.1: PRIVAL goes from 0 to 191, and what is beyond is no such message; it is not lost either.
#[test]
fn rfc5424_02_pri() {
    let dir = Dir::new();
    let config = "module(load=\"imtcp\")\n\
        input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/in\")\n\
        template(name=\"t\" type=\"string\" string=\"%pri% %syslogfacility% %syslogseverity% %msg%\\n\")\n\
        *.* action(type=\"omfile\" file=\"{dir}/log\" template=\"t\")\n";
    let daemon = Daemon::start(&dir, "daemon", config);
    let mut stream = connect(daemon.port(&dir.file("in")));
    for pri in [0, 7, 8, 100, 191, 192] {
        writeln!(stream, "<{pri}>1 2003-10-11T22:14:15Z host app - - - text {pri}").unwrap();
    }
    let lines = sysloom_tests::file_lines(&dir.file("log"), 6);
    assert_eq!(
        lines[..5],
        ["0 0 0 text 0", "7 0 7 text 7", "8 1 0 text 8", "100 12 4 text 100", "191 23 7 text 191"]
    );
    assert!(lines[5].ends_with("text 192") && !lines[5].starts_with("192 24 0 "), "{}", lines[5]);
    daemon.stop();
}

/// RFC 5424 6.3.2, 6.3.3: names of 32 octets; a PARAM-NAME may come again, and the order counts.
#[test]
fn rfc5424_12_14_names_and_repetitions() {
    let name = "n".repeat(32);
    let message = format!(
        "<13>1 2003-10-11T22:14:15Z host app - - [{name} {name}=\"1\" ip=\"b\" ip=\"a\" ip=\"b\"] text"
    );
    let got = relayed(&[&message], "RSYSLOG_SyslogProtocol23Format");
    assert_eq!(got, [message + "\n"]);
}
