//! RFC 6587, syslog over TCP.

use std::io::{Read, Write};
use std::net::Shutdown;
use sysloom_tests::{Channel, Daemon, Dir, connect, file_lines};

/// What arrives when a connection carries `bytes`.
fn received(bytes: &[u8], messages: usize) -> (Vec<String>, String) {
    let dir = Dir::new();
    let daemon = Daemon::start(&dir, "daemon", &Channel::plain().collector());
    let mut stream = connect(daemon.port(&dir.file("port")));
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    if messages > 0 {
        file_lines(&dir.file("log"), messages);
    }
    let said = daemon.stop();
    (std::fs::read_to_string(dir.file("log")).unwrap_or_default().lines().map(str::to_owned).collect(), said)
}

/// RFC 6587 3.4.1: a frame that begins with a digit 1-9, more digits, and a blank is octet-counted.
#[test]
fn rfc6587_01_02_octet_counting_is_recognised() {
    let (got, said) = received(b"21 <13>1 - h a - - - one22 <13>1 - h a - - - four", 2);
    assert_eq!((got, said.as_str()), (vec!["one".to_owned(), "four".to_owned()], ""));
    // 0 begins no count.
    let (_, said) = received(b"021 <13>1 - h a - - - one\n", 1);
    assert!(said.contains("leading zeros"), "{said}");
}

/// RFC 6587 3.4.2: the trailer is LF; other receivers saw CR LF and NUL.
#[test]
fn rfc6587_03_04_trailers() {
    let (got, _) = received(b"<13>1 - h a - - - one\n<13>1 - h a - - - two\n", 2);
    assert_eq!(got, ["one", "two"]);
    for trailer in ["\r\n", "\0", "\n"] {
        let bytes = format!("21 <13>1 - h a - - - one{trailer}21 <13>1 - h a - - - two{trailer}");
        let (got, said) = received(bytes.as_bytes(), 2);
        assert_eq!((got, said.as_str()), (vec!["one".to_owned(), "two".to_owned()], ""), "{trailer:?}");
    }
}

/// RFC 6587 3.4: a sender uses one method for a session.
#[test]
fn rfc6587_05_a_sender_keeps_to_one_method() {
    for framing in ["traditional", "octet-counted"] {
        let dir = Dir::new();
        let (listener, port) = crate::listener();
        let more = format!("tcp_framing=\"{framing}\" template=\"t\"");
        let config = format!(
            "template(name=\"t\" type=\"string\" string=\"%msg%\")\nmodule(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n{}",
            Channel::plain().action("127.0.0.1", port, &more)
        );
        let daemon = Daemon::start(&dir, "daemon", &config);
        let mut source = connect(daemon.port(&dir.file("in")));
        let (mut stream, _) = {
            source.write_all(sysloom_tests::lines(0..1).as_bytes()).unwrap();
            listener.accept().unwrap()
        };
        source.write_all(sysloom_tests::lines(1..100).as_bytes()).unwrap();
        let frame = |i: usize| match framing {
            "traditional" => format!("message {i}\n"),
            _ => format!("{} message {i}", format!("message {i}").len()),
        };
        let want: String = (0..100).map(frame).collect();
        let mut got = vec![0; want.len()];
        stream.set_read_timeout(Some(sysloom_tests::PATIENCE)).unwrap();
        stream.read_exact(&mut got).unwrap();
        assert_eq!(String::from_utf8(got).unwrap(), want);
        daemon.stop();
    }
}

/// RFC 6587 3.4: a receiver may find both in one session.
#[test]
fn rfc6587_06_each_frame_is_looked_at() {
    let bytes = b"<13>1 - h a - - - one\n21 <13>1 - h a - - - two<13>1 - h a - - - three\n";
    assert_eq!(received(bytes, 3).0, ["one", "two", "three"]);
}

/// RFC 6587 3.4.1: in a counted frame LF is an octet like any other.
#[test]
fn rfc6587_07_lf_inside_a_counted_frame() {
    let (got, said) = received(b"25 <13>1 - h a - - - one\ntwo21 <13>1 - h a - - - end", 2);
    assert_eq!((got, said.as_str()), (vec!["one#012two".to_owned(), "end".to_owned()], ""));
}

/// RFC 6587 3.4: what is longer than a receiver takes does not cost the messages after it.
#[test]
fn rfc6587_08_oversize() {
    for counted in [false, true] {
        let long = format!("<13>1 - h a - - - {}", "x".repeat(20_000));
        let text = match counted {
            true => format!("{} {long}21 <13>1 - h a - - - end", long.len()),
            false => format!("{long}\n<13>1 - h a - - - end\n"),
        };
        let (got, said) = received(text.as_bytes(), 2);
        assert_eq!(got.last().map(String::as_str), Some("end"));
        assert!(said.contains("max msg size"), "{said}");
    }
}
