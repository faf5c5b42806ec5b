//! The watch over policy files: one thread that hears of changes in their folders and reads a file again when it has
//! been quiet about it for a while.
//!
//! The folders are watched, not the files: editors and package managers put a new file in the old one's place.

use super::RateLimit;
use super::rules::Stamp;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use slog::warn;
use std::collections::HashMap;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The thread; it ends when this is dropped.
pub struct Watcher {
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

/// One limit whose files are watched.
struct Watched {
    limit: Arc<RateLimit>,
    quiet: Duration,
    stamps: Vec<Stamp>,
    /// When it will be read again.
    due: Option<Instant>,
}

impl Watcher {
    /// Watches the files of those limits that ask for it; None if there is nothing to watch, or no way to.
    pub fn start(limits: &[Arc<RateLimit>]) -> Option<Self> {
        let asking = limits.iter().filter(|limit| limit.given.files().next().is_some());
        let watched: Vec<_> = asking
            .filter_map(|limit| {
                let (limit, quiet) = (Arc::clone(limit), limit.given.watch?);
                Some(Watched { stamps: limit.stamps.clone(), limit, quiet, due: None })
            })
            .collect();
        let log = watched.first()?.limit.log.clone();
        let begin = || -> std::io::Result<Self> {
            let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
            let (stop, stopped) = UnixStream::pair()?;
            for folder in folders(&watched) {
                if let Err(e) = inotify.add_watch(folder, WHAT) {
                    let folder = folder.display();
                    warn!(
                        log,
                        "policyWatch: changes in {folder} are not seen ({e}); SIGHUP has its policy files \
                        read again"
                    );
                }
            }
            let thread = thread::Builder::new().name("policy".into());
            let thread = thread.spawn(move || run(&inotify, &stopped, watched))?;
            Ok(Self { stop: Some(stop), thread: Some(thread) })
        };
        begin()
            .map_err(|e| {
                warn!(log, "policyWatch: policy files cannot be watched ({e}); SIGHUP has them read again");
            })
            .ok()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(inotify: &Inotify, stopped: &UnixStream, mut watched: Vec<Watched>) {
    loop {
        // Whatever has happened, it is the files that say whether it concerns them. What they were when the
        // configuration was read may be long ago.
        let now = Instant::now();
        for one in &mut watched {
            let stamps = one.limit.given.stamps();
            if stamps != one.stamps {
                (one.stamps, one.due) = (stamps, Some(now + one.quiet));
            }
            if one.due.is_some_and(|due| due <= now) {
                one.due = None;
                one.limit.reload();
            }
        }
        let due = watched.iter().filter_map(|one| one.due).min();
        let timeout = match due.map(|due| due.saturating_duration_since(now)) {
            // Rounded up, so that it is not asked again and again within a millisecond.
            Some(left) => PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX),
            None => PollTimeout::NONE,
        };
        let mut fds = [inotify.as_fd(), stopped.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
        if fds[1].any().unwrap_or(true) {
            return;
        }
        while inotify.read_events().is_ok_and(|events| !events.is_empty()) {}
    }
}

/// The folders of all files, each once.
fn folders(watched: &[Watched]) -> Vec<&Path> {
    let files = watched.iter().flat_map(|one| one.limit.given.files());
    let folders = files.filter_map(Path::parent).map(|folder| match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    });
    folders.map(|folder| (folder, ())).collect::<HashMap<_, _>>().into_keys().collect()
}

const WHAT: AddWatchFlags = AddWatchFlags::IN_CLOSE_WRITE
    .union(AddWatchFlags::IN_MODIFY)
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_CREATE)
    .union(AddWatchFlags::IN_DELETE);
