//! impstats: the names of objects, origins and counters in every format, beside rsyslogd's.

use crate::Subject;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use sysloom_tests::port::free_port;
use sysloom_tests::wait_for;

const CONFIG: &str = r#"
module(load="impstats" interval="1" log.file="{dir}/stats" log.syslog="off" format="{format}")
module(load="imudp")
module(load="imtcp")
module(load="imuxsock" sysSock.use="off")
input(type="imudp" port="{udp}" address="127.0.0.1" name="named")
input(type="imudp" port="{other}")
input(type="imtcp" port="{tcp}" address="127.0.0.1" name="lines")
input(type="imtcp" port="{second}")
input(type="imuxsock" socket="{dir}/socket")
template(name="dyn" type="string" string="{dir}/dyn-%syslogtag:R,ERE,1,BLANK:([a-z]+)--end%")
dyn_stats(name="bucket")
set $.x = dyn_inc("bucket", $programname);
ruleset(name="own" queue.type="LinkedList") { action(type="omfile" file="{dir}/own") }
action(type="omfile" dynaFile="dyn")
action(type="omfile" name="again" dynaFile="dyn" dynaFileCacheSize="2")
action(type="omfwd" target="127.0.0.1" port="{udp}" protocol="udp" template="RSYSLOG_DebugFormat" action.execOnlyEveryNthTime="1000")
action(type="omfwd" name="forward" target="127.0.0.1" port="{second}" protocol="tcp" queue.type="LinkedList" action.execOnlyEveryNthTime="1000")
action(type="omusrmsg" users="nobody-is-here")
call own
*.* {dir}/plain
"#;

/// What an object counts, by its name and origin; as often as it stands there.
type Objects = BTreeMap<(String, String), Vec<BTreeSet<String>>>;

fn reported(start: impl FnOnce(&str) -> Option<Subject>, format: &str, ports: &[u16; 4]) -> Option<Objects> {
    let [udp, other, tcp, second] = ports.map(|port| port.to_string());
    let config = CONFIG
        .replace("{format}", format)
        .replace("{udp}", &udp)
        .replace("{other}", &other)
        .replace("{tcp}", &tcp)
        .replace("{second}", &second);
    let mut subject = start(&config)?;
    let mut stream = wait_for("the listener", || TcpStream::connect(("127.0.0.1", ports[2])).ok());
    writeln!(stream, "<13>Oct  1 22:14:18 h tag: over tcp").unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"<13>Oct  1 22:14:18 h tag: over udp", ("127.0.0.1", ports[0])).unwrap();
    let (local, path) = (UnixDatagram::unbound().unwrap(), subject.dir.file("socket"));
    wait_for("the local socket", || local.send_to(b"<13>tag: local", &path).ok());
    wait_for("all three", || (subject.text("own").matches("tag: ").count() >= 3).then_some(()));
    // A report of the time after that: what comes last in one stands there twice, or a bucket that has been filled.
    let before = subject.text("stats").len();
    let text = wait_for("two more reports", || {
        let text = subject.text("stats");
        let new = text.get(before..)?;
        (new.matches("resource").count() >= 3).then(|| new.to_owned())
    });
    subject.stop();
    let text = text.get(text.find('\n')? + 1..)?;
    let reports: Vec<_> = text.match_indices("resource").map(|(at, _)| at).collect();
    let line = |at: usize| text[..at].rfind('\n').map_or(0, |n| n + 1);
    let report = text.get(line(*reports.first()?)..line(*reports.get(1)?))?;
    Some(objects(report, format))
}

/// Reads a report back.
fn objects(report: &str, format: &str) -> Objects {
    let mut objects = Objects::new();
    for line in report.lines() {
        // `Fri Nov 27 12:40:00 2026: `
        let body = line.get(26..).unwrap_or_else(|| panic!("{line}"));
        let (name, origin, counters) = match format {
            "legacy" => {
                let (name, rest) = body.split_once(": origin=").unwrap_or_else(|| panic!("{line}"));
                let (origin, counters) = rest.split_once(' ').unwrap_or_else(|| panic!("{line}"));
                let counter = |word: &str| {
                    let (name, value) = word.split_once('=').unwrap_or_else(|| panic!("{line}"));
                    value.parse::<u64>().unwrap_or_else(|_| panic!("{line}"));
                    name.to_owned()
                };
                (name.to_owned(), origin.to_owned(), counters.split_whitespace().map(counter).collect())
            }
            _ => from_json(body.strip_prefix("@cee: ").filter(|_| format == "cee").unwrap_or(body)),
        };
        objects.entry((name, origin)).or_default().push(counters);
    }
    objects
}

/// `{ "name": "N", "origin": "O", "counter": 1 ... }`, with exactly these blanks, as rsyslogd writes it.
fn from_json(text: &str) -> (String, String, BTreeSet<String>) {
    let inner = text.strip_prefix("{ ").and_then(|rest| rest.strip_suffix(" }"));
    let inner = inner.unwrap_or_else(|| panic!("{text}")).replace(", \"values\": { }", "");
    let inner = inner.replace("\"values\": { ", "").replace(" }", "");
    let mut members = inner.split(", ").map(|member| {
        let (name, value) = member.split_once(": ").unwrap_or_else(|| panic!("{member} of {text}"));
        (name.trim_matches('"').to_owned(), value.to_owned())
    });
    let mut text_of = |wanted: &str| {
        let (name, value) = members.next().unwrap_or_else(|| panic!("{text}"));
        assert_eq!(name, wanted, "{text}");
        value.trim_matches('"').replace("\\/", "/")
    };
    let (name, origin) = (text_of("name"), text_of("origin"));
    let counters = members.map(|(name, value)| {
        value.parse::<u64>().unwrap_or_else(|_| panic!("{name}: {value} of {text}"));
        name
    });
    (name, origin, counters.collect())
}

/// Counters that rsyslogd 8.2302 does not have: those of its later versions, and our own.
fn is_more(origin: &str, counter: &str) -> bool {
    match origin {
        "core.action" => ["batchesprocessed", "connects", "connects.failed"].contains(&counter),
        "core.queue" => counter == "size.enqueued",
        "omfwd" => ["messages.sent", "num.connects"].contains(&counter),
        "imtcp" => counter != "submitted",
        _ => false,
    }
}

/// An object of rsyslogd's that we do not have: it is shown there even while nothing counts in it.
fn is_empty_there(object: &(String, String)) -> bool {
    object.0 == "global" && object.1 == "percentile"
}

#[test]
fn objects_and_counters_have_rsyslog_s_names() {
    std::thread::scope(|scope| {
        for format in ["legacy", "json", "json-elasticsearch", "cee"] {
            scope.spawn(move || compare(format));
        }
    });
}

fn compare(format: &str) {
    let ports = [free_port(), free_port(), free_port(), free_port()];
    let ours = reported(|config| Some(Subject::ours(config)), format, &ports).unwrap();
    let queue = &ours[&("main Q".to_owned(), "core.queue".to_owned())][0];
    let dot = if format == "json-elasticsearch" { "!" } else { "." };
    assert!(queue.contains(&format!("discarded{dot}full")), "{format}: {queue:?}");
    let Some(theirs) = reported(Subject::theirs, format, &ports) else { return };
    for (object, all) in &theirs {
        if is_empty_there(object) {
            continue;
        }
        let mine = ours.get(object).unwrap_or_else(|| panic!("{format}: no {object:?} in {ours:#?}"));
        assert_eq!(mine.len(), all.len(), "{format}: {object:?}");
        for (mine, theirs) in mine.iter().zip(all) {
            let common: BTreeSet<String> =
                mine.iter().filter(|c| !is_more(&object.1, &c.replace('!', "."))).cloned().collect();
            assert_eq!(&common, theirs, "{format}: {object:?}");
        }
    }
    let more: Vec<_> = ours.keys().filter(|object| !theirs.contains_key(*object)).collect();
    assert!(more.is_empty(), "{format}: {more:?}");
}
