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
