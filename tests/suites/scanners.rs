//! What other people's scanners say of the drivers' defaults: testssl.sh, sslscan and sslyze look at a listener on
//! loopback with either kind of certificate, and none of them may report a weakness. Each scanner's report is judged
//! from its JSON or XML, must hold every check that was asked for, and is also judged for a server that is weak on purpose.

#[path = "scanners/sslscan.rs"]
mod sslscan;
#[path = "scanners/sslyze.rs"]
mod sslyze;
#[path = "scanners/testssl.rs"]
mod testssl;

use std::process::Command;
use std::time::{Duration, Instant};
use sysloom_tests::pki::{Identity, Pki, Wish};
use sysloom_tests::{Auth, Channel, Daemon, Dir, Peer, TlsClient, TlsVersion, lines, tls_drivers, wait_for};

/// A listener of ours that is scanned.
struct Target {
    dir: Dir,
    pki: Pki,
    daemon: Daemon,
    port: u16,
}

impl Target {
    fn new(driver: &str, rsa: bool) -> Self {
        let dir = Dir::new();
        let (pki, server) = certificate(&dir, rsa);
        let channel = Channel::tls(driver, &pki.file()).owning(&server).judging(Auth::Anon, &[]);
        let daemon = Daemon::start(&dir, "daemon", &channel.collector());
        let port = daemon.port(&dir.file("port"));
        Self { dir, pki, daemon, port }
    }

    /// After all that it still serves, and ends in order.
    fn close(self) {
        let mut client = TlsClient::connect(self.port, &self.pki.file(), None, TlsVersion::V13).unwrap();
        client.send(lines(0..1).as_bytes()).unwrap();
        assert!(client.close());
        // Scanners leave lines of their own.
        let log = self.dir.file("log");
        wait_for("the message", || std::fs::read_to_string(&log).ok()?.contains("message 0\n").then_some(()));
        self.daemon.stop();
    }
}

/// Runs `judge` on a listener of each driver with each kind of key: what it returns are weaknesses.
fn no_weakness(keys: &[bool], judge: impl Fn(&Dir, u16) -> Vec<String>) {
    for driver in tls_drivers() {
        for &rsa in keys {
            let target = Target::new(driver, rsa);
            let found = judge(&target.dir, target.port);
            assert!(found.is_empty(), "{driver}, {}: {found:#?}", if rsa { "RSA" } else { "ECDSA" });
            target.close();
        }
    }
}

/// OpenSSL's server with what a careless administrator could allow: the judge must see it.
fn weak_server() -> (Dir, Peer, u16) {
    let dir = Dir::new();
    let (_, own) = certificate(&dir, true);
    let (peer, port) = Peer::serve(&dir, "weak", |port| {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-accept", &format!("127.0.0.1:{port}")]);
        command.arg("-cert").arg(&own.cert).arg("-key").arg(&own.key);
        command.args(["-min_protocol", "TLSv1", "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]);
        command
    });
    (dir, peer, port)
}

fn certificate(dir: &Dir, rsa: bool) -> (Pki, Identity) {
    let pki = Pki::new(dir);
    let server = pki.issue(dir, "server", &Wish { names: &["localhost"], rsa, ..Wish::default() });
    (pki, server)
}

/// Runs a scanner to its end.
fn scan(command: &mut Command, limit: Duration) {
    let began = Instant::now();
    let out = command.env("LC_ALL", "C").stdin(std::process::Stdio::null()).output().unwrap();
    let took = began.elapsed();
    assert!(took < limit, "{command:?} took {took:?}");
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    println!("{command:?}: {}, {took:?}\n{said}", out.status);
}
