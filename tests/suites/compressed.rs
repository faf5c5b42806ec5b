//! Messages that their sender compressed: what rsyslogd and omfwd send so is understood, and what is damaged or would
//! grow without end harms nobody.

use flate2::{Compress, Compression, FlushCompress};
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use sysloom_tests::port::free_port;
use sysloom_tests::{Daemon, Dir, Peer, connect, file_lines, wait_for};

/// Starts one of the daemons, with a name and a configuration.
type Start = fn(&Dir, &str, &str) -> Daemon;

/// Takes TCP and UDP and writes what became of the messages.
fn collector(globals: &str) -> String {
    format!(
        "{globals}\nmodule(load=\"imtcp\")\nmodule(load=\"imudp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/tcp\")\n\
         input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/udp\")\n\
         template(name=\"t\" type=\"string\" string=\"%inputname%|%hostname%|%syslogtag%|%msg%|%rawmsg%\\n\")\n\
         if $inputname startswith \"im\" then action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n"
    )
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 100);
    out.push(b'z');
    Compress::new(Compression::new(9), true).compress_vec(text, &mut out, FlushCompress::Finish).unwrap();
    out
}

struct Senders {
    tcp: TcpStream,
    udp: UdpSocket,
    udp_port: u16,
}

impl Senders {
    fn new(daemon: &Daemon, dir: &Dir) -> Self {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let udp_port = daemon.port(&dir.file("udp"));
        Self { tcp: connect(daemon.port(&dir.file("tcp"))), udp, udp_port }
    }

    /// Sends a message both ways.
    fn send(&mut self, message: &[u8]) {
        self.tcp.write_all(&[format!("{} ", message.len()).as_bytes(), message].concat()).unwrap();
        self.udp.send_to(message, ("127.0.0.1", self.udp_port)).unwrap();
    }
}

/// The text of a message of `n` bytes.
fn text(n: usize) -> Vec<u8> {
    let head = b"<13>Nov 27 12:00:00 host tag: ";
    let mut text = head.to_vec();
    text.extend((head.len()..n).map(|at| b"abcdefghij klmnopqrstuvwxy"[at % 26]));
    text
}

/// What rsyslogd makes of it is what we make of it.
#[test]
fn compressed_messages_are_read_as_rsyslogd_reads_them() {
    if !Peer::wanted("rsyslogd") {
        return;
    }
    let whole = packed(&text(200));
    let messages: Vec<Vec<u8>> = vec![
        packed(b"<13>Nov 27 12:00:00 host tag: short"),
        packed(&text(8096)),
        packed(b"<13>Nov 27 12:00:00 host tag: ends in LF\n"),
        packed(b"<13>1 2026-11-27T12:00:00Z other app 1 2 - with a\ttab"),
        [&whole[..], b"more"].concat(),
        whole,
    ];
    // Over TCP, only what begins as zlib does can be told from text.
    let datagrams: [&[u8]; 3] = [b"zebra and text", b"z", b"zx\x9c no stream"];
    let run = |start: Start, name: &str| {
        let dir = Dir::new();
        // rsyslogd's imudp writes no file with its port.
        let port = free_port();
        dir.write("udp", port.to_string());
        let udp = "type=\"imudp\" port=\"";
        let config = collector("").replace(&format!("{udp}0"), &format!("{udp}{port}"));
        let config = config.replace(" listenPortFileName=\"{dir}/udp\"", "");
        let daemon = start(&dir, name, &config);
        let mut senders = Senders::new(&daemon, &dir);
        messages.iter().for_each(|message| senders.send(message));
        for message in datagrams {
            senders.udp.send_to(message, ("127.0.0.1", senders.udp_port)).unwrap();
        }
        let mut lines = file_lines(&dir.file("log"), 2 * messages.len() + datagrams.len());
        daemon.stop();
        lines.sort();
        lines
    };
    let (ours, theirs) = (run(Daemon::start, "ours"), run(Daemon::rsyslogd, "theirs"));
    assert!(ours.iter().any(|line| line.contains("imtcp|host|tag:| short|<13>Nov 27")), "{ours:?}");
    assert_eq!(ours, theirs);
}

#[test]
fn what_cannot_be_inflated_is_taken_as_it_came_with_one_line() {
    let dir = Dir::new();
    let daemon = Daemon::start(&dir, "daemon", &collector("global(maxMessageSize=\"4k\")"));
    let mut senders = Senders::new(&daemon, &dir);
    let whole = packed(&text(200));
    let bomb = packed(&vec![b'a'; 3 << 20]);
    assert!(bomb.len() < 4096);
    for message in [&whole[..60], &bomb, &packed(&text(4097)), b"zx\x9c no stream"] {
        senders.send(message);
    }
    senders.send(&whole);
    let lines = file_lines(&dir.file("log"), 10);
    let good = |line: &&String| line.contains("|host|tag:| ef");
    assert_eq!(lines.iter().filter(good).count(), 2, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("|zx")).count(), 8, "{lines:?}");
    let said = daemon.stop();
    assert_eq!(said.matches("begins with z, as compressed ones do, but").count(), 1, "{said}");
    assert!(said.contains("a message from 127.0.0.1 through input 'im"), "{said}");
}

#[test]
fn inflating_can_be_switched_off() {
    let dir = Dir::new();
    let daemon =
        Daemon::start(&dir, "daemon", &collector("global(parser.supportCompressionExtension=\"off\")"));
    let mut senders = Senders::new(&daemon, &dir);
    senders.send(&packed(b"<13>Nov 27 12:00:00 host tag: text"));
    let lines = file_lines(&dir.file("log"), 2);
    assert!(lines.iter().all(|line| line.contains("|zx") && !line.contains("|tag:|")), "{lines:?}");
    assert_eq!(daemon.stop(), "");
}

/// Through a ruleset's own queue a message is inflated once, not again.
#[test]
fn a_message_that_is_handed_on_is_inflated_once() {
    let dir = Dir::new();
    let inner = packed(b"<13>Nov 27 12:00:00 host tag: text");
    let config = collector("")
        .replace("action(", "call other\nruleset(name=\"other\" queue.type=\"LinkedList\") { action(")
        + "}\n";
    let daemon = Daemon::start(&dir, "daemon", &config);
    Senders::new(&daemon, &dir).send(&packed(&inner));
    let lines = file_lines(&dir.file("log"), 2);
    assert!(lines.iter().all(|line| line.contains("|zx") && !line.contains("|tag:|")), "{lines:?}");
    assert_eq!(daemon.stop(), "");
}

/// compression.mode="stream:always" of both daemons; what is hostile ends its own connection, with one line.
#[test]
fn compressed_streams_arrive_and_bombs_end_their_connection() {
    let mut senders: Vec<(Start, &str)> = vec![(Daemon::start, "zlib"), (Daemon::start, "zstd")];
    if Peer::wanted("rsyslogd") {
        senders.push((Daemon::rsyslogd, "zlib"));
    }
    for (start, driver) in senders {
        let (dir, there) = (Dir::new(), Dir::new());
        let how = format!(
            "load=\"imtcp\" compression.mode=\"stream:always\" compression.driver=\"{driver}\" \
             compression.maxDecompressedBytesPerReceive=\"1000000\""
        );
        let config = collector("").replace("load=\"imtcp\"", &how);
        let ours = Daemon::start(&there, "collector", &config);
        let port = ours.port(&there.file("tcp"));
        let more = if driver == "zstd" { "compression.driver=\"zstd\"" } else { "" };
        let config = format!(
            "module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
             if $inputname == \"imtcp\" then action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" \
             compression.mode=\"stream:always\" {more} template=\"RSYSLOG_TraditionalForwardFormat\")\n"
        );
        let sender = start(&dir, "sender", &config);
        let mut stream = connect(sender.port(&dir.file("in")));
        let mut send = |n: usize| stream.write_all(&[&text(n), &b"\n"[..]].concat()).unwrap();
        send(50);
        file_lines(&there.file("log"), 1);
        // Meanwhile, somebody else sends a bomb, and somebody does not compress.
        let zeros = vec![b'0'; 64 << 20];
        let bomb = match driver {
            "zstd" => zstd::bulk::compress(&zeros, 3).unwrap(),
            _ => packed(&zeros)[1..].to_vec(),
        };
        for (bytes, words) in [
            (&bomb[..], "one read expands to more than 1000000 bytes, connection closed, peer 127.0.0.1:"),
            (b"<13>plain\n", "the stream cannot be decompressed ("),
        ] {
            let mut other = connect(port);
            // The bomb may be refused before its end.
            let _ = other.write_all(bytes);
            // Until it is closed on.
            let _ = std::io::Read::read(&mut other, &mut [0; 1]);
            ours.wait_stderr(words);
        }
        send(500);
        let log = wait_for("the last message", || {
            let lines = file_lines(&there.file("log"), 2);
            lines.last().is_some_and(|line| line.contains("|host|tag:|")).then_some(lines)
        });
        let good: Vec<_> = log.iter().filter(|line| line.contains("|host|tag:|")).collect();
        let lens: Vec<usize> = good.iter().map(|line| line.rsplit('|').next().unwrap().len()).collect();
        assert_eq!(lens, [50, 500], "{driver}");
        sender.stop();
        assert_eq!(ours.stop().matches("connection closed, peer 127.0.0.1:").count(), 2);
    }
}

/// compression.mode="single" of both daemons, over both protocols, from a sender that is fed over TCP.
#[test]
fn omfwds_compressed_messages_arrive() {
    let mut senders: Vec<Start> = vec![Daemon::start];
    if Peer::wanted("rsyslogd") {
        senders.push(Daemon::rsyslogd);
    }
    for start in senders {
        for (protocol, input) in [("udp", "imudp"), ("tcp", "imtcp")] {
            let (dir, there) = (Dir::new(), Dir::new());
            let ours = Daemon::start(&there, "collector", &collector(""));
            let config = format!(
                "module(load=\"imtcp\")\n\
                 input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
                 if $inputname == \"imtcp\" then action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" protocol=\"{protocol}\" \
                 compression.mode=\"single\" zipLevel=\"9\" template=\"RSYSLOG_TraditionalForwardFormat\")\n",
                ours.port(&there.file(protocol))
            );
            let sender = start(&dir, "sender", &config);
            let mut stream = connect(sender.port(&dir.file("in")));
            for n in [40, 300, 2000] {
                stream.write_all(&[&text(n), &b"\n"[..]].concat()).unwrap();
            }
            let lines = file_lines(&there.file("log"), 3);
            for (line, n) in lines.iter().zip([40, 300, 2000]) {
                let raw = line.rsplit('|').next().unwrap();
                assert!(line.starts_with(&format!("{input}|host|tag:|")), "{line}");
                assert_eq!(raw.as_bytes(), text(n), "{protocol}");
            }
            sender.stop();
            assert_eq!(ours.stop(), "");
        }
    }
}
