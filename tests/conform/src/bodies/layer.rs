//! Layers: what holds for any of them, whatever it does to the bytes. The driver stands at both ends of a pipe.

use super::must;
use crate::count::left_behind;
use crate::duel::{Bench, Couple, carry};
use crate::line::Line;
use crate::road::{pattern, same, words};
use crate::subject::Subject;
use crate::watchdog::{AT_ONCE, within};
use sysloom_abi::manifest_flag::LAYER;
use sysloom_engine::plugin::{Halt, Session};

/// Their lines.
pub const LINES: &[Line] = &[
    Line {
        name: "layer.handshake",
        rule: "ABI DriverVt::session, DriverVt::handshake: OK",
        text: "two ends of the driver get through their handshake",
        needs: LAYER,
        body: handshake,
    },
    Line {
        name: "layer.silence",
        rule: "ABI DriverVt::handshake, DriverVt::read: WOULD_BLOCK, want READ",
        text: "with a silent peer, a handshake that needs it and a read say at once that they wait for bytes",
        needs: LAYER,
        body: silence,
    },
    Line {
        name: "layer.bytes",
        rule: "ABI DriverVt::read, DriverVt::write",
        text: "what was taken arrives whole and in order, in both directions, whatever the bytes are",
        needs: LAYER,
        body: bytes,
    },
    Line {
        name: "layer.pending",
        rule: "ABI driver.rs: a poll does not fire for bytes that a driver has already decrypted",
        text: "reads into a small buffer get everything that was taken from below before they say WOULD_BLOCK",
        needs: LAYER,
        body: pending,
    },
    Line {
        name: "layer.trickle",
        rule: "ABI Lower::read, Lower::write",
        text: "a stream below that moves a byte at a time and every second time nothing carries all",
        needs: LAYER,
        body: trickle,
    },
    Line {
        name: "layer.stall",
        rule: "ABI DriverVt::write: WOULD_BLOCK, want WRITE",
        text: "when the stream below takes nothing, a write waits for it soon, and all arrives later",
        needs: LAYER,
        body: stall,
    },
    Line {
        name: "layer.flush",
        rule: "ABI DriverVt::write, len 0",
        text: "after a flush that is OK nothing is held back",
        needs: LAYER,
        body: flush,
    },
    Line {
        name: "layer.end",
        rule: "ABI DriverVt::shutdown, DriverVt::read: CLOSED",
        text: "after shutdown the other end reads what was sent, then CLOSED, and CLOSED again",
        needs: LAYER,
        body: end,
    },
    Line {
        name: "layer.end-below",
        rule: "ABI DriverVt::read: CLOSED or FAILED",
        text: "a stream below that ends without the layer's own end is over after what came before",
        needs: LAYER,
        body: end_below,
    },
    Line {
        name: "layer.broken-below",
        rule: "ABI DriverVt::read, DriverVt::write: FAILED",
        text: "a stream below that breaks is a failure of handshake, read and write, and no orderly end",
        needs: LAYER,
        body: broken_below,
    },
    Line {
        name: "layer.threads",
        rule: "ABI driver.rs: one thread at a time, but not always the same one",
        text: "a stream goes on when another thread calls it",
        needs: LAYER,
        body: threads,
    },
    Line {
        name: "layer.thousands",
        rule: "ABI DriverVt::session",
        text: "thousands of sessions at once each carry their own bytes",
        needs: LAYER,
        body: thousands,
    },
    Line {
        name: "layer.heap",
        rule: "ABI DriverVt::free, DriverVt::context_free",
        text: "contexts and sessions that come and go leave no heap behind, whether they were ended or not",
        needs: LAYER,
        body: heap,
    },
];

fn handshake(subject: &Subject) -> Result<(), String> {
    Bench::new(subject)?.couple().map(drop)
}

fn silence(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let Couple { mut client, mut server, .. } = bench.couple_to_be()?;
    for (session, what) in [(&mut server, "the server's"), (&mut client, "the client's")] {
        // A layer that asks nothing of its peer is done at once.
        match within(AT_ONCE, "handshake", || session.handshake()) {
            Ok(()) | Err(Halt::Wait { read: true, .. }) => {}
            Err(halt) => return Err(format!("{what} handshake says {}", words(&halt))),
        }
    }
    let Couple { mut client, mut server, .. } = bench.couple()?;
    // What follows a handshake, such as tickets, is read first.
    for (session, what) in [(&mut client, "the client's"), (&mut server, "the server's")] {
        match within(AT_ONCE, "read", || session.read(&mut [0; 64])) {
            Err(Halt::Wait { read: true, .. }) => {}
            Err(halt) => return Err(format!("{what} read says {}", words(&halt))),
            Ok(n) => return Err(format!("{what} read makes {n} bytes of nothing")),
        }
    }
    Ok(())
}

fn bytes(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let Couple { mut client, mut server, .. } = bench.couple()?;
    let every: Vec<u8> = (0..=255).collect();
    for bytes in [every, pattern(1, 1), pattern(1 << 20, 2), vec![b'a'; 200_000]] {
        same("to the server", &carry(&mut client, &mut server, &bytes, 128 << 10)?, &bytes)?;
        same("to the client", &carry(&mut server, &mut client, &bytes, 4096)?, &bytes)?;
    }
    Ok(())
}

fn pending(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for step in [1, 100, 4096] {
        let Couple { mut client, mut server, pipe } = bench.couple()?;
        let bytes = pattern(40_000, 3);
        write_all(&mut client, &bytes)?;
        let mut got = Vec::new();
        let mut buffer = vec![0; step];
        loop {
            match server.read(&mut buffer) {
                Ok(n) => got.extend_from_slice(&buffer[..n]),
                // The stream below may be asked once more.
                Err(Halt::Wait { .. }) if !pipe.outbound().bytes.is_empty() => {}
                Err(Halt::Wait { .. }) => break,
                Err(halt) => return Err(format!("read: {}", words(&halt))),
            }
        }
        same(&format!("read {step} at a time until WOULD_BLOCK"), &got, &bytes)?;
    }
    Ok(())
}

fn trickle(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let mut couple = bench.couple_to_be()?;
    for channel in [couple.pipe.inbound(), couple.pipe.outbound()] {
        let mut channel = channel;
        (channel.chunk, channel.stutters) = (1, true);
    }
    couple.shake()?;
    let bytes = pattern(3000, 4);
    let Couple { mut client, mut server, .. } = couple;
    same("to the server", &carry(&mut client, &mut server, &bytes, 64)?, &bytes)?;
    same("to the client", &carry(&mut server, &mut client, &bytes, 64)?, &bytes)
}

fn stall(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let Couple { mut client, mut server, pipe } = bench.couple()?;
    let held = pipe.outbound().bytes.len();
    pipe.outbound().room = held;
    // Bytes that no layer makes smaller.
    let bytes = pattern(2 * MOST_HELD, 5);
    let mut taken = 0;
    loop {
        match within(AT_ONCE, "write", || client.write(&bytes[taken..])) {
            Ok(n) => taken += n,
            Err(Halt::Wait { write: true, .. }) => break,
            Err(halt) => return Err(format!("write says {}", words(&halt))),
        }
        must!(taken < MOST_HELD, "{taken} bytes are held back for a stream below that takes nothing");
    }
    pipe.outbound().room = usize::MAX;
    let mut got = carry_rest(&mut client, &mut server, taken)?;
    // The host passes the same bytes again.
    got.extend(carry(&mut client, &mut server, &bytes[taken..], 4096)?);
    same("after the stall", &got, &bytes)
}

/// What is held back already.
fn carry_rest(from: &mut Session, to: &mut Session, count: usize) -> Result<Vec<u8>, String> {
    let (mut got, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
    for _ in 0..10_000 {
        match from.write(&[]) {
            Ok(_) | Err(Halt::Wait { .. }) => {}
            Err(halt) => return Err(format!("flush: {}", words(&halt))),
        }
        match to.read(&mut buffer) {
            Ok(n) => got.extend_from_slice(&buffer[..n]),
            Err(Halt::Wait { .. }) => {}
            Err(halt) => return Err(format!("read: {}", words(&halt))),
        }
        if got.len() >= count {
            break;
        }
    }
    Ok(got)
}

fn flush(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let Couple { mut client, mut server, .. } = bench.couple()?;
    for bytes in [b"one".to_vec(), pattern(5000, 6), b"two".to_vec()] {
        write_all(&mut client, &bytes)?;
        // From here on nobody calls the writing end.
        let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
        for _ in 0..100 {
            match server.read(&mut buffer) {
                Ok(n) => got.extend_from_slice(&buffer[..n]),
                Err(Halt::Wait { .. }) => {}
                Err(halt) => return Err(format!("read: {}", words(&halt))),
            }
        }
        same("after a flush", &got, &bytes)?;
    }
    match client.write(&[]) {
        Ok(0) => Ok(()),
        Ok(n) => Err(format!("a flush takes {n} bytes")),
        Err(halt) => Err(format!("a flush of nothing says {}", words(&halt))),
    }
}

fn end(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for from_server in [false, true] {
        let Couple { mut client, mut server, .. } = bench.couple()?;
        let (near, far) = if from_server { (&mut server, &mut client) } else { (&mut client, &mut server) };
        write_all(near, b"the last")?;
        for round in 0.. {
            match near.shutdown() {
                Ok(()) => break,
                Err(Halt::Wait { .. }) if round < 10 => {}
                Err(halt) => return Err(format!("shutdown says {}", words(&halt))),
            }
        }
        let (got, halt) = read_out(far)?;
        same("before the end", &got, b"the last")?;
        for halt in [halt, read_out(far)?.1] {
            must!(matches!(halt, Halt::Closed), "read says {} at the other end's end", words(&halt));
        }
    }
    Ok(())
}

fn end_below(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let Couple { mut client, mut server, pipe } = bench.couple()?;
    write_all(&mut client, b"the last")?;
    pipe.outbound().ended = true;
    let (got, halt) = read_out(&mut server)?;
    same("before the end below", &got, b"the last")?;
    must!(matches!(halt, Halt::Closed | Halt::Failed(_)), "read says {}", words(&halt));
    let mut fresh = bench.couple_to_be()?;
    fresh.pipe.outbound().ended = true;
    for _ in 0..10 {
        match fresh.server.handshake() {
            Err(Halt::Wait { .. }) => {}
            // A layer that asks nothing of its peer.
            Ok(()) | Err(Halt::Closed | Halt::Failed(_)) => return Ok(()),
            Err(halt) => return Err(format!("a handshake with nobody says {}", words(&halt))),
        }
    }
    Err("a handshake with a stream below that has ended says WOULD_BLOCK for ever".to_owned())
}

fn broken_below(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let Couple { mut client, mut server, pipe } = bench.couple()?;
    for channel in [pipe.inbound(), pipe.outbound()] {
        let mut channel = channel;
        channel.broken = true;
    }
    match read_out(&mut server)?.1 {
        Halt::Failed(_) => {}
        halt => return Err(format!("read says {}", words(&halt))),
    }
    let mut written = Ok(0);
    for _ in 0..64 {
        written = client.write(&[b'x'; 16 << 10]).and_then(|_| client.write(&[]));
        if written.is_err() {
            break;
        }
    }
    match written {
        Err(Halt::Failed(_)) => Ok(()),
        Err(halt) => Err(format!("write says {}", words(&halt))),
        Ok(_) => Err("a megabyte is written and flushed into a broken stream".to_owned()),
    }
}

fn threads(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let mut couple = bench.couple_to_be()?;
    for round in 0..8_u8 {
        couple = std::thread::spawn(move || -> Result<Couple, String> {
            if round == 0 {
                couple.shake()?;
                return Ok(couple);
            }
            let bytes = [round; 20_000];
            same("on another thread", &carry(&mut couple.client, &mut couple.server, &bytes, 4096)?, &bytes)?;
            same("on another thread", &carry(&mut couple.server, &mut couple.client, &bytes, 100)?, &bytes)?;
            Ok(couple)
        })
        .join()
        .map_err(|_| "another thread's call panics".to_owned())??;
    }
    Ok(())
}

fn thousands(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    let count = subject.options.connections / 2;
    // A descriptor for each end.
    super::life::raise_limit(count)?;
    let mut all = Vec::with_capacity(count);
    for i in 0..count {
        all.push(bench.couple().map_err(|e| format!("session {i} of {count}: {e}"))?);
    }
    for (i, couple) in all.iter_mut().enumerate() {
        let bytes = format!("session {i:08}");
        let got = carry(&mut couple.client, &mut couple.server, bytes.as_bytes(), 64)?;
        same(&format!("session {i}"), &got, bytes.as_bytes())?;
    }
    Ok(())
}

fn heap(subject: &Subject) -> Result<(), String> {
    let (bytes, _) = left_behind(ROUNDS, || {
        let bench = Bench::new(subject)?;
        // Freed before, in the midst of, and after the handshake, and after the end.
        let mut untouched = bench.couple_to_be()?;
        let _ = untouched.client.handshake();
        drop(bench.couple_to_be()?);
        let Couple { mut client, mut server, .. } = bench.couple()?;
        carry(&mut client, &mut server, b"some bytes", 4)?;
        write_all(&mut server, &[b'x'; 10_000])?;
        client.shutdown().map_err(|halt| words(&halt))?;
        // What the judge keeps is the kit's own.
        bench.judge.asked();
        read_out(&mut server).map(drop)
    })?;
    must!(bytes < LEAST_LEAK, "contexts and sessions leave {bytes} bytes behind");
    Ok(())
}

fn write_all(session: &mut Session, bytes: &[u8]) -> Result<(), String> {
    let mut sent = 0;
    for _ in 0..10_000 {
        match session.write(&bytes[sent..]) {
            Ok(_) if sent == bytes.len() => return Ok(()),
            Ok(n) => sent += n,
            Err(Halt::Wait { .. }) => {}
            Err(halt) => return Err(format!("write: {}", words(&halt))),
        }
    }
    Err(format!("{sent} of {} bytes are taken, and nothing moves", bytes.len()))
}

/// Reads until something else than bytes or WOULD_BLOCK comes.
fn read_out(session: &mut Session) -> Result<(Vec<u8>, Halt), String> {
    let (mut got, mut buffer) = (Vec::new(), [0; 4096]);
    for _ in 0..100 {
        match session.read(&mut buffer) {
            Ok(n) => got.extend_from_slice(&buffer[..n]),
            Err(Halt::Wait { .. }) => {}
            Err(halt) => return Ok((got, halt)),
        }
    }
    Err(format!("read says WOULD_BLOCK for ever after {} bytes, though it is over", got.len()))
}

/// What a layer may hold back.
const MOST_HELD: usize = 4 << 20;
const ROUNDS: usize = 200;
const LEAST_LEAK: usize = 64;
