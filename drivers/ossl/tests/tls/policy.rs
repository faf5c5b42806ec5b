//! What OpenSSL's commands come to, and which are refused.

use crate::driver::{Context, Daemon, Wishes};
use crate::pair::{Judge, Pair, Pki, carry, write_key};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use sysloom_sdk::{LayerSession, Role};

/// Version, cipher and group of two of us under the same commands.
fn negotiated(pki: &Pki, priority: &str) -> String {
    let pair = Pair::new(pki, "x509/name", priority);
    let (mut server, mut client) = pair.connected();
    assert_eq!(carry(&mut client, &mut server, b"a line\n"), b"a line\n");
    let peer = server.peer();
    assert_eq!(peer.cipher, client.peer().cipher);
    format!("{} {} {}", peer.protocol, peer.cipher, peer.group)
}

#[test]
fn commands_that_are_taken() {
    let pki = Pki::new();
    for (priority, wanted) in [
        ("", "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519"),
        ("MinProtocol=TLSv1.3", "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519"),
        ("# a comment\n\n maxprotocol = TLSv1.2 ", "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 X25519"),
        ("Protocol=-TLSv1.3", "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 X25519"),
        ("Ciphersuites=TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3 TLS_CHACHA20_POLY1305_SHA256 X25519"),
        ("Groups=P-521:P-384", "TLSv1.3 TLS_AES_128_GCM_SHA256 secp521r1"),
        ("Curves=P-256", "TLSv1.3 TLS_AES_128_GCM_SHA256 secp256r1"),
        (
            "MaxProtocol=TLSv1.2\nCipherString=\"ECDHE+AES256:!AESGCM:!AESCCM\"",
            "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384 X25519",
        ),
        // The examples of rsyslog's manual.
        ("Protocol=ALL,-SSLv2,-SSLv3", "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519"),
        ("Protocol=ALL,-SSLv2,-SSLv3,-TLSv1\nMinProtocol=TLSv1.2", "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519"),
        // RFC 5425 4.2: what is older than 1.2 is not to be had.
        ("MinProtocol=TLSv1", "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519"),
        ("MinProtocol=None", "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519"),
    ] {
        assert_eq!(negotiated(&pki, priority), wanted, "{priority}");
    }
}

/// RFC 5425 4.2's suite of old, which nobody gets without asking for it.
#[test]
fn rsa_key_exchange_with_cbc_by_asking_for_it() {
    let pki = Pki::new();
    let (cert, key, csr) = (pki.path("server.pem"), pki.path("server-key.pem"), pki.path("csr.pem"));
    let openssl = |arguments: &[&str]| {
        assert!(Command::new("openssl").args(arguments).output().unwrap().status.success())
    };
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", &key]);
    openssl(&["req", "-new", "-key", &key, "-subj", "/CN=old", "-out", &csr]);
    openssl(&["x509", "-req", "-in", &csr, "-signkey", &key, "-days", "2", "-out", &cert]);
    write_key(Path::new(&key), &std::fs::read_to_string(&key).unwrap());
    assert_eq!(
        negotiated(&pki, "CipherString=AES128-SHA\nMaxProtocol=TLSv1.2"),
        "TLSv1.2 TLS_RSA_WITH_AES_128_CBC_SHA "
    );
    assert_eq!(
        negotiated(&pki, "MaxProtocol=TLSv1.2"),
        "TLSv1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 X25519"
    );
}

#[test]
fn commands_that_are_refused_by_name() {
    let daemon: Arc<dyn Daemon> = Arc::new(Judge::default());
    for (priority, named) in [
        ("NORMAL", "\"NORMAL\" is no Command=Value line"),
        ("MinProtocol=TLSv1.3\nnonsense", "\"nonsense\""),
        ("VerifyMode=Once", "VerifyMode: who may go on"),
        ("verifymode=None", "verifymode"),
        ("Certificate=/x.pem", "Certificate"),
        ("PrivateKey=/x.pem", "PrivateKey"),
        ("ServerInfoFile=/x", "ServerInfoFile"),
        ("ChainCAFile=/x", "ChainCAFile"),
        ("VerifyCAFile=/x", "VerifyCAFile"),
        ("VerifyCAPath=/x", "VerifyCAPath"),
        ("RequestCAFile=/x", "RequestCAFile"),
        ("DHParameters=/x", "DHParameters"),
        ("Bugs=on", "Bugs"),
        ("MinProtocol=TLSv1.4", "MinProtocol: \"TLSv1.4\""),
        ("CipherString=3DES-CBC", "CipherString: \"3DES-CBC\""),
        ("Groups=X25519MLKEM769", "Groups: \"X25519MLKEM769\""),
        ("Options=Sloppy", "Options: \"Sloppy\""),
        ("CipherString=NULL-SHA256@SECLEVEL=0", "NULL-SHA256 does not encrypt"),
        ("CipherString=HIGH:COMPLEMENTOFALL:@SECLEVEL=0", "does not encrypt"),
        ("MaxProtocol=TLSv1.1", "no TLS version"),
        ("Protocol=-TLSv1.3,-TLSv1.2", "no TLS version"),
        ("MinProtocol=TLSv1.3\nProtocol=-TLSv1.3", "no TLS version"),
        ("MinProtocol=TLSv1.3\nMaxProtocol=TLSv1.2", "no TLS version"),
    ] {
        for role in [Role::Server, Role::Client] {
            let wishes = Wishes { auth_mode: "anon", priority: Some(priority), ..Wishes::default() };
            let why = Context::new(role, &wishes, &daemon).expect_err(priority);
            assert_eq!(why.param, Some("gnutlsPriorityString"), "{priority}");
            assert!(why.text.contains(named), "{priority}: {}", why.text);
        }
    }
}
