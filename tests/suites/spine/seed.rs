//! The seed's channel, verbatim: its two configurations run with certificates from its certtool steps.

use std::path::Path;
use std::process::Command;
use sysloom_tests::port::free_port;
use sysloom_tests::{Daemon, Dir, Peer, Tap, driver_wanted, wait_for};

/// Puts the test's paths, ports and host into a configuration of the seed; nothing else is changed.
fn seed(name: &str, certificates: &Path, host: &str, port: u16) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/seed").join(name);
    std::fs::read_to_string(file)
        .unwrap()
        .replace("/path/to/contrib/gnutls", &certificates.display().to_string())
        .replace("server.example.net", host)
        .replace("10514", &port.to_string())
}

/// The seed's two hosts, with a tap on the wire between them. Returns whether the text was readable there.
fn seed_channel(driver: Option<&str>, dns_name: &str) -> bool {
    if !Peer::wanted("certtool") || !Peer::wanted("logger") {
        return driver == Some("ptcp");
    }
    let dir = Dir::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/seed/certtool.sh");
    let made = Command::new(script).arg(dir.path()).arg(dns_name).output().unwrap();
    assert!(made.status.success(), "certtool: {}", String::from_utf8_lossy(&made.stderr));
    let port = free_port();
    let mut server = seed("server.conf", dir.path(), dns_name, port) + "*.* {dir}/server.log\n";
    let tap = Tap::new(port);
    let mut client = seed("client.conf", dir.path(), "127.0.0.1", tap.port());
    if let Some(driver) = driver {
        for text in [&mut server, &mut client] {
            *text = text.replace("NetstreamDriver gtls", &format!("NetstreamDriver {driver}"));
            if driver == "ptcp" {
                *text = text.replace("StreamDriverMode 1", "StreamDriverMode 0");
            }
        }
    }
    let socket = "module(load=\"imuxsock\" sysSock.name=\"{dir}/dev-log\")\n";
    let server = Daemon::start(&dir, "server", &server);
    let client = Daemon::start(&dir, "client", &format!("{socket}{client}"));
    let said = Command::new("logger").arg("-u").arg(dir.file("dev-log")).arg("test").status().unwrap();
    assert!(said.success());
    wait_for("logger's line in the server's file", || {
        let text = std::fs::read_to_string(dir.file("server.log")).ok()?;
        text.lines().any(|line| line.ends_with(" test")).then_some(())
    });
    client.stop();
    server.stop();
    assert!(!tap.is_empty());
    tap.saw(b"test")
}

#[test]
fn the_seeds_channel_is_encrypted() {
    assert!(!seed_channel(None, "server.example.net"));
}

#[test]
fn the_seeds_channel_works_with_an_address_as_dns_name() {
    assert!(!seed_channel(None, "127.0.0.1"));
}

#[test]
fn the_same_channel_over_ossl_is_encrypted() {
    if driver_wanted("ossl") {
        assert!(!seed_channel(Some("ossl"), "server.example.net"));
    }
}

#[test]
fn the_same_channel_over_ptcp_can_be_read_on_the_wire() {
    assert!(seed_channel(Some("ptcp"), "server.example.net"));
}
