//! Sessions that are taken up again: with the chain that they began with, and judged again.

use crate::pair::{Pair, Pki, carry};
use crate::terms::{NO_TICKETS, TICKETS, TLS12, TLS13};
use sysloom_sdk::{LayerSession, Stop, Stream};

#[test]
fn a_resumed_session_is_judged_again_with_its_chain() {
    let pki = Pki::new();
    for priority in [TLS12, TLS13] {
        let priority = &format!("{priority}{TICKETS}");
        let pair = Pair::new(&pki, "x509/name", priority);
        let (_server, mut client) = pair.connected();
        // The ticket of TLS 1.3 comes behind the handshake.
        assert!(matches!(client.read(&mut [0; 16]), Err(Stop::Wait(_))));
        pair.server_judge.asked();
        pair.client_judge.asked();
        let (mut server, mut client) = pair.connected();
        for (session, judge) in [(&server, &pair.server_judge), (&client, &pair.client_judge)] {
            assert!(session.peer().resumed, "{priority}");
            assert_eq!(session.peer().chain.len(), 2);
            assert_eq!(session.peer().server_name, "server.example.net");
            let asked = judge.asked();
            assert_eq!(asked.len(), 1);
            assert_eq!((asked[0].resumed, asked[0].certificates), (true, 2));
        }
        assert_eq!(carry(&mut client, &mut server, b"again"), b"again");
    }
}

#[test]
fn tickets_can_be_switched_off() {
    let pki = Pki::new();
    for priority in NO_TICKETS {
        let pair = Pair::new(&pki, "x509/name", priority);
        for _ in 0..2 {
            let (mut server, mut client) = pair.connected();
            carry(&mut server, &mut client, b"hello");
            assert!(!server.peer().resumed && !client.peer().resumed);
        }
    }
}
