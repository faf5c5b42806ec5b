//! Netstream over real sockets of the loopback interface, with the test drivers of plugin/driver/loopback.rs.

use super::*;
use crate::plugin::{Destination, Halt, Host, Services, StreamSink, StreamValues, loopback};
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Instant;
use sysloom_abi::{Frame, status};

/// The engine around a [`Net`], as a test sees it.
#[derive(Default)]
struct Village {
    drivers: Mutex<HashMap<String, Arc<Driver>>>,
    lines: Mutex<Vec<String>>,
    counters: Mutex<HashMap<String, &'static AtomicU64>>,
    flushes: AtomicUsize,
}

impl Village {
    fn said(&self, words: &[&str]) -> bool {
        let lines = self.lines.lock().unwrap();
        lines.iter().any(|line| words.iter().all(|word| line.contains(word)))
    }

    fn count(&self, name: &str) -> u64 {
        self.counters.lock().unwrap().get(name).map_or(0, |c| c.load(Ordering::Relaxed))
    }
}

impl House for Village {
    fn driver(&self, name: &str) -> Result<Arc<Driver>, Fault> {
        let found = self.drivers.lock().unwrap().get(name).cloned();
        found.ok_or_else(|| Fault::new(format!("no driver {name}")))
    }

    fn flush(&self) {
        self.flushes.fetch_add(1, Ordering::SeqCst);
    }

    fn intern(&self, _: &str, _: &str, _: u16) -> u32 {
        7
    }

    fn log(&self, _: u64, _: u32, code: i32, text: &str) {
        self.lines.lock().unwrap().push(format!("{code} {text}"));
    }

    fn counter(&self, _: u64, name: &str) -> &'static AtomicU64 {
        let mut counters = self.counters.lock().unwrap();
        counters.entry(name.to_owned()).or_insert_with(|| Box::leak(Box::default()))
    }
}

/// Only the verdict: nothing else is asked by a driver.
struct Table {
    level: AtomicU32,
    net: OnceLock<Arc<Net>>,
}

impl Services for Table {
    fn log_level(&self) -> &AtomicU32 {
        &self.level
    }
    fn log(&self, _: u64, _: u32, _: i32, _: &str, _: &[(&str, &str)]) {}
    fn counter(&self, _: u64, _: &str) -> &'static AtomicU64 {
        Box::leak(Box::default())
    }
    fn intern(&self, _: &str, _: &str, _: u16) -> u32 {
        0
    }
    fn submit(&self, _: u64, _: &[u8], _: &[Frame], _: u32) -> i64 {
        status::INVALID
    }
    fn listen(&self, _: u64, _: StreamSink, _: &ListenRequest) -> Result<u16, Fault> {
        Err(Fault::default())
    }
    fn reply(&self, _: u64, _: &[u8]) -> Result<(), Fault> {
        Err(Fault::default())
    }
    fn connect(&self, _: u64, _: &ConnectRequest) -> Result<i64, (i64, Fault)> {
        Err((status::FAILED, Fault::default()))
    }
    fn write(&self, _: i64, _: &[u8], _: Duration) -> Result<(), (i64, usize, Fault)> {
        Err((status::FAILED, 0, Fault::default()))
    }
    fn alive(&self, _: i64) -> bool {
        false
    }
    fn close(&self, _: i64) {}
    fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Fault> {
        self.net.get().unwrap().verdict(conn, peer)
    }
    fn property(&self, _: u64, _: &str, _: &mut [u8]) -> i64 {
        status::INVALID
    }
}

/// An input that keeps what came.
#[derive(Default)]
struct Desk {
    got: Mutex<Vec<u8>>,
    bytes: AtomicUsize,
    keeps: AtomicBool,
    conns: Mutex<Vec<u64>>,
    ends: Mutex<Vec<i64>>,
}

struct Sheet(Arc<Desk>);

impl Sink for Arc<Desk> {
    fn open(&self, conn: u64, peer: u32, address: &str, port: u16) -> Box<dyn SinkSession> {
        assert_eq!((peer, address), (7, "127.0.0.1"));
        assert_ne!(port, 0);
        self.conns.lock().unwrap().push(conn);
        Box::new(Sheet(Arc::clone(self)))
    }
}

impl SinkSession for Sheet {
    fn data(&mut self, bytes: &[u8]) -> i64 {
        self.0.bytes.fetch_add(bytes.len(), Ordering::SeqCst);
        if self.0.keeps.load(Ordering::SeqCst) || bytes.len() < 100 {
            self.0.got.lock().unwrap().extend_from_slice(bytes);
        }
        if bytes == b"refuse me" { status::FAILED } else { 0 }
    }

    fn close(self: Box<Self>, reason: i64) {
        self.0.ends.lock().unwrap().push(reason);
    }
}

struct Town {
    host: &'static Host,
    net: Arc<Net>,
    village: Arc<Village>,
}

impl Town {
    fn new() -> Self {
        let village = Arc::new(Village::default());
        let table = Arc::new(Table { level: AtomicU32::new(0), net: OnceLock::new() });
        let host = Host::new(Arc::clone(&table) as Arc<dyn Services>);
        let table_of = host.table();
        for driver in [loopback::transport(table_of), loopback::layer(table_of), loopback::liar(table_of)] {
            village.drivers.lock().unwrap().insert(driver.name().to_owned(), driver);
        }
        let net = Arc::new(Net::new(Arc::clone(&village) as Arc<dyn House>));
        assert!(table.net.set(Arc::clone(&net)).is_ok());
        Self { host, net, village }
    }

    fn listen(&self, params: &StreamParams, spec: ListenRequest) -> (u16, Arc<Desk>) {
        let desk = Arc::new(Desk::default());
        let spec = ListenRequest { name: "test".to_owned(), ..spec };
        let port = self.net.listen(1, params, &spec, Arc::new(Arc::clone(&desk))).unwrap();
        self.net.start().unwrap();
        (port, desk)
    }

    fn client(&self, params: &StreamParams, port: u16) -> Result<i64, (i64, Fault)> {
        let stack = self.net.stack(2, Side::Client, params).map_err(|e| (status::FAILED, e))?;
        let to = ConnectRequest {
            host: "localhost".to_owned(),
            port: port.to_string(),
            timeout: Duration::from_secs(5),
            ..ConnectRequest::default()
        };
        self.net.connect(2, &stack, params, &to)
    }
}

fn hello() -> StreamParams {
    StreamParams {
        driver: Some("hello".to_owned()),
        mode: 1,
        auth_mode: Some("anon".to_owned()),
        ..StreamParams::default()
    }
}

fn plain() -> (StreamParams, ListenRequest) {
    (StreamParams::default(), ListenRequest::default())
}

fn dial(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn until(condition: impl Fn() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// Whether the other side has ended or reset the stream.
fn ended(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 16]) {
        Ok(n) => n == 0,
        Err(e) => matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
    }
}

#[test]
fn bytes_arrive_are_flushed_and_the_end_is_answered() {
    let town = Town::new();
    let (params, spec) = plain();
    let (port, desk) = town.listen(&params, spec);
    let mut sender = dial(port);
    sender.write_all(b"one message").unwrap();
    assert!(until(|| desk.got.lock().unwrap().as_slice() == b"one message"));
    assert!(until(|| town.village.flushes.load(Ordering::SeqCst) > 0));
    sender.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(ended(&mut sender));
    assert!(until(|| *desk.ends.lock().unwrap() == [status::CLOSED]));
    assert_eq!(town.village.count("sessions.accepted"), 1);
    assert!(town.village.lines.lock().unwrap().is_empty());
}

#[test]
fn what_the_input_refuses_is_closed() {
    let town = Town::new();
    let (params, spec) = plain();
    let (port, desk) = town.listen(&params, spec);
    let mut sender = dial(port);
    sender.write_all(b"refuse me").unwrap();
    assert!(ended(&mut sender));
    assert!(until(|| *desk.ends.lock().unwrap() == [status::FAILED]));
}

#[test]
fn a_tls_client_on_a_plain_listener_gets_a_hint_in_the_log() {
    let town = Town::new();
    let (params, spec) = plain();
    let (port, desk) = town.listen(&params, spec);
    let mut sender = dial(port);
    sender.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
    assert!(ended(&mut sender));
    let from = sender.local_addr().unwrap().to_string();
    assert!(town.village.said(&[&from, &format!("test:{port}"), "speaks TLS", "streamDriver.mode"]));
    assert_eq!(town.village.count("sessions.wrongprotocol"), 1);
    assert!(desk.got.lock().unwrap().is_empty());
}

#[test]
fn silent_connections_hold_no_seat() {
    let town = Town::new();
    let (params, spec) = plain();
    let (port, desk) = town.listen(&params, ListenRequest { max_sessions: 2, ..spec });
    let silent: Vec<_> = (0..5).map(|_| dial(port)).collect();
    let mut first = dial(port);
    first.write_all(b"first").unwrap();
    let mut second = dial(port);
    second.write_all(b"second").unwrap();
    assert!(until(|| desk.bytes.load(Ordering::SeqCst) == 11));
    let mut third = dial(port);
    let _ = third.write_all(b"third");
    assert!(ended(&mut third));
    let from = third.local_addr().unwrap().to_string();
    assert!(town.village.said(&["2079 ", &from, "maxSessions"]));
    drop(first);
    assert!(until(|| desk.ends.lock().unwrap().len() == 1));
    let mut fourth = dial(port);
    fourth.write_all(b"fourth").unwrap();
    assert!(until(|| desk.bytes.load(Ordering::SeqCst) == 17));
    drop(silent);
}

#[test]
fn a_source_has_its_limit() {
    let town = Town::new();
    let (params, spec) = plain();
    let (port, _) = town.listen(&StreamParams { max_per_source: Some(1), ..params }, spec);
    let mut first = dial(port);
    first.write_all(b"first").unwrap();
    assert!(ended(&mut dial(port)));
    assert!(town.village.said(&["2079 ", "limit for one source"]));
}

#[test]
fn a_handshake_has_a_deadline_and_costs_others_nothing() {
    let town = Town::new();
    let params = StreamParams { handshake_limit: Duration::from_millis(50), ..hello() };
    let (port, desk) = town.listen(&params, ListenRequest { threads: 1, ..ListenRequest::default() });
    let mut silent = dial(port);
    let mut sender = dial(port);
    sender.write_all(b"H").unwrap();
    sender.write_all(b"through the layer").unwrap();
    assert!(until(|| desk.got.lock().unwrap().as_slice() == b"through the layer"));
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).unwrap();
    let from = silent.local_addr().unwrap().to_string();
    assert!(until(|| town.village.said(&[&from, "handshake", "not finished"])));
    assert_eq!(town.village.count("sessions.timedout"), 1);
    sender.write_all(b", still").unwrap();
    assert!(until(|| desk.got.lock().unwrap().ends_with(b", still")));
}

#[test]
fn a_failed_handshake_is_one_line() {
    let town = Town::new();
    let (port, _) = town.listen(&hello(), ListenRequest::default());
    let mut sender = dial(port);
    sender.write_all(b"X").unwrap();
    assert!(ended(&mut sender));
    let from = sender.local_addr().unwrap().to_string();
    assert!(town.village.said(&[&from, &format!("test:{port}"), "hello handshake", "server side", "no H"]));
    let lines = town.village.lines.lock().unwrap();
    // The other line is a warning about authMode anon.
    let lines: Vec<_> = lines.iter().filter(|line| line.contains("handshake")).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(town.village.count("handshakes.failed"), 1);
}

#[test]
fn a_driver_that_reports_another_peer_than_was_judged_is_refused() {
    let town = Town::new();
    let liar = StreamParams { driver: Some("liar".to_owned()), ..hello() };
    let (port, desk) = town.listen(&liar, ListenRequest::default());
    let mut sender = dial(port);
    sender.write_all(b"H").unwrap();
    assert!(ended(&mut sender));
    assert!(town.village.said(&["other certificates than it had judged"]));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || listener.accept().unwrap().0.write_all(b"H").unwrap());
    let (refused, why) = town.client(&liar, port).unwrap_err();
    server.join().unwrap();
    assert_eq!(refused, status::REFUSED);
    assert!(why.text.contains("other certificates than it had judged"), "{}", why.text);
    assert!(desk.got.lock().unwrap().is_empty());
}

#[test]
fn an_idle_session_is_closed_when_asked_for() {
    let town = Town::new();
    let (params, spec) = plain();
    let params = StreamParams { idle_limit: Some(Duration::from_millis(300)), ..params };
    let (port, desk) = town.listen(&params, spec);
    let mut sender = dial(port);
    sender.write_all(b"once").unwrap();
    assert!(ended(&mut sender));
    assert!(until(|| *desk.ends.lock().unwrap() == [status::TIMED_OUT]));
    assert!(town.village.said(&["idle limit"]));
}

#[test]
fn a_flood_starves_nobody() {
    let town = Town::new();
    let (params, spec) = plain();
    let (port, desk) = town.listen(&params, ListenRequest { threads: 1, ..spec });
    let stop = Arc::new(AtomicBool::new(false));
    let floods: Vec<_> = (0..2)
        .map(|_| {
            let (stop, mut flood) = (Arc::clone(&stop), dial(port));
            std::thread::spawn(move || {
                let block = vec![b'x'; 1 << 20];
                while !stop.load(Ordering::SeqCst) && flood.write_all(&block).is_ok() {}
            })
        })
        .collect();
    assert!(until(|| desk.bytes.load(Ordering::SeqCst) > 8 << 20));
    dial(port).write_all(b"lone").unwrap();
    assert!(until(|| desk.got.lock().unwrap().windows(4).any(|w| w == b"lone")));
    stop.store(true, Ordering::SeqCst);
    for flood in floods {
        flood.join().unwrap();
    }
}

#[test]
fn replies_reach_the_peer() {
    let town = Town::new();
    let (port, desk) = town.listen(&hello(), ListenRequest::default());
    let mut sender = dial(port);
    sender.write_all(b"H").unwrap();
    assert!(until(|| desk.conns.lock().unwrap().len() == 1));
    let conn = desk.conns.lock().unwrap()[0];
    town.net.reply(conn, b"answer");
    let mut got = [0; 6];
    sender.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"answer");
    town.net.reply(conn + 1, b"to nobody");
}

#[test]
fn stopping_ends_sessions_in_order() {
    let town = Town::new();
    let (port, desk) = town.listen(&hello(), ListenRequest::default());
    let mut sender = dial(port);
    sender.write_all(b"H").unwrap();
    assert!(until(|| desk.conns.lock().unwrap().len() == 1));
    sender.write_all(b"the last words").unwrap();
    assert!(until(|| desk.bytes.load(Ordering::SeqCst) > 0));
    town.net.stop();
    let mut rest = Vec::new();
    sender.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"E");
    assert_eq!(*desk.ends.lock().unwrap(), [status::DISABLED]);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn an_input_that_does_not_return_is_left_behind() {
    struct Stuck(std::sync::mpsc::Sender<()>);
    struct Held(std::sync::mpsc::Sender<()>);
    impl Sink for Stuck {
        fn open(&self, _: u64, _: u32, _: &str, _: u16) -> Box<dyn SinkSession> {
            Box::new(Held(self.0.clone()))
        }
    }
    impl SinkSession for Held {
        fn data(&mut self, _: &[u8]) -> i64 {
            self.0.send(()).unwrap();
            loop {
                std::thread::park();
            }
        }
        fn close(self: Box<Self>, _: i64) {}
    }
    let town = Town::new();
    let (sender, entered) = mpsc::channel();
    let (params, spec) = plain();
    let port = town.net.listen(1, &params, &spec, Arc::new(Stuck(sender))).unwrap();
    town.net.start().unwrap();
    dial(port).write_all(b"never read").unwrap();
    entered.recv_timeout(PATIENCE).unwrap();
    assert!(!town.net.stop_listening(Duration::from_secs(1)));
    assert!(town.village.said(&["1 netstream loop(s)", "left behind"]));
}

#[test]
fn a_client_writes_and_learns_of_the_end_before_it_writes_again() {
    let town = Town::new();
    for (params, end) in [(StreamParams::default(), &b""[..]), (hello(), &b"E"[..])] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let peer = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            peer.set_read_timeout(Some(PATIENCE)).unwrap();
            if !end.is_empty() {
                peer.write_all(b"H").unwrap();
            }
            peer
        });
        let stream = town.client(&params, port).unwrap();
        let mut peer = peer.join().unwrap();
        assert!(town.net.alive(stream));
        town.net.write(stream, b"first", PATIENCE).unwrap();
        let mut got = vec![0; 5 + end.len()];
        peer.read_exact(&mut got).unwrap();
        assert!(got.ends_with(b"first"));
        // The peer closes in order while nothing is being written: the answer comes without a write.
        peer.write_all(end).unwrap();
        peer.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, end);
        assert!(until(|| !town.net.alive(stream)));
        let failure = town.net.write(stream, b"second", PATIENCE).unwrap_err();
        assert_eq!((failure.status, failure.written), (status::CLOSED, 0));
        assert!(failure.why.text.contains("closed"), "{}", failure.why.text);
        town.net.close(stream);
    }
}

#[test]
fn a_peer_that_does_not_read_makes_a_write_time_out() {
    let town = Town::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let stream = town.client(&StreamParams::default(), port).unwrap();
    let (_peer, _) = listener.accept().unwrap();
    let block = vec![b'x'; 64 << 20];
    let failure = town.net.write(stream, &block, Duration::from_millis(100)).unwrap_err();
    assert_eq!(failure.status, status::TIMED_OUT);
    assert!(failure.written > 0 && failure.written < block.len());
    town.net.close(stream);
    assert!(!town.net.alive(stream));
    assert_eq!(town.net.write(stream, b"x", PATIENCE).unwrap_err().status, status::INVALID);
}

#[test]
fn closing_a_client_stream_says_the_end_and_keeps_what_was_written() {
    let town = Town::new();
    let (port, desk) = town.listen(&hello(), ListenRequest::default());
    desk.keeps.store(true, Ordering::SeqCst);
    // The server of this test sends no H: the listener's side of the layer waits for one, the client's too.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    let relay = std::thread::spawn(move || {
        let (mut from, _) = listener.accept().unwrap();
        from.write_all(b"H").unwrap();
        let mut to = dial(port);
        std::io::copy(&mut from, &mut to).unwrap();
        to.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let stream = town.client(&hello(), own).unwrap();
    let block: Vec<u8> = (0..1 << 20).map(|i| (i % 64) as u8 + 128).collect();
    town.net.write(stream, &block, PATIENCE).unwrap();
    town.net.close(stream);
    assert!(until(|| *desk.ends.lock().unwrap() == [status::CLOSED]));
    assert!(*desk.got.lock().unwrap() == block);
    relay.join().unwrap();
}

#[test]
fn failed_connections_say_why() {
    let town = Town::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (code, why) = town.client(&StreamParams::default(), port).unwrap_err();
    assert_eq!(code, status::FAILED);
    assert!(why.text.contains("refused"), "{}", why.text);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let peer = std::thread::spawn(move || drop(listener.accept().unwrap()));
    let (_, why) = town.client(&hello(), port).unwrap_err();
    peer.join().unwrap();
    assert!(why.text.contains("hello connection to localhost port"), "{}", why.text);
    assert!(why.text.contains("the handshake (client side)"), "{}", why.text);
    assert_eq!(town.village.count("connects.failed"), 2);
}

#[test]
fn drivers_that_are_not_there_and_modes_that_do_not_fit() {
    let town = Town::new();
    let stack = |driver: &str, mode| {
        let params = StreamParams {
            driver: Some(driver.to_owned()),
            mode,
            auth_mode: Some("anon".to_owned()),
            ..StreamParams::default()
        };
        town.net.stack(1, Side::Server, &params).map(|s| (s.name().to_owned(), s.encrypts()))
    };
    assert_eq!(stack("hello", 1).unwrap(), ("hello".to_owned(), true));
    assert_eq!(stack("Hello+ptcp", 1).unwrap(), ("Hello+ptcp".to_owned(), true));
    assert_eq!(stack("hello", 0).unwrap(), ("ptcp".to_owned(), false));
    assert!(stack("nss", 0).unwrap_err().text.contains("nss"));
    assert!(stack("ptcp+hello", 1).unwrap_err().text.contains("must be the last"));
    assert!(stack("ptcp", 1).unwrap_err().text.contains("mode 1"));
}

#[test]
fn a_driver_that_hands_over_nothing_is_told_so_and_not_asked_for_ever() {
    let table = Arc::new(Table { level: AtomicU32::new(0), net: OnceLock::new() });
    let host = Host::new(table as Arc<dyn Services>);
    let context =
        |what, side| loopback::wrong(host.table(), what).context(1, side, &StreamValues::default()).unwrap();
    let peer = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = peer.local_addr().unwrap().port().to_string();
    let to = Destination { host: "localhost", port: &port, timeout_ms: 5000, ..Destination::default() };
    let Err(Halt::Failed(why)) = context("connect", Side::Client).connect(&to) else { panic!("connected") };
    assert_eq!(why.text, "driver wrong reports a stream and gives none");
    let why = context("listen", Side::Server).listen("", "0", 0, 1).err().unwrap();
    assert_eq!(why.text, "driver wrong reports a listener and gives none");
    let mut deaf = context("read", Side::Client).connect(&to).unwrap().session;
    assert!(matches!(deaf.read(&mut [0; 4]), Err(Halt::Closed)));
    assert_eq!(deaf.write(b"x").unwrap(), 1);
    let mut dumb = context("write", Side::Client).connect(&to).unwrap().session;
    assert!(matches!(dumb.write(b"x"), Err(Halt::Wait { read: false, write: true })));
    assert_eq!(dumb.write(b"").unwrap(), 0, "a flush takes nothing");
}

#[test]
fn a_session_that_reads_nothing_ends_and_takes_no_loop_with_it() {
    let town = Town::new();
    let wrong = loopback::wrong(town.host.table(), "read");
    town.village.drivers.lock().unwrap().insert("wrong".to_owned(), wrong);
    let params = StreamParams { driver: Some("wrong".to_owned()), ..StreamParams::default() };
    let (port, desk) = town.listen(&params, ListenRequest::default());
    dial(port).write_all(b"x").unwrap();
    assert!(until(|| *desk.ends.lock().unwrap() == [status::CLOSED]));
}

#[test]
fn a_verdict_needs_a_handshake() {
    let town = Town::new();
    let why = town.net.verdict(4711, &PeerFacts::default()).unwrap_err();
    assert_eq!(why.code, 80);
}

const PATIENCE: Duration = Duration::from_secs(10);
