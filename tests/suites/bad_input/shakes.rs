//! Peers that speak the wrong protocol, or prove the wrong thing.

use crate::House;
use std::io::{Read, Write};
use sysloom_tests::pki::{Identity, Pki, Wish, self_signed};
use sysloom_tests::{Auth, TlsClient, TlsVersion, connect, over_every_driver};

over_every_driver!(
    a_client_without_tls_on_a_tls_port_is_told_apart,
    a_client_with_tls_on_a_plain_port_is_told_so,
    a_client_that_only_looks_is_one_line,
    a_wrong_certificate_is_one_line_here_and_an_alert_there,
    a_wrong_collector_is_refused_by_the_sender,
    what_goes_wrong_is_counted,
);

/// What a client that knows no TLS says first, and the hint that it earns.
const STRANGERS: [(&str, &[u8], &[&str]); 5] = [
    (
        "a plain sender",
        b"<13>1 - h a - - - not encrypted\n",
        &["does not speak TLS", "streamDriver.mode=\"0\""],
    ),
    (
        "a plain sender that counts",
        b"35 <13>1 - h a - - - not encrypted\n",
        &["does not speak TLS", "plain syslog"],
    ),
    ("a web client", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &["HTTP"]),
    ("a shell client", b"SSH-2.0-OpenSSH_9.2\r\n", &["SSH"]),
    ("noise", &[0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3, 4, 5, 6, 7], &["handshake", "TLS"]),
];

fn a_client_without_tls_on_a_tls_port_is_told_apart(driver: &'static str) {
    let mut house = House::over(driver, Auth::Anon, "");
    for (what, bytes, words) in STRANGERS {
        house.one_line(what, "sealed", words, |house| {
            let mut stream = connect(house.tls);
            let from = stream.local_addr().unwrap().port();
            stream.write_all(bytes).unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            from
        });
    }
    house.close();
}

fn a_client_with_tls_on_a_plain_port_is_told_so(driver: &'static str) {
    let mut house = House::over(driver, Auth::Anon, "");
    for version in TlsVersion::BOTH {
        house.one_line("TLS", "open", &["speaks TLS", "streamDriver.mode=\"1\""], |house| {
            // Its own hello, as any client sends it.
            let config = std::sync::Arc::new(sysloom_tests::client_config(&house.pki.file(), None, version));
            let name = "localhost".try_into().unwrap();
            let mut client = rustls::ClientConnection::new(config, name).unwrap();
            let mut stream = connect(house.plain);
            client.write_tls(&mut stream).unwrap();
            let from = stream.local_addr().unwrap().port();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            assert_eq!(answer, b"");
            from
        });
    }
    house.close();
}

fn a_client_that_only_looks_is_one_line(driver: &'static str) {
    let mut house = House::over(driver, Auth::Anon, "");
    house.one_line("a look at the port", "sealed", &["closed the connection"], |house| {
        connect(house.tls).local_addr().unwrap().port()
    });
    house.close();
}

/// A certificate, the mode that judges it, words of the line, and the alert that the client gets.
type Row =
    (&'static str, Auth, fn(&House) -> Option<Identity>, &'static [&'static str], &'static [&'static str]);

const CERTIFICATES: [Row; 6] = [
    (
        "of an unknown authority",
        Auth::Valid,
        |house| {
            let pki = Pki::named(&house.dir, "foreign");
            Some(pki.issue(
                &house.dir,
                "foreigner",
                &Wish { names: &["sender.example.test"], ..Wish::default() },
            ))
        },
        &["sender.example.test", "CA"],
        &["UnknownCA"],
    ),
    (
        "that has expired",
        Auth::Valid,
        |house| {
            let wish = Wish { names: &["sender.example.test"], expired: true, ..Wish::default() };
            Some(house.pki.issue(&house.dir, "late", &wish))
        },
        &["expired", "sender.example.test"],
        &["CertificateExpired"],
    ),
    (
        "that nobody else signed",
        Auth::Valid,
        |house| {
            Some(self_signed(&house.dir, "own", &Wish { names: &["sender.example.test"], ..Wish::default() }))
        },
        &["sender.example.test"],
        &["UnknownCA", "BadCertificate"],
    ),
    (
        "of another name",
        Auth::Name,
        |house| {
            Some(house.pki.issue(
                &house.dir,
                "other",
                &Wish { names: &["other.example.test"], ..Wish::default() },
            ))
        },
        &["other.example.test", "sender.example.test"],
        &["AccessDenied", "BadCertificate", "CertificateUnknown"],
    ),
    (
        "that is missing",
        Auth::Valid,
        |_| None,
        &["certificate"],
        &["CertificateRequired", "BadCertificate", "HandshakeFailure"],
    ),
    (
        "of another name, expired too",
        Auth::Name,
        |house| {
            let wish = Wish { names: &["other.example.test"], expired: true, ..Wish::default() };
            Some(house.pki.issue(&house.dir, "both", &wish))
        },
        &["other.example.test"],
        &["CertificateExpired", "AccessDenied", "BadCertificate", "CertificateUnknown"],
    ),
];

/// RFC 5425 5: the handshake of a peer against the policy is aborted with a fitting alert.
fn a_wrong_certificate_is_one_line_here_and_an_alert_there(driver: &'static str) {
    for auth in [Auth::Valid, Auth::Name] {
        let mut house = House::over(driver, auth, "");
        for (what, _, make, words, alerts) in CERTIFICATES.iter().filter(|row| row.1 == auth) {
            for version in TlsVersion::BOTH {
                let words = [words, &["handshake"][..]].concat();
                house.one_line(&format!("a certificate {what}, {version:?}"), "sealed", &words, |house| {
                    let own = make(house);
                    let (from, error) =
                        TlsClient::refused(house.tls, &house.pki.file(), own.as_ref(), version);
                    assert!(alerts.iter().any(|alert| error.contains(alert)), "{what}, {version:?}: {error}");
                    from
                });
            }
        }
        house.close();
    }
}

/// A collector that is not the one we look for gets nothing; each line says whose certificate and what to do.
fn a_wrong_collector_is_refused_by_the_sender(driver: &'static str) {
    use sysloom_tests::{Channel, Daemon, Dir};
    let dir = Dir::new();
    let pki = Pki::new(&dir);
    let foreign = Pki::named(&dir, "foreign");
    let wish = |names| Wish { names, ..Wish::default() };
    for (own, peer, words) in [
        (
            pki.issue(&dir, "s1", &wish(&["elsewhere.example.test"])),
            "localhost",
            &["elsewhere.example.test", "localhost"][..],
        ),
        (foreign.issue(&dir, "s2", &wish(&["localhost"])), "localhost", &["CA"]),
        (
            pki.issue(&dir, "s3", &Wish { names: &["localhost"], expired: true, ..Wish::default() }),
            "localhost",
            &["expired"],
        ),
    ] {
        let (there, here) = (Dir::new(), Dir::new());
        let collector = Channel::tls(driver, &pki.file()).owning(&own).judging(Auth::Anon, &[]);
        let collector = Daemon::start(&there, "collector", &collector.collector());
        let port = collector.port(&there.file("port"));
        let channel = Channel::tls(driver, &pki.file()).judging(Auth::Name, &[peer]);
        let config = format!(
            "{}module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n{}",
            channel.globals(),
            channel.action("localhost", port, "")
        );
        let sender = Daemon::start(&here, "sender", &config);
        connect(sender.port(&here.file("in"))).write_all(sysloom_tests::lines(0..1).as_bytes()).unwrap();
        let said = sender.wait_stderr("handshake");
        let line = said.lines().find(|line| line.contains("handshake")).unwrap();
        for word in words.iter().chain(&[port.to_string().as_str()]) {
            assert!(line.contains(word), "{word}: {line}");
        }
        let theirs = collector.wait_stderr("handshake with 127.0.0.1:");
        assert!(theirs.contains("TLS alert"), "the collector's log says why too: {theirs}");
        drop(sender);
        collector.stop();
        assert!(!there.file("log").exists());
    }
}

/// What went wrong is counted, for whoever watches numbers and not lines.
fn what_goes_wrong_is_counted(driver: &'static str) {
    let more = "load=\"impstats\" interval=\"1\" format=\"json\" log.syslog=\"off\" log.file=\"{dir}/stats\")\n\
                module(load=\"imtcp\"";
    let mut house = House::over(driver, Auth::Anon, "");
    drop(house.daemon);
    let config = std::fs::read_to_string(house.dir.file("daemon.conf")).unwrap();
    let config = config.replacen("load=\"imtcp\"", more, 1);
    for name in ["port", "plain"] {
        std::fs::remove_file(house.dir.file(name)).unwrap();
    }
    house.daemon = sysloom_tests::Daemon::start(&house.dir, "counting", &config);
    let (tls, plain) =
        (house.daemon.port(&house.dir.file("port")), house.daemon.port(&house.dir.file("plain")));
    for (port, bytes) in [(tls, &b"<13>plain\n"[..]), (plain, &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0])] {
        let mut stream = connect(port);
        stream.write_all(bytes).unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }
    for counter in ["handshakes.failed", "sessions.wrongprotocol"] {
        let word = format!("\"{counter}\": 1");
        sysloom_tests::wait_for(&word, || {
            let text = std::fs::read_to_string(house.dir.file("stats")).ok()?;
            text.contains(&word).then_some(())
        });
    }
}
