//! Reports as messages and in files, with each parameter.

use super::*;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use sysloom_sdk::CounterKind;
use sysloom_sdk::testing::{TestHost, check_readme, settings, table};

fn host() -> TestHost {
    let host = TestHost::new();
    let counter = |object, name| host.host().counter_of("core.queue", object, name, CounterKind::default());
    counter("main Q", "size").add(1);
    counter("main Q", "enqueued").add(7);
    counter("second", "enqueued").add(2);
    host
}

fn make(host: &TestHost, words: &[(&'static str, &str)]) -> Impstats {
    Impstats::new(&settings(words).unwrap(), (), host.host()).unwrap()
}

fn messages(words: &[(&'static str, &str)]) -> Vec<String> {
    let host = host();
    make(&host, words).report();
    host.messages()
}

#[test]
fn a_report_is_one_message_an_object() {
    let got = messages(&[]);
    assert_eq!(got[0], "<46>sysloomd-pstats: main Q: origin=core.queue size=1 enqueued=7 ");
    assert_eq!(got[1], "<46>sysloomd-pstats: second: origin=core.queue enqueued=2 ");
    assert!(got[2].starts_with("<46>sysloomd-pstats: resource-usage: origin=impstats utime="), "{}", got[2]);
    assert_eq!(got.len(), 3);
    for word in ["utime", "stime", "maxrss", "minflt", "majflt", "inblock", "oublock", "nvcsw", "nivcsw"] {
        assert!(got[2].contains(&format!("{word}=")), "{word}");
    }
    let files: u64 = got[2].rsplit("openfiles=").next().unwrap().trim().parse().unwrap();
    assert!(files >= 3);
}

#[test]
fn facility_severity_and_the_daemons_name_make_the_head() {
    let host = host();
    host.set("daemon.name", "rsyslogd");
    make(&host, &[("facility", "16"), ("severity", "7")]).report();
    assert!(host.messages()[0].starts_with("<135>rsyslogd-pstats: main Q"));
}

#[test]
fn bracketing_and_formats() {
    let got = messages(&[("bracketing", "on"), ("format", "json")]);
    assert!(got[0].ends_with(": BEGIN") && got.last().unwrap().ends_with(": END"));
    assert!(
        got[1]
            .ends_with("{ \"name\": \"main Q\", \"origin\": \"core.queue\", \"size\": 1, \"enqueued\": 7 }")
    );
    for (words, what) in [
        (("legacyJson", "on"), ": { \"name\""),
        (("legacyCee", "on"), ": @cee: { \"name\""),
        (("format", "cee"), ": @cee: { \"name\""),
        (("format", "zabbix"), ": { \"timedate\": "),
        (("format", "prometheus"), ": # HELP U__main_20_Q__size__total "),
    ] {
        assert!(messages(&[words])[0].contains(what), "{words:?}");
    }
    assert_eq!(messages(&[("format", "zabbix")]).len(), 1);
}

#[test]
fn counts_start_anew_only_when_asked_to() {
    for (word, second) in [("off", "enqueued=7 "), ("on", "enqueued=0 ")] {
        let host = host();
        let stats = make(&host, &[("resetCounters", word)]);
        stats.report();
        stats.report();
        assert!(host.messages()[3].ends_with(second), "{word}: {:?}", host.messages());
    }
}

#[test]
fn a_file_gets_lines_with_their_time_and_no_messages_are_made_then() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("stats");
    let host = host();
    let stats = make(&host, &[("log.file", file.to_str().unwrap()), ("log.syslog", "off")]);
    stats.report();
    assert_eq!(host.messages(), Vec::<String>::new());
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let got = lines(std::fs::read_to_string(&file).unwrap());
    assert_eq!(got.len(), 3);
    let (time, rest) = got[0].split_at(24);
    assert_eq!(rest, ": main Q: origin=core.queue size=1 enqueued=7 ");
    assert!(jiff::civil::DateTime::strptime("%a %b %e %H:%M:%S %Y", time).is_ok(), "{time}");
    // Appended to; a file that was moved away is left alone after a HUP.
    stats.report();
    assert_eq!(lines(std::fs::read_to_string(&file).unwrap()).len(), 6);
    let moved = dir.path().join("moved");
    std::fs::rename(&file, &moved).unwrap();
    stats.hup();
    stats.report();
    assert_eq!(lines(std::fs::read_to_string(&file).unwrap()).len(), 3);
    assert_eq!(lines(std::fs::read_to_string(&moved).unwrap()).len(), 6);
}

#[test]
fn an_overwritten_file_has_one_report() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("stats");
    let host = host();
    let stats = make(&host, &[("log.file", file.to_str().unwrap()), ("log.file.overwrite", "on")]);
    stats.report();
    stats.report();
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 3);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let bad = make(&host, &[("log.file", "/nonexistent/stats")]);
    bad.report();
    assert!(host.lines().iter().any(|line| line.text.contains("log.file")));
}

#[test]
fn a_report_comes_in_each_interval() {
    let host = host();
    let (stats, before) = (make(&host, &[("interval", "1")]), Instant::now());
    let (stop, ring) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| stats.run(stop.as_fd()));
        assert!(host.wait_for(6, Duration::from_secs(20)));
        assert!(before.elapsed() >= Duration::from_secs(2));
        drop(ring);
        thread.join().unwrap().unwrap();
    });
    assert_eq!(host.submits().1, 2);
}

#[test]
fn the_readme_has_the_tables() {
    check_readme(env!("CARGO_MANIFEST_DIR"), &[("module", table::<ModuleParams>())]);
}
