//! omfile: records into files. The path is fixed (`file`) or rendered for each message (`dynaFile`).
//!
//! One commit is one write(2) to each file that it touches, at its end (O_APPEND), so that several actions may share a
//! path; nothing waits in a buffer past the commit unless the configuration asks for it. A HUP closes the files, and
//! the next commit opens them again.
#![forbid(unsafe_code)]

mod cache;
mod create;
mod janitor;
mod logfile;
mod pack;
mod params;

use cache::{Cache, Counters};
use create::Creation;
use janitor::Janitor;
use logfile::{LogFile, Writing};
use params::{ActionParams, ModuleParams};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use sysloom_sdk::{Commit, Complaint, Host, Level, Outcome, Output, Records, Worker, plugin};

/// One action that writes to a file, or to files by template.
pub struct Omfile {
    shared: Arc<Shared>,
    janitor: Mutex<Option<Janitor>>,
}

/// What the committing threads, the HUP and the janitor share.
struct Shared {
    host: Host,
    creation: Creation,
    writing: Writing,
    close_after: Option<Duration>,
    do_not_suspend: bool,
    permit_escape: bool,
    files: Mutex<Files>,
    /// The files are to be closed before the next write.
    hup: AtomicBool,
    /// Writing may block for long (a pipe, a terminal): then a HUP does not wait for the commit at work.
    slow: AtomicBool,
    stop: AtomicBool,
    wake: Condvar,
}

enum Files {
    Fixed(LogFile),
    Dynamic(Cache),
    /// `/dev/null`: nothing is opened or written.
    Nowhere,
}

impl Output for Omfile {
    const NAME: &'static str = "omfile";
    const BUILTIN: bool = true;
    const DEFAULT_TEMPLATE: &'static str = "RSYSLOG_FileFormat";
    type Module = ModuleParams;
    type Settings = ActionParams;
    type Worker = Writer;

    fn new(module: &ModuleParams, params: ActionParams, host: Host) -> Result<Self, Complaint> {
        let dynamic = params.dyna_file.is_some();
        let files = match (&params.file, &params.dyna_file) {
            (Some(_), Some(_)) => {
                return Err(Complaint::new("\"file\" and \"dynaFile\" exclude each other")
                    .param("dynaFile")
                    .code(CODE_PARAMETERS));
            }
            (None, None) => {
                return Err(Complaint::new("either the \"file\" or \"dynafile\" parameter must be given")
                    .code(CODE_MISSING));
            }
            (Some(path), None) if path.as_os_str().is_empty() => {
                return Err(Complaint::new("the file has no name").param("file").code(CODE_MISSING));
            }
            (Some(path), None) if path == Path::new("/dev/null") => Files::Nowhere,
            (Some(path), None) => Files::Fixed(LogFile::new(path)),
            (None, Some(template)) => {
                // A host that cannot tell lets every template pass.
                if module.restrict_template && host.control("template.pieces", template).unwrap_or(1) == 0 {
                    let words = format!(
                        "dynafile.restrictTemplateType permits templates of constants and properties alone, and \
                         '{template}' is a subtree or made by a plugin: use one of type string or list"
                    );
                    return Err(Complaint::new(words).param("dynaFile").code(CODE_PARAMETERS));
                }
                Files::Dynamic(Cache::new(params.cache_size as usize, Counters::new(host, template)))
            }
        };
        let close_after = params.close_timeout.or(dynamic.then_some(10)).filter(|&m| m > 0);
        let shared = Shared {
            host,
            creation: params.creation(module, host),
            writing: params.writing(module),
            close_after: close_after.map(|minutes| Duration::from_secs(u64::from(minutes) * 60)),
            do_not_suspend: module.do_not_suspend,
            permit_escape: params.permit_escape.unwrap_or(module.permit_escape),
            files: Mutex::new(files),
            hup: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            wake: Condvar::new(),
        };
        Ok(Self { shared: Arc::new(shared), janitor: Mutex::new(None) })
    }

    fn hup(&self) {
        self.shared.hup.store(true, SeqCst);
        if !self.shared.slow.load(SeqCst) {
            drop(self.shared.lock());
        }
    }
}

impl Drop for Omfile {
    fn drop(&mut self) {
        if let Some(janitor) = self.janitor.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            janitor.stop(&self.shared);
        }
        self.shared.close(&mut self.shared.lock());
    }
}

impl Shared {
    /// The files, closed first if a HUP came.
    fn lock(&self) -> MutexGuard<'_, Files> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if self.hup.swap(false, SeqCst) {
            self.close(&mut files);
        }
        files
    }

    fn close(&self, files: &mut Files) {
        match files {
            Files::Fixed(file) => self.report(file.close(&self.writing)),
            Files::Dynamic(cache) => cache.close_all(|file| self.report(file.close(&self.writing))),
            Files::Nowhere => {}
        }
    }

    /// The janitor's work: writes what waits for it, and closes what has been idle for too long.
    fn tidy(&self, files: &mut Files, now: Instant) {
        if self.writing.in_background() {
            match files {
                Files::Fixed(file) => self.report(file.flush_open(&self.writing)),
                Files::Dynamic(cache) => cache.each(|file| self.report(file.flush_open(&self.writing))),
                Files::Nowhere => {}
            }
        }
        let Some(age) = self.close_after else { return };
        match files {
            Files::Fixed(file) if now.saturating_duration_since(file.idle_since()) >= age => {
                self.report(file.close(&self.writing));
            }
            Files::Dynamic(cache) => {
                cache.close_idle(age, now, |file| self.report(file.close(&self.writing)))
            }
            _ => {}
        }
    }

    fn report(&self, result: Result<(), Complaint>) {
        if let Err(complaint) = result {
            self.host.log(Level::Error, complaint.code, &complaint.text);
        }
    }
}

/// The part of one committing thread: a buffer for records that do not lie ready for writing.
pub struct Writer {
    joined: Vec<u8>,
}

impl Worker<Omfile> for Writer {
    fn new(output: &Omfile) -> Result<Self, Complaint> {
        let shared = &output.shared;
        let mut janitor = output.janitor.lock().unwrap_or_else(PoisonError::into_inner);
        if janitor.is_none() && (shared.close_after.is_some() || shared.writing.in_background()) {
            *janitor = Some(Janitor::start(Arc::clone(shared))?);
        }
        Ok(Self { joined: Vec::new() })
    }

    fn commit(&mut self, output: &Omfile, records: &Records<'_>) -> Commit {
        let shared = &*output.shared;
        match &mut *shared.lock() {
            Files::Fixed(file) => self.commit_fixed(shared, file, records),
            Files::Dynamic(cache) => cache.commit(shared, records),
            Files::Nowhere => Commit::Done,
        }
    }

    fn resume(&mut self, output: &Omfile) -> Result<(), Complaint> {
        match &mut *output.shared.lock() {
            Files::Fixed(file) => file.reopen(&output.shared.creation),
            Files::Dynamic(_) | Files::Nowhere => Ok(()),
        }
    }
}

impl Writer {
    fn commit_fixed(&mut self, shared: &Shared, file: &mut LogFile, records: &Records<'_>) -> Commit {
        if let Err(complaint) = file.ready(&shared.creation) {
            return file.refusal(complaint);
        }
        shared.slow.store(!file.is_regular(), SeqCst);
        let add_lf = shared.writing.add_lf;
        // The usual template ends in LF: the host's block is what belongs into the file.
        let ready = records.columns() == 1 && (!add_lf || records.rows().all(ends_in_lf));
        let bytes = if ready {
            records.block()
        } else {
            self.joined.clear();
            records.rows().for_each(|row| push_row(&mut self.joined, row, add_lf));
            &self.joined
        };
        let rows = || records.rows().map(|row| row_len(row, add_lf));
        match file.put(bytes, rows, &shared.creation, &shared.writing) {
            Ok(()) => Commit::Done,
            Err(stopped) if stopped.rows == 0 => Commit::Suspended(stopped.why),
            // Something is in the way, but only of what comes next.
            Err(stopped) if stopped.rows >= records.len() => {
                shared.report(Err(stopped.why));
                Commit::Done
            }
            Err(stopped) => {
                let mut each = vec![Outcome::Retry; records.len()];
                each.iter_mut().take(stopped.rows).for_each(|outcome| *outcome = Outcome::Done);
                Commit::Each(each, stopped.why)
            }
        }
    }
}

fn ends_in_lf(row: &[u8]) -> bool {
    row.last() == Some(&b'\n')
}

fn row_len(row: &[u8], add_lf: bool) -> usize {
    row.len() + usize::from(add_lf && !ends_in_lf(row))
}

fn push_row(out: &mut Vec<u8>, row: &[u8], add_lf: bool) {
    out.extend_from_slice(row);
    if add_lf && !ends_in_lf(row) {
        out.push(b'\n');
    }
}

/// rsyslog's codes: parameters that contradict each other, a missing one.
const CODE_PARAMETERS: i32 = 2016;
const CODE_MISSING: i32 = 2211;

plugin! { name: "omfile", outputs: [Omfile] }

#[cfg(test)]
mod tests;
