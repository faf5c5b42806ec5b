//! RFC 5425, TLS transport mapping for syslog.

use crate::{World, listener};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::io::Read;
use std::net::Shutdown;
use sysloom_tests::pki::{Identity, Pki, Wish, self_signed};
use sysloom_tests::{
    Auth, Channel, Dir, PATIENCE, TlsClient, TlsServer, TlsVersion, file_lines, lines, over_every_driver,
    record_types,
};

over_every_driver!(
    rfc5425_01_03_the_sender_says_hello_and_nothing_more_before_the_handshake,
    rfc5425_04_06_certificates_of_both_sides_over_tls_1_2,
    rfc5425_05_the_mandatory_suite,
    rfc5425_07_a_path_is_built_to_the_anchor,
    rfc5425_08_12_to_15_30_fingerprints,
    rfc5425_16_the_administrator_chooses,
    rfc5425_18_20_21_25_26_what_a_sender_sends,
    rfc5425_19_22_records_and_messages_are_no_matter_of_each_other,
    rfc5425_23_24_lengths,
    rfc5425_27_28_the_receiver_closes_in_order,
    rfc5425_29_a_refusal_is_an_alert,
    rfc5425_31_the_dns_name_is_matched,
    rfc5425_32_the_common_name_is_matched,
    rfc5425_33_35_wildcards,
    rfc5425_36_international_names,
    rfc5425_37_addresses,
    rfc5425_38_a_mode_without_authentication_is_a_warning,
);

/// RFC 5425 4.1: the sender initiates and sends the TLS Client Hello. 4.2: nothing of a message is sent before the
/// handshake has ended: the server never answers here, and hears nothing but the hello.
fn rfc5425_01_03_the_sender_says_hello_and_nothing_more_before_the_handshake(driver: &'static str) {
    let world = World::over(driver);
    let (listener, port) = listener();
    let channel = world.tls().judging(Auth::Name, &["localhost"]);
    let sender = world.sender(&channel, port, &lines(0..100));
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = [0; 6];
    stream.read_exact(&mut head).unwrap();
    assert_eq!((head[0], head[1], head[5]), (22, 3, 1), "a handshake record with a Client Hello");
    drop(sender);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    let all = [&head[..], &rest].concat();
    assert!(record_types(&all).iter().all(|kind| *kind == 22 || *kind == 21), "{:?}", record_types(&all));
    assert!(!all.windows(7).any(|window| window == b"message"));
}

/// RFC 5425 4.2, 5.1: TLS 1.2 is there, with certificates of both sides judged.
fn rfc5425_04_06_certificates_of_both_sides_over_tls_1_2(driver: &'static str) {
    for version in TlsVersion::BOTH {
        let world = World::over(driver);
        let (collector, port) = world.collector(Auth::Valid, &[]);
        let channel = world.tls().judging(Auth::Valid, &[]).only(version);
        let sender = world.sender(&channel, port, &lines(0..10));
        assert_eq!(file_lines(&world.dir.file("log"), 10).len(), 10, "{version:?}");
        sender.stop();
        assert_eq!(collector.stop(), "");
        // Neither side goes on without the other's.
        let (collector, port) = world.collector(Auth::Valid, &[]);
        assert!(TlsClient::refused(port, &world.pki.file(), None, version).1.contains("lert"));
        collector.stop();
    }
}

/// RFC 5425 4.2 with RFC 9662 5: the suite that everybody implements.
fn rfc5425_05_the_mandatory_suite(driver: &'static str) {
    use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider};
    let world = World::over(driver);
    let rsa = Wish { names: &["localhost"], rsa: true, ..Wish::default() };
    let server = world.pki.issue(&world.dir, "rsa", &rsa);
    let channel = Channel::tls(driver, &world.pki.file()).owning(&server).judging(Auth::Anon, &[]);
    let (collector, port) = world.start(&channel);
    let mut provider = default_provider();
    provider.cipher_suites = vec![cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(world.pki.file()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut client = TlsClient::connect_with(port, config.into()).unwrap();
    client.send(lines(0..1).as_bytes()).unwrap();
    assert!(client.close());
    assert_eq!(file_lines(&world.dir.file("log"), 1), ["message 0"]);
    collector.stop();
}

/// RFC 5425 4.2.1: path validation up to an anchor, over an intermediate that the peer sends; 5.2: or none at all.
fn rfc5425_07_a_path_is_built_to_the_anchor(driver: &'static str) {
    let world = World::over(driver);
    let between = world.pki.intermediate(&world.dir, "between");
    let wish = Wish { names: &["sender.example.test"], ..Wish::default() };
    let client = between.issue(&world.dir, "below", &wish);
    let (collector, port) = world.collector(Auth::Valid, &[]);
    sends(&world, port, Some(&client)).unwrap();
    // Without the intermediate the path ends nowhere.
    let text = std::fs::read_to_string(&client.cert).unwrap();
    let end = text.find("-----END CERTIFICATE-----").unwrap() + "-----END CERTIFICATE-----\n".len();
    world.dir.write("below.pem", &text[..end]);
    assert!(sends(&world, port, Some(&client)).is_err());
    let foreign = Pki::named(&world.dir, "foreign").issue(&world.dir, "foreigner", &wish);
    assert!(sends(&world, port, Some(&foreign)).is_err());
    collector.stop();
}

/// RFC 5425 4.2.2: a certificate is matched by its fingerprint; then it may be self-signed, and no path is looked for.
fn rfc5425_08_12_to_15_30_fingerprints(driver: &'static str) {
    let world = World::over(driver);
    let wish = Wish { names: &["sender.example.test"], ..Wish::default() };
    let own = self_signed(&world.dir, "own", &wish);
    let other = self_signed(&world.dir, "other", &wish);
    // 4.2.2: the label, ":", and upper-case hex pairs; sha-1 is 65 octets.
    let rfc = format!("sha-1:{}", own.sha1());
    assert_eq!(rfc.len(), 65);
    for permitted in [
        rfc,
        format!("sha-256:{}", own.sha256()),
        format!("SHA1:{}", own.sha1()),
        format!("SHA256:{}", own.sha256()),
    ] {
        // RFC 5425 4.2.2, 5.2: a list of them.
        let list = [format!("SHA1:{}", "00:".repeat(19) + "00"), permitted];
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let (collector, port) = world.collector(Auth::Fingerprint, &list);
        sends(&world, port, Some(&own)).unwrap_or_else(|e| panic!("{list:?}: {e}"));
        assert!(sends(&world, port, Some(&other)).is_err(), "{list:?}");
        assert!(sends(&world, port, None).is_err(), "{list:?}");
        collector.stop();
        let _ = std::fs::remove_file(world.dir.file("port"));
    }
}

/// RFC 5425 4.2: the administrator chooses versions and how peers are authenticated.
fn rfc5425_16_the_administrator_chooses(driver: &'static str) {
    let world = World::over(driver);
    let channel = Channel::tls(driver, &world.pki.file()).owning(&world.server);
    for (version, other) in [(TlsVersion::V12, TlsVersion::V13), (TlsVersion::V13, TlsVersion::V12)] {
        let (collector, port) = world.start(&channel.clone().only(version));
        assert!(TlsClient::connect(port, &world.pki.file(), None, version).is_ok());
        assert!(TlsClient::connect(port, &world.pki.file(), None, other).is_err());
        collector.stop();
        let _ = std::fs::remove_file(world.dir.file("port"));
    }
}

/// RFC 5425 4.3: messages are application data, each MSG-LEN SP SYSLOG-MSG, MSG-LEN without leading zeros.
fn rfc5425_18_20_21_25_26_what_a_sender_sends(driver: &'static str) {
    for version in TlsVersion::BOTH {
        let world = World::over(driver);
        let (listener, port) = listener();
        let channel = world.tls().judging(Auth::Name, &["localhost"]);
        let sender = world.sender(&channel, port, &lines(0..200));
        let mut server = TlsServer::accept(&listener, &world.server, version).unwrap();
        let first = server.read(200).unwrap();
        sender.signal(nix::sys::signal::Signal::SIGTERM);
        // RFC 5425 4.4: the sender closes when it has no more to send, with close_notify first: else this is an error.
        let rest = server.read_to_end().unwrap();
        let mut bytes = [first, rest].concat();
        for i in 0..200 {
            let blank = bytes.iter().position(|byte| *byte == b' ').unwrap();
            let digits = std::str::from_utf8(&bytes[..blank]).unwrap();
            assert!(digits.starts_with(|c: char| ('1'..='9').contains(&c)), "{digits}");
            let end = blank + 1 + digits.parse::<usize>().unwrap();
            let message = std::str::from_utf8(&bytes[blank + 1..end]).unwrap();
            assert!(message.starts_with("<134>1 ") && message.trim_end().ends_with(&format!("message {i}")));
            bytes.drain(..end);
        }
        assert!(bytes.is_empty(), "nothing beside the frames");
        let kinds = server.record_types();
        assert!(kinds.contains(&23), "{kinds:?}");
        assert!(kinds.iter().all(|kind| (20..=23).contains(kind)), "{kinds:?}");
    }
}

/// RFC 5425 4.3: several messages in one record, and one message over several records; 4.3.1: the length delimits.
fn rfc5425_19_22_records_and_messages_are_no_matter_of_each_other(driver: &'static str) {
    let world = World::over(driver);
    let (collector, port) = world.collector(Auth::Anon, &[]);
    let mut client = TlsClient::connect(port, &world.pki.file(), None, TlsVersion::V13).unwrap();
    client.send(b"21 <13>1 - h a - - - one21 <13>1 - h a - - - two").unwrap();
    for byte in b"41 <13>1 - h a - - - three\n21 <13>1 - - - 4321 <13>1 - h a - - - end" {
        client.send(&[*byte]).unwrap();
    }
    assert!(client.close());
    assert_eq!(file_lines(&world.dir.file("log"), 4), ["one", "two", "three#01221 <13>1 - - - 43", "end"]);
    collector.stop();
}

/// RFC 5425 4.3.1: messages of 2048 octets, and as a rule of 8192.
fn rfc5425_23_24_lengths(driver: &'static str) {
    let world = World::over(driver);
    let channel = Channel::tls(driver, &world.pki.file()).owning(&world.server);
    let config = format!("global(maxMessageSize=\"16k\")\n{}", channel.collector());
    let collector = sysloom_tests::Daemon::start(&world.dir, "collector", &config);
    let port = collector.port(&world.dir.file("port"));
    let mut client = TlsClient::connect(port, &world.pki.file(), None, TlsVersion::V13).unwrap();
    for length in [480, 2048, 8192] {
        let message = format!("<13>1 - h a - - - {}", "x".repeat(length - 18));
        client.send(format!("{length} {message}").as_bytes()).unwrap();
    }
    assert!(client.close());
    let got: Vec<usize> = file_lines(&world.dir.file("log"), 3).iter().map(|line| line.len() + 18).collect();
    assert_eq!(got, [480, 2048, 8192]);
    collector.stop();
}

/// RFC 5425 4.4: the receiver answers a close_notify, and when it closes by itself it sends one first.
fn rfc5425_27_28_the_receiver_closes_in_order(driver: &'static str) {
    for version in TlsVersion::BOTH {
        let world = World::over(driver);
        let (collector, port) = world.collector(Auth::Anon, &[]);
        let client = TlsClient::connect(port, &world.pki.file(), None, version).unwrap();
        assert!(client.close(), "{version:?}: a close_notify is answered");
        let mut client = TlsClient::connect(port, &world.pki.file(), None, version).unwrap();
        client.send(lines(0..1).as_bytes()).unwrap();
        file_lines(&world.dir.file("log"), 1);
        collector.stop();
        // An end without close_notify would be an error.
        assert_eq!(client.receive().unwrap(), 0, "{version:?}");
        let _ = client.socket().shutdown(Shutdown::Both);
    }
}

/// RFC 5425 5: a peer against the policy is refused inside the handshake with an alert, by both sides.
fn rfc5425_29_a_refusal_is_an_alert(driver: &'static str) {
    let world = World::over(driver);
    let (collector, port) = world.collector(Auth::Name, &["someone.example.test"]);
    for version in TlsVersion::BOTH {
        let (_, error) = TlsClient::refused(port, &world.pki.file(), Some(&world.client), version);
        assert!(error.contains("AlertReceived"), "{version:?}: {error}");
    }
    collector.stop();
    for version in TlsVersion::BOTH {
        let world = World::over(driver);
        let (listener, port) = listener();
        let channel = world.tls().judging(Auth::Name, &["elsewhere.example.test"]);
        let sender = world.sender(&channel, port, &lines(0..1));
        let error = match TlsServer::accept(&listener, &world.server, version) {
            Err(e) => e,
            Ok(mut server) => server.read_to_end().unwrap_err(),
        };
        assert!(format!("{error:?}").contains("AlertReceived"), "{version:?}: {error:?}");
        drop(sender);
    }
}

/// Names in a certificate (its CN last, after a blank), the permitted peer, and the verdict.
type Row = (&'static [&'static str], Option<&'static str>, &'static str, bool);

/// RFC 5425 5.2 and 5.3.
fn names(driver: &'static str, rows: &[Row]) {
    for (i, (names, cn, permitted, taken)) in rows.iter().enumerate() {
        let world = World::over(driver);
        let wish = Wish { names, cn: Some(cn.unwrap_or("nobody")), ..Wish::default() };
        let own = world.pki.issue(&world.dir, &format!("row{i}"), &wish);
        let (collector, port) = world.collector(Auth::Name, &[permitted]);
        let sent = sends(&world, port, Some(&own));
        assert_eq!(sent.is_ok(), *taken, "{names:?} {cn:?} for {permitted}: {sent:?}");
        collector.stop();
    }
}

fn rfc5425_31_the_dns_name_is_matched(driver: &'static str) {
    names(
        driver,
        &[
            (&["a.example.test"], None, "a.example.test", true),
            (&["b.example.test", "a.example.test"], None, "a.example.test", true),
            (&["A.Example.TEST"], None, "a.example.test", true),
            (&["b.example.test"], None, "a.example.test", false),
            (&["a.example.test.evil.test"], None, "a.example.test", false),
        ],
    );
    // A sender that is told no names takes the host that it connects to.
    for (name, taken) in [("localhost", true), ("elsewhere.example.test", false)] {
        let world = World::over(driver);
        let wish = Wish { names: &[name], ..Wish::default() };
        let server = world.pki.issue(&world.dir, "named", &wish);
        let there = Dir::new();
        let channel = Channel::tls(driver, &world.pki.file()).owning(&server);
        let collector = sysloom_tests::Daemon::start(&there, "collector", &channel.collector());
        let port = collector.port(&there.file("port"));
        let sender = world.sender(&world.tls().judging(Auth::Name, &[]), port, &lines(0..1));
        if taken {
            assert_eq!(file_lines(&there.file("log"), 1), ["message 0"]);
            sender.stop();
        } else {
            sender.wait_stderr("elsewhere.example.test");
        }
        collector.stop();
        assert_eq!(there.file("log").exists(), taken);
    }
}

fn rfc5425_32_the_common_name_is_matched(driver: &'static str) {
    names(
        driver,
        &[
            (&[], Some("a.example.test"), "a.example.test", true),
            (&[], Some("b.example.test"), "a.example.test", false),
        ],
    );
}

fn rfc5425_33_35_wildcards(driver: &'static str) {
    names(
        driver,
        &[
            (&["*.example.test"], None, "a.example.test", true),
            (&["*.example.test"], None, "a.b.example.test", false),
            (&["*.example.test"], None, "example.test", false),
            (&["a.*.test"], None, "a.example.test", false),
            (&["a.example.test"], None, "*.example.test", true),
            (&["a.b.example.test"], None, "*.example.test", false),
        ],
    );
}

fn rfc5425_36_international_names(driver: &'static str) {
    names(
        driver,
        &[
            (&["xn--bcher-kva.example.test"], None, "b\u{fc}cher.example.test", true),
            (&["xn--bcher-kva.example.test"], None, "xn--bcher-kva.example.test", true),
            (&["buecher.example.test"], None, "b\u{fc}cher.example.test", false),
        ],
    );
}

fn rfc5425_37_addresses(driver: &'static str) {
    names(
        driver,
        &[
            (&["127.0.0.1"], None, "127.0.0.1", true),
            (&["::1"], None, "::1", true),
            (&["127.0.0.2"], None, "127.0.0.1", false),
        ],
    );
}

/// RFC 5425 4.2.1 and 5: modes without authentication are not recommended, so they are said.
fn rfc5425_38_a_mode_without_authentication_is_a_warning(driver: &'static str) {
    let world = World::over(driver);
    let (collector, _) = world.collector(Auth::Anon, &[]);
    assert!(collector.stop().contains("authMode anon"));
    let _ = std::fs::remove_file(world.dir.file("port"));
    let (collector, _) = world.collector(Auth::Name, &["a.example.test"]);
    assert_eq!(collector.stop(), "");
}

/// Sends a message with a certificate and closes in order.
fn sends(world: &World, port: u16, own: Option<&Identity>) -> Result<(), String> {
    let client = TlsClient::connect(port, &world.pki.file(), own, TlsVersion::V13);
    let mut client = client.map_err(|e| e.to_string())?;
    client.send(lines(0..1).as_bytes()).map_err(|e| e.to_string())?;
    if client.close() { Ok(()) } else { Err("no close_notify came".into()) }
}
