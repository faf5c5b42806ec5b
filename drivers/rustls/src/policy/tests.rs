//! What strings of policy come to, and which are refused, as tables.

use super::*;

/// Versions, suites and groups in one line, by short names.
fn shown(text: &str) -> String {
    let policy = match Policy::parse(text) {
        Ok(policy) => policy,
        Err(complaint) => {
            assert_eq!(complaint.param, Some(PRIORITY));
            return format!("refused: {}", complaint.text);
        }
    };
    let mut words = Vec::new();
    words.extend(policy.tls13.then_some("1.3"));
    words.extend(policy.tls12.then_some("1.2"));
    words.push("|");
    for s in &policy.suites {
        let row = SUITES.iter().find(|r| r.suite == *s).unwrap();
        words.push(match (row.auth, row.cipher) {
            (Auth::Any, Cipher::Aes256) => "256",
            (Auth::Any, Cipher::Aes128) => "128",
            (Auth::Any, Cipher::Chacha) => "C",
            (Auth::Ecdsa, Cipher::Aes256) => "e256",
            (Auth::Ecdsa, Cipher::Aes128) => "e128",
            (Auth::Ecdsa, Cipher::Chacha) => "eC",
            (Auth::Rsa, Cipher::Aes256) => "r256",
            (Auth::Rsa, Cipher::Aes128) => "r128",
            (Auth::Rsa, Cipher::Chacha) => "rC",
        });
    }
    words.push("|");
    words.extend(policy.groups.iter().map(|g| match g {
        Group::X25519MlKem768 => "XM",
        Group::P256MlKem768 => "PM",
        Group::X25519 => "X",
        Group::P256 => "256",
        Group::P384 => "384",
    }));
    words.extend(policy.server_order.then_some("server-order"));
    words.extend((!policy.tickets).then_some("no-tickets"));
    words.extend(policy.require_ems.then_some("ems"));
    words.join(" ")
}

const DEFAULT: &str = "1.3 1.2 | 256 128 C e256 e128 eC r256 r128 rC | XM X 256 384";

#[test]
fn strings_that_map() {
    let table = [
        ("", "1.3 1.2 | 128 e128 r128 256 C e256 eC r256 rC | XM X 256 384 server-order"),
        ("NORMAL", DEFAULT),
        ("normal:", DEFAULT),
        ("PFS", DEFAULT),
        ("PERFORMANCE", "1.3 1.2 | 128 C 256 e128 eC e256 r128 rC r256 | XM X 256 384"),
        ("SECURE128:-VERS-TLS1.1:-VERS-SSL3.0", DEFAULT),
        ("SECURE256", "1.3 1.2 | 256 C e256 eC r256 rC | XM 384"),
        ("NORMAL:-VERS-TLS1.2", "1.3 | 256 128 C | XM X 256 384"),
        ("NORMAL:-VERS-ALL:+VERS-TLS1.3", "1.3 | 256 128 C | XM X 256 384"),
        ("NORMAL:-VERS-TLS-ALL:+VERS-TLS1.2", "1.2 | e256 e128 eC r256 r128 rC | XM X 256 384"),
        ("NORMAL:!AES-128-GCM:-CHACHA20-POLY1305", "1.3 1.2 | 256 e256 r256 | XM X 256 384"),
        ("NORMAL:-ECDHE-RSA:-RSA:-DHE-RSA", "1.3 1.2 | 256 128 C e256 e128 eC | XM X 256 384"),
        (
            "NORMAL:-GROUP-ALL:+GROUP-SECP384R1:+GROUP-X25519-MLKEM768",
            &DEFAULT.replace("XM X 256 384", "384 XM"),
        ),
        ("NORMAL:-CURVE-X25519:+GROUP-SECP256R1-MLKEM768", &DEFAULT.replace("XM X 256 384", "XM 256 384 PM")),
        ("NORMAL:-GROUP-SECP521R1:-GROUP-FFDHE2048:-SIGN-RSA-SHA1:-3DES-CBC:-SHA1", DEFAULT),
        ("NORMAL:%SERVER_PRECEDENCE:%SAFE_RENEGOTIATION", &format!("{DEFAULT} server-order")),
        ("NORMAL:%NO_TICKETS:%FORCE_SESSION_HASH", &format!("{DEFAULT} no-tickets ems")),
        (
            "NONE:+VERS-TLS1.2:+AES-256-GCM:+ECDHE-ECDSA:+AEAD:+COMP-NULL:+SIGN-ALL:+GROUP-SECP256R1",
            "1.2 | e256 | 256",
        ),
        ("NONE:+VERS-TLS1.3:+CIPHER-ALL:+MAC-ALL:+GROUP-ALL", "1.3 | 256 128 C | XM X 256 384"),
        ("MinProtocol=TLSv1.3", "1.3 | 256 128 C | XM X 256 384"),
        ("MinProtocol=TLSv1.1", DEFAULT),
        ("maxprotocol = TLSv1.2", "1.2 | e256 e128 eC r256 r128 rC | XM X 256 384"),
        ("Protocol=-ALL,TLSv1.3", "1.3 | 256 128 C | XM X 256 384"),
        ("Protocol=ALL,-SSLv3,-TLSv1,-TLSv1.3", "1.2 | e256 e128 eC r256 r128 rC | XM X 256 384"),
        ("CipherString=ECDHE-RSA-AES256-GCM-SHA384", "1.3 1.2 | 256 128 C r256 | XM X 256 384"),
        ("CipherString=HIGH:!aNULL:!MD5:-CHACHA20", "1.3 1.2 | 256 128 C e256 e128 r256 r128 | XM X 256 384"),
        ("CipherString=ECDHE+AESGCM:!ECDSA:@STRENGTH", "1.3 1.2 | 256 128 C r256 r128 | XM X 256 384"),
        ("CipherString=DEFAULT@SECLEVEL=2", DEFAULT),
        (
            "CipherString=DEFAULT:@SECLEVEL=2:+AES256",
            "1.3 1.2 | 256 128 C e128 eC r128 rC e256 r256 | XM X 256 384",
        ),
        ("CipherString=!ECDSA:ALL", "1.3 1.2 | 256 128 C r256 r128 rC | XM X 256 384"),
        (
            "Ciphersuites=TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
            "1.3 1.2 | C 128 e256 e128 eC r256 r128 rC | XM X 256 384",
        ),
        ("Groups=P-384:?X448:*prime256v1", &DEFAULT.replace("XM X 256 384", "384 256")),
        ("Curves=X25519", &DEFAULT.replace("XM X 256 384", "X")),
        ("Options=ServerPreference,-SessionTicket", &format!("{DEFAULT} server-order no-tickets")),
        (
            "\nMinProtocol=TLSv1.2\n\nMaxProtocol=TLSv1.2\nCipherString=ECDHE-ECDSA-CHACHA20-POLY1305\n",
            "1.2 | eC | XM X 256 384",
        ),
    ];
    for (text, wanted) in table {
        assert_eq!(shown(text), wanted, "{text}");
    }
}

#[test]
fn what_rustls_lacks_is_refused_by_name() {
    let table = [
        ("LEGACY", "LEGACY"),
        ("@SYSTEM", "@SYSTEM"),
        ("NORMAL:VERS-TLS1.2", "VERS-TLS1.2"),
        ("NORMAL:+VERS-TLS1.1", "+VERS-TLS1.1"),
        ("NORMAL:+AES-128-CBC", "+AES-128-CBC"),
        ("NORMAL:+ANON-DH", "+ANON-DH"),
        ("NORMAL:+RSA", "+RSA"),
        ("NORMAL:+GROUP-SECP521R1", "+GROUP-SECP521R1"),
        ("NORMAL:-AEAD", "-AEAD"),
        ("NORMAL:-VERS-TLS1.33", "-VERS-TLS1.33"),
        ("NORMAL:-GROUP-X25518", "-GROUP-X25518"),
        ("NORMAL:%COMPAT", "%COMPAT"),
        ("NORMAL:-VERS-ALL", "no TLS version"),
        ("NORMAL:-CIPHER-ALL", "no TLS version"),
        ("NORMAL:-GROUP-ALL", "no key exchange group"),
        ("NONE", "no TLS version"),
        ("MinProtocol=TLSv1.4", "TLSv1.4"),
        ("MaxProtocol=TLSv1.1", "TLSv1.1"),
        ("MaxProtocol=TLSv1.2\nMinProtocol=TLSv1.3", "no TLS version"),
        ("Protocol=+TLSv1.1", "TLSv1.1"),
        ("CipherString=AES128-SHA", "AES128-SHA"),
        ("CipherString=PSK", "PSK"),
        ("Ciphersuites=TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_SHA256"),
        ("Groups=P-521", "P-521"),
        ("Options=Bugs", "Bugs"),
        ("VerifyMode=Peer", "VerifyMode"),
        ("MinProtocol=TLSv1.2\nnonsense", "nonsense"),
    ];
    for (text, named) in table {
        let got = shown(text);
        assert!(got.starts_with("refused: ") && got.contains(named), "{text}: {got}");
    }
}

#[test]
fn the_provider_follows() {
    let policy = Policy::parse("NORMAL:-VERS-TLS1.2:-AES-128-GCM").unwrap();
    let provider = policy.provider();
    assert_eq!(provider.cipher_suites.len(), 2);
    assert_eq!(policy.versions(), [&version::TLS13]);
    let first = provider.kx_groups.first().unwrap();
    assert_eq!(first.name(), rustls::NamedGroup::X25519MLKEM768);
}
