//! Running lines: the parent starts the same program again for each of them and waits; the child loads the driver, runs
//! one body, and says how it went in its last line.

use crate::line::{Line, lines};
use crate::report::{Outcome, Report, Verdict};
use crate::subject::Subject;
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::num::NonZero;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use sysloom_abi::kind;
use sysloom_engine::plugin::{Facts, LoadError};

/// What to look at, and with what.
#[derive(Clone, Debug)]
pub struct Options {
    /// The driver's file.
    pub file: PathBuf,
    /// Where a layer's transport is looked for besides the file's own directory and this program's.
    pub modules: Vec<PathBuf>,
    /// What a transport is told to listen on, and where to connect to.
    pub listen: String,
    pub connect: String,
    pub port: String,
    /// Connections at once in the lines about many.
    pub connections: usize,
    /// What one line may take.
    pub limit: Duration,
    /// Lines at a time.
    pub jobs: usize,
    /// Lines whose names begin so; none = all.
    pub only: Vec<String>,
}

/// The kit, aimed at one driver.
pub struct Kit {
    options: Options,
    /// How this program is started again for one line.
    again: Vec<OsString>,
}

impl Options {
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            modules: Vec::new(),
            listen: "127.0.0.1".to_owned(),
            connect: "127.0.0.1".to_owned(),
            port: "0".to_owned(),
            connections: 2000,
            limit: Duration::from_secs(60),
            jobs: std::thread::available_parallelism().map_or(1, NonZero::get),
            only: Vec::new(),
        }
    }

    /// The lines that are asked for.
    pub fn lines(&self) -> Vec<&'static Line> {
        let asked =
            |name: &str| self.only.is_empty() || self.only.iter().any(|only| name.starts_with(only.as_str()));
        lines().into_iter().filter(|line| asked(line.name)).collect()
    }

    /// Where drivers are looked for by name.
    pub(crate) fn directories(&self) -> Vec<PathBuf> {
        let own = std::env::current_exe().ok();
        // A test runs from target/PROFILE/deps, a program from target/PROFILE.
        let own = own.iter().flat_map(|exe| exe.ancestors().skip(1).take(2)).map(Path::to_path_buf);
        let beside = self.file.parent().map(Path::to_path_buf);
        self.modules.iter().cloned().chain(beside).chain(own).collect()
    }
}

impl Kit {
    /// For a test: the lines run in the test's own program, started again for this test alone.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let again = [name.as_str(), "--exact", "--nocapture", "--include-ignored", "--test-threads=1"];
        Self { options: Options::new(file), again: again.iter().map(OsString::from).collect() }
    }

    /// For a program that is started again with `arguments` and gets here with the same options.
    pub fn again_as(options: Options, arguments: Vec<OsString>) -> Self {
        Self { options, again: arguments }
    }

    pub fn options(&mut self) -> &mut Options {
        &mut self.options
    }

    /// Runs everything, telling `each` of a line when it is done. Does not return in the process of a line.
    pub fn run(&self, each: impl Fn(&Outcome) + Sync) -> Result<Report, LoadError> {
        if let Some(name) = std::env::var_os(BODY) {
            give_verdict(&self.look(&name.to_string_lossy()));
        }
        let facts = Facts::of(&self.options.file)?;
        if facts.kinds & 1 << kind::DRIVER == 0 {
            return Err(LoadError::Table("it holds no netstream driver".to_owned()));
        }
        let lines = self.options.lines();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..self.options.jobs.clamp(1, lines.len().max(1)) {
                scope.spawn(|| {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(line) = lines.get(index) else { return };
                        let began = Instant::now();
                        let verdict = match line.lacking(facts.flags) {
                            Some(word) => Verdict::Skipped(word),
                            None => self.child(line),
                        };
                        let outcome = Outcome { line, verdict, took: began.elapsed() };
                        each(&outcome);
                        if let Ok(mut done) = done.lock() {
                            done.push((index, outcome));
                        }
                    }
                });
            }
        });
        let mut outcomes = done.into_inner().unwrap_or_default();
        outcomes.sort_by_key(|(index, _)| *index);
        let outcomes = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
        Ok(Report { file: self.options.file.clone(), facts, outcomes })
    }

    /// Panics with the report unless the driver passes.
    pub fn assert(&self) {
        let report = match self.run(|_| {}) {
            Ok(report) => report,
            Err(e) => panic!("{}: {e}", self.options.file.display()),
        };
        assert!(report.passes(), "{report}");
    }

    /// In the child: one body.
    fn look(&self, name: &str) -> Result<(), String> {
        let line = lines().into_iter().find(|line| line.name == name).ok_or("there is no such line")?;
        let look = || Subject::load(&self.options).and_then(|subject| (line.body)(&subject));
        catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(|_| Err("the body panicked".to_owned()))
    }

    /// In the parent: the process of one line.
    fn child(&self, line: &Line) -> Verdict {
        // What a body writes goes away with its process, however that ends.
        let Ok(place) = tempfile::tempdir() else {
            return Verdict::Failed("there is no temporary directory".to_owned());
        };
        match self.start(line, place.path()) {
            Ok((mut child, mut said, mut errors)) => {
                let ended = self.wait(&mut child);
                let (said, errors) = (text(&mut said), text(&mut errors));
                judge(ended, self.options.limit, &said, &errors)
            }
            Err(e) => Verdict::Failed(format!("its process does not start: {e}")),
        }
    }

    fn start(&self, line: &Line, place: &Path) -> std::io::Result<(Child, File, File)> {
        let (said, errors) = (tempfile::tempfile()?, tempfile::tempfile()?);
        let child = Command::new(std::env::current_exe()?)
            .args(&self.again)
            .env(BODY, line.name)
            .env("TMPDIR", place)
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(errors.try_clone()?)
            .spawn()?;
        Ok((child, said, errors))
    }

    /// `None` = its time was over.
    fn wait(&self, child: &mut Child) -> Option<ExitStatus> {
        let end = Instant::now() + self.options.limit;
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                return Some(status);
            }
            if Instant::now() > end {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

/// Whether this process was started for one line. What stands before [`Kit::assert`] in a test runs in these, too.
pub fn is_for_one_line() -> bool {
    std::env::var_os(BODY).is_some()
}

/// Ends a line's process with its verdict.
pub(crate) fn give_verdict(result: &Result<(), String>) -> ! {
    let words = match result {
        Ok(()) => format!("\n{MARK}{PASSED}\n"),
        Err(why) => format!("\n{MARK}{}\n", why.replace(char::is_control, " ")),
    };
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(words.as_bytes()).and_then(|()| out.flush());
    std::process::exit(i32::from(result.is_err()))
}

fn judge(ended: Option<ExitStatus>, limit: Duration, said: &str, errors: &str) -> Verdict {
    let verdict = said.lines().rev().find_map(|line| line.strip_prefix(MARK));
    let last = errors.lines().rev().find(|line| !line.trim().is_empty()).map(str::trim);
    let last = last.map(|line| format!(" (last words: {line})")).unwrap_or_default();
    let why = match (ended, verdict) {
        (Some(status), Some(PASSED)) if status.success() => return Verdict::Passed,
        (_, Some(words)) if words != PASSED => words.to_owned(),
        (None, _) => format!("it hangs: nothing after {} s{last}", limit.as_secs()),
        (Some(status), _) => match status.signal() {
            Some(signal) => format!("it crashes: signal {signal}{last}"),
            None => format!("it ends the process with {}{last}", status.code().unwrap_or(0)),
        },
    };
    Verdict::Failed(why)
}

fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    let _ = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Names the line in the child's environment.
const BODY: &str = "SYSLOOM_CONFORM_LINE";
/// Stands before the verdict, since the driver may print, too.
const MARK: &str = "sysloom-conform: ";
const PASSED: &str = "it is so";
