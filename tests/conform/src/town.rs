//! The engine's netstream around the driver: listeners, client streams and the one verdict, as the daemon has them.

use crate::counterpart::{Config, Counterpart};
use crate::road::PATIENCE;
use crate::subject::Subject;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sysloom_abi::manifest_flag::ENCRYPTS;
use sysloom_engine::netstream::{House, Net, Sink, SinkSession, StreamParams};
use sysloom_engine::plugin::{ConnectRequest, Driver, Fault, ListenRequest, Loader, Side};

/// A netstream whose driver is the subject.
pub struct Town<'a> {
    pub net: Arc<Net>,
    subject: &'a Subject,
    lines: Arc<Mutex<Vec<String>>>,
}

/// An input that keeps what came.
#[derive(Default)]
pub struct Desk {
    got: Mutex<Vec<u8>>,
    ends: Mutex<Vec<i64>>,
}

struct Village {
    driver: Arc<Driver>,
    loader: Loader,
    lines: Arc<Mutex<Vec<String>>>,
    counter: &'static AtomicU64,
}

struct Sheet(Arc<Desk>);
struct Door(Arc<Desk>);

impl<'a> Town<'a> {
    pub fn new(subject: &'a Subject) -> Result<Self, String> {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let loader = Loader::new(subject.host, subject.loader.search().clone());
        let counter: &'static AtomicU64 = Box::leak(Box::default());
        let driver = Arc::clone(&subject.driver);
        let village = Arc::new(Village { driver, loader, lines: Arc::clone(&lines), counter });
        let net = Arc::new(Net::new(village));
        // The judge has one engine behind it; a body has one town.
        if subject.judge.net.set(Arc::clone(&net)).is_err() {
            return Err("a body has one town".to_owned());
        }
        Ok(Self { net, subject, lines })
    }

    /// Parameters of the driver's streams: encrypted if it can be, with nobody judged.
    pub fn params(&self) -> StreamParams {
        let encrypts = self.subject.facts.flags & ENCRYPTS != 0;
        StreamParams {
            driver: Some(self.subject.driver.name().to_owned()),
            mode: i64::from(encrypts),
            auth_mode: Some("anon".to_owned()),
            ..StreamParams::default()
        }
    }

    /// Listens; the port, and what comes.
    pub fn listen(&self, params: &StreamParams) -> Result<(String, Arc<Desk>), String> {
        let desk = Arc::new(Desk::default());
        let options = &self.subject.options;
        let spec = ListenRequest {
            name: "conform".to_owned(),
            address: options.listen.clone(),
            port: options.port.clone(),
            max_sessions: 5000,
            ..ListenRequest::default()
        };
        let port = self.net.listen(1, params, &spec, Arc::new(Door(Arc::clone(&desk))));
        let port = port.map_err(|e| format!("listening: {}", e.text))?;
        self.net.start().map_err(|e| format!("the loops: {}", e.text))?;
        Ok((if port == 0 { options.port.clone() } else { port.to_string() }, desk))
    }

    /// Connects: a stream's number, or a status and why.
    pub fn connect(&self, params: &StreamParams, port: &str) -> Result<i64, (i64, Fault)> {
        let stack = self.net.stack(2, Side::Client, params).map_err(|why| (0, why))?;
        let to = ConnectRequest {
            host: self.subject.options.connect.clone(),
            port: port.to_owned(),
            timeout: PATIENCE,
            ..ConnectRequest::default()
        };
        self.net.connect(2, &stack, params, &to)
    }

    /// The last line of the log.
    pub fn last_line(&self) -> String {
        lock(&self.lines).last().cloned().unwrap_or_default()
    }
}

impl Drop for Town<'_> {
    fn drop(&mut self) {
        self.net.stop();
    }
}

impl Desk {
    pub fn got(&self) -> Vec<u8> {
        lock(&self.got).clone()
    }

    /// How sessions ended.
    pub fn ends(&self) -> Vec<i64> {
        lock(&self.ends).clone()
    }
}

impl Sink for Door {
    fn open(&self, _: u64, _: u32, _: &str, _: u16) -> Box<dyn SinkSession> {
        Box::new(Sheet(Arc::clone(&self.0)))
    }
}

impl SinkSession for Sheet {
    fn data(&mut self, bytes: &[u8]) -> i64 {
        lock(&self.0.got).extend_from_slice(bytes);
        0
    }

    fn close(self: Box<Self>, reason: i64) {
        lock(&self.0.ends).push(reason);
    }
}

impl House for Village {
    fn driver(&self, name: &str) -> Result<Arc<Driver>, Fault> {
        if name.eq_ignore_ascii_case(self.driver.name()) {
            return Ok(Arc::clone(&self.driver));
        }
        self.loader.driver(name).map_err(|e| Fault::new(e.to_string()))
    }

    fn flush(&self) {}

    fn intern(&self, _: &str, _: &str, _: u16) -> u32 {
        1
    }

    fn log(&self, _: u64, _: u32, _: i32, text: &str) {
        lock(&self.lines).push(text.to_owned());
    }

    fn counter(&self, _: u64, _: &str) -> &'static AtomicU64 {
        self.counter
    }
}

/// How a known-good peer got on.
pub struct Visit {
    /// It shook hands, and what it sent was not answered with an alert.
    pub error: Option<rustls::Error>,
    pub got: Vec<u8>,
}

/// The counterpart connects to a port, sends bytes, says its end, and waits for the other side's.
pub fn visit(port: &str, config: &Config, bytes: &[u8]) -> Result<Visit, String> {
    let port: u16 = port.parse().map_err(|_| format!("{port} is no port of TCP"))?;
    let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|e| format!("the counterpart: {e}"))?;
    talk(stream, config, bytes)
}

/// The counterpart waits for one connection and reads until its end.
pub fn host(listener: &TcpListener, config: &Config) -> Result<Visit, String> {
    let (stream, _) = listener.accept().map_err(|e| format!("the counterpart: {e}"))?;
    talk(stream, config, b"")
}

fn talk(mut stream: TcpStream, config: &Config, bytes: &[u8]) -> Result<Visit, String> {
    let failed = |e: std::io::Error| format!("the counterpart: {e}");
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut peer = Counterpart::new(config)?;
    let mut sent = bytes.is_empty();
    let mut buffer = [0; 16 << 10];
    loop {
        if !peer.tls.is_handshaking() && !sent && peer.error.is_none() {
            peer.tls.writer().write_all(bytes).map_err(failed)?;
            peer.tls.send_close_notify();
            sent = true;
        }
        if peer.closed {
            peer.tls.send_close_notify();
        }
        let out = peer.give();
        // A side that has gone away is found by the read.
        let _ = stream.write_all(&out);
        if peer.closed || peer.error.is_some() {
            return Ok(Visit { error: peer.error, got: peer.got });
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(Visit { error: peer.error, got: peer.got }),
            Ok(n) => peer.take(&buffer[..n]),
            Err(e) if e.kind() == ErrorKind::ConnectionReset => {
                return Ok(Visit { error: peer.error, got: peer.got });
            }
            Err(e) => return Err(failed(e)),
        }
    }
}

/// Waits for a condition; whether it came.
pub fn until(condition: impl Fn() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    true
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
