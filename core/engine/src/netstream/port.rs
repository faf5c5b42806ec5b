//! What all connections of one listener share: its name in messages, its stack, its limits, and the seats.
//!
//! A seat is for a peer that has sent something. Connections in their handshake, and those that never sent a byte,
//! only wait: they cannot keep a sender out by being silent.

use super::stack::Stack;
use super::{House, Sink, StreamParams};
use socket2::TcpKeepalive;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

/// One listener of an input, as its connections see it.
pub(crate) struct Port {
    /// The instance that listens.
    pub me: u64,
    /// `imtcp:6514`, for messages.
    pub label: String,
    pub sink: Arc<dyn Sink>,
    /// What carries its connections: another one once keys and certificates were read again.
    pub(super) stack: RwLock<Arc<Stack>>,
    pub params: StreamParams,
    pub house: Arc<dyn House>,
    pub handshake_limit: Duration,
    pub idle_limit: Option<Duration>,
    pub max_reads: u32,
    pub keep_alive: Option<TcpKeepalive>,
    pub notify_open: bool,
    pub notify_close: bool,
    /// Who may connect, see [`House::admits`].
    pub allowed: String,
    pub counters: Counters,
    pub seats: Seats,
}

impl Port {
    /// What carries a connection that comes now.
    pub fn stack(&self) -> Arc<Stack> {
        Arc::clone(&self.stack.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// New connections come with this from now on.
    pub fn carry_with(&self, stack: Stack) {
        *self.stack.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(stack);
    }
}

/// Counted for statistics; the engine shows them under these names.
pub(crate) struct Counters {
    pub accepted: &'static AtomicU64,
    pub opened: &'static AtomicU64,
    pub handshake_failed: &'static AtomicU64,
    pub refused: &'static AtomicU64,
    pub table_full: &'static AtomicU64,
    pub timed_out: &'static AtomicU64,
    pub broken: &'static AtomicU64,
    pub wrong_protocol: &'static AtomicU64,
    pub accept_failed: &'static AtomicU64,
    pub disallowed: &'static AtomicU64,
}

impl Counters {
    pub fn new(house: &dyn House, me: u64) -> Self {
        let counter = |name| house.counter(me, name);
        Self {
            accepted: counter("sessions.accepted"),
            opened: counter("sessions.opened"),
            handshake_failed: counter("handshakes.failed"),
            refused: counter("peers.refused"),
            table_full: counter("sessions.tablefull"),
            timed_out: counter("sessions.timedout"),
            broken: counter("sessions.broken"),
            wrong_protocol: counter("sessions.wrongprotocol"),
            accept_failed: counter("accepts.failed"),
            disallowed: counter("disallowed"),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// How many may sit and how many may wait.
pub(crate) struct Seats {
    most: u32,
    most_per_source: u32,
    most_waiting: u32,
    active: AtomicU32,
    waiting: AtomicU32,
    sources: Mutex<HashMap<Box<str>, Source>>,
}

#[derive(Default)]
struct Source {
    waiting: u32,
    active: u32,
}

/// Why a connection gets no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// As many peers send already as may.
    Sessions(u32),
    /// Too many connections are in their handshake or silent.
    Waiting(u32),
    /// This source has its share.
    Source(u32),
    /// This source has its share of those that wait.
    SourceWaiting(u32),
}

impl Seats {
    pub fn new(most: u32, most_per_source: Option<u32>) -> Self {
        Self {
            most,
            most_per_source: most_per_source.unwrap_or(u32::MAX),
            most_waiting: most.saturating_add(WAITING_MORE),
            active: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            sources: Mutex::new(HashMap::new()),
        }
    }

    fn sources(&self) -> MutexGuard<'_, HashMap<Box<str>, Source>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place; gives itself back when dropped.
pub(crate) struct Seat {
    port: Arc<Port>,
    source: Box<str>,
    active: bool,
}

impl Seat {
    /// A place among those that wait.
    pub fn wait(port: &Arc<Port>, source: &str) -> Result<Self, Full> {
        let seats = &port.seats;
        if seats.active.load(Ordering::Relaxed) >= seats.most {
            return Err(Full::Sessions(seats.most));
        }
        if seats.waiting.load(Ordering::Relaxed) >= seats.most_waiting {
            return Err(Full::Waiting(seats.most_waiting));
        }
        let mut sources = seats.sources();
        let share = sources.entry(source.into()).or_default();
        // Some waiting places are kept for other addresses.
        let most_waiting = seats.most_waiting - WAITING_OTHERS;
        if share.active.saturating_add(share.waiting) >= seats.most_per_source {
            return Err(Full::Source(seats.most_per_source));
        }
        if share.waiting >= most_waiting {
            return Err(Full::SourceWaiting(most_waiting));
        }
        share.waiting += 1;
        drop(sources);
        seats.waiting.fetch_add(1, Ordering::Relaxed);
        Ok(Self { port: Arc::clone(port), source: source.into(), active: false })
    }

    /// The peer has sent something: from now on it sits, if a seat is free.
    pub fn sit(&mut self) -> Result<(), Full> {
        if self.active {
            return Ok(());
        }
        let seats = &self.port.seats;
        let free = |n: u32| (n < seats.most).then_some(n + 1);
        if seats.active.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).is_err() {
            return Err(Full::Sessions(seats.most));
        }
        seats.waiting.fetch_sub(1, Ordering::Relaxed);
        if let Some(share) = seats.sources().get_mut(&*self.source) {
            share.waiting -= 1;
            share.active += 1;
        }
        self.active = true;
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let seats = &self.port.seats;
        let places = if self.active { &seats.active } else { &seats.waiting };
        places.fetch_sub(1, Ordering::Relaxed);
        let mut sources = seats.sources();
        if let Some(share) = sources.get_mut(&*self.source) {
            let place = if self.active { &mut share.active } else { &mut share.waiting };
            *place = place.saturating_sub(1);
            if share.active == 0 && share.waiting == 0 {
                sources.remove(&*self.source);
            }
        }
    }
}

/// Waiting places beyond the number of seats.
const WAITING_MORE: u32 = 64;
/// Those of them that no single address can have.
const WAITING_OTHERS: u32 = 16;
