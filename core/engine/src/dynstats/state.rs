//! A bucket's counts on disk, so that they outlast the daemon: `persistStateInterval`, `persistStateTimeInterval`.

use crate::script::json::{Json, Object};
use crate::script::parse;
use slog::{Logger, error};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use sysloom_config::plan::Values;

/// Where and how often a bucket's counts are written.
pub struct State {
    file: PathBuf,
    /// After so many updates; 0 = not by their number.
    every: u64,
    /// This long after the last time, with the next update; zero = not by time.
    time: Duration,
    updates: u64,
    saved: Instant,
    /// A failure was said already.
    said: bool,
    log: Logger,
}

impl State {
    /// None for a bucket that keeps nothing.
    pub fn new(bucket: &str, values: &Values, work_directory: Option<&str>, log: &Logger) -> Option<Self> {
        let number = |name| values.int(name).and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let (every, seconds) = (number("persistStateInterval"), number("persistStateTimeInterval"));
        if every == 0 && seconds == 0 {
            return None;
        }
        let folder = values.str("statefile.directory").or(work_directory).unwrap_or("/");
        // A name cannot lead elsewhere.
        let file = Path::new(folder).join(format!("dynstats-{}.json", bucket.replace('/', "_")));
        let (updates, saved, time) = (0, Instant::now(), Duration::from_secs(seconds));
        Some(Self { file, every, time, updates, saved, said: false, log: log.clone() })
    }

    /// What was kept by the last run; nothing if there was none.
    pub fn load(&mut self) -> Vec<(Box<[u8]>, u64)> {
        let text = match fs::read(&self.file) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(why) => {
                self.complain(&why.to_string());
                return Vec::new();
            }
        };
        let root = match parse::parse(&text) {
            Some(Json::Object(root)) => root,
            _ => {
                self.complain("it is no JSON object");
                return Vec::new();
            }
        };
        let counts = root.iter().filter_map(|(metric, count)| match count {
            Json::Int(n) => Some((metric.into(), u64::try_from(*n).ok()?)),
            _ => None,
        });
        counts.collect()
    }

    /// Counts an update; whether it is time to save.
    pub fn is_due(&mut self) -> bool {
        self.updates += 1;
        self.every > 0 && self.updates >= self.every
            || !self.time.is_zero() && self.saved.elapsed() >= self.time
    }

    /// Writes all counts. The old file stays until the new one is whole.
    pub fn save<'a>(&mut self, counts: impl Iterator<Item = (&'a [u8], u64)>) {
        (self.updates, self.saved) = (0, Instant::now());
        let mut counts: Vec<_> = counts.collect();
        counts.sort_unstable();
        let mut object = Object::default();
        for (metric, count) in counts {
            object.put(metric, Json::Int(count as i64), true);
        }
        let mut text = Vec::new();
        Json::Object(object).write(true, &mut text);
        text.push(b'\n');
        let new = self.file.with_extension("json.new");
        match fs::write(&new, text).and_then(|()| fs::rename(&new, &self.file)) {
            Ok(()) => self.said = false,
            Err(why) => self.complain(&why.to_string()),
        }
    }

    fn complain(&mut self, why: &str) {
        if !std::mem::replace(&mut self.said, true) {
            error!(self.log, "dyn_stats state file '{}': {why}", self.file.display(); "code" => 2027);
        }
    }
}
