//! Ours as the sender, other people's software as the collector.

use crate::{World, labelled, row};
use std::io::Write;
use sysloom_tests::collectors::{Collector, Program, Terms, collect, ng_command};
use sysloom_tests::{Auth, Channel, Daemon, Dir, Peer, connect, lines, over_every_driver, wait_for};

over_every_driver!(
    rsyslogd_gtls,
    rsyslogd_ossl,
    syslog_ng_syslog,
    syslog_ng_network,
    stunnel,
    openssl_s_server,
    gnutls_serv,
    python
);

/// Sends 20 messages through a daemon of ours to `port` and hands it out.
fn sender(dir: &Dir, channel: &Channel, host: &str, port: u16, more: &str) -> Daemon {
    let config = format!(
        "{}module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n{}",
        channel.globals(),
        channel.action(host, port, more)
    );
    let daemon = Daemon::start(dir, "sender", &config);
    connect(daemon.port(&dir.file("in"))).write_all(lines(0..20).as_bytes()).unwrap();
    daemon
}

/// Plain TCP to a collector with both framings.
fn plain(program: Program, name: &str, framings: &[&str]) {
    if !Peer::wanted(program.file()) {
        return;
    }
    for framing in framings {
        let (dir, there) = (Dir::new(), Dir::new());
        let (collector, port) = collect(&there, program, &Terms { tls: None }, None);
        let more = format!("template=\"RSYSLOG_SyslogProtocol23Format\" tcp_framing=\"{framing}\"");
        let ours = sender(&dir, &Channel::plain(), "127.0.0.1", port, &more);
        arrived(&there);
        assert_eq!(ours.stop(), "");
        collector.stop();
        arrived(&there);
        row(name, "collector", "TCP", framing);
    }
}

/// The 20 messages, each once, in order.
fn arrived(there: &Dir) {
    let got = wait_for("20 messages", || {
        let text = std::fs::read_to_string(there.file("log")).ok()?;
        // gnutls-serv's echo mode prints everything twice, between other words.
        let taken: String = match text.contains("received cmd: ") {
            true => {
                text.split("received cmd: ").skip(1).filter_map(|part| part.split("***").next()).collect()
            }
            false => text,
        };
        let text = |line: &str| line.find("message ").and_then(|at| line.get(at..)).map(str::to_owned);
        let got: Vec<String> = taken.lines().filter_map(text).collect();
        (got.len() >= 20).then_some(got)
    });
    let want: Vec<String> = (0..20).map(|i| format!("message {i}")).collect();
    assert_eq!(got, want);
}

/// TLS with every pair of modes in which a peer can judge us; `ours` is how we judge the collector.
fn tls(driver: &str, program: Program, name: &str, modes: &[Auth], framing: &str) {
    if !Peer::wanted(program.file()) {
        return;
    }
    for &mode in modes {
        let (dir, there) = (Dir::new(), Dir::new());
        let world = World::new(&dir);
        let permitted = World::permitted(mode, "sender.example.test", &world.client);
        let permitted = match program {
            Program::Rsyslogd(_) => labelled(mode, permitted),
            _ => permitted,
        };
        let mut theirs = world.tls(&world.server, mode, permitted);
        if program == Program::Stunnel && mode == Auth::Fingerprint {
            // It pins a copy of the certificate.
            theirs.ca = world.client.cert.clone();
        }
        let (collector, port) = collect(&there, program, &Terms { tls: Some(theirs) }, None);
        let peers = labelled(mode, World::permitted(mode, "localhost", &world.server));
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        let channel = Channel::tls(driver, &world.pki.file()).owning(&world.client).judging(mode, &peers);
        let more = format!("template=\"RSYSLOG_SyslogProtocol23Format\" tcp_framing=\"{framing}\"");
        let ours = sender(&dir, &channel, "localhost", port, &more);
        arrived(&there);
        let said = ours.stop();
        let other: Vec<&str> = said.lines().filter(|line| !line.contains("authMode anon")).collect();
        assert!(other.is_empty(), "{mode:?}: {said}");
        collector.stop();
        arrived(&there);
        row(name, "collector", "TLS", mode.word());
    }
    refused(driver, program, name);
}

/// We refuse a collector with a wrong certificate: it gets no message, and we say why.
fn refused(driver: &str, program: Program, name: &str) {
    for (auth, permitted, wrong, said) in [
        (Auth::Valid, vec![], true, "certificate"),
        (Auth::Name, vec!["elsewhere.example.test".to_owned()], false, "elsewhere.example.test"),
    ] {
        let (dir, there) = (Dir::new(), Dir::new());
        let world = World::new(&dir);
        let own = if wrong { &world.stranger } else { &world.server };
        let theirs = world.tls(own, Auth::Anon, Vec::new());
        let (collector, port) = collect(&there, program, &Terms { tls: Some(theirs) }, None);
        let peers: Vec<&str> = permitted.iter().map(String::as_str).collect();
        let channel = Channel::tls(driver, &world.pki.file()).owning(&world.client).judging(auth, &peers);
        let ours = sender(&dir, &channel, "localhost", port, "template=\"RSYSLOG_SyslogProtocol23Format\"");
        let text = wait_for("the refusal", || Some(ours.stderr()).filter(|text| text.contains(said)));
        assert!(text.contains("localhost"), "{text}");
        drop(ours);
        collector.stop();
        let got = std::fs::read_to_string(there.file("log")).unwrap_or_default();
        assert!(!got.contains("message 0"), "{name}: {auth:?}: {got}");
    }
}

#[test]
fn rsyslogd_ptcp() {
    plain(Program::Rsyslogd("ptcp"), "rsyslogd", &["traditional", "octet-counted"]);
}

#[test]
fn syslog_ng_tcp() {
    plain(Program::SyslogNg("syslog"), "syslog-ng syslog()", &["octet-counted"]);
    plain(Program::SyslogNg("network"), "syslog-ng network()", &["traditional"]);
}

#[test]
fn python_tcp() {
    plain(Program::Python, "Python ssl", &["traditional"]);
}

fn rsyslogd_gtls(driver: &str) {
    tls(driver, Program::Rsyslogd("gtls"), "rsyslogd gtls", &Auth::ALL, "octet-counted");
}

fn rsyslogd_ossl(driver: &str) {
    tls(driver, Program::Rsyslogd("ossl"), "rsyslogd ossl", &Auth::ALL, "octet-counted");
}

fn syslog_ng_syslog(driver: &str) {
    tls(driver, Program::SyslogNg("syslog"), "syslog-ng syslog()", &Auth::ALL, "octet-counted");
}

fn syslog_ng_network(driver: &str) {
    tls(driver, Program::SyslogNg("network"), "syslog-ng network()", &Auth::ALL, "traditional");
}

fn stunnel(driver: &str) {
    tls(driver, Program::Stunnel, "stunnel before a plain listener", &Auth::ALL, "octet-counted");
}

fn openssl_s_server(driver: &str) {
    tls(driver, Program::Openssl, "openssl s_server", &[Auth::Anon, Auth::Valid], "traditional");
}

fn gnutls_serv(driver: &str) {
    tls(driver, Program::Gnutls, "gnutls-serv", &[Auth::Anon, Auth::Valid], "traditional");
}

fn python(driver: &str) {
    tls(driver, Program::Python, "Python ssl", &[Auth::Anon, Auth::Valid], "traditional");
}

#[test]
fn udp() {
    for (name, program) in [("rsyslogd", "rsyslogd"), ("syslog-ng network()", "syslog-ng")] {
        if !Peer::wanted(program) {
            continue;
        }
        let (dir, there) = (Dir::new(), Dir::new());
        let log = there.file("log");
        let (collector, port) = if program == "rsyslogd" {
            let config = "module(load=\"imudp\")\ninput(type=\"imudp\" port=\"{udp}\" address=\"127.0.0.1\")\n\
                 template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n\
                 action(type=\"omfile\" file=\"{dir}/log\" template=\"text\")\n";
            let port = sysloom_tests::port::free_port();
            let daemon = Daemon::rsyslogd(&there, "collector", &config.replace("{udp}", &port.to_string()));
            (Collector::Daemon(daemon), port)
        } else {
            let (peer, port) = Peer::serve(&there, "collector", |port| {
                let config = format!(
                    "@version: 3.35\noptions {{ keep-hostname(yes); use-dns(no); stats-freq(0); }};\n\
                     source s {{ network(ip(\"127.0.0.1\") port({port}) transport(udp) flags(syslog-protocol)); }};\n\
                     destination d {{ file(\"{}\" template(\"$MSG\\n\")); }};\nlog {{ source(s); destination(d); }};\n",
                    log.display()
                );
                ng_command(&there, "collector", &config)
            });
            (Collector::Peer(peer), port)
        };
        wait_for("the collector to receive", || sysloom_tests::port::receives(port).then_some(()));
        let config = format!(
            "module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
             *.* @127.0.0.1:{port};RSYSLOG_SyslogProtocol23Format\n"
        );
        let ours = Daemon::start(&dir, "sender", &config);
        connect(ours.port(&dir.file("in"))).write_all(lines(0..20).as_bytes()).unwrap();
        arrived(&there);
        assert_eq!(ours.stop(), "");
        collector.stop();
        row(name, "collector", "UDP", "");
    }
}
