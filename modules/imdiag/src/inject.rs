//! Messages out of nowhere: `injectmsg FROM COUNT [DELAYMS]` and `injectmsg literal TEXT`.

use crate::Imdiag;
use std::fmt::Write;
use std::os::fd::BorrowedFd;
use std::time::Duration;
use sysloom_sdk::{Frame, Submit};

/// Injects, and gives the reply; `None` when the daemon stops meanwhile.
pub fn inject(imdiag: &Imdiag, arguments: &str, stop: BorrowedFd<'_>) -> Option<String> {
    let arguments = arguments.trim_start_matches(' ');
    let literal = arguments.get(..LITERAL.len()).filter(|word| word.eq_ignore_ascii_case(LITERAL));
    if literal.is_some() {
        let text = arguments.get(LITERAL.len()..).unwrap_or_default();
        return Some(match imdiag.submit(text.as_bytes(), &[frame(imdiag, 0, text.len())], Submit::FLUSH) {
            true => "1 messages injected".into(),
            false => REFUSED.into(),
        });
    }
    let mut words = arguments.split(' ').filter(|word| !word.is_empty());
    let (from, count) = (words.next().map(str::parse), words.next().map(str::parse));
    let (Some(Ok(from)), Some(Ok(count))) = (from, count) else {
        return Some("imdiag::error injectmsg needs a first number and a count".into());
    };
    let delay = match words.next().map(str::parse::<u64>) {
        None => Duration::ZERO,
        Some(Ok(ms)) => Duration::from_millis(ms),
        Some(Err(_)) => return Some("imdiag::error injectmsg: the delay is no number".into()),
    };
    match numbered(imdiag, from, count, delay, stop)? {
        true => Some(format!("{count} messages injected")),
        false => Some(REFUSED.into()),
    }
}

/// Hands over as many messages at once as make a block; one by one if there is a delay between them.
fn numbered(imdiag: &Imdiag, from: i64, count: u64, delay: Duration, stop: BorrowedFd<'_>) -> Option<bool> {
    let (mut block, mut frames) = (String::new(), Vec::new());
    for n in 0..count {
        let off = block.len();
        // Writing to a String cannot fail.
        let _ =
            write!(block, "<167>Mar  1 01:00:00 192.0.2.8 tag msgnum:{:08}:", from.wrapping_add_unsigned(n));
        frames.push(frame(imdiag, off, block.len() - off));
        let last = n + 1 == count;
        if last || !delay.is_zero() || block.len() >= BLOCK {
            let flush = if last || !delay.is_zero() { Submit::FLUSH } else { Submit::NONE };
            if !imdiag.submit(block.as_bytes(), &frames, flush) {
                return Some(false);
            }
            block.clear();
            frames.clear();
            if !last {
                crate::nap(stop, delay)?;
            }
        }
    }
    Some(true)
}

fn frame(imdiag: &Imdiag, off: usize, len: usize) -> Frame {
    // A block is far below 4 GiB.
    Frame { off: off as u32, len: len as u32, peer: imdiag.peer(), ..Frame::default() }
}

const LITERAL: &str = "literal ";
const REFUSED: &str = "imdiag::error the daemon takes no more messages";
/// Bytes of messages that are handed over at once.
const BLOCK: usize = 32 * 1024;
