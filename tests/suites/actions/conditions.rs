//! When actions run: fail-over chains, every n-th time, once in an interval; and where lost records go.

use crate::{closed_port, send, start, texts};
use sysloom_tests::{Dir, file_lines};

/// An action to nobody; what comes after it in a chain sees its failure.
fn dead(more: &str) -> String {
    let port = closed_port();
    format!(
        "action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" template=\"m\" \
         action.resumeRetryCount=\"0\" action.resumeInterval=\"600\" {more})\n"
    )
}

fn file(name: &str, more: &str) -> String {
    format!("action(type=\"omfile\" file=\"{{dir}}/{name}\" template=\"m\" {more})\n")
}

const BACKUP: &str = "action.execOnlyWhenPreviousIsSuspended=\"on\"";

#[test]
fn a_backup_gets_everything_that_the_dead_collector_does_not_and_the_backup_s_backup_nothing() {
    let dir = Dir::new();
    let config = dead("") + &file("first", BACKUP) + &file("second", BACKUP) + &file("all", "");
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..500);
    assert_eq!(file_lines(&dir.file("all"), 500), texts(0..500));
    assert_eq!(file_lines(&dir.file("first"), 500), texts(0..500));
    daemon.stop();
    assert!(!dir.file("second").exists());
}

#[test]
fn a_chain_goes_on_to_the_first_that_works() {
    let dir = Dir::new();
    let config = dead("") + &dead(BACKUP) + &file("third", BACKUP) + &file("all", "");
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..300);
    assert_eq!(file_lines(&dir.file("third"), 300), texts(0..300));
    assert_eq!(file_lines(&dir.file("all"), 300).len(), 300);
    daemon.stop();
}

#[test]
fn a_backup_of_what_works_or_has_a_queue_gets_nothing() {
    let dir = Dir::new();
    let config = file("works", "")
        + &file("one", BACKUP)
        + &dead("queue.type=\"LinkedList\"")
        + &file("two", BACKUP)
        + &file("all", "");
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..100);
    assert_eq!(file_lines(&dir.file("all"), 100).len(), 100);
    daemon.stop();
    assert_eq!(file_lines(&dir.file("works"), 100).len(), 100);
    assert!(!dir.file("one").exists() && !dir.file("two").exists());
}

#[test]
fn every_third_message() {
    let dir = Dir::new();
    let config = file("third", "action.execOnlyEveryNthTime=\"3\"") + &file("all", "");
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 1..101);
    assert_eq!(file_lines(&dir.file("all"), 100).len(), 100);
    daemon.stop();
    assert_eq!(file_lines(&dir.file("third"), 33), texts((1..101).filter(|i| i % 3 == 0)));
}

#[test]
fn once_in_an_interval() {
    let dir = Dir::new();
    let config = file("once", "action.execOnlyOnceEveryInterval=\"600\"") + &file("all", "");
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..50);
    assert_eq!(file_lines(&dir.file("all"), 50).len(), 50);
    daemon.stop();
    assert_eq!(file_lines(&dir.file("once"), 1), texts(0..1));
}

#[test]
fn lost_records_stand_in_the_error_file_up_to_its_size() {
    let dir = Dir::new();
    let line =
        |i: u32| format!("{{ \"action\": \"gone\", \"status\": -2007, \"template0\": \"number{i:04}\\n\" }}");
    let most = (line(0).len() + 1) * 3 + 5;
    let config = dead("name=\"gone\" action.errorFile=\"{dir}/errors\"")
        + &dead(&format!("action.errorFile=\"{{dir}}/few\" action.errorFile.maxSize=\"{most}\""))
        + &file("all", "");
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..20);
    assert_eq!(file_lines(&dir.file("all"), 20).len(), 20);
    daemon.stop();
    assert_eq!(file_lines(&dir.file("errors"), 20), (0..20).map(line).collect::<Vec<_>>());
    let few = std::fs::read(dir.file("few")).unwrap().len();
    assert!(few > 0 && few <= most, "{few} of {most} bytes");
}

/// The texts are rsyslog's, with its numbers and its time of the next try.
#[test]
fn suspension_and_resumption_are_said_and_counted_as_rsyslog_does() {
    let dir = Dir::new();
    let port = closed_port();
    let config = format!(
        "global(processInternalMessages=\"on\")\n\
         module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{{dir}}/stats\")\n\
         template(name=\"own\" type=\"string\" string=\"%syslogtag%%msg%\\n\")\n\
         if $inputname != \"imtcp\" then {{ action(type=\"omfile\" file=\"{{dir}}/own\" template=\"own\") stop }}\n\
         action(type=\"omfwd\" name=\"gone\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" \
         action.resumeInterval=\"1\" action.resumeRetryCount=\"0\")\n"
    );
    let (daemon, mut stream) = start(&dir, &config);
    let own = |text: &str| {
        sysloom_tests::wait_for(text, || {
            let said = std::fs::read_to_string(dir.file("own")).ok()?;
            said.lines().find(|line| line.contains(text)).map(str::to_owned)
        })
    };
    send(&mut stream, 0..1);
    let end = "There should be messages before this one giving the reason for suspension. [v";
    let first = own("retry 0.");
    assert!(
        first.contains(&format!("2007:action 'gone' suspended (module 'builtin:omfwd'), retry 0. {end}"))
    );
    let next = own("next retry is ");
    assert!(next.contains(&format!(", retry nbr 0. {end}")), "{next}");
    let date = next.split("next retry is ").nth(1).unwrap().split(',').next().unwrap();
    assert_eq!(date.split_whitespace().count(), 5, "{date}");
    let collector = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let resumed = sysloom_tests::wait_for("the action to come back", || {
        send(&mut stream, 1..2);
        let said = std::fs::read_to_string(dir.file("own")).ok()?;
        said.lines().find(|line| line.contains("resumed")).map(str::to_owned)
    });
    assert!(resumed.contains("2359:action 'gone' resumed (module 'builtin:omfwd') [v"), "{resumed}");
    let line = sysloom_tests::wait_for("a report of it", || {
        let stats = std::fs::read_to_string(dir.file("stats")).ok()?;
        stats.lines().find(|l| l.contains(": gone: ") && l.contains(" resumed=1 ")).map(str::to_owned)
    });
    assert!(line.contains(" suspended=1 suspended.duration=") && !line.contains("duration=0 "), "{line}");
    drop(collector);
    daemon.stop();
}

#[test]
fn a_file_of_somebody_else_s_suspends_an_action_until_it_says_otherwise() {
    let dir = Dir::new();
    dir.write("state", "SUSPENDED\n");
    let held = "action.externalState.file=\"{dir}/state\" action.resumeRetryCount=\"-1\" \
                action.resumeInterval=\"1\" queue.type=\"LinkedList\"";
    let config = file("held", held) + &file("all", "");
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..20);
    assert_eq!(file_lines(&dir.file("all"), 20).len(), 20);
    daemon.wait_stderr("the file of action.externalState.file says SUSPENDED");
    assert!(!dir.file("held").exists());
    dir.write("state", "READY\n");
    assert_eq!(file_lines(&dir.file("held"), 20), texts(0..20));
    daemon.stop();
}
