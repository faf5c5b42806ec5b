//! The command line and the environment.

use crate::{Started, config, rsyslogd, run, text};
use std::process::Stdio;
use sysloom_tests::{Dir, wait_for};

const LOG: &str = "*.* action(type=\"omfile\" file=\"{dir}/log\")\n";

#[test]
fn usage_is_on_stderr_and_ends_with_one() {
    let dir = Dir::new();
    for words in [&["-h"][..], &["-?"], &["-Z"], &["word"], &["-f"], &["-Fxml"]] {
        let out = run(&dir, words);
        assert_eq!(out.status.code(), Some(1), "{words:?}");
        assert!(text(&out.stderr).contains("Usage:") && out.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn options_that_have_gone_away_are_accepted() {
    let dir = Dir::new();
    config(&dir, "a.conf", LOG);
    for (words, said) in [
        (&["-4"][..], "has gone away"),
        (&["-6q"], "has gone away"),
        (&["-A"], "has gone away"),
        (&["-S", "192.0.2.1"], "has gone away"),
        (&["-u2"], "-C instead of -u2"),
        (&["-u1"], "-u1"),
        (&["-D"], "End of config validation run"),
    ] {
        let out = run(&dir, &[words, &["-N1", "-fa.conf"]].concat());
        let said_there = text(&out.stderr);
        assert_eq!(out.status.code(), Some(0), "{words:?} {said_there}");
        assert!(said_there.contains(said), "{words:?} {said_there}");
    }
}

#[test]
fn a_check_says_what_rsyslogd_says() {
    let dir = Dir::new();
    config(&dir, "a.conf", LOG);
    let out = run(&dir, &["-N1", "-f", "a.conf"]);
    let said = text(&out.stderr);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("rsyslogd: version "), "{said}");
    assert!(lines[0].ends_with(", config validation run (level 1), master config a.conf"), "{said}");
    assert_eq!(lines[1..], ["rsyslogd: End of config validation run. Bye."]);
    // Nothing was opened or written.
    assert!(!dir.file("log").exists());
    for (text_of, code) in [("missing.conf", 2104), ("empty.conf", 2103)] {
        config(&dir, "empty.conf", "");
        let out = run(&dir, &["-N1", "-f", text_of]);
        assert_eq!(out.status.code(), Some(1));
        assert!(
            text(&out.stderr).contains(&format!("run failed with error -{code} ")),
            "{}",
            text(&out.stderr)
        );
    }
}

/// Outputs that refuse what they are given are none, and what is wrong with a queue costs no action.
#[test]
fn a_configuration_that_delivers_nothing_is_refused_and_one_that_delivers_is_not() {
    let dir = Dir::new();
    for (actions, none) in [
        ("action(type=\"omfile\")", true),
        ("action(type=\"omfile\" file=\"\")", true),
        ("*.* |", true),
        ("action(type=\"omfile\" file=\"{dir}/log\" queue.type=\"nosuch\")", false),
        ("action(type=\"omfile\" file=\"{dir}/log\" queue.type=\"LinkedList\" queue.size=\"-5\")", false),
        (
            "ruleset(name=\"x\" queue.size=\"-4\") { action(type=\"omfile\" file=\"{dir}/log\") }\ncall x",
            false,
        ),
    ] {
        config(&dir, "a.conf", actions);
        let out = run(&dir, &["-N1", "-fa.conf"]);
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{actions}: {said}");
        assert_eq!(said.contains("there are no active actions configured"), none, "{actions}: {said}");
        assert!(said.contains(if none { "-2103" } else { "queue." }), "{actions}: {said}");
    }
}

#[test]
fn a_library_that_crashes_while_it_is_loaded_is_named_with_its_signal() {
    let dir = Dir::new();
    let include = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("include");
    let file = dir.write("omcrash.c", CRASH);
    let status = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-I"])
        .arg(include)
        .arg("-o")
        .arg(dir.file("omcrash.so"))
        .arg(file)
        .status();
    assert!(status.expect("a C compiler").success());
    config(&dir, "a.conf", &format!("module(load=\"{{dir}}/omcrash\")\n{LOG}"));
    let out = run(&dir, &["-N1", "-fa.conf"]);
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("omcrash' ended the check while it was loaded: SIGSEGV"), "{said}");
    // A driver that is looked up by its word is named by it.
    std::fs::copy(dir.file("omcrash.so"), dir.file("nsd_omcrash.so")).unwrap();
    let input = "module(load=\"imtcp\")\n\
        input(type=\"imtcp\" port=\"0\" streamDriver.name=\"{dir}/nsd_omcrash.so\" streamDriver.mode=\"1\")\n";
    config(&dir, "b.conf", &format!("{input}{LOG}"));
    let out = run(&dir, &["-N1", "-fb.conf"]);
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{said}");
    assert!(said.contains("nsd_omcrash.so' ended the check while it was loaded: SIGSEGV"), "{said}");
}

#[test]
fn the_full_configuration_is_written_with_its_includes() {
    let dir = Dir::new();
    config(&dir, "inner.conf", "# inside\n");
    config(&dir, "a.conf", &format!("# before\ninclude(file=\"{{dir}}/inner.conf\")\n{LOG}"));
    let out = run(&dir, &["-N1", "-fa.conf", "-o", "full.conf"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let full = std::fs::read_to_string(dir.file("full.conf")).unwrap();
    let first = full.lines().next().unwrap();
    assert!(
        first.starts_with("## full conf created by rsyslog version ") && first.ends_with(" ##"),
        "{first}"
    );
    for mark in [
        "##### BEGIN CONFIG: a.conf (put on stack)\n",
        "/inner.conf (put on stack)\n# inside\n",
        "##### END   CONFIG: a.conf\n",
    ] {
        assert!(full.contains(mark), "{full}");
    }
    let on_stdout = run(&dir, &["-N1", "-fa.conf", "-o-"]);
    assert!(text(&on_stdout.stdout).contains("# inside"));
    // Not over itself, not even through a link.
    std::os::unix::fs::symlink("a.conf", dir.file("link")).unwrap();
    let before = std::fs::read_to_string(dir.file("a.conf")).unwrap();
    for target in ["a.conf", "./a.conf", "link"] {
        let out = run(&dir, &["-N1", "-fa.conf", "-o", target]);
        assert_eq!(out.status.code(), Some(1), "{target}");
        assert_eq!(std::fs::read_to_string(dir.file("a.conf")).unwrap(), before);
    }
    let yaml = run(&dir, &["-N1", "-fa.conf", "-o-", "-F", "yaml"]);
    assert!(text(&yaml.stdout).contains("version: 2"), "{}", text(&yaml.stdout));
}

#[test]
fn the_debug_stream_goes_where_the_environment_says() {
    let dir = Dir::new();
    config(&dir, "a.conf", LOG);
    let out = rsyslogd(&dir)
        .args(["-N1", "-fa.conf"])
        .env("RSYSLOG_DEBUG", "nologfuncflow DEBUG nostdout")
        .env("RSYSLOG_DEBUGLOG", dir.file("debug"))
        .output()
        .unwrap();
    assert!(out.status.success() && out.stdout.is_empty());
    assert!(text(&out.stderr).contains("'nologfuncflow'"), "{}", text(&out.stderr));
    assert!(dir.file("debug").exists());
    let started = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = rsyslogd(&dir);
        command.args(words).envs(variables.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = Started(command.args(["-n", "-C", "-fa.conf", "-ix.pid"]).spawn().unwrap());
        wait_for("the pid file", || dir.file("x.pid").exists().then_some(()));
        // With -d the keyboard ends it.
        let signal = if words.is_empty() { nix::sys::signal::SIGTERM } else { nix::sys::signal::SIGINT };
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), signal).unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        assert!(child.wait().unwrap().success());
        said
    };
    assert!(started(&["-d"], &[]).contains("start"));
    assert_eq!(started(&[], &[]), "");
    let log = dir.file("stream");
    let said = started(&[], &[("RSYSLOG_DEBUG", "debug"), ("RSYSLOG_DEBUGLOG", log.to_str().unwrap())]);
    assert!(said.contains("main: [origin"), "{said}");
    assert_eq!(std::fs::read_to_string(log).unwrap(), said);
}

#[test]
fn the_configuration_sees_the_environment_and_sets_it() {
    let dir = Dir::new();
    let text_of = "global(environment=[\"COLOUR=blue\"])\n\
        *.* action(type=\"omfile\" file=`echo $SHAPE`)\n*.* action(type=\"omfile\" file=`echo $COLOUR`)\n";
    config(&dir, "a.conf", text_of);
    let mut command = rsyslogd(&dir);
    command
        .args(["-n", "-C", "-fa.conf", "-ix.pid"])
        .env("SHAPE", "round")
        .env("RSYSLOG_DFLT_LOG_INTERNAL", "1");
    let mut child = Started(command.env_remove("TZ").spawn().unwrap());
    for file in ["round", "blue"] {
        wait_for(file, || std::fs::read_to_string(dir.file(file)).ok().filter(|t| t.contains("] start")));
    }
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::SIGTERM).unwrap();
    assert!(child.wait().unwrap().success());
}

/// A plugin as good as any, but for its constructor.
const CRASH: &str = r#"
#include "sysloom.h"

__attribute__((constructor)) static void die(void) { *(volatile int *)0 = 1; }

static const SysloomIface ifaces[] = {{0}};
static const SysloomModule module = SYSLOOM_MODULE(ifaces, 0, 0);
SYSLOOM_MANIFEST(omcrash, "1.0.0", 1 << SYSLOOM_KIND_OUTPUT, 0);
SYSLOOM_ENTRY(omcrash)(const SysloomHost *host) { return host ? &module : 0; }
"#;
