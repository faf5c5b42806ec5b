//! `sysloomd quickstart`: the main job on one machine, for somebody who sees it the first time. It writes certificates and
//! two ordinary configurations into a folder of its own, runs a daemon on each, sends a message and shows what arrives.
//!
//! The daemons are processes of this very executable; they end with it, however it ends.

mod certificates;
mod child;
mod folder;

use child::Daemon;
use folder::{Arrivals, Folder};
use rcgen::Error as CertificateError;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A step that failed.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("cannot write '{file}': {1}", file = .0.display())]
    Write(PathBuf, #[source] io::Error),
    #[error("cannot read '{file}': {1}", file = .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("the path '{file}' is too long for a socket; set TMPDIR to a shorter directory", file = .0.display())]
    Long(PathBuf),
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] CertificateError),
    #[error("no free port on {LOOPBACK}: {0}")]
    Port(#[source] io::Error),
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] io::Error),
    #[error("cannot start the {0}: {1}")]
    Start(&'static str, #[source] io::Error),
    #[error("the {name} ended, {how}; it said:\n{said}")]
    Ended { name: &'static str, how: String, said: String },
    #[error("waited {PATIENCE:?} for {what}; the daemons said:\n{said}")]
    Late { what: &'static str, said: String },
    #[error("cannot send to '{file}': {1}", file = .0.display())]
    Send(PathBuf, #[source] io::Error),
    #[error("cannot write to the standard output: {0}")]
    Output(#[source] io::Error),
}

/// Runs it until a signal ends it; with `once`, until its own message has arrived.
pub fn quickstart(name: &str, once: bool) -> ExitCode {
    match run(once) {
        // Nobody reads any more: that is no fault.
        Err(Failed::Output(e)) if e.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{name} quickstart: {why}");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}

fn run(once: bool) -> Result<(), Failed> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register(signal, Arc::clone(&stop)).map_err(Failed::Signals)?;
    }
    let folder = Folder::new()?;
    certificates::write(&folder)?;
    let port =
        TcpListener::bind((LOOPBACK, 0)).and_then(|held| held.local_addr()).map_err(Failed::Port)?.port();
    let collector = folder.write("collector.conf", &folder.collector(port))?;
    let client = folder.write("client.conf", &folder.client(port))?;
    say(&format!("collector: {}, takes syslog over TLS on {LOOPBACK}:{port}", collector.display()))?;
    say(&format!("client:    {}, has the local socket {}", client.display(), folder.socket().display()))?;

    // The client is declared last, so that it ends first and its last message still finds the collector.
    let mut collector = Daemon::start("collector", &folder)?;
    if !until("the collector to listen", &stop, &mut [&mut collector], |daemons| daemons[0].is_ready())? {
        return Ok(());
    }
    let mut client = Daemon::start("client", &folder)?;
    let mut both = [&mut collector, &mut client];
    if !until("the client's socket", &stop, &mut both, |daemons| daemons[1].is_ready())? {
        return Ok(());
    }
    let socket = folder.socket();
    let sent = UnixDatagram::unbound().and_then(|to| to.send_to(HELLO.as_bytes(), &socket));
    sent.map_err(|e| Failed::Send(socket.clone(), e))?;

    let mut arrivals = Arrivals::new(&folder);
    let mut fault = Ok(());
    let came = until("the message to arrive", &stop, &mut both, |_| {
        let lines = arrivals.next().unwrap_or_else(|e| {
            fault = Err(e);
            Vec::new()
        });
        let shown = lines.iter().try_for_each(|line| say(line));
        if fault.is_ok() {
            fault = shown;
        }
        fault.is_err() || lines.iter().any(|line| line.contains(TEXT))
    })?;
    fault?;
    if !came || once {
        return Ok(());
    }
    say("To send more, write in another terminal (Ctrl-C here ends it all; the folder stays):")?;
    say(&format!("    logger --socket '{}' --tag me 'any text'", socket.display()))?;
    while !stop.load(Ordering::Relaxed) {
        both.iter_mut().try_for_each(|daemon| daemon.check())?;
        arrivals.next()?.iter().try_for_each(|line| say(line))?;
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Waits until `seen`. False if a signal came first; an error if a daemon ended, or time is up.
fn until(
    what: &'static str,
    stop: &AtomicBool,
    daemons: &mut [&mut Daemon],
    mut seen: impl FnMut(&[&mut Daemon]) -> bool,
) -> Result<bool, Failed> {
    let end = Instant::now() + PATIENCE;
    while !stop.load(Ordering::Relaxed) {
        daemons.iter_mut().try_for_each(|daemon| daemon.check())?;
        if seen(daemons) {
            return Ok(true);
        }
        if Instant::now() > end {
            let said = daemons.iter().map(|daemon| daemon.said()).collect();
            return Err(Failed::Late { what, said });
        }
        thread::sleep(PAUSE);
    }
    Ok(false)
}

fn say(text: &str) -> Result<(), Failed> {
    writeln!(io::stdout(), "{text}").map_err(Failed::Output)
}

/// The one address that both daemons use: nothing leaves the machine.
const LOOPBACK: &str = "127.0.0.1";
/// How long a step may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks for what has arrived.
const PAUSE: Duration = Duration::from_millis(20);
/// The text that is waited for.
const TEXT: &str = "hello over TLS";
/// The message, as a local program writes it.
const HELLO: &str = "<13>quickstart: hello over TLS";
