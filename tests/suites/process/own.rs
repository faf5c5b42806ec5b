//! The daemon's own messages: layout, severity, limits, where they go.

use crate::{Started, config, is_root, rsyslogd, text};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Write;
use sysloom_tests::{Diag, Dir, file_lines, wait_for};

const OWN: &str = "template(name=\"o\" type=\"string\" \
    string=\"%syslogfacility-text%.%syslogseverity-text%|%inputname%|%fromhost-ip%|%syslogtag%|%msg%\\n\")\n\
    :syslogtag, startswith, \"rsyslogd\" action(type=\"omfile\" file=\"{dir}/own\" template=\"o\")\n";

/// What was said while the configuration was loading waits until the queue runs.
#[test]
fn messages_from_loading_have_tag_code_and_bracket() {
    let dir = Dir::new();
    let daemon = Diag::start(&dir, &format!("$NoSuchDirective on\nmodule(load=\"nosuchmodule\")\n{OWN}"));
    assert!(daemon.stop().success());
    let own = std::fs::read_to_string(dir.file("own")).unwrap();
    let find =
        |what: &str| own.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {own}"));
    let directive = find("invalid or yet-unknown config file command 'NoSuchDirective'");
    assert!(directive.starts_with("syslog.err|rsyslogd|127.0.0.1|rsyslogd-3003:|invalid"), "{directive}");
    assert!(directive.ends_with(" try https://www.rsyslog.com/e/3003 ]"), "{directive}");
    let module = find("could not load module 'nosuchmodule', errors: trying to load module ");
    assert!(module.contains("|rsyslogd-2066:|could"), "{module}");
    let start = find("] start");
    assert!(
        start.starts_with("syslog.info|rsyslogd|127.0.0.1|rsyslogd:|[origin software=\"rsyslogd\""),
        "{start}"
    );
}

#[test]
fn severity_decides_what_is_delivered() {
    let dir = Dir::new();
    let parameters = "global(internalmsg.severity=\"3\")\n$NoSuchDirective on\n";
    let daemon = Diag::start(&dir, &format!("{parameters}{OWN}"));
    assert!(daemon.stop().success());
    let own = std::fs::read_to_string(dir.file("own")).unwrap();
    assert!(own.contains("NoSuchDirective") && !own.contains("] start"), "{own}");
}

#[test]
fn start_hup_and_end_are_said_unless_switched_off() {
    for (word, said) in [("on", true), ("off", false)] {
        let dir = Dir::new();
        let mut daemon =
            Diag::start(&dir, &format!("$LogRSyslogStatusMessages {word}\n$NoSuchDirective on\n{OWN}"));
        daemon.signal(Signal::SIGHUP);
        daemon.say("AwaitHUPComplete");
        assert!(daemon.stop().success());
        let own = std::fs::read_to_string(dir.file("own")).unwrap();
        for what in ["] start", "was HUPed", "exiting on signal"] {
            assert_eq!(own.contains(what), said, "{word}: {own}");
        }
        assert!(own.contains("NoSuchDirective"), "{own}");
    }
}

/// The address of this host in its own messages is that of an interface, in a network of the test's own.
#[test]
fn own_messages_have_the_address_of_the_interface_that_is_named() {
    if !is_root("own_messages_have_the_address_of_the_interface_that_is_named") {
        return;
    }
    let dir = Dir::new();
    config(&dir, "a.conf", &format!("$LocalHostIPIF lo\nglobal(processInternalMessages=\"on\")\n{OWN}"));
    let daemon = rsyslogd(&dir);
    let script = "ip addr add 192.0.2.9/32 dev lo && exec \"$@\"";
    let mut command = std::process::Command::new("unshare");
    command.args(["-n", "sh", "-c", script, "sh"]).arg(daemon.get_program()).args(daemon.get_args());
    let started =
        Started(command.current_dir(dir.path()).args(["-n", "-fa.conf", "-iNONE"]).spawn().unwrap());
    let own = file_lines(&dir.file("own"), 1);
    assert!(own[0].starts_with("syslog.info|rsyslogd|192.0.2.9|rsyslogd:|"), "{own:?}");
    drop(started);
}

#[test]
fn a_flood_is_limited_and_said_so() {
    let dir = Dir::new();
    let mut daemon = flood(&dir, 600);
    for _ in 0..20 {
        hup(&mut daemon);
    }
    assert!(daemon.stop().success());
    let own = std::fs::read_to_string(dir.file("own")).unwrap();
    assert_eq!(own.matches("begin to drop messages due to rate-limiting").count(), 1, "{own}");
    assert_eq!(own.lines().count(), 26, "{own}");
}

#[test]
fn a_flood_is_over_with_its_interval() {
    let dir = Dir::new();
    let mut daemon = flood(&dir, 1);
    wait_for("the end of the limit", || {
        hup(&mut daemon);
        let own = std::fs::read_to_string(dir.file("own")).unwrap_or_default();
        own.contains("messages lost due to rate-limiting (25 allowed within 1 seconds)").then_some(())
    });
    assert!(daemon.stop().success());
}

/// A daemon with twenty mistakes to tell of, and more with every HUP.
fn flood(dir: &Dir, interval: u32) -> Diag {
    let limit = format!("internalmsg.ratelimit.burst=\"25\" internalmsg.ratelimit.interval=\"{interval}\"");
    Diag::start(dir, &format!("global({limit})\n{}{OWN}", "$NoSuchDirective on\n".repeat(20)))
}

fn hup(daemon: &mut Diag) {
    daemon.signal(Signal::SIGHUP);
    daemon.say("AwaitHUPComplete");
}

#[test]
fn stderr_gets_errors_and_more_on_request() {
    for (globals, want) in [
        ("", [true, false]),
        ("global(errorMessagesToStderr.maxNumber=\"1\")\n", [true, false]),
        ("global(allMessagesToStderr=\"on\")\n", [true, true]),
    ] {
        let dir = Dir::new();
        let daemon =
            Diag::start_with(&dir, "", &format!("{globals}$NoSuchDirective on\n$NorThis on\n{OWN}"), |_| {});
        let said = wait_for("the start", || {
            let own = std::fs::read_to_string(dir.file("own")).ok()?;
            own.contains("] start").then(|| daemon.stderr())
        });
        assert!(daemon.stop().success());
        let start = said.contains("] start");
        assert_eq!([said.contains("rsyslogd: "), start], want, "{globals} {said}");
        let both = said.contains("NoSuchDirective") && said.contains("NorThis");
        assert_eq!(both, !globals.contains("maxNumber"), "{globals} {said}");
    }
}

/// Without processInternalMessages nothing of it enters the daemon's own rules.
#[test]
fn by_default_they_go_to_syslog_and_not_into_the_rules() {
    let dir = Dir::new();
    for (variable, wanted) in [(None, false), (Some("0"), false), (Some("1"), true)] {
        let _ = std::fs::remove_file(dir.file("own"));
        config(&dir, "a.conf", OWN);
        let mut command = rsyslogd(&dir);
        command.args(["-n", "-C", "-fa.conf", "-ix.pid"]).env_remove("RSYSLOG_DFLT_LOG_INTERNAL");
        if let Some(value) = variable {
            command.env("RSYSLOG_DFLT_LOG_INTERNAL", value);
        }
        let mut child = Started(command.spawn().unwrap());
        wait_for("the pid file", || dir.file("x.pid").exists().then_some(()));
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(dir.file("own").exists(), wanted, "{variable:?}");
    }
    let out = rsyslogd(&dir).arg("-v").output().unwrap();
    assert!(text(&out.stdout).starts_with("rsyslogd  "));
}

/// Marks are among them, unless they are to go into the queue by themselves.
#[test]
fn marks_are_the_daemons_own_messages_or_an_inputs() {
    let mark = |call: &str, input: &str| {
        let dir = Dir::new();
        let marks = format!(
            "global(internalmsg.severity=\"6\")\nmodule(load=\"immark\" interval=\"1\" {call} \
             markMessageText=\"here\")\n{OWN}\
             if $msg contains \"here\" then action(type=\"omfile\" file=\"{{dir}}/marks\" template=\"o\")\n"
        );
        let daemon = Diag::start(&dir, &marks);
        let first = file_lines(&dir.file("marks"), 1).swap_remove(0);
        assert_eq!(first.replace("| ", "|"), format!("syslog.info|{input}|127.0.0.1|rsyslogd:|here"));
        assert!(daemon.stop().success());
    };
    mark("", "rsyslogd");
    mark("use.syslogCall=\"on\"", "rsyslogd");
    mark("use.syslogCall=\"off\"", "immark");
}

/// Own messages are the ones that can be too long whatever the inputs do.
fn with_a_long_message(dir: &Dir, globals: &str) -> String {
    let config =
        format!("global(maxMessageSize=\"300\" {globals})\n$NoSuchDirective{} on\n{OWN}", "x".repeat(400));
    assert!(Diag::start(dir, &config).stop().success());
    std::fs::read_to_string(dir.file("own")).unwrap()
}

#[test]
fn messages_that_are_too_long_are_reported_filed_and_cut() {
    let dir = Dir::new();
    let own = with_a_long_message(&dir, "oversizemsg.errorfile=\"{dir}/over\"");
    let long: Vec<_> = own.lines().filter(|line| line.contains("|invalid or yet")).collect();
    assert!(long.len() == 1 && long[0].ends_with('x') && long[0].len() < 360, "{own}");
    let report = own.lines().find(|line| line.contains("rsyslogd-2445:")).unwrap_or_else(|| panic!("{own}"));
    assert!(
        report.contains("|message too long (") && report.contains(") with configured size 300, begin of"),
        "{report}"
    );
    let filed = std::fs::read_to_string(dir.file("over")).unwrap();
    let (begin, end) = ("{ \"rawmsg\": \"", "\", \"input\": \"rsyslogd\" }\n");
    assert!(filed.starts_with(begin) && filed.ends_with(end) && filed.contains(&"x".repeat(400)), "{filed}");
}

#[test]
fn messages_that_are_too_long_can_be_split_or_accepted_without_a_word() {
    let dir = Dir::new();
    let own = with_a_long_message(&dir, "oversizemsg.report=\"off\" oversizemsg.input.mode=\"accept\"");
    assert!(own.contains(&"x".repeat(400)) && !own.contains("2445"), "{own}");
    let dir = Dir::new();
    let config = "oversizemsg.input.mode=\"split\"";
    let all = "template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
        action(type=\"omfile\" file=\"{dir}/all\" template=\"raw\")\n";
    let text =
        format!("global(maxMessageSize=\"300\" {config})\n$NoSuchDirective{} on\n{all}", "y".repeat(400));
    assert!(Diag::start(&dir, &text).stop().success());
    let all = std::fs::read_to_string(dir.file("all")).unwrap();
    let has = |test: &dyn Fn(&str) -> bool| assert!(all.lines().any(test), "{all}");
    has(&|line| line.starts_with("invalid or yet") && line.ends_with('y'));
    has(&|line| {
        line.trim_start_matches('y').starts_with(" - have you forgotten to") || line.starts_with("- have you")
    });
}

#[test]
fn the_state_file_says_how_a_run_began_and_ended() {
    let dir = Dir::new();
    let config = format!("global(operatingStateFile=\"{{dir}}/state\")\n$NoSuchDirective on\n{OWN}");
    assert!(Diag::start(&dir, &config).stop().success());
    let state = std::fs::read_to_string(dir.file("state")).unwrap();
    let lines: Vec<&str> = state.lines().map(|line| line.split_once(": ").unwrap().1).collect();
    assert!(lines[0].starts_with("STATE INITIALIZING "), "{state}");
    assert!(lines.iter().any(|line| line.starts_with("MSG   invalid or yet-unknown")), "{state}");
    assert!(
        lines.contains(&"MSG   rsyslogd fully started up and initialized - begin actual processing"),
        "{state}"
    );
    assert_eq!(lines[lines.len() - 2..], ["MSG   rsyslogd shutting down", "STATE CLEAN CLOSE"]);
    assert!(!state.contains("[origin"), "{state}");
    // A run that ends well is followed by the next one in the same file.
    assert!(Diag::start(&dir, &config).stop().success());
    let again = std::fs::read_to_string(dir.file("state")).unwrap();
    assert!(again.starts_with(&state) && again.matches("STATE INITIALIZING").count() == 2, "{again}");
}

#[test]
fn a_run_that_was_killed_is_said_by_the_next_one() {
    let dir = Dir::new();
    let config = format!("global(operatingStateFile=\"{{dir}}/state\")\n{OWN}");
    let mut daemon = Diag::start(&dir, &config);
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    let killed = std::fs::read_to_string(dir.file("state")).unwrap();
    assert!(Diag::start(&dir, &config).stop().success());
    assert_eq!(std::fs::read_to_string(dir.file("state.previous")).unwrap(), killed);
    let own = std::fs::read_to_string(dir.file("own")).unwrap();
    let said = |what: &str| assert!(own.lines().any(|line| line.contains(what)), "{what}: {own}");
    said("rsyslogd-2027:|existing operatingStateFile '");
    said("' does not end with 'CLEAN CLOSE, instead it has '");
    said("' - this probably indicates an improper shutdown [v");
    said("/state.previous' - you may want to review it [v");
}

#[test]
fn senders_are_said_when_they_come_and_when_they_are_silent() {
    let dir = Dir::new();
    let tracked = "senders.keepTrack=\"on\" senders.reportNew=\"on\" senders.reportGoneAway=\"on\"";
    let config = format!(
        "global({tracked} senders.timeoutAfter=\"1\")\n\
         module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n\
         module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{{dir}}/stats\")\n{OWN}"
    );
    let mut daemon = Diag::start(&dir, &config);
    let port: u16 =
        wait_for("the port", || std::fs::read_to_string(dir.file("port")).ok()?.trim().parse().ok());
    let mut sender = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let own = |what: &str| {
        wait_for(what, || {
            let own = std::fs::read_to_string(dir.file("own")).ok()?;
            own.lines().find(|line| line.contains(what)).map(str::to_owned)
        })
    };
    writeln!(sender, "<13>1 2026-11-23T01:02:03Z host app - - - x").unwrap();
    let new = own("new sender '");
    assert!(new.starts_with("syslog.info|rsyslogd|127.0.0.1|rsyslogd-2430:|new sender '"), "{new}");
    let gone = own("removing sender '");
    assert!(gone.starts_with("syslog.warning|") && gone.contains("rsyslogd-2429:"), "{gone}");
    assert!(gone.contains("' from connection table, last seen at 20"), "{gone}");
    // It is counted while it is there, and new when it comes again.
    let again = wait_for("the sender's count", || {
        writeln!(sender, "<13>1 2026-11-23T01:02:03Z host app - - - x").unwrap();
        let stats = std::fs::read_to_string(dir.file("stats")).ok()?;
        stats.lines().find(|line| line.contains("_sender_stat: origin=senders ")).map(str::to_owned)
    });
    assert!(again.trim_end().ends_with(|c: char| c.is_ascii_digit()), "{again}");
    daemon.say("AwaitMainQueueEmpty");
    assert!(daemon.stop().success());
    let own = std::fs::read_to_string(dir.file("own")).unwrap();
    assert!(own.matches("new sender '").count() >= 2, "{own}");
}
