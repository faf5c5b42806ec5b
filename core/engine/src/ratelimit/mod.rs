//! `ratelimit()` objects: limits by name, which all inputs and actions that name one share. `Core` asks them for what an
//! input submits, a worker for what an action is to get.
//!
//! A window begins with a message, not with the clock, as in rsyslog. What comes above the burst is dropped and counted,
//! or, for an action whose limit paces, waits for the next window. A limit may hold for each source by itself.

mod key;
mod output;
mod rules;
mod sources;
mod watch;

pub(crate) use key::Keys;
pub use output::OutputLimit;
pub use watch::Watcher;

use crate::stats::Stats;
use rules::{Bound, Given, Rules, Stamp};
use slog::{Logger, error, info, warn};
use sources::Sources;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use sysloom_abi::Frame;
use sysloom_config::Diagnostic;
use sysloom_config::plan::{Plan, Values};
use sysloom_wire::Pri;
use sysloom_wire::pri::{self, Head};

/// One `ratelimit()` object.
pub struct RateLimit {
    name: String,
    given: Given,
    /// Of the policy files when they were read first.
    stamps: Vec<Stamp>,
    state: Mutex<State>,
    /// Says which source a message is from; set when templates are there.
    keys: OnceLock<Keys>,
    log: Logger,
}

struct State {
    rules: Rules,
    /// Of everybody together.
    window: Window,
    sources: Sources,
}

#[derive(Default)]
struct Window {
    begun: Option<Instant>,
    passed: usize,
    lost: u64,
}

/// All limits of a Plan, in its order. Policy files are read here, and complaints about them come back.
pub fn all(
    plan: &Plan,
    stats: &Arc<Stats>,
    log: &Logger,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Arc<RateLimit>> {
    let made = plan.ratelimits.iter().map(|object| {
        let given = Given::new(object, diagnostics);
        let stamps = given.stamps();
        let (rules, complaints) = given.read();
        diagnostics.extend(complaints.into_iter().map(|complaint| complaint.at(object)));
        let state = State { rules, window: Window::default(), sources: Sources::new(object, stats) };
        let limit = Arc::new(RateLimit {
            name: object.name.clone(),
            given,
            stamps,
            state: Mutex::new(state),
            keys: OnceLock::new(),
            log: log.clone(),
        });
        let of_stats = Arc::downgrade(&limit);
        stats.before_reading(Box::new(move || {
            if let Some(limit) = of_stats.upgrade() {
                limit.state().sources.report();
            }
        }));
        limit
    });
    made.collect()
}

/// The limit that an input or action names by a parameter whose name ends in `rateLimit.name`.
pub fn named(
    values: &Values,
    limits: &[Arc<RateLimit>],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Arc<RateLimit>> {
    let ends = |name: &str, end: &str| {
        let name = name.to_ascii_lowercase();
        name.strip_suffix(end).map(str::len)
    };
    let (param, setting) = values
        .iter()
        .filter_map(|(param, setting)| Some((param, setting?)))
        .find(|(param, _)| ends(&param.name, "ratelimit.name").is_some())?;
    let name = values.str(&param.name).filter(|name| !name.is_empty())?;
    let prefix = ends(&param.name, ".name")?;
    for beside in ["interval", "burst"] {
        let its = values.iter().find(|(other, _)| {
            let other = other.name.to_ascii_lowercase();
            other.len() > prefix
                && other.starts_with(&param.name.to_ascii_lowercase()[..prefix])
                && other[prefix..].trim_start_matches('.') == beside
        });
        if let Some((other, _)) = its
            && values.written(&other.name).is_some()
        {
            let text = format!("parameter '{}' has no effect beside '{}'", other.name, param.name);
            let span = values.span(&other.name).unwrap_or(setting.span);
            diagnostics.push(Diagnostic::error(2207, "rate-limit", text, span));
        }
    }
    let found = limits.iter().find(|limit| limit.name == name);
    if found.is_none() {
        let known: Vec<_> = limits.iter().map(|limit| format!("'{}'", limit.name)).collect();
        let mut complaint = Diagnostic::error(
            2207,
            "rate-limit",
            format!("ratelimit '{name}' not found - no limit holds here"),
            setting.span,
        );
        if !known.is_empty() {
            complaint = complaint.help(format!("there are {}", known.join(", ")));
        }
        diagnostics.push(complaint);
    }
    found.cloned()
}

impl RateLimit {
    /// From now on it can tell sources apart.
    pub(crate) fn tell_sources_by(&self, keys: Keys) {
        let _ = self.keys.set(keys);
    }

    /// Takes from `frames` of an input what the limit lets through: how many at the head if that is all there is to it,
    /// or the ones to keep.
    pub fn admit<'a>(
        &self,
        input: u32,
        block: &[u8],
        frames: &'a [Frame],
        kept: &'a mut Vec<Frame>,
    ) -> &'a [Frame] {
        let (severity, by_source) = {
            let state = self.state();
            (state.rules.severity, state.rules.sources.is_some())
        };
        if severity == 0 && !by_source {
            return frames.get(..self.take(None, frames.len())).unwrap_or_default();
        }
        kept.clear();
        kept.extend(frames.iter().filter(|frame| {
            let text = block.get(frame.off as usize..).and_then(|rest| rest.get(..frame.len as usize));
            let text = text.unwrap_or_default();
            let its = match pri::parse(text) {
                Head::Valid { pri, .. } => pri.severity,
                _ => Pri::DEFAULT.severity,
            };
            if its < severity {
                return true;
            }
            match self.keys.get().filter(|_| by_source) {
                // What is no message is nobody's.
                Some(keys) => {
                    keys.of_frame(input, frame, text, |key| self.take(Some(key), 1) == 1).unwrap_or(true)
                }
                None => self.take(None, 1) == 1,
            }
        }));
        kept
    }

    /// How many of `wanted` messages of a source may go on now.
    fn take(&self, source: Option<&[u8]>, wanted: usize) -> usize {
        self.take_at(Instant::now(), source, wanted)
    }

    fn take_at(&self, now: Instant, source: Option<&[u8]>, wanted: usize) -> usize {
        let mut state = self.state();
        let State { rules, window, sources } = &mut *state;
        let (bound, window, counts, key) = match (&rules.sources, source) {
            (Some(by_source), Some(key)) => {
                let bound = by_source.bound(key, rules.bound);
                let (window, counts) = sources.of(key);
                (bound, window, Some(counts), key)
            }
            _ => (rules.bound, window, None, &b""[..]),
        };
        let allowed = match bound.interval.is_zero() {
            true => wanted,
            false => {
                self.renew(window, bound, now, key);
                let allowed = wanted.min(bound.burst.saturating_sub(window.passed));
                window.passed += allowed;
                if allowed < wanted {
                    if window.lost == 0 {
                        let who = self.who(key);
                        warn!(self.log, "{who}: begin to drop messages due to rate-limiting"; "code" => LIMITED);
                    }
                    window.lost += (wanted - allowed) as u64;
                }
                allowed
            }
        };
        if let Some(counts) = counts {
            counts.add(allowed as u64, (wanted - allowed) as u64);
        }
        allowed
    }

    /// As [`RateLimit::take_at`] where what is above waits: how many may go on, and how long to wait for more.
    fn pace_at(&self, now: Instant, wanted: usize) -> (usize, Duration) {
        let mut state = self.state();
        let State { rules: Rules { bound, .. }, window, .. } = &mut *state;
        if bound.interval.is_zero() || bound.burst == 0 {
            return (wanted, Duration::ZERO);
        }
        self.renew(window, *bound, now, b"");
        let allowed = wanted.min(bound.burst.saturating_sub(window.passed));
        window.passed += allowed;
        let over = window.begun.map_or(now, |begun| begun + bound.interval);
        (allowed, over.saturating_duration_since(now))
    }

    /// Reads its policy files again. What cannot be used changes nothing.
    pub fn reload(&self) {
        let Some(file) = self.given.policy.as_ref().or(self.given.source_policy.as_ref()) else { return };
        let (rules, complaints) = self.given.read();
        match complaints.into_iter().next() {
            Some(complaint) => {
                error!(self.log, "ratelimit '{}': {}; the limits that it set before stay in force \
                until the file is right", self.name, complaint.text; "code" => WRONG)
            }
            None if self.state().rules == rules => {}
            None => {
                self.state().rules = rules;
                info!(
                    self.log,
                    "ratelimit '{}': policy file '{file}' has changed and holds from now on", self.name
                );
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(&self, window: &mut Window, bound: Bound, now: Instant, key: &[u8]) {
        let over = |begun| now.saturating_duration_since(begun) >= bound.interval;
        if !window.begun.is_none_or(over) {
            return;
        }
        if window.lost > 0 {
            warn!(self.log, "{}: {} messages lost due to rate-limiting ({} allowed within {} seconds)",
                self.who(key), window.lost, bound.burst, bound.interval.as_secs_f64(); "code" => LIMITED);
        }
        *window = Window { begun: Some(now), ..Window::default() };
    }

    /// Its name, and the source's.
    fn who(&self, key: &[u8]) -> String {
        match key {
            [] => self.name.clone(),
            key => format!("{}, source '{}'", self.name, String::from_utf8_lossy(key)),
        }
    }
}

/// rsyslog's code of the lines about what is dropped.
const LIMITED: i32 = 2177;
/// Its code of something in a file that is not understood.
const WRONG: i32 = 2207;

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(seconds: u64, burst: usize, severity: u8) -> RateLimit {
        let bound = Bound { interval: Duration::from_secs(seconds), burst };
        let rules = Rules { bound, severity, paces: true, sources: None };
        let sources = Sources::bounded(2, 0, "strict", &Arc::default());
        RateLimit {
            name: "strict".into(),
            given: Given::default(),
            stamps: Vec::new(),
            state: Mutex::new(State { rules, window: Window::default(), sources }),
            keys: OnceLock::new(),
            log: Logger::root(slog::Discard, slog::o!()),
        }
    }

    #[test]
    fn a_window_ends_its_own_interval_after_its_first_message() {
        let (limit, start) = (limit(5, 3, 0), Instant::now());
        let take = |seconds, wanted| limit.take_at(start + Duration::from_secs(seconds), None, wanted);
        assert_eq!([take(0, 2), take(1, 4), take(4, 1), take(5, 3), take(6, 1)], [2, 1, 0, 3, 0]);
        assert_eq!(limit.state().window.lost, 1);
    }

    #[test]
    fn no_interval_is_no_limit_and_grave_messages_are_not_limited() {
        assert_eq!(limit(0, 1, 0).take(None, 9), 9);
        let (limit, mut kept) = (limit(600, 1, 5), Vec::new());
        let block = b"<13>a<13>b<11>c<8>dnone";
        let frame = |off, len| Frame { off, len, peer: 0, flags: 0, received_ns: 0 };
        let frames = [frame(0, 5), frame(5, 5), frame(10, 5), frame(15, 4), frame(19, 4)];
        let kept: Vec<_> = limit.admit(0, block, &frames, &mut kept).iter().map(|f| f.off).collect();
        assert_eq!(kept, [0, 10, 15]);
    }

    #[test]
    fn a_pace_says_how_long_to_wait() {
        let (limit, start) = (limit(5, 3, 0), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(limit.pace_at(at(0), 2), (2, Duration::from_secs(5)));
        assert_eq!(limit.pace_at(at(2), 4), (1, Duration::from_secs(3)));
        assert_eq!(limit.pace_at(at(5), 3), (3, Duration::from_secs(5)));
    }

    #[test]
    fn each_source_has_a_window_of_its_own() {
        let (limit, now) = (limit(60, 2, 0), Instant::now());
        let large = Bound { interval: Duration::from_secs(60), burst: 4 };
        let by_source = rules::BySource { bound: None, single: [(b"big".to_vec(), large)].into() };
        limit.state().rules.sources = Some(by_source);
        let take = |key: &[u8]| limit.take_at(now, Some(key), 1);
        assert_eq!([b"a", b"a", b"a", b"b"].map(|key| take(key)), [1, 1, 0, 1]);
        assert_eq!([(); 5].map(|()| take(b"big")), [1, 1, 1, 1, 0]);
        // There is room for two: whoever was not seen for the longest begins anew.
        assert_eq!(take(b"a"), 1);
    }
}
