//! Limits before actions, with what they count.

use super::RateLimit;
use crate::action::Stop;
use crate::message::Message;
use crate::stats::Stats;
use crate::template::Buffers;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use sysloom_config::{Diagnostic, Span};

/// A limit before an action, with what it counts.
pub struct OutputLimit {
    limit: Arc<RateLimit>,
    /// The action has a queue of its own, so that its messages can wait.
    queued: bool,
    allowed: &'static AtomicU64,
    dropped: &'static AtomicU64,
    paced: &'static AtomicU64,
    paced_usec: &'static AtomicU64,
}

impl OutputLimit {
    /// The limit of an action of this name. One that paces needs a queue; without, it drops, and that is said.
    pub fn new(
        limit: Arc<RateLimit>,
        action: &str,
        queued: bool,
        span: Span,
        stats: &Stats,
    ) -> (Self, Option<Diagnostic>) {
        let counter = |name| stats.counter("core.action", action, name);
        let complaint = (limit.state().rules.paces && !queued).then(|| {
            let text = format!(
                "action '{action}': rate limit '{}' paces, which needs a queue of the action's own; what is above it is \
                 dropped",
                limit.name
            );
            Diagnostic::error(2207, "rate-limit", text, span)
        });
        let made = Self {
            queued,
            allowed: counter("ratelimit.allowed"),
            dropped: counter("ratelimit.dropped"),
            paced: counter("ratelimit.paced"),
            paced_usec: counter("ratelimit.paced_usec"),
            limit,
        };
        (made, complaint)
    }

    /// Whether the action gets this message.
    pub fn admits(&self, message: &Message<'_>, buffers: &mut Buffers) -> bool {
        let (severity, by_source) = {
            let rules = &self.limit.state().rules;
            if rules.paces && self.queued {
                return true;
            }
            (rules.severity, rules.sources.is_some())
        };
        let admitted = message.severity() < severity
            || match self.limit.keys.get().filter(|_| by_source) {
                Some(keys) => keys.of_message(message, buffers, |key| self.limit.take(Some(key), 1) == 1),
                None => self.limit.take(None, 1) == 1,
            };
        let counter = if admitted { self.allowed } else { self.dropped };
        counter.fetch_add(1, Ordering::Relaxed);
        admitted
    }

    /// Waits until `wanted` messages may be delivered, or the time of `stop` is over.
    pub fn pace(&self, wanted: usize, stop: &Stop) {
        if !(self.queued && self.limit.state().rules.paces) {
            return;
        }
        let (mut left, begun) = (wanted, Instant::now());
        loop {
            let (allowed, wait) = self.limit.pace_at(Instant::now(), left);
            left -= allowed;
            if left == 0 || stop.wait(wait) {
                break;
            }
            self.paced.fetch_add(1, Ordering::Relaxed);
        }
        let waited = begun.elapsed().as_micros() as u64;
        self.allowed.fetch_add(wanted as u64, Ordering::Relaxed);
        self.paced_usec.fetch_add(waited, Ordering::Relaxed);
    }
}
