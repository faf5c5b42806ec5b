//! A daemon's life: load, bind, drop privileges, start, work, stop.

use crate::arguments::Arguments;
use crate::check::{self, Read};
use crate::debugging::Debugging;
use crate::privileges::Privileges;
use crate::process::{self, Background, PidFile};
use crate::report::{Report, VERSION};
use crate::settings::Settings;
use crate::signals::{Signals, What};
use crate::systemd;
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use sysloom_config::plan::{Value, Values};

/// Runs until a signal ends it. The error is what ends the process before that, with rsyslog's code.
pub fn run(
    report: &Report,
    settings: &Settings,
    arguments: &Arguments,
    background: Option<Background>,
    stream: Debugging,
    passed: Vec<OwnedFd>,
) -> Result<(), (String, i32)> {
    let plain = |why: &dyn std::fmt::Display| (why.to_string(), 0);
    stream.begin(report.log());
    let Read { core, loader, loaded, engine } = check::read(report, settings, arguments, None)?;
    let (mut engine, globals) = (engine, &loaded.plan.globals);
    let privileges = Privileges::new(globals);
    process::environment(environment(globals));
    if let Some(mask) = globals.written("umask").and(globals.int("umask")) {
        process::mask(mask);
    }
    if let Some(files) = globals.written("maxOpenFiles").and(globals.int("maxOpenFiles")) {
        match process::open_files(files) {
            Ok(()) => {}
            Err(why) => {
                report.log().say(3, 0, &format!("could not set process file limit to {files}: {why}"))
            }
        }
    }
    if !arguments.keep_directory {
        let _ = std::env::set_current_dir("/");
    }
    let keyboard = arguments.debug || globals.bool("shutdown.enable.ctlc") == Some(true);
    let signals = Signals::listen(keyboard, &core.control.hup_asked).map_err(|e| plain(&e))?;
    let write = || settings.pid_file.as_deref().map(PidFile::write).transpose().map_err(|e| plain(&e));
    // rsyslog: a daemon that drops its privileges may not be able to write it later.
    let early = if privileges.is_some() { write()? } else { None };
    core.control.passed.put(passed);
    engine.activate().iter().for_each(|fault| report.fault(fault));
    core.control.passed.close().iter().for_each(|line| report.log().say(4, 0, line));
    if let Some(privileges) = &privileges {
        privileges.drop(|text| report.log().say(6, 0, text)).map_err(|e| plain(&e))?;
    }
    // Before any input runs: whoever waits for an input's sign may look at this file next.
    let pid_file = if early.is_some() { early } else { write()? };
    engine.start(report.delivers_own_messages(&loaded.plan)).map_err(|fault| (fault.text, fault.code))?;
    report.started();
    let name = &report.log().name;
    report.log().note(&format!("{name} fully started up and initialized - begin actual processing"));
    systemd::notify("READY=1");
    if let Some(background) = background {
        report.settled();
        background.ready();
    }
    let signal = loop {
        match signals.next() {
            What::Hup => {
                core.control.hup_running.store(true, Ordering::SeqCst);
                core.control.hup_asked.store(false, Ordering::SeqCst);
                report.hup();
                engine.hup();
                core.control.hup_running.store(false, Ordering::SeqCst);
            }
            What::ToggleDebug if arguments.debug || stream.on_demand() => {
                report.log().debug(!report.log().is_debugging());
            }
            What::ToggleDebug => {}
            What::End(signal) => break signal,
        }
    };
    if globals.bool("debug.onShutdown") == Some(true) {
        report.log().debug(true);
    }
    systemd::notify("STOPPING=1");
    engine.stop(|| report.exiting(signal));
    loader.shutdown();
    drop(pid_file);
    report.log().note(&format!("{} shutting down", report.log().name));
    report.log().close_state();
    // rsyslog: the very last thing, so that whoever finds it knows that all went well.
    let told = core.control.terminated("ok", "normal", signal, "main-return", VERSION);
    told.map_err(|e| (format!("cannot write the termination file: {e}"), 0))
}

/// The variables of global(environment=).
fn environment(globals: &Values) -> impl Iterator<Item = (&str, &str)> {
    let list = match globals.value("environment") {
        Some(Value::List(list)) => list.as_slice(),
        _ => &[],
    };
    list.iter().filter_map(|pair| pair.split_once('=')).filter(|(name, _)| !name.is_empty())
}
