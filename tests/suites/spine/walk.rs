//! One message's walk: received, parsed, filtered, written.

use crate::RECEIVE;
use std::io::Write;
use sysloom_tests::{Daemon, Dir, connect, file_lines};

#[test]
fn a_message_goes_from_a_socket_to_a_file_through_loaded_libraries() {
    let dir = Dir::new();
    let config = format!(
        "{RECEIVE}*.* action(type=\"omfile\" file=\"{{dir}}/log\" template=\"RSYSLOG_TraditionalFileFormat\")\n"
    );
    let daemon = Daemon::start(&dir, "server", &config);
    let mut stream = connect(daemon.port(&dir.file("port")));
    stream
        .write_all(b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8\n")
        .unwrap();
    let octets = "<165>1 2003-10-11T22:14:15.003Z host.example evntslog 7 ID47 - An application event";
    write!(stream, "{} {octets}", octets.len()).unwrap();
    let lines = file_lines(&dir.file("log"), 2);
    assert_eq!(
        lines,
        [
            "Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
            "Oct 11 22:14:15 host.example evntslog[7] An application event"
        ]
    );
    daemon.stop();
}

#[test]
fn selectors_and_property_filters_choose_the_file() {
    let dir = Dir::new();
    let config = format!(
        "{RECEIVE}$ActionFileDefaultTemplate RSYSLOG_SyslogProtocol23Format\n\
         mail.err;auth.=info {{dir}}/priority\n\
         :msg, contains, \"needle\" {{dir}}/needle\n\
         & stop\n\
         :programname, !isequal, \"app\" {{dir}}/others\n\
         :msg, ereregex, \"^ ?id=[0-9]+$\" {{dir}}/ids\n\
         *.* {{dir}}/rest\n"
    );
    let daemon = Daemon::start(&dir, "server", &config);
    let mut stream = connect(daemon.port(&dir.file("port")));
    for (pri, app, text) in [
        (2 * 8 + 3, "app", "mail error"),
        (2 * 8 + 4, "app", "mail warning"),
        (4 * 8 + 6, "app", "auth info"),
        (4 * 8 + 5, "app", "auth notice"),
        (8, "app", "a needle here"),
        (8, "other", "from another program"),
        (8, "app", "id=42"),
    ] {
        writeln!(stream, "<{pri}>1 2026-11-23T01:02:03Z host {app} - - - {text}").unwrap();
    }
    let texts = |name: &str, n| -> Vec<String> {
        let text = |line: &String| line.split(" - - - ").nth(1).unwrap_or_default().to_owned();
        file_lines(&dir.file(name), n).iter().map(text).collect()
    };
    assert_eq!(texts("rest", 6).len(), 6);
    assert_eq!(texts("priority", 2), ["mail error", "auth info"]);
    assert_eq!(texts("needle", 1), ["a needle here"]);
    assert_eq!(texts("others", 1), ["from another program"]);
    assert_eq!(texts("ids", 1), ["id=42"]);
    daemon.stop();
}
