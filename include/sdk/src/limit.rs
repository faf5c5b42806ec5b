//! Rate limits as rsyslog has them: so many messages in a window, the rest is dropped and counted.

use std::time::{Duration, Instant};

/// Lets at most `burst` messages through in each `interval`. The window begins with a message, not with the clock.
#[derive(Clone, Debug)]
pub struct Limit {
    interval: Duration,
    burst: u32,
    begun: Option<Instant>,
    passed: u32,
    lost: u64,
}

impl Limit {
    /// `None` without an interval (seconds): that is rsyslog's way to say that there is no limit.
    pub fn new(interval: u32, burst: u32) -> Option<Self> {
        let interval = Duration::from_secs(interval.into());
        (!interval.is_zero()).then_some(Self { interval, burst, begun: None, passed: 0, lost: 0 })
    }

    /// As [`Limit::new`], but `None` also where a limit has a name: the daemon applies that one.
    pub fn unless_named(name: &Option<String>, interval: u32, burst: u32) -> Option<Self> {
        if name.is_some() { None } else { Self::new(interval, burst) }
    }

    /// How many of `wanted` messages may go on now. `say` gets a line and rsyslog's code of it when dropping begins,
    /// and another one when it is over.
    pub fn take(&mut self, wanted: usize, say: impl FnMut(&str, i32)) -> usize {
        self.take_at(Instant::now(), wanted, say)
    }

    /// As [`Limit::take`], at a time of the caller's.
    pub fn take_at(&mut self, now: Instant, wanted: usize, mut say: impl FnMut(&str, i32)) -> usize {
        if self.is_over(now) {
            if self.lost > 0 {
                let (lost, burst, seconds) = (self.lost, self.burst, self.interval.as_secs());
                let within = format!("({burst} allowed within {seconds} seconds)");
                say(&format!("{lost} messages lost due to rate-limiting {within}"), LIMITED);
            }
            (self.begun, self.passed, self.lost) = (Some(now), 0, 0);
        }
        let room = (self.burst - self.passed) as usize;
        let allowed = wanted.min(room);
        // Not above `burst`.
        self.passed += allowed as u32;
        if allowed < wanted {
            if self.lost == 0 {
                say("begin to drop messages due to rate-limiting", LIMITED);
            }
            self.lost += (wanted - allowed) as u64;
        }
        allowed
    }

    /// Whether the window has passed (or none has begun).
    pub fn is_over(&self, now: Instant) -> bool {
        self.begun.is_none_or(|begun| now.saturating_duration_since(begun) >= self.interval)
    }
}

/// rsyslog's code of both lines.
const LIMITED: i32 = 2177;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_interval_is_no_limit() {
        assert!(Limit::new(0, 10).is_none());
        assert!(Limit::unless_named(&Some("strict".into()), 5, 10).is_none());
        assert!(Limit::unless_named(&None, 5, 10).is_some());
    }

    #[test]
    fn what_is_above_the_burst_is_lost_until_the_window_is_over() {
        let mut limit = Limit::new(5, 3).unwrap();
        let (start, mut lines) = (Instant::now(), Vec::new());
        let mut take = |seconds, wanted| {
            limit.take_at(start + Duration::from_secs(seconds), wanted, |line, code| {
                assert_eq!(code, 2177);
                lines.push(line.to_owned());
            })
        };
        assert_eq!(take(0, 2), 2);
        assert_eq!(take(1, 4), 1);
        assert_eq!(take(4, 1), 0);
        assert_eq!(take(5, 3), 3);
        assert_eq!(
            lines,
            [
                "begin to drop messages due to rate-limiting",
                "4 messages lost due to rate-limiting (3 allowed within 5 seconds)"
            ]
        );
    }
}
