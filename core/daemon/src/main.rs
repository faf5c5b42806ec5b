//! sysloomd: the life of the process, from its command line to its last message.

mod arguments;
mod check;
mod debugging;
mod explain;
mod life;
mod new;
mod privileges;
mod process;
mod quickstart;
mod report;
mod settings;
mod signals;
mod systemd;

use arguments::{Arguments, Task, UsageError};
use process::{Background, PidFile};
use report::Report;
use settings::{SETTINGS_FILE, Settings};
use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use sysloom_engine::selflog::Selflog;

fn main() -> ExitCode {
    let name = own_name();
    // rsyslog: there a word is a usage error.
    if name != "rsyslogd" && std::env::args_os().nth(1).is_some_and(|word| word == "new") {
        let words: Vec<String> = std::env::args_os().skip(2).map(|w| w.to_string_lossy().into()).collect();
        return new::new(&words);
    }
    let arguments = match Arguments::parse(&name, std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(UsageError::Asked) => {
            eprint!("{}", arguments::help(&name));
            return ExitCode::FAILURE;
        }
        Err(why) => {
            eprintln!("{name}: {why}\n\n{}", arguments::help(&name));
            return ExitCode::FAILURE;
        }
    };
    arguments.remarks.iter().for_each(|remark| eprintln!("{name}: {remark}"));
    match &arguments.task {
        Task::Help => print!("{}", arguments::help(&name)),
        Task::Version => print!("{}", report::version_block(&name)),
        Task::Quickstart { once } => return quickstart::quickstart(&name, *once),
        Task::Run | Task::Check { .. } | Task::Explain(_) | Task::ExplainConfig => {
            return begin(&name, &arguments);
        }
    }
    ExitCode::SUCCESS
}

/// What is done before the configuration is read, while the process has one thread.
fn begin(name: &str, arguments: &Arguments) -> ExitCode {
    let refused = |why: &dyn Display| {
        eprintln!("{name}: {why}");
        ExitCode::FAILURE
    };
    if let Some(root) = &arguments.root
        && let Err(why) = privileges::change_root(root)
    {
        return refused(&why);
    }
    process::prepare();
    // Before a file is opened that could have one of their numbers.
    let passed = process::passed();
    let executable = std::env::current_exe().ok();
    let settings = Settings::new(name, arguments, Path::new(SETTINGS_FILE), executable.as_deref());
    let settings = match settings {
        Ok(settings) => settings,
        Err(why) => return refused(&why),
    };
    let stream = match debugging::Debugging::new(name, arguments) {
        Ok(stream) => stream,
        Err(why) => return refused(&why),
    };
    match &arguments.task {
        Task::Explain(word) => return explain::explain(word, &settings),
        Task::Check { .. } | Task::ExplainConfig => return check::check(name, &settings, arguments),
        _ => {}
    }
    if let Some(why) = settings.pid_file.as_deref().and_then(|f| PidFile::check(f).err()) {
        return refused(&why);
    }
    let background = match settings.foreground || arguments.debug {
        true => None,
        false => match Background::enter(settings.start_timeout) {
            Ok(child) => Some(child),
            Err(why) => return refused(&why),
        },
    };
    let log = Selflog::new(name, report::VERSION);
    let report = Report::new(Arc::clone(&log), &settings, arguments);
    match life::run(&report, &settings, arguments, background, stream, passed) {
        Ok(()) => ExitCode::SUCCESS,
        Err((why, code)) => {
            report.fatal(&why, code);
            ExitCode::from(if code == UNCLEAN { 2 } else { 1 })
        }
    }
}

/// The word that the process was started under.
fn own_name() -> String {
    let word = std::env::args_os().next();
    let name = word.as_deref().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
    // rsyslog: a daemon that is started as rsyslogd speaks as rsyslogd.
    name.filter(|name| *name == arguments::RSYSLOGD).unwrap_or("sysloomd").into()
}

/// What [`Report::usable`] says of a configuration with errors under abortOnUncleanConfig.
pub const UNCLEAN: i32 = -1;
