//! Dynafiles: the open files of one action by path, least recently used closed first.

use crate::create::fault;
use crate::logfile::LogFile;
use crate::{Shared, push_row, row_len};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};
use sysloom_sdk::{Commit, Complaint, Counter, CounterKind, Host, Outcome, Records};

pub struct Cache {
    files: HashMap<Box<[u8]>, Entry>,
    capacity: usize,
    tick: u64,
    counters: Counters,
}

/// rsyslog's counters of a dynafile cache.
pub struct Counters {
    requests: Counter,
    /// Requests for the same file as the one before.
    level0: Counter,
    missed: Counter,
    evicted: Counter,
    maxused: Counter,
    closetimeouts: Counter,
}

struct Entry {
    file: LogFile,
    /// This commit's text for the file, and the rows that it holds.
    text: Vec<u8>,
    rows: Vec<u32>,
    tick: u64,
}

/// Outcomes that are only made when something went wrong.
struct Verdicts<'a> {
    total: usize,
    each: Option<(Vec<Outcome>, Complaint)>,
    shared: &'a Shared,
}

impl Counters {
    pub fn new(host: Host, template: &str) -> Self {
        let object = format!("dynafile cache {template}");
        // rsyslog: each action has its own, although they share a name.
        let own = CounterKind { own: true, ..CounterKind::default() };
        let counter = |name| host.counter_of("omfile", &object, name, own);
        Self {
            requests: counter("requests"),
            level0: counter("level0"),
            missed: counter("missed"),
            evicted: counter("evicted"),
            maxused: counter("maxused"),
            closetimeouts: counter("closetimeouts"),
        }
    }
}

impl Cache {
    pub fn new(capacity: usize, counters: Counters) -> Self {
        Self { files: HashMap::new(), capacity: capacity.max(1), tick: 0, counters }
    }

    /// Gathers the rows by file, then writes once to each.
    pub fn commit(&mut self, shared: &Shared, records: &Records<'_>) -> Commit {
        let mut verdicts = Verdicts { total: records.len(), each: None, shared };
        let add_lf = shared.writing.add_lf;
        let mut last: &[u8] = &[];
        for row in 0..records.len() {
            let (text, path) = (records.cell(row, 0), records.cell(row, 1));
            self.counters.requests.add(1);
            if path == last && row > 0 {
                self.counters.level0.add(1);
            }
            last = path;
            match self.entry(path, &mut verdicts) {
                Ok(entry) => {
                    push_row(&mut entry.text, text, add_lf);
                    entry.rows.push(row as u32);
                }
                Err(why) => verdicts.failed(&[row as u32], 0, why),
            }
        }
        for entry in self.files.values_mut() {
            entry.write(&mut verdicts, Some(records));
        }
        match verdicts.each {
            None => Commit::Done,
            Some((each, why)) => Commit::Each(each, why),
        }
    }

    pub fn close_all(&mut self, mut close: impl FnMut(&mut LogFile)) {
        self.files.values_mut().for_each(|entry| close(&mut entry.file));
        self.files.clear();
    }

    /// Closes the files that nobody wrote to for `age`.
    pub fn close_idle(&mut self, age: Duration, now: Instant, mut close: impl FnMut(&mut LogFile)) {
        let closed = &self.counters.closetimeouts;
        self.files.retain(|_, entry| {
            if now.saturating_duration_since(entry.file.idle_since()) < age {
                return true;
            }
            close(&mut entry.file);
            closed.add(1);
            false
        });
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    pub fn each(&mut self, work: impl FnMut(&mut LogFile)) {
        self.files.values_mut().map(|entry| &mut entry.file).for_each(work);
    }

    fn entry(&mut self, path: &[u8], verdicts: &mut Verdicts<'_>) -> Result<&mut Entry, Complaint> {
        self.tick += 1;
        if !self.files.contains_key(path) {
            let shared = verdicts.shared;
            if path.is_empty() || (escapes(path) && !shared.permit_escape) {
                let shown = String::from_utf8_lossy(path);
                return Err(Complaint::new(format!("dynamic file name '{shown}' is refused")).code(CODE_NAME));
            }
            self.counters.missed.add(1);
            let mut file = LogFile::new(Path::new(OsStr::from_bytes(path)));
            file.ready(&shared.creation).map_err(discarding)?;
            if self.files.len() >= self.capacity {
                self.evict(verdicts);
            }
            self.files.insert(path.into(), Entry { file, text: Vec::new(), rows: Vec::new(), tick: 0 });
            let used = self.files.len() as u64;
            self.counters.maxused.add(used.saturating_sub(self.counters.maxused.get()));
        }
        let tick = self.tick;
        let entry = self.files.get_mut(path).ok_or_else(|| {
            let path = Path::new(OsStr::from_bytes(path));
            fault(path, "open error", &std::io::ErrorKind::NotFound.into())
        })?;
        entry.tick = tick;
        Ok(entry)
    }

    fn evict(&mut self, verdicts: &mut Verdicts<'_>) {
        let oldest = self.files.iter().min_by_key(|(_, entry)| entry.tick).map(|(path, _)| path.clone());
        let Some(mut entry) = oldest.and_then(|path| self.files.remove(&path)) else { return };
        self.counters.evicted.add(1);
        entry.write(verdicts, None);
        verdicts.shared.report(entry.file.close(&verdicts.shared.writing));
    }
}

impl Entry {
    /// Writes this commit's rows. Without `records` the rows count as one.
    fn write(&mut self, verdicts: &mut Verdicts<'_>, records: Option<&Records<'_>>) {
        if self.rows.is_empty() {
            return;
        }
        let shared = verdicts.shared;
        let Self { file, text, rows, .. } = self;
        let ready = file.ready(&shared.creation);
        let put = ready.map_err(|why| (0, why)).and_then(|()| {
            let lengths = || {
                let whole = records.is_none().then_some(text.len());
                let each = records
                    .map(|r| rows.iter().map(|row| row_len(r.cell(*row as usize, 0), shared.writing.add_lf)));
                whole.into_iter().chain(each.into_iter().flatten())
            };
            file.put(text, lengths, &shared.creation, &shared.writing).map_err(|s| (s.rows, s.why))
        });
        match put {
            Err((done, why)) if done >= rows.len() => shared.report(Err(why)),
            Err((done, why)) => verdicts.failed(rows, done, why),
            Ok(()) => {}
        }
        text.clear();
        rows.clear();
    }
}

impl Verdicts<'_> {
    /// The first `done` of `rows` are written, the others are not.
    fn failed(&mut self, rows: &[u32], done: usize, why: Complaint) {
        let lost = if self.shared.do_not_suspend { Outcome::Reject } else { Outcome::Retry };
        let (each, _) = self.each.get_or_insert_with(|| (vec![Outcome::Done; self.total], why));
        for row in rows.iter().skip(done) {
            if let Some(outcome) = each.get_mut(*row as usize) {
                *outcome = lost;
            }
        }
    }
}

fn discarding(mut why: Complaint) -> Complaint {
    why.text.push_str(" - discarding message");
    why
}

/// Whether a path leads upwards somewhere.
fn escapes(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|part| part == b"..")
}

/// rsyslog's code of a bad file name.
const CODE_NAME: i32 = 2140;
