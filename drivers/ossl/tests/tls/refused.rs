//! Sessions that the daemon no longer wants to be resumed: the peer is judged in a whole handshake.

use crate::pair::{Pair, Pki, Refuse, alert, carry, pipe, read_all, shake, why};
use crate::terms::{TICKETS, TLS12, TLS13};
use sysloom_sdk::{Complaint, LayerSession, Stop, Stream};

/// A pair that has a session to take up again.
fn met(pki: &Pki, priority: &str) -> Pair {
    let pair = Pair::new(pki, "x509/name", &format!("{priority}{TICKETS}"));
    let (mut server, mut client) = pair.connected();
    carry(&mut server, &mut client, b"hello");
    // OpenSSL takes up no session that was cut off.
    client.shutdown().unwrap();
    pair.server_judge.asked();
    pair.client_judge.asked();
    pair
}

#[test]
fn a_session_that_is_refused_becomes_a_whole_handshake() {
    let pki = Pki::new();
    let resumed: Refuse = |q| q.resumed.then(|| Complaint::new("revoked meanwhile").code(44));
    for priority in [TLS12, TLS13] {
        for server_refuses in [true, false] {
            let pair = met(&pki, priority);
            let judge = if server_refuses { &pair.server_judge } else { &pair.client_judge };
            judge.refuse(resumed);
            let (mut server, mut client) = pair.connected();
            assert!(!server.peer().resumed && !client.peer().resumed, "{priority}");
            let asked: Vec<_> = judge.asked().iter().map(|q| (q.resumed, q.certificates)).collect();
            assert_eq!(asked, [(true, 2), (false, 2)], "{priority}, {server_refuses}");
            assert_eq!(carry(&mut client, &mut server, b"anew"), b"anew");
        }
    }
}

#[test]
fn a_peer_that_is_refused_meanwhile_is_refused_with_its_alert() {
    let pki = Pki::new();
    for priority in [TLS12, TLS13] {
        for server_refuses in [true, false] {
            let pair = met(&pki, priority);
            let judge = if server_refuses { &pair.server_judge } else { &pair.client_judge };
            judge.refuse(|_| Some(Complaint::new("revoked meanwhile").code(44)));
            let (mut server, mut client) = pair.sessions(pipe());
            let (first, second) = shake(&mut server, &mut client);
            let (refuser, (other, session)) = match server_refuses {
                true => (first, (second, &mut client)),
                false => (second, (first, &mut server)),
            };
            assert!(matches!(&refuser, Err(Stop::Refused(c)) if c.code == 44), "{priority}: {refuser:?}");
            let heard = why(other.err().unwrap_or_else(|| read_all(session).1));
            assert_eq!(alert(&heard), Some(44), "{priority}: {}", heard.text);
        }
    }
}

#[test]
fn a_ticket_of_tls_1_3_is_used_once_and_its_successor_too() {
    let pki = Pki::new();
    let pair = met(&pki, TLS13);
    for round in 0..3 {
        let (mut server, mut client) = pair.connected();
        assert!(server.peer().resumed && client.peer().resumed, "{round}");
        assert_eq!((server.peer().chain.len(), client.peer().chain.len()), (2, 2));
        carry(&mut server, &mut client, b"with the next ticket");
        client.shutdown().unwrap();
    }
    let (server, _client) = pair.connected();
    assert!(server.peer().resumed);
    // The last one's ticket was never read.
    let (server, _client) = pair.connected();
    assert!(!server.peer().resumed);
}
