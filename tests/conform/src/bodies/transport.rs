//! Transports: listening, connecting, and the streams that come of it.

use super::must;
use crate::line::Line;
use crate::road::{Ends, PATIENCE, Road, Wire, pattern, read_exact, ready, same, settle, words, write_all};
use crate::subject::Subject;
use crate::watchdog::{AT_ONCE, within};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::SockRef;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::Duration;
use sysloom_abi::manifest_flag::TRANSPORT;
use sysloom_engine::plugin::{Halt, Session, Side};

/// Their lines.
pub const LINES: &[Line] = &[
    Line {
        name: "transport.listen",
        rule: "ABI DriverVt::listen, Listening::fds",
        text: "a listener has descriptors that are readable once somebody connects, and not before",
        needs: TRANSPORT,
        body: listen,
    },
    Line {
        name: "transport.listen-twice",
        rule: "ABI DriverVt::listen: FAILED, Complaint::text",
        text: "a place that is taken already is refused in words",
        needs: TRANSPORT,
        body: listen_twice,
    },
    Line {
        name: "transport.unlisten",
        rule: "ABI DriverVt::unlisten",
        text: "what was listened on is free again, and nobody gets through any more",
        needs: TRANSPORT,
        body: unlisten,
    },
    Line {
        name: "transport.accept-none",
        rule: "ABI DriverVt::accept: WOULD_BLOCK",
        text: "accepting when nobody waits says so at once",
        needs: TRANSPORT,
        body: accept_none,
    },
    Line {
        name: "transport.peer",
        rule: "ABI Connected::peer, Connected::peer_port",
        text: "both ends know the other one's address, as text without its port, and its port",
        needs: TRANSPORT,
        body: peer,
    },
    Line {
        name: "transport.connect-refused",
        rule: "ABI DriverVt::connect: FAILED, Complaint::text",
        text: "connecting where nothing listens fails in words, within its time",
        needs: TRANSPORT,
        body: connect_refused,
    },
    Line {
        name: "transport.connect-timeout",
        rule: "ABI DriverVt::connect: TIMED_OUT, ConnectTo::timeout_ms, Complaint::text",
        text: "connecting where nobody answers ends with its time, and says so in words",
        needs: TRANSPORT,
        body: connect_timeout,
    },
    Line {
        name: "transport.written-bytes",
        rule: "ABI DriverVt::write",
        text: "what was taken arrives whole and in order, whatever the bytes are",
        needs: TRANSPORT,
        body: written_bytes,
    },
    Line {
        name: "transport.read-bytes",
        rule: "ABI DriverVt::read",
        text: "what the peer sends is read whole and in order, into a large buffer or byte by byte",
        needs: TRANSPORT,
        body: read_bytes,
    },
    Line {
        name: "transport.read-silence",
        rule: "ABI DriverVt::read: WOULD_BLOCK, want READ",
        text: "reading from a silent peer says at once that it waits for bytes",
        needs: TRANSPORT,
        body: read_silence,
    },
    Line {
        name: "transport.write-stall",
        rule: "ABI DriverVt::write: WOULD_BLOCK, want WRITE",
        text: "a peer that does not read makes a write wait for room, and all arrives once it reads again",
        needs: TRANSPORT,
        body: write_stall,
    },
    Line {
        name: "transport.flush",
        rule: "ABI DriverVt::write, len 0",
        text: "a flush is OK when nothing is held back, and sends nothing",
        needs: TRANSPORT,
        body: flush,
    },
    Line {
        name: "transport.half-close",
        rule: "ABI DriverVt::shutdown; RFC 793 3.5",
        text: "after shutdown the peer sees the end, and what it still sends is read",
        needs: TRANSPORT,
        body: half_close,
    },
    Line {
        name: "transport.half-closed",
        rule: "ABI DriverVt::read: CLOSED; RFC 793 3.5",
        text: "the peer's end comes after its last byte, comes again, and leaves our direction open",
        needs: TRANSPORT,
        body: half_closed,
    },
    Line {
        name: "transport.reset",
        rule: "ABI DriverVt::read: FAILED, DriverVt::reason; RFC 793 3.4",
        text: "a reset is a failure with words, and no orderly end",
        needs: TRANSPORT,
        body: reset,
    },
    Line {
        name: "transport.flood",
        rule: "ABI DriverVt::read, DriverVt::write",
        text: "two peers that flood each other at once both get everything",
        needs: TRANSPORT,
        body: flood,
    },
    Line {
        name: "transport.free",
        rule: "ABI DriverVt::free",
        text: "a freed session is closed: the peer sees the end",
        needs: TRANSPORT,
        body: free,
    },
];

fn listen(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    let readable = |road: &Road, limit: u8| {
        let mut polled: Vec<PollFd<'_>> =
            road.listener.fds().map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        poll(&mut polled, PollTimeout::from(limit)).map_err(|e| format!("the descriptors: {e}"))
    };
    must!(readable(&road, 0)? == 0, "a descriptor is readable though nobody connects");
    let one = road.dial(PATIENCE).map_err(|halt| format!("connect: {}", words(&halt)))?;
    must!(readable(&road, 250)? == 1, "no descriptor is readable, or more than one, though somebody waits");
    road.answer()?;
    must!(readable(&road, 0)? == 0, "a descriptor stays readable after the only connection was accepted");
    drop(one);
    Ok(())
}

fn listen_twice(subject: &Subject) -> Result<(), String> {
    let road = Road::new(subject)?;
    let again = subject.plain(Side::Server)?.listen(&subject.options.listen, road.port(), 0, 8);
    match again {
        Ok(_) => Err(format!("{} port {} is listened on twice", subject.options.listen, road.port())),
        Err(why) => {
            must!(why.text != road.no_words(&subject.options.listen), "it is refused without a word");
            Ok(())
        }
    }
}

fn unlisten(subject: &Subject) -> Result<(), String> {
    let road = Road::new(subject)?;
    let (port, context) = (road.port().to_owned(), subject.plain(Side::Server)?);
    let client = road.part();
    let dialled = client.dial(AT_ONCE);
    must!(dialled.is_err(), "somebody still gets through to port {port}");
    let again = context.listen(&subject.options.listen, &port, 0, 8);
    again.map(drop).map_err(|e| format!("port {port} is not free again: {}", e.text))
}

fn accept_none(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for index in 0..road.listener.fds().count() {
        match within(AT_ONCE, "accept", || road.listener.accept(index)) {
            Err(Halt::Wait { read: true, .. }) => {}
            Err(halt) => return Err(format!("accept says {}", words(&halt))),
            Ok(_) => return Err("accept makes a connection of nobody".to_owned()),
        }
    }
    Ok(())
}

fn peer(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    let Ends { connected, accepted } = road.join()?;
    for (end, what) in [(&connected, "the connected end"), (&accepted, "the accepted end")] {
        must!(!end.peer.is_empty(), "{what} does not know its peer");
        let there = SockRef::from(&end.session).peer_addr().map_err(|e| format!("{what}: {e}"))?;
        // What is no Internet socket has no address of its own to compare with.
        let Some(there) = there.as_socket() else { continue };
        let said = end.peer.parse::<IpAddr>().map_err(|_| format!("{what} calls its peer {:?}", end.peer))?;
        must!(said == there.ip(), "{what} calls its peer {said}, and it is {}", there.ip());
        must!(end.port == there.port(), "{what} has port {} for its peer's {}", end.port, there.port());
    }
    Ok(())
}

fn connect_refused(subject: &Subject) -> Result<(), String> {
    let road = Road::new(subject)?.part();
    let limit = Duration::from_secs(2);
    match within(limit + AT_ONCE, "connect", || road.dial(limit)) {
        Err(Halt::Failed(why)) => {
            must!(why.text != road.no_words(), "it fails without a word");
            Ok(())
        }
        Err(halt) => Err(format!("connect says {}", words(&halt))),
        Ok(_) => Err("connect succeeds where nothing listens".to_owned()),
    }
}

fn connect_timeout(subject: &Subject) -> Result<(), String> {
    // Connections that nobody accepts fill the backlog, and what comes then is not answered.
    let road = Road::with_backlog(subject, 1)?;
    let limit = Duration::from_millis(500);
    let mut kept = Vec::new();
    loop {
        match within(limit + AT_ONCE, "connect", || road.dial(limit)) {
            Ok(connected) => kept.push(connected),
            Err(Halt::TimedOut(why)) => {
                must!(why.text != road.dial.no_words(), "the time is over without a word");
                return Ok(());
            }
            Err(halt) => return Err(format!("connect says {} when its time is over", words(&halt))),
        }
        must!(kept.len() < 256, "a backlog of 1 takes {} connections", kept.len());
    }
}

fn written_bytes(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for (mut near, far, what) in Ends::both(&mut road)? {
        let mut wire = Wire::of(&far)?;
        let every: Vec<u8> = (0..=255).collect();
        for bytes in [every, pattern(1, 1), pattern(MEGABYTE, 2)] {
            let got = carry(&mut near, &mut wire, &bytes)?;
            same(&format!("{what}, written"), &got, &bytes)?;
        }
    }
    Ok(())
}

fn read_bytes(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for (mut near, far, what) in Ends::both(&mut road)? {
        let mut wire = Wire::of(&far)?;
        for (len, step) in [(256, 1), (5000, 7), (20_000, 128 << 10)] {
            let bytes = if len == 256 { (0..=255).collect() } else { pattern(len, 3) };
            wire.write_all(&bytes)?;
            let got = read_exact(&mut near, len, step)?;
            same(&format!("{what}, read {step} at a time"), &got, &bytes)?;
        }
    }
    Ok(())
}

fn read_silence(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for (mut near, far, what) in Ends::both(&mut road)? {
        let mut wire = Wire::of(&far)?;
        for round in ["at first", "after some bytes"] {
            match within(AT_ONCE, "read", || near.read(&mut [0; 64])) {
                Err(Halt::Wait { read: true, write: false }) => {}
                Err(halt) => return Err(format!("{what}, {round}: read says {}", words(&halt))),
                Ok(n) => return Err(format!("{what}, {round}: read makes {n} bytes of nothing")),
            }
            wire.write_all(b"one")?;
            same(what, &read_exact(&mut near, 3, 64)?, b"one")?;
        }
    }
    Ok(())
}

fn write_stall(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for (mut near, far, what) in Ends::both(&mut road)? {
        let mut wire = Wire::of(&far)?;
        let bytes = pattern(64 << 10, 4);
        let mut taken = 0;
        loop {
            let rest = &bytes[taken % bytes.len()..];
            match within(AT_ONCE, "write", || near.write(rest)) {
                Ok(n) => taken += n,
                Err(Halt::Wait { write: true, read: false }) if !ready(near.as_fd(), false, true, SHORT) => {
                    break;
                }
                // It was ready again by now, but not for ever.
                Err(Halt::Wait { write: true, read: false }) => {}
                Err(halt) => return Err(format!("{what}: write says {}", words(&halt))),
            }
            must!(taken < MOST_HELD, "{what}: {taken} bytes were taken for a peer that reads nothing");
        }
        let sent: Vec<u8> = bytes.iter().copied().cycle().take(taken).collect();
        same(what, &wire.read_exact(taken)?, &sent)?;
        same(what, &carry(&mut near, &mut wire, b"on it goes")?, b"on it goes")?;
    }
    Ok(())
}

fn flush(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for (mut near, far, what) in Ends::both(&mut road)? {
        let mut wire = Wire::of(&far)?;
        for bytes in [&b"before"[..], b"after"] {
            match near.write(&[]) {
                Ok(0) => {}
                Ok(n) => return Err(format!("{what}: a flush takes {n} bytes")),
                Err(halt) => return Err(format!("{what}: a flush says {}", words(&halt))),
            }
            same(what, &carry(&mut near, &mut wire, bytes)?, bytes)?;
        }
    }
    Ok(())
}

fn half_close(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for (mut near, far, what) in Ends::both(&mut road)? {
        let mut wire = Wire::of(&far)?;
        write_all(&mut near, b"the last")?;
        settle(&mut near, "shutdown", Session::shutdown)?;
        same(what, &wire.read_exact(8)?, b"the last")?;
        must!(wire.wait_read(&mut [0; 8])? == 0, "{what}: bytes come after shutdown");
        wire.write_all(b"and yet")?;
        same(what, &read_exact(&mut near, 7, 64)?, b"and yet")?;
    }
    Ok(())
}

fn half_closed(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for (mut near, far, what) in Ends::both(&mut road)? {
        let mut wire = Wire::of(&far)?;
        wire.write_all(b"the last")?;
        SockRef::from(&far)
            .shutdown(std::net::Shutdown::Write)
            .map_err(|e| format!("the peer's end: {e}"))?;
        same(what, &read_exact(&mut near, 8, 64)?, b"the last")?;
        for _ in 0..2 {
            match settle_end(&mut near)? {
                Halt::Closed => {}
                halt => return Err(format!("{what}: read says {} at the peer's end", words(&halt))),
            }
        }
        same(what, &carry(&mut near, &mut wire, b"and yet")?, b"and yet")?;
    }
    Ok(())
}

fn reset(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for (mut near, far, what) in Ends::both(&mut road)? {
        // Closing over unread bytes, or without lingering, resets a connection, whatever the family.
        write_all(&mut near, b"never read")?;
        must!(ready(far.as_fd(), true, false, PATIENCE), "{what}: what was written never arrives");
        let _ = SockRef::from(&far).set_linger(Some(Duration::ZERO));
        drop(far);
        match settle_end(&mut near)? {
            Halt::Failed(why) => {
                must!(why.text != "the read failed", "{what}: the read fails without a word");
            }
            halt => return Err(format!("{what}: read says {} after a reset", words(&halt))),
        }
    }
    Ok(())
}

fn flood(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    let Ends { connected, accepted } = road.join()?;
    let mut ends = [connected.session, accepted.session];
    let bytes = pattern(8 * MEGABYTE, 5);
    let (mut sent, mut got) = ([0, 0], [Vec::new(), Vec::new()]);
    let mut buffer = vec![0; 128 << 10];
    let mut still = 0;
    while got.iter().any(|g| g.len() < bytes.len()) {
        let before = (sent, got[0].len(), got[1].len());
        for side in [0, 1] {
            let rest = &bytes[sent[side]..];
            match ends[side].write(rest) {
                Ok(n) => sent[side] += n,
                Err(Halt::Wait { .. }) => {}
                Err(halt) => return Err(format!("write: {}", words(&halt))),
            }
            match ends[side].read(&mut buffer) {
                Ok(n) => got[side].extend_from_slice(&buffer[..n]),
                Err(Halt::Wait { .. }) => {}
                Err(halt) => return Err(format!("read: {}", words(&halt))),
            }
        }
        still = if before == (sent, got[0].len(), got[1].len()) { still + 1 } else { 0 };
        if still > 0 {
            let any = ends.iter().any(|end| ready(end.as_fd(), true, false, SHORT));
            must!(any || still < 50, "nothing moves after {} and {} bytes", got[0].len(), got[1].len());
            must!(still < 10_000, "reads say WOULD_BLOCK for ever, though bytes are there");
        }
    }
    same("to the connected end", &got[0], &bytes)?;
    same("to the accepted end", &got[1], &bytes)
}

fn free(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    for (near, far, what) in Ends::both(&mut road)? {
        let mut wire = Wire::of(&far)?;
        drop(near);
        must!(wire.wait_read(&mut [0; 8])? == 0, "{what}: bytes come of freeing it");
    }
    Ok(())
}

/// Writes all bytes and reads them at the peer's descriptor.
fn carry(near: &mut Session, wire: &mut Wire, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let (mut sent, mut got) = (0, Vec::with_capacity(bytes.len()));
    let mut buffer = vec![0; 64 << 10];
    let mut stuck = 0;
    while got.len() < bytes.len() {
        if sent < bytes.len() {
            match near.write(&bytes[sent..]) {
                Ok(n) => sent += n,
                Err(Halt::Wait { .. }) => {}
                Err(halt) => return Err(format!("write: {}", words(&halt))),
            }
        } else {
            settle(near, "flush", |s| s.write(&[]))?;
        }
        match wire.read(&mut buffer)? {
            Some(0) => return Err(format!("the stream ends after {} bytes", got.len())),
            Some(n) => {
                got.extend_from_slice(&buffer[..n]);
                stuck = 0;
            }
            None => {
                stuck += 1;
                if !ready(wire.as_fd(), true, false, SHORT) && stuck > 50 {
                    return Err(format!("{sent} bytes were taken and {} arrive", got.len()));
                }
            }
        }
    }
    Ok(got)
}

/// Reads over bytes until the stream says something else than WOULD_BLOCK.
fn settle_end(session: &mut Session) -> Result<Halt, String> {
    let mut buffer = [0; 64];
    settle(session, "the read at the end", |s| match s.read(&mut buffer) {
        Ok(n) => {
            Err(Halt::Failed(Box::new(sysloom_engine::plugin::Fault::new(format!("{n} bytes of nothing")))))
        }
        Err(wait @ Halt::Wait { .. }) => Err(wait),
        Err(halt) => Ok(halt),
    })
}

const MEGABYTE: usize = 1 << 20;
/// More than the kernel holds for a peer that reads nothing.
const MOST_HELD: usize = 256 * MEGABYTE;
const SHORT: Duration = Duration::from_millis(100);
