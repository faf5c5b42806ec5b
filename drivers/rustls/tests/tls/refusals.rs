//! Peers that the daemon refuses: who gets which alert, and in which words the other side tells of it.

use crate::pair::{Pair, Pki, Refuse, alert, pipe, read_all, shake, why};
use crate::terms::{TLS12, TLS13};
use sysloom_sdk::{Complaint, LayerSession, Stop, Stream};

macro_rules! refuse_with {
    ($code:expr) => {{
        let refuse: Refuse = |_| Some(Complaint::new("not you").code($code));
        ($code, refuse)
    }};
}

#[test]
fn a_refused_certificate_gets_the_verdicts_alert() {
    let pki = Pki::new();
    let table = [
        refuse_with!(40),
        refuse_with!(42),
        refuse_with!(43),
        refuse_with!(44),
        refuse_with!(45),
        refuse_with!(46),
        refuse_with!(48),
        refuse_with!(49),
        refuse_with!(51),
        refuse_with!(113),
    ];
    for priority in [TLS12, TLS13] {
        for (code, refuse) in table {
            // The server refuses the client.
            let pair = Pair::new(&pki, "x509/name", priority);
            pair.server_judge.refuse(refuse);
            let (mut server, mut client) = pair.sessions(pipe());
            let (first, second) = shake(&mut server, &mut client);
            assert!(
                matches!(&first, Err(Stop::Refused(c)) if c.text == "not you" && c.code == code),
                "{first:?}"
            );
            // A client of TLS 1.3 is done before the server has judged it.
            let heard = second.err().unwrap_or_else(|| read_all(&mut client).1);
            assert_eq!(alert(&why(heard)), Some(code), "{priority} alert {code}");

            // The client refuses the server.
            let pair = Pair::new(&pki, "x509/name", priority);
            pair.client_judge.refuse(refuse);
            let (mut server, mut client) = pair.sessions(pipe());
            let (first, second) = shake(&mut server, &mut client);
            assert!(matches!(&second, Err(Stop::Refused(c)) if c.text == "not you"), "{second:?}");
            assert_eq!(alert(&why(first.unwrap_err())), Some(code), "{priority} alert {code}");
        }
    }
}

#[test]
fn a_client_without_certificate_gets_an_alert_of_its_version() {
    let pki = Pki::new();
    for (priority, code, words) in [(TLS12, 40, "handshake_failure"), (TLS13, 116, "certificate_required")] {
        let pair = Pair::bare_client(&pki, "x509/name", priority);
        let nobody: Refuse = |q| (q.certificates == 0).then(|| Complaint::new("no certificate").code(116));
        pair.server_judge.refuse(nobody);
        let (mut server, mut client) = pair.sessions(pipe());
        let (first, second) = shake(&mut server, &mut client);
        assert!(matches!(&first, Err(Stop::Refused(c)) if c.text == "no certificate"), "{first:?}");
        let heard = why(second.err().unwrap_or_else(|| read_all(&mut client).1));
        assert_eq!(alert(&heard), Some(code));
        assert!(heard.text.contains(words), "{}", heard.text);
    }
}

#[test]
fn the_alert_waits_for_a_stream_that_is_full() {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "x509/name", TLS13);
    pair.server_judge.refuse(|_| Some(Complaint::new("not you").code(49)));
    let (mut a, b) = pipe();
    (a.chunk, a.stutters) = (1, true);
    let (mut server, mut client) = pair.sessions((a, b));
    let (first, second) = shake(&mut server, &mut client);
    assert!(matches!(first, Err(Stop::Refused(_))));
    let heard = why(second.err().unwrap_or_else(|| read_all(&mut client).1));
    assert_eq!(alert(&heard), Some(49));
    assert!(heard.text.contains("does not permit us"), "{}", heard.text);
}

#[test]
fn nothing_of_a_refused_peer_is_read() {
    let pki = Pki::new();
    let pair = Pair::bare_client(&pki, "x509/name", TLS13);
    pair.server_judge.refuse(|_| Some(Complaint::new("no certificate").code(116)));
    let (mut server, mut client) = pair.sessions(pipe());
    // The client's Finished and its first line come in one piece.
    while !matches!(client.handshake(), Ok(())) {
        assert!(matches!(server.handshake(), Err(Stop::Wait(_))));
    }
    client.write(b"let me in\n").unwrap();
    assert!(matches!(server.handshake(), Err(Stop::Refused(_))));
    let (got, stop) = read_all(&mut server);
    assert!(got.is_empty() && matches!(stop, Stop::Failed(_)));
    assert!(matches!(server.write(b"x"), Err(Stop::Failed(_))));
    server.shutdown().unwrap();
}
