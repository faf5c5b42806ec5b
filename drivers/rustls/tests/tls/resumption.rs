//! Sessions that are taken up again: with the chain that they began with, and judged again.

use crate::pair::{Pair, Pki, Refuse, alert, carry, pipe, read_all, shake, why};
use crate::terms::{TLS12, TLS13};
use sysloom_sdk::{Complaint, LayerSession, Stop, Stream};

#[test]
fn a_resumed_session_is_judged_again_with_its_chain() {
    let pki = Pki::new();
    for priority in [TLS12, TLS13] {
        let priority = &format!("{priority}:%TICKETS_TLS13");
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
    for priority in ["NORMAL:-VERS-TLS1.3:%NO_TICKETS", "NORMAL:-VERS-TLS1.2:%NO_TICKETS"] {
        let pair = Pair::new(&pki, "x509/name", priority);
        for _ in 0..2 {
            let (mut server, mut client) = pair.connected();
            carry(&mut server, &mut client, b"hello");
            assert!(!server.peer().resumed && !client.peer().resumed);
        }
    }
}

#[test]
fn a_resumed_session_can_be_refused_on_either_side() {
    let pki = Pki::new();
    let resumed: Refuse = |q| q.resumed.then(|| Complaint::new("revoked meanwhile").code(44));
    let suites = ["AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305"];
    for priority in [TLS12, TLS13] {
        for suite in suites {
            let priority = format!("{priority}:-CIPHER-ALL:+{suite}:%TICKETS_TLS13");
            for server_refuses in [true, false] {
                let pair = Pair::new(&pki, "x509/name", &priority);
                let (mut server, mut client) = pair.connected();
                carry(&mut server, &mut client, b"hello");
                let judge = if server_refuses { &pair.server_judge } else { &pair.client_judge };
                judge.refuse(resumed);
                let (mut server, mut client) = pair.sessions(pipe());
                let (first, second) = shake(&mut server, &mut client);
                let (refuser, (other, session)) = if server_refuses {
                    (first, (second, &mut client))
                } else {
                    (second, (first, &mut server))
                };
                assert!(matches!(&refuser, Err(Stop::Refused(c)) if c.code == 44), "{priority}: {refuser:?}");
                let heard = why(other.err().unwrap_or_else(|| read_all(session).1));
                assert_eq!(alert(&heard), Some(44), "{priority}: {}", heard.text);
            }
        }
    }
}
