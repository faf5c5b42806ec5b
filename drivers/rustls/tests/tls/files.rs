//! Everything that can be wrong with the files: each has its own words, and the parameter at fault.

use crate::driver::{Context, Daemon, Wishes};
use crate::pair::{Judge, Pair, Pki, write_key};
use crate::terms::{TLS12, TLS13};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use sysloom_sdk::{Complaint, LayerSession, Level, Role};

fn complaint(wishes: &Wishes<'_>) -> Complaint {
    let daemon: Arc<dyn Daemon> = Arc::new(Judge::default());
    Context::new(Role::Server, wishes, &daemon).expect_err("these files are fine")
}

fn openssl(arguments: &[&str]) {
    let out = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
fn bad_files_are_named_with_what_is_in_them() {
    let pki = Pki::new();
    let put = |name: &str, text: &[u8]| {
        write_key(pki.dir.path().join(name).as_path(), "");
        fs::write(pki.dir.path().join(name), text).unwrap();
        pki.path(name)
    };
    let (cert, key) = (pki.path("server.pem"), pki.path("server-key.pem"));
    let cert_text = fs::read_to_string(&cert).unwrap();
    let der = put(
        "cert.der",
        CertificateParams::default()
            .self_signed(&KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
            .unwrap()
            .der(),
    );
    let empty = put("empty.pem", b"");
    let text = put("text.pem", b"hello there\n");
    let cut = put("cut.pem", &cert_text.as_bytes()[..cert_text.find("-----END").unwrap()]);
    let noise = put("noise.pem", b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
    let hollow = put("hollow.pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let odd_key = put("odd.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let missing = pki.path("missing.pem");
    let dir = pki.dir.path().to_str().unwrap().to_owned();
    let encrypted = pki.path("encrypted.pem");
    openssl(&["pkey", "-in", &key, "-aes256", "-passout", "pass:secret", "-out", &encrypted]);
    let old_encrypted = pki.path("old-encrypted.pem");
    openssl(&["ec", "-in", &key, "-aes256", "-passout", "pass:secret", "-out", &old_encrypted]);
    let small = pki.path("small.pem");
    openssl(&["genrsa", "-out", &small, "1024"]);

    const CA: &str = "streamDriver.CAFile";
    const CERT: &str = "streamDriver.CertFile";
    const KEY: &str = "streamDriver.KeyFile";
    // Parameter at fault; CA, certificate and key file; what must be said.
    type Row<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>, &'a [&'a str]);
    let table: Vec<Row<'_>> = vec![
        (CA, Some(&missing), None, None, &["CA file", "does not exist"]),
        (CA, Some(&dir), None, None, &["is a directory"]),
        (CA, Some("/dev/null"), None, None, &["is no ordinary file"]),
        (CA, Some(&empty), None, None, &["is empty"]),
        (CA, Some(&text), None, None, &["holds no certificate", "no PEM block", "BEGIN CERTIFICATE"]),
        (CA, Some(&key), None, None, &["holds no certificate", "found 1 PEM block(s): PRIVATE KEY"]),
        (CERT, None, Some(&der), Some(&key), &["looks like DER"]),
        (CERT, None, Some(&cut), Some(&key), &["is damaged", "cut off"]),
        (CERT, None, Some(&noise), Some(&key), &["is damaged", "base64"]),
        (CERT, None, Some(&hollow), Some(&key), &["is damaged", "certificate 1 of 1", "X.509"]),
        (CERT, None, Some(&missing), Some(&key), &["certificate file", "does not exist"]),
        (CERT, None, None, Some(&key), &["there is key file", "CertFile is not set"]),
        (KEY, None, Some(&cert), None, &["there is certificate file", "KeyFile is not set"]),
        (KEY, None, Some(&cert), Some(&missing), &["key file", "does not exist"]),
        (KEY, None, Some(&cert), Some(&empty), &["is empty"]),
        (KEY, None, Some(&cert), Some(&cert), &["holds no private key", "found 2 PEM block(s): CERTIFICATE"]),
        (KEY, None, Some(&cert), Some(&odd_key), &["damaged or of a kind"]),
        (KEY, None, Some(&cert), Some(&small), &["RSA of 2048 bits"]),
        (KEY, None, Some(&cert), Some(&encrypted), &["is encrypted", "openssl pkey -in"]),
        (KEY, None, Some(&cert), Some(&old_encrypted), &["is encrypted"]),
    ];
    for (param, ca_file, cert_file, key_file, words) in table {
        let wishes = Wishes { auth_mode: "x509/name", ca_file, cert_file, key_file, ..Wishes::default() };
        let why = complaint(&wishes);
        let path = match param {
            CA => ca_file,
            CERT => cert_file.or(key_file),
            _ => key_file.or(cert_file),
        };
        assert_eq!(why.param, Some(param), "{}", why.text);
        assert!(why.text.contains(path.unwrap()), "{path:?}: {}", why.text);
        for w in words {
            assert!(why.text.contains(w), "{w}: {}", why.text);
        }
    }
}

#[test]
fn a_key_must_belong_to_the_first_certificate() {
    let pki = Pki::new();
    let (cert, other_key) = (pki.path("server.pem"), pki.path("client-key.pem"));
    let mut wishes = Wishes {
        auth_mode: "x509/name",
        cert_file: Some(&cert),
        key_file: Some(&other_key),
        ..Wishes::default()
    };
    let why = complaint(&wishes);
    assert_eq!(why.param, Some("streamDriver.KeyFile"));
    assert!(
        why.text.contains("does not belong to the certificate in") && why.text.contains(&cert),
        "{}",
        why.text
    );
    // The same chain with the CA first.
    let text = fs::read_to_string(&cert).unwrap();
    let second = text.rfind("-----BEGIN").unwrap();
    let turned = pki.path("turned.pem");
    fs::write(&turned, format!("{}{}", &text[second..], &text[..second])).unwrap();
    let key = pki.path("server-key.pem");
    wishes.cert_file = Some(&turned);
    wishes.key_file = Some(&key);
    let why = complaint(&wishes);
    assert!(
        why.text.contains("belongs to certificate 2") && why.text.contains("must stand first"),
        "{}",
        why.text
    );
}

#[test]
fn a_server_without_certificate_is_for_anon_only() {
    for mode in ["", "x509/name", "x509/certvalid", "x509/fingerprint"] {
        let why = complaint(&Wishes { auth_mode: mode, ..Wishes::default() });
        assert_eq!(why.param, Some("streamDriver.CertFile"));
        assert!(why.text.contains("needs a certificate"), "{}", why.text);
    }
    let why =
        complaint(&Wishes { auth_mode: "anon", priority: Some(crate::terms::LACKING), ..Wishes::default() });
    assert_eq!(why.param, Some("gnutlsPriorityString"));
    // The daemon reads the system's store.
    let daemon: Arc<dyn Daemon> = Arc::new(Judge::default());
    let wishes = Wishes { auth_mode: "x509/name", ca_file: Some("system"), ..Wishes::default() };
    Context::new(Role::Client, &wishes, &daemon).unwrap();
}

#[test]
fn a_key_that_everybody_can_read_is_a_warning() {
    let pki = Pki::new();
    let (cert, key) = (pki.path("server.pem"), pki.path("server-key.pem"));
    let wishes = Wishes { cert_file: Some(&cert), key_file: Some(&key), ..Wishes::default() };
    for (mode, warns) in [(0o600, false), (0o640, false), (0o644, true)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let judge = Arc::new(Judge::default());
        let daemon: Arc<dyn Daemon> = judge.clone();
        Context::new(Role::Server, &wishes, &daemon).unwrap();
        let lines = judge.lines.lock().unwrap();
        let warned = lines.iter().any(|(level, text)| *level == Level::Warning && text.contains(&key));
        assert_eq!(warned, warns, "{mode:o}");
    }
}

#[test]
fn a_certificate_out_of_date_is_a_warning() {
    let pki = Pki::new();
    let (cert, key) = (pki.path("server.pem"), pki.path("server-key.pem"));
    let wishes = Wishes { cert_file: Some(&cert), key_file: Some(&key), ..Wishes::default() };
    for (from, to, words) in
        [(2020, 2100, None), (2020, 2021, Some("has expired")), (2100, 2101, Some("is not valid yet"))]
    {
        let own = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        fs::write(&cert, params.self_signed(&own).unwrap().pem()).unwrap();
        write_key(Path::new(&key), &own.serialize_pem());
        let judge = Arc::new(Judge::default());
        let daemon: Arc<dyn Daemon> = judge.clone();
        Context::new(Role::Server, &wishes, &daemon).unwrap();
        let lines = judge.lines.lock().unwrap();
        let said = lines.iter().find(|(level, text)| *level == Level::Warning && text.contains(&cert));
        match words {
            Some(words) => assert!(said.is_some_and(|(_, text)| text.contains(words)), "{said:?}"),
            None => assert_eq!(said, None),
        }
    }
}

#[test]
fn keys_of_every_kind_and_form() {
    let pki = Pki::new();
    let key = pki.path("key.pem");
    let (pkcs8, cert) = (pki.path("pkcs8.pem"), pki.path("cert.pem"));
    let ec = |curve: &str| {
        vec!["genpkey", "-algorithm", "EC", "-pkeyopt"]
            .into_iter()
            .map(str::to_owned)
            .chain([format!("ec_paramgen_curve:{curve}")])
            .collect::<Vec<_>>()
    };
    let rsa: Vec<String> =
        ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"].map(str::to_owned).into();
    let ed: Vec<String> = ["genpkey", "-algorithm", "ED25519"].map(str::to_owned).into();
    for (make, convert, label) in [
        (rsa.clone(), Some(vec!["rsa", "-traditional"]), "RSA PRIVATE KEY"),
        (rsa, None, "PRIVATE KEY"),
        (ec("P-256"), Some(vec!["ec"]), "EC PRIVATE KEY"),
        (ec("P-384"), None, "PRIVATE KEY"),
        (ec("P-521"), None, "PRIVATE KEY"),
        (ed, None, "PRIVATE KEY"),
    ] {
        let mut arguments: Vec<&str> = make.iter().map(String::as_str).collect();
        arguments.extend(["-out", &pkcs8]);
        openssl(&arguments);
        openssl(&["req", "-x509", "-new", "-key", &pkcs8, "-subj", "/CN=x", "-days", "2", "-out", &cert]);
        match convert {
            Some(mut arguments) => {
                arguments.extend(["-in", &pkcs8, "-out", &key]);
                openssl(&arguments);
            }
            None => fs::copy(&pkcs8, &key).map(|_| ()).unwrap(),
        }
        let text = fs::read_to_string(&key).unwrap();
        assert!(text.contains(&format!("-----BEGIN {label}-----")), "{text}");
        // certtool writes a text about the key before it.
        fs::write(&key, format!("Public Key Info:\n\tKey Security Level: High\n\n{text}")).unwrap();
        let daemon: Arc<dyn Daemon> = Arc::new(Judge::default());
        let wishes = Wishes { cert_file: Some(&cert), key_file: Some(&key), ..Wishes::default() };
        Context::new(Role::Server, &wishes, &daemon).unwrap();
    }
}

#[test]
fn certificates_of_x509_version_1_work_on_both_sides() {
    let pki = Pki::new();
    for kind in ["RSA", "EC"] {
        let option = if kind == "RSA" { "rsa_keygen_bits:2048" } else { "ec_paramgen_curve:P-256" };
        for name in ["server", "client"] {
            let (cert, key, csr) =
                (pki.path(&format!("{name}.pem")), pki.path(&format!("{name}-key.pem")), pki.path("csr.pem"));
            openssl(&["genpkey", "-algorithm", kind, "-pkeyopt", option, "-out", &key]);
            openssl(&["req", "-new", "-key", &key, "-subj", "/CN=old", "-out", &csr]);
            openssl(&["x509", "-req", "-in", &csr, "-signkey", &key, "-days", "2", "-out", &cert]);
            let shown =
                Command::new("openssl").args(["x509", "-noout", "-text", "-in", &cert]).output().unwrap();
            let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
            assert!(shown.contains("Version: 1 (0x0)"), "{shown}");
        }
        for priority in [TLS12, TLS13] {
            let pair = Pair::new(&pki, "x509/fingerprint", priority);
            let (server, client) = pair.connected();
            assert_eq!((server.peer().chain.len(), client.peer().chain.len()), (1, 1));
        }
    }
}
