//! Reading a configuration, for a run or only to look: `-N`, `-o`, `-F` and `--explain-config`.
//!
//! A check loads modules in a child process, so that a library that crashes while it is loaded is reported, not
//! suffered.

use crate::arguments::{Arguments, Language, Task};
use crate::process::{self, Ended};
use crate::report::{Report, VERSION};
use crate::settings::Settings;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use sysloom_config::catalogue::ModuleSpec;
use sysloom_config::print::{Syntax, print};
use sysloom_config::{Environment, Loaded, Span};
use sysloom_engine::assemble::{self, World};
use sysloom_engine::core::Core;
use sysloom_engine::engine::Engine;
use sysloom_engine::plugin::{Host, Loader};
use sysloom_engine::selflog::Selflog;

/// A configuration that was read, and the engine that came of it.
pub struct Read {
    pub core: Arc<Core>,
    pub loader: Arc<Loader>,
    pub loaded: Loaded,
    pub engine: Engine,
}

/// `-N`: says everything that is wrong, and the exit code that follows from it.
pub fn check(name: &str, settings: &Settings, arguments: &Arguments) -> ExitCode {
    let child = |mut note: File| {
        let log = Selflog::new(name, VERSION);
        let report = Report::new(log, settings, arguments);
        report.begin_check(&settings.config_file);
        match read(&report, settings, arguments, Some(&mut note)) {
            Ok(read) => {
                let found = read.core.check_streams(|driver| {
                    let _ = writeln!(note, "{driver}");
                });
                report.diagnostics(found.iter(), &read.loaded.sources);
                report.end_of_check()
            }
            Err((why, code)) => {
                report.fatal(&why, code);
                if code == crate::UNCLEAN { 2 } else { 1 }
            }
        }
    };
    match process::in_child(child) {
        Ok(Ended::Exited(code)) => ExitCode::from(code),
        Ok(Ended::Killed { signal, note }) => {
            let what = match note.lines().last() {
                Some(module) => format!("module '{module}' ended the check while it was loaded"),
                None => "the check was ended".into(),
            };
            eprintln!("{name}: {what}: {signal}");
            ExitCode::FAILURE
        }
        Err(why) => {
            eprintln!("{name}: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the configuration, says what is wrong with it, and builds the engine. `note` gets the name of the module that
/// is being loaded, one a line.
pub fn read(
    report: &Report,
    settings: &Settings,
    arguments: &Arguments,
    note: Option<&mut File>,
) -> Result<Read, (String, i32)> {
    let core = Core::new(Arc::clone(report.log()));
    let host = Host::new(Arc::clone(&core) as _);
    let loader = Arc::new(Loader::new(host, settings.search()));
    core.lend(&loader);
    let mut world = Noted { world: World::new(Arc::clone(&loader)), note };
    let loaded = sysloom_config::load(&settings.config_file, &mut world);
    report.log().configure(&loaded.plan.globals);
    report.log_status(loaded.plan.globals.bool("$LogRSyslogStatusMessages").unwrap_or(true));
    if arguments.task == Task::Run
        && let Some(file) = loaded.plan.globals.str("operatingStateFile")
    {
        report.log().open_state(file);
    }
    if let Some(file) = &arguments.expanded {
        expand(&loaded, &settings.config_file, file, arguments.language).map_err(|why| (why, 0))?;
    }
    if arguments.task == Task::ExplainConfig {
        let text = sysloom_config::origins::origins(&loaded);
        io::stdout().write_all(text.as_bytes()).map_err(|e| (format!("cannot write to stdout: {e}"), 0))?;
    }
    let unknown = world.world.unknown().first().cloned();
    let (engine, found) = assemble::assemble(&loaded.plan, &core, &world.world.into_modules());
    report.diagnostics(loaded.diagnostics.iter().chain(&found), &loaded.sources);
    report.usable(&loaded, unknown.as_deref(), engine.delivers())?;
    Ok(Read { core, loader, loaded, engine })
}

/// Writes the configuration with everything that it includes, or translated.
fn expand(loaded: &Loaded, from: &Path, to: &Path, language: Option<Language>) -> Result<(), String> {
    let text = match language {
        None => {
            let now = sysloom_engine::now_words();
            let head = format!("## full conf created by rsyslog version {VERSION} at {now} ##");
            format!("{head}\n{}", loaded.sources.expanded())
        }
        Some(Language::Yaml) => print(loaded, Syntax::Yaml),
        Some(Language::RainerScript) => print(loaded, Syntax::RainerScript),
    };
    let failed = |e: io::Error| format!("cannot write the full configuration to '{}': {e}", to.display());
    if to == Path::new("-") {
        return io::stdout().write_all(text.as_bytes()).map_err(failed);
    }
    if is_same(from, to) {
        return Err(format!("the full configuration cannot be written over '{}'", from.display()));
    }
    fs::write(to, text).map_err(failed)
}

/// Whether both names lead to one file, through whatever links.
fn is_same(a: &Path, b: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|facts| (facts.dev(), facts.ino())).ok();
    id(a).is_some_and(|id_of_a| id(b) == Some(id_of_a))
}

/// The world, with a note of what is being loaded.
struct Noted<'a> {
    world: World,
    note: Option<&'a mut File>,
}

impl Noted<'_> {
    fn write(&mut self, name: &str) {
        if let Some(note) = &mut self.note {
            // Without it only the name is missing, should the library crash.
            let _ = writeln!(note, "{name}");
        }
    }
}

impl Environment for Noted<'_> {
    fn user(&mut self, name: &str) -> Option<u32> {
        self.world.user(name)
    }

    fn group(&mut self, name: &str) -> Option<u32> {
        self.world.group(name)
    }

    fn list(&mut self, directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        self.world.list(directory)
    }

    fn load_module(&mut self, name: &str, at: Span) -> Result<Arc<ModuleSpec>, String> {
        self.write(name);
        self.world.load_module(name, at)
    }

    fn load_builtin(&mut self, name: &str) -> Result<Arc<ModuleSpec>, String> {
        self.write(name);
        self.world.load_builtin(name)
    }

    fn known_modules(&mut self) -> Vec<String> {
        self.world.known_modules()
    }

    fn module_directory(&mut self, directory: &str) {
        self.world.module_directory(directory);
    }
}
