//! Signals, heard on a thread of their own: the main thread may be busy with stopping when another one comes.

use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};
use signal_hook::iterator;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// What a signal asks of the main thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Hup,
    ToggleDebug,
    /// The signal's number.
    End(i32),
}

/// Signals as they come.
pub struct Signals(Receiver<What>);

impl Signals {
    /// Begins to listen. With `keyboard`, SIGINT and SIGQUIT end the process. `hup` is set by the signal handler itself,
    /// so that whoever asks right after sending one knows that it is pending.
    pub fn listen(keyboard: bool, hup: &Arc<AtomicBool>) -> io::Result<Self> {
        signal_hook::flag::register(SIGHUP, Arc::clone(hup))?;
        let signals = iterator::Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGCHLD])?;
        let (tell, told) = channel();
        thread::Builder::new().name("signals".into()).spawn(move || hear(signals, &tell, keyboard))?;
        Ok(Self(told))
    }

    /// Waits for the next one that matters.
    pub fn next(&self) -> What {
        // The thread ends only with the process.
        self.0.recv().unwrap_or(What::End(SIGTERM))
    }
}

fn hear(mut signals: iterator::Signals, tell: &Sender<What>, keyboard: bool) {
    let mut terms = 0;
    for signal in signals.forever() {
        let what = match signal {
            SIGHUP => What::Hup,
            SIGUSR1 => What::ToggleDebug,
            SIGCHLD => {
                crate::process::reap();
                continue;
            }
            // rsyslog: only a debugging daemon can be stopped from the keyboard.
            SIGINT | SIGQUIT if !keyboard => continue,
            SIGTERM => {
                terms += 1;
                // rsyslog: whoever asks a fifth time does not want to wait any longer.
                if terms == PATIENCE {
                    std::process::abort();
                }
                What::End(SIGTERM)
            }
            other => What::End(other),
        };
        if tell.send(what).is_err() {
            return;
        }
    }
}

const PATIENCE: u32 = 5;
