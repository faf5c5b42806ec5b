//! Collectors: whoever receives what a daemon under test sends. Each puts the text of every message into a file, one
//! line each, and can be ended in order and started again on the same port.

use crate::channel::{Auth, Channel};
use crate::pki::Identity;
use crate::{Daemon, Dir, Peer, TlsVersion};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a collector is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Ours,
    /// rsyslogd with a driver.
    Rsyslogd(&'static str),
    /// syslog-ng with a source driver, `syslog` or `network`.
    SyslogNg(&'static str),
    Openssl,
    Gnutls,
    Python,
    /// stunnel in front of a plain listener of ours.
    Stunnel,
}

impl Program {
    /// The file that must be installed.
    pub fn file(self) -> &'static str {
        match self {
            Self::Ours => "sh",
            Self::Rsyslogd(_) => "rsyslogd",
            Self::SyslogNg(_) => "syslog-ng",
            Self::Openssl => "openssl",
            Self::Gnutls => "gnutls-serv",
            Self::Python => "python3",
            Self::Stunnel => "stunnel4",
        }
    }
}

/// How a collector speaks.
#[derive(Clone, Debug)]
pub struct Terms {
    /// None = plain TCP.
    pub tls: Option<Tls>,
}

/// TLS with a certificate, and how the sender is judged.
#[derive(Clone, Debug)]
pub struct Tls {
    pub ca: PathBuf,
    pub own: Identity,
    pub version: Option<TlsVersion>,
    pub auth: Auth,
    pub permitted: Vec<String>,
}

/// A running collector.
pub enum Collector {
    Daemon(Daemon),
    Peer(Peer),
    /// A plain listener with something before it.
    Both(Peer, Daemon),
}

impl Collector {
    /// Ends it as an administrator would.
    pub fn stop(self) {
        match self {
            Self::Daemon(daemon) => drop(daemon.stop()),
            Self::Peer(peer) => peer.terminate(),
            Self::Both(peer, daemon) => {
                peer.terminate();
                daemon.stop();
            }
        }
    }
}

/// Starts a collector on `port` (None = any); its messages' texts go to `log` in the directory.
pub fn collect(dir: &Dir, program: Program, terms: &Terms, port: Option<u16>) -> (Collector, u16) {
    match program {
        Program::Ours => daemon(dir, Daemon::start, "rustls", terms, port),
        Program::Rsyslogd(driver) => daemon(dir, Daemon::rsyslogd, driver, terms, port),
        Program::Stunnel => stunnel(dir, terms, port),
        _ => {
            let log = dir.file("log");
            let command = |port: u16| match program {
                Program::SyslogNg(kind) => syslog_ng(dir, kind, terms, port),
                Program::Openssl => openssl(terms, port, &log),
                Program::Gnutls => gnutls(terms, port, &log),
                _ => python(dir, terms, port, &log),
            };
            let (peer, port) = Peer::serve_on(dir, "collector", port, command);
            (Collector::Peer(peer), port)
        }
    }
}

fn daemon(
    dir: &Dir,
    start: impl Fn(&Dir, &str, &str) -> Daemon,
    driver: &str,
    terms: &Terms,
    port: Option<u16>,
) -> (Collector, u16) {
    let channel = match &terms.tls {
        None => Channel::plain(),
        Some(tls) => {
            let permitted: Vec<&str> = tls.permitted.iter().map(String::as_str).collect();
            let channel = Channel::tls(driver, &tls.ca).owning(&tls.own).judging(tls.auth, &permitted);
            match tls.version {
                Some(version) => channel.only(version),
                None => channel,
            }
        }
    };
    let config = channel.collector();
    let config = match port {
        None => config,
        Some(port) => config.replace("port=\"0\"", &format!("port=\"{port}\"")),
    };
    let _ = std::fs::remove_file(dir.file("port"));
    let daemon = start(dir, "collector", &config);
    let port = port.unwrap_or_else(|| daemon.port(&dir.file("port")));
    crate::wait_for("the collector to listen", || crate::port::listens(port).then_some(()));
    (Collector::Daemon(daemon), port)
}

fn stunnel(dir: &Dir, terms: &Terms, port: Option<u16>) -> (Collector, u16) {
    let (behind, inner) = daemon(dir, Daemon::start, "ptcp", &Terms { tls: None }, None);
    let Collector::Daemon(behind) = behind else { unreachable!("a daemon was started") };
    let tls = terms.tls.as_ref().expect("stunnel speaks TLS");
    let verify = match tls.auth {
        Auth::Anon => "verify = 0\n".to_owned(),
        Auth::Fingerprint => "verifyPeer = yes\n".to_owned(),
        Auth::Valid => "verifyChain = yes\n".to_owned(),
        Auth::Name => format!("verifyChain = yes\ncheckHost = {}\n", tls.permitted.join("\ncheckHost = ")),
    };
    let version = tls.version.map_or(String::new(), |v| format!("sslVersion = {}\n", v.stunnel()));
    let (peer, port) = Peer::serve_on(dir, "stunnel", port, |port| {
        // With verifyPeer the file holds the peers themselves.
        let file = dir.write(
            "stunnel.conf",
            format!(
                "foreground = yes\npid =\nsyslog = no\n[in]\naccept = 127.0.0.1:{port}\n\
                 connect = 127.0.0.1:{inner}\ncert = {}\nkey = {}\nCAfile = {}\n{verify}{version}",
                tls.own.cert.display(),
                tls.own.key.display(),
                tls.ca.display()
            ),
        );
        let mut command = Command::new("stunnel4");
        command.arg(file);
        command
    });
    (Collector::Both(peer, behind), port)
}

fn syslog_ng(dir: &Dir, kind: &str, terms: &Terms, port: u16) -> Command {
    let transport = match &terms.tls {
        None => "transport(tcp)".to_owned(),
        Some(tls) => format!("transport(tls) tls({})", ng_tls(dir, tls)),
    };
    // network() reads RFC 3164 unless it is told otherwise.
    let flags = if kind == "network" { " flags(syslog-protocol)" } else { "" };
    let config = format!(
        "@version: 3.35\noptions {{ keep-hostname(yes); use-dns(no); stats-freq(0); }};\n\
         source s {{ {kind}(ip(\"127.0.0.1\") port({port}) {transport}{flags}); }};\n\
         destination d {{ file(\"{}\" template(\"$MSG\\n\")); }};\n\
         log {{ source(s); destination(d); }};\n",
        dir.file("log").display()
    );
    ng_command(dir, "collector", &config)
}

/// syslog-ng's command on a configuration.
pub fn ng_command(dir: &Dir, name: &str, config: &str) -> Command {
    let file = dir.write(&format!("{name}.ng.conf"), config);
    let mut command = Command::new("syslog-ng");
    command.args(["-F", "--no-caps", "-f"]).arg(file);
    for (option, what) in [("-R", "persist"), ("-c", "ctl"), ("-p", "pid")] {
        command.arg(option).arg(dir.file(&format!("{name}.ng.{what}")));
    }
    command
}

/// The words of a tls() block of syslog-ng.
pub fn ng_tls(dir: &Dir, tls: &Tls) -> String {
    // It looks authorities up by the hash of their name.
    let authorities = dir.file("ng-ca.d");
    let _ = std::fs::create_dir(&authorities);
    let hash = Command::new("openssl").args(["x509", "-noout", "-hash", "-in"]).arg(&tls.ca).output();
    let hash = hash.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
    let _ = std::fs::copy(&tls.ca, authorities.join(format!("{hash}.0")));
    let judge = match tls.auth {
        Auth::Anon => "peer-verify(optional-untrusted)".to_owned(),
        Auth::Valid => "peer-verify(required-trusted)".to_owned(),
        Auth::Fingerprint => {
            format!(
                "peer-verify(required-untrusted) trusted-keys(\"SHA1:{}\")",
                tls.permitted.join("\", \"SHA1:")
            )
        }
        Auth::Name => {
            format!(
                "peer-verify(required-trusted) trusted-dn(\"*, CN={}\", \"CN={}\")",
                tls.permitted[0], tls.permitted[0]
            )
        }
    };
    let version = tls.version.map_or("", TlsVersion::ng_options);
    format!(
        "key-file(\"{}\") cert-file(\"{}\") ca-dir(\"{}\") {judge}{version}",
        tls.own.key.display(),
        tls.own.cert.display(),
        authorities.display()
    )
}

/// `openssl s_server` writes what it receives to its standard output.
fn openssl(terms: &Terms, port: u16, log: &Path) -> Command {
    let tls = terms.tls.as_ref().expect("openssl speaks TLS");
    let judge = match tls.auth {
        Auth::Anon => "",
        _ => "-Verify 2 -verify_return_error",
    };
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!(
        "exec openssl s_server -quiet -accept 127.0.0.1:{port} -cert {} -key {} -CAfile {} {} {judge} >> {}",
        tls.own.cert.display(),
        tls.own.key.display(),
        tls.ca.display(),
        tls.version.map_or("", TlsVersion::option),
        log.display()
    ));
    command
}

/// gnutls-serv's echo mode prints what it receives.
fn gnutls(terms: &Terms, port: u16, log: &Path) -> Command {
    let tls = terms.tls.as_ref().expect("gnutls-serv speaks TLS");
    let judge = match tls.auth {
        Auth::Anon => "--disable-client-cert",
        _ => "--require-client-cert --verify-client-cert",
    };
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!(
        "exec gnutls-serv --echo --port {port} --x509certfile {} --x509keyfile {} --x509cafile {} {judge} \
         --priority '{}' 2>> {}",
        tls.own.cert.display(),
        tls.own.key.display(),
        tls.ca.display(),
        tls.version.map_or("NORMAL", TlsVersion::priority),
        log.display()
    ));
    command
}

/// Python's ssl module; SIGTERM ends it with close_notify and FIN on every connection.
fn python(dir: &Dir, terms: &Terms, port: u16, log: &Path) -> Command {
    let script = dir.write("collector.py", PYTHON);
    let mut command = Command::new("python3");
    command.arg(script).arg(port.to_string()).arg(log);
    if let Some(tls) = &terms.tls {
        command.arg(&tls.own.cert).arg(&tls.own.key).arg(&tls.ca);
        command.arg(if tls.auth == Auth::Anon { "no" } else { "yes" });
        command.arg(match tls.version {
            Some(TlsVersion::V12) => "TLSv1_2",
            Some(TlsVersion::V13) => "TLSv1_3",
            None => "any",
        });
    }
    command
}

const PYTHON: &str = r#"
import signal, socket, ssl, sys, threading
port, log = int(sys.argv[1]), sys.argv[2]
listener = socket.create_server(("127.0.0.1", port))
context = None
if len(sys.argv) > 3:
    cert, key, ca, judge, version = sys.argv[3:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if judge == "yes":
        context.load_verify_locations(ca)
        context.verify_mode = ssl.CERT_REQUIRED
    if version != "any":
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
streams, lock = [], threading.Lock()
def serve(stream):
    try:
        if context: stream = context.wrap_socket(stream, server_side=True)
        with lock: streams.append(stream)
        while data := stream.recv(65536):
            with open(log, "ab") as out: out.write(data)
        if context: stream.unwrap()
        stream.close()
    except OSError as e:
        print(e, flush=True)
def stop(*_):
    with lock:
        for stream in streams:
            try:
                if context: stream.settimeout(2); stream.unwrap()
                stream.shutdown(socket.SHUT_WR)
            except OSError as e: print(e, flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
while True:
    stream, _ = listener.accept()
    threading.Thread(target=serve, args=(stream,), daemon=True).start()
"#;
