//! Data in an open session: sizes, batches, partial writes, ends.

use crate::pair::{End, Pair, Pki, TestSession, alert, pipe, read_all, shake};
use crate::terms::{TLS12, TLS13};
use sysloom_sdk::{LayerSession, Stop, Stream};

/// A connected pair, and the ends below it.
fn open(pair: &Pair) -> (TestSession, TestSession, End, End) {
    let (a, b) = pipe();
    let (below_server, below_client) = (a.twin(), b.twin());
    let (mut server, mut client) = pair.sessions((a, b));
    let (first, second) = shake(&mut server, &mut client);
    first.unwrap();
    second.unwrap();
    (server, client, below_server, below_client)
}

#[test]
fn a_big_write_is_few_writes_below_and_arrives_whole() {
    let pki = Pki::new();
    for priority in [TLS12, TLS13] {
        let pair = Pair::new(&pki, "anon", priority);
        let (mut server, mut client, _, below) = open(&pair);
        let before = below.writes();
        let bytes: Vec<u8> = (0..256 << 10).map(|i| (i % 251) as u8).collect();
        assert_eq!(client.write(&bytes).unwrap(), bytes.len());
        assert_eq!(below.writes() - before, 4, "64 KiB a write");
        let (got, stop) = read_all(&mut server);
        assert!(got == bytes);
        assert!(matches!(stop, Stop::Wait(w) if w.read && !w.write));
    }
}

#[test]
fn a_small_buffer_loses_nothing() {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", "");
    for size in [1, 100, 5000, 20_000] {
        let (mut server, mut client, ..) = open(&pair);
        let bytes: Vec<u8> = (0..50_000).map(|i| (i % 253) as u8).collect();
        assert_eq!(client.write(&bytes).unwrap(), bytes.len());
        let (mut got, mut buf) = (Vec::new(), vec![0; size]);
        while let Ok(n) = server.read(&mut buf) {
            assert!(n > 0 && n <= size);
            got.extend_from_slice(&buf[..n]);
        }
        assert!(got == bytes, "{size}");
    }
}

#[test]
fn what_the_stream_below_does_not_take_is_kept_and_goes_first() {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", "");
    let (mut server, mut client, _, below) = open(&pair);
    below.limit(Some(1000));
    let bytes: Vec<u8> = (0..200_000).map(|i| (i % 249) as u8).collect();
    // The batch counts as taken; the next one waits until it has left.
    let taken = client.write(&bytes).unwrap();
    assert_eq!(taken, 64 << 10);
    assert!(matches!(client.write(&bytes[taken..]), Err(Stop::Wait(w)) if w.write));
    assert!(matches!(client.write(&[]), Err(Stop::Wait(w)) if w.write), "a flush waits too");
    let mut buf = [0; 16];
    assert!(matches!(client.read(&mut buf), Err(Stop::Wait(w)) if w.read && w.write));
    let (mut taken, mut all) = (taken, Vec::new());
    for _ in 0..10_000 {
        match client.write(&bytes[taken..]) {
            Ok(n) => taken += n,
            Err(stop) => assert!(matches!(stop, Stop::Wait(w) if w.write)),
        }
        all.extend(read_all(&mut server).0);
        if all.len() >= bytes.len() {
            break;
        }
    }
    assert!(all == bytes);
    below.limit(None);
    assert_eq!(client.write(&[]).unwrap(), 0);
}

#[test]
fn close_notify_is_sent_and_answered() {
    let pki = Pki::new();
    for priority in [TLS12, TLS13] {
        let pair = Pair::new(&pki, "anon", priority);
        let (mut server, mut client, mut below_server, _) = open(&pair);
        client.write(b"last words").unwrap();
        client.shutdown().unwrap();
        assert!(matches!(client.write(b"more"), Err(Stop::Failed(_))));
        // RFC 5425 4.4: data before the alert is read, the alert is an end and is answered.
        let (got, stop) = read_all(&mut server);
        assert_eq!(got, b"last words");
        assert!(matches!(stop, Stop::Closed));
        assert!(matches!(server.write(b"too late"), Err(Stop::Closed)));
        server.shutdown().unwrap();
        let (got, stop) = read_all(&mut client);
        assert!(got.is_empty());
        assert!(matches!(stop, Stop::Closed), "the answer came");
        assert!(below_server.drain().is_empty(), "nothing is said twice");
    }
}

#[test]
fn a_close_that_comes_with_the_handshake_is_an_end_behind_the_data() {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", TLS13);
    let (mut server, mut client) = pair.sessions(pipe());
    // The client is done one step earlier, and all it sends comes with its Finished.
    while server.handshake().is_err() && client.handshake().is_err() {}
    client.write(b"one line\n").unwrap();
    client.shutdown().unwrap();
    while matches!(server.handshake(), Err(Stop::Wait(_))) {}
    let (got, stop) = read_all(&mut server);
    assert_eq!(got, b"one line\n");
    assert!(matches!(stop, Stop::Closed));
}

#[test]
fn a_bare_end_keeps_what_came_before_it() {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", "");
    let (mut server, mut client, _, below) = open(&pair);
    client.write(b"whole").unwrap();
    below.hang_up();
    let (got, stop) = read_all(&mut server);
    assert_eq!(got, b"whole");
    assert!(matches!(stop, Stop::Closed));
    let lines = pair.server_judge.lines.lock().unwrap();
    assert!(lines.iter().any(|(_, text)| text.contains("without a TLS close_notify")));
}

#[test]
fn a_forged_record_ends_the_session_with_words() {
    use crate::driver::Below;
    let pki = Pki::new();
    for priority in [TLS12, TLS13] {
        let pair = Pair::new(&pki, "anon", priority);
        let (mut server, mut client, mut below_server, mut below_client) = open(&pair);
        read_all(&mut client);
        client.write(b"good").unwrap();
        let good = below_server.drain();
        client.write(b"bad").unwrap();
        let mut bad = below_server.drain();
        *bad.last_mut().unwrap() ^= 1;
        below_client.write(&good).unwrap();
        below_client.write(&bad).unwrap();
        let (got, stop) = read_all(&mut server);
        assert_eq!(got, b"good");
        assert!(matches!(&stop, Stop::Failed(c) if c.text.contains("could not be decrypted")), "{stop:?}");
        assert!(matches!(server.write(b"x"), Err(Stop::Failed(_))));
        let (_, stop) = read_all(&mut client);
        assert!(matches!(&stop, Stop::Failed(c) if alert(c) == Some(20)), "bad_record_mac: {stop:?}");
    }
}
