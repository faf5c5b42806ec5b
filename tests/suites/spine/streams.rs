//! The stream parameters from the configuration to the channel: each is the one thing that decides whether a client is
//! let in, or what an output says of itself. What each means in full is shown where it is judged: the engine's
//! identity, the drivers, and the suites `revocation` and `bad_input`.

use std::io::Read;
use std::net::TcpListener;
use sysloom_tests::pki::{Identity, Pki, Wish};
use sysloom_tests::{Auth, Channel, Daemon, Dir, TlsClient, TlsVersion, over_every_driver, tls_drivers};

over_every_driver!(
    each_parameter_of_a_listener_decides,
    files_of_an_input_come_before_the_global_ones,
    further_anchors_and_revocations_may_be_global
);

const SENDER: &[&str] = &["sender.example.test"];

/// A client at a listener that judges `x509/name`, with a parameter and without.
struct Case<'a> {
    words: String,
    client: Client<'a>,
    /// What becomes of the client with the parameter; without it is the other way round.
    enters: bool,
}

struct Client<'a> {
    name: &'a str,
    wish: Wish<'a>,
    issuer: &'a Pki,
    version: TlsVersion,
}

fn each_parameter_of_a_listener_decides(driver: &'static str) {
    let dir = Dir::new();
    let (pki, other) = (Pki::new(&dir), Pki::named(&dir, "other"));
    let deep = pki.intermediate(&dir, "second").intermediate(&dir, "third");
    let list = pki.revoke(&dir, 0x22);
    let client = |name, wish: Wish<'static>, issuer| Client {
        name,
        wish: Wish { names: if wish.names.is_empty() { SENDER } else { wish.names }, ..wish },
        issuer,
        version: TlsVersion::V12,
    };
    let plain = Wish::default;
    let only_13 = if driver == "ossl" { TlsVersion::V13.ssl_conf() } else { TlsVersion::V13.priority() };
    let another = Wish { cn: Some("sender.example.test"), names: &["another.example.test"], ..plain() };
    let cases = [
        Case {
            words: format!("gnutlsPriorityString=\"{only_13}\""),
            client: client("older", plain(), &pki),
            enters: false,
        },
        Case {
            words: format!("streamDriver.caExtraFiles=\"{}\"", other.file().display()),
            client: client("foreign", plain(), &other),
            enters: true,
        },
        Case {
            words: format!("streamDriver.crlFile=\"{}\"", list.display()),
            client: client("revoked", Wish { serial: Some(0x22), ..plain() }, &pki),
            enters: false,
        },
        Case {
            words: "streamDriver.checkExtendedKeyPurpose=\"on\"".into(),
            client: client("server-only", Wish { server_only: true, ..plain() }, &pki),
            enters: false,
        },
        Case {
            words: "streamDriver.permitExpiredCerts=\"on\"".into(),
            client: client("expired", Wish { expired: true, ..plain() }, &pki),
            enters: true,
        },
        Case {
            words: "streamDriver.prioritizeSAN=\"on\"".into(),
            client: client("another", another, &pki),
            enters: false,
        },
        Case {
            words: "streamDriver.tlsVerifyDepth=\"1\"".into(),
            client: client("deep", plain(), &deep),
            enters: false,
        },
        Case {
            words: "permittedPeer=\"nobody.example.test\"".into(),
            client: client("unwanted", plain(), &pki),
            enters: false,
        },
        Case {
            words: "streamDriver.authMode=\"anon\" permittedPeer=[]".into(),
            client: client("stranger", Wish { names: &["stranger.example.test"], ..plain() }, &pki),
            enters: true,
        },
    ];
    let words: Vec<&str> = cases.iter().map(|case| case.words.as_str()).collect();
    let (daemon, ports) = collector(driver, &dir, &pki, &words);
    for (Case { words, client, enters }, port) in cases.iter().zip(&ports[1..]) {
        let own = client.issuer.issue(&dir, client.name, &client.wish);
        for (port, enters) in [(*port, *enters), (ports[0], !enters)] {
            let came = TlsClient::connect(port, &pki.file(), Some(&own), client.version);
            assert_eq!(came.is_ok(), enters, "{driver}, {}, port {port} of {ports:?}: {words}", client.name);
        }
    }
    daemon.stop();
}

fn files_of_an_input_come_before_the_global_ones(driver: &'static str) {
    let dir = Dir::new();
    let (pki, new) = (Pki::new(&dir), Pki::named(&dir, "new"));
    let server = new.issue(&dir, "new-server", &Wish { names: &["localhost"], ..Wish::default() });
    let shows = format!(
        "streamDriver.certFile=\"{}\" streamDriver.keyFile=\"{}\"",
        server.cert.display(),
        server.key.display()
    );
    let trusts = format!("streamDriver.caFile=\"{}\"", new.file().display());
    let (daemon, ports) = collector(driver, &dir, &pki, &[&shows, &trusts]);
    let old_sender = pki.issue(&dir, "old-sender", &Wish { names: SENDER, ..Wish::default() });
    let new_sender = new.issue(&dir, "new-sender", &Wish { names: SENDER, ..Wish::default() });
    let enters = |port: usize, anchor: &Pki, own: &Identity| {
        TlsClient::connect(ports[port], &anchor.file(), Some(own), TlsVersion::V12).is_ok()
    };
    assert!(enters(0, &pki, &old_sender) && !enters(0, &new, &old_sender) && !enters(0, &pki, &new_sender));
    assert!(enters(1, &new, &old_sender) && !enters(1, &pki, &old_sender));
    assert!(enters(2, &pki, &new_sender) && !enters(2, &pki, &old_sender));
    daemon.stop();
}

fn further_anchors_and_revocations_may_be_global(driver: &'static str) {
    let dir = Dir::new();
    let (pki, other) = (Pki::new(&dir), Pki::named(&dir, "other"));
    let list = pki.revoke(&dir, 0x22);
    let server = pki.issue(&dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
    let own = |issuer: &Pki, name| {
        issuer.issue(&dir, name, &Wish { names: SENDER, serial: Some(0x22), ..Wish::default() })
    };
    for (parameter, file, client, enters) in [
        ("netstreamDriverCAExtraFiles", other.file(), own(&other, "foreign"), true),
        ("defaultNetstreamDriverCRLFile", list, own(&pki, "revoked"), false),
    ] {
        let channel = Channel::tls(driver, &pki.file()).owning(&server).judging(Auth::Name, SENDER);
        for set in [true, false] {
            let globals = format!("global({parameter}=\"{}\")\n", file.display());
            let config = if set { globals } else { String::new() } + &channel.collector();
            let _ = std::fs::remove_file(dir.file("port"));
            let daemon = Daemon::start(&dir, "collector", &config);
            let port = daemon.port(&dir.file("port"));
            let came = TlsClient::connect(port, &pki.file(), Some(&client), TlsVersion::V12);
            assert_eq!(came.is_ok(), enters == set, "{driver}, {parameter}: {set}");
            daemon.stop();
        }
    }
}

/// Listeners that let in `sender.example.test` alone: one as it is, and one for each of `words` at its input.
fn collector(driver: &str, dir: &Dir, pki: &Pki, words: &[&str]) -> (Daemon, Vec<u16>) {
    let server = pki.issue(dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
    let channel = Channel::tls(driver, &pki.file()).owning(&server).judging(Auth::Name, SENDER);
    let mut config = channel.collector();
    for (n, words) in words.iter().enumerate() {
        config += &format!(
            "input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port{n}\" {words})\n"
        );
    }
    let daemon = Daemon::start(dir, "collector", &config);
    let mut ports = vec![daemon.port(&dir.file("port"))];
    ports.extend((0..words.len()).map(|n| daemon.port(&dir.file(&format!("port{n}")))));
    (daemon, ports)
}

#[test]
fn an_output_asks_for_the_name_of_its_parameter() {
    for driver in tls_drivers() {
        for (words, name) in [
            ("", "localhost"),
            ("streamDriverRemoteSNI=\"collector.example.test\"", "collector.example.test"),
        ] {
            let dir = Dir::new();
            let pki = Pki::new(&dir);
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let channel = Channel::tls(driver, &pki.file()).judging(Auth::Valid, &[]);
            let config = format!(
                "global(processInternalMessages=\"on\")\n{}{}",
                channel.globals(),
                channel.action("localhost", port, words)
            );
            let daemon = Daemon::start(&dir, "sender", &config);
            let (mut stream, _) = listener.accept().unwrap();
            let mut hello = Vec::new();
            let mut chunk = [0; 4096];
            while !hello.windows(name.len()).any(|part| part == name.as_bytes()) {
                let n = stream.read(&mut chunk).unwrap();
                assert_ne!(n, 0, "{driver}: no `{name}` in {} bytes of hello", hello.len());
                hello.extend_from_slice(&chunk[..n]);
            }
            drop((stream, listener));
            daemon.stop();
        }
    }
}
