//! RFC 3164 and 5424 through imudp and omfwd over UDP: what such a relay takes, what it passes on, and what it may change.

use std::net::UdpSocket;
use sysloom_tests::{Daemon, Dir, PATIENCE};

/// The records are the bytes that came.
const RAW: &str = "template=\"raw\"";

/// What a relay over UDP makes of datagrams, one by one; `template` is omfwd's own if there is none.
fn relayed(head: &str, template: &str, datagrams: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let (dir, target) = (Dir::new(), UdpSocket::bind("127.0.0.1:0").unwrap());
    target.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = target.local_addr().unwrap().port();
    let config = format!(
        "{head}\ntemplate(name=\"raw\" type=\"string\" string=\"%rawmsg%\")\nmodule(load=\"imudp\")\n\
         input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"udp\" {template})\n"
    );
    let daemon = Daemon::start(&dir, "relay", &config);
    let (source, input) = (UdpSocket::bind("127.0.0.1:0").unwrap(), daemon.port(&dir.file("in")));
    let mut got = Vec::new();
    for datagram in datagrams {
        assert_eq!(source.send_to(datagram, ("127.0.0.1", input)).unwrap(), datagram.len());
        let mut bytes = vec![0; 65536];
        let n = target.recv(&mut bytes).unwrap();
        bytes.truncate(n);
        got.push(bytes);
    }
    daemon.stop();
    got
}

/// A message of RFC 3164 that has `size` octets.
fn long(size: usize) -> Vec<u8> {
    let mut message = b"<34>Oct 11 22:14:15 mymachine su: ".to_vec();
    message.resize(size, b'x');
    message
}

/// RFC 3164 4.1, 4.2: a valid packet is passed on as it is, up to 1024 octets and beyond.
#[test]
fn rfc3164_01_09_10_a_valid_packet_is_passed_on_unchanged() {
    let packets = [
        b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8".to_vec(),
        b"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!".to_vec(),
        b"<0>Oct 22 10:52:12 scapegoat sched[0]: That's All Folks!".to_vec(),
        long(1024),
        long(1025),
        long(8000),
    ];
    assert_eq!(relayed("", "", &packets), packets);
}

/// RFC 3164 4.3.2, 4.3.3: a packet without a PRI gets 13, one without a time gets that of the relay; nothing of it is lost.
#[test]
fn rfc3164_03_04_a_relay_adds_what_is_missing() {
    let packets =
        ["Use the BFG!", "<34>no time here", "<34>Oct 41 22:14:15 host su: x"].map(|p| p.as_bytes().to_vec());
    let got = relayed("", "", &packets);
    for (got, (pri, text)) in got.iter().zip([
        ("<13>", "Use the BFG!"),
        ("<34>", "no time here"),
        ("<34>", "41 22:14:15 host su: x"),
    ]) {
        let got = std::str::from_utf8(got).unwrap();
        let rest = got.strip_prefix(pri).unwrap_or_else(|| panic!("{pri}: {got}"));
        let (time, rest) = rest.split_at(16);
        assert!(is_time(time), "{got}");
        // rsyslog: the first word is taken for the host's name, so none is added.
        assert!(rest.ends_with(text), "{got}");
    }
}

/// `Mmm dd hh:mm:ss `
fn is_time(text: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let shape: String = text.chars().skip(3).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    MONTHS.iter().any(|month| text.starts_with(month))
        && (shape == " 00 00:00:00 " || shape == "  0 00:00:00 ")
}

/// RFC 5424 6.1: 480 octets and 2048 are taken whole; what is longer than is taken is cut at its end, within a character
/// too, and the next message is not touched.
#[test]
fn rfc5424_20_to_23_lengths() {
    let message = |size: usize| {
        let mut text = "<13>1 - h a - - - ".to_owned();
        while text.len() < size {
            text.push('\u{20ac}');
        }
        text.into_bytes()
    };
    let whole = |size| message(size)[..size].to_vec();
    let datagrams = [whole(480), whole(2048), message(2049), message(9000), whole(100)];
    let got = relayed("global(maxMessageSize=\"2k\")", RAW, &datagrams);
    assert_eq!(got, [whole(480), whole(2048), whole(2048), whole(2048), whole(100)]);
    // The cut is not at a character's end.
    assert!(std::str::from_utf8(&whole(2048)).is_err());
}

/// RFC 5424 4.1, 6.3, 6.4: what arrives over UDP is what is sent over UDP, to the octet: structured data that nobody knows,
/// line breaks, and what is no UTF-8.
#[test]
fn rfc5424_24_25_29_30_no_octet_changes() {
    let datagrams = [
        b"<165>1 2003-10-11T22:14:15.003Z host app 1 ID47 [unknown@32473 a=\"b\\\"\\]\\\\\"][x@1] text"
            .to_vec(),
        b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 app - - - \xef\xbb\xbfwith a BOM".to_vec(),
        b"<13>1 - h a - - - one\ntwo\x01three\x7f\t\xff\xfe end".to_vec(),
        b"<13>1 - h a - - - nul \0 inside".to_vec(),
    ];
    let off = "global(parser.escapeControlCharactersOnReceive=\"off\")";
    let mut want = datagrams.clone();
    // rsyslog: NUL is escaped always.
    want[3] = b"<13>1 - h a - - - nul #000 inside".to_vec();
    assert_eq!(relayed(off, RAW, &datagrams), want);
}
