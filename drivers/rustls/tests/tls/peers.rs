//! Other people's TLS over loopback: `openssl s_client`, `openssl s_server`, `gnutls-cli`. Without the program a test is
//! skipped by name, unless SYSLOOM_PEERS=required.

use crate::driver::{Below, Context, Daemon, Session};
use crate::pair::{Judge, Pki, alert, why};
use crate::terms::{TLS12, TLS13};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use sysloom_sdk::{Complaint, LayerSession, Role, Stop, Stream, Want};

/// A socket that waits for bytes up to a limit; "would block" then means that the peer is stuck.
struct Socket(TcpStream);

impl Below for Socket {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Stop> {
        match self.0.read(buf) {
            Ok(0) => Err(Stop::Closed),
            Ok(n) => Ok(n),
            Err(e) if e.kind() == ErrorKind::WouldBlock => Err(Stop::Wait(Want::READ)),
            Err(e) => Err(Stop::Failed(e.into())),
        }
    }

    fn write(&mut self, buf: &[u8]) -> Result<usize, Stop> {
        self.0.write(buf).map_err(|e| Stop::Failed(e.into()))
    }
}

/// A program that ends with the test.
struct Program(Child);

impl Program {
    /// `None` = it is not installed and need not be.
    fn start(program: &str, arguments: &[&str]) -> Option<Self> {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        match child {
            Ok(child) => Some(Self(child)),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                let required = std::env::var_os("SYSLOOM_PEERS").is_some_and(|v| v == "required");
                assert!(!required, "{program} is not installed");
                eprintln!("skipped: {program} is not installed");
                None
            }
            Err(e) => panic!("{program}: {e}"),
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Everything that it says until it ends.
    fn output(&mut self) -> String {
        drop(self.0.stdin.take());
        let mut all = String::new();
        self.0.stdout.take().unwrap().read_to_string(&mut all).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut all).unwrap();
        all
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(listener: &TcpListener, context: &Context, judge: &Arc<Judge>) -> Session<Socket> {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    Session::new(context, judge.clone(), Socket(stream), true, "", 1).unwrap()
}

fn read_to_end(session: &mut Session<Socket>) -> Vec<u8> {
    let (mut all, mut buf) = (Vec::new(), [0; 4096]);
    loop {
        match session.read(&mut buf) {
            Ok(n) => all.extend_from_slice(&buf[..n]),
            Err(Stop::Closed) => return all,
            Err(stop) => panic!("{stop:?} after {:?}", String::from_utf8_lossy(&all)),
        }
    }
}

#[test]
fn openssl_s_client_sends_to_us() {
    let pki = Pki::new();
    for (priority, version, protocol) in [(TLS12, "-tls1_2", "TLSv1.2"), (TLS13, "-tls1_3", "TLSv1.3")] {
        let judge = Arc::new(Judge::default());
        let daemon: Arc<dyn Daemon> = judge.clone();
        let context = pki.context(Role::Server, "x509/certvalid", priority, &daemon);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap().to_string();
        let (ca, cert, key) = (pki.path("ca.pem"), pki.path("client.pem"), pki.path("client-key.pem"));
        let arguments = [
            "s_client",
            "-connect",
            &to,
            "-CAfile",
            &ca,
            "-cert",
            &cert,
            "-key",
            &key,
            version,
            "-quiet",
            "-verify_return_error",
            "-servername",
            "server.example.net",
            "-verify_hostname",
            "server.example.net",
            "-no_ign_eof",
        ];
        let Some(mut client) = Program::start("openssl", &arguments) else { return };
        client.say(b"one message\n");
        let mut session = serve(&listener, &context, &judge);
        session.handshake().unwrap();
        let peer = session.peer();
        assert_eq!((peer.protocol, peer.chain.len()), (protocol, 2));
        assert_eq!(peer.server_name, "server.example.net");
        let mut buf = [0; 64];
        let n = session.read(&mut buf).unwrap();
        assert_eq!(&buf[..n], b"one message\n");
        session.shutdown().unwrap();
        drop(client.0.stdin.take());
        read_to_end(&mut session);
        let _ = client.output();
        assert_eq!(judge.asked().len(), 1);
    }
}

#[test]
fn openssl_s_client_hears_why_it_is_refused() {
    let pki = Pki::new();
    for (priority, version) in [(TLS12, "-tls1_2"), (TLS13, "-tls1_3")] {
        for (code, words) in [(48, "unknown ca"), (49, "access denied"), (45, "certificate expired")] {
            let judge = Arc::new(Judge::default());
            match code {
                48 => judge.refuse(|_| Some(Complaint::new("no").code(48))),
                49 => judge.refuse(|_| Some(Complaint::new("no").code(49))),
                _ => judge.refuse(|_| Some(Complaint::new("no").code(45))),
            }
            let daemon: Arc<dyn Daemon> = judge.clone();
            let context = pki.context(Role::Server, "x509/name", priority, &daemon);
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let to = listener.local_addr().unwrap().to_string();
            let (cert, key) = (pki.path("client.pem"), pki.path("client-key.pem"));
            // The second round has no certificate, so that the alert is one of our own making.
            for certificate in [true, false] {
                let mut arguments = vec!["s_client", "-connect", &to, version, "-quiet", "-ign_eof"];
                if certificate {
                    arguments.extend(["-cert", &cert, "-key", &key]);
                }
                let Some(mut client) = Program::start("openssl", &arguments) else { return };
                let mut session = serve(&listener, &context, &judge);
                // The drain behind the alert waits for bytes of a client that has none to send.
                let below = session.handshake();
                assert!(matches!(&below, Err(Stop::Refused(c)) if c.text == "no"), "{below:?}");
                drop(session);
                let said = client.output();
                assert!(said.contains(words), "{version} {code} {certificate}: {said}");
            }
        }
    }
}

#[test]
fn gnutls_cli_sends_to_us() {
    let pki = Pki::new();
    for (priority, theirs) in [(TLS12, "NORMAL:-VERS-TLS1.3"), (TLS13, "NORMAL:-VERS-ALL:+VERS-TLS1.3")] {
        let judge = Arc::new(Judge::default());
        let daemon: Arc<dyn Daemon> = judge.clone();
        let context = pki.context(Role::Server, "x509/certvalid", priority, &daemon);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let (ca, cert, key) = (pki.path("ca.pem"), pki.path("client.pem"), pki.path("client-key.pem"));
        let arguments = [
            "--port",
            &port,
            "--x509cafile",
            &ca,
            "--x509certfile",
            &cert,
            "--x509keyfile",
            &key,
            "--verify-hostname",
            "server.example.net",
            "--priority",
            theirs,
            "127.0.0.1",
        ];
        let Some(mut client) = Program::start("gnutls-cli", &arguments) else { return };
        client.say(b"one message\n");
        let mut session = serve(&listener, &context, &judge);
        session.handshake().map_err(|stop| format!("{theirs}: {stop:?}")).unwrap();
        assert_eq!(session.peer().chain.len(), 2);
        let mut buf = [0; 64];
        let n = session.read(&mut buf).unwrap();
        assert_eq!(&buf[..n], b"one message\n");
        session.write(b"and an answer\n").unwrap();
        drop(client.0.stdin.take());
        assert!(read_to_end(&mut session).is_empty(), "gnutls-cli says close_notify");
        drop(session);
        let said = client.output();
        assert!(said.contains("and an answer") && said.contains("Handshake was completed"), "{said}");
    }
}

#[test]
fn we_send_to_openssl_s_server() {
    let pki = Pki::new();
    for (version, protocol) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        let (ca, cert, key) = (pki.path("ca.pem"), pki.path("server.pem"), pki.path("server-key.pem"));
        let arguments = [
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-naccept",
            "1",
            "-cert",
            &cert,
            "-key",
            &key,
            version,
            "-rev",
            "-CAfile",
            &ca,
            "-Verify",
            "3",
            "-verify_return_error",
        ];
        let Some(mut server) = Program::start("openssl", &arguments) else { return };
        let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
        let to = loop {
            let line = lines.next().expect("s_server says where it listens").unwrap();
            if let Some(to) = line.strip_prefix("ACCEPT ") {
                break to.trim().to_owned();
            }
        };
        let judge = Arc::new(Judge::default());
        let daemon: Arc<dyn Daemon> = judge.clone();
        let context = pki.context(Role::Client, "x509/name", "", &daemon);
        let stream = TcpStream::connect(&to).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut session =
            Session::new(&context, judge.clone(), Socket(stream), false, "server.example.net", 1).unwrap();
        session.handshake().unwrap();
        assert_eq!((session.peer().protocol, session.peer().chain.len()), (protocol, 2));
        session.write(b"abcdef\n").unwrap();
        let mut got = Vec::new();
        let mut buf = [0; 64];
        while got.len() < 7 {
            let n = session.read(&mut buf).unwrap();
            got.extend_from_slice(&buf[..n]);
        }
        assert_eq!(got, b"fedcba\n");
        session.shutdown().unwrap();
        read_to_end(&mut session);
    }
}

/// OpenSSL can be talked into keys that are too short; we cannot.
#[test]
fn a_client_with_a_short_key_is_turned_away() {
    let pki = Pki::new();
    let (key, cert) = (pki.path("short-key.pem"), pki.path("short.pem"));
    let make = [
        "req",
        "-x509",
        "-newkey",
        "rsa:1024",
        "-nodes",
        "-subj",
        "/CN=short",
        "-keyout",
        &key,
        "-out",
        &cert,
    ];
    if Command::new("openssl").args(make).output().is_err() {
        return;
    }
    for (priority, version) in [(TLS12, "-tls1_2"), (TLS13, "-tls1_3")] {
        let judge = Arc::new(Judge::default());
        let daemon: Arc<dyn Daemon> = judge.clone();
        let context = pki.context(Role::Server, "x509/fingerprint", priority, &daemon);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap().to_string();
        let arguments = [
            "s_client",
            "-connect",
            &to,
            version,
            "-cert",
            &cert,
            "-key",
            &key,
            "-cipher",
            "DEFAULT@SECLEVEL=0",
        ];
        let Some(mut client) = Program::start("openssl", &arguments) else { return };
        let mut session = serve(&listener, &context, &judge);
        let stop = session.handshake().unwrap_err();
        assert!(matches!(stop, Stop::Failed(_) | Stop::Refused(_)), "{stop:?}");
        drop(session);
        assert!(client.output().contains("alert"), "{version}");
    }
}

/// What a server staples is there when its certificate is judged, in either version.
#[test]
fn a_stapled_answer_reaches_the_verdict() {
    // A responder's "unauthorized", the shortest answer of OCSP.
    const ANSWER: [u8; 5] = [0x30, 3, 0x0a, 1, 6];
    let pki = Pki::new();
    let file = pki.path("answer.der");
    std::fs::write(&file, ANSWER).unwrap();
    let (cert, key) = (pki.path("server.pem"), pki.path("server-key.pem"));
    for version in ["-tls1_2", "-tls1_3"] {
        for stapled in [true, false] {
            for refused in [false, true] {
                let mut arguments =
                    vec!["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-cert", &cert];
                arguments.extend(["-key", &key, version, "-rev"]);
                if stapled {
                    arguments.extend(["-status_file", &file]);
                }
                let Some(mut server) = Program::start("openssl", &arguments) else { return };
                let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
                let to = lines.find_map(|l| l.unwrap().strip_prefix("ACCEPT ").map(str::to_owned)).unwrap();
                let judge = Arc::new(Judge::default());
                if refused {
                    judge.refuse(|_| Some(Complaint::new("revoked").code(44)));
                }
                let daemon: Arc<dyn Daemon> = judge.clone();
                let context = pki.context(Role::Client, "x509/name", "", &daemon);
                let stream = TcpStream::connect(to.trim()).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                let mut session =
                    Session::new(&context, judge.clone(), Socket(stream), false, "server.example.net", 1)
                        .unwrap();
                let shaken = session.handshake();
                let asked = judge.asked();
                assert_eq!(asked.len(), 1, "{version}");
                assert_eq!(
                    (asked[0].staple.as_slice(), asked[0].certificates),
                    (if stapled { &ANSWER[..] } else { &[] }, 1)
                );
                match refused {
                    false => shaken.unwrap(),
                    true => assert!(matches!(&shaken, Err(Stop::Refused(c)) if c.code == 44), "{shaken:?}"),
                }
            }
        }
    }
}

#[test]
fn a_wrong_client_certificate_is_told_by_openssl() {
    let (pki, other) = (Pki::new(), Pki::new());
    let (ca, cert, key) = (pki.path("ca.pem"), pki.path("server.pem"), pki.path("server-key.pem"));
    let arguments = [
        "s_server",
        "-accept",
        "127.0.0.1:0",
        "-naccept",
        "1",
        "-cert",
        &cert,
        "-key",
        &key,
        "-rev",
        "-CAfile",
        &ca,
        "-Verify",
        "3",
        "-verify_return_error",
        "-tls1_2",
    ];
    let Some(mut server) = Program::start("openssl", &arguments) else { return };
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let to = lines.find_map(|l| l.unwrap().strip_prefix("ACCEPT ").map(str::to_owned)).unwrap();
    let judge = Arc::new(Judge::default());
    let daemon: Arc<dyn Daemon> = judge.clone();
    let context = other.context(Role::Client, "anon", "", &daemon);
    let stream = TcpStream::connect(to.trim()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut session = Session::new(&context, judge, Socket(stream), false, "", 1).unwrap();
    let why = why(session.handshake().unwrap_err());
    assert_eq!(alert(&why), Some(48), "{}", why.text);
    assert!(why.text.contains("does not know the CA that signed our certificate"), "{}", why.text);
}
