//! `targetSrv`: targets from DNS records, told by a server of the test's own.

use crate::{send, start_with, texts};
use nix::sys::signal::Signal;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;
use sysloom_tests::{Dir, PATIENCE, wait_for};

/// Priority, weight and port of each record; the targets are all `127.0.0.1`.
type Records = Vec<(u16, u16, u16)>;

/// What the server says of any name.
#[derive(Default)]
struct Says {
    /// None = there is no such name.
    records: Option<Records>,
    /// Answers over UDP are cut short.
    cut: bool,
    /// The names that it was asked for.
    asked: Vec<String>,
}

struct Dns {
    says: Arc<Mutex<Says>>,
    port: u16,
}

impl Dns {
    fn start(records: Option<Records>, cut: bool) -> Self {
        let says = Arc::new(Mutex::new(Says { records, cut, asked: Vec::new() }));
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = udp.local_addr().unwrap().port();
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let (over_udp, over_tcp) = (Arc::clone(&says), Arc::clone(&says));
        // Both threads end with the test's process.
        thread::spawn(move || {
            let mut query = [0; 512];
            while let Ok((len, from)) = udp.recv_from(&mut query) {
                let cut = over_udp.lock().unwrap().cut;
                // Somebody else's answer, which is none for us.
                udp.send_to(&[0; 12], from).unwrap();
                udp.send_to(&answer(&over_udp, &query[..len], cut), from).unwrap();
            }
        });
        thread::spawn(move || {
            for mut stream in tcp.incoming().flatten() {
                let mut len = [0; 2];
                stream.read_exact(&mut len).unwrap();
                let mut query = vec![0; u16::from_be_bytes(len).into()];
                stream.read_exact(&mut query).unwrap();
                let answer = answer(&over_tcp, &query, false);
                stream.write_all(&[&(answer.len() as u16).to_be_bytes(), &*answer].concat()).unwrap();
            }
        });
        Self { says, port }
    }

    fn change(&self, records: Records) {
        self.says.lock().unwrap().records = Some(records);
    }

    fn asked(&self) -> Vec<String> {
        self.says.lock().unwrap().asked.clone()
    }

    /// Makes the daemon ask here.
    fn tell(&self, command: &mut Command) {
        command.env("RSYSLOG_DNS_SERVER", "127.0.0.1").env("RSYSLOG_DNS_PORT", self.port.to_string());
    }
}

/// RFC 1035 4.1: the reply to a query with one question.
fn answer(says: &Mutex<Says>, query: &[u8], cut: bool) -> Vec<u8> {
    let mut says = says.lock().unwrap();
    let (mut name, mut at) = (Vec::new(), 12);
    while query[at] > 0 {
        let end = at + 1 + usize::from(query[at]);
        name.push(String::from_utf8(query[at + 1..end].to_vec()).unwrap());
        at = end;
    }
    assert_eq!(query[at + 1..at + 5], [0, 33, 0, 1], "type SRV, class IN");
    let question = &query[12..at + 5];
    says.asked.push(name.join("."));
    let records = says.records.clone();
    let code = if records.is_some() { 0 } else { 3 };
    let records = if cut { Vec::new() } else { records.unwrap_or_default() };
    let mut out = query[..2].to_vec();
    out.extend([0x81 | if cut { 2 } else { 0 }, 0x80 | code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
    out.extend(question);
    for (priority, weight, port) in records {
        let target = b"\x03127\x010\x010\x011\0";
        out.extend([0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 6 + target.len() as u8]);
        [priority, weight, port].iter().for_each(|number| out.extend(number.to_be_bytes()));
        out.extend(target);
    }
    out
}

/// A collector: lines arrive in the channel; its connections end when the other one is dropped.
struct Collector {
    lines: mpsc::Receiver<String>,
    port: u16,
    streams: Arc<Mutex<Option<Vec<TcpStream>>>>,
}

impl Collector {
    fn start(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (into, lines) = mpsc::channel();
        let streams = Arc::new(Mutex::new(Some(Vec::new())));
        let held = Arc::clone(&streams);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(held) = &mut *held.lock().unwrap() else { return };
                held.push(stream.try_clone().unwrap());
                let into = into.clone();
                thread::spawn(move || {
                    for line in BufReader::new(stream).lines().map_while(Result::ok) {
                        let _ = into.send(line);
                    }
                });
            }
        });
        Self { lines, port, streams }
    }

    fn take(&self, n: usize) -> Vec<String> {
        (0..n).map(|_| self.lines.recv_timeout(PATIENCE).unwrap()).collect()
    }

    /// Nobody listens there any more.
    fn stop(self) -> u16 {
        let streams = self.streams.lock().unwrap().take().unwrap();
        streams.iter().for_each(|stream| stream.shutdown(std::net::Shutdown::Both).unwrap());
        // The listener wakes up and ends.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        wait_for("the end of the listener", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err().then_some(())
        });
        self.port
    }
}

fn action(more: &str) -> String {
    format!("action(type=\"omfwd\" targetSrv=\"example.org\" template=\"m\" {more})\n")
}

#[test]
fn the_first_that_is_to_be_had_gets_all() {
    let dir = Dir::new();
    let (one, two) = (Collector::start(0), Collector::start(0));
    let dns = Dns::start(Some(vec![(20, 50, two.port), (10, 0, one.port)]), false);
    let config = action("protocol=\"tcp\" pool.resumeInterval=\"1\" action.resumeInterval=\"1\"");
    let (daemon, mut stream) = start_with(&dir, &config, |command| dns.tell(command));
    send(&mut stream, 0..10);
    assert_eq!(one.take(10), texts(0..10));
    let port = one.stop();
    // What was written to a connection that is going down may be lost: number by number until one arrives.
    let mut next = 10;
    let mut until = |collector: &Collector| {
        wait_for("the other target", || {
            send(&mut stream, next..next + 1);
            next += 1;
            collector.lines.recv_timeout(Duration::from_millis(100)).ok()
        });
    };
    until(&two);
    // It is back, and first again.
    let one = Collector::start(port);
    until(&one);
    assert_eq!(dns.asked()[0], "_syslog._tcp.example.org");
    daemon.stop();
}

#[test]
fn a_long_answer_comes_over_tcp_and_a_hup_asks_again() {
    let dir = Dir::new();
    let receiver = || {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let port = socket.local_addr().unwrap().port();
        (socket, port)
    };
    let ((one, first), (two, second)) = (receiver(), receiver());
    let take = |socket: &UdpSocket| {
        let mut buffer = [0; 100];
        let len = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..len]).trim_end().to_owned()
    };
    let dns = Dns::start(Some(vec![(0, 0, first)]), true);
    let (daemon, mut stream) = start_with(&dir, &action(""), |command| dns.tell(command));
    send(&mut stream, 0..1);
    assert_eq!(take(&one), "number0000");
    assert_eq!(dns.asked(), ["_syslog._udp.example.org"; 2], "over UDP and over TCP");
    dns.change(vec![(0, 0, second)]);
    daemon.signal(Signal::SIGHUP);
    two.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut next = 1;
    wait_for("the other target", || {
        send(&mut stream, next..next + 1);
        next += 1;
        two.recv(&mut [0; 100]).ok()
    });
    daemon.stop();
}

#[test]
fn a_domain_without_targets_is_asked_again() {
    let dir = Dir::new();
    let dns = Dns::start(None, false);
    let config = action("protocol=\"tcp\" action.resumeInterval=\"1\" action.resumeRetryCount=\"-1\"");
    let (daemon, mut stream) = start_with(&dir, &config, |command| dns.tell(command));
    send(&mut stream, 0..3);
    let server = format!("127.0.0.1:{}", dns.port);
    daemon.wait_stderr(&format!(
        "no targets from DNS name '_syslog._tcp.example.org': {server} says that there is no such name"
    ));
    let collector = Collector::start(0);
    dns.change(vec![(1, 1, collector.port)]);
    assert_eq!(collector.take(3), texts(0..3));
    daemon.stop();
}

#[test]
fn a_target_and_a_domain_are_one_too_many() {
    let dir = Dir::new();
    for (more, said) in [
        ("target=\"192.0.2.1\" targetSrv=\"example.org\"", "targetSrv is for actions without"),
        ("targetSrv=\"..\"", "'..' is no domain"),
        ("", "the target is empty"),
    ] {
        let check = sysloom_tests::check(&dir, &format!("action(type=\"omfwd\" {more})\n"));
        assert!(check.stderr.contains(said), "{more}: {}", check.stderr);
    }
}
