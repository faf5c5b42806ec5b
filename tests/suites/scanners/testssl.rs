//! testssl.sh's JSON.
//!
//! Left out, for their time or because they report no weakness: `-e` and `-E` (each of 183 suites alone, minutes: `-s`, `-P`
//! and `-f` find every class of weak suite), `-c` (which browsers would get in), `-h` and `-B` (HTTP).

use crate::{no_weakness, scan, weak_server};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;
use sysloom_tests::{Dir, Peer};

/// Protocols, classes of suites, forward secrecy, server's choices and certificate, each vulnerability, and bugs of
/// implementations.
const CHECKS: [&str; 7] = ["-p", "-s", "-f", "-P", "-S", "-U", "-g"];

/// A finding of each check, so that one that did not run is no pass.
const MUST_BE_THERE: [&str; 32] = [
    "SSLv2",
    "SSLv3",
    "TLS1",
    "TLS1_1",
    "TLS1_2",
    "TLS1_3",
    "cipherlist_NULL",
    "cipherlist_aNULL",
    "cipherlist_EXPORT",
    "cipherlist_LOW",
    "cipherlist_3DES_IDEA",
    "cipherlist_AVERAGE",
    "cipherlist_STRONG",
    "PFS",
    "cipher_order",
    "cert_signatureAlgorithm",
    "cert_keySize",
    "heartbleed",
    "CCS",
    "ROBOT",
    "secure_renego",
    "secure_client_renego",
    "CRIME_TLS",
    "POODLE_SSL",
    "fallback_SCSV",
    "SWEET32",
    "FREAK",
    "DROWN",
    "LOGJAM",
    "BEAST",
    "LUCKY13",
    "RC4",
];

/// Severities that are no weakness.
const GOOD: [&str; 3] = ["OK", "INFO", "DEBUG"];

/// What it reports and is none of the driver's doing.
const NO_WEAKNESS: [(&str, &str); 2] = [
    ("cert_revocation", "the test's certificate names no CRL and no OCSP responder"),
    ("cert_validityPeriod", "the test's certificate has no end"),
];

fn judge(dir: &Dir, port: u16, checks: &[&str], must: &[&str]) -> Vec<String> {
    let file = dir.file("testssl.json");
    let mut command = Command::new("testssl");
    command.args(["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", "127.0.0.1"]);
    command.arg("--add-ca").arg(dir.file("ca.pem")).arg("-oj").arg(&file).args(checks);
    scan(command.arg(format!("localhost:{port}")), Duration::from_secs(400));
    let text = std::fs::read_to_string(&file).expect("testssl.sh writes its report");
    let report: Value = serde_json::from_str(&text).expect("it is JSON");
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let findings: Vec<[String; 3]> = report
        .as_array()
        .expect("a list of findings")
        .iter()
        .map(|finding| ["id", "severity", "finding"].map(|name| word(finding, name)))
        .collect();
    for id in must {
        assert!(findings.iter().any(|finding| finding[0] == *id), "{id} was not looked at: {text}");
    }
    let harmless = |finding: &[String; 3]| {
        GOOD.contains(&finding[1].as_str()) || NO_WEAKNESS.iter().any(|(id, _)| finding[0] == *id)
    };
    findings.iter().filter(|finding| !harmless(finding)).map(|finding| finding.join(": ")).collect()
}

#[test]
fn testssl_reports_no_weakness() {
    if Peer::wanted("testssl") {
        // RSA is what ROBOT, DROWN and FREAK are about; the other scanners look at ECDSA, too.
        no_weakness(&[true], |dir, port| judge(dir, port, &CHECKS, &MUST_BE_THERE));
    }
}

#[test]
fn testssl_reports_a_weak_server() {
    if Peer::wanted("testssl") && Peer::wanted("openssl") {
        let (dir, _peer, port) = weak_server();
        let found = judge(&dir, port, &["-p", "-s"], &MUST_BE_THERE[..13]);
        for id in ["TLS1: ", "TLS1_1: ", "cipherlist_NULL: ", "cipherlist_aNULL: "] {
            assert!(found.iter().any(|finding| finding.starts_with(id)), "{id}: {found:#?}");
        }
    }
}
