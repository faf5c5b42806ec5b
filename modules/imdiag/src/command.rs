//! The commands: one line in, one reply out, in order.

use crate::{Imdiag, inject};
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Obeys one line and gives the reply without its LF. `None` when the daemon stops meanwhile.
pub fn obey(imdiag: &Imdiag, line: &str, stop: BorrowedFd<'_>) -> Option<String> {
    let line = line.trim_start_matches(' ');
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let first = rest.split(' ').find(|word| !word.is_empty()).unwrap_or_default();
    let host = &imdiag.host;
    let number = |command: &str| host.control(command, "").unwrap_or(0);
    let time = |command: &str| match first.parse::<u32>() {
        Ok(_) if host.control(command, first).is_ok() => "OK".to_owned(),
        _ => "ERROR: invalid timeout value".to_owned(),
    };
    Some(match word.to_ascii_lowercase().as_str() {
        "getmainmsgqueuesize" => number("queues.size").to_string(),
        "waitmainqueueempty" => {
            wait_empty(imdiag, stop)?;
            "mainqueue empty".into()
        }
        "injectmsg" => inject::inject(imdiag, rest, stop)?,
        "awaithupcomplete" => await_hup(imdiag, stop)?,
        "awaitlookuptablereload" => {
            while number("lookups.pending") > 0 {
                crate::nap(stop, Duration::from_millis(500))?;
            }
            "no pending lookup-table reloads found".into()
        }
        "blockstatsreporting" => {
            imdiag.gate.block();
            "next stats reporting call will be blocked".into()
        }
        "awaitstatsreport" => {
            if !imdiag.gate.unblock(first.eq_ignore_ascii_case("block_again")) {
                return Some("imdiag::error : stats reporting was not blocked, bug?".into());
            }
            while !imdiag.gate.wait_report(Duration::from_millis(20)) {
                crate::nap(stop, Duration::ZERO)?;
            }
            "stats reporting was unblocked".into()
        }
        "setmainmsgqueuetimeoutshutdown" => time("mainqueue.timeoutShutdown"),
        "setmainmsgqueuetimeoutenqueue" => time("mainqueue.timeoutEnqueue"),
        "setinputshutdowntimeout" => time("inputs.timeout.shutdown"),
        "setdefaultactionqueuetimeoutshutdown" => time("default action.queue.timeoutShutdown"),
        "setdefaultactionqueuetimeoutenqueue" => time("default action.queue.timeoutEnqueue"),
        "setsegdiskfault" => disk_fault(imdiag, "queue.fault", rest),
        "clearsegdiskfault" => disk_fault(imdiag, "queue.nofault", ""),
        "enabledebug" => {
            // Without it the daemon still says that it heard.
            let _ = host.control("log.debug", "");
            "debug enabled".into()
        }
        _ => format!("unkown command '{word}'"),
    })
}

/// rsyslog: the queue counts as empty when it was so several times in a row.
fn wait_empty(imdiag: &Imdiag, stop: BorrowedFd<'_>) -> Option<()> {
    let mut empty = 0;
    loop {
        // What the daemon itself said counts, too.
        let _ = imdiag.host.control("log.flush", "");
        let size = imdiag.host.control("queues.size", "").unwrap_or(0);
        empty = if size == 0 { empty + 1 } else { 0 };
        if empty >= imdiag.empty_checks {
            return Some(());
        }
        let pause = match size {
            0..=500 => 100,
            501..=2000 => 200,
            _ => 1000,
        };
        crate::nap(stop, Duration::from_millis(pause))?;
    }
}

fn await_hup(imdiag: &Imdiag, stop: BorrowedFd<'_>) -> Option<String> {
    let (mut tries, mut quiet, mut seen) = (0, 0, false);
    while quiet < 10 {
        tries += 1;
        if imdiag.host.control("hup.pending", "").unwrap_or(0) > 0 {
            (quiet, seen) = (0, true);
        } else {
            quiet += 1;
        }
        crate::nap(stop, Duration::from_micros(2500))?;
    }
    Some(match seen {
        true => format!("seen HUP request, looks like it has completed [{tries} tries]"),
        false => format!("timeout - looks like_HUP has completed [{tries} tries]"),
    })
}

fn disk_fault(imdiag: &Imdiag, command: &str, argument: &str) -> String {
    match imdiag.host.control(command, argument) {
        Ok(_) => "OK".into(),
        Err(why) => format!("ERROR: {}", why.text),
    }
}
