//! TLS sessions: what the driver tells of its peer, how it asks for the verdict and obeys it, what it says of itself,
//! and what it agrees on.

use super::must;
use super::tls::{TLS, each};
use crate::counterpart::{Config, NAME, Wish};
use crate::duel::{Bench, CONN, values};
use crate::hello::{Hello, old_hello};
use crate::judge::Told;
use crate::line::Line;
use crate::road::{same, words};
use crate::subject::Subject;
use rustls::{AlertDescription, Error, HandshakeKind};
use std::path::Path;
use sysloom_engine::plugin::{Halt, Side, StreamValues};
use sysloom_tests::TlsVersion;
use sysloom_tests::pki::Wish as Certificate;

/// Their lines.
pub const LINES: &[Line] = &[
    Line {
        name: "tls.peer-chain",
        rule: "ABI Peer::chain; RFC 8446 4.4.2",
        text: "the peer's certificates are told as it sent them, its own first",
        needs: TLS,
        body: peer_chain,
    },
    Line {
        name: "tls.peer-none",
        rule: "ABI Peer::n_chain; RFC 8446 4.4.2.4",
        text: "a client without a certificate is told as one, and it is the host that refuses it",
        needs: TLS,
        body: peer_none,
    },
    Line {
        name: "tls.peer-facts",
        rule: "ABI Peer::protocol, Peer::cipher, Peer::server",
        text: "protocol, cipher and side are told as they are",
        needs: TLS,
        body: peer_facts,
    },
    Line {
        name: "tls.server-name",
        rule: "ABI DriverVt::session, Peer::server_name; RFC 6066 3",
        text: "a client asks for the name that it is given, and for none when it is given none; a server tells it",
        needs: TLS,
        body: server_name,
    },
    Line {
        name: "tls.verdict-asked",
        rule: "ABI Host::verdict",
        text: "the host is asked about the peer within the handshake, by the number of its connection",
        needs: TLS,
        body: verdict_asked,
    },
    Line {
        name: "tls.verdict-obeyed",
        rule: "ABI Host::verdict, DriverVt::handshake: REFUSED",
        text: "a peer that the host refuses is refused, in the host's words",
        needs: TLS,
        body: verdict_obeyed,
    },
    Line {
        name: "tls.verdict-alert",
        rule: "ABI Host::verdict: why.code; RFC 8446 6.2; RFC 5425 5.2",
        text: "a refused peer gets the alert that the host names, and no data",
        needs: TLS,
        body: verdict_alert,
    },
    Line {
        name: "tls.own-certificate",
        rule: "ABI stream_param::CERT_FILE, KEY_FILE; RFC 5425 4.2.1; RFC 8446 4.4.2",
        text: "both sides present the whole chain of their file, and prove that the key is theirs",
        needs: TLS,
        body: own_certificate,
    },
    Line {
        name: "tls.client-asked",
        rule: "RFC 5425 4.2.1; RFC 8446 4.3.2",
        text: "a server asks its clients for a certificate",
        needs: TLS,
        body: client_asked,
    },
    Line {
        name: "tls.files",
        rule: "ABI DriverVt::context: null; stream_param",
        text: "files that are missing, no PEM, or no pair are refused in words that name one",
        needs: TLS,
        body: files,
    },
    Line {
        name: "tls.resumption",
        rule: "ABI Peer::resumed; RFC 8446 2.2; RFC 5246 7.3",
        text: "a session that is resumed says so, and who its peer was; one that is not does not say so",
        needs: TLS,
        body: resumption,
    },
    Line {
        name: "tls.old-versions",
        rule: "RFC 8996 4, 5; RFC 9662 4",
        text: "a server refuses TLS 1.1, TLS 1.0 and SSL 3 with an alert, and a client offers none of them",
        needs: TLS,
        body: old_versions,
    },
    Line {
        name: "tls.suites",
        rule: "RFC 9662 5",
        text: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is agreed on when the peer has no other, on both sides",
        needs: TLS,
        body: suites,
    },
    Line {
        name: "tls.weak-suites",
        rule: "RFC 9325 4.1; RFC 5425 4.2",
        text: "a client offers no suite with NULL, RC4, DES, export keys or without authentication",
        needs: TLS,
        body: weak_suites,
    },
];

fn peer_chain(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let middle = bench.pki.intermediate(&bench.dir, "middle");
    let below = middle.issue(&bench.dir, "below", &Certificate { names: &[NAME], ..Certificate::default() });
    let wanted = [below.der.clone(), der(&middle.file())?];
    each(|side, version| {
        let wish = Wish { version, own: Some(below.clone()), suite: None };
        let mut duel = bench.duel_with(side, &Config::against(side, &wish)?)?;
        duel.shake().map_err(|halt| format!("the handshake: {}", words(&halt)))?;
        let chain = duel.told()?.chain;
        must!(chain.len() == 2, "{} certificates are told, and 2 were sent", chain.len());
        must!(chain == wanted, "other certificates are told than were sent, or in another order");
        Ok(())
    })
}

fn peer_none(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for version in TlsVersion::BOTH {
        let wish = Wish { version, own: None, suite: None };
        let config = Config::against(Side::Server, &wish)?;
        let mut duel = bench.duel_with(Side::Server, &config)?;
        duel.shake().map_err(|halt| format!("{version:?}, nobody refuses: {}", words(&halt)))?;
        let told = duel.told()?;
        must!(told.chain.is_empty(), "{version:?}: {} certificates are told of none", told.chain.len());
        let asked = bench.judge.asked();
        must!(!asked.is_empty(), "{version:?}: the host is not asked about a client without a certificate");
        bench.judge.refuse(Some(116));
        let mut duel = bench.duel_with(Side::Server, &config)?;
        let shaken = duel.shake();
        bench.judge.refuse(None);
        must!(matches!(shaken, Err(Halt::Refused(_))), "{version:?}: the host's refusal is not obeyed");
    }
    Ok(())
}

fn peer_facts(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        let Told { server, protocol, cipher, .. } = duel.told()?;
        must!(server == (side == Side::Server), "it says that server = {server}");
        let wanted = if version == TlsVersion::V13 { "TLSv1.3" } else { "TLSv1.2" };
        must!(protocol == wanted, "the protocol is called {protocol:?}");
        let suite = duel.peer.tls.negotiated_cipher_suite().map(|s| s.suite());
        // TLS13_AES_256_GCM_SHA384, TLS_AES_256_GCM_SHA384 and ECDHE-ECDSA-AES256-GCM-SHA384 are all in use.
        let bits = |name: &str| [128, 256].into_iter().find(|n| name.contains(&n.to_string()));
        let ours = suite.and_then(|s| s.as_str()).unwrap_or_default();
        must!(!cipher.is_empty(), "no cipher is told");
        let same = bits(&cipher) == bits(ours) || cipher.contains("CHACHA20") && ours.contains("CHACHA20");
        must!(same, "the cipher is called {cipher:?}, and it is {ours}");
        Ok(())
    })
}

fn server_name(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for version in TlsVersion::BOTH {
        for (given, wanted) in [(NAME, Some(NAME)), ("", None)] {
            let hello = Hello::of(&bench, given)?;
            must!(
                hello.server_name.as_deref() == wanted,
                "given {given:?} it asks for {:?}",
                hello.server_name
            );
        }
        let mut duel = bench.shaken(Side::Server, version)?;
        let told = duel.told()?.server_name;
        must!(told == NAME, "{version:?}: the client asks for {NAME}, and {told:?} is told");
    }
    Ok(())
}

fn verdict_asked(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        bench.judge.asked();
        let mut duel = bench.shaken(side, version)?;
        let asked = bench.judge.asked();
        let told = duel.told()?;
        let Some(first) = asked.first() else { return Err("the host is not asked".to_owned()) };
        must!(first.conn == CONN, "the host is asked about connection {} and not {CONN}", first.conn);
        must!(first.chain == told.chain, "the host is asked about another chain than is told later");
        must!(first.server == (side == Side::Server), "the host is told that server = {}", first.server);
        Ok(())
    })
}

fn verdict_obeyed(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.duel(side, version)?;
        bench.judge.refuse(Some(42));
        let shaken = duel.shake();
        bench.judge.refuse(None);
        match shaken {
            Err(Halt::Refused(why)) => {
                must!(
                    why.text.contains("refuses everybody"),
                    "it says {:?} and not the host's words",
                    why.text
                );
                Ok(())
            }
            Err(halt) => Err(format!("the handshake says {} and not REFUSED", words(&halt))),
            Ok(()) => Err("the handshake succeeds though the host refuses the peer".to_owned()),
        }
    })
}

fn verdict_alert(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let alerts = [
        (42, AlertDescription::BadCertificate),
        (45, AlertDescription::CertificateExpired),
        (48, AlertDescription::UnknownCA),
        (49, AlertDescription::AccessDenied),
    ];
    each(|side, version| {
        for (number, alert) in alerts {
            let mut duel = bench.duel(side, version)?;
            bench.judge.refuse(Some(number));
            let shaken = duel.shake();
            bench.judge.refuse(None);
            must!(shaken.is_err(), "the handshake succeeds though the host refuses the peer");
            duel.pass();
            match &duel.peer.error {
                Some(Error::AlertReceived(told)) if *told == alert => {}
                other => return Err(format!("for alert {number} the peer is told {other:?}")),
            }
            must!(duel.session.read(&mut [0; 64]).is_err(), "a refused peer's data is read");
        }
        Ok(())
    })
}

fn own_certificate(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let middle = bench.pki.intermediate(&bench.dir, "middle");
    let below = middle.issue(&bench.dir, "below", &Certificate { names: &[NAME], ..Certificate::default() });
    let wanted = [below.der.clone(), der(&middle.file())?];
    each(|side, version| {
        let context = subject.driver.context(1, side, &values(&bench.pki, &below)).map_err(|e| e.text)?;
        let config = Config::against(side, &bench.wish(side, version))?;
        let mut duel = bench.duel_in(&context, side, &config)?;
        duel.shake().map_err(|halt| format!("the handshake: {}", words(&halt)))?;
        let sent = duel.peer.tls.peer_certificates().unwrap_or_default();
        must!(!sent.is_empty(), "no certificate is presented");
        let sent: Vec<Vec<u8>> = sent.iter().map(|der| der.to_vec()).collect();
        must!(
            sent == wanted,
            "{} certificates are presented, and not the 2 of the file in order",
            sent.len()
        );
        Ok(())
    })
}

fn client_asked(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for version in TlsVersion::BOTH {
        let mut duel = bench.shaken(Side::Server, version)?;
        let told = duel.told()?;
        must!(!told.chain.is_empty(), "{version:?}: a client that has a certificate is not asked for it");
        same("the client's certificate", &told.chain[0], &bench.client.der)?;
    }
    Ok(())
}

fn files(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let good = values(&bench.pki, &bench.server);
    let text = |path: &Path| Some(path.display().to_string());
    let missing = text(&bench.dir.file("missing.pem"));
    let noise = text(&bench.dir.write("noise.pem", "this is no PEM\n"));
    let other = text(&bench.client.key);
    let cases = [
        (
            "a certificate's file that is missing",
            StreamValues { cert_file: missing.clone(), ..good.clone() },
            "missing.pem",
        ),
        ("a key's file that is missing", StreamValues { key_file: missing, ..good.clone() }, "missing.pem"),
        (
            "a certificate's file without one",
            StreamValues { cert_file: noise.clone(), ..good.clone() },
            "noise.pem",
        ),
        ("a key's file without one", StreamValues { key_file: noise, ..good.clone() }, "noise.pem"),
        ("a key of another certificate", StreamValues { key_file: other, ..good.clone() }, ".pem"),
    ];
    for side in [Side::Server, Side::Client] {
        for (what, values, name) in &cases {
            match subject.driver.context(1, side, values) {
                Ok(_) => return Err(format!("as {side:?}: {what} is accepted")),
                Err(why) => {
                    must!(why.text.contains(name), "as {side:?}: {what}: it only says {:?}", why.text)
                }
            }
        }
    }
    Ok(())
}

fn resumption(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let config = Config::against(side, &bench.wish(side, version))?;
        let mut first = None;
        for round in 0..3 {
            let mut duel = bench.duel_with(side, &config)?;
            duel.shake().map_err(|halt| format!("handshake {round}: {}", words(&halt)))?;
            // Tickets come with the data.
            same("written", &duel.send(b"to and")?, b"to and")?;
            same("read", &duel.receive(b"fro", 64)?, b"fro")?;
            let told = duel.told()?;
            let resumed = duel.peer.tls.handshake_kind() == Some(HandshakeKind::Resumed);
            must!(told.resumed == resumed, "resumed is told as {}, and it is {resumed}", told.resumed);
            let chain = first.get_or_insert_with(|| told.chain.clone());
            must!(told.chain == *chain, "a resumed session tells another chain than its first handshake");
            duel.shutdown()?;
        }
        Ok(())
    })
}

fn old_versions(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for version in [[3, 0], [3, 1], [3, 2]] {
        let duel = bench.duel(Side::Server, TlsVersion::V12)?;
        let (mut session, far) = (duel.session, duel.far);
        far.give(&old_hello(version));
        let mut last = session.handshake();
        for _ in 0..20 {
            if !matches!(last, Err(Halt::Wait { .. })) {
                break;
            }
            last = session.handshake();
        }
        let what = format!("a client of version {}.{}", version[0], version[1]);
        must!(matches!(last, Err(Halt::Failed(_))), "{what} is not refused");
        let answer = far.take();
        // RFC 8446 6: an alert's record has the type 21; RFC 5246 7.2.2: protocol_version is 70.
        must!(answer.first() == Some(&21), "{what} is told nothing");
        // SSL 3 knows no protocol_version.
        let fits = |alert: &[u8]| alert == [2, 70] || version == [3, 0] && alert == [2, 40];
        must!(answer.get(5..7).is_some_and(fits), "{what} is told {:?}", answer.get(5..7));
    }
    let hello = Hello::of(&bench, NAME)?;
    let least = hello.versions.iter().min().copied().unwrap_or(0);
    must!(least >= 0x0303, "the client offers version {least:#06x}");
    must!(hello.versions.contains(&0x0303), "the client does not offer TLS 1.2");
    Ok(())
}

fn suites(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let rsa = |name| Certificate { names: &[NAME], rsa: true, cn: Some(name), ..Certificate::default() };
    let own = bench.pki.issue(&bench.dir, "rsa-own", &rsa("own"));
    let theirs = bench.pki.issue(&bench.dir, "rsa-theirs", &rsa("theirs"));
    for side in [Side::Server, Side::Client] {
        let context = subject.driver.context(1, side, &values(&bench.pki, &own)).map_err(|e| e.text)?;
        let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256;
        let wish = Wish { version: TlsVersion::V12, own: Some(theirs.clone()), suite: Some(suite) };
        let mut duel = bench.duel_in(&context, side, &Config::against(side, &wish)?)?;
        duel.shake().map_err(|halt| format!("as {side:?}: {}", words(&halt)))?;
        same("written", &duel.send(b"to and fro")?, b"to and fro")?;
    }
    Ok(())
}

fn weak_suites(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let hello = Hello::of(&bench, NAME)?;
    let weak = hello.suites.iter().find(|suite| is_weak(**suite));
    weak.map_or(Ok(()), |suite| Err(format!("the client offers suite {suite:#06x}")))
}

/// NULL, export, RC4, DES and anonymous suites of RFC 5246 A.5, RFC 4279, RFC 4492, RFC 4785 and RFC 5489.
fn is_weak(suite: u16) -> bool {
    matches!(
        suite,
        0x0001..=0x001b | 0x0020..=0x002b | 0x002c..=0x002e | 0x0034 | 0x003a | 0x003b | 0x0046 | 0x006c
            | 0x006d | 0x0089 | 0x008a..=0x008b | 0x008e..=0x008f | 0x0092..=0x0093 | 0x009b | 0x00a6
            | 0x00a7 | 0x00b0 | 0x00b1 | 0x00b4 | 0x00b5 | 0x00b8 | 0x00b9 | 0x00bf | 0x00c5 | 0xc001
            | 0xc002 | 0xc003 | 0xc006..=0xc008 | 0xc00b..=0xc00d | 0xc010..=0xc012 | 0xc015..=0xc01c
            | 0xc033 | 0xc034 | 0xc039..=0xc03b
    )
}

/// A certificate's file with one in it.
fn der(file: &Path) -> Result<Vec<u8>, String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    let read = CertificateDer::from_pem_file(file);
    read.map(|der| der.to_vec()).map_err(|e| format!("{}: {e}", file.display()))
}
