//! Clients that connect and say nothing.

use crate::House;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use sysloom_tests::{Auth, TlsClient, TlsVersion, connect};

/// The handshake's deadline, and some time for a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);
const MORE: Duration = Duration::from_secs(8);

#[test]
fn a_silent_client_on_a_tls_port_is_closed_at_the_deadline() {
    let mut house = House::new(Auth::Anon, "");
    house.one_line("silence", "sealed", &["not finished within 10 s"], |house| {
        let began = Instant::now();
        let mut stream = connect(house.tls);
        let from = stream.local_addr().unwrap().port();
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
        let took = began.elapsed();
        assert!(took + Duration::from_millis(500) > DEADLINE && took < DEADLINE + MORE, "{took:?}");
        from
    });
    house.close();
}

#[test]
fn deadline_and_idle_limit_can_be_chosen() {
    let house = House::new(Auth::Anon, "streamDriver.handshakeTimeout=\"1\" streamDriver.idleTimeout=\"1\"");
    for (port, word, said) in
        [(house.tls, "", "not finished within 1 s"), (house.plain, "idle", "idle limit")]
    {
        let began = Instant::now();
        let mut stream = connect(port);
        let from = format!("127.0.0.1:{}", stream.local_addr().unwrap().port());
        if !word.is_empty() {
            stream.write_all(format!("<13>1 - h a - - - {word}\n").as_bytes()).unwrap();
        }
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
        assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
        let line = house.daemon.wait_stderr(&from);
        assert!(line.lines().any(|line| line.contains(&from) && line.contains(said)), "{line}");
    }
}

#[test]
fn one_address_gets_as_many_places_as_it_may_have() {
    let mut house = House::new(Auth::Anon, "streamDriver.maxSessionsPerSource=\"2\"");
    let speak = |house: &House, word: &str| {
        let mut stream = connect(house.plain);
        stream.write_all(format!("<13>1 - h a - - - {word}\n").as_bytes()).unwrap();
        stream
    };
    // The witness holds the first.
    let second = speak(&house, "second");
    house.arrived(&["second"]);
    house.one_line("one too many", "open", &["too many tcp sessions", "one source"], |house| {
        let mut third = speak(house, "third");
        assert_eq!(third.read(&mut [0; 1]).unwrap_or(0), 0);
        third.local_addr().unwrap().port()
    });
    drop(second);
    house.close();
}

/// Half a hello is no better.
#[test]
fn a_client_that_stops_in_the_middle_is_closed_at_the_deadline() {
    let mut house = House::new(Auth::Anon, "");
    house.one_line("half a hello", "sealed", &["not finished within 10 s"], |house| {
        let mut stream = connect(house.tls);
        stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0]).unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
        stream.local_addr().unwrap().port()
    });
    house.close();
}

/// 5 silent connections and maxSessions=5, the witnesses' own not counted: rsyslog refuses a legitimate sender for as
/// long as was watched.
#[test]
fn silent_connections_keep_nobody_out() {
    for tls in [false, true] {
        let mut house = House::new(Auth::Anon, "maxSessions=\"5\"");
        let port = if tls { house.tls } else { house.plain };
        let silent: Vec<_> = (0..5).map(|_| connect(port)).collect();
        let began = Instant::now();
        let text = format!("<13>1 - h a - - - legitimate {tls}\n");
        if tls {
            let ca = house.pki.file();
            let mut sender = TlsClient::connect(port, &ca, Some(&house.client), TlsVersion::V13).unwrap();
            sender.send(text.as_bytes()).unwrap();
            assert!(sender.close());
        } else {
            connect(port).write_all(text.as_bytes()).unwrap();
        }
        house.arrived(&[&format!("legitimate {tls}")]);
        assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
        house.witness();
        drop(silent);
        house.close();
    }
}

/// The table is full of senders: the one more is refused with a line, and gets in when one has gone.
#[test]
fn a_full_table_refuses_and_forgets() {
    let mut house = House::new(Auth::Anon, "maxSessions=\"3\"");
    let speak = |house: &House, i: usize| {
        let mut stream = connect(house.plain);
        stream.write_all(format!("<13>1 - h a - - - speaker {i}\n").as_bytes()).unwrap();
        stream
    };
    let mut held = Vec::new();
    for i in 0..2 {
        held.push(speak(&house, i));
        house.arrived(&[&format!("speaker {i}")]);
    }
    house.one_line("one too many", "open", &["too many tcp sessions", "maxSessions"], |house| {
        let mut stream = speak(house, 9);
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
        stream.local_addr().unwrap().port()
    });
    held.pop().unwrap().shutdown(std::net::Shutdown::Both).unwrap();
    sysloom_tests::wait_for("a place", || {
        let mut stream = speak(&house, 3);
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        // Whoever has a place is not answered.
        let kind = stream.read(&mut [0; 1]).err()?.kind();
        matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut).then_some(())
    });
    house.arrived(&["speaker 3"]);
    house.close();
}
