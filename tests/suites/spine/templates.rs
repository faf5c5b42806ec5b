//! The built-in templates, byte for byte as rsyslogd writes them from the same messages.

use std::io::Write;
use sysloom_tests::{Daemon, Dir, Peer, connect, file_lines};

/// Templates for files and for the wire.
const TEMPLATES: [&str; 7] = [
    "RSYSLOG_TraditionalFileFormat",
    "RSYSLOG_FileFormat",
    "RSYSLOG_TraditionalForwardFormat",
    "RSYSLOG_ForwardFormat",
    "RSYSLOG_SyslogProtocol23Format",
    "RSYSLOG_SysklogdFileFormat",
    "RSYSLOG_omudpspoofDfltSourceTpl",
];

/// Messages in both formats, whole and half.
const MESSAGES: [&str; 21] = [
    "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
    "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
    "<165>Aug 24 05:34:00 host myproc[10]: %% It's time to make the do-nuts.",
    "<0>Oct 22 10:52:12 scapegoat sched[0]: That's All Folks!",
    "<30>Oct 22 10:52:12 host tag:no blank",
    "<30>Oct 22 10:52:12 host tag no colon",
    "<30>Oct 22 10:52:12 host a-very-long-tag-that-is-longer-than-thirty-two[12345]: text",
    "<30>Oct 22 10:52:12 2001:db8::1 tag: text",
    "<30>2026-10-22T10:52:12.123456+02:00 host tag[1]: RFC 3339 in front",
    "<30>Oct 22 2026 10:52:12 host tag: a year",
    "<30>Oct 22 10:52:12 host tag: ",
    "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - 'su root' failed",
    "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time",
    "<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"App\"] An event",
    "<30>Oct 22 10:52:12 host",
    "<165>1 2003-10-11T22:14:15.003Z host evntslog - ID47 [a@1 b=\"c\\\"d\\]\"][e@2]",
    "<165>1 2003-10-11T22:14:15Z - - - - -",
    "<165>1 2003-10-11T22:14:15Z host app 1 - - \u{feff}with a BOM",
    "<190>Oct 22 10:52:12 host tag: tab\there, \u{fc}mlaut, bell\u{7}",
    "<191>Oct  2 10:52:12 host tag[x y]: blank in the pid",
    "<30>Oct 22 10:52:12 host tag: trailing blanks  ",
];

#[test]
fn built_in_templates_are_rsyslogds() {
    if !Peer::wanted("rsyslogd") {
        return;
    }
    let dir = Dir::new();
    let config = |who: &str| {
        let mut text = format!(
            "module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/{who}.port\")\n"
        );
        // Newer than the rsyslogd of most systems, which adds nothing.
        let exact = if who == "ours" { " addLF=\"off\"" } else { "" };
        for name in TEMPLATES {
            text += &format!(
                "*.* action(type=\"omfile\" file=\"{{dir}}/{who}.{name}\" template=\"{name}\"{exact})\n"
            );
        }
        text += "template(name=\"end\" type=\"string\" string=\"%msg%\\n\")\n";
        text + &format!("*.* action(type=\"omfile\" file=\"{{dir}}/{who}.end\" template=\"end\")\n")
    };
    let ours = Daemon::start(&dir, "ours", &config("ours"));
    let theirs = Daemon::rsyslogd(&dir, "theirs", &config("theirs"));
    for (who, daemon) in [("ours", &ours), ("theirs", &theirs)] {
        let mut stream = connect(daemon.port(&dir.file(&format!("{who}.port"))));
        for message in MESSAGES {
            writeln!(stream, "{message}").unwrap();
        }
        file_lines(&dir.file(&format!("{who}.end")), MESSAGES.len());
    }
    ours.stop();
    theirs.stop();
    for name in TEMPLATES {
        let read = |who: &str| {
            let bytes = std::fs::read(dir.file(&format!("{who}.{name}"))).unwrap();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (ours, theirs) = (read("ours"), read("theirs"));
        for (i, (a, b)) in ours.split('\n').zip(theirs.split('\n')).enumerate() {
            assert_eq!(a, b, "{name}, line {i}");
        }
        assert_eq!(ours, theirs, "{name}");
    }
}
