//! The conformance kit for drivers: our own pass all of it, and of the drivers of tests/plugins/faulty, which do one
//! thing wrong each, every one fails the lines that it must, and no other.

#[path = "conform/forms.rs"]
mod forms;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use sysloom_tests::Dir;

/// Each fault of a transport, and the lines that it fails.
const TRANSPORT: &[(&str, &[&str])] = &[
    ("sound", &[]),
    ("always-readable", &["transport.listen", "transport.descriptors"]),
    ("grants-taken-port", &["transport.listen-twice"]),
    ("listen-wordless", &["transport.listen-twice"]),
    (
        "no-unlisten",
        &["transport.unlisten", "transport.connect-refused", "transport.heap", "transport.descriptors"],
    ),
    ("fails-when-nobody-waits", &["transport.accept-none"]),
    ("peer-with-port", &["transport.peer"]),
    ("connect-wordless", &["transport.connect-refused", "transport.connect-timeout"]),
    ("timeout-is-failure", &["transport.connect-timeout"]),
    ("seven-bits", &["transport.written-bytes", "transport.write-stall", "transport.flood"]),
    ("one-byte-buffer", &["transport.read-bytes"]),
    ("read-wants-write", &["transport.read-silence"]),
    ("write-wants-read", &["transport.write-stall"]),
    ("takes-more-than-it-sends", &["transport.write-stall", "transport.flood"]),
    ("flush-fails-at-first", &["transport.flush"]),
    ("shuts-both-ways", &["transport.half-close"]),
    ("end-is-failure", &["transport.half-closed", "stream.messages"]),
    ("reset-is-end", &["transport.reset"]),
    ("counter-of-22-bits", &["transport.flood"]),
    ("stays-open", &["transport.free", "transport.reset", "transport.descriptors"]),
    ("leaks-heap", &["transport.heap"]),
    ("leaks-descriptor", &["transport.descriptors"]),
    ("one-thread", &["transport.threads"]),
    ("dies-of-long-texts", &["hostile.context", "hostile.listen", "hostile.connect"]),
    ("few-sessions", &["transport.thousands", "stream.crowd", "stream.silent-peers"]),
];

/// Each fault of a layer in front of rustls, and the lines that it fails.
const LAYER: &[(&str, &[&str])] = &[
    ("sound", &[]),
    ("always-bad-certificate", &["tls.verdict-alert"]),
    (
        "asks-about-another",
        &[
            "tls.verdict-asked",
            "auth.anon",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.self-signed",
            "auth.chain",
            "stream.messages",
            "stream.crowd",
            "stream.silent-peers",
            "stream.listener-gone",
        ],
    ),
    ("break-is-end", &["layer.broken-below"]),
    ("calls-it-ssl", &["tls.peer-facts"]),
    (
        "client-must-have-certificate",
        &[
            "tls.peer-none",
            "auth.anon",
            "stream.messages",
            "stream.crowd",
            "stream.silent-peers",
            "stream.listener-gone",
        ],
    ),
    ("client-without-certificate", &["tls.own-certificate", "tls.files"]),
    ("context-wordless", &["tls.files"]),
    ("counter-of-19-bits", &["layer.bytes", "layer.stall", "tls.data"]),
    ("deaf-after-shutdown", &["tls.half-close"]),
    ("dies-of-long-names", &["hostile.server-name"]),
    (
        "encrypts-nothing",
        &[
            "layer.end",
            "tls.data",
            "tls.encrypted",
            "tls.record-size",
            "tls.many-records",
            "tls.byte-by-byte",
            "tls.key-update",
            "tls.close-notify-sent",
            "tls.close-notify-received",
            "tls.half-close",
            "tls.truncated",
            "tls.fatal-alert",
            "tls.forged-record",
            "tls.resumption",
            "tls.suites",
            "auth.anon",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.self-signed",
            "auth.chain",
            "stream.messages",
            "stream.crowd",
        ],
    ),
    ("end-is-failure", &["layer.end", "tls.close-notify-received", "stream.messages"]),
    (
        "end-is-silence",
        &[
            "layer.end",
            "layer.end-below",
            "layer.heap",
            "tls.close-notify-received",
            "tls.truncated",
            "auth.anon",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.self-signed",
            "auth.chain",
            "stream.messages",
            "stream.listener-gone",
        ],
    ),
    ("fails-silently", &["tls.old-versions"]),
    ("few-handshakes", &["stream.silent-peers"]),
    ("few-sessions", &["layer.thousands"]),
    ("forgets-pending", &["layer.pending", "tls.many-records"]),
    ("handshake-wordless", &["tls.fatal-alert", "tls.garbage", "tls.plain-text"]),
    ("ignores-bad-records", &["layer.broken-below", "tls.fatal-alert", "tls.forged-record"]),
    ("leaks-heap", &["layer.heap"]),
    (
        "long-records",
        &[
            "layer.bytes",
            "layer.pending",
            "layer.stall",
            "layer.threads",
            "tls.data",
            "tls.record-size",
            "tls.key-update",
        ],
    ),
    ("needs-whole-records", &["layer.trickle", "tls.byte-by-byte"]),
    (
        "never-asks",
        &[
            "tls.peer-none",
            "tls.verdict-asked",
            "tls.verdict-obeyed",
            "tls.verdict-alert",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.nobody",
            "auth.expired",
            "auth.self-signed",
            "auth.chain",
            "auth.mis-issued",
        ],
    ),
    ("never-resumed", &["tls.resumption"]),
    ("no-aes-128", &["tls.suites"]),
    ("no-close-notify", &["tls.close-notify-sent"]),
    (
        "no-server",
        &[
            "layer.handshake",
            "layer.silence",
            "layer.bytes",
            "layer.pending",
            "layer.trickle",
            "layer.stall",
            "layer.flush",
            "layer.end",
            "layer.end-below",
            "layer.broken-below",
            "layer.threads",
            "layer.thousands",
            "layer.heap",
            "tls.handshake",
            "tls.data",
            "tls.encrypted",
            "tls.record-size",
            "tls.many-records",
            "tls.byte-by-byte",
            "tls.key-update",
            "tls.close-notify-sent",
            "tls.close-notify-received",
            "tls.half-close",
            "tls.truncated",
            "tls.fatal-alert",
            "tls.forged-record",
            "tls.garbage",
            "tls.plain-text",
            "tls.cut-handshake",
            "tls.peer-chain",
            "tls.peer-none",
            "tls.peer-facts",
            "tls.server-name",
            "tls.verdict-asked",
            "tls.verdict-obeyed",
            "tls.verdict-alert",
            "tls.own-certificate",
            "tls.client-asked",
            "tls.resumption",
            "tls.old-versions",
            "tls.suites",
            "auth.anon",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.nobody",
            "auth.expired",
            "auth.self-signed",
            "auth.chain",
            "auth.mis-issued",
            "stream.messages",
            "stream.crowd",
            "stream.silent-peers",
            "stream.listener-gone",
        ],
    ),
    ("no-server-name", &["tls.server-name"]),
    (
        "no-tls12",
        &[
            "tls.handshake",
            "tls.data",
            "tls.encrypted",
            "tls.record-size",
            "tls.many-records",
            "tls.byte-by-byte",
            "tls.close-notify-sent",
            "tls.close-notify-received",
            "tls.half-close",
            "tls.truncated",
            "tls.fatal-alert",
            "tls.forged-record",
            "tls.peer-chain",
            "tls.peer-none",
            "tls.peer-facts",
            "tls.server-name",
            "tls.verdict-asked",
            "tls.verdict-obeyed",
            "tls.verdict-alert",
            "tls.own-certificate",
            "tls.client-asked",
            "tls.resumption",
            "tls.suites",
            "auth.anon",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.expired",
            "auth.self-signed",
            "auth.chain",
            "auth.mis-issued",
        ],
    ),
    (
        "offers-null",
        &[
            "layer.handshake",
            "layer.silence",
            "layer.bytes",
            "layer.pending",
            "layer.stall",
            "layer.flush",
            "layer.end",
            "layer.end-below",
            "layer.broken-below",
            "layer.threads",
            "layer.thousands",
            "layer.heap",
            "tls.handshake",
            "tls.data",
            "tls.encrypted",
            "tls.record-size",
            "tls.many-records",
            "tls.key-update",
            "tls.close-notify-sent",
            "tls.close-notify-received",
            "tls.half-close",
            "tls.truncated",
            "tls.fatal-alert",
            "tls.forged-record",
            "tls.peer-chain",
            "tls.peer-facts",
            "tls.verdict-asked",
            "tls.verdict-obeyed",
            "tls.verdict-alert",
            "tls.own-certificate",
            "tls.resumption",
            "tls.suites",
            "tls.weak-suites",
            "auth.anon",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.expired",
            "auth.self-signed",
            "auth.chain",
            "auth.mis-issued",
            "stream.messages",
            "stream.crowd",
            "stream.silent-peers",
            "stream.listener-gone",
        ],
    ),
    ("one-thread", &["layer.threads"]),
    ("read-wants-write", &["layer.silence"]),
    ("reason-wordless", &["tls.fatal-alert"]),
    (
        "refusal-is-failure",
        &[
            "tls.peer-none",
            "tls.verdict-obeyed",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.expired",
            "auth.self-signed",
            "auth.chain",
            "auth.mis-issued",
        ],
    ),
    (
        "second-flush",
        &[
            "layer.pending",
            "layer.stall",
            "layer.flush",
            "layer.end",
            "layer.end-below",
            "layer.broken-below",
            "auth.anon",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.self-signed",
            "auth.chain",
            "stream.messages",
            "stream.crowd",
            "stream.silent-peers",
            "stream.listener-gone",
        ],
    ),
    ("takes-without-end", &["layer.stall"]),
    (
        "tells-no-client-certificate",
        &[
            "tls.peer-chain",
            "tls.client-asked",
            "auth.certvalid",
            "auth.name",
            "auth.fingerprint",
            "auth.self-signed",
            "auth.chain",
        ],
    ),
    ("tells-one-certificate", &["tls.peer-chain", "auth.chain"]),
    ("waits-after-the-end", &["layer.end-below", "tls.truncated", "tls.cut-handshake"]),
    ("waits-for-strangers", &["tls.garbage", "tls.plain-text", "tls.cut-handshake", "tls.old-versions"]),
];

#[test]
fn ptcp_conforms() {
    sysloom_conform::Kit::new(directory().join("libnsd_ptcp.so")).assert();
}

#[test]
fn rustls_conforms() {
    sysloom_conform::Kit::new(directory().join("libnsd_rustls.so")).assert();
}

#[test]
fn ossl_conforms() {
    if sysloom_conform::is_for_one_line() || sysloom_tests::driver_wanted("ossl") {
        sysloom_conform::Kit::new(directory().join("libnsd_ossl.so")).assert();
    }
}

#[test]
fn each_fault_of_a_layer_fails_its_lines_and_no_other() {
    each("faulty_layer", "libnsd_rustls.so", LAYER);
}

#[test]
fn each_fault_of_a_transport_fails_its_lines_and_no_other() {
    each("faulty_transport", "libnsd_ptcp.so", TRANSPORT);
}

#[test]
fn every_line_is_failed_by_some_fault() {
    let listed: BTreeSet<&str> = sysloom_conform::lines().iter().map(|line| line.name).collect();
    let failed: BTreeSet<&str> =
        [TRANSPORT, LAYER].into_iter().flatten().flat_map(|(_, lines)| *lines).copied().collect();
    assert_eq!(listed, failed);
}

#[test]
fn what_is_no_driver_is_an_error_of_its_own() {
    let dir = Dir::new();
    for (file, words) in [
        (dir.write("nsd_text.so", "no library"), "nsd_text.so"),
        (dir.file("nsd_missing.so"), "nsd_missing.so"),
        (directory().join("libimtcp.so"), "libimtcp.so"),
    ] {
        let out = kit().arg(&file).output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

/// Runs the kit against one driver: the names of the lines that failed, and all that it said.
fn failed(driver: &Path, options: &[&str]) -> (BTreeSet<String>, String) {
    let out = kit().args(options).arg(driver).output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap() + &String::from_utf8_lossy(&out.stderr);
    let failed = said.lines().filter_map(|line| line.strip_prefix("failed  ")?.split(' ').next());
    let failed: BTreeSet<String> = failed.map(str::to_owned).collect();
    assert_eq!(out.status.code(), Some(i32::from(!failed.is_empty())), "{said}");
    (failed, said)
}

/// One library under the name of each fault, with a sound driver behind it.
fn each(library: &str, inner: &str, faults: &[(&str, &[&str])]) {
    let dir = Dir::new();
    std::fs::copy(directory().join(inner), dir.file("inner.so")).unwrap();
    let mut wrong = Vec::new();
    for (fault, lines) in faults {
        let file = dir.file(&format!("{fault}.so"));
        std::fs::copy(directory().join(format!("examples/lib{library}.so")), &file).unwrap();
        let (failed, said) = failed(&file, &["--connections", "200"]);
        let wanted: BTreeSet<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        if failed != wanted {
            wrong.push(format!("{fault}: wanted {wanted:?}\n{said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn kit() -> Command {
    Command::new(directory().join("sysloom-conform"))
}

/// Where the kit, the drivers and the faulty drivers are, built once.
fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let exe = std::env::current_exe().expect("a test knows its file");
        let directory = exe.parent().and_then(Path::parent).expect("a test runs from target/PROFILE/deps");
        if sysloom_conform::is_for_one_line() {
            return directory.to_path_buf();
        }
        let packages = ["sysloom-conform", "sysloom-nsd-ptcp", "sysloom-nsd-rustls", "sysloom-imtcp"];
        cargo(directory, &packages, &[]);
        cargo(directory, &["sysloom-faulty"], &["--examples"]);
        directory.to_path_buf()
    })
}

fn cargo(directory: &Path, packages: &[&str], more: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the workspace");
    let target = directory.parent().expect("the profile's directory stands in the target directory");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--target-dir"]).arg(target).args(more).current_dir(root);
    cargo.args(packages.iter().flat_map(|package| ["-p", package]));
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success(), "{packages:?} do not build");
}
