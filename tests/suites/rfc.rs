//! The RFCs' lines that need a whole daemon, as tests under their numbers; the others stand with the wire formats in
//! core/wire/tests/checklist.rs. The list of lines is checked here: each has a test or a reason.

#[path = "rfc/relay.rs"]
mod relay;
#[path = "rfc/rfc5425.rs"]
mod rfc5425;
#[path = "rfc/rfc5426.rs"]
mod rfc5426;
#[path = "rfc/rfc6587.rs"]
mod rfc6587;
#[path = "rfc/rfc9662.rs"]
mod rfc9662;
#[path = "rfc/udp.rs"]
mod udp;

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use sysloom_tests::pki::{Identity, Pki, Wish};
use sysloom_tests::{Auth, Channel, Daemon, Dir, connect};

/// Lines of each RFC in the list.
const LINES: [(u32, u32); 6] = [(3164, 12), (5424, 30), (5425, 38), (5426, 10), (6587, 9), (9662, 10)];

/// Lines without a test, and why. The first word says what it is: `unmet`, `unmet by default`, `in part` (what
/// is there is tested), `elsewhere` (tested somewhere else), or `untestable`.
const WITHOUT_TEST: [(u32, u32, &str); 17] = [
    (3164, 11, "in part: omfwd sends to 514 by itself; imudp listens where it is told to, as in rsyslog"),
    (5424, 9, "untestable: which name a host gives itself is the host's configuration"),
    (5424, 13, "elsewhere: structured data is passed on as it came; nothing of ours adds an element"),
    (5424, 18, "in part: a BOM is read and passed on; rsyslog's templates write none of their own"),
    (5424, 28, "unmet: timeQuality, origin and meta are passed on and not interpreted"),
    (
        5425,
        2,
        "unmet by default: rsyslog's omfwd goes to port 514 and imtcp names its port; 6514 is to be written",
    ),
    (5425, 9, "unmet: certificates are made with certtool or openssl"),
    (5425, 10, "unmet: a peer's certificate is named in log lines, not recorded with each message"),
    (5425, 11, "unmet: the own fingerprint is printed by openssl x509 -fingerprint"),
    (5425, 17, "elsewhere: core/engine/src/netstream judges a resumed session again"),
    (5425, 34, "unmet: wildcards in certificates cannot be switched off"),
    (
        5426,
        6,
        "unmet: omfwd does not ask for the path's MTU; a long datagram is left to the system, as rsyslog leaves it",
    ),
    (
        9662,
        1,
        "in part: rustls has no RSA key exchange and no CBC suites, ossl has them when they are asked for",
    ),
    (9662, 3, "in part: as 9662-1; the line is a permission"),
    (9662, 9, "unmet: there is no DTLS"),
    (9662, 10, "unmet: there is no DTLS"),
    (6587, 9, "elsewhere: every test of a listener names its port"),
];

#[test]
fn every_line_has_a_test_or_a_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut tested = BTreeSet::new();
    for file in [
        "tests/suites/rfc/relay.rs",
        "tests/suites/rfc/rfc5425.rs",
        "tests/suites/rfc/rfc5426.rs",
        "tests/suites/rfc/rfc6587.rs",
        "tests/suites/rfc/rfc9662.rs",
        "tests/suites/rfc/udp.rs",
        "core/wire/tests/checklist.rs",
    ] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        for name in text.lines().filter_map(|line| line.trim().strip_prefix("fn rfc")) {
            tested.extend(numbers(name));
        }
    }
    let excused: BTreeSet<(u32, u32)> = WITHOUT_TEST.iter().map(|(rfc, line, _)| (*rfc, *line)).collect();
    let partly = WITHOUT_TEST.iter().filter(|(_, _, why)| why.starts_with("in part"));
    let partly: BTreeSet<(u32, u32)> = partly.map(|(rfc, line, _)| (*rfc, *line)).collect();
    let both: Vec<_> = tested.intersection(&excused).filter(|line| !partly.contains(line)).collect();
    assert!(both.is_empty(), "tested and excused: {both:?}");
    let all = LINES.iter().flat_map(|(rfc, n)| (1..=*n).map(move |line| (*rfc, line)));
    let missing: Vec<_> = all.filter(|line| !tested.contains(line) && !excused.contains(line)).collect();
    assert!(missing.is_empty(), "neither tested nor excused: {missing:?}");
    for (rfc, line, why) in WITHOUT_TEST {
        println!("| RFC {rfc}-{line} | {why} |");
    }
}

/// `5425_03_18_words`, `5424_05_to_08_words`: the lines that a test's name claims.
fn numbers(name: &str) -> Vec<(u32, u32)> {
    let mut words = name.split('_');
    let Some(rfc) = words.next().and_then(|word| word.parse().ok()) else { return Vec::new() };
    let mut lines: Vec<u32> = Vec::new();
    let mut range = false;
    for word in words {
        match (word.parse::<u32>(), word) {
            (Ok(n), _) if range => {
                let first = lines.last().copied().unwrap_or(n);
                lines.extend(first + 1..=n);
                range = false;
            }
            (Ok(n), _) => lines.push(n),
            (Err(_), "to") if !lines.is_empty() => range = true,
            _ => break,
        }
    }
    lines.into_iter().map(|line| (rfc, line)).collect()
}

/// The certificates of a test.
struct World {
    driver: &'static str,
    dir: Dir,
    pki: Pki,
    server: Identity,
    client: Identity,
}

impl World {
    fn new() -> Self {
        Self::over("rustls")
    }

    /// Ours use this driver.
    fn over(driver: &'static str) -> Self {
        let dir = Dir::new();
        let pki = Pki::new(&dir);
        let server = pki.issue(&dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
        let client = pki.issue(&dir, "client", &Wish { names: &["sender.example.test"], ..Wish::default() });
        Self { driver, dir, pki, server, client }
    }

    /// A collector of ours that judges senders so.
    fn collector(&self, auth: Auth, permitted: &[&str]) -> (Daemon, u16) {
        let channel =
            Channel::tls(self.driver, &self.pki.file()).owning(&self.server).judging(auth, permitted);
        self.start(&channel)
    }

    fn start(&self, channel: &Channel) -> (Daemon, u16) {
        let daemon = Daemon::start(&self.dir, "collector", &channel.collector());
        let port = daemon.port(&self.dir.file("port"));
        (daemon, port)
    }

    /// A sender of ours to `port` that judges so, octet-counting unless told otherwise, with `lines` in hand.
    fn sender(&self, channel: &Channel, port: u16, lines: &str) -> Daemon {
        let config = format!(
            "{}module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n{}",
            channel.globals(),
            channel.action(
                "localhost",
                port,
                "tcp_framing=\"octet-counted\" template=\"RSYSLOG_SyslogProtocol23Format\""
            )
        );
        let daemon = Daemon::start(&self.dir, "sender", &config);
        connect(daemon.port(&self.dir.file("in"))).write_all(lines.as_bytes()).unwrap();
        daemon
    }

    fn tls(&self) -> Channel {
        Channel::tls(self.driver, &self.pki.file()).owning(&self.client)
    }
}

/// A listener of the test's own, and its port.
fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}
