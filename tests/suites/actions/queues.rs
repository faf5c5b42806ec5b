//! Queues of rulesets, and what queues leave out.

use crate::{send, start, texts};
use std::io::Write;
use sysloom_tests::{Dir, file_lines};

const RULESET: &str = "template(name=\"v\" type=\"string\" string=\"%msg% %$!seen%\\n\")\n\
     ruleset(name=\"own\" queue.type=\"LinkedList\" queue.size=\"20000\") {\n\
     action(type=\"omfile\" file=\"{dir}/own\" template=\"v\")\n\
     set $!seen = \"in own\";\n}\n";

#[test]
fn a_called_ruleset_with_a_queue_gets_a_copy_with_its_variables_and_the_caller_goes_on() {
    let dir = Dir::new();
    // `stop` in a ruleset with a queue ends only the copy.
    let config = RULESET.replace("set $!seen = \"in own\";", "stop")
        + "set $!seen = \"before\";\ncall own\nset $!seen = \"after\";\n\
           action(type=\"omfile\" file=\"{dir}/caller\" template=\"v\")\n";
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..2500);
    let with =
        |word: &str| texts(0..2500).into_iter().map(|text| format!("{text} {word}")).collect::<Vec<_>>();
    assert_eq!(file_lines(&dir.file("own"), 2500), with("before"));
    assert_eq!(file_lines(&dir.file("caller"), 2500), with("after"));
    daemon.stop();
}

#[test]
fn an_input_bound_to_a_ruleset_with_a_queue_goes_around_a_main_queue_that_does_nothing() {
    let dir = Dir::new();
    // The main queue keeps one in a million, so that only the ruleset's own queue can deliver.
    let config = RULESET.to_owned()
        + "main_queue(queue.samplingInterval=\"1000000\")\n\
           input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/bound\" ruleset=\"own\")\n\
           action(type=\"omfile\" file=\"{dir}/main\" template=\"m\")\n";
    let (daemon, mut unbound) = start(&dir, &config);
    let mut bound = std::net::TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("bound")))).unwrap();
    send(&mut unbound, 5000..5100);
    send(&mut bound, 0..1000);
    assert_eq!(file_lines(&dir.file("own"), 1000).len(), 1000);
    daemon.stop();
    assert_eq!(file_lines(&dir.file("own"), 1000).len(), 1000);
    assert!(!dir.file("main").exists());
}

#[test]
fn what_a_ruleset_s_queue_holds_at_the_end_is_delivered() {
    let dir = Dir::new();
    let config =
        RULESET.to_owned() + "call own\naction(type=\"omfile\" file=\"{dir}/caller\" template=\"m\")\n";
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..9000);
    assert_eq!(file_lines(&dir.file("caller"), 9000).len(), 9000);
    daemon.stop();
    assert_eq!(file_lines(&dir.file("own"), 9000).len(), 9000);
}

#[test]
fn an_action_s_queue_keeps_every_tenth_message() {
    let dir = Dir::new();
    let config = "action(type=\"omfile\" file=\"{dir}/tenth\" template=\"m\" queue.type=\"LinkedList\" \
                  queue.samplingInterval=\"10\")\naction(type=\"omfile\" file=\"{dir}/all\" template=\"m\")\n";
    let (daemon, mut stream) = start(&dir, config);
    send(&mut stream, 1..101);
    stream.flush().unwrap();
    assert_eq!(file_lines(&dir.file("all"), 100).len(), 100);
    assert_eq!(file_lines(&dir.file("tenth"), 10), texts((1..101).filter(|i| i % 10 == 0)));
    daemon.stop();
}

/// Fewer messages than asked for stay in the queue, until more come or the daemon stops.
#[test]
fn an_action_s_queue_is_emptied_only_when_enough_has_come() {
    let dir = Dir::new();
    let config = "action(type=\"omfile\" file=\"{dir}/least\" template=\"m\" queue.type=\"LinkedList\" \
                  queue.minDequeueBatchSize=\"20\" queue.minDequeueBatchSize.timeout=\"600000\")\n\
                  action(type=\"omfile\" file=\"{dir}/all\" template=\"m\")\n";
    let (daemon, mut stream) = start(&dir, config);
    send(&mut stream, 0..15);
    assert_eq!(file_lines(&dir.file("all"), 15).len(), 15);
    assert!(!dir.file("least").exists(), "fifteen are not enough");
    send(&mut stream, 15..20);
    assert_eq!(file_lines(&dir.file("least"), 20), texts(0..20));
    send(&mut stream, 20..25);
    assert_eq!(file_lines(&dir.file("all"), 25).len(), 25);
    // What waits at the end is not kept waiting any more; omfile's own queue has ten milliseconds for it.
    daemon.stop();
    assert_eq!(file_lines(&dir.file("least"), 25), texts(0..25));
}

/// The queue is full and its destination stuck: with flow control a TCP sender is held back at the light mark and
/// nothing is dropped at once; without it everything that does not fit is.
#[test]
fn an_action_s_queue_takes_flow_control_from_the_messages() {
    for (on, dropped) in [("off", true), ("on", false)] {
        let dir = Dir::new();
        let port = crate::closed_port();
        let config = format!(
            "module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{{dir}}/stats\")\n\
             action(type=\"omfwd\" name=\"stuck\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" \
             action.resumeRetryCount=\"-1\" queue.type=\"FixedArray\" queue.size=\"1000\" \
             queue.lightDelayMark=\"500\" queue.timeoutEnqueue=\"0\" queue.takeFlowCtlFromMsg=\"{on}\")\n"
        );
        let (daemon, mut stream) = start(&dir, &config);
        send(&mut stream, 0..2000);
        let line = sysloom_tests::wait_for("a report of a queue that has got something", || {
            let stats = std::fs::read_to_string(dir.file("stats")).ok()?;
            let lines = stats.lines().filter(|line| line.contains(": stuck queue: "));
            lines.map(str::to_owned).find(|line| !line.contains(" size=0 "))
        });
        assert_eq!(!line.contains(" discarded.full=0 "), dropped, "{on}: {line}");
        drop(daemon);
    }
}

/// Nobody waits long for a full queue when global() says so for all queues of actions.
#[test]
fn global_sets_the_times_of_queues_that_say_nothing() {
    for (global, discards) in [("global(default.action.queue.timeoutEnqueue=\"0\")\n", true), ("", false)] {
        let dir = Dir::new();
        let port = crate::closed_port();
        let config = format!(
            "{global}module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{{dir}}/stats\")\n\
             action(type=\"omfwd\" name=\"stuck\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" \
             action.resumeRetryCount=\"-1\" queue.type=\"FixedArray\" queue.size=\"100\")\n"
        );
        let (daemon, mut stream) = start(&dir, &config);
        send(&mut stream, 0..1000);
        let line = sysloom_tests::wait_for("a report of a full queue", || {
            let stats = std::fs::read_to_string(dir.file("stats")).ok()?;
            let mut lines = stats.lines().filter(|line| line.contains(": stuck queue: "));
            lines.find(|line| line.contains(" size=100 ")).map(str::to_owned)
        });
        // At two seconds for each message, hardly any is dropped by then.
        let dropped: u32 =
            line.split(" discarded.full=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert_eq!(dropped > 500, discards, "{line}");
        drop(daemon);
    }
}
