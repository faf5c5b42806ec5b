//! What the kernel writes: lines `<6>[   12.345678] text` in /proc/kmsg, records `6,339,12345678,-;text` in /dev/kmsg.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// A message of the kernel's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub pri: u32,
    /// Microseconds since the machine was started.
    pub stamp_us: Option<i64>,
    pub text: &'a [u8],
}

/// One line of /proc/kmsg.
pub fn from_text(line: &[u8]) -> Message<'_> {
    let (mut pri, mut text) = pri_of(line).unwrap_or((KERN_INFO, line));
    // rsyslog: with two PRIs the second one is that of the program behind the message.
    if let Some((inner, rest)) = pri_of(text) {
        (pri, text) = (inner, rest);
    }
    match stamp_of(text) {
        Some((us, rest)) => Message { pri, stamp_us: Some(us), text: rest },
        None => Message { pri, stamp_us: None, text },
    }
}

/// One record of /dev/kmsg, of which the first line is the message.
pub fn from_device(record: &[u8]) -> Option<Message<'_>> {
    let semicolon = record.iter().position(|byte| *byte == b';')?;
    let (head, rest) = (record.get(..semicolon)?, record.get(semicolon + 1..)?);
    let mut fields = std::str::from_utf8(head).ok()?.split(',');
    let (pri, _, us) = (fields.next()?, fields.next()?, fields.next()?);
    Some(Message {
        pri: pri.parse().ok()?,
        stamp_us: us.parse().ok(),
        text: rest.split(|byte| *byte == b'\n').next()?,
    })
}

/// Appends the message as a local program would write it, with the kernel's stamp or without.
pub fn push(block: &mut Vec<u8>, message: &Message<'_>, stamp: bool) {
    // A Vec takes everything.
    let _ = write!(block, "<{}>kernel: ", message.pri);
    if let (Some(us), true) = (message.stamp_us, stamp) {
        let _ = write!(block, "[{:5}.{:06}] ", us / 1_000_000, us % 1_000_000);
    }
    block.extend_from_slice(message.text);
}

/// When the machine was started, in nanoseconds since 1970.
pub fn boot_ns() -> Option<i64> {
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(i64::try_from(now.as_nanos()).ok()? - (seconds * 1e9) as i64)
}

fn pri_of(line: &[u8]) -> Option<(u32, &[u8])> {
    let rest = line.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let pri = std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()?;
    (pri <= 191).then_some((pri, rest.get(end + 1..)?))
}

/// `[   12.345678] ` at the start of the text, in microseconds.
fn stamp_of(text: &[u8]) -> Option<(i64, &[u8])> {
    let rest = text.strip_prefix(b"[")?;
    let end = rest.iter().take(32).position(|byte| *byte == b']')?;
    let stamp = std::str::from_utf8(rest.get(..end)?).ok()?.trim_start();
    let (seconds, micros) = stamp.split_once('.')?;
    if micros.len() != 6 || !micros.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let us = seconds.parse::<u32>().map(i64::from).ok()? * 1_000_000 + micros.parse::<i64>().ok()?;
    let after = rest.get(end + 1..)?;
    Some((us, after.strip_prefix(b" ").unwrap_or(after)))
}

/// PRI of a line without one.
const KERN_INFO: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> (u32, Option<i64>, &[u8]) {
        let message = from_text(line.as_bytes());
        (message.pri, message.stamp_us, message.text)
    }

    #[test]
    fn lines_of_proc_kmsg() {
        assert_eq!(text("<6>[   12.345678] usb 1-1: new"), (6, Some(12_345_678), &b"usb 1-1: new"[..]));
        assert_eq!(text("<30>systemd[1]: x"), (30, None, &b"systemd[1]: x"[..]));
        assert_eq!(text("<30><5>[    0.000001] x"), (5, Some(1), &b"x"[..]));
        assert_eq!(text("no pri"), (6, None, &b"no pri"[..]));
        assert_eq!(text("<999>x"), (6, None, &b"<999>x"[..]));
        assert_eq!(text("<4>[drm] x"), (4, None, &b"[drm] x"[..]));
        assert_eq!(text("<4>[ 1.5] x"), (4, None, &b"[ 1.5] x"[..]));
        assert_eq!(text("<4>[ -1.000000] x"), (4, None, &b"[ -1.000000] x"[..]));
    }

    #[test]
    fn records_of_dev_kmsg() {
        let record = b"6,339,5140900,-;NET: Registered protocol family 10\n SUBSYSTEM=net\n DEVICE=+x\n";
        let found = from_device(record).unwrap();
        assert_eq!((found.pri, found.stamp_us), (6, Some(5_140_900)));
        assert_eq!(found.text, b"NET: Registered protocol family 10");
        assert_eq!(from_device(b"rubbish"), None);
        assert_eq!(from_device(b"1,2;x"), None);
    }

    #[test]
    fn the_stamp_is_written_as_the_kernel_does() {
        let mut block = Vec::new();
        let message = from_text(b"<6>[   12.345678] usb");
        push(&mut block, &message, true);
        push(&mut block, &message, false);
        assert_eq!(block, b"<6>kernel: [   12.345678] usb<6>kernel: usb");
    }

    #[test]
    fn the_machine_was_started_before_now() {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
        let booted = boot_ns().unwrap();
        assert!(booted > 0 && booted <= now);
    }
}
