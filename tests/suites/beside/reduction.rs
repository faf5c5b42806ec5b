//! `$RepeatedMsgReduction`: what is the same, what stands for the repetitions, and when it is said.

use crate::Subject;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use sysloom_tests::{Peer, wait_for};

const CONFIG: &str = r#"
$RepeatedMsgReduction on
module(load="imtcp")
module(load="imuxsock" sysSock.use="off")
template(name="o" type="string" string="%inputname%|%pri%|%hostname%|%syslogtag%|%app-name%|%procid%|%msgid%|%structured-data%|%timestamp:::date-rfc3339%|%msg%|%rawmsg%|%protocol-version%\n")
template(name="local" type="string" string="%inputname%|%syslogtag%|%msg%|%rawmsg%|%$!%\n")
input(type="imtcp" port="0" address="127.0.0.1" listenPortFileName="{dir}/one.port" name="one")
input(type="imtcp" port="0" address="127.0.0.1" listenPortFileName="{dir}/two.port" name="two")
input(type="imuxsock" socket="{dir}/socket" annotate="on" parseTrusted="on")
ruleset(name="behind" queue.type="LinkedList") {
    action(type="omfile" file="{dir}/behind" template="o")
}
if $syslogtag == "rsyslogd:" or $syslogtag == "sysloomd:" then {
    action(type="omfile" file="{dir}/own" template="local")
} else if $inputname == "imuxsock" then {
    action(type="omfile" file="{dir}/local" template="local")
} else {
    action(type="omfile" file="{dir}/out" template="o")
    call behind
}
"#;

/// Messages of the first listener, in this order; the count is how often each is sent in a row.
fn messages() -> Vec<(usize, String)> {
    let long = format!("<13>Oct  1 22:14:18 h tag: {}", "x".repeat(801));
    let mut all = vec![
        (3, "<13>Oct  1 22:14:10 h tag: one"),
        // The priority and the time do not count, and the last one stands for all.
        (1, "<14>Oct  1 22:14:15 h tag: one"),
        (1, "<13>Oct  1 22:14:16 h tag: two"),
        (1, "<13>Oct  1 22:14:17 h tag: two"),
        (1, "<13>Oct  1 22:14:18 h tag: three"),
        (1, "<13>Oct  1 22:14:18 h tag: two"),
        (3, "<13>Oct  1 22:14:18 h tag[1]: two"),
        (2, "<13>Oct  1 22:14:18 h tag[2]: two"),
        (3, "<13>Oct  1 22:14:18 other tag[2]: two"),
        (3, "<13>Oct  1 22:14:18 other gat[2]: two"),
        (2, "<13>1 2020-01-01T00:00:00Z h app p m [a b=\"c\"] five"),
        // The message id and structured data do not count.
        (2, "<13>1 2020-01-01T00:00:00Z h app p n [d e=\"f\"] five"),
        (3, "<13>1 2020-01-01T00:00:00Z h app - n - "),
        (3, "<13>Oct  1 22:14:18 h tag: a\tb"),
        (4, "<13>Oct  1 22:14:18 h tag"),
    ];
    let mut all: Vec<_> = all.drain(..).map(|(n, text)| (n, text.to_owned())).collect();
    all.push((3, long));
    all.push((12, "<13>Oct  1 22:14:18 h tag: last".into()));
    all.push((1, "<13>Oct  1 22:14:18 h tag: end".into()));
    all
}

/// Lines of the files, by file.
fn reduced(mut subject: Subject) -> BTreeMap<&'static str, Vec<String>> {
    let (one, two) = (subject.port("one.port"), subject.port("two.port"));
    let connect = |port| TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut stream = connect(one);
    for (n, text) in messages() {
        for _ in 0..n {
            writeln!(stream, "{text}").unwrap();
        }
    }
    wait_for("the end", || subject.text("out").contains(" end|").then_some(()));
    // Two senders of one listener repeat each other; another listener's are its own.
    let mut others = [connect(one), connect(one), connect(two)];
    let of = |name: &str| {
        let text = subject.text("out");
        text.lines().filter(|line| line.starts_with(name)).count()
    };
    let before = of("one|");
    others[0].write_all(b"<13>Oct  1 22:14:18 h tag: shared\n").unwrap();
    wait_for("the first of it", || (of("one|") == before + 1).then_some(()));
    others[2].write_all(b"<13>Oct  1 22:14:18 h tag: shared\n").unwrap();
    wait_for("the same from the other listener", || (of("two|") == 1).then_some(()));
    others[1].write_all(b"<13>Oct  1 22:14:18 h tag: shared\n<13>Oct  1 22:14:18 h tag: more\n").unwrap();
    wait_for("what came again, and the next", || (of("one|") == before + 3).then_some(()));
    let socket = UnixDatagram::unbound().unwrap();
    socket.connect(subject.dir.file("socket")).unwrap();
    for (n, text) in [(4, "<13>app: alike"), (1, "<13>app: different")] {
        (0..n).for_each(|_| assert_eq!(socket.send(text.as_bytes()).unwrap(), text.len()));
    }
    wait_for("the local messages", || subject.text("local").contains("different").then_some(()));
    // Nothing follows these: they are said at the end. One write is one read.
    let pending = "<13>Oct  1 22:14:18 h tag: pending\n".repeat(3);
    others[2].write_all(pending.as_bytes()).unwrap();
    wait_for("the first of the last", || subject.text("out").contains("pending").then_some(()));
    subject.stop();
    let files = ["out", "behind", "local"];
    files.map(|file| (file, subject.text(file).lines().map(|l| pidless(l, &subject)).collect())).into()
}

/// A line without what differs from daemon to daemon and from run to run.
fn pidless(line: &str, subject: &Subject) -> String {
    let pid = std::process::id().to_string();
    let line = line.replace(&pid, "PID");
    line.replace(&subject.dir.path().display().to_string(), "DIR")
}

#[test]
fn what_comes_again_is_counted() {
    let ours = reduced(Subject::ours(CONFIG));
    for line in [
        "one|14|h|tag:|tag|-|-|-|2026-10-01T22:14:15+00:00| message repeated 3 times: [ one]|\
         <14>Oct  1 22:14:15 h tag: message repeated 3 times: [ one]|0",
        "two|13|h|tag:|tag|-|-|-|2026-10-01T22:14:18+00:00| message repeated 2 times: [ pending]|\
         <13>Oct  1 22:14:18 h tag: message repeated 2 times: [ pending]|0",
    ] {
        let year = ours["out"][0].split("|2").nth(1).map_or("", |rest| &rest[..3]).to_owned();
        let line = line.replace("|2026", &format!("|2{year}"));
        assert!(ours["out"].contains(&line), "{line}\n{:#?}", ours["out"]);
    }
    assert_eq!(ours["out"], ours["behind"]);
    let Some(theirs) = Subject::theirs(CONFIG).map(reduced) else { return };
    for (file, lines) in &theirs {
        for (at, (ours, theirs)) in ours[file].iter().zip(lines).enumerate() {
            assert_eq!(ours, theirs, "{file}, line {at}");
        }
        assert_eq!(ours[file].len(), lines.len(), "{file}");
    }
}

/// Limits of processes make each process repeat itself alone.
const LIMITED: &str = r#"
$RepeatedMsgReduction on
module(load="imuxsock" sysSock.use="off")
template(name="o" type="string" string="%fromhost-port%|%msg%\n")
input(type="imuxsock" socket="{dir}/free")
input(type="imuxsock" socket="{dir}/limited" rateLimit.interval="600" rateLimit.burst="100")
if $syslogtag != "rsyslogd:" and $syslogtag != "sysloomd:" then action(type="omfile" file="{dir}/out" template="o")
"#;

fn said_by_two(mut subject: Subject) -> Vec<String> {
    let said = |end: &str| subject.text("out").contains(end);
    for name in ["free", "limited"] {
        let path = subject.dir.file(name);
        wait_for("the socket", || path.exists().then_some(()));
        let socket = UnixDatagram::unbound().unwrap();
        socket.connect(&path).unwrap();
        let here = |text: &str| assert_eq!(socket.send(text.as_bytes()).unwrap(), text.len());
        // A process of its own for each message, which has ended before the next is sent.
        let there = |text: &str| {
            let script = "import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
                          s.sendto(sys.argv[1].encode(), sys.argv[2])";
            let run = Command::new("python3").args(["-c", script, text]).arg(&path).status();
            assert!(run.unwrap().success());
        };
        here(&format!("<13>app: {name} alike"));
        here(&format!("<13>app: {name} alike"));
        there(&format!("<13>app: {name} alike"));
        here(&format!("<13>app: {name} alike"));
        here(&format!("<13>app: {name} end"));
        wait_for("the end", || said(&format!("{name} end")).then_some(()));
    }
    subject.stop();
    subject.text("out").lines().map(str::to_owned).collect()
}

#[test]
fn with_limits_each_process_repeats_itself() {
    if !Peer::wanted("python3") {
        return;
    }
    let ours = said_by_two(Subject::ours(LIMITED));
    let wanted = [
        "| free alike",
        "| message repeated 3 times: [ free alike]",
        "| free end",
        "| limited alike",
        "| limited alike",
        "| message repeated 2 times: [ limited alike]",
        "| limited end",
    ];
    assert_eq!(ours, wanted);
    let text = LIMITED.replace("%fromhost-port%", "");
    if let Some(theirs) = Subject::theirs(&text) {
        assert_eq!(said_by_two(theirs), wanted);
    }
}
