//! Handshakes that go well: versions, certificates, names.

use crate::driver::{Context, Daemon, Session, Wishes};
use crate::pair::{Judge, Pair, Pki, carry, pipe, shake};
use crate::terms::{CHOSEN, GROUPS, TLS12, TLS13};
use std::sync::Arc;
use sysloom_sdk::{LayerSession, Level, Role};

#[test]
fn both_versions_with_certificates_on_both_sides() {
    let pki = Pki::new();
    for (priority, protocol, group) in
        [("", "TLSv1.3", GROUPS[1]), (TLS13, "TLSv1.3", GROUPS[1]), (TLS12, "TLSv1.2", GROUPS[0])]
    {
        let pair = Pair::new(&pki, "x509/name", priority);
        let (mut server, mut client) = pair.connected();
        for session in [&server, &client] {
            let peer = session.peer();
            assert_eq!((peer.protocol, peer.group), (protocol, group));
            assert_eq!((peer.chain.len(), peer.resumed), (2, false));
            assert_eq!(peer.server_name, "server.example.net");
            let cipher = if priority.is_empty() { "AES_128_GCM" } else { CHOSEN };
            assert!(peer.cipher.contains(cipher), "{}", peer.cipher);
        }
        let (asked_server, asked_client) = (pair.server_judge.asked(), pair.client_judge.asked());
        assert_eq!((asked_server.len(), asked_client.len()), (1, 1), "asked once a side");
        assert_eq!(
            (asked_server[0].conn, asked_server[0].server, asked_server[0].certificates),
            (7, true, 2)
        );
        assert_eq!(
            (asked_client[0].conn, asked_client[0].server, asked_client[0].certificates),
            (8, false, 2)
        );
        assert_eq!(asked_client[0].server_name, "server.example.net");
        assert_eq!(carry(&mut client, &mut server, b"to the server"), b"to the server");
        assert_eq!(carry(&mut server, &mut client, b"and back"), b"and back");
    }
}

#[test]
fn anon_needs_no_certificate_anywhere() {
    let (judge, client_judge) = (Arc::new(Judge::default()), Arc::new(Judge::default()));
    let (daemon, client_daemon): (Arc<dyn Daemon>, Arc<dyn Daemon>) = (judge.clone(), client_judge.clone());
    let wishes = Wishes { auth_mode: "Anon", ..Wishes::default() };
    let pair = Pair {
        server: Context::new(Role::Server, &wishes, &daemon).unwrap(),
        client: Context::new(Role::Client, &wishes, &client_daemon).unwrap(),
        server_judge: judge.clone(),
        client_judge,
    };
    {
        let lines = judge.lines.lock().unwrap();
        assert!(lines.iter().any(|(level, text)| *level == Level::Info && text.contains("ephemeral")));
    }
    let (mut server, mut client) = pair.connected();
    assert_eq!(client.peer().chain.len(), 1);
    assert!(server.peer().chain.is_empty());
    assert_eq!(judge.asked().iter().map(|q| q.certificates).collect::<Vec<_>>(), [0]);
    assert_eq!(carry(&mut client, &mut server, b"x"), b"x");
}

#[test]
fn anon_asks_the_client_for_no_certificate() {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", "");
    let (server, _client) = pair.connected();
    assert!(server.peer().chain.is_empty());
}

#[test]
fn a_client_without_certificate_is_judged_as_such() {
    let pki = Pki::new();
    for priority in [TLS12, TLS13] {
        let pair = Pair::bare_client(&pki, "x509/certvalid", priority);
        let (server, _client) = pair.connected();
        assert!(server.peer().chain.is_empty());
        let asked = pair.server_judge.asked();
        assert_eq!(asked.len(), 1);
        assert_eq!((asked[0].certificates, asked[0].resumed), (0, false));
        assert!(asked[0].protocol.starts_with("TLSv1."));
    }
}

#[test]
fn names_are_asked_for_only_when_they_are_names() {
    let pki = Pki::new();
    for (name, seen) in
        [("logs.example.net.", "logs.example.net"), ("", ""), ("192.0.2.1", ""), ("2001:db8::1", "")]
    {
        let pair = Pair::new(&pki, "x509/name", "");
        let (below, above) = pipe();
        let mut server = Session::new(&pair.server, pair.server_judge.clone(), below, true, "", 1).unwrap();
        let mut client =
            Session::new(&pair.client, pair.client_judge.clone(), above, false, name, 2).unwrap();
        let (a, b) = shake(&mut server, &mut client);
        a.unwrap();
        b.unwrap();
        assert_eq!(server.peer().server_name, seen, "{name}");
        assert_eq!(pair.client_judge.asked()[0].server_name, seen, "{name}");
    }
    let pair = Pair::new(&pki, "x509/name", "");
    let why =
        Session::new(&pair.client, pair.client_judge.clone(), pipe().0, false, "no name", 2).err().unwrap();
    assert_eq!(why.param, Some("streamDriver.remoteSNI"));
    let why = Session::new(&pair.client, pair.client_judge.clone(), pipe().0, true, "", 2).err().unwrap();
    assert!(why.text.contains("other side"), "{}", why.text);
}

#[test]
fn it_works_byte_by_byte_and_blocking_at_every_step() {
    let pki = Pki::new();
    for priority in [TLS12, TLS13] {
        for (chunk, stutters) in [(1, false), (1, true), (7, true), (usize::MAX, true)] {
            let pair = Pair::new(&pki, "x509/name", priority);
            let (mut a, mut b) = pipe();
            for end in [&mut a, &mut b] {
                (end.chunk, end.stutters) = (chunk, stutters);
            }
            let (mut server, mut client) = pair.sessions((a, b));
            let (first, second) = shake(&mut server, &mut client);
            first.unwrap();
            second.unwrap();
            let message = b"<34>1 - - - - - - all of it\n".repeat(2000);
            let size = if chunk == 1 { 3000 } else { message.len() };
            assert_eq!(carry(&mut client, &mut server, &message[..size]), message[..size]);
            assert_eq!(carry(&mut server, &mut client, &message[..100]), message[..100]);
        }
    }
}

#[test]
fn a_sender_that_only_writes_has_nothing_unread_when_it_closes() {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", TLS13);
    for _ in 0..2 {
        let (mut server, mut client) = pair.connected();
        assert_eq!(carry(&mut client, &mut server, b"only ever this way"), b"only ever this way");
        // The client has read all there is, and found no ticket for a later session.
        carry(&mut server, &mut client, b"all there is");
        assert!(!server.peer().resumed && !client.peer().resumed);
    }
}
