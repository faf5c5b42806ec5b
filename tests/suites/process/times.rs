//! The time-outs of a shutdown: what they leave time for is delivered, what they do not is counted, and the daemon ends
//! when they are over.

use std::fs::File;
use std::time::{Duration, Instant};
use sysloom_tests::{Diag, Dir, wait_for};

/// What came of a shutdown with so many messages waiting for an output that is slow.
struct End {
    /// Numbers of the messages that were delivered.
    delivered: Vec<usize>,
    /// How many the daemon said were lost.
    lost: usize,
    took: Duration,
}

/// Injects `n` messages, of which each takes `micros`, and stops the daemon at once; `queue` goes to the main queue or to
/// the action's.
fn end(n: usize, micros: u32, main: &str, own: &str) -> End {
    let dir = Dir::new();
    let config = format!(
        "global(processInternalMessages=\"off\")\nmain_queue({main})\nmodule(load=\"omtesting\")\n\
         template(name=\"n\" type=\"string\" string=\"%msg:F,58:2%\\n\")\n\
         if $msg contains \"msgnum\" then action(type=\"omtesting\" name=\"slow\" command=\"sleep 0 {micros}\" \
         template=\"n\" echoStdout=\"on\" {own})\n"
    );
    let (stdout, stderr) = (dir.file("stdout"), dir.file("X.stderr"));
    let to = stdout.clone();
    let mut daemon = Diag::start_with(&dir, "", &config, move |command| {
        command.stdout(File::create(to).unwrap());
    });
    assert_eq!(daemon.say(&format!("injectmsg 0 {n}")), format!("{n} messages injected"));
    wait_for("the first message", || std::fs::metadata(&stdout).ok().filter(|m| m.len() > 0));
    let before = Instant::now();
    assert!(daemon.stop_now().success());
    let took = before.elapsed();
    let said = std::fs::read_to_string(stderr).unwrap();
    let lost = said.lines().find(|line| line.contains("message(s) in queue"));
    let lost = lost.map_or(0, |line| line.split_whitespace().nth(1).unwrap().parse().unwrap());
    let text = std::fs::read_to_string(stdout).unwrap();
    End { delivered: text.lines().map(|n| n.parse().unwrap()).collect(), lost, took }
}

const MAIN: &str = "queue.size=\"50000\"";

#[test]
fn what_there_is_time_for_is_delivered() {
    let long = "queue.timeoutShutdown=\"60000\"";
    for (main, own) in [(long, ""), (MAIN, "queue.type=\"LinkedList\" queue.timeoutShutdown=\"60000\"")] {
        let end = end(300, 5_000, main, own);
        assert_eq!(end.delivered, (0..300).collect::<Vec<_>>(), "{main} {own}");
        assert_eq!(end.lost, 0);
        assert!(end.took >= Duration::from_secs(1), "{:?}", end.took);
    }
}

#[test]
fn a_queue_whose_time_is_over_finishes_its_batch_and_says_what_is_lost() {
    let short =
        "queue.timeoutShutdown=\"500\" queue.timeoutActionCompletion=\"5000\" queue.dequeueBatchSize=\"50\"";
    let own = format!("queue.type=\"LinkedList\" queue.size=\"5000\" {short}");
    for (main, own) in [(short, ""), (MAIN, own.as_str())] {
        let end = end(4000, 5_000, main, own);
        let n = end.delivered.len();
        assert_eq!(end.delivered, (0..n).collect::<Vec<_>>(), "{main} {own}");
        // All would take twenty seconds, a batch a quarter of one.
        assert!(n.is_multiple_of(50) && (100..3000).contains(&n), "{n} of {main} {own}");
        assert_eq!(end.lost, 4000 - n, "{main} {own}");
        assert!(
            end.took >= Duration::from_millis(500) && end.took < Duration::from_secs(6),
            "{:?}",
            end.took
        );
    }
}

/// Batches of four seconds: they are finished if queue.timeoutActionCompletion allows, and left alone if not.
#[test]
fn the_batch_at_hand_gets_its_time_and_no_more() {
    for (completion, whole) in [("20000", true), ("1", false)] {
        let main = format!(
            "queue.timeoutShutdown=\"200\" queue.timeoutActionCompletion=\"{completion}\" \
             queue.dequeueBatchSize=\"400\" queue.minDequeueBatchSize=\"400\""
        );
        let end = end(2000, 10_000, &main, "");
        let n = end.delivered.len();
        assert_eq!(end.delivered, (0..n).collect::<Vec<_>>());
        assert_eq!(n == 400, whole, "{n} with {completion}");
        let limit = if whole { 8_000 } else { 3_500 };
        assert!(end.took < Duration::from_millis(limit), "{:?} with {completion}", end.took);
        // What was at hand counts as lost when it was not waited for.
        assert_eq!(end.lost, if whole { 1600 } else { 2000 });
    }
}
