//! What is made is freed, however often, however many, and from whatever thread.

use super::must;
use crate::count::left_behind;
use crate::line::Line;
use crate::road::{Ends, Road, read_exact, same, settle, write_all};
use crate::subject::Subject;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sysloom_abi::manifest_flag::TRANSPORT;
use sysloom_engine::plugin::{Session, Side};

/// Their lines.
pub const LINES: &[Line] = &[
    Line {
        name: "transport.heap",
        rule: "ABI DriverVt::free, unlisten, context_free",
        text: "contexts, listeners and streams that come and go leave no heap behind",
        needs: TRANSPORT,
        body: heap,
    },
    Line {
        name: "transport.descriptors",
        rule: "ABI Connected::fd, Listening::fds",
        text: "contexts, listeners and streams that come and go leave no descriptor open",
        needs: TRANSPORT,
        body: descriptors,
    },
    Line {
        name: "transport.threads",
        rule: "ABI driver.rs: one thread at a time, but not always the same one",
        text: "a stream goes on when another thread calls it",
        needs: TRANSPORT,
        body: threads,
    },
    Line {
        name: "transport.thousands",
        rule: "ABI DriverVt::accept, DriverVt::connect",
        text: "thousands of connections at once each carry their own bytes",
        needs: TRANSPORT,
        body: thousands,
    },
];

fn heap(subject: &Subject) -> Result<(), String> {
    let (bytes, _) = left_behind(ROUNDS, || once(subject))?;
    must!(bytes < LEAST_LEAK, "a context, a listener and a stream leave {bytes} bytes behind");
    Ok(())
}

fn descriptors(subject: &Subject) -> Result<(), String> {
    let (_, count) = left_behind(ROUNDS, || once(subject))?;
    must!(
        count == 0,
        "{count} descriptors are open after {ROUNDS} rounds of a context, a listener and a stream"
    );
    Ok(())
}

/// A whole life, failures included.
fn once(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    let again = subject.plain(Side::Server)?.listen(&subject.options.listen, road.port(), 0, 8);
    drop(again);
    let Ends { connected, accepted } = road.join()?;
    let (mut near, mut far) = (connected.session, accepted.session);
    write_all(&mut near, b"there")?;
    same("there", &read_exact(&mut far, 5, 64)?, b"there")?;
    write_all(&mut far, b"back")?;
    same("back", &read_exact(&mut near, 4, 64)?, b"back")?;
    settle(&mut near, "shutdown", Session::shutdown)?;
    // Nobody listens there any more.
    let _ = road.part().dial(std::time::Duration::from_secs(1));
    Ok(())
}

fn threads(subject: &Subject) -> Result<(), String> {
    let mut road = Road::new(subject)?;
    let Ends { connected, accepted } = road.join()?;
    let (mut near, mut far) = (connected.session, accepted.session);
    for round in 0..8_u8 {
        (near, far) = std::thread::spawn(move || -> Result<_, String> {
            write_all(&mut near, &[round; 100])?;
            same("on another thread", &read_exact(&mut far, 100, 64)?, &[round; 100])?;
            Ok((near, far))
        })
        .join()
        .map_err(|_| "another thread's call panics".to_owned())??;
    }
    Ok(())
}

fn thousands(subject: &Subject) -> Result<(), String> {
    let count = subject.options.connections;
    raise_limit(count)?;
    let mut road = Road::new(subject)?;
    let mut all = Vec::with_capacity(count);
    for i in 0..count {
        let Ends { connected, accepted } =
            road.join().map_err(|e| format!("connection {i} of {count}: {e}"))?;
        all.push((connected.session, accepted.session));
    }
    for (i, (near, _)) in all.iter_mut().enumerate() {
        write_all(near, format!("connection {i:08}").as_bytes())?;
    }
    for (i, (_, far)) in all.iter_mut().enumerate() {
        let wanted = format!("connection {i:08}");
        same(&format!("connection {i}"), &read_exact(far, wanted.len(), 64)?, wanted.as_bytes())?;
    }
    Ok(())
}

/// Two descriptors a connection, and some for the rest.
pub fn raise_limit(connections: usize) -> Result<(), String> {
    let wanted = connections as u64 * 2 + 128;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|e| format!("the limit of files: {e}"))?;
    if soft >= wanted {
        return Ok(());
    }
    must!(hard >= wanted, "the system allows {hard} open files and not {wanted}: use --connections");
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).map_err(|e| format!("the limit of files: {e}"))
}

const ROUNDS: usize = 60;
/// Bytes a round that are no accident.
const LEAST_LEAK: usize = 64;
