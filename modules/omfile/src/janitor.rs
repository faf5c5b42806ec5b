//! The thread of an action that buffers or closes idle files: it writes what waits and closes what nobody uses.

use crate::Shared;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};
use sysloom_sdk::Complaint;

pub struct Janitor {
    thread: JoinHandle<()>,
}

impl Janitor {
    pub fn start(shared: Arc<Shared>) -> Result<Self, Complaint> {
        Builder::new()
            .name("omfile janitor".into())
            .spawn(move || work(&shared))
            .map(|thread| Self { thread })
            .map_err(|e| Complaint::io("cannot start a thread", &e))
    }

    pub fn stop(self, shared: &Shared) {
        {
            let _files = shared.files.lock().unwrap_or_else(PoisonError::into_inner);
            shared.stop.store(true, SeqCst);
        }
        shared.wake.notify_all();
        // It has said so in the log if it panicked.
        let _ = self.thread.join();
    }
}

fn work(shared: &Shared) {
    let flush = shared.writing.background.filter(|_| shared.writing.in_background());
    let close = shared.close_after.map(|age| (age / 4).max(Duration::from_secs(1)));
    let Some(period) = [flush, close].into_iter().flatten().min() else { return };
    let mut files = shared.files.lock().unwrap_or_else(PoisonError::into_inner);
    while !shared.stop.load(SeqCst) {
        files = shared.wake.wait_timeout(files, period).unwrap_or_else(PoisonError::into_inner).0;
        shared.tidy(&mut files, Instant::now());
    }
}
