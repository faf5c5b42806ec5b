//! A daemon started the way rsyslog's shell test bench starts rsyslogd, and a client of its imdiag.

use crate::{Dir, PATIENCE, built, daemon_command, wait_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A daemon under the name `rsyslogd`, in the directory of the test, with imdiag loaded first.
pub struct Diag {
    child: Child,
    stderr: PathBuf,
    client: Option<TcpStream>,
    /// Where imdiag's port and the termination file are.
    pub port_file: PathBuf,
    pub termination: PathBuf,
}

impl Diag {
    /// Starts it on what the test bench puts before each configuration, and `config`.
    pub fn start(dir: &Dir, config: &str) -> Self {
        Self::start_with(dir, "", config, |_| {})
    }

    /// As [`Diag::start`], with further parameters of imdiag; `adjust` may change the command.
    pub fn start_with(dir: &Dir, parameters: &str, config: &str, adjust: impl FnOnce(&mut Command)) -> Self {
        let name = dir.file("rsyslogd");
        if !name.exists() {
            std::os::unix::fs::symlink(&built().daemon, &name).expect("the directory is ours");
        }
        let (port_file, termination) = (dir.file("X.imdiag.port"), dir.file("X.proper-termination"));
        // What an earlier daemon of the same test left behind is not this one's.
        let _ = std::fs::remove_file(&port_file);
        let _ = std::fs::remove_file(&termination);
        let head = format!(
            "module(load=\"imdiag\"\n listenportfilename=\"X.imdiag.port\"\n serverrun=\"0\"\n aborttimeout=\"580\"\n \
             properterminationfile=\"{}\"\n mainmsgqueuetimeoutshutdown=\"10000\"\n {parameters})\n\
             global(debug.abortOnProgramError=\"on\")\n\
             if $syslogtag contains \"rsyslogd\" then action(type=\"omfile\" file=\"./X.started\")\n",
            termination.display()
        );
        dir.write("X_.conf", head + &config.replace("{dir}", &dir.path().display().to_string()));
        let stderr = dir.file("X.stderr");
        let model = daemon_command();
        let mut command = Command::new(&name);
        for (name, value) in model.get_envs() {
            if value.is_none() {
                command.env_remove(name);
            }
        }
        command
            .current_dir(dir.path())
            .arg("-C")
            .arg("-n")
            .arg("-iX:.pid")
            .arg(format!("-M{}", built().modules.display()))
            .arg("-fX_.conf")
            .env("RSYSLOG_DFLT_LOG_INTERNAL", "1")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stderr(File::create(&stderr).expect("the directory is ours"));
        adjust(&mut command);
        let child = command.spawn().expect("the daemon can be started");
        let mut this = Self { child, stderr, client: None, port_file, termination };
        wait_for("imdiag's port", || {
            if let Ok(Some(status)) = this.child.try_wait() {
                panic!("the daemon ended at start, {status}:\n{}", this.stderr());
            }
            std::fs::read_to_string(&this.port_file).ok().filter(|text| !text.is_empty())
        });
        this
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid() as i32), signal).expect("the daemon is there");
    }

    pub fn stderr(&self) -> String {
        std::fs::read_to_string(&self.stderr).unwrap_or_default()
    }

    /// Imdiag's port, from its file.
    pub fn port(&self) -> u16 {
        let text = std::fs::read_to_string(&self.port_file).expect("it was there at start");
        text.parse().expect("decimal digits and nothing else")
    }

    /// A connection of its own.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port())).expect("imdiag listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out can be set");
        stream
    }

    /// Gives one command and waits for its reply, which comes in one piece.
    pub fn say(&mut self, command: &str) -> String {
        let mut stream = self.client.take().unwrap_or_else(|| self.connect());
        let reply = ask(&mut stream, command);
        self.client = Some(stream);
        reply
    }

    /// As the test bench stops it: after the queue is empty.
    pub fn stop(mut self) -> ExitStatus {
        assert_eq!(self.say("WaitMainQueueEmpty"), "mainqueue empty");
        self.stop_now()
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop_now(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    pub fn wait(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(Instant::now() < end, "the daemon does not end:\n{}", self.stderr());
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Diag {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One command over a connection, and its reply without the line feed.
pub fn ask(stream: &mut TcpStream, command: &str) -> String {
    stream.write_all(format!("{command}\n").as_bytes()).expect("imdiag reads");
    let mut buffer = [0; 2048];
    // A signal of another test's child may come in between.
    let n = loop {
        match stream.read(&mut buffer) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            read => break read.expect("imdiag replies"),
        }
    };
    let reply = std::str::from_utf8(&buffer[..n]).expect("a text");
    reply.strip_suffix('\n').unwrap_or_else(|| panic!("no whole reply to {command}: {reply:?}")).to_owned()
}
