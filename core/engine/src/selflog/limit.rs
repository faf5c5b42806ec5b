//! How many of the daemon's own messages are delivered: so many in a window, the rest is dropped and counted.

use std::time::{Duration, Instant};

/// The window begins with a message, not with the clock.
pub struct Limit {
    interval: Duration,
    burst: u32,
    begun: Option<Instant>,
    passed: u32,
    lost: u64,
}

impl Limit {
    pub fn new(seconds: u64, burst: u32) -> Self {
        Self { interval: Duration::from_secs(seconds), burst, begun: None, passed: 0, lost: 0 }
    }

    /// Other numbers from now on; what has passed counts.
    pub fn change(&mut self, seconds: u64, burst: u32) {
        self.interval = Duration::from_secs(seconds);
        self.burst = burst;
    }

    /// One message: whether it passes, and what is to be said about dropping.
    pub fn take(&mut self, now: Instant) -> (bool, Option<String>) {
        let mut remark = None;
        if self.begun.is_none_or(|begun| now.saturating_duration_since(begun) >= self.interval) {
            if self.lost > 0 {
                remark = Some(format!(
                    "{} messages lost due to rate-limiting ({} allowed within {} seconds)",
                    self.lost,
                    self.burst,
                    self.interval.as_secs()
                ));
            }
            (self.begun, self.passed, self.lost) = (Some(now), 0, 0);
        }
        if self.passed < self.burst {
            self.passed += 1;
            return (true, remark);
        }
        if self.lost == 0 {
            remark = Some("begin to drop messages due to rate-limiting".into());
        }
        self.lost += 1;
        (false, remark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_lets_its_burst_through_and_then_tells_the_loss() {
        let mut limit = Limit::new(5, 2);
        let start = Instant::now();
        let mut take = |seconds| limit.take(start + Duration::from_secs(seconds));
        assert_eq!([take(0), take(1)], [(true, None), (true, None)]);
        assert_eq!(take(2), (false, Some("begin to drop messages due to rate-limiting".into())));
        assert_eq!(take(4), (false, None));
        let said = "2 messages lost due to rate-limiting (2 allowed within 5 seconds)";
        assert_eq!(take(5), (true, Some(said.into())));
        assert_eq!(take(6), (true, None));
    }
}
