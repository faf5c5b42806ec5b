//! Waiting for conditions.

use std::path::Path;
use std::time::{Duration, Instant};

/// How long a condition may take; only a failing test waits that long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Looks until `look` sees something. Panics with `what` when it never does.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < end, "waited {PATIENCE:?} for {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Waits until a file has at least `n` whole lines, and returns all of them.
pub fn file_lines(path: &Path, n: usize) -> Vec<String> {
    wait_for(&format!("{n} lines in {}, which has: {:?}", path.display(), std::fs::read(path)), || {
        let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
        (text.matches('\n').count() >= n).then(|| text.lines().map(str::to_owned).collect())
    })
}
