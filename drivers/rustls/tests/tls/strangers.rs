//! Peers that speak something else, or TLS of another kind.

use crate::driver::Below;
use crate::pair::{Pair, Pki, alert, pipe, shake, why};
use crate::terms::{ONE_OR_OTHER, TLS12, TLS13};
use sysloom_sdk::{LayerSession, Stop};

/// What a server says to a client that sends these bytes.
fn served(bytes: &[u8]) -> (Result<(), Stop>, Vec<u8>) {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", "");
    let (a, mut stranger) = pipe();
    let (mut server, _) = pair.sessions((a, pipe().0));
    if !bytes.is_empty() {
        stranger.write(bytes).unwrap();
    }
    stranger.hang_up();
    let result = server.handshake();
    (result, stranger.drain())
}

#[test]
fn plain_text_on_a_tls_port_is_quoted() {
    let table: [(&[u8], &[&str]); 6] = [
        (b"<34>Oct 11 22:14:15 host su: x\n", &["\"<34>Oct 11 22:14:15 host", "plain syslog"]),
        (b"17 <34>1 - - - - - -", &["plain syslog"]),
        (b"GET / HTTP/1.1\r\n\r\n", &["\"GET / HTTP/1.1\\x0d\\x0a", "HTTP"]),
        (b"SSH-2.0-OpenSSH\r\n", &["SSH"]),
        (b"\x80\x2e\x01\x00\x02\x00", &["SSL 2"]),
        (b"\x00\xff\"\\ and so on", &["\\x00\\xff\\\"\\\\ and"]),
    ];
    for (bytes, words) in table {
        let (result, answer) = served(bytes);
        let why = why(result.unwrap_err());
        assert!(why.text.contains("does not speak TLS"), "{}", why.text);
        for w in words {
            assert!(why.text.contains(w), "{w}: {}", why.text);
        }
        assert_eq!(answer.first(), Some(&21), "an alert goes back");
    }
}

#[test]
fn clients_that_leave() {
    assert!(matches!(served(b"").0, Err(Stop::Closed)), "a mere probe is no error");
    let hello = first_flight();
    for len in [1, 5, 40, hello.len() - 1] {
        let why = why(served(&hello[..len]).0.unwrap_err());
        assert!(why.text.contains("in the middle of the TLS handshake"), "{}", why.text);
    }
}

#[test]
fn a_server_that_is_none() {
    let pki = Pki::new();
    for (bytes, words) in [
        (&b""[..], "may expect plain TCP"),
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP"),
        (b"220 mail ESMTP\r\n", "no TLS port"),
    ] {
        let pair = Pair::new(&pki, "anon", "");
        let (mut stranger, b) = pipe();
        let (_, mut client) = pair.sessions((pipe().0, b));
        if !bytes.is_empty() {
            stranger.write(bytes).unwrap();
        }
        stranger.hang_up();
        let why = why(client.handshake().unwrap_err());
        assert!(why.text.contains(words), "{}", why.text);
    }
}

#[test]
fn bent_hellos_are_failures_and_never_panic() {
    let hello = first_flight();
    for at in 0..hello.len() {
        for bit in [0x01, 0x80] {
            let mut bent = hello.clone();
            bent[at] ^= bit;
            if let Err(Stop::Failed(why)) = served_by_one(&bent) {
                assert!(!why.text.is_empty());
            }
        }
    }
}

#[test]
fn no_version_in_common() {
    let pki = Pki::new();
    let (old, new) = (Pair::new(&pki, "anon", TLS12), Pair::new(&pki, "anon", TLS13));
    for (mixed, words) in [
        (Pair { client: new_client(&pki, TLS13), ..old }, "TLS version"),
        (Pair { client: new_client(&pki, TLS12), ..new }, "TLS version"),
    ] {
        let (mut server, mut client) = mixed.sessions(pipe());
        let (first, second) = shake(&mut server, &mut client);
        let (first, second) = (why(first.unwrap_err()), why(second.unwrap_err()));
        assert!(first.text.contains(words), "{}", first.text);
        assert_eq!(alert(&second), Some(70), "protocol_version: {}", second.text);
    }
}

#[test]
fn no_cipher_in_common() {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", ONE_OR_OTHER[0]);
    let mixed = Pair { client: new_client(&pki, ONE_OR_OTHER[1]), ..pair };
    let (mut server, mut client) = mixed.sessions(pipe());
    let (first, second) = shake(&mut server, &mut client);
    let (first, second) = (why(first.unwrap_err()), why(second.unwrap_err()));
    assert!(first.text.contains("no cipher suite in common"), "{}", first.text);
    assert_eq!(alert(&second), Some(40));
    assert!(second.text.contains("nothing in common"), "{}", second.text);
}

fn new_client(pki: &Pki, priority: &str) -> crate::driver::Context {
    Pair::new(pki, "anon", priority).client
}

/// A ClientHello as it goes over the wire.
fn first_flight() -> Vec<u8> {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", "");
    let (mut other, b) = pipe();
    let (_, mut client) = pair.sessions((pipe().0, b));
    assert!(matches!(client.handshake(), Err(Stop::Wait(w)) if w.read));
    other.drain()
}

thread_local! {
    static ONE: Pair = Pair::new(&Pki::new(), "anon", "");
}

/// As `served`, with one context for all.
fn served_by_one(bytes: &[u8]) -> Result<(), Stop> {
    ONE.with(|pair| {
        let (a, mut stranger) = pipe();
        let (mut server, _) = pair.sessions((a, pipe().0));
        stranger.write(bytes).unwrap();
        stranger.hang_up();
        server.handshake()
    })
}

/// Any byte of any flight may be bent: the handshake ends one way or the other, and nothing panics.
#[test]
fn bent_flights_of_either_side() {
    let pki = Pki::new();
    for priority in [TLS12, TLS13] {
        let pair = Pair::new(&pki, "x509/name", priority);
        let (mut random, mut failures) = (0x2545_f491_u32, 0);
        for round in 0..400 {
            let (a, b) = pipe();
            let (mut view_server, mut view_client) = (a.twin(), b.twin());
            let (mut server, mut client) = pair.sessions((a, b));
            let target = round % 4;
            for turn in 0..6 {
                let _ = if turn % 2 == 0 { client.handshake() } else { server.handshake() };
                // What the server is about to read, or the client.
                let view = if turn % 2 == 0 { &mut view_server } else { &mut view_client };
                let mut flight = view.drain();
                if turn == target && !flight.is_empty() {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let at = (random >> 8) as usize % flight.len();
                    flight[at] ^= 1 << (random & 7);
                }
                let other = if turn % 2 == 0 { &mut view_client } else { &mut view_server };
                if !flight.is_empty() {
                    other.write(&flight).unwrap();
                }
            }
            view_server.hang_up();
            view_client.hang_up();
            for session in [&mut server, &mut client] {
                if let Err(Stop::Failed(why) | Stop::Refused(why)) = session.handshake() {
                    assert!(!why.text.is_empty());
                    failures += 1;
                }
            }
        }
        assert!(failures > 300, "{failures} of 800 sides noticed");
    }
}
