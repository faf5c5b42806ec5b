//! Settings that cannot be, files that are not what they should be, and what is said about them.

use super::super::trust::Trust;
use super::super::{PeerView, Policy, PolicyFault, PolicySettings};
use super::fixtures::{FIXTURES, NOW};
use std::path::PathBuf;

#[test]
fn a_bad_parameter_is_named_with_what_is_wrong_and_where() {
    let file = |name: &str| FIXTURES.file(name);
    let ca = |name: &str| Settings { ca: Some(file(name)), ..Settings::default() };
    let peer = |peer: &str| Settings { peers: peer.to_owned(), ..Settings::default() };
    let rows: Vec<(Settings, &str, &[&str])> = vec![
        (
            Settings { mode: Some("x509/nam"), ..Settings::default() },
            "streamDriver.authMode",
            &["'x509/nam'", "x509/name"],
        ),
        (Settings { mode: Some(""), ..Settings::default() }, "streamDriver.authMode", &["anon"]),
        (
            Settings { ca: None, ..Settings::default() },
            "streamDriver.CAFile",
            &["x509/name needs a file", "'system'"],
        ),
        (
            Settings { ca: None, mode: Some("x509/certvalid"), ..Settings::default() },
            "streamDriver.CAFile",
            &["certvalid needs"],
        ),
        (
            Settings { ca: Some(" ".to_owned()), ..Settings::default() },
            "streamDriver.CAFile",
            &["needs a file"],
        ),
        (ca("missing"), "streamDriver.CAFile", &["/missing", "No such file"]),
        (ca(""), "streamDriver.CAFile", &["cannot be read", "directory"]),
        (
            ca("empty"),
            "streamDriver.CAFile",
            &["/empty", "holds no certificate", "-----BEGIN CERTIFICATE-----"],
        ),
        (ca("text"), "streamDriver.CAFile", &["/text", "holds no certificate"]),
        (ca("key"), "streamDriver.CAFile", &["/key", "holds no certificate", "private key"]),
        (ca("crl"), "streamDriver.CAFile", &["/crl", "holds no certificate"]),
        (ca("base64"), "streamDriver.CAFile", &["certificate number 1", "/base64", "not base64"]),
        (ca("unended"), "streamDriver.CAFile", &["certificate number 1", "/unended", "END line"]),
        (ca("damaged"), "streamDriver.CAFile", &["certificate number 2", "/damaged", "damaged"]),
        (
            Settings {
                extra: Some(format!("{}, {}", file("other"), file("missing"))),
                ..Settings::default()
            },
            "streamDriver.CAExtraFiles",
            &["/missing", "No such file"],
        ),
        (
            Settings { crl: Some(file("missing")), ..Settings::default() },
            "streamDriver.CRLFile",
            &["/missing", "No such file"],
        ),
        (
            Settings { crl: Some(file("root")), ..Settings::default() },
            "streamDriver.CRLFile",
            &["holds no revocation list", "-----BEGIN X509 CRL-----"],
        ),
        (
            Settings { crl: Some(file("root-der")), ..Settings::default() },
            "streamDriver.CRLFile",
            &["revocation list number 1", "/root-der", "damaged"],
        ),
        (
            Settings { crl: Some(file("crl-damaged")), ..Settings::default() },
            "streamDriver.CRLFile",
            &["revocation list number 1", "/crl-damaged", "damaged"],
        ),
        (peer("server*fix.example.net"), "permittedPeer", &["'server*fix.example.net'", "'*'"]),
        (peer("*a*.example.net"), "permittedPeer", &["'*'"]),
        (peer("b\u{fc}*.example.net"), "permittedPeer", &["'*'"]),
        (peer("\u{200d}.example.net"), "permittedPeer", &["internationalized"]),
        (peer("SHA1:AA:BB"), "permittedPeer", &["2 octets", "20"]),
        (peer("sha-256:zz"), "permittedPeer", &["'zz'", "hexadecimal"]),
        (peer("SHA1:0A0B"), "permittedPeer", &["'0A0B'"]),
        (peer("good.example.net,SHA1:+1"), "permittedPeer", &["'+1'"]),
        (peer("SHA1:"), "permittedPeer", &["fingerprint"]),
    ];
    for (settings, param, words) in rows {
        let Err(PolicyFault { param: found, text }) = settings.policy() else {
            panic!("accepted: {settings:?}")
        };
        assert_eq!(found, param, "{text}");
        for word in words {
            assert!(text.contains(word), "'{word}' is not in: {text}");
        }
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn what_works_and_is_doubtful_is_remarked() {
    let rows: [(&str, &str, bool, &[&str]); 9] = [
        ("x509/name", "a.test", true, &[]),
        ("x509/name", "", false, &[]),
        ("x509/name", "", true, &["every peer will be refused"]),
        ("x509/fingerprint", "", false, &["every peer will be refused"]),
        ("x509/fingerprint", "a.test", true, &["'a.test' is no fingerprint", "every peer will be refused"]),
        ("x509/certvalid", "", true, &[]),
        ("x509/certvalid", "a.test", true, &["'a.test' means nothing"]),
        // RFC 5425-38
        ("anon", "", false, &["anybody"]),
        ("anon", "a.test,b.test", true, &["'a.test' means nothing", "'b.test' means nothing", "anybody"]),
    ];
    for (mode, peers, server, wanted) in rows {
        let settings = Settings { mode: Some(mode), peers: peers.to_owned(), server, ..Settings::default() };
        let policy = settings.policy().unwrap();
        let remarks = policy.remarks();
        assert_eq!(remarks.len(), wanted.len(), "{mode} {peers}: {remarks:?}");
        for (remark, words) in remarks.iter().zip(wanted) {
            assert!(remark.contains(words), "{remark}");
        }
    }
}

#[test]
fn a_depth_beyond_what_can_be_followed_is_remarked() {
    let ca = FIXTURES.file("root");
    for (depth, remarked) in [(None, false), (Some(6), false), (Some(7), true), (Some(u32::MAX), true)] {
        let settings =
            PolicySettings { ca_file: Some(&ca), verify_depth: depth, ..PolicySettings::default() };
        let policy = Policy::new(&settings).unwrap();
        assert_eq!(
            policy.remarks().iter().any(|remark| remark.contains("tlsVerifyDepth")),
            remarked,
            "{depth:?}"
        );
    }
}

#[test]
fn files_are_read_only_where_a_path_is_judged() {
    for (mode, reads) in
        [("anon", false), ("x509/fingerprint", false), ("x509/certvalid", true), ("x509/name", true)]
    {
        let settings =
            Settings { mode: Some(mode), ca: Some(FIXTURES.file("missing")), ..Settings::default() };
        assert_eq!(settings.policy().is_err(), reads, "{mode}");
    }
}

#[test]
fn only_anon_does_without_certificates() {
    for (mode, anonymous) in
        [("anon", true), ("x509/fingerprint", false), ("x509/certvalid", false), ("x509/name", false)]
    {
        let policy = Settings { mode: Some(mode), ..Settings::default() }.policy().unwrap();
        assert_eq!((policy.is_anonymous(), policy.wants_certificate()), (anonymous, !anonymous), "{mode}");
    }
}

#[test]
fn the_settings_host_is_used_where_a_connection_has_none() {
    let settings = PolicySettings { connect_host: Some("a.example.test"), ..PolicySettings::default() };
    let ca = FIXTURES.file("root");
    let policy = Policy::new(&PolicySettings { ca_file: Some(&ca), ..settings }).unwrap();
    let chain: Vec<&[u8]> = FIXTURES.chain("good").iter().map(Vec::as_slice).collect();
    let judge = |host| policy.judge(&PeerView { chain: &chain, host, ..PeerView::default() }, NOW);
    assert!(judge(None).is_ok());
    assert!(judge(Some("a.example.test")).is_ok());
    assert_eq!(judge(Some("b.example.test")).unwrap_err().alert, 49);
}

#[test]
fn accepted_peers_are_described() {
    let settings = Settings { peers: "*.example.test".to_owned(), ..Settings::default() };
    let chain: Vec<&[u8]> = FIXTURES.chain("two-names").iter().map(Vec::as_slice).collect();
    let view = PeerView { chain: &chain, ..PeerView::default() };
    let accepted = settings.policy().unwrap().judge(&view, NOW).unwrap();
    assert_eq!(accepted.subject.as_deref(), Some("\"CN=x,O=Acme\""));
    assert_eq!(accepted.cn.as_deref(), Some("x"));
    assert_eq!(accepted.permitted.as_deref(), Some("*.example.test"));
    assert_eq!(accepted.name.as_deref(), Some("a.example.test"));
    let fingerprint = accepted.fingerprint.unwrap();
    assert!(
        fingerprint.starts_with("SHA256:") && fingerprint.len() == "SHA256".len() + 3 * 32,
        "{fingerprint}"
    );
}

#[test]
fn the_system_store_is_the_first_that_can_be_read() {
    let places = |names: &[&str]| -> Vec<PathBuf> { names.iter().map(|n| FIXTURES.file(n).into()).collect() };
    let mut trust = Trust::default();
    trust.add_system_store("streamDriver.CAFile", &places(&["missing", "text", "damaged", "other"])).unwrap();
    // The damaged store's good certificate is used, the rest of it is left out.
    assert_eq!(trust.listed.len(), 1);
    assert!(trust.files.starts_with("streamDriver.CAFile system (") && trust.files.ends_with("/damaged)"));

    let fault =
        Trust::default().add_system_store("streamDriver.CAFile", &places(&["missing", "text"])).unwrap_err();
    let fault = fault.to_string();
    assert!(fault.contains("/missing") && fault.contains("/text") && fault.contains("CA file"), "{fault}");
}

#[test]
fn the_systems_own_store_is_read_or_missed() {
    let settings =
        Settings { ca: Some("System".to_owned()), mode: Some("x509/certvalid"), ..Settings::default() };
    let has_one =
        Trust::system_places().iter().any(|place| place.metadata().is_ok_and(|file| file.len() > 0));
    match settings.policy() {
        Ok(policy) => {
            assert!(has_one);
            // A CA of this test is in no system's store, and the message says where it was looked for.
            let chain: Vec<&[u8]> = FIXTURES.chain("good").iter().map(Vec::as_slice).collect();
            let refusal = policy.judge(&PeerView { chain: &chain, ..PeerView::default() }, NOW).unwrap_err();
            assert_eq!(refusal.alert, 48);
            assert!(refusal.text.contains("streamDriver.CAFile system (/"), "{}", refusal.text);
        }
        Err(fault) => assert!(!has_one, "{fault}"),
    }
}

#[derive(Debug)]
struct Settings {
    mode: Option<&'static str>,
    peers: String,
    ca: Option<String>,
    extra: Option<String>,
    crl: Option<String>,
    server: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let ca = Some(FIXTURES.file("root"));
        Self { mode: None, peers: String::new(), ca, extra: None, crl: None, server: false }
    }
}

impl Settings {
    fn policy(&self) -> Result<Policy, PolicyFault> {
        Policy::new(&PolicySettings {
            auth_mode: self.mode,
            permitted_peers: std::slice::from_ref(&self.peers),
            ca_file: self.ca.as_deref(),
            ca_extra_files: self.extra.as_deref(),
            crl_file: self.crl.as_deref(),
            server: self.server,
            ..PolicySettings::default()
        })
    }
}
