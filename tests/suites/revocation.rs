//! tlsRevocationCheck against openssl's OCSP responder: what is unknown passes or not as the parameter says and is
//! asked for in the background, what is revoked is refused, what a server staples counts, and no handshake waits.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use sysloom_tests::pki::{Identity, Pki, Wish};
use sysloom_tests::{
    Auth, Channel, Daemon, Dir, Peer, TlsClient, TlsVersion, file_lines, over_every_driver, port::free_port,
    wait_for,
};

over_every_driver!(
    strict_lets_in_whom_the_responder_calls_good_once_it_has_answered,
    on_lets_pass_what_nobody_answers_and_says_so,
    off_asks_nobody,
    no_handshake_waits_for_a_responder,
    a_servers_stapled_answer_counts
);

const GOOD: u8 = 0x11;
const REVOKED: u8 = 0x22;

/// An authority that keeps a register, and its responder.
struct Town {
    driver: &'static str,
    dir: Dir,
    pki: Pki,
    server: Identity,
}

impl Town {
    fn over(driver: &'static str) -> Self {
        let dir = Dir::new();
        let pki = Pki::new(&dir);
        let server = pki.issue(&dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
        dir.write(
            "index.txt",
            format!(
                "V\t400101000000Z\t\t{GOOD:02X}\tunknown\t/CN=good\n\
                 R\t400101000000Z\t250607080910Z\t{REVOKED:02X}\tunknown\t/CN=revoked\n"
            ),
        );
        dir.write("index.txt.attr", "unique_subject = no\n");
        Self { driver, dir, pki, server }
    }

    /// A client's certificate of that serial number, to be asked for at `responder`.
    fn client(&self, name: &str, serial: u8, responder: &str) -> Identity {
        let wish = Wish {
            names: &["sender.example.test"],
            serial: Some(serial),
            responder: Some(responder),
            ..Wish::default()
        };
        self.pki.issue(&self.dir, name, &wish)
    }

    fn responder(&self) -> (Peer, String) {
        let (peer, port) = Peer::serve(&self.dir, "responder", |port| {
            let mut command = self.ocsp();
            command.args(["-port", &port.to_string(), "-nmin", "60"]);
            command
        });
        (peer, format!("http://127.0.0.1:{port}/"))
    }

    /// `openssl ocsp` on the register.
    fn ocsp(&self) -> Command {
        let mut command = Command::new("openssl");
        command.current_dir(self.dir.path()).args("ocsp -index index.txt -CA ca.pem".split(' '));
        command.args("-rsigner ca.pem -rkey ca-key.pem".split(' '));
        command
    }

    fn collector(&self, check: &str) -> (Daemon, u16) {
        let channel =
            Channel::tls(self.driver, &self.pki.file()).owning(&self.server).judging(Auth::Valid, &[]);
        let check = format!("input(type=\"imtcp\" streamDriver.tlsRevocationCheck=\"{check}\" ");
        let config = channel.collector().replace("input(type=\"imtcp\" ", &check);
        let daemon = Daemon::start(&self.dir, "daemon", &config);
        let port = daemon.port(&self.dir.file("port"));
        (daemon, port)
    }

    /// Lets a client in, or says what it is told. In TLS 1.2 a client learns of its refusal within the handshake.
    fn enter(&self, port: u16, who: &Identity) -> Result<TlsClient, String> {
        TlsClient::connect(port, &self.pki.file(), Some(who), TlsVersion::V12).map_err(|e| format!("{e:?}"))
    }
}

fn strict_lets_in_whom_the_responder_calls_good_once_it_has_answered(driver: &'static str) {
    if !Peer::wanted("openssl") {
        return;
    }
    let town = Town::over(driver);
    let (_responder, url) = town.responder();
    let (good, revoked) = (town.client("good", GOOD, &url), town.client("revoked", REVOKED, &url));
    let (daemon, port) = town.collector("strict");

    let told = town.enter(port, &good).err().unwrap();
    assert!(told.contains("CertificateUnknown"), "{told}");
    daemon.wait_stderr(&format!(
        "nobody says whether it is revoked: {url} has been asked and has not answered yet"
    ));
    daemon.wait_stderr("tlsRevocationCheck=\"on\"");

    let mut client = wait_for("the answer", || town.enter(port, &good).ok());
    client.send(b"<134>1 2026-11-23T03:09:01Z h a - - - a good one\n").unwrap();
    assert_eq!(file_lines(&town.dir.file("log"), 1), ["a good one"]);

    let told = wait_for("the refusal", || {
        town.enter(port, &revoked).err().filter(|told| !told.contains("CertificateUnknown"))
    });
    assert!(told.contains("CertificateRevoked"), "{told}");
    daemon.wait_stderr("it was revoked on 2025-06-07 08:09:10 UTC, says its CA's OCSP responder");

    // The same for who resumes or speaks another version.
    let (_, told) = TlsClient::refused(port, &town.pki.file(), Some(&revoked), TlsVersion::V13);
    assert!(told.contains("CertificateRevoked"), "{told}");
    daemon.stop();
}

fn on_lets_pass_what_nobody_answers_and_says_so(driver: &'static str) {
    let town = Town::over(driver);
    let url = format!("http://127.0.0.1:{}/", free_port());
    let client = town.client("client", GOOD, &url);
    let silent = town.client("silent", GOOD, "ldap://127.0.0.1/");
    let (daemon, port) = town.collector("on");
    town.enter(port, &client).unwrap();
    daemon.wait_stderr("tlsRevocationCheck=\"on\" lets it pass");
    wait_for("the failure", || {
        town.enter(port, &client).unwrap();
        daemon.stderr().contains(&format!("{url}: ")).then_some(())
    });
    town.enter(port, &silent).unwrap();
    daemon.wait_stderr("it names no responder that answers over HTTP");
    daemon.stop();
}

fn off_asks_nobody(driver: &'static str) {
    let town = Town::over(driver);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let client = town.client("client", REVOKED, &format!("http://{}/", listener.local_addr().unwrap()));
    let (daemon, port) = town.collector("off");
    let mut welcome = town.enter(port, &client).unwrap();
    welcome.send(b"<134>1 2026-11-23T03:09:01Z h a - - - let in\n").unwrap();
    assert_eq!(file_lines(&town.dir.file("log"), 1), ["let in"]);
    assert!(listener.accept().is_err(), "it was asked");
    assert!(!daemon.stop().contains("revo"));
}

/// The responder takes the question and keeps it; who comes meanwhile does not wait.
fn no_handshake_waits_for_a_responder(driver: &'static str) {
    let town = Town::over(driver);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = town.client("client", GOOD, &format!("http://{}/ocsp", listener.local_addr().unwrap()));
    let (daemon, port) = town.collector("on");
    drop(town.enter(port, &client).unwrap());
    let (mut question, _) = listener.accept().unwrap();
    let mut request = [0; 4096];
    let n = question.read(&mut request).unwrap();
    let request = String::from_utf8_lossy(&request[..n]).into_owned();
    assert!(request.starts_with("POST /ocsp HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("application/ocsp-request"), "{request}");
    for _ in 0..20 {
        drop(town.enter(port, &client).unwrap());
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "it was asked twice at once");
    drop(question);
    daemon.stop();
}

/// A server that staples needs no responder that we can reach.
fn a_servers_stapled_answer_counts(driver: &'static str) {
    if !Peer::wanted("openssl") {
        return;
    }
    for (serial, said) in [(GOOD, None), (REVOKED, Some("it was revoked on 2025-06-07 08:09:10 UTC"))] {
        let town = Town::over(driver);
        let wish = Wish {
            names: &["localhost"],
            serial: Some(serial),
            responder: Some("ldap://nowhere/"),
            ..Wish::default()
        };
        let server = town.pki.issue(&town.dir, "stapling", &wish);
        let made = town
            .ocsp()
            .args("-issuer ca.pem -cert stapling.pem -nmin 60 -respout staple.der".split(' '))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success());
        let (peer, port) = Peer::serve(&town.dir, "server", |port| {
            let mut command = Command::new("openssl");
            command.args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}"), "-status_file"]);
            command
                .arg(town.dir.file("staple.der"))
                .arg("-cert")
                .arg(&server.cert)
                .arg("-key")
                .arg(&server.key);
            command
        });
        let channel = Channel::tls(driver, &town.pki.file()).judging(Auth::Valid, &[]);
        let action =
            channel.action("localhost", port, "streamDriver.tlsRevocationCheck=\"strict\" name=\"out\"");
        let log = town.dir.file("socket");
        let config = format!(
            "{}module(load=\"imuxsock\" sysSock.name=\"{}\")\n{action}",
            channel.globals(),
            log.display()
        );
        let daemon = Daemon::start(&town.dir, "sender", &config);
        let socket = std::os::unix::net::UnixDatagram::unbound().unwrap();
        wait_for("the socket", || socket.connect(&log).ok());
        socket.send(b"<13>test: stapled").unwrap();
        match said {
            None => drop(peer.wait_output("stapled")),
            Some(said) => drop(daemon.wait_stderr(said)),
        }
        assert_eq!(peer.output().contains("stapled"), said.is_none());
        daemon.stop();
    }
}
