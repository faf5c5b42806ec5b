//! RFC 9662, cipher suites in secure syslog.

use crate::{World, listener};
use rustls::ClientConfig;
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use sysloom_tests::pki::Wish;
use sysloom_tests::{
    Auth, Channel, PATIENCE, Peer, TlsClient, TlsVersion, client_config, driver_wanted, file_lines, lines,
    over_every_driver,
};

over_every_driver!(
    rfc9662_02_04_the_ecdhe_suite_is_offered_and_preferred,
    rfc9662_05_06_07_versions,
    rfc9662_08_no_early_data,
);

/// The Client Hello of a sender of ours: its cipher suites, and the types of its extensions.
fn hello(driver: &'static str) -> (Vec<u16>, Vec<u16>) {
    let world = World::over(driver);
    let (listener, port) = listener();
    let sender = world.sender(&world.tls().judging(Auth::Name, &["localhost"]), port, &lines(0..1));
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = [0; 5];
    stream.read_exact(&mut head).unwrap();
    let mut record = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut record).unwrap();
    drop(sender);
    // Type, length, version and random; then the session's id.
    let mut rest = record.split_off(4 + 2 + 32);
    let id = usize::from(rest[0]);
    rest.drain(..=id);
    let word = |bytes: &[u8]| u16::from_be_bytes([bytes[0], bytes[1]]);
    let size = usize::from(word(&rest));
    let suites = rest[2..2 + size].chunks(2).map(word).collect();
    rest.drain(..2 + size);
    let methods = usize::from(rest[0]);
    rest.drain(..=methods);
    rest.drain(..2);
    let mut extensions = Vec::new();
    while rest.len() >= 4 {
        extensions.push(word(&rest));
        let size = usize::from(word(&rest[2..]));
        rest.drain(..4 + size);
    }
    (suites, extensions)
}

/// RFC 9662 5: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is offered; nothing with RSA key exchange stands before it.
fn rfc9662_02_04_the_ecdhe_suite_is_offered_and_preferred(driver: &'static str) {
    let (suites, _) = hello(driver);
    assert!(suites.contains(&0xc02f), "{suites:04x?}");
    assert!(!suites.contains(&0x002f), "{suites:04x?}");
}

/// RFC 9662 3, 5: TLS_RSA_WITH_AES_128_CBC_SHA is for those who ask for it. The driver rustls does not have it.
#[test]
fn rfc9662_01_03_the_suite_of_old_is_there_for_those_who_ask() {
    if !driver_wanted("ossl") || !Peer::wanted("openssl") {
        return;
    }
    for (asked, taken) in [(true, true), (false, false)] {
        let world = World::over("ossl");
        let rsa = Wish { names: &["localhost"], rsa: true, ..Wish::default() };
        let server = world.pki.issue(&world.dir, "rsa", &rsa);
        let mut channel = Channel::tls("ossl", &world.pki.file()).owning(&server);
        if asked {
            channel = channel.priority("CipherString=ECDHE+AESGCM:AES128-SHA");
        }
        let (collector, port) = world.start(&channel);
        let mut command = Command::new("openssl");
        command.args(["s_client", "-quiet", "-no_ign_eof", "-tls1_2", "-cipher", "AES128-SHA", "-connect"]);
        let command = command.arg(format!("127.0.0.1:{port}")).stdin(Stdio::piped());
        let mut client = Peer::start_logged(&world.dir, "s_client", command);
        if taken {
            client.write(lines(0..1).as_bytes());
            assert_eq!(file_lines(&world.dir.file("log"), 1), ["message 0"]);
            client.end_input();
        }
        assert_eq!(client.wait(), taken, "{}", client.output());
        if !taken {
            let said = collector.wait_stderr("handshake");
            assert!(said.contains("no cipher suite in common"), "{said}");
        }
        collector.stop();
    }
}

/// RFC 9662 5, 6: TLS 1.2 is kept, TLS 1.3 is there and preferred.
fn rfc9662_05_06_07_versions(driver: &'static str) {
    let world = World::over(driver);
    let (collector, port) = world.collector(Auth::Anon, &[]);
    for version in TlsVersion::BOTH {
        TlsClient::connect(port, &world.pki.file(), None, version).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    use rustls::pki_types::pem::PemObject;
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(world.pki.file()).unwrap()).unwrap();
    let both = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = TlsClient::connect_with(port, both.into()).unwrap();
    assert_eq!(client.connection().protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    collector.stop();
}

/// RFC 9662 6: early data is neither sent (its extension is 42) nor accepted.
fn rfc9662_08_no_early_data(driver: &'static str) {
    assert!(!hello(driver).1.contains(&42));
    let world = World::over(driver);
    let (collector, port) = world.collector(Auth::Anon, &[]);
    let mut config = client_config(&world.pki.file(), None, TlsVersion::V13);
    config.enable_early_data = true;
    let config = Arc::new(config);
    // The first connection brings a ticket, if the server gives any.
    let mut first = TlsClient::connect_with(port, config.clone()).unwrap();
    first.send(lines(0..1).as_bytes()).unwrap();
    assert!(first.close());
    let name = "localhost".try_into().unwrap();
    let mut second = rustls::ClientConnection::new(config, name).unwrap();
    assert!(second.early_data().is_none(), "the server's tickets allow none");
    collector.stop();
}
