//! Handshakes spoilt at each of their steps, and connections spoilt when they are open: tests/cases/hostile/attack.py plays
//! the client against a listener, and the server against an output.

use crate::{DEADLINE, Good, Sender, Siege, by_port};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use sysloom_tests::pki::{Pki, Wish};
use sysloom_tests::{Auth, Channel, Daemon, Dir, PATIENCE, Peer, connect, tls_drivers, wait_for};

/// What is nobody's fault: in TLS 1.3 change_cipher_spec means nothing and may be missing, or come twice, RFC 8446 5.
const HARMLESS: [&str; 4] = ["1.3/3/missing", "1.3/3/twice", "1.3/1/missing", "1.3/1/twice"];

const STALLED: [&str; 2] = ["not finished within", "no answer within"];
const GARBLED: [&str; 8] = [
    "out of turn",
    "not correct TLS",
    "broke the rules of TLS",
    "could not be decrypted",
    "TLS alert",
    "longer than",
    "its signature",
    "in common",
];

/// What rustls has to say, by the attack's name: one of the words. The others are [`GARBLED`], or stall.
const WORDS: [(&str, &[&str]); 16] = [
    ("fatal-alert", &["TLS alert 40"]),
    ("close-notify", &["TLS alert 0", STALLED[0], STALLED[1]]),
    ("half-an-alert", &["AlertDescription"]),
    ("unknown-alert", &["TLS alert 213"]),
    ("warnings", &["TooManyWarningAlerts"]),
    ("warnings-later", &["TooManyWarningAlerts"]),
    ("alert-later", &["TLS alert 20"]),
    ("endless", &["longer than TLS allows", "could not be decrypted"]),
    ("oversized", &["longer than TLS allows"]),
    ("oversized-later", &["longer than TLS allows"]),
    ("silence", &STALLED),
    ("text", &["does not speak TLS", "no TLS record"]),
    ("wrong-version", &["does not speak TLS", "no TLS record"]),
    ("wrong-type", &["does not speak TLS", "no TLS record"]),
    ("bad-seal", &["could not be decrypted"]),
    ("renegotiation", &["TooManyRenegotiationRequests", "out of turn"]),
];

/// How many servers are connected to at once.
const WIDTH: usize = 48;

/// One attack, as the script reports it.
struct Attack {
    name: String,
    /// The port that tells its line apart.
    port: u16,
    outcome: String,
}

impl Attack {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split('\t');
        let (name, port, outcome) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        Some(Self { name: name.to_owned(), port, outcome: outcome.to_owned() })
    }

    fn is_harmless(&self) -> bool {
        HARMLESS.contains(&self.name.as_str())
    }

    /// What is wrong with the line about it.
    fn complaint(&self, driver: &str, line: &str) -> Option<String> {
        let spoil = self.name.rsplit('/').next().unwrap_or_default();
        let own = WORDS.iter().find(|(name, _)| *name == spoil);
        let is_in = |word: &&str| line.contains(word);
        let told = match own {
            // In words of its own, as long as they are not OpenSSL's alone.
            _ if driver != "rustls" => !line.contains("TLS failed"),
            Some((_, words)) => words.iter().any(is_in),
            None => GARBLED.iter().chain(&STALLED).any(is_in),
        };
        (!told || self.outcome == "open").then(|| format!("{}, {}: {line}", self.name, self.outcome))
    }
}

fn script(arguments: &[&str]) -> Command {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/hostile/attack.py");
    let mut command = Command::new("tlslite-python");
    command.arg(file).args(arguments);
    command
}

/// The script's reports, when it has made all of its attacks.
fn reports(peer: &mut Peer, least: usize) -> Vec<Attack> {
    assert!(peer.wait_long(), "{}", peer.output());
    let attacks: Vec<Attack> = peer.output().lines().filter_map(Attack::parse).collect();
    assert!(attacks.len() >= least, "{} attacks: {}", attacks.len(), peer.output());
    attacks
}

/// Each attack has its lines, and they say what it was.
fn judge(driver: &str, daemon: &Daemon, attacks: &[Attack], good: impl Fn(&[String]) -> bool) {
    let attacks = || attacks.iter().filter(|attack| !attack.is_harmless());
    let end = Instant::now() + PATIENCE;
    let mut said = by_port(daemon);
    while !attacks().all(|attack| said.contains_key(&attack.port)) && Instant::now() < end {
        std::thread::park_timeout(Duration::from_millis(100));
        said = by_port(daemon);
    }
    let mut wrong = Vec::new();
    for attack in attacks() {
        let lines = said.remove(&attack.port).unwrap_or_default();
        match lines.first() {
            Some(line) if good(&lines) => wrong.extend(attack.complaint(driver, line)),
            _ => wrong.push(format!("{}, {}: {lines:?}", attack.name, attack.outcome)),
        }
    }
    assert!(wrong.is_empty(), "{driver}: {wrong:#?}");
}

#[test]
fn a_listener_and_clients_that_spoil_each_step() {
    if !Peer::wanted("tlslite-python") {
        return;
    }
    for driver in tls_drivers() {
        let siege = Siege::new(driver);
        let (cert, key) = (siege.own.cert.display().to_string(), siege.own.key.display().to_string());
        let mut command = script(&["client", &siege.port.to_string(), &cert, &key]);
        let mut peer = Peer::start_logged(&siege.dir, "attack", &mut command);
        let attacks = reports(&mut peer, 250);
        let ends = ["handshake with", "ended while reading"];
        judge(driver, &siege.daemon, &attacks, |lines| {
            lines.len() == 1 && ends.iter().any(|end| lines[0].contains(end))
        });
        siege.over().is_kept();
    }
}

/// A plain connection to the daemon that sends on.
impl Sender for std::net::TcpStream {
    fn say(&mut self, bytes: &[u8]) {
        std::io::Write::write_all(self, bytes).expect("the connection is kept");
    }
}

#[test]
fn an_output_and_servers_that_spoil_each_step() {
    if !Peer::wanted("tlslite-python") {
        return;
    }
    for driver in tls_drivers() {
        let (dir, there) = (Dir::new(), Dir::new());
        let pki = Pki::new(&dir);
        let own = pki.issue(&dir, "own", &Wish { names: &["localhost"], ..Wish::default() });
        let collector = Channel::tls(driver, &pki.file()).owning(&own).judging(Auth::Anon, &[]);
        let collector = Daemon::start(&there, "collector", &collector.collector());
        let good_port = collector.port(&there.file("port"));
        let mut command =
            script(&["server", &own.cert.display().to_string(), &own.key.display().to_string()]);
        let mut peer = Peer::start_logged(&dir, "attack", &mut command);
        let said = peer.wait_output("\n");
        let ports =
            said.lines().next().and_then(|line| line.strip_prefix("ports\t")).expect("the script's ports");
        // Each hostile server has an action of its own, which gives up at once; so has the good one.
        let channel = Channel::tls(driver, &pki.file()).judging(Auth::Valid, &[]);
        let queue = "queue.type=\"LinkedList\" queue.size=\"1000\"";
        let attacked = format!("streamDriver.handshakeTimeout=\"{DEADLINE}\" {queue}");
        let mut config = format!(
            "{}module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
             template(name=\"line\" type=\"string\" string=\"<%pri%>1 - h a - - -%msg%\\n\")\n{}",
            channel.globals(),
            channel.action(
                "localhost",
                good_port,
                &format!("{queue} template=\"RSYSLOG_SyslogProtocol23Format\"")
            )
        );
        let ports: Vec<u16> = ports.split(' ').map(|port| port.parse().expect("a port")).collect();
        for (n, port) in ports.iter().enumerate() {
            let action = channel.action("127.0.0.1", *port, &attacked);
            let action = action.replace("resumeRetryCount=\"-1\"", "resumeRetryCount=\"0\"");
            config += &format!("if $msg contains \"attack {n}.\" then {{\n{action}}}\n");
        }
        let daemon = Daemon::start(&dir, "daemon", &config);
        let input = daemon.port(&dir.file("in"));
        let good = Good::start(connect(input), there.file("log"));
        let mut source = connect(input);
        for n in 0..ports.len() {
            // Not all at once: the script would be too slow for the deadline.
            wait_for("an end of attacks", || {
                let over = peer.output().lines().filter_map(Attack::parse).count();
                (n < over + WIDTH).then_some(())
            });
            source.say(format!("<13>1 - h a - - - attack {n}.\n").as_bytes());
        }
        let attacks = reports(&mut peer, 290);
        // The first line is about the attack; the server is gone for what comes later.
        judge(driver, &daemon, &attacks, |lines| lines[0].contains("(client side)"));
        good.stop().is_kept();
        daemon.stop();
        collector.stop();
    }
}
