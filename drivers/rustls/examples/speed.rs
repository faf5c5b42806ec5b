//! What the driver costs, both sides in one process over memory: nanoseconds a message of 200 bytes in full records,
//! microseconds a handshake, and bytes an idle session.
//!
//! `cargo run --release -p sysloom-nsd-rustls --example speed`

use nix::time::{ClockId, clock_gettime};
use nsd_rustls::{Below, Context, Daemon, Session, Wishes};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::collections::VecDeque;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use sysloom_sdk::{Complaint, LayerSession, Level, PeerFacts, Role, Stop, Stream, Want};

/// Takes everybody.
#[derive(Debug)]
struct Anybody;

impl Daemon for Anybody {
    fn verdict(&self, _: u64, _: &PeerFacts<'_>) -> Result<(), Complaint> {
        Ok(())
    }

    fn log(&self, _: Level, _: &str) {}

    fn enabled(&self, _: Level) -> bool {
        false
    }
}

type Bytes = Arc<Mutex<VecDeque<u8>>>;

struct End(Bytes, Bytes);

impl Below for End {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        let mut bytes = self.0.lock().unwrap();
        let (front, _) = bytes.as_slices();
        let n = front.len().min(buf.len());
        if n == 0 {
            return Err(Stop::Wait(Want::READ));
        }
        buf[..n].copy_from_slice(&front[..n]);
        bytes.drain(..n);
        Ok(n)
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        self.1.lock().unwrap().extend(buf);
        Ok(buf.len())
    }
}

fn sessions(server: &Context, client: &Context) -> (Session<End>, Session<End>) {
    over(&[Bytes::default(), Bytes::default()], server, client)
}

fn over([a, b]: &[Bytes; 2], server: &Context, client: &Context) -> (Session<End>, Session<End>) {
    let daemon: Arc<dyn Daemon> = Arc::new(Anybody);
    (
        Session::new(server, daemon.clone(), End(a.clone(), b.clone()), true, "", 1).unwrap(),
        Session::new(client, daemon, End(b.clone(), a.clone()), false, "server.example.net", 2).unwrap(),
    )
}

/// Shakes hands; gives the time that each side took.
fn shake(server: &mut Session<End>, client: &mut Session<End>) -> (Duration, Duration) {
    let mut spent = (Duration::ZERO, Duration::ZERO);
    let mut done = (false, false);
    while !(done.0 && done.1) {
        let start = now();
        done.1 = done.1 || client.handshake().is_ok();
        let middle = now();
        done.0 = done.0 || server.handshake().is_ok();
        spent.1 += middle - start;
        spent.0 += now() - middle;
    }
    spent
}

/// This thread's CPU time.
fn now() -> Duration {
    Duration::from(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).unwrap())
}

/// The resident memory of this process.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|n| n.parse::<usize>().ok()).unwrap_or(0) * 4096
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let certificate =
        CertificateParams::new(["server.example.net".to_owned()]).unwrap().self_signed(&key).unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (cert_file, key_file) = (path("cert.pem"), path("key.pem"));
    fs::write(&cert_file, certificate.pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    let daemon: Arc<dyn Daemon> = Arc::new(Anybody);
    let both = [
        ("default (X25519MLKEM768)", ""),
        ("TLS 1.3, X25519", "NORMAL:-GROUP-X25519-MLKEM768:-AES-256-GCM"),
        ("TLS 1.3, AES-256", "NORMAL:-GROUP-X25519-MLKEM768"),
        ("TLS 1.3, resumed", "NORMAL:%TICKETS_TLS13:-GROUP-X25519-MLKEM768:-AES-256-GCM"),
        ("TLS 1.2", "NORMAL:%NO_TICKETS:-VERS-TLS1.3:-AES-256-GCM"),
    ];
    for (what, priority) in both {
        for auth_mode in ["anon", "x509/name"] {
            let wishes = Wishes {
                auth_mode,
                cert_file: Some(&cert_file),
                key_file: Some(&key_file),
                priority: Some(priority),
                ..Wishes::default()
            };
            let server = Context::new(Role::Server, &wishes, &daemon).unwrap();
            let client = Context::new(Role::Client, &wishes, &daemon).unwrap();
            let (mut spent, mut resumed) = ((Duration::ZERO, Duration::ZERO), 0);
            for _ in 0..HANDSHAKES {
                let (mut s, mut c) = sessions(&server, &client);
                let (a, b) = shake(&mut s, &mut c);
                spent = (spent.0 + a, spent.1 + b);
                resumed += u32::from(s.peer().resumed);
                // The ticket is read behind the handshake.
                let _ = c.read(&mut [0; 16]);
            }
            assert_eq!(resumed, if what.ends_with("resumed") { HANDSHAKES - 1 } else { 0 }, "{what}");
            let each = |d: Duration| d.as_secs_f64() * 1e6 / f64::from(HANDSHAKES);
            println!(
                "handshake  {what:26} {auth_mode:10} server {:6.1} us, client {:6.1} us",
                each(spent.0),
                each(spent.1)
            );
        }
    }

    let wishes = Wishes {
        auth_mode: "anon",
        cert_file: Some(&cert_file),
        key_file: Some(&key_file),
        ..Wishes::default()
    };
    let server = Context::new(Role::Server, &wishes, &daemon).unwrap();
    let client = Context::new(Role::Client, &wishes, &daemon).unwrap();
    for (what, batch) in [("64 KiB a write", 320), ("16 KiB a write", 80), ("one message a write", 1)] {
        let (mut s, mut c) = sessions(&server, &client);
        shake(&mut s, &mut c);
        let block = vec![b'm'; MESSAGE * batch];
        // Reading the clock costs as much as a small write, so several are timed at once.
        let (writes, rounds) = (320 / batch, MESSAGES / 320);
        let mut buf = vec![0; 256 << 10];
        let (mut writing, mut reading, mut got) = (Duration::ZERO, Duration::ZERO, 0);
        for _ in 0..rounds {
            let start = now();
            for _ in 0..writes {
                c.write(&block).unwrap();
            }
            let middle = now();
            while let Ok(n) = s.read(&mut buf) {
                got += n;
            }
            writing += middle - start;
            reading += now() - middle;
        }
        assert_eq!(got, rounds * 320 * MESSAGE);
        let each = |d: Duration| d.as_secs_f64() * 1e9 / (rounds * 320) as f64;
        println!(
            "data       {what:26} write {:6.1} ns, read {:6.1} ns a message",
            each(writing),
            each(reading)
        );
    }

    // A first round fills the allocator's pools and the thread's buffers.
    let mut kept: Vec<_> = (0..200).map(|_| idle(&server, &client)).collect();
    let before = resident();
    kept.extend((0..IDLE).map(|_| idle(&server, &client)));
    let grown = resident() - before;
    println!("idle       server's side only         {} bytes a session", grown / IDLE);
}

/// A server's session after a message and its client's departure from memory.
fn idle(server: &Context, client: &Context) -> Session<End> {
    let pipe = [Bytes::default(), Bytes::default()];
    let (mut s, mut c) = over(&pipe, server, client);
    shake(&mut s, &mut c);
    c.write(&[b'm'; MESSAGE]).unwrap();
    let mut buf = [0; 4096];
    while s.read(&mut buf).is_ok() {}
    // What the pipe has grown to is none of the session's.
    pipe.iter().for_each(|bytes| bytes.lock().unwrap().shrink_to_fit());
    s
}

const MESSAGE: usize = 200;
const MESSAGES: usize = 1_280_000;
const HANDSHAKES: u32 = 1000;
const IDLE: usize = 2000;
