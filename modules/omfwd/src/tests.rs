//! The module through the sdk's traits, against sockets of the test.

use super::*;
use flate2::{Decompress, FlushDecompress};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Duration;
use sysloom_sdk::testing::{Rows, TestHost, settings};

struct Bench {
    host: TestHost,
    output: Omfwd,
    forwarder: Forwarder,
}

impl Bench {
    fn new(params: &[(&'static str, &str)]) -> Self {
        Self::with(&[], params)
    }

    fn with(module: &[(&'static str, &str)], params: &[(&'static str, &str)]) -> Self {
        let host = TestHost::new();
        let output = Omfwd::new(&settings(module).unwrap(), settings(params).unwrap(), host.host()).unwrap();
        let forwarder = Forwarder::new(&output).unwrap();
        Self { host, output, forwarder }
    }

    /// TCP to the listener.
    fn tcp(listener: &TcpListener, params: &[(&'static str, &str)]) -> Self {
        let port = listener.local_addr().unwrap().port().to_string();
        let mut all = vec![("target", "127.0.0.1"), ("port", port.as_str()), ("protocol", "tcp")];
        all.extend_from_slice(params);
        Self::new(&all)
    }

    fn udp(socket: &UdpSocket, params: &[(&'static str, &str)]) -> Self {
        let port = socket.local_addr().unwrap().port().to_string();
        let mut all = vec![("target", "127.0.0.1"), ("port", port.as_str())];
        all.extend_from_slice(params);
        Self::new(&all)
    }

    /// A counter of the first target.
    fn count(&self, name: &str) -> u64 {
        let target = &self.output.plan.targets[0];
        let object =
            format!("{}-{}-{}", if self.output.plan.tcp { "TCP" } else { "UDP" }, target.host, target.port);
        self.host.host().counter_of("omfwd", &object, name, Default::default()).get()
    }

    fn commit<R: AsRef<[u8]>>(&mut self, rows: impl IntoIterator<Item = R>) -> Commit {
        Rows::new(rows).lend(&self.host, |records| self.forwarder.commit(&self.output, records))
    }
}

fn is_done(commit: Commit) {
    assert!(matches!(commit, Commit::Done), "{commit:?}");
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket
}

fn datagram(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let len = socket.recv(&mut buffer).unwrap();
    buffer.truncate(len);
    buffer
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// Exactly so many bytes as the text has.
fn expect(stream: &mut TcpStream, text: &str) {
    let mut buffer = vec![0; text.len()];
    stream.read_exact(&mut buffer).unwrap();
    assert_eq!(String::from_utf8_lossy(&buffer), text);
}

/// Closes and waits until the other side must have seen it.
fn close(mut stream: TcpStream) {
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    let _ = stream.read(&mut [0; 1]);
}

#[test]
fn a_datagram_is_one_message() {
    let server = socket();
    let mut bench = Bench::udp(&server, &[]);
    is_done(bench.commit(["<13>one", "<13>two\n"]));
    assert_eq!((datagram(&server), datagram(&server)), (b"<13>one".to_vec(), b"<13>two\n".to_vec()));
    let counts = ["messages.sent", "bytes.sent"].map(|name| bench.count(name));
    assert_eq!(counts, [2, 15]);
}

#[test]
fn framing_on_a_stream() {
    for (params, wire) in [
        (&[][..], "<13>one\n<13>two\n"),
        (&[("tcp_framing", "octet-counted")][..], "7 <13>one8 <13>two\n"),
        (&[("tcp_frameDelimiter", "0")][..], "<13>one\0<13>two\n\0"),
    ] {
        let server = listener();
        let mut bench = Bench::tcp(&server, params);
        is_done(bench.commit(["<13>one", "<13>two\n"]));
        expect(&mut accept(&server), wire);
        assert_eq!(bench.count("num.connects"), 1);
        assert_eq!(bench.count("bytes.sent"), wire.len() as u64);
    }
}

#[test]
fn a_connection_closed_while_idle_loses_and_doubles_nothing() {
    for check in ["on", "off"] {
        let server = listener();
        let mut bench = Bench::tcp(&server, &[("extendedConnectionCheck", check)]);
        is_done(bench.commit(["<13>one"]));
        let mut first = accept(&server);
        expect(&mut first, "<13>one\n");
        close(first);
        is_done(bench.commit(["<13>two", "<13>three"]));
        expect(&mut accept(&server), "<13>two\n<13>three\n");
        assert_eq!(bench.count("num.connects"), 2);
    }
}

/// A commit of nothing shows it.
#[test]
fn whether_the_peer_is_there_is_looked_at_first_unless_told_otherwise() {
    for (word, connects) in [("on", 2), ("off", 1)] {
        let server = listener();
        let mut bench = Bench::tcp(&server, &[("extendedConnectionCheck", word)]);
        is_done(bench.commit(["<13>one"]));
        close(accept(&server));
        is_done(bench.commit([""; 0]));
        assert_eq!(bench.count("num.connects"), connects, "{word}");
    }
}

#[test]
fn the_last_message_is_sent_again_if_that_is_wanted() {
    for (word, wire) in [("on", "<13>two\n<13>three\n"), ("off", "<13>three\n")] {
        let server = listener();
        let mut bench = Bench::tcp(&server, &[("resendLastMsgOnReconnect", word)]);
        is_done(bench.commit(["<13>one", "<13>two"]));
        let mut first = accept(&server);
        expect(&mut first, "<13>one\n<13>two\n");
        close(first);
        is_done(bench.commit(["<13>three"]));
        expect(&mut accept(&server), wire);
    }
}

#[test]
fn a_destination_that_is_away_suspends_and_is_named() {
    let server = listener();
    let port = server.local_addr().unwrap().port();
    let mut bench = Bench::tcp(&server, &[]);
    drop(server);
    let Commit::Suspended(why) = bench.commit(["<13>one"]) else { panic!("nobody listens") };
    assert_eq!(why.text, format!("cannot connect to 127.0.0.1:{port}: Connection refused"));
    assert_eq!(why.code, 2027);
    assert!(bench.forwarder.resume(&bench.output).is_err());
    let server = TcpListener::bind(("127.0.0.1", port)).unwrap();
    bench.forwarder.resume(&bench.output).unwrap();
    is_done(bench.commit(["<13>one"]));
    expect(&mut accept(&server), "<13>one\n");
}

#[test]
fn only_every_nth_failure_is_told() {
    let server = listener();
    let mut bench = Bench::tcp(&server, &[("conErrSkip", "3")]);
    drop(server);
    let told: Vec<bool> = (0..6)
        .map(|_| match bench.commit(["x"]) {
            Commit::Suspended(why) => !why.text.is_empty(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [true, false, false, true, false, false]);
}

#[test]
fn a_connection_that_breaks_gives_back_what_was_not_written() {
    let server = listener();
    let mut bench = Bench::tcp(&server, &[]);
    let row = format!("<13>{}", "x".repeat(99_995));
    // More than the system buffers, to a peer that reads a little and then resets the connection.
    let reader = std::thread::spawn(move || {
        let mut stream = accept(&server);
        stream.read_exact(&mut vec![0; 250_000]).unwrap();
        server
    });
    let commit = bench.commit(vec![row.as_str(); 200]);
    let server = reader.join().unwrap();
    let Commit::Each(each, why) = commit else { panic!("all of it was written") };
    assert!(why.text.starts_with("error sending to 127.0.0.1:"), "{why}");
    let done = each.iter().take_while(|outcome| **outcome == Outcome::Done).count();
    assert!(done >= 2 && each.iter().skip(done).all(|outcome| *outcome == Outcome::Retry));
    is_done(bench.commit(["<13>after"]));
    expect(&mut accept(&server), "<13>after\n");
}

#[test]
fn a_connection_is_replaced_after_so_many_messages() {
    let server = listener();
    let mut bench = Bench::tcp(&server, &[("rebindInterval", "3")]);
    is_done(bench.commit(["1", "2"]));
    is_done(bench.commit(["3"]));
    is_done(bench.commit(["4"]));
    expect(&mut accept(&server), "1\n2\n3\n");
    expect(&mut accept(&server), "4\n");

    let server = socket();
    let mut bench = Bench::udp(&server, &[("rebindInterval", "1")]);
    let mut ports = Vec::new();
    for _ in 0..2 {
        is_done(bench.commit(["x"]));
        ports.push(server.recv_from(&mut [0; 9]).unwrap().1.port());
    }
    assert_ne!(ports[0], ports[1]);
}

#[test]
fn each_protocol_has_an_interval_of_its_own() {
    let rebind = |params: &[(&'static str, &str)]| {
        ["tcp", "udp"].map(|protocol| {
            let all: Vec<_> =
                [("target", "a"), ("protocol", protocol)].iter().chain(params).copied().collect();
            let params: ActionParams = settings(&all).unwrap();
            params.plan(&settings(&[]).unwrap(), TestHost::new().host()).unwrap().rebind
        })
    };
    let (all, tcp, udp) = (("rebindInterval", "3"), ("rebindInterval.tcp", "4"), ("rebindInterval.udp", "0"));
    assert_eq!(rebind(&[]), [0, 0]);
    assert_eq!(rebind(&[all]), [3, 3]);
    assert_eq!(rebind(&[tcp]), [4, 0]);
    assert_eq!(rebind(&[all, udp]), [3, 0]);
    assert_eq!(rebind(&[all, tcp, udp]), [4, 0]);
}

#[test]
fn writes_are_as_large_as_the_module_allows() {
    for (size, wire) in [("0", "a\nbb\nccc\n"), ("5", "a\nbb\nccc\n")] {
        let server = listener();
        let port = server.local_addr().unwrap().port().to_string();
        let params = [("target", "127.0.0.1"), ("port", port.as_str()), ("protocol", "tcp")];
        let mut bench = Bench::with(&[("iobuffer.maxSize", size)], &params);
        is_done(bench.commit(["a", "bb", "ccc"]));
        expect(&mut accept(&server), wire);
        assert_eq!(bench.output.plan.max_write, size.parse().unwrap());
    }
}

#[test]
fn compressed_messages_are_marked_and_counted() {
    let text = "<13>".to_string() + &"compress me ".repeat(50);
    let server = socket();
    let mut bench = Bench::udp(&server, &[("compression.mode", "single"), ("zipLevel", "6")]);
    is_done(bench.commit([text.as_str(), "<13>short"]));
    let packed = datagram(&server);
    assert!(packed.len() < 100 && packed[0] == b'z');
    let mut out = Vec::with_capacity(4096);
    Decompress::new(true).decompress_vec(&packed[1..], &mut out, FlushDecompress::Finish).unwrap();
    assert_eq!(out, text.as_bytes());
    assert_eq!(datagram(&server), b"<13>short");
    // Level 0 makes nothing smaller.
    is_done(
        Bench::udp(&server, &[("compression.mode", "single"), ("zipLevel", "0")]).commit([text.as_str()]),
    );
    assert_eq!(datagram(&server), text.as_bytes());

    let server = listener();
    let mut bench = Bench::tcp(&server, &[("compression.mode", "single")]);
    is_done(bench.commit([text.as_str()]));
    let mut stream = accept(&server);
    expect(&mut stream, &format!("{} z", packed.len()));
}

#[test]
fn a_compressed_stream_starts_anew_with_each_connection() {
    let server = listener();
    let mut bench = Bench::tcp(&server, &[("compression.mode", "stream:always")]);
    for text in ["<13>one\n", "<13>two\n"] {
        is_done(bench.commit([text]));
        let mut stream = accept(&server);
        let (mut packed, mut out) = (vec![0; 100], Vec::with_capacity(100));
        let len = stream.read(&mut packed).unwrap();
        Decompress::new(true).decompress_vec(&packed[..len], &mut out, FlushDecompress::Sync).unwrap();
        assert_eq!(out, text.as_bytes());
        close(stream);
    }
}

#[test]
fn a_stream_can_be_compressed_with_zstd() {
    let server = listener();
    let params = [("compression.mode", "stream:always"), ("compression.driver", "zstd")];
    let mut bench = Bench::tcp(&server, &params);
    for _ in 0..2 {
        is_done(bench.commit(["<13>one", "<13>two"]));
        let mut stream = accept(&server);
        let mut packed = [0; 200];
        let len = stream.read(&mut packed).unwrap();
        let mut out = Vec::new();
        let mut zstd = zstd::stream::write::Decoder::new(&mut out).unwrap();
        zstd.write_all(&packed[..len]).unwrap();
        zstd.flush().unwrap();
        drop(zstd);
        assert_eq!(out, b"<13>one\n<13>two\n");
        close(stream);
    }
}

#[test]
fn a_compressed_stream_keeps_what_is_little_if_told_so() {
    for (word, kept) in [("on", false), ("off", true)] {
        let params = [("compression.mode", "stream:always"), ("compression.stream.flushOnTXEnd", word)];
        let server = listener();
        let mut bench = Bench::tcp(&server, &params);
        is_done(bench.commit(["<13>one"]));
        // A header may go out.
        assert_eq!(bench.count("bytes.sent") < 8, kept, "{word}");
    }
}

#[test]
fn a_member_of_a_pool_is_tried_again_after_its_interval() {
    let (away, there) = (listener(), listener());
    let ports = [&away, &there].map(|s| s.local_addr().unwrap().port().to_string());
    let both = ports.join("|");
    let mut bench = Bench::new(&[
        ("target", "127.0.0.1|127.0.0.1"),
        ("port", both.as_str()),
        ("protocol", "tcp"),
        ("pool.resumeInterval", "1"),
    ]);
    drop(away);
    is_done(bench.commit(["0"]));
    let back = TcpListener::bind(format!("127.0.0.1:{}", ports[0])).unwrap();
    back.set_nonblocking(true).unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while back.accept().is_err() {
        assert!(std::time::Instant::now() < until, "it was not tried again");
        is_done(bench.commit(["1"]));
        std::thread::yield_now();
    }
}

#[test]
fn a_pool_shares_and_the_living_take_over() {
    let servers = [listener(), listener(), listener()];
    let ports = servers.each_ref().map(|s| s.local_addr().unwrap().port().to_string()).join("|");
    let targets = "127.0.0.1|127.0.0.1|127.0.0.1";
    let params = [("target", targets), ("port", ports.as_str()), ("protocol", "tcp")];
    let mut bench = Bench::new(&params);
    is_done(bench.commit(["0", "1", "2", "3", "4", "5"]));
    let mut streams = servers.each_ref().map(accept);
    for (nth, stream) in streams.iter_mut().enumerate() {
        expect(stream, &format!("{nth}\n{}\n", nth + 3));
    }
    let ([a, b, c], [x, y, z]) = (streams, servers);
    drop(y);
    close(b);
    is_done(bench.commit(["6", "7", "8", "9"]));
    let (mut a, mut c) = (a, c);
    expect(&mut a, "6\n8\n");
    expect(&mut c, "7\n9\n");
    assert!(bench.host.lines()[0].text.contains("cannot connect to 127.0.0.1:"));
    drop((x, z));
    close(a);
    close(c);
    let Commit::Suspended(why) = bench.commit(["x"]) else { panic!("nobody listens") };
    assert!(why.text.contains("cannot connect"), "{why}");
}

#[test]
fn a_message_too_large_for_a_datagram_is_cut() {
    let server = socket();
    let mut bench = Bench::udp(&server, &[]);
    is_done(bench.commit(["x".repeat(70_000), "y".repeat(65_507)]));
    assert_eq!(datagram(&server).len(), 65_507);
    assert_eq!(datagram(&server), "y".repeat(65_507).as_bytes());
    assert_eq!((bench.host.lines().len(), bench.host.lines()[0].code), (1, 2440));
}

#[test]
fn datagrams_leave_from_the_address_asked_for() {
    let server = socket();
    let mut bench = Bench::udp(&server, &[("address", "127.0.0.2")]);
    is_done(bench.commit(["x"]));
    assert_eq!(server.recv_from(&mut [0; 9]).unwrap().1.ip().to_string(), "127.0.0.2");

    let mut bench = Bench::udp(&server, &[("address", "192.0.2.8"), ("ipFreeBind", "0")]);
    let Commit::Suspended(why) = bench.commit(["x"]) else { panic!("the address is not ours") };
    assert!(why.text.ends_with("Cannot assign requested address"), "{why}");
    for (word, lines) in [("1", 0), ("2", 1)] {
        let mut bench = Bench::udp(&server, &[("address", "192.0.2.8"), ("ipFreeBind", word)]);
        bench.forwarder.resume(&bench.output).unwrap();
        assert_eq!(bench.host.lines().len(), lines);
    }
}

#[test]
fn names_that_nobody_knows_suspend() {
    let mut bench = Bench::new(&[("target", "no-such-host.invalid")]);
    let Commit::Suspended(why) = bench.commit(["x"]) else { panic!("the name was resolved") };
    let words = "could not get addrinfo for hostname 'no-such-host.invalid':'514'";
    assert!(why.text.starts_with(words), "{why}");
}

#[test]
fn a_rate_limit_drops_what_is_above() {
    let server = socket();
    let limit = [("rateLimit.interval", "600"), ("rateLimit.burst", "2")];
    let mut bench = Bench::udp(&server, &limit);
    is_done(bench.commit(["1", "2", "3"]));
    is_done(bench.commit(["4"]));
    assert_eq!(bench.count("messages.sent"), 2);
    assert_eq!(bench.host.lines()[0].text, "omfwd: begin to drop messages due to rate-limiting");

    let server = listener();
    let mut bench = Bench::tcp(&server, &limit);
    is_done(bench.commit(["1", "2", "3"]));
    bench.host.close();
    drop(bench);
    let mut text = String::new();
    accept(&server).read_to_string(&mut text).unwrap();
    assert_eq!(text, "1\n2\n");
}

#[test]
fn delay_and_buffer_of_datagrams() {
    let server = socket();
    let mut bench = Bench::udp(&server, &[("udp.sendDelay", "20000"), ("udp.sendBuf", "16k")]);
    let before = std::time::Instant::now();
    is_done(bench.commit(["1", "2", "3"]));
    assert!(before.elapsed() >= Duration::from_millis(60));
    let Forwarder::Udp(udp) = &bench.forwarder else { unreachable!() };
    // Linux doubles it, for its own needs.
    assert_eq!(udp.ways[0].0.send_buffer_size().unwrap(), 32 << 10);
}

#[test]
fn parameters_that_contradict_each_other() {
    let fails = |params: &[(&'static str, &str)]| {
        let made = settings(params)
            .and_then(|params: ActionParams| params.plan(&settings(&[])?, TestHost::new().host()));
        made.err().unwrap().param
    };
    assert_eq!(fails(&[]), Some("target"));
    assert_eq!(fails(&[("target", "")]), Some("target"));
    assert_eq!(fails(&[("target", "a|b")]), Some("target"));
    assert_eq!(fails(&[("target", "a|b"), ("protocol", "tcp"), ("port", "1|2|3")]), Some("port"));
    assert_eq!(fails(&[("target", "a"), ("compression.mode", "stream:always")]), Some("compression.mode"));
    let zstd = [("target", "a"), ("compression.mode", "single"), ("compression.driver", "zstd")];
    assert_eq!(fails(&zstd), Some("compression.driver"));
    assert_eq!(fails(&[("target", "a"), ("protocol", "sctp")]), Some("protocol"));
}

#[test]
fn keep_alive_and_time_out_go_to_the_host() {
    let words = [
        ("keepAlive", "on"),
        ("keepAlive.probes", "1"),
        ("keepAlive.time", "2"),
        ("keepAlive.interval", "3"),
    ];
    let mut all = vec![("target", "a"), ("tcp_user_timeout", "1500"), ("device", "eth9")];
    all.extend_from_slice(&words);
    let plan = settings::<ActionParams>(&all)
        .unwrap()
        .plan(&settings(&[]).unwrap(), TestHost::new().host())
        .unwrap();
    assert_eq!(plan.keep_alive, sysloom_sdk::KeepAlive { on: true, probes: 1, time: 2, interval: 3 });
    assert_eq!((plan.user_timeout, plan.device.as_str()), (Duration::from_millis(1500), "eth9"));
    assert_eq!((plan.targets[0].port.as_str(), plan.tcp), ("514", false));
}

#[test]
fn a_peer_that_talks_does_not_disturb() {
    let server = listener();
    let mut bench = Bench::tcp(&server, &[]);
    is_done(bench.commit(["1"]));
    let mut stream = accept(&server);
    stream.write_all(b"hello").unwrap();
    is_done(bench.commit(["2"]));
    expect(&mut stream, "1\n2\n");
}

#[test]
fn the_readme_has_the_tables() {
    use sysloom_sdk::testing::{check_readme, table};
    check_readme(
        env!("CARGO_MANIFEST_DIR"),
        &[("module", table::<ModuleParams>()), ("action", table::<ActionParams>())],
    );
}
