//! What plugins do to one message. Parser chains of rulesets: plugins and the engine's own parsers in any order, compared with rsyslogd's where it has
//! the same, and what only we have. String generators: templates that a plugin writes.

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use sysloom_tests::{Daemon, Dir, Peer, cargo, check, file_lines, port::free_port, wait_for};

/// Messages of all sorts, one a line.
const MESSAGES: &[&str] = &[
    "<13>last message repeated 3 times",
    "<13>  last message repeated 12 times",
    "<13>Last Message Repeated 3 Times",
    "<13>last message repeated 3 times x",
    "<13>last message repeated  times",
    "<13>last message repeated 3 times ",
    "last message repeated 3 times",
    "<34>Oct 11 22:14:15 mymachine su: hello",
    "<34>Oct 11 22:14:15 2024 mymachine su: hello",
    "<34>Oct 11 22:14:15 [::1] su: hello",
    "<34>Oct 11 22:14:15 [my] su: hello",
    "<34>Oct 11 22:14:15 a/b su: hello",
    "<34>Oct 11 22:14:15 a@b su: hello",
    "<34>Oct 11 22:14:15 host no colon here",
    "<34>Oct 11 22:14:15 host su[12]: hello",
    "<34>Oct 11 22:14:15 host su:hello",
    "<34>1 2003-10-11T22:14:15.003Z m.example.com su 7 ID47 - BOM",
    "<34>1 - - - - - -",
    "no header at all",
    "<999>bad PRI",
    "{\"a\": 1}",
    "<13>",
];

const TEMPLATE: &str = "template(name=\"all\" type=\"string\" string=\"[%hostname%|%syslogtag%|%msg%|%rawmsg%|%pri%|\
    %programname%|%app-name%|%procid%|%msgid%|%timereported:::date-rfc3339%]\\n\")\n";

/// Rulesets with their own parsers, and what stands before them.
const CHAINS: &[(&str, &str)] = &[
    ("last", "parser=[\"rsyslog.lastline\",\"rsyslog.rfc5424\",\"rsyslog.rfc3164\"]"),
    ("order", "parser=[\"rsyslog.rfc3164\",\"rsyslog.lastline\"]"),
    ("one", "parser=\"rsyslog.rfc3164\""),
    ("year", "parser=[\"rsyslog.rfc5424\",\"year\"]"),
    ("brackets", "parser=\"brackets\""),
    ("slashes", "parser=\"slashes\""),
    ("at", "parser=\"at\""),
    ("colon", "parser=\"colon\""),
    ("space", "parser=\"space\""),
];

const PARSERS: &str = "module(load=\"pmlastmsg\")\n\
    parser(name=\"year\" type=\"pmrfc3164\" detect.yearAfterTimestamp=\"on\")\n\
    parser(name=\"brackets\" type=\"pmrfc3164\" permit.squareBracketsInHostname=\"on\")\n\
    parser(name=\"slashes\" type=\"pmrfc3164\" permit.slashesInHostname=\"on\")\n\
    parser(name=\"at\" type=\"pmrfc3164\" permit.atSignsInHostname=\"on\")\n\
    parser(name=\"colon\" type=\"pmrfc3164\" force.tagEndingByColon=\"on\")\n\
    parser(name=\"space\" type=\"pmrfc3164\" remove.msgFirstSpace=\"on\")\n";

/// Parsers, rulesets that use them, and messages for these.
struct Case {
    parsers: &'static str,
    chains: &'static [(&'static str, &'static str)],
    messages: &'static [&'static str],
}

/// What each ruleset makes of the messages.
fn run(
    dir: &Dir,
    start: impl FnOnce(&Dir, &str, &str) -> Daemon,
    name: &str,
    case: &Case,
) -> Vec<Vec<String>> {
    let Case { parsers, chains, messages } = case;
    let mut config = format!("module(load=\"imtcp\")\n{parsers}{TEMPLATE}");
    for (chain, parsers) in *chains {
        config += &format!(
            "ruleset(name=\"{chain}\" {parsers}) {{ action(type=\"omfile\" file=\"{{dir}}/{name}.{chain}\" template=\"all\") }}\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/{name}.{chain}.port\" ruleset=\"{chain}\")\n"
        );
    }
    let daemon = start(dir, name, &(config + "*.* /dev/null\n"));
    let found = chains.iter().map(|(chain, _)| {
        send(daemon.port(&dir.file(&format!("{name}.{chain}.port"))), messages);
        let lines = file_lines(&dir.file(&format!("{name}.{chain}")), messages.len());
        lines.into_iter().map(|line| without_reception(&line)).collect()
    });
    let found = found.collect();
    daemon.stop();
    found
}

fn send(port: u16, messages: &[&str]) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    for message in messages {
        stream.write_all(format!("{message}\n").as_bytes()).unwrap();
    }
}

const IOS: &str = "module(load=\"pmciscoios\")\n\
    timezone(id=\"CET\" offset=\"+01:00\")\ntimezone(id=\"EST\" offset=\"-05:00\")\n\
    parser(name=\"plain\" type=\"pmciscoios\")\n\
    parser(name=\"origin\" type=\"pmciscoios\" present.origin=\"on\")\n\
    parser(name=\"xr\" type=\"pmciscoios\" present.xr=\"on\")\n";

const IOS_CHAINS: &[(&str, &str)] = &[
    ("plain", "parser=[\"plain\",\"rsyslog.rfc3164\"]"),
    ("origin", "parser=[\"origin\",\"rsyslog.rfc3164\"]"),
    ("xr", "parser=[\"xr\",\"rsyslog.rfc3164\"]"),
    ("usual", "parser=[\"rsyslog.ciscoios\",\"rsyslog.rfc3164\"]"),
];

const IOS_MESSAGES: &[&str] = &[
    "<187>148: *Nov 16 14:07:58.266: %LINEPROTO-5-UPDOWN: Line protocol on Interface Gi0/1, changed state to up",
    "<187>148: .Nov 16 14:07:58: %SYS-5-CONFIG_I: Configured",
    "<187>148: Nov 16 14:07:58 CET: %SYS-5-CONFIG_I: Configured",
    "<187>148: Nov 16 14:07:58.266 EST: %SYS-5-CONFIG_I: Configured",
    "<187>148: Nov 16 14:07:58.266 XYZ: %SYS-5-CONFIG_I: Configured",
    "<187>148: Nov 16 14:07:58.266 cet: %SYS-5-CONFIG_I: Configured",
    "<187>148: Nov 16 14:07:58.266 A1: %SYS-5-CONFIG_I: Configured",
    "<187>148: Nov 16 2019 14:07:58.266 CET: %SYS-5-CONFIG_I: Configured",
    "<187>148: router: *Nov 16 14:07:58.266: %A-5-B: text",
    "<187>148: 192.0.2.1: *Nov 16 14:07:58.266 CET: %A-5-B: text",
    "<187>148: RP/0/RSP0/CPU0:Nov 16 14:07:58.266 : config[65]: %MGBL-SYS-5-CONFIG_I : Configured from console",
    "<187>148: RP/0/RSP0/CPU0:Nov 16 14:07:58.266 CET: config[65]: %MGBL-SYS-5-CONFIG_I : text",
    "<187>148: RP/0/RSP0/CPU0:Nov 16 14:07:58.266: config[65]: %MGBL-SYS-5-CONFIG_I: text",
    "<187>148: *Nov 16 14:07:58.266: %A-5-B: ",
    "<187>148: *Nov 16 14:07:58.266: %A-5-B: text",
    "<187>: *Nov 16 14:07:58.266: %A-5-B: text",
    "<187>148: %A-5-B: text",
    "<187>148:  *Nov 16 14:07:58.266: %A-5-B: text",
    "<187>148: *Nov 16 14:07:58.266 %A-5-B: text",
    "<187>148: *Nov 16 14:07:58.266: %A: text",
    "<187>148: *Nov 16 14:07:58.266: %A B: text",
    "<187>148: *Nov 16 14:07:58.266: %A:text: x",
    "<187>148 *Nov 16 14:07:58.266: %A-5-B: text",
];

/// A time of this run is not compared; one of the message is.
fn without_reception(line: &str) -> String {
    let (head, time) = line.rsplit_once('|').unwrap();
    if time.contains('.') && !time.contains(".003") { format!("{head}|now") } else { line.to_owned() }
}

#[test]
fn chains_do_as_rsyslogds() {
    compare(&Case { parsers: PARSERS, chains: CHAINS, messages: MESSAGES });
}

#[test]
fn ciscos_messages_are_read_as_rsyslogd_reads_them() {
    compare(&Case { parsers: IOS, chains: IOS_CHAINS, messages: IOS_MESSAGES });
}

fn compare(case: &Case) {
    if !Peer::wanted("rsyslogd") {
        return;
    }
    let dir = Dir::new();
    let ours = run(&dir, Daemon::start, "ours", case);
    let theirs = run(&dir, Daemon::rsyslogd, "theirs", case);
    let mut differences = Vec::new();
    for ((chain, _), (ours, theirs)) in case.chains.iter().zip(ours.iter().zip(&theirs)) {
        for (message, (ours, theirs)) in case.messages.iter().zip(ours.iter().zip(theirs)) {
            if ours != theirs && !BETTER.contains(&(*chain, *message)) {
                differences.push(format!("{message:?} with {chain}:\n  ours   {ours}\n  theirs {theirs}"));
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// rsyslogd goes back too far where there is no tag, and puts the end of the PRI into the text; and of IOS XR it wants blanks
/// before colons.
const BETTER: &[(&str, &str)] = &[
    ("colon", "<13>  last message repeated 12 times"),
    ("colon", "<13>"),
    ("xr", "<187>148: RP/0/RSP0/CPU0:Nov 16 14:07:58.266: config[65]: %MGBL-SYS-5-CONFIG_I: text"),
];

/// A collector with one ruleset of its own parsers; what comes out of the messages.
fn collected(lines: &str, chain: &str, messages: &[&str], expected: usize) -> (Dir, Vec<String>, String) {
    let dir = Dir::new();
    let config = format!(
        "module(load=\"imtcp\")\n{lines}\
         template(name=\"t\" type=\"string\" string=\"%hostname%|%syslogtag%|%pri%|%msg%|%rawmsg%\\n\")\n{chain}\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\" ruleset=\"own\")\n\
         if $inputname == \"imtcp\" then action(type=\"omfile\" file=\"{{dir}}/default\" template=\"t\")\n"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    send(daemon.port(&dir.file("port")), messages);
    let lines = file_lines(&dir.file("log"), expected);
    let said = daemon.stop();
    (dir, lines, said)
}

const OWN: &str = "action(type=\"omfile\" file=\"{dir}/log\" template=\"t\")";

#[test]
fn a_parser_that_parses_nothing() {
    let lines = "module(load=\"pmnull\")\n\
        parser(name=\"raw\" type=\"pmnull\" tag=\"raw:\" syslogfacility=\"local0\" syslogseverity=\"info\")\n";
    let chain = format!("ruleset(name=\"own\" parser=\"raw\") {{ {OWN} }}");
    let text = "<34>Oct 11 22:14:15 h su: x";
    let (_, found, _) = collected(lines, &chain, &[text], 1);
    assert_eq!(found, [format!("localhost|raw:|134|{text}|{text}")]);
    // By its own name, without a parser() object; and by the directive, which begins the ruleset's own chain.
    let chain =
        format!("$RuleSet own\n$RulesetParser rsyslog.pmnull\n{OWN}\n$RuleSet RSYSLOG_DefaultRuleset");
    let (_, found, _) = collected("module(load=\"pmnull\")\n", &chain, &[text], 1);
    assert_eq!(found, [format!("localhost||13|{text}|{text}")]);
}

#[test]
fn what_no_parser_takes_is_dropped_and_said() {
    let chain = format!("ruleset(name=\"own\" parser=\"rsyslog.lastline\") {{ {OWN} }}");
    let messages = ["<13>Oct 11 22:14:15 h su: x", "<13>last message repeated 2 times"];
    let (_, found, said) = collected("module(load=\"pmlastmsg\")\n", &chain, &messages, 1);
    assert_eq!(found, ["localhost||13|last message repeated 2 times|<13>last message repeated 2 times"]);
    assert_eq!(said.matches("could not be processed by any parser").count(), 1, "{said}");
    assert!(said.contains("(start of raw msg: '<13>Oct 11 22:14:15 h su: x')"), "{said}");
    assert!(said.contains("/e/2160"), "{said}");
}

/// A sender of nothing but such messages does not fill the log: 999 are shown, as in rsyslogd.
#[test]
fn what_no_parser_takes_is_not_said_for_ever() {
    let chain = format!("ruleset(name=\"own\" parser=\"rsyslog.lastline\") {{ {OWN} }}");
    let mut messages = vec!["<13>Oct 11 22:14:15 h su: x"; 1200];
    messages.push("<13>last message repeated 2 times");
    let (_, _, said) = collected("module(load=\"pmlastmsg\")\n", &chain, &messages, 1);
    assert_eq!(said.matches("could not be processed by any parser").count(), 999);
}

#[test]
fn messages_without_a_header_go_where_they_are_sent() {
    let messages = ["no header", "<13>Oct 11 22:14:15 h su: x", "{\"a\": 1}"];
    let lines = "ruleset(name=\"bare\") { action(type=\"omfile\" file=\"{dir}/bare\" template=\"t\") }\n\
        parser(name=\"p\" type=\"pmrfc3164\" detect.headerless=\"on\" headerless.hostname=\"nobody\" headerless.tag=\"bare:\"\
        headerless.ruleset=\"bare\" headerless.errorFile=\"{dir}/copies\")\n";
    let lines = format!(
        "template(name=\"t\" type=\"string\" string=\"%hostname%|%syslogtag%|%pri%|%msg%|%rawmsg%\\n\")\n{lines}"
    );
    let chain = format!("ruleset(name=\"own\" parser=\"p\") {{ {OWN} }}");
    let chain = chain + "\n";
    let dir = Dir::new();
    let config = format!(
        "module(load=\"imtcp\")\n{lines}{chain}\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\" ruleset=\"own\")\n"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    send(daemon.port(&dir.file("port")), &messages);
    assert_eq!(file_lines(&dir.file("log"), 1), ["h|su:|13| x|<13>Oct 11 22:14:15 h su: x"]);
    // rsyslog: what looks like host and tag counts all the same.
    let bare = file_lines(&dir.file("bare"), 2);
    assert_eq!(bare, ["no|header|13||no header", "nobody|bare:|13|{\"a\": 1}|{\"a\": 1}"]);
    assert_eq!(file_lines(&dir.file("copies"), 2), ["no header", "{\"a\": 1}"]);
    // A HUP opens the file of copies anew.
    std::fs::rename(dir.file("copies"), dir.file("rotated")).unwrap();
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    let mut sent = 0;
    wait_for("the new file", || {
        sent += 1;
        send(daemon.port(&dir.file("port")), &["{}"]);
        file_lines(&dir.file("bare"), 2 + sent);
        Path::new(&dir.file("copies")).exists().then_some(())
    });
    daemon.stop();

    let lines = "parser(name=\"p\" type=\"pmrfc3164\" detect.headerless=\"on\" headerless.drop=\"on\")\n";
    let (_, found, said) = collected(lines, &chain, &messages, 1);
    assert_eq!((found.len(), said.as_str()), (1, ""));
}

/// A ruleset without parsers of its own takes the default chain, also when another one has some.
#[test]
fn a_chain_is_its_rulesets_own() {
    let lines = "module(load=\"pmnull\")\nruleset(name=\"other\" parser=\"rsyslog.pmnull\") { stop }\n";
    let chain = format!("ruleset(name=\"own\" queue.type=\"LinkedList\") {{ {OWN} }}");
    let (_, found, _) = collected(lines, &chain, &["<13>Oct 11 22:14:15 h su: x"], 1);
    assert_eq!(found, ["h|su:|13| x|<13>Oct 11 22:14:15 h su: x"]);
}

#[test]
fn mistakes_are_shown_at_their_places() {
    let dir = Dir::new();
    let said = check(&dir, "ruleset(name=\"r\" parser=\"nonsense\") { stop }\n*.* /x\n");
    assert!(said.stderr.contains("parser 'nonsense' unknown at this time"), "{}", said.stderr);
    assert!(said.stderr.contains(":1:25") || said.stderr.contains(":1:26"), "{}", said.stderr);
    let lines = "parser(name=\"p\" type=\"pmrfc3164\" detect.headerless=\"on\" headerless.ruleset=\"nowhere\")\n\
        ruleset(name=\"r\" parser=\"p\") { stop }\n*.* /x\n";
    let said = check(&dir, lines);
    assert!(said.stderr.contains("ruleset 'nowhere' cannot be found"), "{}", said.stderr);
}

#[test]
fn a_plugin_writes_a_template() {
    cargo(&["build", "-p", "sysloom-phrase"]);
    let lines = "module(load=\"phrase\" verb=\"said\")\n\
        template(name=\"new\" type=\"plugin\" plugin=\"phrase\")\n$template old,=phrase\n\
        template(name=\"usual\" type=\"plugin\" plugin=\"RSYSLOG_TraditionalForwardFormat\")\n";
    let chain = "template(name=\"all\" type=\"string\" string=\"%$.new%|%$.old%|%$.usual%\\n\")\n\
        ruleset(name=\"own\") {\n if $msg contains \"why\" then set $!why = \"because\";\n\
        set $.new = exec_template(\"new\"); set $.old = exec_template(\"old\");\n\
        set $.usual = exec_template(\"usual\");\n\
        action(type=\"omfile\" file=\"{dir}/log\" template=\"all\") }";
    let messages =
        ["<13>Oct 11 22:14:15 h su: x", "<13>Oct 11 22:14:15 h su: why", "<13>Oct 11 22:14:15 h su: panic"];
    let (_, found, said) = collected(lines, chain, &messages, 3);
    assert_eq!(found[0], "h said x|h said x|<13>Oct 11 22:14:15 h su: x");
    assert_eq!(found[1], "h said why (because)|h said why (because)|<13>Oct 11 22:14:15 h su: why");
    // A generator that has panicked writes nothing more, and everything else goes on.
    assert_eq!(found[2], "||<13>Oct 11 22:14:15 h su: panic");
    assert!(said.contains("as asked for"), "{said}");
    let dir = Dir::new();
    let said = check(&dir, "template(name=\"t\" type=\"plugin\" plugin=\"nonsense\")\n*.* /x;t\n");
    assert!(said.stderr.contains("there is no string generator 'nonsense'"), "{}", said.stderr);
}

/// What an input says of its messages: the zone of their times, and its name with the port behind it.
#[test]
fn an_input_knows_the_zone_and_the_port_of_its_messages() {
    let dir = Dir::new();
    let ports = [free_port(), free_port()];
    let config = format!(
        "module(load=\"imudp\")\nmodule(load=\"imtcp\")\n\
         template(name=\"t\" type=\"string\" string=\"%inputname%|%timereported:::date-rfc3339%\\n\")\n\
         input(type=\"imudp\" address=\"127.0.0.1\" port=[\"{}\", \"{}\"] name=\"udp\" name.appendPort=\"on\"\
         defaultTZ=\"+05:30\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"0\" listenPortFileName=\"{{dir}}/port\" defaultTZ=\"-08:00\")\n\
         action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n",
        ports[0], ports[1]
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    let tcp = daemon.port(&dir.file("port"));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let old = "<13>Oct 11 22:14:15 h a: x";
    let year = file_year(&dir, tcp);
    for (n, port) in ports.into_iter().enumerate() {
        socket.send_to(old.as_bytes(), ("127.0.0.1", port)).unwrap();
        let lines = file_lines(&dir.file("log"), 2 + n);
        assert_eq!(lines[1 + n], format!("udp:{port}|{year}-10-11T22:14:15+05:30"));
    }
    // What names a zone itself keeps it.
    send(tcp, &["<13>1 2003-10-11T22:14:15Z h a - - - x"]);
    assert_eq!(file_lines(&dir.file("log"), 4)[3], "imtcp|2003-10-11T22:14:15Z");
    daemon.stop();
    let said =
        check(&dir, "module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"0\" defaultTZ=\"CET\")\n*.* /x\n");
    assert!(said.stderr.contains("defaultTZ 'CET' is no offset"), "{}", said.stderr);
}

/// The year that is put into a time without one.
fn file_year(dir: &Dir, tcp: u16) -> String {
    send(tcp, &["<13>Oct 11 22:14:15 h a: x"]);
    let lines = file_lines(&dir.file("log"), 1);
    let year = lines[0].strip_prefix("imtcp|").and_then(|rest| rest.strip_suffix("-10-11T22:14:15-08:00"));
    year.unwrap_or_else(|| panic!("{lines:?}")).to_owned()
}
