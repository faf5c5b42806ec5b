//! Frames and messages that are not as they should be.

use crate::House;
use std::io::{Read, Write};
use std::net::Shutdown;
use sysloom_tests::{Auth, connect};

/// Bytes on a connection that is closed after them, words of the one line about them, and what arrives.
type Case = (&'static str, Vec<u8>, Vec<&'static str>, Vec<&'static str>);

fn cases() -> Vec<Case> {
    let long = |n: usize| format!("<13>1 - h a - - - {}", "x".repeat(n - 18));
    vec![
        (
            "a frame far too long",
            b"9000000 <13>1 - h a - - - not nine million\n<13>1 - h a - - - next after 1\n".to_vec(),
            vec!["frame too large: 9000000"],
            vec!["next after 1"],
        ),
        (
            "a counted frame longer than a message may be",
            format!("9000 {}30 <13>1 - h a - - - next after 2", long(9000)).into_bytes(),
            vec!["9000 bytes", "max msg size"],
            vec!["next after 2"],
        ),
        (
            "a line longer than a message may be",
            format!("{}\n<13>1 - h a - - - next after 3\n", long(9000)).into_bytes(),
            vec!["max msg size"],
            vec!["next after 3"],
        ),
        (
            "a count with leading zeros",
            b"030 <13>1 - h a - - - a zero ahead\n<13>1 - h a - - - next after 4\n".to_vec(),
            vec!["leading zeros"],
            vec!["a zero ahead", "next after 4"],
        ),
        (
            "a count larger than what comes",
            b"30 <13>1 - h a - - - next after 5500 <13>1 - h a - - - cut".to_vec(),
            vec!["500 bytes", "at end of stream"],
            vec!["next after 5"],
        ),
        (
            "a count smaller than the message",
            b"20 <13>1 - h a - - - next after 6\n<13>1 - h a - - - next after 7\n".to_vec(),
            vec![],
            vec!["next after 7"],
        ),
        (
            "text that begins with digits",
            b"2026-11-23 10:00:00 h a: digits ahead\n<13>1 - h a - - - next after 8\n".to_vec(),
            vec!["begins with digits"],
            vec!["next after 8"],
        ),
        (
            "NUL",
            b"<13>1 - h a - - - a\0b\n<13>1 - h a - - - next after 9\n".to_vec(),
            vec!["with a NUL"],
            vec!["a#000b", "next after 9"],
        ),
        (
            "bytes that are no UTF-8",
            b"<13>1 - h a - - - caf\xe9 \xff\xfe\n<13>1 - h a - - - next after 10\n".to_vec(),
            vec!["no UTF-8"],
            vec!["caf\u{fffd} \u{fffd}\u{fffd}", "next after 10"],
        ),
        (
            "a PRI out of range",
            b"<999>1 - h a - - - x\n<13>1 - h a - - - next after 11\n".to_vec(),
            vec!["invalid PRI"],
            vec!["next after 11"],
        ),
        (
            "a PRI that is no number",
            b"<abc>1 - h a - - - x\n<13>1 - h a - - - next after 12\n".to_vec(),
            vec!["invalid PRI"],
            vec!["next after 12"],
        ),
        (
            "a PRI without its end",
            b"<13 h a: x\n<13>1 - h a - - - next after 13\n".to_vec(),
            vec!["invalid PRI"],
            vec!["next after 13"],
        ),
        ("no message at all", b"\n\n\n".to_vec(), vec![], vec![]),
        (
            "control bytes",
            (1..32).filter(|b| *b != b'\n').chain(*b"\n<13>1 - h a - - - next after 14\n").collect(),
            vec![],
            vec!["next after 14"],
        ),
    ]
}

#[test]
fn a_bad_frame_is_one_line_and_the_next_message_arrives() {
    let mut house = House::new(Auth::Anon, "");
    for (what, bytes, words, arrives) in cases() {
        let send = |house: &mut House| {
            let mut stream = connect(house.plain);
            let from = stream.local_addr().unwrap().port();
            stream.write_all(&bytes).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            // It answers our end with its own, whatever it thinks of us.
            assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "{what}");
            from
        };
        if words.is_empty() {
            house.no_line(what, &arrives, |house| {
                send(house);
            });
        } else {
            house.one_line(what, "open", &words, send);
            house.arrived(&arrives);
        }
    }
    house.close();
}

/// A session that does nothing but wrong does not fill the log.
#[test]
fn a_thousand_bad_frames_are_a_few_lines() {
    let mut house = House::new(Auth::Anon, "");
    let before = house.daemon.stderr().lines().count();
    let mut stream = connect(house.plain);
    for _ in 0..1000 {
        stream.write_all(b"030 <13>1 - h a - - - again\n").unwrap();
    }
    stream.write_all(b"<13>1 - h a - - - the end\n").unwrap();
    house.arrived(&["the end"]);
    house.witness();
    let lines = house.daemon.stderr().lines().count() - before;
    assert!((1..=10).contains(&lines), "{lines} lines");
    house.close();
}
