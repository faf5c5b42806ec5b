//! omfwd: records to another syslog daemon, over UDP or over a stream of whatever netstream driver is configured.
//!
//! All records of a commit go out in few large writes. A connection that the peer closed in order is replaced before
//! anything is written; one that breaks in the middle gives back what was not wholly written. How often a destination
//! that is away is tried again is the engine's business.
#![forbid(unsafe_code)]

mod discovery;
mod pack;
mod params;
mod pool;
mod tcp;
mod udp;

use params::{ActionParams, ModuleParams};
use pool::Pool;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use sysloom_sdk::{Commit, Complaint, Host, Level, Limit, Outcome, Output, Records, Worker, plugin};
use udp::Udp;

/// One forwarding action.
pub struct Omfwd {
    host: Host,
    plan: params::Plan,
    limit: Option<Mutex<Limit>>,
    /// HUPs so far: a UDP worker resolves its target anew after each.
    hups: AtomicU64,
}

/// How far a commit got: what of it is done, and what was in the way.
struct Halt {
    done: Vec<bool>,
    why: Complaint,
}

impl Output for Omfwd {
    const NAME: &'static str = "omfwd";
    const BUILTIN: bool = true;
    const STREAMS: bool = true;
    const STREAM_LEGACY: &'static str = "ActionSend";
    const DEFAULT_TEMPLATE: &'static str = "RSYSLOG_TraditionalForwardFormat";
    type Module = ModuleParams;
    type Settings = ActionParams;
    type Worker = Forwarder;

    fn new(module: &ModuleParams, params: ActionParams, host: Host) -> Result<Self, Complaint> {
        Ok(Self {
            host,
            limit: Limit::unless_named(&params.limit_name, params.limit_interval, params.limit_burst)
                .map(Mutex::new),
            plan: params.plan(module, host)?,
            hups: AtomicU64::new(0),
        })
    }

    fn hup(&self) {
        self.hups.fetch_add(1, SeqCst);
    }
}

impl Omfwd {
    /// How many of `wanted` records the rate limit lets through; the others are dropped.
    fn allowed(&self, wanted: usize) -> usize {
        let Some(limit) = &self.limit else { return wanted };
        let mut limit = limit.lock().unwrap_or_else(PoisonError::into_inner);
        limit.take(wanted, |words, code| self.host.log(Level::Warning, code, &format!("omfwd: {words}")))
    }
}

/// What one committing thread sends with: its own sockets or connections.
pub enum Forwarder {
    Udp(Udp),
    Tcp(Pool),
}

impl Worker<Omfwd> for Forwarder {
    fn new(output: &Omfwd) -> Result<Self, Complaint> {
        Ok(if output.plan.tcp {
            Forwarder::Tcp(Pool::new(&output.plan))
        } else {
            Forwarder::Udp(Udp::new(&output.plan))
        })
    }

    fn commit(&mut self, output: &Omfwd, records: &Records<'_>) -> Commit {
        let result = match self {
            Forwarder::Udp(udp) => udp.commit(output, records),
            Forwarder::Tcp(pool) => pool.commit(output, records),
        };
        match result {
            Ok(()) => Commit::Done,
            Err(Halt { done, why }) if !done.contains(&true) => Commit::Suspended(why),
            Err(Halt { done, why }) => {
                let outcome = |done: bool| if done { Outcome::Done } else { Outcome::Retry };
                Commit::Each(done.into_iter().map(outcome).collect(), why)
            }
        }
    }

    fn resume(&mut self, output: &Omfwd) -> Result<(), Complaint> {
        match self {
            Forwarder::Udp(udp) => udp.ready(output),
            Forwarder::Tcp(pool) => pool.resume(output),
        }
    }
}

plugin! { name: "omfwd", outputs: [Omfwd] }

#[cfg(test)]
mod tests;
