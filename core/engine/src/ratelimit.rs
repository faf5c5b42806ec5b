//! `ratelimit()` objects: limits by name, which all inputs and actions that name one share. `Core` asks them for what an
//! input submits, a worker for what an action is to get.
//!
//! A window begins with a message, not with the clock, as in rsyslog. What comes above the burst is dropped and counted,
//! or, for an action whose limit paces, waits for the next window.

use crate::action::Stop;
use crate::stats::Stats;
use slog::{Logger, warn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sysloom_abi::Frame;
use sysloom_config::plan::{Object, Plan, Values};
use sysloom_config::{Diagnostic, Span, policy};
use sysloom_wire::Pri;
use sysloom_wire::pri::{self, Head};

/// One `ratelimit()` object.
pub struct RateLimit {
    name: String,
    rules: Rules,
    window: Mutex<Window>,
    log: Logger,
}

/// What the object and its policy file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rules {
    interval: Duration,
    burst: usize,
    /// Only messages of this severity number and above are limited.
    severity: u8,
    /// For actions: what is above the burst waits rather than being lost.
    paces: bool,
}

#[derive(Default)]
struct Window {
    begun: Option<Instant>,
    passed: usize,
    lost: u64,
}

/// All limits of a Plan, in its order. Policy files are read here, and complaints about them come back.
pub fn all(plan: &Plan, log: &Logger, diagnostics: &mut Vec<Diagnostic>) -> Vec<Arc<RateLimit>> {
    let made = plan.ratelimits.iter().map(|object| {
        let rules = rules(object, diagnostics);
        let (name, window, log) = (object.name.clone(), Mutex::default(), log.clone());
        Arc::new(RateLimit { name, rules, window, log })
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

fn rules(object: &Object, diagnostics: &mut Vec<Diagnostic>) -> Rules {
    let number = |name| object.values.int(name).and_then(|n| u64::try_from(n).ok());
    let mut rules = Rules {
        interval: Duration::from_secs(number("interval").unwrap_or(0)),
        burst: number("burst").unwrap_or(BURST) as usize,
        severity: number("severity").unwrap_or(0) as u8,
        paces: false,
    };
    let Some(file) = object.values.str("policy") else { return rules };
    let span = object.values.span("policy").unwrap_or(object.span);
    let mut wrong = |text: String| {
        diagnostics.push(Diagnostic::error(
            2207,
            "rate-limit",
            format!("policy file '{file}': {text}"),
            span,
        ));
    };
    let entries = std::fs::read_to_string(file).map_err(|e| e.to_string());
    let entries = match entries.and_then(|text| policy::read(&text)) {
        Ok(entries) => entries,
        Err(why) => {
            wrong(why);
            return rules;
        }
    };
    for (key, value) in entries {
        let number = value.parse::<u32>();
        match (key.as_str(), number, value.as_str()) {
            ("interval", Ok(n), _) => rules.interval = Duration::from_secs(n.into()),
            ("burst", Ok(n), _) => rules.burst = n as usize,
            ("severity", Ok(n @ 0..=7), _) => rules.severity = n as u8,
            ("severity", Err(_), name) => match pri::severity_of(name) {
                Some(severity) => rules.severity = severity,
                None => wrong(format!("severity: '{name}' is no severity")),
            },
            ("scope", _, "input" | "output") => {}
            ("mode" | "output.mode", _, mode @ ("drop" | "pace")) => rules.paces = mode == "pace",
            _ => wrong(format!("{key}: '{value}' is not understood and ignored")),
        }
    }
    rules
}

impl RateLimit {
    /// Takes from `frames` what the limit lets through: how many at the head if that is all there is to it, or the ones
    /// to keep.
    pub fn admit<'a>(&self, block: &[u8], frames: &'a [Frame], kept: &'a mut Vec<Frame>) -> &'a [Frame] {
        if self.rules.severity == 0 {
            return frames.get(..self.take(frames.len())).unwrap_or_default();
        }
        kept.clear();
        kept.extend(frames.iter().filter(|frame| {
            let text = block.get(frame.off as usize..).and_then(|rest| rest.get(..frame.len as usize));
            match pri::parse(text.unwrap_or_default()) {
                Head::Valid { pri, .. } => self.admits(pri.severity),
                _ => self.admits(Pri::DEFAULT.severity),
            }
        }));
        kept
    }

    /// Whether one message of this severity may go on.
    pub fn admits(&self, severity: u8) -> bool {
        severity < self.rules.severity || self.take(1) == 1
    }

    /// How many of `wanted` messages may go on now.
    fn take(&self, wanted: usize) -> usize {
        self.take_at(Instant::now(), wanted)
    }

    fn take_at(&self, now: Instant, wanted: usize) -> usize {
        if self.rules.interval.is_zero() {
            return wanted;
        }
        let mut window = self.window();
        self.renew(&mut window, now);
        let allowed = wanted.min(self.rules.burst.saturating_sub(window.passed));
        window.passed += allowed;
        if allowed < wanted {
            if window.lost == 0 {
                warn!(self.log, "{}: begin to drop messages due to rate-limiting", self.name; "code" => LIMITED);
            }
            window.lost += (wanted - allowed) as u64;
        }
        allowed
    }

    /// As [`RateLimit::take_at`] where what is above waits: how many may go on, and how long to wait for more.
    fn pace_at(&self, now: Instant, wanted: usize) -> (usize, Duration) {
        if self.rules.interval.is_zero() || self.rules.burst == 0 {
            return (wanted, Duration::ZERO);
        }
        let mut window = self.window();
        self.renew(&mut window, now);
        let allowed = wanted.min(self.rules.burst.saturating_sub(window.passed));
        window.passed += allowed;
        let over = window.begun.map_or(now, |begun| begun + self.rules.interval);
        (allowed, over.saturating_duration_since(now))
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(&self, window: &mut Window, now: Instant) {
        let over = |begun| now.saturating_duration_since(begun) >= self.rules.interval;
        if !window.begun.is_none_or(over) {
            return;
        }
        if window.lost > 0 {
            warn!(self.log, "{}: {} messages lost due to rate-limiting ({} allowed within {} seconds)", self.name,
                window.lost, self.rules.burst, self.rules.interval.as_secs(); "code" => LIMITED);
        }
        *window = Window { begun: Some(now), ..Window::default() };
    }
}

/// A limit before an action, with what it counts.
pub struct OutputLimit {
    limit: Arc<RateLimit>,
    paces: bool,
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
        let complaint = (limit.rules.paces && !queued).then(|| {
            let text = format!(
                "action '{action}': rate limit '{}' paces, which needs a queue of the action's own; what is above it is \
                 dropped",
                limit.name
            );
            Diagnostic::error(2207, "rate-limit", text, span)
        });
        let made = Self {
            paces: limit.rules.paces && queued,
            allowed: counter("ratelimit.allowed"),
            dropped: counter("ratelimit.dropped"),
            paced: counter("ratelimit.paced"),
            paced_usec: counter("ratelimit.paced_usec"),
            limit,
        };
        (made, complaint)
    }

    /// Whether the action gets this message.
    pub fn admits(&self, severity: u8) -> bool {
        if self.paces {
            return true;
        }
        let admitted = self.limit.admits(severity);
        let counter = if admitted { self.allowed } else { self.dropped };
        counter.fetch_add(1, Ordering::Relaxed);
        admitted
    }

    /// Waits until `wanted` messages may be delivered, or the time of `stop` is over.
    pub fn pace(&self, wanted: usize, stop: &Stop) {
        if !self.paces {
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

/// rsyslog's code of both lines.
const LIMITED: i32 = 2177;
const BURST: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(seconds: u64, burst: usize, severity: u8) -> RateLimit {
        RateLimit {
            name: "strict".into(),
            rules: Rules { interval: Duration::from_secs(seconds), burst, severity, paces: true },
            window: Mutex::default(),
            log: Logger::root(slog::Discard, slog::o!()),
        }
    }

    #[test]
    fn a_window_ends_its_own_interval_after_its_first_message() {
        let (limit, start) = (limit(5, 3, 0), Instant::now());
        let take = |seconds, wanted| limit.take_at(start + Duration::from_secs(seconds), wanted);
        assert_eq!([take(0, 2), take(1, 4), take(4, 1), take(5, 3), take(6, 1)], [2, 1, 0, 3, 0]);
        assert_eq!(limit.window().lost, 1);
    }

    #[test]
    fn no_interval_is_no_limit_and_grave_messages_are_not_limited() {
        assert_eq!(limit(0, 1, 0).take(9), 9);
        let (limit, mut kept) = (limit(600, 1, 5), Vec::new());
        let block = b"<13>a<13>b<11>c<8>dnone";
        let frame = |off, len| Frame { off, len, peer: 0, flags: 0, received_ns: 0 };
        let frames = [frame(0, 5), frame(5, 5), frame(10, 5), frame(15, 4), frame(19, 4)];
        let kept: Vec<_> = limit.admit(block, &frames, &mut kept).iter().map(|f| f.off).collect();
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
}
