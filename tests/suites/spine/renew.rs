//! Keys and certificates that were renewed: a HUP brings them into use, for listeners and for outputs, and costs no
//! connection that is there. Files that cannot be used leave everything as it was.

use nix::sys::signal::Signal;
use sysloom_tests::pki::{Pki, Wish};
use sysloom_tests::{Auth, Channel, Daemon, Dir, TlsClient, TlsVersion, file_lines, tls_drivers, wait_for};

fn named<'a>(names: &'a [&'a str]) -> Wish<'a> {
    Wish { names, ..Wish::default() }
}

#[test]
fn a_listener_shows_its_new_certificate_after_a_hup() {
    for driver in tls_drivers() {
        let dir = Dir::new();
        let (old, new) = (Pki::named(&dir, "old"), Pki::named(&dir, "new"));
        let server = old.issue(&dir, "server", &named(&["localhost"]));
        let channel = Channel::tls(driver, &old.file()).owning(&server);
        let daemon = Daemon::start(&dir, "collector", &channel.collector());
        let port = daemon.port(&dir.file("port"));
        let enter = |pki: &Pki| TlsClient::connect(port, &pki.file(), None, TlsVersion::V13);
        let mut before = enter(&old).unwrap();
        new.issue(&dir, "server", &named(&["localhost"]));
        // Nothing happens by itself.
        assert!(enter(&new).is_err());
        daemon.signal(Signal::SIGHUP);
        let mut after = wait_for("the new certificate", || enter(&new).ok());
        assert!(enter(&old).is_err());
        after.send(b"<13>1 - host app - - - over the new one\n").unwrap();
        assert_eq!(file_lines(&dir.file("log"), 1), ["over the new one"]);
        before.send(b"<13>1 - host app - - - over the old one\n").unwrap();
        assert_eq!(file_lines(&dir.file("log"), 2)[1], "over the old one");
        std::fs::write(&server.cert, "no certificate at all\n").unwrap();
        daemon.signal(Signal::SIGHUP);
        daemon.wait_stderr("keys and certificates cannot be read again, those from before stay");
        enter(&new).unwrap();
        daemon.stop();
    }
}

#[test]
fn an_output_shows_its_new_certificate_after_a_hup() {
    for driver in tls_drivers() {
        let (here, there) = (Dir::new(), Dir::new());
        let pki = Pki::new(&there);
        let server = pki.issue(&there, "server", &named(&["localhost"]));
        let channel = Channel::tls(driver, &pki.file()).owning(&server);
        let collector = channel.judging(Auth::Name, &["renewed.example"]).collector();
        let collector = Daemon::start(&there, "collector", &collector);
        let port = collector.port(&there.file("port"));
        let sender = pki.issue(&here, "sender", &named(&["lapsed.example"]));
        let channel = Channel::tls(driver, &pki.file()).owning(&sender);
        let config = format!(
            "module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n{}{}",
            channel.globals(),
            channel.action("localhost", port, "template=\"RSYSLOG_SyslogProtocol23Format\"")
        );
        let daemon = Daemon::start(&here, "sender", &config);
        let mut stream = sysloom_tests::connect(daemon.port(&here.file("port")));
        std::io::Write::write_all(&mut stream, b"<13>1 - host app - - - hello\n").unwrap();
        collector.wait_stderr("lapsed.example");
        pki.issue(&here, "sender", &named(&["renewed.example"]));
        daemon.signal(Signal::SIGHUP);
        // The first write to a peer that refuses in TLS 1.3 may be lost; what follows is not.
        wait_for("a message that gets through", || {
            std::io::Write::write_all(&mut stream, b"<13>1 - host app - - - again\n").unwrap();
            let log = std::fs::read_to_string(there.file("log")).unwrap_or_default();
            log.contains("again").then_some(())
        });
        daemon.stop();
        collector.stop();
    }
}
