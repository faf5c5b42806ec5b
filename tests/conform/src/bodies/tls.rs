//! TLS sessions against the known-good counterpart: handshake, records, and the ends. Every line is looked at with the
//! driver on both sides and in both versions, unless it says otherwise.

use super::must;
use crate::duel::{Bench, Duel};
use crate::line::Line;
use crate::road::{pattern, same, words};
use crate::subject::Subject;
use rustls::AlertDescription::BadRecordMac;
use rustls::Error;
use sysloom_abi::manifest_flag::{ENCRYPTS, LAYER};
use sysloom_engine::plugin::{Halt, Side};
use sysloom_tests::{TlsVersion, record_types};

/// Their lines.
pub const LINES: &[Line] = &[
    Line {
        name: "tls.handshake",
        rule: "RFC 8446 2; RFC 5246 7.3; RFC 9662 4",
        text: "TLS 1.3 and TLS 1.2 with a known-good peer, as client and as server",
        needs: TLS,
        body: handshake,
    },
    Line {
        name: "tls.data",
        rule: "RFC 8446 5.2; RFC 5246 6.2.3",
        text: "a megabyte passes in both directions, in small reads and large ones",
        needs: TLS,
        body: data,
    },
    Line {
        name: "tls.encrypted",
        rule: "ABI manifest flag ENCRYPTS; RFC 8446 5.2",
        text: "what was written is not on the wire, and all of it is in records of application data",
        needs: TLS,
        body: encrypted,
    },
    Line {
        name: "tls.record-size",
        rule: "RFC 8446 5.1, 5.2; RFC 5246 6.2.1",
        text: "no record is longer than the version allows",
        needs: TLS,
        body: record_size,
    },
    Line {
        name: "tls.many-records",
        rule: "RFC 8446 5.1; ABI driver.rs: decrypted bytes after a poll",
        text: "many records that come at once are read whole into a small buffer, with nothing more from below",
        needs: TLS,
        body: many_records,
    },
    Line {
        name: "tls.byte-by-byte",
        rule: "RFC 8446 5.1",
        text: "records that come a byte at a time are read as well",
        needs: TLS,
        body: byte_by_byte,
    },
    Line {
        name: "tls.key-update",
        rule: "RFC 8446 4.6.3",
        text: "keys are changed when the peer asks for it, and data goes on in both directions",
        needs: TLS,
        body: key_update,
    },
    Line {
        name: "tls.close-notify-sent",
        rule: "RFC 5425 4.4; RFC 8446 6.1",
        text: "shutdown sends close_notify, after everything else",
        needs: TLS,
        body: close_notify_sent,
    },
    Line {
        name: "tls.close-notify-received",
        rule: "RFC 5425 4.4; RFC 8446 6.1; ABI DriverVt::read: CLOSED",
        text: "the peer's close_notify is the end after its last byte, and can be answered with one",
        needs: TLS,
        body: close_notify_received,
    },
    Line {
        name: "tls.half-close",
        rule: "RFC 8446 6.1: the end of one direction has no effect on the other",
        text: "what the peer sends after our close_notify is read",
        needs: TLS,
        body: half_close,
    },
    Line {
        name: "tls.truncated",
        rule: "RFC 8446 6.1; RFC 5425 4.4",
        text: "a stream that ends without close_notify, even within a record, is over after the last whole record",
        needs: TLS,
        body: truncated,
    },
    Line {
        name: "tls.fatal-alert",
        rule: "RFC 8446 6.2; ABI DriverVt::reason",
        text: "the peer's alert is a failure in words",
        needs: TLS,
        body: fatal_alert,
    },
    Line {
        name: "tls.forged-record",
        rule: "RFC 8446 5.2; RFC 5246 7.2.2: bad_record_mac",
        text: "a record that was changed on its way is a failure and an alert, and nothing of it is read",
        needs: TLS,
        body: forged_record,
    },
    Line {
        name: "tls.garbage",
        rule: "RFC 8446 5, 6.2; ABI DriverVt::handshake: FAILED",
        text: "garbage instead of a handshake is a failure in words",
        needs: TLS,
        body: garbage,
    },
    Line {
        name: "tls.plain-text",
        rule: "RFC 5425 4; ABI DriverVt::handshake: FAILED",
        text: "a syslog message in plain text instead of a handshake is a failure in words",
        needs: TLS,
        body: plain_text,
    },
    Line {
        name: "tls.cut-handshake",
        rule: "RFC 8446 6.1; ABI DriverVt::handshake: CLOSED or FAILED",
        text: "a peer that goes away in the midst of the handshake ends it",
        needs: TLS,
        body: cut_handshake,
    },
];

/// Runs a look with the driver on both sides and in both versions.
pub fn each(look: impl Fn(Side, TlsVersion) -> Result<(), String>) -> Result<(), String> {
    for side in [Side::Server, Side::Client] {
        for version in TlsVersion::BOTH {
            look(side, version).map_err(|why| format!("as {side:?}, {version:?}: {why}"))?;
        }
    }
    Ok(())
}

fn handshake(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| bench.shaken(side, version).map(drop))
}

fn data(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        for (len, step) in [(1, 64), (300, 1), (1 << 20, 128 << 10), (100_000, 1000)] {
            let bytes = pattern(len, 1);
            same("written", &duel.send(&bytes)?, &bytes)?;
            same("read", &duel.receive(&bytes, step)?, &bytes)?;
        }
        Ok(())
    })
}

fn encrypted(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        let before = duel.wire().len();
        let secret = b"<13>nobody on the way may read this";
        duel.send(secret)?;
        let wire = duel.wire();
        must!(!wire.windows(16).any(|w| w == &secret[..16]), "what was written is on the wire as it is");
        let kinds = record_types(&wire[before..]);
        must!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == 23), "records of the types {kinds:?}");
        Ok(())
    })
}

fn record_size(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        duel.send(&pattern(200_000, 2))?;
        let wire = duel.wire();
        let most = 16_384 + if version == TlsVersion::V13 { 256 } else { 2048 };
        let mut rest = wire.as_slice();
        while let [_, _, _, high, low, ..] = rest {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            must!(len <= most, "a record has {len} bytes");
            rest = rest.get(5 + len..).ok_or("the last record is cut off")?;
        }
        must!(rest.is_empty(), "{} bytes are in no record", rest.len());
        Ok(())
    })
}

fn many_records(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        let mut all = Vec::new();
        for i in 0..300 {
            let line = format!("<13>record {i}\n").into_bytes();
            send_from_peer(&mut duel, &line)?;
            all.extend(line);
        }
        // From here on nothing moves.
        let (mut got, mut buffer) = (Vec::new(), [0; 50]);
        loop {
            match duel.session.read(&mut buffer) {
                Ok(n) => got.extend_from_slice(&buffer[..n]),
                Err(Halt::Wait { .. }) if !duel.far.outbound().bytes.is_empty() => {}
                Err(Halt::Wait { .. }) => break,
                Err(halt) => return Err(format!("read: {}", words(&halt))),
            }
        }
        same("read until WOULD_BLOCK", &got, &all)
    })
}

fn byte_by_byte(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.duel(side, version)?;
        duel.far.outbound().chunk = 1;
        duel.far.inbound().chunk = 1;
        duel.shake().map_err(|halt| format!("the handshake: {}", words(&halt)))?;
        let bytes = pattern(2000, 3);
        same("read", &duel.receive(&bytes, 64)?, &bytes)
    })
}

fn key_update(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for side in [Side::Server, Side::Client] {
        let mut duel = bench.shaken(side, TlsVersion::V13)?;
        for round in 0..3 {
            let asked = duel.peer.tls.refresh_traffic_keys();
            asked.map_err(|e| format!("the counterpart: {e}"))?;
            let bytes = pattern(30_000, round);
            let seen = |why: String| format!("as {side:?}, after {} changes of keys: {why}", round + 1);
            same("read", &duel.receive(&bytes, 4096).map_err(seen)?, &bytes).map_err(seen)?;
            same("written", &duel.send(&bytes).map_err(seen)?, &bytes).map_err(seen)?;
        }
    }
    Ok(())
}

fn close_notify_sent(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        same("the last", &duel.send(b"the last")?, b"the last")?;
        duel.shutdown()?;
        must!(duel.peer.error.is_none(), "the counterpart says {:?}", duel.peer.error);
        must!(duel.peer.closed, "no close_notify comes");
        Ok(())
    })
}

fn close_notify_received(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        send_from_peer(&mut duel, b"the last")?;
        duel.peer.tls.send_close_notify();
        duel.pass();
        duel.far.outbound().ended = true;
        let (got, halt) = duel.read_end()?;
        same("before the end", &got, b"the last")?;
        must!(matches!(halt, Halt::Closed), "read says {} at close_notify", words(&halt));
        let again = duel.read_end()?.1;
        must!(matches!(again, Halt::Closed), "another read says {}", words(&again));
        duel.shutdown()?;
        must!(duel.peer.closed, "the close_notify is not answered with one");
        Ok(())
    })
}

fn half_close(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        duel.shutdown()?;
        same("read", &duel.receive(b"and yet", 64)?, b"and yet")
    })
}

fn truncated(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        for within_record in [false, true] {
            let mut duel = bench.shaken(side, version)?;
            send_from_peer(&mut duel, b"the last")?;
            if within_record {
                use std::io::Write;
                duel.peer.tls.writer().write_all(b"cut off").map_err(|e| format!("the counterpart: {e}"))?;
                let record = duel.peer.give();
                duel.far.give(&record[..record.len() / 2]);
            }
            duel.far.outbound().ended = true;
            let (got, halt) = duel.read_end()?;
            same("before the end", &got, b"the last")?;
            must!(matches!(halt, Halt::Closed | Halt::Failed(_)), "read says {}", words(&halt));
        }
        Ok(())
    })
}

fn fatal_alert(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        // What the counterpart cannot decrypt makes it send one.
        duel.peer.take(&[23, 3, 3, 0, 32].iter().copied().chain([7; 32]).collect::<Vec<_>>());
        must!(duel.peer.error.is_some(), "the counterpart takes what it cannot decrypt");
        duel.pass();
        match duel.read_end()?.1 {
            Halt::Failed(why) if why.text == "the read failed" => Err("it fails without a word".to_owned()),
            Halt::Failed(_) => Ok(()),
            halt => Err(format!("read says {} at a fatal alert", words(&halt))),
        }
    })
}

fn forged_record(subject: &Subject) -> Result<(), String> {
    use std::io::Write;
    let bench = Bench::new(subject)?;
    each(|side, version| {
        let mut duel = bench.shaken(side, version)?;
        send_from_peer(&mut duel, b"true")?;
        duel.peer
            .tls
            .writer()
            .write_all(b"forged on its way")
            .map_err(|e| format!("the counterpart: {e}"))?;
        let mut record = duel.peer.give();
        let last = record.len() - 1;
        record[last] ^= 1;
        duel.far.give(&record);
        let (got, halt) = duel.read_end()?;
        same("before the forged record", &got, b"true")?;
        must!(matches!(halt, Halt::Failed(_)), "read says {}", words(&halt));
        // The alert leaves with whatever the host does next.
        let _ = duel.session.write(&[]);
        let _ = duel.session.shutdown();
        duel.pass();
        match &duel.peer.error {
            Some(Error::AlertReceived(alert)) if *alert == BadRecordMac => Ok(()),
            other => Err(format!("the counterpart is told {other:?} and not bad_record_mac")),
        }
    })
}

fn garbage(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for side in [Side::Server, Side::Client] {
        for seed in 0..8 {
            strange(&bench, side, &pattern(600, seed)).map_err(|why| format!("as {side:?}: {why}"))?;
        }
        // A record of the right form, with nothing right in it.
        let mut record = vec![22, 3, 1, 0, 200];
        record.extend(pattern(200, 9));
        strange(&bench, side, &record).map_err(|why| format!("as {side:?}, within a record: {why}"))?;
    }
    Ok(())
}

fn plain_text(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for side in [Side::Server, Side::Client] {
        for text in [
            "<13>Oct 11 22:14:15 host app: plain text\n",
            "57 <13>1 2026-11-23T03:09:01Z host app - - - octet-counted",
        ] {
            strange(&bench, side, text.as_bytes()).map_err(|why| format!("as {side:?}: {why}"))?;
        }
    }
    Ok(())
}

/// A handshake with a peer that says this and goes away.
fn strange(bench: &Bench, side: Side, bytes: &[u8]) -> Result<(), String> {
    let Duel { mut session, far, .. } = bench.duel(side, TlsVersion::V13)?;
    far.give(bytes);
    far.outbound().ended = true;
    for _ in 0..50 {
        match session.handshake() {
            Err(Halt::Wait { .. }) => {}
            Err(Halt::Failed(why)) => {
                must!(why.text != "the handshake failed", "it fails without a word");
                return Ok(());
            }
            Err(halt) => return Err(format!("the handshake says {}", words(&halt))),
            Ok(()) => return Err("the handshake succeeds with a stranger".to_owned()),
        }
    }
    Err("the handshake says WOULD_BLOCK for ever".to_owned())
}

fn cut_handshake(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    each(|side, version| {
        for cut in [1, 20, 100] {
            let mut duel = bench.duel(side, version)?;
            let _ = duel.session.handshake();
            let hello = duel.far.take();
            duel.peer.take(&hello);
            let answer = duel.peer.give();
            duel.far.give(answer.get(..cut).unwrap_or(&answer));
            duel.far.outbound().ended = true;
            let mut last = Ok(());
            for _ in 0..50 {
                last = duel.session.handshake();
                if !matches!(last, Err(Halt::Wait { .. })) {
                    break;
                }
            }
            match last {
                Err(Halt::Closed | Halt::Failed(_)) => {}
                Err(halt) => return Err(format!("after {cut} bytes the handshake says {}", words(&halt))),
                Ok(()) => return Err(format!("after {cut} bytes the handshake is over")),
            }
        }
        Ok(())
    })
}

/// One record of the counterpart's, on its way to the driver.
fn send_from_peer(duel: &mut Duel, bytes: &[u8]) -> Result<(), String> {
    use std::io::Write;
    duel.peer.tls.writer().write_all(bytes).map_err(|e| format!("the counterpart: {e}"))?;
    let out = duel.peer.give();
    duel.far.give(&out);
    Ok(())
}

/// Capabilities of a TLS driver.
pub const TLS: u32 = LAYER | ENCRYPTS;
