//! What 2000 idle sessions take, measured from outside.

use crate::pair::{Pair, Pki, TestSession, pipe, read_all, shake};
use std::fs;
use sysloom_sdk::Stream;

#[test]
fn an_idle_session_has_less_than_its_limit() {
    let pki = Pki::new();
    let pair = Pair::new(&pki, "anon", "");
    // A first round fills the allocator's pools and the thread's buffers.
    let mut kept: Vec<_> = (0..200).map(|_| idle(&pair)).collect();
    let before = resident();
    kept.extend((0..SESSIONS).map(|_| idle(&pair)));
    let each = (resident() - before) / SESSIONS;
    println!("{each} bytes a session");
    assert!(each <= crate::IDLE, "{each} bytes a session");
    assert_eq!(kept.len(), 200 + SESSIONS);
}

/// A server's session that has received a message of more than a record and waits.
fn idle(pair: &Pair) -> TestSession {
    let (a, b) = pipe();
    let mut views = [a.twin(), b.twin()];
    let (mut server, mut client) = pair.sessions((a, b));
    let (first, second) = shake(&mut server, &mut client);
    first.unwrap();
    second.unwrap();
    client.write(&[b'm'; 20_000]).unwrap();
    assert_eq!(read_all(&mut server).0.len(), 20_000);
    // What the pipe has grown to is none of the session's.
    views.iter_mut().for_each(|view| drop(view.drain()));
    server
}

fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

const SESSIONS: usize = 2000;
