//! Encrypted keys, and the file with their passphrase.

use crate::driver::{Context, Daemon, Wishes};
use crate::pair::{Judge, Pki, write_key};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use sysloom_sdk::{Complaint, Level, Role};

fn made(pki: &Pki, key: &str, pass_file: Option<&str>) -> (Result<(), Complaint>, Vec<String>) {
    let judge = Arc::new(Judge::default());
    let daemon: Arc<dyn Daemon> = judge.clone();
    let cert = pki.path("server.pem");
    let wishes = Wishes {
        auth_mode: "x509/name",
        cert_file: Some(&cert),
        key_file: Some(key),
        key_pass_file: pass_file,
        ..Wishes::default()
    };
    let made = Context::new(Role::Server, &wishes, &daemon).map(|_| ());
    let lines = judge.lines.lock().unwrap();
    let warnings = lines.iter().filter(|(level, _)| *level == Level::Warning).map(|(_, text)| text.clone());
    (made, warnings.collect())
}

#[test]
fn a_passphrase_opens_a_key_of_either_form() {
    let pki = Pki::new();
    let (plain, pass) = (pki.path("server-key.pem"), pki.path("pass"));
    for (command, encrypted) in [("pkey", "pkcs8.pem"), ("ec", "old.pem")] {
        let key = pki.path(encrypted);
        let arguments = [command, "-in", &plain, "-aes256", "-passout", "pass:open sesame", "-out", &key];
        assert!(Command::new("openssl").args(arguments).output().unwrap().status.success());
        for text in ["open sesame", "open sesame\n", "open sesame\r\nand more\n"] {
            write_key(Path::new(&pass), text);
            let (made, warnings) = made(&pki, &key, Some(&pass));
            made.unwrap();
            assert!(warnings.is_empty(), "{warnings:?}");
        }
        for (text, words) in
            [("sesame", "does not open the key"), ("\nopen sesame", "first line"), ("", "is empty")]
        {
            write_key(Path::new(&pass), text);
            let why = made(&pki, &key, Some(&pass)).0.unwrap_err();
            assert_eq!(why.param, Some("streamDriver.keyPassFile"));
            assert!(why.text.contains(words) && why.text.contains(&pass), "{}", why.text);
        }
        let why = made(&pki, &key, None).0.unwrap_err();
        assert_eq!(why.param, Some("streamDriver.KeyFile"));
        assert!(why.text.contains("streamDriver.keyPassFile"), "{}", why.text);
    }
    // A key that needs none is not asked for one.
    made(&pki, &plain, Some(&pki.path("missing"))).0.unwrap();
}

#[test]
fn a_passphrase_that_everybody_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let pki = Pki::new();
    let (plain, key, pass) = (pki.path("server-key.pem"), pki.path("key.pem"), pki.path("pass"));
    let arguments = ["pkey", "-in", &plain, "-aes256", "-passout", "pass:x", "-out", &key];
    assert!(Command::new("openssl").args(arguments).output().unwrap().status.success());
    write_key(Path::new(&pass), "x\n");
    std::fs::set_permissions(&pass, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (made, warnings) = made(&pki, &key, Some(&pass));
    made.unwrap();
    assert!(warnings.iter().any(|w| w.contains(&pass) && w.contains("chmod 0600")), "{warnings:?}");
}
