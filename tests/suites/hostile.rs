//! Handshakes that go wrong on purpose, against either side of each driver for TLS: nothing crashes or hangs, each is one
//! line that says what was wrong, and a well-behaved connection that sends all the while is not slowed.

#[path = "hostile/chains.rs"]
mod chains;
#[path = "hostile/records.rs"]
mod records;
#[path = "hostile/steps.rs"]
mod steps;

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use sysloom_tests::pki::{Identity, Pki, Wish};
use sysloom_tests::{Auth, Channel, Daemon, Dir, TlsClient, TlsVersion, wait_for};

/// The handshake's deadline of the daemons here, in seconds: hundreds of attacks of a script at once are no stall, on a
/// machine that is busy otherwise too. The script waits longer.
const DEADLINE: u32 = 12;

/// A listener under attack, and a client that sends to it.
struct Siege {
    dir: Dir,
    pki: Pki,
    own: Identity,
    daemon: Daemon,
    port: u16,
    good: Good,
    before: Footprint,
}

impl Siege {
    fn new(driver: &str) -> Self {
        Self::with(driver, "")
    }

    /// With more parameters of the listener's.
    fn with(driver: &str, more: &str) -> Self {
        let dir = Dir::new();
        let pki = Pki::new(&dir);
        let own = pki.issue(&dir, "own", &Wish { names: &["localhost"], ..Wish::default() });
        let channel = Channel::tls(driver, &pki.file()).owning(&own).judging(Auth::Valid, &[]);
        let limit = format!("load=\"imtcp\" streamDriver.handshakeTimeout=\"{DEADLINE}\" {more}");
        let config = channel.collector().replace("load=\"imtcp\"", &limit);
        let daemon = Daemon::start(&dir, "daemon", &config);
        let port = daemon.port(&dir.file("port"));
        let client = TlsClient::connect(port, &pki.file(), Some(&own), TlsVersion::V13).unwrap();
        let good = Good::start(client, dir.file("log"));
        let before = Footprint::of(&daemon);
        Self { dir, pki, own, daemon, port, good, before }
    }

    /// The lines about a client that came from `port`.
    fn lines_about(&self, port: u16) -> Vec<String> {
        about(&self.daemon, port)
    }

    /// After the attack: the daemon serves and stops in order, and has not grown. Returns how long a message took.
    fn over(self) -> Pace {
        let pace = self.good.stop();
        let (daemon, before) = (self.daemon, self.before);
        before.is_kept(&daemon);
        daemon.stop();
        pace
    }
}

/// Lines of a daemon's log that name a port of the other side.
fn about(daemon: &Daemon, port: u16) -> Vec<String> {
    by_port(daemon).remove(&port).unwrap_or_default()
}

/// The lines of a daemon's log by the first port of the other side that they name.
fn by_port(daemon: &Daemon) -> HashMap<u16, Vec<String>> {
    let mut lines: HashMap<u16, Vec<String>> = HashMap::new();
    for line in daemon.stderr().lines() {
        let Some((_, rest)) = line.split_once("127.0.0.1:") else { continue };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(port) = digits.parse() {
            lines.entry(port).or_default().push(line.to_owned());
        }
    }
    lines
}

/// A connection that sends one message after the other, each when the one before has arrived.
struct Good {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(Instant, Duration)>>,
    attack: Instant,
}

/// How long messages took: half of them in peace, half of them under attack, and the longest.
#[derive(Debug)]
struct Pace {
    quiet: Duration,
    attacked: Duration,
    longest: Duration,
}

impl Good {
    /// Sends for a while in peace, and goes on.
    fn start(mut sender: impl Sender, log: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let ending = Arc::clone(&stop);
        let (peace, known) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut took = Vec::new();
            while !ending.load(Ordering::SeqCst) {
                let began = Instant::now();
                let word = format!("good {}", took.len());
                sender.say(format!("<134>1 2026-11-23T03:09:01Z h a - - - {word}\n").as_bytes());
                arrives(&log, &word);
                took.push((began, began.elapsed()));
                if took.len() == PEACE {
                    let _ = peace.send(());
                }
                // Two hundred a second, so that it is the daemon that is measured, not two busy loops.
                std::thread::park_timeout(Duration::from_millis(5));
            }
            took
        });
        known.recv().expect("the well-behaved connection works in peace");
        Self { stop, thread, attack: Instant::now() }
    }

    fn stop(self) -> Pace {
        self.stop.store(true, Ordering::SeqCst);
        let took = self.thread.join().expect("every message arrived");
        let (mut quiet, mut attacked) = (Vec::new(), Vec::new());
        for (began, took) in took {
            if began < self.attack { quiet.push(took) } else { attacked.push(took) }
        }
        quiet.sort_unstable();
        attacked.sort_unstable();
        let longest = *attacked.last().expect("messages were sent under attack");
        let median = |of: &[Duration]| of[of.len() / 2];
        Pace { quiet: median(&quiet), attacked: median(&attacked), longest }
    }
}

impl Pace {
    /// Half of the messages take at most this many times as long as before, and no one waits for somebody's deadline.
    fn is_kept(&self) {
        let most = self.quiet * 10 + Duration::from_millis(20);
        assert!(self.attacked < most, "{self:?}");
        assert!(self.longest < Duration::from_secs(u64::from(DEADLINE) / 2), "{self:?}");
    }
}

/// Whoever sends the good messages.
trait Sender: Send + 'static {
    fn say(&mut self, bytes: &[u8]);
}

impl Sender for TlsClient {
    fn say(&mut self, bytes: &[u8]) {
        self.send(bytes).expect("the connection is kept");
    }
}

/// Waits until the end of a log holds a line.
fn arrives(log: &PathBuf, word: &str) {
    let line = format!("{word}\n");
    wait_for(word, || {
        let mut file = std::fs::File::open(log).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(4096))).ok()?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail).ok()?;
        String::from_utf8_lossy(&tail).contains(&line).then_some(())
    });
}

/// What a daemon holds.
struct Footprint {
    kib: u64,
    descriptors: usize,
}

impl Footprint {
    fn of(daemon: &Daemon) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("it runs");
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process has memory");
        let kib = kib.trim().trim_end_matches(" kB").parse().expect("a number");
        let fds = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).expect("it runs");
        Self { kib, descriptors: fds.count() }
    }

    /// All descriptors are given back, and at most this much memory is not.
    fn is_kept(&self, daemon: &Daemon) {
        wait_for("the attackers' descriptors to be closed", || {
            (Self::of(daemon).descriptors <= self.descriptors).then_some(())
        });
        let grown = Self::of(daemon).kib.saturating_sub(self.kib);
        assert!(grown < MOST_GROWTH, "it has grown by {grown} KiB");
    }
}

/// Messages before an attack.
const PEACE: usize = 200;
/// KiB.
const MOST_GROWTH: u64 = 32 * 1024;
