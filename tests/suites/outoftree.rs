//! Plugins of third parties, built apart from the workspace, loaded by directive and run in the daemon: the Rust
//! workspace and the C files of tests/out-of-tree, and a plugin of an older minor.

#[path = "outoftree/build.rs"]
mod build;
#[path = "outoftree/conform.rs"]
mod conform;
#[path = "outoftree/memory.rs"]
mod memory;
#[path = "outoftree/new.rs"]
mod new;

use build::{c_library, foreign, root};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use sysloom_tests::pki::{Pki, Wish};
use sysloom_tests::{Auth, Channel, Daemon, Dir, Tap, check, connect, file_lines, lines, wait_for};

/// A collector on an address and port, with a driver of its own.
fn collector(load: &Path, words: &str) -> String {
    format!(
        "$ModLoad {}\nmodule(load=\"imtcp\")\n\
         input(type=\"imtcp\" listenPortFileName=\"{{dir}}/port\" {words})\n{TEXT}",
        load.display()
    )
}

/// A sender from plain TCP to whatever `action` names.
fn sender(load: &Path, action: &str) -> String {
    format!(
        "$ModLoad {}\nmodule(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
         action(type=\"omfwd\" protocol=\"tcp\" action.resumeInterval=\"1\" action.resumeRetryCount=\"-1\" {action})\n",
        load.display()
    )
}

/// Sends messages through the sender and waits for them in the collector's file.
fn pass(dir: &Dir, sender: &Daemon, count: usize) {
    connect(sender.port(&dir.file("in"))).write_all(lines(0..count).as_bytes()).unwrap();
    let got = file_lines(&dir.file("log"), count);
    assert_eq!((got[0].as_str(), got.len()), (" message 0", count));
    assert_eq!(got[count - 1], format!(" message {}", count - 1));
}

#[test]
fn the_workspaces_own_tests_pass() {
    let made = build::cargo("test").output().unwrap();
    let said = String::from_utf8_lossy(&made.stdout);
    assert!(made.status.success(), "{said}{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(said.matches("test result: ok").count(), 3, "{said}");
}

#[test]
fn a_foreign_layer_compresses_over_plain_tcp() {
    let (dir, zip) = (Dir::new(), foreign("nsd_acmezip"));
    let words = "streamDriver.name=\"acmezip+ptcp\" streamDriver.mode=\"0\" address=\"127.0.0.1\" port=\"0\"";
    let server = Daemon::start(&dir, "server", &collector(&zip, words));
    let tap = Tap::new(server.port(&dir.file("port")));
    let action = format!(
        "target=\"127.0.0.1\" port=\"{}\" streamDriver=\"acmezip+ptcp\" streamDriverMode=\"0\"",
        tap.port()
    );
    let client = Daemon::start(&dir, "client", &sender(&zip, &action));
    pass(&dir, &client, 2000);
    assert!(!tap.is_empty() && tap.len() * 4 < lines(0..2000).len(), "{} bytes on the wire", tap.len());
    assert!(!tap.saw(b"message 1999"));
    client.stop();
    server.stop();
}

#[test]
fn a_foreign_layer_that_encrypts_nothing_does_not_count_as_tls() {
    let dir = Dir::new();
    let words = "streamDriver.name=\"acmezip+ptcp\" streamDriver.mode=\"1\" port=\"0\"";
    let got = check(&dir, &collector(&foreign("nsd_acmezip"), words));
    let daemon = Daemon::start(&dir, "daemon", &collector(&foreign("nsd_acmezip"), words));
    let said = got.stderr + &daemon.stop();
    assert!(said.contains("acmezip+ptcp netstream driver, which encrypts nothing"), "{said}");
}

#[test]
fn a_foreign_transport_carries_messages_through_a_socket_file() {
    let (dir, unix) = (Dir::new(), foreign("nsd_acmeunix"));
    let place = dir.path().display().to_string();
    let words =
        format!("streamDriver.name=\"acmeunix\" streamDriver.mode=\"0\" address=\"{place}\" port=\"514\"");
    let server = Daemon::start(&dir, "server", &collector(&unix, &words));
    let action = format!("target=\"{place}\" port=\"514\" streamDriver=\"acmeunix\" streamDriverMode=\"0\"");
    let client = Daemon::start(&dir, "client", &sender(&unix, &action));
    assert!(dir.file("514").exists());
    pass(&dir, &client, 500);
    client.stop();
    server.stop();
    assert!(!dir.file("514").exists(), "the socket's file is left");
}

#[test]
fn a_foreign_output_sends_over_the_hosts_streams() {
    let dir = Dir::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = format!(
        "$ModLoad {}\nmodule(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
         action(type=\"omgelf\" target=\"127.0.0.1\" port=\"{port}\")\n",
        foreign("omgelf").display()
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    connect(daemon.port(&dir.file("in"))).write_all(lines(0..3).as_bytes()).unwrap();
    let mut objects = BufReader::new(listener.accept().unwrap().0);
    for i in 0..3 {
        let mut object = Vec::new();
        objects.read_until(0, &mut object).unwrap();
        let object = String::from_utf8(object).unwrap();
        let wanted = format!("\"host\":\"host\",\"short_message\":\"message {i}\",\"level\":6");
        assert!(object.contains(&wanted), "{object}");
    }
    daemon.stop();
}

/// The driver in C under mode 1: `permitted` is what the sender's policy wants the collector to be called.
fn tls(dir: &Dir, permitted: &str) -> (Daemon, Daemon) {
    let driver = c_library(dir, "acmessl", "nsd_acmessl", &["-lssl", "-lcrypto"], &root().join("include"));
    let pki = Pki::new(dir);
    let wish = |name| Wish { names: name, ..Wish::default() };
    let server = pki.issue(dir, "server", &wish(&["collector.example.net"]));
    let client = pki.issue(dir, "client", &wish(&["sender.example.net"]));
    let load = format!("$ModLoad {}\n", driver.display());
    let ours =
        Channel::tls("acmessl", &pki.file()).owning(&server).judging(Auth::Name, &["sender.example.net"]);
    let server = Daemon::start(dir, "server", &(load.clone() + &ours.collector()));
    let tap_free = server.port(&dir.file("port"));
    let theirs = Channel::tls("acmessl", &pki.file()).owning(&client).judging(Auth::Name, &[permitted]);
    let config = format!(
        "{load}{}module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\" \
         streamDriver.name=\"ptcp\" streamDriver.mode=\"0\")\n{}",
        theirs.globals(),
        theirs.action("127.0.0.1", tap_free, "")
    );
    (server, Daemon::start(dir, "client", &config))
}

#[test]
fn a_driver_in_c_speaks_tls_and_the_daemon_judges_both_sides() {
    let dir = Dir::new();
    let (server, client) = tls(&dir, "collector.example.net");
    pass(&dir, &client, 500);
    client.stop();
    server.stop();
}

#[test]
fn a_peer_of_the_driver_in_c_that_is_not_permitted_is_refused() {
    let dir = Dir::new();
    let (server, client) = tls(&dir, "somebody.else.example.net");
    connect(client.port(&dir.file("in"))).write_all(lines(0..1).as_bytes()).unwrap();
    client.wait_stderr("is refused");
    // The peer is told by an alert.
    server.wait_stderr("alert");
    assert!(!dir.file("log").exists());
}

/// Runs the spool of C, and returns the texts that it spooled.
fn spooled(include: &Path) -> Vec<String> {
    let dir = Dir::new();
    let spool = c_library(&dir, "omspool", "omspool", &[], include);
    std::fs::create_dir(dir.file("spool")).unwrap();
    let config = format!(
        "$ModLoad {}\nmodule(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
         template(name=\"text\" type=\"string\" string=\"%msg%\")\n\
         action(type=\"omspool\" directory=\"{{dir}}/spool\" template=\"text\")\n",
        spool.display()
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    connect(daemon.port(&dir.file("in"))).write_all(lines(0..3).as_bytes()).unwrap();
    let files = || {
        let entries = std::fs::read_dir(dir.file("spool")).unwrap().flatten().map(|e| e.path());
        entries.filter(|p| !p.file_name().unwrap().to_string_lossy().starts_with('.')).collect::<Vec<_>>()
    };
    let files = wait_for("three files", || Some(files()).filter(|files| files.len() == 3));
    let mut texts: Vec<String> = files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
    texts.sort();
    daemon.stop();
    texts.iter().map(|text| text.trim().to_owned()).collect()
}

#[test]
fn an_output_in_c_spools() {
    assert_eq!(spooled(&root().join("include")), ["message 0", "message 1", "message 2"]);
}

/// The header of the first minor is kept as it was: what was built with it runs on every later host.
#[test]
fn an_output_of_the_first_minor_still_runs() {
    let old = Dir::new();
    let header = std::fs::read_to_string(root().join("tests/cases/abi/sysloom-0.1.h")).unwrap();
    assert!(header.contains("#define SYSLOOM_ABI_MINOR 1\n"));
    old.write("sysloom.h", header);
    assert_eq!(spooled(old.path()), ["message 0", "message 1", "message 2"]);
}

/// What the third party's packages need of ours is in include/, and they ask for the sdk alone.
#[test]
fn the_dependency_graph_names_nothing_outside_include() {
    let manifest = root().join("tests/out-of-tree/Cargo.toml");
    let out = Command::new(build::cargo_path())
        .args(["metadata", "--format-version=1", "--locked", "--manifest-path"])
        .arg(manifest)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    let top = format!("{}/", root().canonicalize().unwrap().display());
    let mut found: Vec<&str> = text
        .split("\"manifest_path\":\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next()?.strip_prefix(top.as_str())?.strip_suffix("/Cargo.toml"))
        .collect();
    found.sort_unstable();
    let ours = ["include/abi", "include/derive", "include/frame", "include/sdk"];
    let theirs = ["tests/out-of-tree/acmeunix", "tests/out-of-tree/acmezip", "tests/out-of-tree/omgelf"];
    assert_eq!(found, [&ours[..], &theirs[..]].concat());
    for folder in theirs {
        let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let asked: Vec<&str> = manifest.lines().filter(|line| line.starts_with("sysloom-")).collect();
        assert!(asked.iter().all(|line| line.starts_with("sysloom-sdk")), "{folder}: {asked:?}");
    }
    // The C files include one header of ours.
    for file in std::fs::read_dir(root().join("tests/out-of-tree/c")).unwrap().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let own: Vec<&str> = text.lines().filter(|line| line.starts_with("#include \"")).collect();
        assert_eq!(own, ["#include \"sysloom.h\""], "{}", file.path().display());
    }
}

const TEXT: &str = "template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n\
    action(type=\"omfile\" file=\"{dir}/log\" template=\"text\")\n";
