//! Who has sent something, and when last: `global(senders.*)`. Inputs' messages are counted where they enter, the
//! supervisor looks every second for senders that have gone silent.

use crate::clock;
use crate::peers::Peers;
use crate::stats::Stats;
use slog::{Logger, info, warn};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use sysloom_abi::Frame;
use sysloom_config::plan::Values;

/// All senders that are not silent for too long.
pub struct Tracking {
    report_new: bool,
    report_gone: bool,
    /// Silence that counts as gone.
    timeout: Duration,
    /// By number of the sender.
    senders: Mutex<HashMap<u32, Sender>>,
    stats: Arc<Stats>,
    log: Logger,
}

struct Sender {
    name: String,
    messages: &'static AtomicU64,
    last: Instant,
    /// The same in words.
    last_words: String,
}

impl Tracking {
    /// None unless `senders.keepTrack` is on.
    pub fn new(globals: &Values, stats: &Arc<Stats>, log: Logger) -> Option<Self> {
        let is_on = |name| globals.bool(name).unwrap_or(false);
        let seconds = globals.int("senders.timeoutAfter").and_then(|n| u64::try_from(n).ok());
        is_on("senders.keepTrack").then(|| Self {
            report_new: is_on("senders.reportNew"),
            report_gone: is_on("senders.reportGoneAway"),
            timeout: Duration::from_secs(seconds.unwrap_or(TIMEOUT)),
            senders: Mutex::default(),
            stats: Arc::clone(stats),
            log,
        })
    }

    /// Messages have come in.
    pub fn count(&self, frames: &[Frame], peers: &Peers) {
        for run in frames.chunk_by(|a, b| a.peer == b.peer) {
            // Number 0 is this host.
            let Some(Frame { peer, .. }) = run.first().filter(|frame| frame.peer != 0) else { continue };
            let peer = peers.kept(*peer);
            let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
            let sender = senders.entry(peer).or_insert_with(|| self.appear(peer, peers));
            sender.messages.fetch_add(run.len() as u64, Ordering::Relaxed);
            let now = Instant::now();
            if now.duration_since(sender.last) >= Duration::from_secs(1) {
                (sender.last, sender.last_words) = (now, clock::now_words());
            }
        }
    }

    fn appear(&self, peer: u32, peers: &Peers) -> Sender {
        let name = peers.name(&peers.peer(peer)).to_owned();
        if self.report_new {
            info!(self.log, "new sender '{name}'"; "code" => APPEARED);
        }
        let messages = self.stats.level(ORIGIN, OBJECT, &name);
        Sender { name, messages, last: Instant::now(), last_words: clock::now_words() }
    }

    /// Forgets whoever was silent for too long.
    pub fn look(&self) {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.retain(|_, sender| {
            if sender.last.elapsed() < self.timeout {
                return true;
            }
            if self.report_gone {
                warn!(self.log, "removing sender '{}' from connection table, last seen at {}", sender.name,
                    sender.last_words; "code" => GONE);
            }
            sender.messages.store(0, Ordering::Relaxed);
            self.stats.forget(ORIGIN, OBJECT, &sender.name);
            false
        });
    }
}

/// Twelve hours.
const TIMEOUT: u64 = 43_200;
/// rsyslog's codes.
const GONE: i32 = 2429;
const APPEARED: i32 = 2430;
const ORIGIN: &str = "senders";
const OBJECT: &str = "_sender_stat";
