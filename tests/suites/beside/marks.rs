//! The numbers of queues: what rsyslogd makes of what is configured, in the debug streams of both.

use crate::Subject;
use std::collections::BTreeMap;
use sysloom_tests::wait_for;

/// Parameters of queues, good and bad, as they stand in the configuration.
const GRID: &[&str] = &[
    r#"queue.size="1000" queue.fullDelayMark="2000""#,
    r#"queue.size="1000" queue.fullDelayMark="1000""#,
    r#"queue.size="1000" queue.fullDelayMark="1""#,
    r#"queue.size="1000" queue.lightDelayMark="2000""#,
    r#"queue.size="1000" queue.lightDelayMark="1""#,
    r#"queue.size="1000" queue.lightDelayMark="0""#,
    r#"queue.size="1000" queue.discardMark="2000""#,
    r#"queue.size="1000" queue.discardMark="1""#,
    r#"queue.size="1000" queue.discardMark="0""#,
    r#"queue.size="1000" queue.discardMark="1000""#,
    r#"queue.size="1000" queue.dequeueBatchSize="5000""#,
    r#"queue.size="1000" queue.minDequeueBatchSize="5000""#,
    r#"queue.size="1000" queue.minDequeueBatchSize="500" queue.dequeueBatchSize="100""#,
    r#"queue.size="50""#,
    r#"queue.size="10""#,
    r#"queue.size="3""#,
    r#"queue.size="1""#,
    r#"queue.size="2048""#,
    r#"queue.size="2k""#,
    r#"queue.size="199""#,
    r#"queue.workerThreads="3""#,
    r#"queue.workerThreads="3" queue.size="1000""#,
    r#"queue.workerThreads="7" queue.workerThreadMinimumMessages="2000" queue.size="1000""#,
    r#"queue.workerThreads="7" queue.workerThreadMinimumMessages="200" queue.size="1000""#,
    r#"queue.workerThreads="2" queue.workerThreadMinimumMessages="0""#,
    r#"queue.size="1000" queue.fullDelayMark="100" queue.lightDelayMark="500""#,
    r#"queue.takeFlowCtlFromMsg="on""#,
    r#"queue.size="100000" queue.dequeueBatchSize="50000""#,
    r#"queue.type="FixedArray""#,
];

/// Main queues: those of nothing, of an object, of directives, and what directives make of actions and rulesets.
const OTHERS: &[&str] = &[
    r#"action(type="omfile" file="/dev/null")"#,
    r#"main_queue(queue.workerThreads="2") action(type="omfile" file="/dev/null")"#,
    r#"main_queue(queue.size="70" queue.type="LinkedList") action(type="omfile" file="/dev/null")"#,
    "$MainMsgQueueSize 500\n$MainMsgQueueDiscardMark 100\n$MainMsgQueueWorkerThreads 5\n$ActionQueueType LinkedList\n\
     $ActionQueueWorkerThreads 2\n*.* /dev/null\n$ActionQueueType FixedArray\n$ActionQueueSize 2048\n\
     $ActionQueueDequeueBatchSize 2000\n$ActionQueueDiscardMark 7\n*.* /dev/null",
    "$MainMsgQueueWorkerThreads 5\n*.* /dev/null",
    "$MainMsgQueueDequeueBatchSize 70\n$MainMsgQueueSize 1000\n*.* /dev/null",
];

/// Numbers by queue.
type Numbers = BTreeMap<String, Vec<String>>;
/// A queue's name and numbers in a line of a debug stream, if it has them.
type Find = fn(&str) -> Option<(String, Vec<String>)>;

fn debugged(mut subject: Subject, find: Find) -> Numbers {
    // All queues are there when the first message is delivered.
    wait_for("the start", || subject.text("own").contains("start").then_some(()));
    let said = subject.said();
    subject.stop();
    said.lines().filter_map(find).collect()
}

/// `...: NAME: queue.c: params: ..., maxQSize N, ..., full delay N, ...`
fn theirs(line: &str) -> Option<(String, Vec<String>)> {
    let (before, params) = line.split_once(": queue.c: params: ")?;
    let name = before.rsplit(": ").next()?.to_owned();
    let labels = [
        "maxQSize ",
        "full delay ",
        "light delay ",
        ", deq batch size ",
        "min deq batch size ",
        "discardmrk ",
        "max wrkr ",
        "min msgs f. wrkr ",
        "takeFlowCtlFromMsg ",
    ];
    Some((name, numbers(params, labels)))
}

fn ours(line: &str) -> Option<(String, Vec<String>)> {
    let (name, params) = line.split_once("queue '")?.1.split_once("': size ")?;
    let params =
        format!("size {}", params.replace("flow control true", "flow control 1").replace("false", "0"));
    let labels = [
        "size ",
        "full delay ",
        "light delay ",
        ", batch ",
        "least batch ",
        "discard mark ",
        "workers ",
        "for a worker ",
        "flow control ",
    ];
    Some((name.to_owned(), numbers(&params, labels)))
}

fn numbers(text: &str, labels: [&str; 9]) -> Vec<String> {
    let number = |label: &str| {
        let at = text.find(label).unwrap_or_else(|| panic!("{label}: {text}")) + label.len();
        text[at..].chars().take_while(char::is_ascii_digit).collect()
    };
    labels.iter().map(|label| number(label)).collect()
}

#[test]
fn queues_get_the_numbers_that_rsyslog_gives_them() {
    let mut grid = String::new();
    for (at, params) in GRID.iter().enumerate() {
        let kind = if params.contains("queue.type") { "" } else { "queue.type=\"LinkedList\"" };
        grid += &format!("action(type=\"omfile\" name=\"a{at}\" file=\"/dev/null\" {kind} {params})\n");
        grid += &format!("ruleset(name=\"r{at}\" {kind} {params}) {{ stop }}\n");
    }
    let grid = grid.as_str();
    for config in OTHERS.iter().copied().chain([grid]) {
        let whole = format!("global(processInternalMessages=\"on\")\n*.* {{dir}}/own\n{config}\n");
        let (we, they) = Subject::both_debugging(&whole);
        let found = debugged(we, ours);
        let queues = if config == grid { 2 * GRID.len() + 1 } else { 1 };
        assert!(found.len() >= queues && found.contains_key("main Q"), "{found:?}");
        let Some(wanted) = they.map(|they| debugged(they, theirs)) else { continue };
        for (name, numbers) in &found {
            assert_eq!(Some(numbers), wanted.get(name), "{name} of:\n{config}");
        }
    }
}

/// Queues whose marks make rsyslogd wonder.
const ODD: &str = r#"
global(processInternalMessages="on" workDirectory="{dir}")
template(name="o" type="string" string="%syslogtag%%msg%\n")
:syslogtag, startswith, "rsyslogd" action(type="omfile" file="{dir}/own" template="o")
main_queue(queue.size="1000" queue.discardMark="1" queue.highWatermark="3")
ruleset(name="r" queue.type="LinkedList" queue.size="70") { stop }
ruleset(name="s" queue.type="LinkedList" queue.size="1000" queue.workerThreads="2" queue.workerThreadMinimumMessages="2") { stop }
ruleset(name="t" queue.type="LinkedList" queue.size="1000" queue.workerThreads="1" queue.workerThreadMinimumMessages="2") { stop }
action(name="a" type="omfile" file="/dev/null" queue.type="LinkedList" queue.size="1000" queue.discardMark="2000")
action(name="b" type="omfile" file="/dev/null" queue.type="LinkedList" queue.size="1000" queue.highWatermark="599")
action(name="c" type="omfile" file="/dev/null" queue.type="LinkedList" queue.size="1000" queue.highWatermark="600")
action(name="d" type="omfile" file="/dev/null" queue.type="LinkedList" queue.size="1000" queue.lightDelayMark="1" queue.lowWatermark="1")
"#;

#[test]
fn odd_marks_are_said_in_rsyslog_s_words() {
    let said = |mut subject: Subject| {
        wait_for("the start", || subject.text("own").contains("] start").then_some(()));
        subject.stop();
        let mut lines: Vec<_> = subject.text("own").lines().filter_map(without_version).collect();
        lines.sort();
        lines
    };
    let ours = said(Subject::ours(ODD));
    assert_eq!(ours.len(), 6, "{ours:#?}");
    if let Some(theirs) = Subject::theirs(ODD) {
        assert_eq!(ours, said(theirs));
    }
}

/// A message with a code, up to its bracket.
fn without_version(line: &str) -> Option<String> {
    let rest = line.strip_prefix("rsyslogd-")?;
    Some(rest.split(" [v").next()?.to_owned())
}
