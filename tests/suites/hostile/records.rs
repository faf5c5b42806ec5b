//! Records and hellos made by hand: a true ClientHello of rustls, taken apart and put together in another way.

use crate::Siege;
use rustls::ClientConnection;
use std::io::{Read, Write};
use std::net::TcpStream;
use sysloom_tests::{TlsVersion, client_config, connect, tls_drivers, wait_for};

/// Bytes that come instead of a handshake, and what rustls says of them: one of the words.
type Case = (&'static str, Vec<u8>, &'static [&'static str]);

fn cases(hello: &[u8]) -> Vec<Case> {
    // It is answered, and the sender goes.
    let taken: &[&str] = &["closed the connection in the middle"];
    let record = |message: &[u8]| records(message, RECORD);
    vec![
        ("five thousand extensions", record(&extended(hello, (0..5000).map(|i| (0x1000 + i, 0)))), taken),
        ("an extension of 60,000 bytes", record(&extended(hello, [(0x1000, 60_000)])), taken),
        ("an extension twice", record(&extended(hello, [(0x1000, 4), (0x1000, 4)])), &["DuplicateExtension"]),
        (
            "a hello longer than its extensions",
            record(&changed(hello, |body| body.extend([1; 9]))),
            &["not correct TLS"],
        ),
        (
            "a hello shorter than its extensions",
            record(&changed(hello, |body| body.truncate(body.len() - 9))),
            &["not correct TLS"],
        ),
        ("a hello of nothing", record(&[1, 0, 0, 0]), &["not correct TLS"]),
        (
            "a hello of TLS 1.0",
            record(&changed(&without_extensions(hello), |body| body[1] = 1)),
            &["TLS version"],
        ),
        (
            "a hello of SSL 3",
            record(&changed(&without_extensions(hello), |body| body[1] = 0)),
            &["TLS version"],
        ),
        (
            "a hello of TLS 9.9",
            record(&changed(&without_extensions(hello), |body| body[0] = 9)),
            &["TLS version", "in common", "not correct"],
        ),
        (
            "a hello and early data",
            [record(&extended(hello, [(42, 0)])), vec![23, 3, 3, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9]].concat(),
            &[
                "early",
                "out of turn",
                "not correct TLS",
                "broke the rules",
                "could not be decrypted",
                "damaged",
            ],
        ),
        (
            "a hello that never ends",
            record(&[&[1, 0xff, 0xff, 0xff][..], &[0; 60_000]].concat()),
            &["longer than TLS allows"],
        ),
        (
            "a hello twice in one record",
            record(&[hello, hello].concat()),
            &["out of turn", "broke the rules"],
        ),
        ("an empty record", vec![22, 3, 1, 0, 0], &["not correct TLS"]),
        (
            "an oversized record",
            [&[22, 3, 1, 0x48, 1][..], &[1; 0x4801]].concat(),
            &["longer than TLS allows"],
        ),
        (
            "a record of 64 KiB",
            [&[22, 3, 1, 0xff, 0xff][..], &[1; 0xffff]].concat(),
            &["longer than TLS allows"],
        ),
        ("change_cipher_spec alone", vec![20, 3, 1, 0, 1, 1], &["out of turn", "not finished within"]),
        ("an alert alone", vec![21, 3, 1, 0, 2, 2, 40], &["TLS alert 40"]),
        ("data alone", vec![23, 3, 3, 0, 3, b'<', b'1', b'3'], &["out of turn", "could not be decrypted"]),
        ("a server's hello", record(&[2, 0, 0, 4, 3, 3, 0, 0]), &["not correct TLS", "out of turn"]),
        ("a hello of SSL 2", ssl2(), &["does not speak TLS"]),
        ("plain text", b"<13>1 - h a - - - x\n".to_vec(), &["does not speak TLS"]),
        ("zeros", vec![0; 70_000], &["does not speak TLS"]),
    ]
}

/// Each ends with one line; what waits for more is ended by its sender.
#[test]
fn a_listener_and_hellos_made_by_hand() {
    for driver in tls_drivers() {
        let siege = Siege::new(driver);
        let hello = hello(&siege);
        let mut wrong = Vec::new();
        for (what, bytes, words) in cases(&hello) {
            let mut stream = connect(siege.port);
            let from = stream.local_addr().unwrap().port();
            // The other side may have had enough before all of it is written.
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
            let lines = wait_for(&format!("a line about {what}"), || {
                Some(siege.lines_about(from)).filter(|lines| !lines.is_empty())
            });
            let told = driver != "rustls" || words.iter().any(|word| lines[0].contains(word));
            if lines.len() != 1 || !lines[0].contains("handshake with") || !told {
                wrong.push(format!("{what}: {lines:#?}"));
            }
        }
        assert!(wrong.is_empty(), "{driver}: {wrong:#?}");
        siege.over().is_kept();
    }
}

/// No attack: TLS may be cut anywhere. A handshake and a message in records of one byte, each written byte by byte.
#[test]
fn a_listener_and_records_of_one_byte() {
    for driver in tls_drivers() {
        for version in TlsVersion::BOTH {
            let siege = Siege::new(driver);
            let mut config = client_config(&siege.pki.file(), Some(&siege.own), version);
            // The shortest records that rustls makes.
            config.max_fragment_size = Some(32);
            let mut client = ClientConnection::new(config.into(), "localhost".try_into().unwrap()).unwrap();
            let mut stream = connect(siege.port);
            stream.set_nodelay(true).unwrap();
            let mut first = true;
            while client.is_handshaking() || client.wants_write() {
                trickle(&mut client, &mut stream, std::mem::take(&mut first));
                if client.is_handshaking() {
                    assert_ne!(client.read_tls(&mut stream).unwrap(), 0, "{driver}, {version:?}");
                    client.process_new_packets().unwrap();
                }
            }
            client.writer().write_all(b"<13>1 - h a - - - piece by piece\n").unwrap();
            trickle(&mut client, &mut stream, false);
            wait_for("the message", || {
                let log = std::fs::read_to_string(siege.dir.file("log")).ok()?;
                log.lines().any(|line| line == "piece by piece").then_some(())
            });
            assert_eq!(siege.daemon.stderr(), "", "{driver}, {version:?}");
            drop((client, stream));
            siege.over().is_kept();
        }
    }
}

/// Writes what there is byte by byte; what is not sealed yet in records of one byte, too.
fn trickle(client: &mut ClientConnection, stream: &mut TcpStream, plain: bool) {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).unwrap();
    }
    if plain {
        bytes = records(&payloads(&bytes), 1);
    }
    for byte in bytes {
        stream.write_all(&[byte]).unwrap();
    }
}

/// rustls' own ClientHello, without its records.
fn hello(siege: &Siege) -> Vec<u8> {
    let config = client_config(&siege.pki.file(), None, TlsVersion::V12);
    let mut client = ClientConnection::new(config.into(), "localhost".try_into().unwrap()).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    payloads(&bytes)
}

/// What records hold.
fn payloads(mut bytes: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    while let [22, _, _, high, low, rest @ ..] = bytes {
        let (own, next) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        all.extend(own);
        bytes = next;
    }
    all
}

/// A message in handshake records of at most `size` bytes.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    message.chunks(size).flat_map(|part| [&[22, 3, 1][..], &length16(part.len()), part].concat()).collect()
}

/// The message with another body and a length that fits.
fn changed(message: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut body = message[4..].to_vec();
    change(&mut body);
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[message[0]][..], &length[1..], &body].concat()
}

/// A hello's body up to its extensions, and these.
fn split(hello: &[u8]) -> (&[u8], &[u8]) {
    let body = &hello[4..];
    let session = 34;
    let suites = session + 1 + usize::from(body[session]);
    let methods = suites + 2 + usize::from(u16::from_be_bytes([body[suites], body[suites + 1]]));
    let end = methods + 1 + usize::from(body[methods]);
    (&body[..end], &body[end + 2..])
}

/// A hello with further extensions, by type and length.
fn extended(hello: &[u8], more: impl IntoIterator<Item = (u16, u16)>) -> Vec<u8> {
    let (front, own) = split(hello);
    let mut all = own.to_vec();
    for (kind, length) in more {
        all.extend([kind.to_be_bytes(), length.to_be_bytes()].concat());
        all.extend(std::iter::repeat_n(7, length.into()));
    }
    changed(hello, |body| *body = [front, &length16(all.len()), &all].concat())
}

fn without_extensions(hello: &[u8]) -> Vec<u8> {
    changed(hello, |body| *body = split(hello).0.to_vec())
}

/// CLIENT-HELLO of SSL 2: three ciphers of three bytes, no session, a challenge of 16.
fn ssl2() -> Vec<u8> {
    let body = [&[1, 0, 2, 0, 9, 0, 0, 0, 16][..], &[1, 0, 128, 7, 0, 192, 3, 0, 128], &[9; 16]].concat();
    [&(0x8000 | u16::try_from(body.len()).unwrap()).to_be_bytes()[..], &body].concat()
}

fn length16(length: usize) -> [u8; 2] {
    u16::try_from(length).expect("it fits").to_be_bytes()
}

/// Plain text in one record.
const RECORD: usize = 16 << 10;
