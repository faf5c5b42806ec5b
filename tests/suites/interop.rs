//! Other people's software as peers, in both roles, over plain TCP, UDP, local sockets and TLS with every way to
//! authenticate that the peer has. The matrix is data; a peer that is not installed is skipped by name. Each test
//! prints its rows of the README's table, and fails where the README does not have them.

#[path = "interop/receive.rs"]
mod receive;
#[path = "interop/send.rs"]
mod send;

use sysloom_tests::collectors::Tls;
use sysloom_tests::pki::{self, Identity, Pki, Wish};
use sysloom_tests::{Auth, Dir};

/// The certificates of one channel: a collector `localhost`, a sender `sender.example.test`, and those that do not
/// belong.
struct World {
    pki: Pki,
    server: Identity,
    client: Identity,
    /// Valid, but of another name.
    other: Identity,
    /// Of an authority that nobody trusts.
    stranger: Identity,
}

impl World {
    fn new(dir: &Dir) -> Self {
        let pki = Pki::new(dir);
        let wish = |name| Wish { names: name, ..Wish::default() };
        let foreign = Pki::named(dir, "foreign-ca");
        Self {
            server: pki.issue(dir, "server", &wish(&["localhost"])),
            client: pki.issue(dir, "client", &wish(&["sender.example.test"])),
            other: pki.issue(dir, "other", &wish(&["other.example.test"])),
            stranger: foreign.issue(dir, "stranger", &wish(&["localhost", "sender.example.test"])),
            pki,
        }
    }

    /// What one says of the peer that owns `identity` under `name`.
    fn permitted(auth: Auth, name: &str, identity: &Identity) -> Vec<String> {
        match auth {
            Auth::Anon | Auth::Valid => Vec::new(),
            Auth::Fingerprint => vec![identity.sha1()],
            Auth::Name => vec![name.to_owned()],
        }
    }

    fn tls(&self, own: &Identity, auth: Auth, permitted: Vec<String>) -> Tls {
        Tls { ca: self.pki.file(), own: own.clone(), version: None, auth, permitted }
    }
}

/// A sender's certificate and whether a collector that judges by `Auth` shall take it.
const SENDERS: [(&str, [bool; 4]); 4] = [
    // anon, fingerprint, certvalid, name
    ("its own", [true, true, true, true]),
    ("another name's", [true, false, true, false]),
    ("a stranger's", [true, false, false, false]),
    ("none", [true, false, false, false]),
];

/// One row of the README's table, which says what a test has shown: `what` is the auth mode where it is TLS.
#[track_caller]
fn row(peer: &str, role: &str, transport: &str, what: &str) {
    println!("| {peer} | {role} | {transport} | {what} |");
    let line = README.lines().find(|line| line.starts_with(&format!("| {peer} |")));
    let line = line.unwrap_or_else(|| panic!("README.md, Other people's software: no row of {peer}"));
    let cell = line.split('|').nth(if role == "sender" { 2 } else { 3 }).unwrap_or_default();
    let word = if transport == "socket" { "local socket".to_owned() } else { transport.to_uppercase() };
    let of_it = cell.split(';').map(str::trim).find(|part| part.starts_with(&word));
    let mode = if word == "TLS" { what.trim_start_matches("x509/") } else { "" };
    let is_told = of_it.is_some_and(|part| part.contains(mode));
    assert!(is_told, "README.md, Other people's software: {peer}, {role}, {word} {mode}: {line}");
}

const README: &str = include_str!("../../README.md");

/// `SHA1:` before a fingerprint, as rsyslog writes it.
fn labelled(auth: Auth, mut peers: Vec<String>) -> Vec<String> {
    if auth == Auth::Fingerprint {
        peers.iter_mut().for_each(|peer| *peer = format!("SHA1:{peer}"));
    }
    peers
}

#[test]
fn fingerprints_are_what_other_tools_print() {
    let dir = Dir::new();
    let made = pki::self_signed(&dir, "one", &Wish { names: &["localhost"], ..Wish::default() });
    if !sysloom_tests::Peer::wanted("openssl") {
        return;
    }
    for (option, ours) in [("-sha1", made.sha1()), ("-sha256", made.sha256())] {
        let mut command = std::process::Command::new("openssl");
        let out = command.args(["x509", "-noout", "-fingerprint", option, "-in"]).arg(&made.cert).output();
        let text = String::from_utf8(out.unwrap().stdout).unwrap();
        assert_eq!(text.trim().split_once('=').unwrap().1, ours);
    }
}
