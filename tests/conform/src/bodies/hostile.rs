//! Texts that no sane configuration has: a driver refuses them in words, or makes do; it neither panics nor dies.

use super::must;
use crate::duel::Bench;
use crate::line::Line;
use crate::pipe::pipe;
use crate::road::{Road, words};
use crate::subject::Subject;
use crate::watchdog::{AT_ONCE, within};
use std::time::Duration;
use sysloom_abi::manifest_flag::{LAYER, TRANSPORT};
use sysloom_engine::plugin::{Fault, Halt, Side, StreamValues};

/// Their lines.
pub const LINES: &[Line] = &[
    Line {
        name: "hostile.context",
        rule: "ABI DriverVt::context: null, Complaint::text",
        text: "parameters that are endless or no texts of any sense are refused in words or do no harm",
        needs: 0,
        body: context,
    },
    Line {
        name: "hostile.listen",
        rule: "ABI ListenAt::address, ListenAt::port: FAILED",
        text: "addresses and ports that cannot be are refused in words, or mean nothing to the transport",
        needs: TRANSPORT,
        body: listen,
    },
    Line {
        name: "hostile.connect",
        rule: "ABI ConnectTo::host, ConnectTo::port, ConnectTo::local: FAILED",
        text: "hosts, ports and local addresses that cannot be are refused in words, or mean nothing to the transport",
        needs: TRANSPORT,
        body: connect,
    },
    Line {
        name: "hostile.server-name",
        rule: "ABI DriverVt::session: null, Complaint::text",
        text: "server names that cannot be are refused in words or not asked for",
        needs: LAYER,
        body: server_name,
    },
];

/// Texts that are too long, have a NUL within, or have characters that nothing has.
fn texts() -> [String; 4] {
    ["x".repeat(MEGABYTE), "a\0b".to_owned(), "\u{202e}\r\n\t%s%n".to_owned(), "/".repeat(5000)]
}

fn refused(what: &str, why: &Fault) -> Result<(), String> {
    must!(!why.text.is_empty(), "{what} is refused without a word");
    must!(!why.text.contains("panicked"), "{what}: {}", why.text);
    Ok(())
}

fn context(subject: &Subject) -> Result<(), String> {
    for text in texts() {
        let some = || Some(text.clone());
        let plain = StreamValues { auth_mode: "anon".to_owned(), ..StreamValues::default() };
        for values in [
            StreamValues { auth_mode: text.clone(), ..plain.clone() },
            StreamValues { ca_file: some(), ..plain.clone() },
            StreamValues { cert_file: some(), key_file: some(), ..plain.clone() },
            StreamValues { crl_file: some(), ca_extra_files: some(), ..plain.clone() },
            StreamValues { priority: some(), ..plain.clone() },
            StreamValues { mode: i64::MIN, ..plain.clone() },
        ] {
            for side in [Side::Server, Side::Client] {
                if let Err(why) = within(AT_ONCE, "context", || subject.driver.context(1, side, &values)) {
                    refused("a context", &why)?;
                }
            }
        }
    }
    Ok(())
}

fn listen(subject: &Subject) -> Result<(), String> {
    let context = subject.plain(Side::Server)?;
    let own = &subject.options.listen;
    // None that a resolver would ask the network for.
    let [long, nul, _, slashes] = texts();
    let nowhere = [long, nul, slashes].map(|text| (text, "0".to_owned()));
    let ports = ["", "65536", "-1", "99999999999999999999"].map(|port| (own.clone(), port.to_owned()));
    let endless = (own.clone(), "9".repeat(MEGABYTE));
    for (address, port) in nowhere.into_iter().chain(ports).chain([endless]) {
        // A port that no TCP has may be the name of something else, and then it is listened on.
        if let Err(why) = within(AT_ONCE, "listen", || context.listen(&address, &port, 0, 8)) {
            refused("a listener", &why)?;
        }
    }
    Ok(())
}

fn connect(subject: &Subject) -> Result<(), String> {
    let road = Road::new(subject)?;
    let own = road.dial.port().to_owned();
    let limit = Duration::from_millis(500);
    let check = |host: &str, port: &str, local: &str| match within(limit + AT_ONCE, "connect", || {
        road.dial.elsewhere(host, port, local, limit)
    }) {
        Err(Halt::Failed(why) | Halt::TimedOut(why)) => refused("a connection", &why),
        Err(halt) => Err(format!("connect says {}", words(&halt))),
        // What means nothing to a transport may be ignored.
        Ok(_) => Ok(()),
    };
    for text in [texts()[0].clone(), texts()[1].clone()] {
        check(&text, &own, "")?;
        check(&subject.options.connect, &own, &text)?;
        check(&subject.options.connect, &text, "")?;
    }
    for port in ["", "65536", "-1"] {
        check(&subject.options.connect, port, "")?;
    }
    Ok(())
}

fn server_name(subject: &Subject) -> Result<(), String> {
    let bench = Bench::new(subject)?;
    for name in texts().iter().map(String::as_str).chain(["a b", "-", ".", "..", "a..b", "*.example.net"]) {
        let (near, _far) = pipe();
        match within(AT_ONCE, "session", || bench.session(Side::Client, near, name)) {
            Ok(mut session) => match within(AT_ONCE, "handshake", || session.handshake()) {
                Ok(()) | Err(Halt::Wait { .. }) => {}
                Err(Halt::Failed(why)) => refused("a handshake", &why)?,
                Err(halt) => return Err(format!("the handshake says {}", words(&halt))),
            },
            Err(why) => refused("a session", &Fault::new(why))?,
        }
    }
    Ok(())
}

const MEGABYTE: usize = 1 << 20;
