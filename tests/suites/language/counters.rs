//! dyn_stats() and percentile_stats() in the statistics of both daemons.

use crate::run::{Running, Subject};
use nix::sys::signal::Signal;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use sysloom_tests::{Daemon, Dir, file_lines, wait_for};

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

/// Starts a daemon whose bucket keeps its counts, sends one message of each program, and ends it: what it had counted.
fn kept(dir: &Dir, programs: &[&str], how: &str, kill: bool) -> String {
    std::fs::create_dir_all(dir.file("state")).unwrap();
    let config = format!(
        "module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n\
         dyn_stats(name=\"kept\" resettable=\"off\" statefile.directory=\"{{dir}}/state\" {how})\n\
         set $.a = dyn_inc(\"kept\", $programname);\n\
         template(name=\"m\" type=\"string\" string=\"%programname%\\n\")\n\
         action(type=\"omfile\" file=\"{{dir}}/out\" template=\"m\")\n"
    );
    let _ = std::fs::remove_file(dir.file("out"));
    let _ = std::fs::remove_file(dir.file("port"));
    let mut daemon = Daemon::start(dir, "keeps", &config);
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    for program in programs {
        writeln!(stream, "<13>1 2026-11-23T01:02:03Z host {program} - - - x").unwrap();
    }
    assert_eq!(file_lines(&dir.file("out"), programs.len()), programs);
    if kill {
        daemon.signal(Signal::SIGKILL);
        daemon.wait();
    } else {
        daemon.stop();
    }
    std::fs::read_to_string(dir.file("state/dynstats-kept.json")).unwrap_or_default()
}

#[test]
fn counts_outlast_the_daemon() {
    let dir = Dir::new();
    assert_eq!(
        kept(&dir, &["a", "b", "a"], "persistStateInterval=\"100\"", false),
        "{ \"a\": 2, \"b\": 1 }\n"
    );
    let again = kept(&dir, &["a", "c"], "persistStateTimeInterval=\"600\"", false);
    let counts: BTreeMap<&str, &str> = again
        .trim_matches(['{', '}', ' ', '\n'])
        .split(", ")
        .filter_map(|pair| pair.split_once(": "))
        .collect();
    assert_eq!(counts, BTreeMap::from([("\"a\"", "3"), ("\"b\"", "1"), ("\"c\"", "1")]), "{again}");
    // Even one that is killed has written what its interval asks for; what is no state is said and replaced.
    dir.write("state/dynstats-kept.json", "no json");
    assert_eq!(kept(&dir, &["d", "d", "d"], "persistStateInterval=\"2\"", true), "{ \"d\": 2 }\n");
    // Without an interval nothing is kept.
    let dir = Dir::new();
    assert_eq!(kept(&dir, &["a"], "", false), "");
}

/// Workers that set and read a global variable at once see whole values only.
#[test]
fn global_variables_are_whole_whoever_sets_them() {
    let dir = Dir::new();
    let config = "module(load=\"imtcp\")\n\
        main_queue(queue.workerThreads=\"4\" queue.workerThreadMinimumMessages=\"10\" queue.dequeueBatchSize=\"16\")\n\
        input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/port\")\n\
        set $/x!y = $msg;\n\
        if $programname == \"drop\" then unset $/x!y;\n\
        set $/n = cnum($/n) + 1;\n\
        template(name=\"m\" type=\"string\" string=\"%$/x!y%|%$/n%\\n\")\n\
        action(type=\"omfile\" file=\"{dir}/out\" template=\"m\")\n";
    let daemon = Daemon::start(&dir, "globals", config);
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    let total = 3000;
    for n in 0..total {
        let letter = char::from(b'a' + (n % 7) as u8);
        let program = if n % 11 == 0 { "drop" } else { "app" };
        let text = letter.to_string().repeat(20 + n % 180);
        writeln!(stream, "<13>1 2026-11-23T01:02:03Z host {program} - - - {text}").unwrap();
    }
    for line in file_lines(&dir.file("out"), total) {
        let (value, number) = line.split_once('|').unwrap();
        assert!(value.chars().all(|c| value.starts_with(c)), "{line}");
        assert!(value.is_empty() || (20..200).contains(&value.len()), "{line}");
        assert!((1..=total).contains(&number.parse().unwrap()), "{line}");
    }
    daemon.stop();
}
