//! imdiag: instrumentation for tests. It listens on TCP for commands, one a line, and replies to each.
//!
//! The host's loop only splits lines; commands run on the input's own thread, one after the other, since some of them
//! block for long and other connections of the daemon share the loop.
#![forbid(unsafe_code)]

mod command;
mod gate;
mod inject;
mod lines;
mod params;

use gate::{Counts, Gate};
use lines::Lines;
use params::{InputParams, Module};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use sysloom_sdk::{
    Accepted, Complaint, End, Frame, Host, Input, Level, Listen, Reading, StreamInput, Submit, Waited,
    plugin, wait,
};

/// The module's own instance, and that of an `input()`; the one with a port listens.
pub struct Imdiag {
    host: Host,
    port: Option<String>,
    name: String,
    port_file: Option<String>,
    max_sessions: u32,
    delay: Submit,
    abort_after: Option<Duration>,
    empty_checks: u32,
    gate: Arc<Gate>,
    counts: Option<Counts>,
    bound: OnceLock<u16>,
    peer: OnceLock<u32>,
    /// Lines that wait for their turn, with the session that each came from.
    lines: Mutex<VecDeque<(u64, String)>>,
    /// A byte here says that a line waits.
    bell: UnixStream,
    rings: UnixStream,
}

impl Input for Imdiag {
    const NAME: &'static str = "imdiag";
    const RUNS: bool = true;
    const AUTO: bool = true;
    const STATS: bool = true;
    type Module = Module;
    type Settings = InputParams;

    fn new(module: &Module, settings: InputParams, host: Host) -> Result<Self, Complaint> {
        let params = &module.params;
        let own = settings.port.is_none();
        let port = settings.port.or_else(|| params.server_run.clone());
        if port.is_some() && module.taken.swap(true, Ordering::Relaxed) {
            return Err(Complaint::new("only a single listener is supported, trying to add a second"));
        }
        let mut abort_after = None;
        if own {
            for (command, value) in [
                ("default mainqueue.timeoutShutdown", params.main_shutdown),
                ("default mainqueue.timeoutEnqueue", params.main_enqueue),
                ("inputs.timeout.shutdown", params.inputs_shutdown),
                ("default action.queue.timeoutShutdown", params.action_shutdown),
                ("default action.queue.timeoutEnqueue", params.action_enqueue),
            ] {
                if let Some(value) = value {
                    host.control(command, &value.to_string())?;
                }
            }
            if let Some(file) = &params.termination_file {
                host.control("termination.file", file)?;
            }
            match params.abort_timeout {
                None => {}
                Some(seconds) if seconds <= 0 => {
                    let text = format!("imdiag: abortTimeout must be greater than 0, not {seconds}: ignored");
                    host.log(Level::Error, 0, &text);
                }
                Some(seconds) => abort_after = Some(Duration::from_secs(seconds.unsigned_abs())),
            }
        }
        let (bell, rings) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        rings.set_nonblocking(true)?;
        Ok(Self {
            host,
            counts: port.is_some().then(|| Counts::new(&host)),
            port,
            name: params.name.clone(),
            port_file: params.port_file.clone(),
            max_sessions: params.max_sessions,
            delay: params.delay(),
            abort_after,
            empty_checks: empty_checks(),
            gate: Arc::clone(&module.gate),
            bound: OnceLock::new(),
            peer: OnceLock::new(),
            lines: Mutex::default(),
            bell,
            rings,
        })
    }

    fn activate(&self) -> Result<(), Complaint> {
        if let Some(time) = self.abort_after {
            watchdog(self.host, time)?;
        }
        let Some(port) = &self.port else { return Ok(()) };
        let listen = Listen {
            port,
            name: &self.name,
            max_sessions: self.max_sessions,
            threads: 1,
            ..Listen::default()
        };
        let bound = self.host.listen(self, &listen)?;
        if port == "0" {
            let _ = self.bound.set(bound);
        }
        Ok(())
    }

    fn run(&self, stop: BorrowedFd<'_>) -> Result<(), Complaint> {
        // Only now can messages be processed, and that is what the file tells.
        if let (Some(file), Some(port)) = (&self.port_file, self.bound.get()) {
            let temporary = format!("{file}.tmp");
            std::fs::write(&temporary, port.to_string())
                .and_then(|()| std::fs::rename(&temporary, file))
                .map_err(|e| Complaint::io(format!("imdiag: cannot write the port to {file}"), &e))?;
        }
        while self.wait(stop)? {
            while let Some((conn, line)) = self.next() {
                let Some(mut reply) = command::obey(self, &line, stop) else { break };
                while reply.len() > MAX_REPLY {
                    reply.pop();
                }
                reply.push('\n');
                // A client that is gone needs no reply.
                let _ = self.host.reply(conn, reply.as_bytes());
            }
        }
        self.gate.open_for_good();
        Ok(())
    }

    fn stats(&self, reading: Reading) {
        match (reading, &self.counts) {
            (Reading::Begins, Some(counts)) => self.gate.pass(counts),
            (Reading::Ended, Some(_)) => self.gate.passed(),
            (_, None) => {}
        }
    }
}

impl Imdiag {
    fn next(&self) -> Option<(u64, String)> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Waits for lines; `false` when the thread is to end.
    fn wait(&self, stop: BorrowedFd<'_>) -> Result<bool, Complaint> {
        match wait(stop, Some(self.bell.as_fd()), None) {
            Err(e) => Err(Complaint::io("imdiag: cannot wait", &e)),
            Ok(Waited::Stop) => Ok(false),
            Ok(_) => {
                while (&self.bell).read(&mut [0; 64]).is_ok_and(|n| n > 0) {}
                Ok(true)
            }
        }
    }

    /// Hands messages over with the module's flow control.
    fn submit(&self, block: &[u8], frames: &[Frame], flush: Submit) -> bool {
        self.host.submit(block, frames, self.delay | flush).is_ok()
    }

    /// Injected messages come from 127.0.0.1, by name as well.
    fn peer(&self) -> u32 {
        *self.peer.get_or_init(|| self.host.intern("127.0.0.1", "127.0.0.1", 0))
    }
}

/// One client.
pub struct Session {
    lines: Lines,
    conn: u64,
}

impl StreamInput for Imdiag {
    type Session = Session;

    fn open(&self, accepted: Accepted<'_>) -> Session {
        Session { lines: Lines::default(), conn: accepted.conn }
    }

    fn data(&self, session: &mut Session, bytes: &[u8]) -> Result<(), Complaint> {
        let Session { lines, conn } = session;
        let fits = lines.feed(bytes, |line| {
            // An empty line is what is left of a counted command.
            if !line.is_empty() {
                let line = String::from_utf8_lossy(line).into_owned();
                self.lines.lock().unwrap_or_else(PoisonError::into_inner).push_back((*conn, line));
            }
        });
        // A bell that is full of rings is heard anyway.
        let _ = (&self.rings).write(&[1]);
        if fits { Ok(()) } else { Err(Complaint::new("imdiag: a command is too long")) }
    }

    fn close(&self, _: Session, _: End) {}
}

/// Waits for a time; `None` when the daemon stops meanwhile.
fn nap(stop: BorrowedFd<'_>, time: Duration) -> Option<()> {
    wait(stop, None, Some(Instant::now() + time)).is_ok_and(|waited| waited == Waited::Time).then_some(())
}

/// Ends the process when the time is over, whatever it is doing then.
fn watchdog(host: Host, time: Duration) -> Result<(), Complaint> {
    let guard = move || {
        std::thread::sleep(time);
        // Whoever reads stderr may be gone; the abort comes anyway.
        let _ = writeln!(
            std::io::stderr(),
            "timeoutGuard: rsyslog still active after expiry of guard period ({} s), aborting",
            time.as_secs()
        );
        let _ = host.control("abort", "timeoutGuard");
        std::process::abort();
    };
    std::thread::Builder::new().name("imdiag".into()).spawn(guard)?;
    Ok(())
}

/// How often in a row the queue must be empty.
fn empty_checks() -> u32 {
    let wanted = std::env::var("CI_SHUTDOWN_QUEUE_EMPTY_CHECKS").ok().and_then(|text| text.parse().ok());
    wanted.filter(|n| (1..=200).contains(n)).map_or(EMPTY_CHECKS, |n: u32| n + 1)
}

plugin! { name: "imdiag", stream_inputs: [Imdiag] }

const EMPTY_CHECKS: u32 = 4;
const MAX_REPLY: usize = 1022;

#[cfg(test)]
mod tests;
