//! sslscan's XML.

use crate::{no_weakness, scan, weak_server};
use std::process::Command;
use std::time::Duration;
use sysloom_tests::{Dir, Peer};

/// An element's name and the attributes that every one of them must have, each with one of the values. sslscan's word
/// for RFC 9662's mandatory suite in TLS 1.3 is "acceptable": 128 bits are no weakness.
const RULES: [(&str, &str, &[&str]); 4] = [
    ("cipher", "strength", &["strong", "acceptable"]),
    ("cipher", "bits", &["128", "256"]),
    ("heartbleed", "vulnerable", &["0"]),
    ("pk", "error", &["false"]),
];

/// Versions by type and number, and whether each may be on.
const VERSIONS: [(&str, &str, &str); 6] = [
    ("ssl", "2", "0"),
    ("ssl", "3", "0"),
    ("tls", "1.0", "0"),
    ("tls", "1.1", "0"),
    ("tls", "1.2", "1"),
    ("tls", "1.3", "1"),
];

/// Groups of at least 128 bits.
const GROUPS: [&str; 9] = [
    "secp256r1",
    "secp384r1",
    "secp521r1",
    "x25519",
    "x448",
    "ffdhe2048",
    "ffdhe3072",
    "ffdhe4096",
    "ffdhe8192",
];

fn judge(dir: &Dir, port: u16) -> Vec<String> {
    let file = dir.file("sslscan.xml");
    let mut command = Command::new("sslscan");
    command.args([
        "--no-colour",
        "--show-sigs",
        &format!("--xml={}", file.display()),
        &format!("localhost:{port}"),
    ]);
    scan(&mut command, Duration::from_secs(120));
    let xml = std::fs::read_to_string(file).expect("sslscan writes its report");
    let all: Vec<&str> = xml.split('<').skip(1).collect();
    let named = |name: &str| {
        let is = |element: &&&str| element.split([' ', '>', '/']).next() == Some(name);
        let found: Vec<&str> = all.iter().filter(is).copied().collect();
        assert!(!found.is_empty(), "no {name} in {xml}");
        found
    };
    let mut weak = Vec::new();
    for (name, attribute, good) in RULES {
        weak.extend(named(name).into_iter().filter(|e| !good.contains(&value(e, attribute))));
    }
    let protocols = named("protocol");
    assert_eq!(protocols.len(), VERSIONS.len(), "{xml}");
    weak.extend(protocols.into_iter().filter(|e| {
        let row = (value(e, "type"), value(e, "version"), value(e, "enabled"));
        !VERSIONS.contains(&row)
    }));
    // It calls CBC acceptable.
    let sealed = |e: &&str| ["GCM", "POLY1305"].iter().any(|word| value(e, "cipher").contains(word));
    weak.extend(named("cipher").into_iter().filter(|e| !sealed(e)));
    weak.extend(
        named("renegotiation")
            .into_iter()
            .filter(|e| value(e, "supported") != "0" && value(e, "secure") != "1"),
    );
    let good = |e: &&str| GROUPS.iter().any(|group| value(e, "name").starts_with(group));
    weak.extend(named("group").into_iter().filter(|e| !good(e)));
    // Signatures made with SHA-1 or MD5.
    let old = |e: &&str| ["sha1", "md5", "SHA1", "MD5"].iter().any(|word| value(e, "name").contains(word));
    weak.extend(named("connection-signature-algorithm").into_iter().filter(old));
    weak.into_iter().map(|e| e.trim().to_owned()).collect()
}

/// An attribute's value.
fn value<'a>(element: &'a str, attribute: &str) -> &'a str {
    let text = format!(" {attribute}=\"");
    let rest = element.split_once(&text).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default()
}

#[test]
fn sslscan_reports_no_weakness() {
    if Peer::wanted("sslscan") {
        no_weakness(&[false, true], judge);
    }
}

#[test]
fn sslscan_reports_a_weak_server() {
    if Peer::wanted("sslscan") && Peer::wanted("openssl") {
        let (dir, _peer, port) = weak_server();
        let found = judge(&dir, port);
        for word in
            ["version=\"1.0\" enabled=\"1\"", "cipher=\"AES256-SHA\"", "strength=\"anonymous\"", "bits=\"0\""]
        {
            assert!(found.iter().any(|e| e.contains(word)), "{word}: {found:#?}");
        }
    }
}
