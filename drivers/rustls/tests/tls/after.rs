//! What rustls does when it is over: an alert of our own making to a resumed session that is refused.

use crate::pair::{Pair, Pki, Refuse, alert, carry, pipe, read_all, shake, why};
use crate::terms::{TLS12, TLS13};
use sysloom_sdk::{Complaint, Stop};

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
