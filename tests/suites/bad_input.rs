//! Bad input: each kind is one line on stderr (who, on which listener, at which stage, why, what to do) and costs no
//! other connection anything: a witness sends before and after on a connection of its own.

#[path = "bad_input/files.rs"]
mod files;
#[path = "bad_input/frames.rs"]
mod frames;
#[path = "bad_input/shakes.rs"]
mod shakes;
#[path = "bad_input/silence.rs"]
mod silence;

use std::io::Write;
use std::net::TcpStream;
use sysloom_tests::pki::{Identity, Pki, Wish};
use sysloom_tests::{Auth, Channel, Daemon, Dir, TlsClient, TlsVersion, connect, file_lines, wait_for};

/// A collector with a plain listener and a TLS listener that judges, and witnesses that are connected to both.
struct House {
    dir: Dir,
    pki: Pki,
    daemon: Daemon,
    plain: u16,
    tls: u16,
    client: Identity,
    witness: (TcpStream, TlsClient),
    sent: usize,
}

impl House {
    fn new(auth: Auth, more: &str) -> Self {
        Self::over("rustls", auth, more)
    }

    /// The TLS listener uses this driver.
    fn over(driver: &str, auth: Auth, more: &str) -> Self {
        let dir = Dir::new();
        let pki = Pki::new(&dir);
        let server = pki.issue(&dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
        let client = pki.issue(&dir, "client", &Wish { names: &["sender.example.test"], ..Wish::default() });
        let peers: &[&str] = if auth == Auth::Name { &["sender.example.test"] } else { &[] };
        let channel = Channel::tls(driver, &pki.file()).owning(&server).judging(auth, peers);
        let config =
            channel.collector().replace("module(load=\"imtcp\"", &format!("module(load=\"imtcp\" {more}"));
        let config = config.replace("listenPortFileName=", "name=\"sealed\" listenPortFileName=");
        let config = format!(
            "{config}input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" name=\"open\" \
             listenPortFileName=\"{{dir}}/plain\" streamDriver.name=\"ptcp\" streamDriver.mode=\"0\" \
             streamDriver.authMode=\"anon\" permittedPeer=[])\n"
        );
        let config = config.replace(" permittedPeer=[])", ")");
        let daemon = Daemon::start(&dir, "daemon", &config);
        let (plain, tls) = (daemon.port(&dir.file("plain")), daemon.port(&dir.file("port")));
        let sealed = TlsClient::connect(tls, &pki.file(), Some(&client), TlsVersion::V13).unwrap();
        let mut this =
            Self { witness: (connect(plain), sealed), dir, pki, daemon, plain, tls, client, sent: 0 };
        this.witness();
        this
    }

    /// Both witnesses say something, and it arrives.
    fn witness(&mut self) {
        let text = |word: &str, i: usize| format!("<134>1 2026-11-23T03:09:01Z h w - - - {word} {i}\n");
        self.witness.0.write_all(text("plain witness", self.sent).as_bytes()).unwrap();
        self.witness.1.send(text("sealed witness", self.sent).as_bytes()).unwrap();
        let want = [format!("plain witness {}", self.sent), format!("sealed witness {}", self.sent)];
        self.sent += 1;
        self.arrived(&want.iter().map(String::as_str).collect::<Vec<_>>());
    }

    /// Waits until each text is in the file.
    fn arrived(&self, texts: &[&str]) {
        wait_for(&format!("{texts:?}"), || {
            let log = std::fs::read(self.dir.file("log")).ok()?;
            let log = String::from_utf8_lossy(&log);
            texts.iter().all(|text| log.lines().any(|line| line.trim() == *text)).then_some(())
        });
    }

    /// Runs `act`, which returns the port that it came from, and checks the line that it leaves: exactly one, with
    /// the peer, the listener's name and each of `words`; and that the witnesses do not notice.
    fn one_line(&mut self, what: &str, listener: &str, words: &[&str], act: impl FnOnce(&mut Self) -> u16) {
        let before = self.daemon.stderr();
        let from = act(self);
        let peer = format!("127.0.0.1:{from}");
        wait_for(&format!("a line about {what} from {peer}"), || {
            self.daemon.stderr().contains(&peer).then_some(())
        });
        self.witness();
        let said = self.daemon.stderr();
        let new: Vec<&str> = said.get(before.len()..).unwrap_or_default().lines().collect();
        assert_eq!(new.len(), 1, "{what}: {new:#?}");
        for word in words.iter().chain([&peer.as_str(), &listener]) {
            assert!(new[0].contains(word), "{what}: {word:?} is not in {}", new[0]);
        }
    }

    /// Runs `act`, which is no reason for a line.
    fn no_line(&mut self, what: &str, arrives: &[&str], act: impl FnOnce(&mut Self)) {
        let before = self.daemon.stderr();
        act(self);
        self.arrived(arrives);
        self.witness();
        assert_eq!(self.daemon.stderr(), before, "{what}");
    }

    /// Ends in order: everything that the witnesses sent is there.
    fn close(self) {
        self.daemon.stop();
        let log = file_lines(&self.dir.file("log"), 2 * self.sent);
        for word in ["plain witness", "sealed witness"] {
            assert_eq!(log.iter().filter(|line| line.contains(word)).count(), self.sent);
        }
    }
}
