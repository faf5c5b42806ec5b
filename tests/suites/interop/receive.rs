//! Other people's software as the sender, ours as the collector.

use crate::{SENDERS, World, labelled, row};
use std::io::Write;
use std::process::Command;
use sysloom_tests::collectors::{ng_command, ng_tls};
use sysloom_tests::pki::Identity;
use sysloom_tests::{
    Auth, Channel, Daemon, Dir, Peer, TlsClient, TlsVersion, connect, file_lines, lines, over_every_driver,
    wait_for,
};

over_every_driver!(
    rsyslogd_gtls,
    rsyslogd_ossl,
    syslog_ng_syslog,
    syslog_ng_network,
    stunnel_behind_a_plain_sender,
    openssl_s_client,
    gnutls_cli,
    each_mode_takes_the_senders_that_it_names
);

/// A collector of ours that judges senders.
fn collector(driver: &str, there: &Dir, world: &World, mode: Auth) -> (Daemon, u16) {
    let peers = labelled(mode, World::permitted(mode, "sender.example.test", &world.client));
    let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
    let channel = Channel::tls(driver, &world.pki.file()).owning(&world.server).judging(mode, &peers);
    let daemon = Daemon::start(there, "collector", &channel.collector());
    let port = daemon.port(&there.file("port"));
    (daemon, port)
}

/// The 20 messages, each once, in order.
fn arrived(there: &Dir) {
    let got: Vec<String> = file_lines(&there.file("log"), 20).iter().map(|l| l.trim().to_owned()).collect();
    let want: Vec<String> = (0..20).map(|i| format!("message {i}")).collect();
    assert_eq!(got, want);
}

/// A program that sends over TLS: how it is started with a certificate, judging ours by `mode`, and fed.
type Send = fn(&Dir, &World, &Identity, Auth, u16) -> Running;

/// What a sender's start leaves to hold on to.
enum Running {
    Daemon(Daemon),
    Peer(Peer),
}

impl Running {
    /// Ends it in order.
    fn stop(self) {
        match self {
            Self::Daemon(daemon) => drop(daemon.stop()),
            Self::Peer(peer) => peer.kill(),
        }
    }
}

fn tls(driver: &str, program: &str, name: &str, modes: &[Auth], send: Send) {
    if !Peer::wanted(program) {
        return;
    }
    for &mode in modes {
        let (dir, there) = (Dir::new(), Dir::new());
        let world = World::new(&dir);
        let (ours, port) = collector(driver, &there, &world, mode);
        let sender = send(&dir, &world, &world.client, mode, port);
        arrived(&there);
        sender.stop();
        let said = ours.stop();
        let other: Vec<&str> = said.lines().filter(|line| !line.contains("authMode anon")).collect();
        assert!(other.is_empty(), "{mode:?}: {said}");
        arrived(&there);
        row(name, "sender", "TLS", mode.word());
    }
    // A sender that is not the one we wait for, and one of an authority that nobody knows.
    for (mode, certificate) in [(Auth::Name, "another"), (Auth::Valid, "a stranger's")] {
        let (dir, there) = (Dir::new(), Dir::new());
        let world = World::new(&dir);
        let (ours, port) = collector(driver, &there, &world, mode);
        let own = if certificate == "another" { &world.other } else { &world.stranger };
        let sender = send(&dir, &world, own, Auth::Anon, port);
        ours.wait_stderr("handshake with 127.0.0.1:");
        drop(sender);
        ours.stop();
        let got = std::fs::read_to_string(there.file("log")).unwrap_or_default();
        assert_eq!(got, "", "{name}: {certificate}");
    }
}

fn rsyslogd(driver: &str, dir: &Dir, world: &World, own: &Identity, mode: Auth, port: u16) -> Running {
    let peers = labelled(mode, World::permitted(mode, "localhost", &world.server));
    let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
    let channel = Channel::tls(driver, &world.pki.file()).owning(own).judging(mode, &peers);
    let config = format!(
        "{}module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n{}",
        channel.globals(),
        channel.action(
            "127.0.0.1",
            port,
            "template=\"RSYSLOG_SyslogProtocol23Format\" tcp_framing=\"octet-counted\""
        )
    );
    let daemon = Daemon::rsyslogd(dir, "sender", &config);
    connect(daemon.port(&dir.file("in"))).write_all(lines(0..20).as_bytes()).unwrap();
    Running::Daemon(daemon)
}

fn syslog_ng(kind: &str, transport: &str, dir: &Dir, tls: &str, port: u16) -> Running {
    let (peer, input) = Peer::serve(dir, "sender", |input| {
        let config = format!(
            "@version: 3.35\noptions {{ keep-hostname(yes); use-dns(no); stats-freq(0); time-reopen(1); }};\n\
             source s {{ network(ip(\"127.0.0.1\") port({input}) flags(syslog-protocol)); }};\n\
             destination d {{ {kind}(\"localhost\" port({port}) transport({transport}) {tls}); }};\n\
             log {{ source(s); destination(d); }};\n"
        );
        ng_command(dir, "sender", &config)
    });
    connect(input).write_all(lines(0..20).as_bytes()).unwrap();
    Running::Peer(peer)
}

fn ng_over_tls(kind: &str, dir: &Dir, world: &World, own: &Identity, mode: Auth, port: u16) -> Running {
    let peers = World::permitted(mode, "localhost", &world.server);
    let words = format!("tls({})", ng_tls(dir, &world.tls(own, mode, peers)));
    syslog_ng(kind, "tls", dir, &words, port)
}

/// A client program that sends what it reads.
fn fed(dir: &Dir, command: &mut Command) -> Running {
    let mut peer = Peer::start_piped(dir, "sender", command);
    peer.write(lines(0..20).as_bytes());
    Running::Peer(peer)
}

fn rsyslogd_gtls(driver: &str) {
    tls(driver, "rsyslogd", "rsyslogd gtls", &Auth::ALL, |dir, world, own, mode, port| {
        rsyslogd("gtls", dir, world, own, mode, port)
    });
}

fn rsyslogd_ossl(driver: &str) {
    tls(driver, "rsyslogd", "rsyslogd ossl", &Auth::ALL, |dir, world, own, mode, port| {
        rsyslogd("ossl", dir, world, own, mode, port)
    });
}

fn syslog_ng_syslog(driver: &str) {
    tls(driver, "syslog-ng", "syslog-ng syslog()", &Auth::ALL, |dir, world, own, mode, port| {
        ng_over_tls("syslog", dir, world, own, mode, port)
    });
}

fn syslog_ng_network(driver: &str) {
    tls(driver, "syslog-ng", "syslog-ng network()", &Auth::ALL, |dir, world, own, mode, port| {
        ng_over_tls("network", dir, world, own, mode, port)
    });
}

fn stunnel_behind_a_plain_sender(driver: &str) {
    tls(driver, "stunnel4", "stunnel behind a plain sender", &Auth::ALL, |dir, world, own, mode, port| {
        let verify = match mode {
            Auth::Anon => "verify = 0\n".to_owned(),
            Auth::Fingerprint => format!("verifyPeer = yes\nCAfile = {}\n", world.server.cert.display()),
            Auth::Valid => format!("verifyChain = yes\nCAfile = {}\n", world.pki.file().display()),
            Auth::Name => {
                let ca = world.pki.file();
                format!("verifyChain = yes\nCAfile = {}\ncheckHost = localhost\n", ca.display())
            }
        };
        let (peer, input) = Peer::serve(dir, "stunnel", |input| {
            let config = format!(
                "foreground = yes\npid =\nsyslog = no\n[out]\nclient = yes\naccept = 127.0.0.1:{input}\n\
                 connect = 127.0.0.1:{port}\ncert = {}\nkey = {}\n{verify}",
                own.cert.display(),
                own.key.display()
            );
            let mut command = Command::new("stunnel4");
            command.arg(dir.write("stunnel.conf", config));
            command
        });
        // Where stunnel is refused, it may have closed this side before it takes them.
        let _ = connect(input).write_all(lines(0..20).as_bytes());
        Running::Peer(peer)
    });
}

fn openssl_s_client(driver: &str) {
    tls(
        driver,
        "openssl",
        "openssl s_client",
        &[Auth::Anon, Auth::Valid, Auth::Name],
        |dir, world, own, mode, port| {
            let mut command = Command::new("openssl");
            command.args(["s_client", "-quiet", "-connect"]).arg(format!("127.0.0.1:{port}"));
            command.arg("-cert").arg(&own.cert).arg("-key").arg(&own.key);
            if mode != Auth::Anon {
                command.arg("-verify_return_error").arg("-CAfile").arg(world.pki.file());
            }
            if mode == Auth::Name {
                command.args(["-verify_hostname", "localhost"]);
            }
            fed(dir, &mut command)
        },
    );
}

fn gnutls_cli(driver: &str) {
    tls(driver, "gnutls-cli", "gnutls-cli", &[Auth::Anon, Auth::Name], |dir, world, own, mode, port| {
        let mut command = Command::new("gnutls-cli");
        command.arg("--port").arg(port.to_string());
        command.arg("--x509certfile").arg(&own.cert).arg("--x509keyfile").arg(&own.key);
        match mode {
            Auth::Anon => command.arg("--insecure"),
            _ => command.arg("--x509cafile").arg(world.pki.file()),
        };
        fed(dir, command.arg("localhost"))
    });
}

/// Every sender's certificate against every mode of ours.
fn each_mode_takes_the_senders_that_it_names(driver: &str) {
    for (certificate, verdicts) in SENDERS {
        for (mode, taken) in Auth::ALL.into_iter().zip(verdicts) {
            let (dir, there) = (Dir::new(), Dir::new());
            let world = World::new(&dir);
            let (ours, port) = collector(driver, &there, &world, mode);
            let own = match certificate {
                "its own" => Some(&world.client),
                "another name's" => Some(&world.other),
                "a stranger's" => Some(&world.stranger),
                _ => None,
            };
            for version in TlsVersion::BOTH {
                let sent = TlsClient::connect(port, &world.pki.file(), own, version)
                    .map_err(|e| e.to_string())
                    .and_then(|mut client| {
                        client.send(lines(0..1).as_bytes()).map_err(|e| e.to_string())?;
                        if client.close() { Ok(()) } else { Err("no close_notify".to_owned()) }
                    });
                assert_eq!(sent.is_ok(), taken, "{certificate}, {mode:?}, {version:?}: {sent:?}");
            }
            if taken {
                assert_eq!(file_lines(&there.file("log"), 2).len(), 2);
            } else {
                wait_for("both refusals", || {
                    (ours.stderr().matches("handshake with 127.0.0.1:").count() == 2).then_some(())
                });
            }
            ours.stop();
            assert_eq!(there.file("log").exists(), taken, "{certificate}, {mode:?}");
        }
    }
}

#[test]
fn rsyslogd_ptcp() {
    if !Peer::wanted("rsyslogd") {
        return;
    }
    for framing in ["traditional", "octet-counted"] {
        let (dir, there) = (Dir::new(), Dir::new());
        let ours = Daemon::start(&there, "collector", &Channel::plain().collector());
        let port = ours.port(&there.file("port"));
        let more = format!("template=\"RSYSLOG_SyslogProtocol23Format\" tcp_framing=\"{framing}\"");
        let config = format!(
            "module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n{}",
            Channel::plain().action("127.0.0.1", port, &more)
        );
        let theirs = Daemon::rsyslogd(&dir, "sender", &config);
        connect(theirs.port(&dir.file("in"))).write_all(lines(0..20).as_bytes()).unwrap();
        arrived(&there);
        theirs.stop();
        assert_eq!(ours.stop(), "");
        row("rsyslogd", "sender", "TCP", framing);
    }
}

#[test]
fn syslog_ng_tcp() {
    if !Peer::wanted("syslog-ng") {
        return;
    }
    for kind in ["syslog", "network"] {
        let (dir, there) = (Dir::new(), Dir::new());
        let ours = Daemon::start(&there, "collector", &Channel::plain().collector());
        let sender = syslog_ng(kind, "tcp", &dir, "", ours.port(&there.file("port")));
        arrived(&there);
        sender.stop();
        assert_eq!(ours.stop(), "");
        row(&format!("syslog-ng {kind}()"), "sender", "TCP", "");
    }
}

/// A collector with every plain way in.
fn open_house(there: &Dir) -> (Daemon, u16, u16, u16) {
    let config = "module(load=\"imtcp\")\nmodule(load=\"imudp\")\nmodule(load=\"imuxsock\" sysSock.name=\"{dir}/dev-log\")\n\
        input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/port\")\n\
        input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/nul\" addtlFrameDelimiter=\"0\")\n\
        input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/udp\")\n\
        input(type=\"imuxsock\" socket=\"{dir}/parsed\" useSpecialParser=\"off\" parseHostname=\"on\")\n\
        template(name=\"t\" type=\"string\" string=\"%syslogfacility-text%.%syslogseverity-text% %programname%:%msg%\\n\")\n\
        action(type=\"omfile\" file=\"{dir}/log\" template=\"t\")\n";
    let daemon = Daemon::start(there, "collector", config);
    let port = |name: &str| daemon.port(&there.file(name));
    let (tcp, nul, udp) = (port("port"), port("nul"), port("udp"));
    (daemon, tcp, nul, udp)
}

#[test]
fn logger() {
    if !Peer::wanted("logger") {
        return;
    }
    let there = Dir::new();
    let (ours, tcp, _, udp) = open_house(&there);
    let socket = there.file("dev-log").display().to_string();
    let parsed = there.file("parsed").display().to_string();
    let (tcp, udp) = (tcp.to_string(), udp.to_string());
    let server = ["--server", "127.0.0.1", "--port"];
    let mut want = Vec::new();
    for (way, words) in [
        ("--tcp", [&server[..], &[tcp.as_str(), "--tcp"]].concat()),
        ("--tcp --octet-count", [&server[..], &[&tcp, "--tcp", "--octet-count"]].concat()),
        ("--tcp --rfc3164", [&server[..], &[&tcp, "--tcp", "--rfc3164"]].concat()),
        ("--udp", [&server[..], &[&udp, "--udp"]].concat()),
        ("--udp --rfc3164", [&server[..], &[&udp, "--udp", "--rfc3164"]].concat()),
        ("-u", vec!["-u", &socket]),
        // rsyslog: only without its special parser does a local socket read what has a host name.
        ("-u --rfc3164", vec!["-u", &parsed, "--rfc3164"]),
        ("-u --rfc5424", vec!["-u", &parsed, "--rfc5424"]),
    ] {
        let text = format!("by {way}");
        let mut command = Command::new("logger");
        command.args(&words).args(["-t", "app", "-p", "mail.warning", "--", &text]);
        assert!(command.status().unwrap().success(), "{way}");
        want.push(format!("mail.warning app:{text}"));
        let got: Vec<String> = file_lines(&there.file("log"), want.len())
            .iter()
            .map(|l| l.replace("app: by", "app:by"))
            .collect();
        assert_eq!(got, want, "{way}");
        row(
            &format!("logger {way}"),
            "sender",
            if way.starts_with("-u") { "socket" } else { way.get(2..5).unwrap() },
            "",
        );
    }
    assert_eq!(ours.stop(), "");
}

/// SysLogHandler ends each message with NUL, over TCP too, and sends no LF: such a listener needs that delimiter.
#[test]
fn python_syslog_handler() {
    if !Peer::wanted("python3") {
        return;
    }
    let there = Dir::new();
    let (ours, _, nul, udp) = open_house(&there);
    let script = there.write("send.py", PYTHON);
    let socket = there.file("dev-log").display().to_string();
    let (nul, udp) = (nul.to_string(), udp.to_string());
    let mut want = Vec::new();
    for (way, words) in [("TCP", ["tcp", &nul]), ("UDP", ["udp", &udp]), ("socket", ["unix", &socket])] {
        let mut command = Command::new("python3");
        assert!(command.arg(&script).args(words).status().unwrap().success());
        want.push(format!("mail.warning app: first by {way}"));
        want.push(format!("mail.warning app: second by {way}"));
        assert_eq!(file_lines(&there.file("log"), want.len()), want);
        let note = if way == "TCP" { "addtlFrameDelimiter=\"0\"" } else { "" };
        row("Python SysLogHandler", "sender", way, note);
    }
    assert_eq!(ours.stop(), "");
}

const PYTHON: &str = r#"
import logging.handlers, socket, sys
kind, where = sys.argv[1:]
handlers = logging.handlers
if kind == "unix":
    handler, name = handlers.SysLogHandler(where, facility="mail"), "socket"
else:
    stream = socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM
    handler, name = handlers.SysLogHandler(("127.0.0.1", int(where)), facility="mail", socktype=stream), kind.upper()
handler.ident = "app: "
log = logging.getLogger()
log.addHandler(handler)
log.warning("first by %s", name)
log.warning("second by %s", name)
handler.close()
"#;
