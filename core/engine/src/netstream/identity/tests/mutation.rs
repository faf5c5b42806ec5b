//! Bytes that are nearly certificates: no input panics, and none that was changed is trusted.

use super::super::certificate::Certificate;
use super::super::der::{self, Reader, dotted};
use super::super::{PeerView, Policy, PolicySettings, moment};
use super::fixtures::{FIXTURES, NOW, tlv};

#[test]
fn no_mutation_of_a_certificate_panics_or_is_trusted() {
    let policies =
        [policy("x509/name", &["a.example.test", "cn.example.test"]), policy("x509/certvalid", &[])];
    let anonymous = policy("anon", &[]);
    let mut random = Random(0x5eed);
    let mut refused = 0;
    for name in ["good", "ip4", "cn-utf16", "v1-cn", "ca-as-peer", "eku-both", "critical", "two-names"] {
        let original = &FIXTURES.chain(name)[0];
        let judge = |own: &[u8]| {
            let chain = [own];
            let view = PeerView { chain: &chain, ..PeerView::default() };
            assert!(anonymous.judge(&view, NOW).is_ok());
            policies.iter().map(|policy| policy.judge(&view, NOW)).collect::<Vec<_>>()
        };
        // Every octet once, then several at a time, cut short and stretched.
        let singles = (0..original.len()).map(|at| {
            let mut changed = original.clone();
            changed[at] ^= 1 << random.below(8);
            changed
        });
        let mut all: Vec<Vec<u8>> = singles.collect();
        all.extend((0..original.len()).map(|end| original[..end].to_vec()));
        for _ in 0..600 {
            let mut changed = original.clone();
            for _ in 0..=random.below(6) {
                let at = random.below(changed.len());
                match random.below(4) {
                    0 => changed[at] = random.below(256) as u8,
                    1 => changed.insert(at, random.below(256) as u8),
                    2 => drop(changed.remove(at)),
                    _ => changed[at] = [0, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x30, 0xff][random.below(8)],
                }
            }
            all.push(changed);
        }
        for changed in all.iter().filter(|changed| *changed != original) {
            for verdict in judge(changed) {
                let refusal = verdict.expect_err("a changed certificate is trusted");
                assert!(!refusal.text.chars().any(char::is_control), "{:?}", refusal.text);
                refused += 1;
            }
        }
    }
    assert!(refused > 20_000, "{refused}");
}

#[test]
fn no_mutation_of_a_ca_between_panics_or_is_trusted() {
    let policy = policy("x509/certvalid", &[]);
    let [own, ca] = FIXTURES.chain("inter") else { panic!() };
    for at in 0..ca.len() {
        let mut changed = ca.clone();
        changed[at] ^= 0x21;
        let chain = [own.as_slice(), &changed];
        assert!(policy.judge(&PeerView { chain: &chain, ..PeerView::default() }, NOW).is_err(), "octet {at}");
    }
}

#[test]
fn hostile_extensions_are_read_or_refused_and_never_trusted() {
    // A certificate of values that each say something impossible, with a signature that nobody made.
    let oid = |last: u8| tlv(der::OID, &[0x55, 0x1d, last]);
    let name = |text: &[u8]| {
        let pair = tlv(der::SEQUENCE, &[tlv(der::OID, &[0x55, 4, 3]), tlv(0x0c, text)].concat());
        tlv(der::SEQUENCE, &tlv(der::SET, &pair))
    };
    let certificate = |subject: &[u8], extensions: &[Vec<u8>]| {
        let algorithm = tlv(der::SEQUENCE, &tlv(der::OID, &[0x2a, 3]));
        let time = tlv(der::UTC_TIME, b"200101000000Z");
        let extensions: Vec<Vec<u8>> = extensions.iter().map(|one| tlv(der::SEQUENCE, one)).collect();
        let tbs = [
            tlv(der::context(0), &tlv(der::INTEGER, &[2])),
            tlv(der::INTEGER, &[1]),
            algorithm.clone(),
            name(b"CA"),
            tlv(der::SEQUENCE, &[time.clone(), time].concat()),
            subject.to_vec(),
            tlv(der::SEQUENCE, &[]),
            tlv(der::context(3), &tlv(der::SEQUENCE, &extensions.concat())),
        ];
        tlv(
            der::SEQUENCE,
            &[tlv(der::SEQUENCE, &tbs.concat()), algorithm, tlv(der::BIT_STRING, &[0, 1])].concat(),
        )
    };
    let value = |contents: &[u8]| tlv(der::OCTET_STRING, contents);
    let san = |names: &[Vec<u8>]| [oid(17), value(&tlv(der::SEQUENCE, &names.concat()))].concat();
    let basic = |contents: &[u8]| [oid(19), value(&tlv(der::SEQUENCE, contents))].concat();
    let rows: Vec<(bool, Vec<u8>)> = vec![
        (true, certificate(&name(b"x"), &[])),
        (true, certificate(&tlv(der::SEQUENCE, &[]), &[san(&[])])),
        (true, certificate(&tlv(der::SEQUENCE, b"no sets"), &[])),
        (true, certificate(&name(&[0xff; 300]), &[])),
        (true, certificate(&name("\u{202e}\r\n\u{7f}".as_bytes()), &[])),
        (
            true,
            certificate(
                &name(b"x"),
                &[san(&[tlv(0x82, &[0xff, 0xfe]), tlv(0x87, &[]), tlv(0xa4, b"?"), tlv(0x88, b"")])],
            ),
        ),
        (true, certificate(&name(b"x"), &[san(&[tlv(0x82, "*".repeat(60_000).as_bytes())])])),
        (true, certificate(&name(b"x"), &[basic(&[])])),
        (true, certificate(&name(b"x"), &[basic(&tlv(der::INTEGER, &[0x7f; 40]))])),
        (false, certificate(&name(b"x"), &[basic(&tlv(der::INTEGER, &[0xff]))])),
        (false, certificate(&name(b"x"), &[basic(b"x")])),
        (false, certificate(&name(b"x"), &[[oid(15), value(&[])].concat()])),
        (false, certificate(&name(b"x"), &[san(&[]), san(&[])])),
        (
            false,
            certificate(
                &name(b"x"),
                &[[oid(37), value(&tlv(der::SEQUENCE, &tlv(der::INTEGER, &[1])))].concat()],
            ),
        ),
    ];
    let policy = policy("x509/name", &["x", "*"]);
    for (i, (readable, der)) in rows.iter().enumerate() {
        assert_eq!(Certificate::read(der).is_ok(), *readable, "row {i}");
        let refusal = policy.judge(&PeerView { chain: &[der], ..PeerView::default() }, NOW).unwrap_err();
        assert!(
            !refusal.text.chars().any(char::is_control) && refusal.text.len() < 2000,
            "{:?}",
            refusal.text
        );
    }
}

#[test]
fn der_has_one_way_to_write_a_length() {
    let good: [&[u8]; 4] = [&[4, 0], &[4, 1, 9], &tlv(4, &[7; 200]), &tlv(4, &[7; 70_000])];
    for bytes in good {
        assert!(der::whole(bytes, 4).is_ok());
    }
    let bad: [&[u8]; 10] = [
        &[],
        &[4],
        &[4, 1],
        &[4, 0x80],
        &[4, 0x81, 1, 9],
        &[4, 0x82, 0, 0x80],
        &[4, 0x85, 1, 0, 0, 0, 0],
        &[4, 0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x1f, 1, 9],
        &[4, 1, 9, 0],
    ];
    for bytes in bad {
        assert!(der::whole(bytes, 4).is_err(), "{bytes:?}");
    }
    assert!(der::whole(&[5, 0], 4).is_err());
    assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]), "1.2.840.10045.4.3.2");
    assert_eq!(dotted(&[0x55, 0x1d, 17]), "2.5.29.17");
    assert_eq!(dotted(&[0x88, 0x37]), "2.999");
    assert_eq!(dotted(&[]), "");
}

#[test]
fn moments_are_read_and_written() {
    let read =
        |tag: u8, text: &str| moment::read(Reader::new(&tlv(tag, text.as_bytes())).any().unwrap()).ok();
    let rows: [(u8, &str, Option<i64>); 18] = [
        (0x17, "700101000000Z", Some(0)),
        (0x17, "691231235959Z", Some(-1)),
        (0x17, "500101000000Z", Some(-631_152_000)),
        (0x17, "491231235959Z", Some(2_524_607_999)),
        (0x17, "260601000000Z", Some(NOW as i64)),
        (0x17, "240229120000Z", Some(1_709_208_000)),
        (0x17, "230229120000Z", None),
        (0x17, "261301000000Z", None),
        (0x17, "260001000000Z", None),
        (0x17, "260100000000Z", None),
        (0x17, "260101240000Z", None),
        (0x17, "2601010000Z", None),
        (0x17, "260101000000+0100", None),
        (0x17, "2601010000\u{e9}Z", None),
        (0x18, "20260601000000Z", Some(NOW as i64)),
        (0x18, "99991231235959Z", Some(253_402_300_799)),
        (0x18, "00000101000000Z", Some(-62_167_219_200)),
        (0x18, "260601000000Z", None),
    ];
    for (tag, text, seconds) in rows {
        assert_eq!(read(tag, text), seconds, "{text}");
    }
    for (seconds, text) in [
        (0, "1970-01-01 00:00:00 UTC"),
        (-1, "1969-12-31 23:59:59 UTC"),
        (NOW as i64 + 3_661, "2026-06-01 01:01:01 UTC"),
        (1_709_208_000, "2024-02-29 12:00:00 UTC"),
        (951_868_800, "2000-03-01 00:00:00 UTC"),
        (253_402_300_799, "9999-12-31 23:59:59 UTC"),
        (-62_167_219_200, "0000-01-01 00:00:00 UTC"),
    ] {
        assert_eq!(moment::words(seconds), text);
    }
}

fn policy(mode: &str, peers: &[&str]) -> Policy {
    let peers: Vec<String> = peers.iter().map(|peer| (*peer).to_owned()).collect();
    let ca = FIXTURES.file("root");
    let settings = PolicySettings {
        auth_mode: Some(mode),
        permitted_peers: &peers,
        ca_file: Some(&ca),
        server: true,
        ..PolicySettings::default()
    };
    Policy::new(&settings).unwrap()
}

/// A plain generator, the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}
