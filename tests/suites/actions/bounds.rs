//! Parameters of queues, each with a case that fails when it is ignored. What waits is held by a file that suspends the
//! action (`action.externalState.file`), and let go by the test.

use crate::{send, texts};
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use sysloom_tests::{Daemon, Diag, Dir, file_lines, wait_for};

/// An action with a queue that delivers nothing before [`release`]; beside it, `all` gets everything at once.
fn held(queue: &str) -> String {
    format!(
        "action(type=\"omfile\" name=\"held\" file=\"{{dir}}/held\" template=\"m\" \
         action.externalState.file=\"{{dir}}/state\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\" \
         queue.type=\"LinkedList\" {queue})\naction(type=\"omfile\" file=\"{{dir}}/all\" template=\"m\")\n"
    )
}

fn start(dir: &Dir, config: &str) -> (Daemon, TcpStream) {
    dir.write("state", "SUSPENDED\n");
    crate::start(dir, config)
}

fn release(dir: &Dir) {
    dir.write("state", "READY\n");
}

/// Numbered messages of a severity.
fn send_as(stream: &mut TcpStream, severity: u8, numbers: std::ops::Range<u32>) {
    let line = |i| format!("<{}>1 2026-11-23T01:02:03Z host app - - - number{i:04}\n", 8 + severity);
    stream.write_all(numbers.map(line).collect::<String>().as_bytes()).unwrap();
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap_or_default().lines().count()
}

#[test]
fn from_the_discard_mark_on_only_urgent_messages_are_taken() {
    let dir = Dir::new();
    let (daemon, mut stream) =
        start(&dir, &held("queue.size=\"1000\" queue.discardMark=\"50\" queue.discardSeverity=\"5\""));
    send_as(&mut stream, 5, 0..100);
    send_as(&mut stream, 4, 100..120);
    send_as(&mut stream, 6, 120..130);
    assert_eq!(file_lines(&dir.file("all"), 130).len(), 130);
    release(&dir);
    assert_eq!(file_lines(&dir.file("held"), 70), texts((0..50).chain(100..120)));
    daemon.stop();
    assert_eq!(lines(&dir.file("held")), 70);
}

/// What the statistics say last of an object's counter.
fn counted(dir: &Dir, object: &str, counter: &str) -> Option<u64> {
    let stats = std::fs::read_to_string(dir.file("stats")).ok()?;
    let line = stats.lines().rfind(|line| line.contains(&format!(": {object}: ")))?;
    line.split(&format!(" {counter}=")).nth(1)?.split(' ').next()?.parse().ok()
}

const STATS: &str = "module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{dir}/stats\")\n";

#[test]
fn a_batch_is_no_larger_than_it_may_be() {
    let dir = Dir::new();
    let (daemon, mut stream) = start(&dir, &(STATS.to_owned() + &held("queue.dequeueBatchSize=\"7\"")));
    send(&mut stream, 0..70);
    assert_eq!(file_lines(&dir.file("all"), 70).len(), 70);
    release(&dir);
    assert_eq!(file_lines(&dir.file("held"), 70), texts(0..70));
    let batches = wait_for("a report of all", || {
        counted(&dir, "held", "processed").filter(|n| *n == 70)?;
        counted(&dir, "held", "batchesprocessed")
    });
    assert!((10..=70).contains(&batches), "{batches}");
    daemon.stop();
}

#[test]
fn a_queue_can_be_slowed_down_for_each_message() {
    let dir = Dir::new();
    let slow = "action(type=\"omfile\" file=\"{dir}/slow\" template=\"m\" queue.type=\"LinkedList\" \
                queue.dequeueSlowdown=\"30000\" queue.dequeueBatchSize=\"1\")\n";
    let (daemon, mut stream) = start(&dir, slow);
    let before = Instant::now();
    send(&mut stream, 0..40);
    assert_eq!(file_lines(&dir.file("slow"), 40), texts(0..40));
    // The last one's pause comes after it.
    assert!(before.elapsed() >= Duration::from_millis(39 * 30), "{:?}", before.elapsed());
    daemon.stop();
}

#[test]
fn a_queue_is_worked_on_in_its_hours_only() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3600 % 24;
    for (begin, end, works) in [(now, now + 2, true), (now + 3, now + 5, false)] {
        let dir = Dir::new();
        let config = format!(
            "module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n\
             template(name=\"m\" type=\"string\" string=\"%msg%\\n\")\n\
             action(type=\"omfile\" file=\"{{dir}}/timed\" template=\"m\" queue.type=\"LinkedList\" \
             queue.dequeueTimeBegin=\"{}\" queue.dequeueTimeEnd=\"{}\")\n\
             action(type=\"omfile\" file=\"{{dir}}/all\" template=\"m\")\n",
            begin % 24,
            end % 24
        );
        let daemon = Daemon::start_with(&dir, "server", &config, |command| {
            command.env("TZ", "UTC");
        });
        let mut stream = sysloom_tests::connect(daemon.port(&dir.file("port")));
        send(&mut stream, 0..20);
        assert_eq!(file_lines(&dir.file("all"), 20).len(), 20);
        match works {
            true => assert_eq!(file_lines(&dir.file("timed"), 20).len(), 20),
            false => {
                // A worker that does not keep to its hours delivers these before the next ones are at hand.
                send(&mut stream, 20..40);
                assert_eq!(file_lines(&dir.file("all"), 40).len(), 40);
                assert_eq!(lines(&dir.file("timed")), 0);
            }
        }
        daemon.stop();
    }
}

/// Threads of queues of actions.
fn workers(daemon: &Daemon) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", daemon.pid())).unwrap().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("aq")).count()
}

#[test]
fn workers_come_with_the_messages_and_go_when_there_is_nothing_to_do() {
    let many = "queue.workerThreads=\"4\" queue.workerThreadMinimumMessages=\"10\" queue.dequeueBatchSize=\"5\" \
                queue.timeoutWorkerThreadShutdown=\"300\"";
    let dir = Dir::new();
    let (daemon, mut stream) = start(&dir, &held(many));
    send(&mut stream, 0..100);
    wait_for("four workers", || (workers(&daemon) == 4).then_some(()));
    release(&dir);
    assert_eq!(file_lines(&dir.file("held"), 100).len(), 100);
    wait_for("all but one to go", || (workers(&daemon) <= 1).then_some(()));
    send(&mut stream, 100..110);
    assert_eq!(file_lines(&dir.file("held"), 110).len(), 110);
    daemon.stop();
    // Nobody else comes for fewer messages than that.
    let few = many.replace("\"10\"", "\"500\"");
    let dir = Dir::new();
    let (daemon, mut stream) = start(&dir, &held(&few));
    send(&mut stream, 0..100);
    assert_eq!(file_lines(&dir.file("all"), 100).len(), 100);
    assert_eq!(workers(&daemon), 1);
    release(&dir);
    assert_eq!(file_lines(&dir.file("held"), 100), texts(0..100));
    daemon.stop();
}

#[test]
fn a_small_batch_waits_as_long_as_it_is_told() {
    let dir = Dir::new();
    let config = "action(type=\"omfile\" file=\"{dir}/late\" template=\"m\" queue.type=\"LinkedList\" \
                  queue.minDequeueBatchSize=\"100\" queue.minDequeueBatchSize.timeout=\"2500\")\n";
    let (daemon, mut stream) = start(&dir, config);
    let before = Instant::now();
    send(&mut stream, 0..5);
    assert_eq!(file_lines(&dir.file("late"), 5), texts(0..5));
    assert!(before.elapsed() >= Duration::from_millis(2400), "{:?}", before.elapsed());
    daemon.stop();
}

/// A sender that can be held for long waits exactly at the mark, and goes on when there is room.
#[test]
fn the_full_delay_mark_holds_a_sender() {
    let dir = Dir::new();
    dir.write("state", "SUSPENDED\n");
    let config = format!(
        "global(processInternalMessages=\"off\")\n{STATS}main_queue(queue.size=\"1000\" queue.fullDelayMark=\"100\")\n\
         template(name=\"m\" type=\"string\" string=\"%msg%\\n\")\n\
         if $msg contains \"msgnum\" then action(type=\"omfile\" file=\"{{dir}}/held\" template=\"m\" \
         action.externalState.file=\"{{dir}}/state\" action.resumeRetryCount=\"-1\" action.resumeInterval=\"1\")\n"
    );
    let mut daemon = Diag::start_with(&dir, "injectdelaymode=\"full\"", &config, |_| {});
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| daemon.say("injectmsg 0 500"));
        wait_for("the queue to be at its mark", || counted(&dir, "main Q", "size").filter(|n| *n == 100));
        assert!(!sender.is_finished());
        release(&dir);
        assert_eq!(sender.join().unwrap(), "500 messages injected");
    });
    assert_eq!(file_lines(&dir.file("held"), 500).len(), 500);
    wait_for("a report of the end", || counted(&dir, "main Q", "size").filter(|n| *n == 0));
    assert_eq!(counted(&dir, "main Q", "maxqsize"), Some(100));
    assert!(daemon.stop().success());
}

/// Each worker of a queue has a worker object of the output's own: here, a connection.
#[test]
fn workers_share_no_connection_and_together_lose_nothing() {
    let dir = Dir::new();
    let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    collector.set_nonblocking(true).unwrap();
    let port = collector.local_addr().unwrap().port();
    let config = format!(
        "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" template=\"m\" \
         queue.type=\"LinkedList\" queue.workerThreads=\"3\" queue.workerThreadMinimumMessages=\"1\" \
         queue.dequeueBatchSize=\"1\" queue.dequeueSlowdown=\"2000\" queue.timeoutShutdown=\"20000\")\n"
    );
    let (daemon, mut stream) = crate::start(&dir, &config);
    send(&mut stream, 0..300);
    let mut readers = Vec::new();
    for _ in 0..3 {
        let (mut taken, _) = wait_for("a worker's connection", || collector.accept().ok());
        taken.set_nonblocking(false).unwrap();
        readers.push(std::thread::spawn(move || {
            let mut text = String::new();
            std::io::Read::read_to_string(&mut taken, &mut text).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        }));
    }
    daemon.stop();
    let shares: Vec<Vec<String>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    assert!(shares.iter().all(|share| share.is_sorted() && !share.is_empty()), "{shares:?}");
    let mut all = shares.concat();
    all.sort();
    assert_eq!(all, texts(0..300));
}

/// What does not fit waits for room and is split; each piece is delivered once, in order.
#[test]
fn a_small_queue_delivers_what_it_took_in_pieces() {
    let dir = Dir::new();
    let (daemon, mut stream) = start(
        &dir,
        &held("queue.size=\"100\" queue.timeoutEnqueue=\"600000\" queue.dequeueBatchSize=\"37\""),
    );
    send(&mut stream, 0..1000);
    release(&dir);
    assert_eq!(file_lines(&dir.file("held"), 1000), texts(0..1000));
    daemon.stop();
    assert_eq!(lines(&dir.file("held")), 1000);
}
