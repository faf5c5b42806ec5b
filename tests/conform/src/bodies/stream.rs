//! Whole streams of the driver, listened to and connected by the engine's netstream as the daemon does it.

use super::must;
use crate::line::Line;
use crate::road::{Road, same};
use crate::subject::Subject;
use crate::town::{Town, until};
use std::time::Duration;
use sysloom_abi::manifest_flag::ENCRYPTS;
use sysloom_abi::status;
use sysloom_engine::netstream::StreamParams;
use sysloom_tests::Dir;
use sysloom_tests::pki::{Pki, Wish};

/// Their lines. Every driver is held to them: a layer stands on `ptcp`.
pub const LINES: &[Line] = &[
    Line {
        name: "stream.messages",
        rule: "ABI driver.rs; RFC 6587 3.1",
        text: "what an output writes arrives at an input, and the end is an orderly one",
        needs: 0,
        body: messages,
    },
    Line {
        name: "stream.crowd",
        rule: "ABI driver.rs: sessions on many threads",
        text: "many clients at once all get through",
        needs: 0,
        body: crowd,
    },
    Line {
        name: "stream.silent-peers",
        rule: "ABI driver.rs: all streams are nonblocking",
        text: "peers that connect and say nothing keep nobody from getting through",
        needs: 0,
        body: silent_peers,
    },
    Line {
        name: "stream.listener-gone",
        rule: "ABI Host::stream_write: CLOSED; RFC 5425 4.4",
        text: "when the listening side stops, the client knows before it writes again",
        needs: 0,
        body: listener_gone,
    },
];

/// The parameters of both sides.
fn params(town: &Town<'_>, subject: &Subject, dir: &Dir) -> StreamParams {
    if subject.facts.flags & ENCRYPTS == 0 {
        return town.params();
    }
    let own = Pki::new(dir).issue(dir, "own", &Wish { names: &["localhost"], ..Wish::default() });
    StreamParams {
        cert_file: Some(own.cert.display().to_string()),
        key_file: Some(own.key.display().to_string()),
        ..town.params()
    }
}

fn connect(town: &Town<'_>, params: &StreamParams, port: &str) -> Result<i64, String> {
    town.connect(params, port).map_err(|(_, why)| format!("{} ({})", why.text, town.last_line()))
}

fn write(town: &Town<'_>, stream: i64, bytes: &[u8]) -> Result<(), String> {
    town.net.write(stream, bytes, Duration::from_secs(10)).map_err(|why| format!("write: {}", why.why.text))
}

fn messages(subject: &Subject) -> Result<(), String> {
    let (town, dir) = (Town::new(subject)?, Dir::new());
    let params = params(&town, subject, &dir);
    let (port, desk) = town.listen(&params)?;
    let stream = connect(&town, &params, &port)?;
    let mut all = Vec::new();
    for i in 0..2000 {
        let line = format!("<13>message {i}\n");
        write(&town, stream, line.as_bytes())?;
        all.extend_from_slice(line.as_bytes());
    }
    town.net.close(stream);
    must!(until(|| !desk.ends().is_empty()), "the end does not arrive: {}", town.last_line());
    same("at the input", &desk.got(), &all)?;
    must!(desk.ends() == [status::CLOSED], "the stream ends with status {:?}", desk.ends());
    Ok(())
}

fn crowd(subject: &Subject) -> Result<(), String> {
    let (town, dir) = (Town::new(subject)?, Dir::new());
    let params = params(&town, subject, &dir);
    let (port, desk) = town.listen(&params)?;
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| -> Result<(), String> {
                    for _ in 0..10 {
                        let streams: Result<Vec<i64>, String> =
                            (0..5).map(|_| connect(&town, &params, &port)).collect();
                        for stream in streams? {
                            write(&town, stream, &[b'x'; 1000])?;
                            town.net.close(stream);
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        clients.into_iter().try_for_each(|c| c.join().map_err(|_| "a client panics".to_owned())?)
    })?;
    must!(until(|| desk.got().len() == 200_000), "{} of 200000 bytes arrive", desk.got().len());
    Ok(())
}

fn silent_peers(subject: &Subject) -> Result<(), String> {
    let (town, dir) = (Town::new(subject)?, Dir::new());
    let params = params(&town, subject, &dir);
    let (port, desk) = town.listen(&params)?;
    // The transport's streams without the layer: they never say a word.
    let silent: Result<Vec<_>, String> = (0..40).map(|_| Road::bare(subject, &port)).collect();
    let silent = silent?;
    let stream = connect(&town, &params, &port)?;
    write(&town, stream, b"<13>through\n")?;
    must!(until(|| desk.got() == b"<13>through\n"), "nothing gets through past 40 silent peers");
    town.net.close(stream);
    drop(silent);
    Ok(())
}

fn listener_gone(subject: &Subject) -> Result<(), String> {
    let (town, dir) = (Town::new(subject)?, Dir::new());
    let params = params(&town, subject, &dir);
    let (port, desk) = town.listen(&params)?;
    let stream = connect(&town, &params, &port)?;
    write(&town, stream, b"<13>before\n")?;
    must!(until(|| desk.got() == b"<13>before\n"), "what was written does not arrive");
    town.net.stop_listening(Duration::from_secs(5));
    must!(until(|| !town.net.alive(stream)), "the client does not know that the listening side has ended");
    match town.net.write(stream, b"<13>after\n", Duration::from_secs(5)) {
        Err(why) if why.status == status::CLOSED && why.written == 0 => Ok(()),
        Err(why) => Err(format!("a write says status {}: {}", why.status, why.why.text)),
        Ok(()) => Err("a write into an ended stream succeeds".to_owned()),
    }
}
