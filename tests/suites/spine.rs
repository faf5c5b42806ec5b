//! The spine: a message through loaded modules and drivers, and the seed's channel verbatim.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use sysloom_tests::{Daemon, Dir, Tap, file_lines, wait_for};

const RECEIVE: &str = "module(load=\"imtcp\")\n\
    input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/port\")\n";

#[test]
fn a_message_goes_from_a_socket_to_a_file_through_loaded_libraries() {
    let dir = Dir::new();
    let config = format!(
        "{RECEIVE}*.* action(type=\"omfile\" file=\"{{dir}}/log\" template=\"RSYSLOG_TraditionalFileFormat\")\n"
    );
    let daemon = Daemon::start(&dir, "server", &config);
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
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
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
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

/// Puts the test's paths, ports and host into a configuration of the seed; nothing else is changed.
fn seed(name: &str, certificates: &Path, host: &str, port: u16) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/seed").join(name);
    std::fs::read_to_string(file)
        .unwrap()
        .replace("/path/to/contrib/gnutls", &certificates.display().to_string())
        .replace("server.example.net", host)
        .replace("10514", &port.to_string())
}

/// A port that was free a moment ago: the seed's configuration names its port.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// The seed's two hosts, with a tap on the wire between them. Returns whether the text was readable there.
fn seed_channel(driver: Option<&str>, dns_name: &str) -> bool {
    let dir = Dir::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/seed/certtool.sh");
    let made = Command::new(script).arg(dir.path()).arg(dns_name).output().unwrap();
    assert!(made.status.success(), "certtool: {}", String::from_utf8_lossy(&made.stderr));
    let port = free_port();
    let mut server = seed("server.conf", dir.path(), dns_name, port) + "*.* {dir}/server.log\n";
    let tap = Tap::new(port);
    let mut client = seed("client.conf", dir.path(), "127.0.0.1", tap.port());
    if let Some(driver) = driver {
        for text in [&mut server, &mut client] {
            *text = text.replace("NetstreamDriver gtls", &format!("NetstreamDriver {driver}"));
            *text = text.replace("StreamDriverMode 1", "StreamDriverMode 0");
        }
    }
    let socket = "module(load=\"imuxsock\" sysSock.name=\"{dir}/dev-log\")\n";
    let server = Daemon::start(&dir, "server", &server);
    let client = Daemon::start(&dir, "client", &format!("{socket}{client}"));
    let said = Command::new("logger").arg("-u").arg(dir.file("dev-log")).arg("test").status().unwrap();
    assert!(said.success());
    wait_for("logger's line in the server's file", || {
        let text = std::fs::read_to_string(dir.file("server.log")).ok()?;
        text.lines().any(|line| line.ends_with(" test")).then_some(())
    });
    client.stop();
    server.stop();
    assert!(!tap.is_empty());
    tap.saw(b"test")
}

#[test]
fn the_seeds_channel_is_encrypted() {
    assert!(!seed_channel(None, "server.example.net"));
}

#[test]
fn the_seeds_channel_works_with_an_address_as_dns_name() {
    assert!(!seed_channel(None, "127.0.0.1"));
}

#[test]
fn the_same_channel_over_ptcp_can_be_read_on_the_wire() {
    assert!(seed_channel(Some("ptcp"), "server.example.net"));
}
