//! The driver ossl in the daemon: it is built where the system's OpenSSL is there, and skipped by name elsewhere.

use std::io::Write;
use std::process::{Command, Stdio};
use sysloom_tests::pki::{Identity, Pki, Wish};
use sysloom_tests::{
    Auth, Channel, Daemon, Dir, Peer, TlsClient, TlsVersion, cargo, connect, driver_wanted, file_lines, lines,
};

struct World {
    dir: Dir,
    pki: Pki,
    server: Identity,
}

impl World {
    fn new() -> Self {
        let dir = Dir::new();
        let pki = Pki::new(&dir);
        let server = pki.issue(&dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
        Self { dir, pki, server }
    }

    /// A collector that does not judge its senders.
    fn collector(&self, driver: &str) -> (Daemon, u16) {
        let channel = Channel::tls(driver, &self.pki.file()).owning(&self.server);
        let daemon = Daemon::start(&self.dir, "collector", &channel.collector());
        let port = daemon.port(&self.dir.file("port"));
        (daemon, port)
    }
}

#[test]
fn a_message_of_openssl_s_client_arrives_over_ossl() {
    if !driver_wanted("ossl") || !Peer::wanted("openssl") {
        return;
    }
    for version in ["-tls1_2", "-tls1_3"] {
        let world = World::new();
        let (collector, port) = world.collector("ossl");
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-quiet", "-no_ign_eof", version, "-verify_return_error", "-connect"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("-CAfile")
            .arg(world.pki.file())
            .stdin(Stdio::piped());
        let mut client = Peer::start_logged(&world.dir, "s_client", &mut command);
        client.write(lines(0..3).as_bytes());
        let got = file_lines(&world.dir.file("log"), 3);
        client.end_input();
        assert!(client.wait(), "{}", client.output());
        collector.stop();
        assert_eq!(got, ["message 0", "message 1", "message 2"].map(|m| m.to_owned()), "{version}");
    }
}

#[test]
fn omfwd_and_imtcp_over_either_driver_of_tls() {
    if !driver_wanted("ossl") {
        return;
    }
    for (from, to) in [("ossl", "rustls"), ("rustls", "ossl"), ("ossl", "ossl")] {
        let world = World::new();
        let (collector, port) = world.collector(to);
        let channel = Channel::tls(from, &world.pki.file()).judging(Auth::Valid, &[]);
        let config = format!(
            "{}module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n{}",
            channel.globals(),
            channel.action("localhost", port, "template=\"RSYSLOG_SyslogProtocol23Format\"")
        );
        let sender = Daemon::start(&world.dir, "sender", &config);
        connect(sender.port(&world.dir.file("in"))).write_all(lines(0..500).as_bytes()).unwrap();
        let got = file_lines(&world.dir.file("log"), 500);
        sender.stop();
        collector.stop();
        let want: Vec<String> = (0..500).map(|i| format!("message {i}")).collect();
        assert_eq!(got.iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>(), want, "{from} to {to}");
    }
}

#[test]
fn an_encrypted_key_is_opened_with_its_passphrase() {
    if !driver_wanted("ossl") || !Peer::wanted("openssl") {
        return;
    }
    let world = World::new();
    let (plain, key, pass) =
        (&world.server.key, world.dir.file("key.pem"), world.dir.write("pass", "sesame\n"));
    let mut encrypt = Command::new("openssl");
    encrypt.args(["pkey", "-aes256", "-passout", "pass:sesame", "-in"]).arg(plain).arg("-out").arg(&key);
    assert!(encrypt.status().unwrap().success());
    let config =
        Channel::tls("ossl", &world.pki.file()).owning(&Identity { key, ..world.server.clone() }).collector();
    let global = format!("global(defaultNetstreamDriverKeyPassFile=\"{}\")\n", pass.display());
    let collector = Daemon::start(&world.dir, "collector", &format!("{global}{config}"));
    let port = collector.port(&world.dir.file("port"));
    let mut client = TlsClient::connect(port, &world.pki.file(), None, TlsVersion::V13).unwrap();
    client.send(lines(0..1).as_bytes()).unwrap();
    assert!(client.close());
    assert_eq!(file_lines(&world.dir.file("log"), 1), ["message 0"]);
    collector.stop();
}

/// It is no default member, so `cargo test` does not run them by itself.
#[test]
fn the_drivers_own_tests() {
    if driver_wanted("ossl") {
        cargo(&["test", "-p", "sysloom-nsd-ossl"]);
    }
}
