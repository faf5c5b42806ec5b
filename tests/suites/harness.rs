//! rsyslog's shell test bench, as far as it concerns the daemon: its tree of files, its command line, its way to wait
//! for the start, to give commands, to stop, and what it looks at afterwards.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use sysloom_tests::{Dir, PATIENCE, built, daemon_command, wait_for};

/// A build tree of rsyslog's shape, with our files under its names.
struct Bench {
    dir: Dir,
    /// The test's prefix.
    name: &'static str,
}

/// A daemon that the bench has started. It does not outlive a failing test.
struct Running {
    child: Child,
    stopped: bool,
}

const MODULES: [&str; 8] =
    ["imdiag", "imtcp", "imudp", "imuxsock", "impstats", "immark", "omtesting", "omstdout"];

impl Bench {
    fn new() -> Self {
        let (dir, built) = (Dir::new(), &built().modules);
        for directory in ["tools", "tests", ".libs", "runtime/.libs"] {
            std::fs::create_dir_all(dir.file(directory)).unwrap();
        }
        symlink(&sysloom_tests::built().daemon, dir.file("tools/rsyslogd")).unwrap();
        for module in MODULES {
            let libraries = dir.file(&format!("plugins/{module}/.libs"));
            std::fs::create_dir_all(&libraries).unwrap();
            symlink(built.join(format!("lib{module}.so")), libraries.join(format!("{module}.so"))).unwrap();
        }
        for (driver, file) in [("ptcp", "libnsd_ptcp.so"), ("gtls", "libnsd_rustls.so")] {
            symlink(built.join(file), dir.file(&format!("runtime/.libs/lmnsd_{driver}.so"))).unwrap();
        }
        Self { dir, name: "rstb_1700000000000000_0a1b2c3dXyZ9" }
    }

    /// A file in the directory of the tests; `X` stands for the test's prefix.
    fn file(&self, name: &str) -> PathBuf {
        self.dir.file("tests").join(name.replace('X', self.name))
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text.replace("{X}", self.name)).unwrap();
    }

    /// What stands before each test's configuration; `instance` is empty or "2".
    fn head(&self, instance: &str) -> String {
        let ending = if instance.is_empty() { "" } else { ".2" };
        format!(
            "module(load=\"../plugins/imdiag/.libs/imdiag\"\n\tlistenportfilename=\"{{X}}.imdiag{instance}.port\"\n\
             \tserverrun=\"0\"\n\tinjectdelaymode=\"full\"\n\taborttimeout=\"580\"\n\
             \tproperterminationfile=\"{}/{{X}}.proper-termination{ending}\"\n\
             \tmainmsgqueuetimeoutshutdown=\"10000\"\n\tmainmsgqueuetimeoutenqueue=\"30000\"\n\
             \tinputshutdowntimeout=\"60000\"\n\tdefaultactionqueuetimeoutshutdown=\"20000\"\n\
             \tdefaultactionqueuetimeoutenqueue=\"30000\")\n# a remark\n\
             global(debug.abortOnProgramError=\"on\")\n\
             if $syslogtag contains \"rsyslogd\" then action(type=\"omfile\" file=\"./{{X}}{instance}.started\")\n",
            self.dir.file("tests").display()
        )
    }

    /// Starts an instance and waits for its sign, as the scripts do.
    fn start(&self, instance: &str, preload: &str) -> Running {
        let (conf, pid, port) = match instance {
            "" => ("X_.conf".into(), "X:.pid".into(), "X.imdiag.port".into()),
            n => (format!("X_{n}.conf"), format!("X:{n}.pid"), format!("X.imdiag{n}.port")),
        };
        let mut command = Command::new("../tools/rsyslogd");
        for (name, value) in daemon_command().get_envs() {
            if value.is_none() {
                command.env_remove(name);
            }
        }
        let child = command
            .current_dir(self.dir.file("tests"))
            .args(["-C", "-n"])
            .arg(format!("-i{pid}").replace('X', self.name))
            .arg("-M../runtime/.libs:../.libs")
            .arg(format!("-f{conf}").replace('X', self.name))
            .env("LD_PRELOAD", preload)
            .env("RSYSLOG_DFLT_LOG_INTERNAL", "1")
            .env("RSYSLOG_DEBUG_TIMEOUTS_TO_STDERR", "on")
            .env("TZ", "UTC")
            .env("srcdir", ".")
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(self.file("X.stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut running = Running { child, stopped: false };
        wait_for("imdiag's port", || {
            if let Some(status) = running.child.try_wait().unwrap() {
                panic!("ended at start: {status}\n{}", self.text("X.stderr"));
            }
            (!self.text(&port).is_empty()).then_some(())
        });
        // The pid file may come a little later; once it is there it is right.
        let pid = wait_for("the pid file", || Some(self.text(&pid)).filter(|text| !text.is_empty()));
        assert_eq!(pid, running.child.id().to_string(), "decimal, and no line feed");
        running
    }

    /// diagtalker: each command on its own, one reply read in one call, the end of the input closes.
    fn talk(&self, instance: &str, commands: &[&str]) -> Vec<String> {
        let port = self.text(&format!("X.imdiag{instance}.port")).parse().unwrap();
        let mut stream = TcpStream::connect(("localhost", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut replies = Vec::new();
        for command in commands {
            stream.write_all(format!("{command}\n").as_bytes()).unwrap();
            let mut buffer = [0; 1024];
            let n = stream.read(&mut buffer).unwrap();
            assert!(n > 0 && buffer[n - 1] == b'\n', "{command}: one whole reply");
            let reply = String::from_utf8(buffer[..n - 1].to_vec()).unwrap();
            assert!(!reply.contains("imdiag::error"), "{command}: {reply}");
            replies.push(reply);
        }
        replies
    }

    /// shutdown_when_empty, wait_shutdown, and the look at the termination file.
    fn shut_down_when_empty(&self, instance: &str, mut running: Running) {
        assert_eq!(self.talk(instance, &["WaitMainQueueEmpty"]), ["mainqueue empty"]);
        let pid_file = if instance.is_empty() { "X:.pid".into() } else { format!("X:{instance}.pid") };
        let pid = self.text(&pid_file);
        kill(Pid::from_raw(pid.parse().unwrap()), Signal::SIGTERM).unwrap();
        let status = running.wait();
        assert_eq!(status.code(), Some(0), "{}", self.text("X.stderr"));
        let ending = if instance.is_empty() { "" } else { ".2" };
        let told = self.text(&format!("X.proper-termination{ending}"));
        let lines: Vec<&str> = told.lines().collect();
        let want = [
            "status=ok",
            "reason=normal",
            &format!("pid={pid}"),
            "signal=15",
            lines.iter().find(|line| line.starts_with("version=")).unwrap(),
            "phase=main-return",
            "queue.overall.size=0",
        ];
        assert_eq!(lines, want, "{told}");
        assert!(!self.file(&pid_file).exists());
    }
}

impl Running {
    fn wait(&mut self) -> ExitStatus {
        let status = wait_for("its end", || self.child.try_wait().unwrap());
        self.stopped = true;
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.stopped {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The template and action of most tests, and their check of the sequence.
const OUT: &str = "template(name=\"outfmt\" type=\"string\" string=\"%msg:F,58:2%\\n\")\n\
    :msg, contains, \"msgnum:\" action(type=\"omfile\" template=\"outfmt\" file=\"{X}.out.log\")\n";

fn sequence(text: &str, to: usize) {
    let numbers: Vec<usize> = text.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(numbers, (0..to).collect::<Vec<_>>());
}

fn interposer(dir: &Path) -> String {
    let (source, library) = (dir.join("hostname.c"), dir.join("hostname.so"));
    let text = "#include <string.h>\n#include <stddef.h>\nint gethostname(char *name, size_t len)\n\
                { strncpy(name, \"harness.example.test\", len); return 0; }\n";
    std::fs::write(&source, text).unwrap();
    let cc = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status().unwrap();
    assert!(cc.success());
    library.display().to_string()
}

#[test]
fn a_typical_test_from_its_start_to_its_end() {
    for preloaded in [false, true] {
        let bench = Bench::new();
        bench.write("X_.conf", &(bench.head("") + OUT));
        let preload = if preloaded { interposer(bench.dir.path()) } else { String::new() };
        let running = bench.start("", &preload);
        assert_eq!(bench.talk("", &["injectmsg 0 5000"]), ["5000 messages injected"]);
        bench.shut_down_when_empty("", running);
        sequence(&bench.text("X.out.log"), 5000);
        let started = bench.text("X.started");
        let lines: Vec<&str> = started.lines().collect();
        assert!(lines[0].contains(" rsyslogd: [origin software=\"rsyslogd\" swVersion="), "{started}");
        assert!(lines[0].ends_with("] start") && lines[1].ends_with("] exiting on signal 15."), "{started}");
        assert_eq!(lines[0].contains(" harness rsyslogd:"), preloaded, "{started}");
        assert_eq!(lines.len(), 2, "{started}");
        // Errors would be there; a clean run is silent.
        assert_eq!(bench.text("X.stderr"), "");
    }
}

/// One instance sends to the other; both are commanded and stopped on their own.
#[test]
fn two_instances_and_a_forwarded_sequence_over_tcp_and_tls_drivers() {
    let bench = Bench::new();
    let receiver = "global(net.ipprotocol=\"ipv4-only\")\nmodule(load=\"../plugins/imtcp/.libs/imtcp\")\n\
        input(type=\"imtcp\" port=\"0\" listenPortFileName=\"{X}.tcpflood_port\")\n";
    bench.write("X_.conf", &(bench.head("") + receiver + OUT));
    let first = bench.start("", "");
    let port = wait_for("the listener's port", || {
        Some(bench.text("X.tcpflood_port")).filter(|text| !text.is_empty())
    });
    let sender =
        format!("*.*\taction(type=\"omfwd\" target=\"127.0.0.1\" protocol=\"tcp\" port=\"{port}\")\n");
    bench.write("X_2.conf", &(bench.head("2") + &sender));
    let second = bench.start("2", "");
    bench.talk("2", &["injectmsg 0 1000"]);
    bench.shut_down_when_empty("2", second);
    wait_for("the sequence", || (bench.text("X.out.log").lines().count() == 1000).then_some(()));
    bench.shut_down_when_empty("", first);
    sequence(&bench.text("X.out.log"), 1000);
    assert!(bench.text("X2.started").contains("] start\n"));
}

#[test]
fn the_yaml_form_starts_it_too() {
    let bench = Bench::new();
    let directory = bench.dir.file("tests");
    let yaml = format!(
        "version: 2\nglobal:\n  debug.abortOnProgramError: \"on\"\ntestbench_modules:\n\
         \x20 - load: \"../plugins/imdiag/.libs/imdiag\"\n    listenportfilename: \"{{X}}.imdiag.port\"\n\
         \x20   serverrun: \"0\"\n    aborttimeout: \"580\"\n\
         \x20   properterminationfile: \"{}/{{X}}.proper-termination\"\n\
         \x20   mainmsgqueuetimeoutshutdown: \"10000\"\nmodules:\n\
         \x20 - load: \"../plugins/imtcp/.libs/imtcp\"\n\
         inputs:\n  - type: imtcp\n    port: \"0\"\n    listenPortFileName: \"{{X}}.tcpflood_port\"\n    ruleset: main\n\
         templates:\n  - name: outfmt\n    type: string\n    string: \"%msg:F,58:2%\\n\"\n\
         rulesets:\n  - name: main\n    script: |\n      :msg, contains, \"msgnum:\" action(type=\"omfile\" \
         template=\"outfmt\" file=\"{{X}}.out.log\")\n",
        directory.display()
    );
    bench.write("X_.yaml", &yaml);
    // The scripts give the .yaml file in place of the other one.
    symlink(bench.file("X_.yaml"), bench.file("X_.conf")).unwrap();
    std::fs::remove_file(bench.file("X_.conf")).unwrap();
    let mut command = Command::new("../tools/rsyslogd");
    let child = command
        .current_dir(&directory)
        .args(["-C", "-n", "-M../runtime/.libs:../.libs"])
        .arg(format!("-i{}:.pid", bench.name))
        .arg(format!("-f{}_.yaml", bench.name))
        .env("RSYSLOG_DFLT_LOG_INTERNAL", "1")
        .env("TZ", "UTC")
        .stderr(std::fs::File::create(bench.file("X.stderr")).unwrap())
        .spawn()
        .unwrap();
    let mut running = Running { child, stopped: false };
    let port: u16 = wait_for("the listener's port", || {
        assert!(running.child.try_wait().unwrap().is_none(), "{}", bench.text("X.stderr"));
        bench.text("X.tcpflood_port").trim().parse().ok()
    });
    wait_for("imdiag's port", || (!bench.text("X.imdiag.port").is_empty()).then_some(()));
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for n in 0..100 {
        writeln!(stream, "<167>Mar  1 01:00:00 172.20.245.8 tag msgnum:{n:08}:").unwrap();
    }
    drop(stream);
    wait_for("the sequence", || (bench.text("X.out.log").lines().count() == 100).then_some(()));
    bench.shut_down_when_empty("", running);
    sequence(&bench.text("X.out.log"), 100);
}

/// Immediate shutdown: the queue's time suffices to deliver everything.
#[test]
fn an_immediate_shutdown_delivers_what_was_injected() {
    let bench = Bench::new();
    bench.write("X_.conf", &(bench.head("") + OUT));
    let mut running = bench.start("", "");
    bench.talk("", &["injectmsg 0 40000"]);
    kill(Pid::from_raw(bench.text("X:.pid").parse().unwrap()), Signal::SIGTERM).unwrap();
    assert!(running.wait().success());
    sequence(&bench.text("X.out.log"), 40_000);
    assert!(bench.text("X.proper-termination").lines().any(|line| line == "status=ok"));
}

/// kill -9 leaves a pid file and no termination file; the next start is not held up by either.
#[test]
fn what_is_killed_leaves_no_termination_file() {
    let bench = Bench::new();
    bench.write("X_.conf", &(bench.head("") + OUT));
    let mut running = bench.start("", "");
    kill(Pid::from_raw(running.child.id() as i32), Signal::SIGKILL).unwrap();
    assert_eq!(running.wait().signal(), Some(Signal::SIGKILL as i32));
    assert!(!bench.file("X.proper-termination").exists() && bench.file("X:.pid").exists());
    std::fs::remove_file(bench.file("X.imdiag.port")).unwrap();
    let running = bench.start("", "");
    bench.talk("", &["injectmsg 0 10"]);
    bench.shut_down_when_empty("", running);
}

/// The file that a rotation moved away gets nothing more once the HUP is over.
#[test]
fn a_rotation_is_over_when_the_bench_hears_so() {
    let bench = Bench::new();
    bench.write("X_.conf", &(bench.head("") + OUT));
    let running = bench.start("", "");
    bench.talk("", &["injectmsg 0 1000", "WaitMainQueueEmpty"]);
    std::fs::rename(bench.file("X.out.log"), bench.file("X.out.log.prev")).unwrap();
    kill(Pid::from_raw(running.child.id() as i32), Signal::SIGHUP).unwrap();
    let replies = bench.talk("", &["AwaitHUPComplete", "injectmsg 1000 1000"]);
    assert!(replies[0].contains("HUP"), "{replies:?}");
    bench.shut_down_when_empty("", running);
    sequence(&(bench.text("X.out.log.prev") + &bench.text("X.out.log")), 2000);
    assert_eq!(bench.text("X.out.log").lines().count(), 1000);
}
