//! dyn_stats() and percentile_stats() in the statistics of both daemons.

use crate::run::{Running, Subject};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use sysloom_tests::{Dir, wait_for};

const CONFIG: &str = r#"
module(load="impstats" interval="1" log.file="{dir}/{name}.stats" log.syslog="off" format="legacy")
module(load="imtcp")
input(type="imtcp" port="0" address="127.0.0.1" listenPortFileName="{dir}/{name}.port")
dyn_stats(name="bucket" maxCardinality="2")
percentile_stats(name="times" percentiles=["1", "50", "95", "100"] windowsize="3" delimiter="|")
set $.a = dyn_inc("bucket", $programname);
set $.b = percentile_observe("times", $programname, $msg);
template(name="results" type="string" string="%$.a% %$.b%\n")
action(type="omfile" file="{dir}/{name}.out" template="results")
"#;

/// What a daemon counted of 20 messages of three programs: the results of the functions, the last line of each object
/// whose counters stay, and the sums of those that begin anew when they have been read.
fn counted(subject: &Subject, dir: &Dir) -> (String, BTreeMap<String, String>, BTreeMap<String, u64>) {
    let name = subject.name;
    let config = CONFIG.replace("{name}", name).replace("{dir}", &dir.path().display().to_string());
    let mut running = Running::start(subject, dir, &config);
    let mut stream = wait_for(&format!("{name}'s port"), || {
        running.check();
        let port: u16 =
            std::fs::read_to_string(dir.file(&format!("{name}.port"))).ok()?.trim().parse().ok()?;
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
    for n in 0..20 {
        writeln!(stream, "<13>1 2026-11-23T01:02:03Z host app{} - - - {}", n % 3, n * n).expect("it reads");
    }
    let lines = wait_for(&format!("{name}'s counters"), || {
        running.check();
        let text = std::fs::read_to_string(dir.file(&format!("{name}.stats"))).ok()?;
        let lines: Vec<String> =
            text.lines().filter_map(|line| Some(line.split_once(": ")?.1.into())).collect();
        let known = |start: &str| lines.iter().any(|line| line.starts_with(start));
        let all =
            known("bucket: origin=dynstats.bucket app0=") && known("times: origin=percentile.bucket app0");
        // rsyslog: percentiles show up only in the interval after that of their observations.
        let whole = text.contains("app2|p100=289") && text.contains("app2|window_count=6");
        (all && whole).then_some(lines)
    });
    let (mut last, mut sums) = (BTreeMap::new(), BTreeMap::new());
    for line in lines {
        let Some((object, counters)) = line.split_once(": ") else { continue };
        if !counters.starts_with("origin=dynstats") && !counters.starts_with("origin=percentile") {
            continue;
        }
        if object != "bucket" {
            let origin = counters.split(' ').next().unwrap_or_default();
            let mut sorted: Vec<&str> = counters.split_whitespace().collect();
            sorted.sort_unstable();
            last.insert(format!("{object} {origin}"), sorted.join(" "));
            continue;
        }
        for (counter, value) in counters.split(' ').skip(1).filter_map(|counter| counter.split_once('=')) {
            *sums.entry(counter.to_owned()).or_insert(0) += value.parse::<u64>().expect("a number");
        }
    }
    let results = std::fs::read_to_string(dir.file(&format!("{name}.out"))).unwrap_or_default();
    (results, last, sums)
}

#[test]
fn both_daemons_count_the_same() {
    let dir = Dir::new();
    let ours = counted(&Subject::sysloomd(), &dir);
    let sums = [("app0".to_owned(), 7), ("app1".to_owned(), 7)];
    assert_eq!(ours.2, BTreeMap::from(sums));
    match Subject::rsyslogd() {
        Some(rsyslogd) => assert_eq!(ours, counted(&rsyslogd, &dir)),
        None => println!("skipped: no rsyslogd is installed to compare with"),
    }
}
