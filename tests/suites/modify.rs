//! Actions that change messages: what follows them in the ruleset, and in rulesets that it calls, sees what they did.
//! Modules that rsyslog has too are compared with its own.

use nix::sys::signal::Signal;
use std::io::Write;
use std::net::TcpStream;
use sysloom_tests::{Daemon, Dir, Peer, cargo, check, file_lines, wait_for};

const TEMPLATE: &str =
    "template(name=\"all\" type=\"string\" string=\"%parsesuccess%|%$!%|%$.l%|%msg%\\n\")\n";

/// Actions, and what stands around them.
const BODIES: &[(&str, &str)] = &[
    ("usual", "action(type=\"mmjsonparse\")"),
    ("legacy", "*.* :mmjsonparse:"),
    ("bare", "action(type=\"mmjsonparse\" cookie=\"\" container=\"$!x!y\")"),
    (
        "local",
        "set $!a = \"old\"; action(type=\"mmjsonparse\" container=\"$.l\") action(type=\"mmjsonparse\" cookie=\"\")",
    ),
    (
        "scalar",
        "set $!x = \"old\"; set $!msg!in = 1; action(type=\"mmjsonparse\" container=\"$!x\") action(type=\"mmjsonparse\")",
    ),
    (
        "raw",
        "action(type=\"mmjsonparse\" cookie=\"<13>Oct 11 22:14:15 h su: @cee:\" useRawMsg=\"on\") set $.l = $parsesuccess;",
    ),
    ("blank", "action(type=\"mmrm1stspace\") set $.l = $msg; action(type=\"mmrm1stspace\")"),
    ("blankjson", "action(type=\"mmrm1stspace\") action(type=\"mmjsonparse\")"),
    (
        "inside",
        "if $msg contains \"a\" then { action(type=\"mmrm1stspace\") action(type=\"mmjsonparse\") }\nif $parsesuccess == \"OK\" then set $.l = \"yes\";",
    ),
    ("twice", "action(type=\"mmjsonparse\") action(type=\"mmjsonparse\" cookie=\"no\" container=\"$.l\")"),
];

const MESSAGES: &[&str] = &[
    "@cee: {\"a\":1}",
    "@cee:{\"a\":1}  ",
    "  @cee: {\"a\": {\"b\":[1,2.50,null,true]}}",
    "@cee: {\"a\":1} x",
    "@cee: [1]",
    "@cee: {a:1}",
    "@cee: {\"a\":1",
    "@cee:",
    "@cee: ",
    "{\"a\":2,\"c\":\"d\"}",
    "plain text",
    "@CEE: {\"a\":1}",
    "@cee: \"x\"",
    "@cee: null",
    "@cee: {}",
    "@cee: {'a':1}",
    "@cee: {\"a\":1,\"a\":2}",
    "@cee: {\"a\":1}{\"b\":2}",
    "",
    "  ",
    "@cee: {\"msg\":\"in\"}",
    "@cee: {\"a\":\"\\u00e9\\/\"}",
    "@cee: {\"a\":nan}",
    "@cee: {\"a\":\"\u{e9}\"}",
    "quotes \" and \\ and /",
];

fn send(port: u16, messages: &[&str]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for message in messages {
        stream.write_all(format!("<13>Oct 11 22:14:15 h su: {message}\n").as_bytes()).unwrap();
    }
}

/// What each body makes of the messages.
fn run(dir: &Dir, start: impl FnOnce(&Dir, &str, &str) -> Daemon, name: &str) -> Vec<Vec<String>> {
    let mut config = format!(
        "module(load=\"imtcp\")\nmodule(load=\"mmjsonparse\")\nmodule(load=\"mmrm1stspace\")\n{TEMPLATE}"
    );
    for (body, actions) in BODIES {
        config += &format!(
            "ruleset(name=\"{body}\") {{\n{actions}\naction(type=\"omfile\" file=\"{{dir}}/{name}.{body}\" template=\"all\") }}\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/{name}.{body}.port\" ruleset=\"{body}\")\n"
        );
    }
    let daemon = start(dir, name, &(config + "*.* /dev/null\n"));
    let found = BODIES.iter().map(|(body, _)| {
        send(daemon.port(&dir.file(&format!("{name}.{body}.port"))), MESSAGES);
        file_lines(&dir.file(&format!("{name}.{body}")), MESSAGES.len())
    });
    let found = found.collect();
    daemon.stop();
    found
}

#[test]
fn json_and_blanks_are_taken_as_rsyslogd_takes_them() {
    if !Peer::wanted("rsyslogd") {
        return;
    }
    let dir = Dir::new();
    let ours = run(&dir, Daemon::start, "ours");
    let theirs = run(&dir, Daemon::rsyslogd, "theirs");
    let mut differences = Vec::new();
    for ((body, _), (ours, theirs)) in BODIES.iter().zip(ours.iter().zip(&theirs)) {
        for (message, (ours, theirs)) in MESSAGES.iter().zip(ours.iter().zip(theirs)) {
            if ours != theirs {
                differences.push(format!("{message:?} with {body}:\n  ours   {ours}\n  theirs {theirs}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// What rsyslogd has from 8.2510 on.
#[test]
fn objects_are_found_in_other_text() {
    let body = format!(
        "action(type=\"mmjsonparse\" mode=\"find-json\")\nset $!success = $parsesuccess;\n\
         action(type=\"mmjsonparse\" mode=\"find-json\" allow_trailing=\"off\" container=\"$!strict\")\n{LOG}"
    );
    let messages = ["said {no} {\"a\": 1} and more", "{\"a\": {\"b\": 2}}", "nothing"];
    let (found, _) = collected("module(load=\"mmjsonparse\")\n", &body, &messages, 3, nothing);
    let trees: Vec<_> = found.iter().map(|line| line.rsplit('|').next().unwrap()).collect();
    assert_eq!(
        trees,
        [
            "{ \"a\": 1, \"success\": \"OK\", \"strict\": { \"msg\": \"said {no} {\\\"a\\\": 1} and more\" } }",
            "{ \"a\": { \"b\": 2 }, \"success\": \"OK\", \"strict\": { \"a\": { \"b\": 2 } } }",
            "{ \"msg\": \"nothing\", \"success\": \"FAIL\", \"strict\": { \"msg\": \"nothing\" } }",
        ]
    );
}

/// A collector with one ruleset of its own; what comes out of the messages, and what was said.
fn collected(
    lines: &str,
    body: &str,
    messages: &[&str],
    expected: usize,
    meanwhile: impl FnOnce(&Dir, &Daemon),
) -> (Vec<String>, String) {
    cargo(&["build", "-p", "sysloom-retouch"]);
    let dir = Dir::new();
    let config = format!(
        "module(load=\"imtcp\")\nmodule(load=\"retouch\")\n\
         template(name=\"t\" type=\"string\" string=\"%hostname%|%syslogtag%|%programname%|%procid%|%pri%|%timereported%|%msg%|%rawmsg%|%$!%\\n\")\n\
         {lines}ruleset(name=\"own\") {{\n{body}\n}}\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\" ruleset=\"own\")\n"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    send(daemon.port(&dir.file("port")), messages);
    let found = file_lines(&dir.file("log"), expected);
    meanwhile(&dir, &daemon);
    (found, daemon.stop())
}

fn nothing(_: &Dir, _: &Daemon) {}

const LOG: &str = "action(type=\"omfile\" file=\"{dir}/log\" template=\"t\")\n";

/// Every property that can be set, one action after the other; filters before and after look at the same properties.
const ALL: &str = "if $msg contains \"x\" and $hostname == \"h\" then set $!before = \"yes\";\n\
    set $!unseen = 1;\n\
    action(type=\"retouch\" set=\"msg\")\n\
    action(type=\"retouch\" set=\"hostname\" to=\"there\")\n\
    action(type=\"retouch\" set=\"syslogtag\" to=\"new[7]:\")\n\
    action(type=\"retouch\" set=\"pri\" to=\"165\")\n\
    action(type=\"retouch\" set=\"timereported\" to=\"2003-10-11T22:14:16Z\")\n\
    if $msg contains \"+1\" and $hostname == \"there\" then set $!after = \"yes\";\n\
    if prifilt(\"local4.notice\") then set $!pri = \"yes\";\n";

const CHANGED: &str = "there|new[7]:|new|7|165|Oct 11 22:14:16| x+1|<13>Oct 11 22:14:15 h su: x|\
    { \"before\": \"yes\", \"hups\": \"0\", \"calls\": 5, \"after\": \"yes\", \"pri\": \"yes\" }";

#[test]
fn whatever_can_be_changed_is_changed_for_what_follows() {
    let before = "action(type=\"omfile\" file=\"{dir}/before\" template=\"t\")\n";
    let (found, said) = collected("", &format!("{before}{ALL}{LOG}"), &["x", "x"], 2, |dir, _| {
        let unchanged = "h|su:|su|-|13|Oct 11 22:14:15| x|<13>Oct 11 22:14:15 h su: x|";
        assert_eq!(file_lines(&dir.file("before"), 2), [unchanged, unchanged]);
    });
    assert_eq!(found, [CHANGED, CHANGED]);
    assert_eq!(said, "");
}

/// Called rulesets, with and without a queue, get the message as it is then; what they change holds for the caller only
/// if it waited.
#[test]
fn changes_go_with_the_message_into_rulesets() {
    let lines = format!(
        "ruleset(name=\"inner\") {{ action(type=\"retouch\" set=\"msg\" to=\" inner\") }}\n\
         ruleset(name=\"queued\" queue.type=\"LinkedList\") {{\n{LOG} action(type=\"retouch\" set=\"msg\" to=\" queued\")\n{LOG} }}\n"
    );
    let body = format!(
        "{ALL}call queued\ncall inner\naction(type=\"omfile\" file=\"{{dir}}/caller\" template=\"t\")"
    );
    let caller = CHANGED.replace(" x+1|", " inner|").replace("\"calls\": 5", "\"calls\": 6");
    let queued = CHANGED.replace(" x+1|", " queued|").replace("\"calls\": 5", "\"calls\": 6");
    let (found, _) = collected(&lines, &body, &["x"], 2, |dir, _| {
        assert_eq!(file_lines(&dir.file("caller"), 1), [caller]);
    });
    assert_eq!(found, [CHANGED.to_owned(), queued]);
}

#[test]
fn complaints_and_panics_leave_the_message_alone() {
    let body = format!("action(type=\"retouch\" name=\"mine\" set=\"hostname\" to=\"there\")\n{LOG}");
    let messages = ["complain", "complain", "x", "panic", "x"];
    let (found, said) = collected("", &body, &messages, 5, nothing);
    let hosts: Vec<_> = found.iter().map(|line| line.split('|').next().unwrap()).collect();
    // One that has panicked is not called again.
    assert_eq!(hosts, ["h", "h", "there", "h", "h"]);
    assert_eq!(said.matches("action 'mine' (module 'retouch'): it is not to my taste").count(), 1, "{said}");
    assert!(said.contains("as asked for"), "{said}");
    let body = format!("action(type=\"retouch\" name=\"mine\" set=\"fromhost-ip\" to=\"there\")\n{LOG}");
    let (_, said) = collected("", &body, &["x"], 1, nothing);
    assert!(said.contains("action 'mine' (module 'retouch'): that cannot be set"), "{said}");
}

/// What one modification put into the message is a part of it for the next.
#[test]
fn one_modification_goes_on_from_another() {
    let body = format!(
        "action(type=\"retouch\" set=\"msg\" to=\"  much longer than the message was before\")\n\
         action(type=\"mmrm1stspace\")\naction(type=\"mmrm1stspace\")\naction(type=\"retouch\" set=\"msg\")\n\
         action(type=\"retouch\" set=\"parsesuccess\" to=\"OK\")\nset $!success = $parsesuccess;\n{LOG}"
    );
    let (found, _) = collected("module(load=\"mmrm1stspace\")\n", &body, &["x"], 1, nothing);
    let changed = "|much longer than the message was before+2|<13>Oct 11 22:14:15 h su: x|";
    assert!(found[0].contains(changed), "{}", found[0]);
    assert!(found[0].ends_with("\"success\": \"OK\" }"), "{}", found[0]);
}

/// It runs like any other action: every other time, and with a queue that it does not get.
#[test]
fn parameters_of_actions_hold() {
    let body = format!(
        "action(type=\"retouch\" set=\"msg\" to=\" changed\" action.execOnlyEveryNthTime=\"2\" queue.type=\"LinkedList\")\n{LOG}"
    );
    let (found, said) = collected("", &body, &["1", "2", "3", "4"], 4, nothing);
    let texts: Vec<_> = found.iter().map(|line| line.split('|').nth(6).unwrap()).collect();
    assert_eq!(texts, [" 1", " changed", " 3", " changed"]);
    assert!(said.contains("it gets no queue of its own"), "{said}");
    // A backup is for an output that failed, not for a modification.
    let body = format!(
        "action(type=\"retouch\" set=\"msg\" to=\" changed\")\n\
         action(type=\"omfile\" file=\"{{dir}}/backup\" template=\"t\" action.execOnlyWhenPreviousIsSuspended=\"on\")\n{LOG}"
    );
    let (found, _) = collected("", &body, &["1"], 1, |dir, _| assert!(!dir.file("backup").exists()));
    assert!(found[0].contains("| changed|"), "{}", found[0]);
}

#[test]
fn a_hup_is_told() {
    let body = format!("action(type=\"retouch\" set=\"msg\" to=\" changed\")\n{LOG}");
    collected("", &body, &["x"], 1, |dir, daemon| {
        daemon.signal(Signal::SIGHUP);
        let mut sent = 1;
        wait_for("a message after the HUP", || {
            send(daemon.port(&dir.file("port")), &["x"]);
            sent += 1;
            let lines = file_lines(&dir.file("log"), sent);
            lines.last().filter(|line| line.contains("\"hups\": \"1\"")).map(drop)
        });
    });
}

#[test]
fn mistakes_are_shown_at_their_places() {
    let dir = Dir::new();
    let lines = "module(load=\"mmjsonparse\")\naction(type=\"mmjsonparse\" container=\"x!y\")\n*.* /x\n";
    let said = check(&dir, lines).stderr;
    let text = "mmjsonparse: invalid container name 'x!y', name must start with either '$!', '$.', or '$/'";
    assert!(said.contains(text), "{said}");
    assert!(said.contains(":2:"), "{said}");
}

/// A ruleset that is called by omruleset gets the message with all that was made of it, whether it has a queue or not. The
/// action gets none.
#[test]
fn omruleset_hands_on_what_was_made_of_a_message() {
    const QUEUE: &str = "queue.type=\"LinkedList\"";
    for (of_ruleset, of_action) in [("", ""), (QUEUE, ""), ("", QUEUE), (QUEUE, QUEUE)] {
        let dir = Dir::new();
        let config = "module(load=\"imtcp\")\nmodule(load=\"omruleset\")\nmodule(load=\"mmrm1stspace\")\n\
            input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/port\" name=\"in\")\n\
            template(name=\"f\" type=\"string\" string=\"%$!%|%$.l%|%inputname%|%msg%|%timegenerated:::date-rfc3339%\\n\")\n\
            ruleset(name=\"other\" QUEUE) {\n\
            set $!c = \"there\";\naction(type=\"omfile\" file=\"{dir}/out\" template=\"f\")\n}\n\
            if $msg contains \"two\" then { set $!a!b = \"here\"; set $.l = \"local\"; action(type=\"mmrm1stspace\") }\n\
            action(type=\"omfile\" file=\"{dir}/first\" template=\"f\")\n\
            action(type=\"omruleset\" rulesetName=\"other\" OWN)\n";
        let config = config.replace("QUEUE", of_ruleset).replace("OWN", of_action);
        let daemon = Daemon::start(&dir, "server", &config);
        let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
        stream.write_all(b"<13>Oct  1 22:14:15 h app: one\n<13>Oct  1 22:14:15 h app: two\n").unwrap();
        let times = file_lines(&dir.file("first"), 2);
        let time = |row: usize| times[row].rsplit('|').next().unwrap();
        let expected = [
            format!("{{ \"c\": \"there\" }}||in| one|{}", time(0)),
            format!("{{ \"a\": {{ \"b\": \"here\" }}, \"c\": \"there\" }}|local|in|two|{}", time(1)),
        ];
        assert_eq!(file_lines(&dir.file("out"), 2), expected);
        let said = daemon.stop();
        assert_eq!(said.contains("it gets no queue of its own"), !of_action.is_empty(), "{said}");
    }
}
