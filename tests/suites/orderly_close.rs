//! Nothing lost on an orderly close. The collector closes (close_notify, FIN) while the sender idles; 4 messages
//! follow; the collector returns: 0 lost, 0 doubled. Measured with rsyslog 8.2302 and syslog-ng 3.38.1 over TLS, one
//! message is lost each time, since unread TLS records make a dead link look alive.

use std::io::Write;
use std::path::Path;
use sysloom_tests::collectors::{Program, Terms, Tls, collect};
use sysloom_tests::pki::{Pki, Wish};
use sysloom_tests::{
    Auth, Channel, Daemon, Dir, Peer, TlsVersion, connect, file_lines, lines, over_every_driver, port,
    wait_for,
};

/// `driver` is ours, as the sender.
fn close_and_return(program: Program, driver: &str, version: Option<TlsVersion>) {
    if !Peer::wanted(program.file()) {
        return;
    }
    let (dir, there) = (Dir::new(), Dir::new());
    let pki = Pki::new(&dir);
    let server = pki.issue(&dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
    let terms = Terms {
        tls: (driver != "ptcp").then(|| Tls {
            ca: pki.file(),
            own: server,
            version,
            auth: Auth::Anon,
            permitted: Vec::new(),
        }),
    };
    let (collector, to) = collect(&there, program, &terms, None);
    let channel = match driver {
        "ptcp" => Channel::plain(),
        _ => Channel::tls(driver, &pki.file()).judging(Auth::Name, &["localhost"]),
    };
    let config = format!(
        "{}module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n{}",
        channel.globals(),
        channel.action("127.0.0.1", to, &format!("template=\"{}\"", template(program)))
    );
    let config = format!("template(name=\"text\" type=\"string\" string=\"%msg%\")\n{config}");
    let sender = Daemon::start(&dir, "sender", &config);
    let mut source = connect(sender.port(&dir.file("in")));
    source.write_all(lines(0..1).as_bytes()).unwrap();
    texts(&there.file("log"), 1);
    assert_eq!(port::established(to), 2, "both ends of one connection");
    collector.stop();
    wait_for("the collector's port to be free", || (!port::listens(to)).then_some(()));
    // The sender has not been told anything since; these are its next words.
    source.write_all(lines(1..5).as_bytes()).unwrap();
    sender.wait_stderr("cannot connect");
    let (collector, _) = collect(&there, program, &terms, Some(to));
    let got = texts(&there.file("log"), 5);
    sender.stop();
    collector.stop();
    let want: Vec<String> = (0..5).map(|i| format!("message {i}")).collect();
    assert_eq!(got, want);
    assert_eq!(texts(&there.file("log"), 5), want, "nothing came twice, not even at the end");
}

/// What a collector without a parser shall see: the text alone.
fn template(program: Program) -> &'static str {
    match program {
        Program::Openssl | Program::Python => "text",
        _ => "RSYSLOG_SyslogProtocol23Format",
    }
}

fn texts(log: &Path, n: usize) -> Vec<String> {
    file_lines(log, n).iter().map(|line| line.trim().to_owned()).collect()
}

/// Every collector that takes TLS, with the versions that it can be held to.
fn close_and_return_over_tls(program: Program, driver: &str) {
    // syslog-ng's options do not hold it to 1.2 here.
    let versions = match program {
        Program::SyslogNg(_) => &[TlsVersion::V13][..],
        _ => &TlsVersion::BOTH,
    };
    for version in versions {
        close_and_return(program, driver, Some(*version));
    }
}

#[test]
fn ours_over_ptcp() {
    close_and_return(Program::Ours, "ptcp", None);
}

#[test]
fn rsyslogd_over_ptcp() {
    close_and_return(Program::Rsyslogd("ptcp"), "ptcp", None);
}

#[test]
fn syslog_ng_over_ptcp() {
    close_and_return(Program::SyslogNg("network"), "ptcp", None);
}

#[test]
fn python_over_ptcp() {
    close_and_return(Program::Python, "ptcp", None);
}

over_every_driver!(ours, rsyslogd_gtls, rsyslogd_ossl, syslog_ng, python);

fn ours(driver: &str) {
    close_and_return_over_tls(Program::Ours, driver);
}

fn rsyslogd_gtls(driver: &str) {
    close_and_return_over_tls(Program::Rsyslogd("gtls"), driver);
}

fn rsyslogd_ossl(driver: &str) {
    close_and_return_over_tls(Program::Rsyslogd("ossl"), driver);
}

fn syslog_ng(driver: &str) {
    close_and_return_over_tls(Program::SyslogNg("network"), driver);
}

fn python(driver: &str) {
    close_and_return_over_tls(Program::Python, driver);
}
