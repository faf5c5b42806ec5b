//! sysloomd: the life of the process, from its command line to its last message.

mod arguments;
mod explain;
mod process;
mod report;
mod settings;

use arguments::{Arguments, Task};
use process::{Background, PidFile};
use report::Report;
use settings::{SETTINGS_FILE, Settings};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use sysloom_engine::assemble::{self, World};
use sysloom_engine::core::Core;
use sysloom_engine::plugin::{Host, Loader, Search};
use sysloom_engine::selflog::Selflog;

fn main() -> ExitCode {
    let name = own_name();
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(why) => {
            eprintln!("{name}: {why}\n\n{}", arguments::help(&name));
            return ExitCode::FAILURE;
        }
    };
    arguments.remarks.iter().for_each(|remark| eprintln!("{name}: {remark}"));
    match &arguments.task {
        Task::Help => print!("{}", arguments::help(&name)),
        Task::Version => print!("{}", report::version_block(&name)),
        Task::Run | Task::Check { .. } | Task::Explain(_) => return run(&name, &arguments),
    }
    ExitCode::SUCCESS
}

/// Checks the configuration, and unless that was all, runs it until a signal ends it.
fn run(name: &str, arguments: &Arguments) -> ExitCode {
    let executable = std::env::current_exe().ok();
    let settings = Settings::new(name, arguments, Path::new(SETTINGS_FILE), executable.as_deref());
    let settings = match settings {
        Ok(settings) => settings,
        Err(why) => {
            eprintln!("{name}: {why}");
            return ExitCode::FAILURE;
        }
    };
    if let Task::Explain(word) = &arguments.task {
        return explain::explain(word, &settings);
    }
    let checking = matches!(arguments.task, Task::Check { .. });
    if !checking && let Some(why) = settings.pid_file.as_deref().and_then(|f| PidFile::check(f).err()) {
        eprintln!("{name}: {why}");
        return ExitCode::FAILURE;
    }
    let background = match settings.foreground || checking {
        true => None,
        false => match Background::enter() {
            Ok(child) => Some(child),
            Err(why) => {
                eprintln!("{name}: {why}");
                return ExitCode::FAILURE;
            }
        },
    };
    let log = Selflog::new(name, report::VERSION);
    let report = Report::new(Arc::clone(&log), &settings, arguments);
    if let Err((why, code)) = live(&report, &settings, arguments, background) {
        report.fatal(&why, code);
        return ExitCode::from(if code == UNCLEAN { 2 } else { 1 });
    }
    if checking { report.end_of_check() } else { ExitCode::SUCCESS }
}

/// Loads, activates, runs and stops. The error is what ends the process, with rsyslog's code.
fn live(
    report: &Report,
    settings: &Settings,
    arguments: &Arguments,
    background: Option<Background>,
) -> Result<(), (String, i32)> {
    report.begin_check(&settings.config_file);
    let core = Core::new(Arc::clone(report.log()));
    let host = Host::new(Arc::clone(&core) as _);
    let loader = Arc::new(Loader::new(host, Search { directories: settings.module_path.clone() }));
    core.lend(&loader);
    let mut world = World::new(Arc::clone(&loader));
    let loaded = sysloom_config::load(&settings.config_file, &mut world);
    let (mut engine, found) = assemble::assemble(&loaded.plan, &core, &world.into_modules());
    report.diagnostics(loaded.diagnostics.iter().chain(&found), &loaded.sources);
    report.usable(&loaded)?;
    if matches!(arguments.task, Task::Check { .. }) {
        return Ok(());
    }
    if !arguments.keep_directory {
        let _ = std::env::set_current_dir("/");
    }
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1])
        .map_err(|e| (format!("cannot listen to signals: {e}"), 0))?;
    engine.activate().iter().for_each(|fault| report.fault(fault));
    engine.start(report.delivers_own_messages(&loaded.plan)).map_err(|fault| (fault.text, fault.code))?;
    let pid_file = settings.pid_file.as_deref().map(PidFile::write).transpose();
    let pid_file = pid_file.map_err(|why| (why.to_string(), 0))?;
    report.started();
    if let Some(background) = background {
        report.settled();
        background.ready();
    }
    let signal = loop {
        match signals.forever().next() {
            Some(SIGHUP) => {
                report.hup();
                engine.hup();
            }
            // rsyslog: only a debugging daemon can be stopped from the keyboard.
            Some(SIGINT | SIGQUIT | SIGUSR1) if !arguments.debug => {}
            Some(SIGUSR1) => {}
            Some(signal) => break signal,
            None => break SIGTERM,
        }
    };
    engine.stop(|| report.exiting(signal));
    loader.shutdown();
    drop(pid_file);
    Ok(())
}

/// The word that the process was started under.
fn own_name() -> String {
    let word = std::env::args_os().next();
    let name = word.as_deref().map(Path::new).and_then(Path::file_name).and_then(|name| name.to_str());
    // rsyslog: a daemon that is started as rsyslogd speaks as rsyslogd.
    name.filter(|name| *name == "rsyslogd").unwrap_or("sysloomd").into()
}

/// What [`Report::usable`] says of a configuration with errors under abortOnUncleanConfig.
pub const UNCLEAN: i32 = -1;
