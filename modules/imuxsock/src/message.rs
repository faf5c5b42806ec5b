//! What is read from and changed in a message before it is submitted: severity, process id, annotation.

use std::fs;
use std::io::Write;

/// Bytes behind a message that [`fix_pid`], [`annotate`] and [`variables`] may use.
pub const ROOM: usize = 16 << 10;

/// The severity of a message's PRI; notice if it has none, as for every local message.
pub fn severity(message: &[u8]) -> u8 {
    const NOTICE: u8 = 5;
    let Some(digits) = message.strip_prefix(b"<") else { return NOTICE };
    let mut number = 0u16;
    for (index, byte) in digits.iter().enumerate().take(4) {
        match byte {
            b'0'..=b'9' => number = number * 10 + u16::from(byte - b'0'),
            b'>' if index > 0 => return (number & 7) as u8,
            _ => break,
        }
    }
    NOTICE
}

/// Puts the sender's true process id into the tag, whether it has one or not. `room` holds the message in its first
/// `len` bytes; the result is the new length.
pub fn fix_pid(room: &mut [u8], len: usize, pid: i32) -> usize {
    let Some(message) = room.get(..len) else { return len };
    let start = tag_at(message);
    let tag = message.get(start..).unwrap_or_default();
    let tag = tag.split(|b| *b == b' ').next().unwrap_or_default();
    let Some(open) = tag.iter().position(|b| matches!(b, b'[' | b':')) else { return len };
    // rsyslog: everything from the bracket to the colon gives way.
    let close = tag.iter().skip(open).position(|b| *b == b':').map(|at| open + at);
    let bracket = || tag.iter().position(|b| *b == b']').map(|at| at + 1);
    let Some(close) = close.or_else(bracket).filter(|close| *close >= open) else { return len };
    let (from, to) = (start + open, start + close);
    let mut text = [0u8; 16];
    let mut rest = text.as_mut_slice();
    if write!(rest, "[{pid}]").is_err() {
        return len;
    }
    let left = rest.len();
    let count = text.len() - left;
    let new_len = len - (to - from) + count;
    if new_len > room.len() {
        return len;
    }
    room.copy_within(to..len, from + count);
    if let (Some(place), Some(text)) = (room.get_mut(from..from + count), text.get(..count)) {
        place.copy_from_slice(text);
    }
    new_len
}

/// Appends what the system knows of the process: ids, name, program, command line. Returns the new length.
pub fn annotate(room: &mut [u8], len: usize, pid: i32, uid: u32, gid: u32) -> usize {
    let text = match room.get(..len) {
        Some(text) => trimmed(text),
        None => return len,
    };
    let Some(mut rest) = room.get_mut(text..) else { return len };
    let total = rest.len();
    // What does not fit is left out, the closing bracket is not.
    let _ = write!(Reserved(&mut rest), " @[_PID={pid} _UID={uid} _GID={gid}");
    let Process { comm, exe, line } = Process::new(pid);
    // rsyslog: only the command line is quoted.
    for (name, value) in [("_COMM", comm), ("_EXE", exe), ("_CMDLINE", line.map(|line| quoted(&line)))] {
        let Some(value) = value else { continue };
        if value.len() + name.len() + 3 < rest.len() {
            let _ = write!(rest, " {name}=");
            let _ = rest.write_all(&value);
        }
    }
    let _ = rest.write_all(b"]");
    text + total - rest.len()
}

/// Writes the same as a JSON object to the beginning of `room`, behind its length in four bytes, as
/// `frame_flag::VARIABLES` wants it. Returns how many bytes were written.
pub fn variables(room: &mut [u8], pid: i32, uid: u32, gid: u32) -> usize {
    let mut text = format!("{{\"pid\":{pid},\"uid\":{uid},\"gid\":{gid}").into_bytes();
    let Process { comm, exe, line } = Process::new(pid);
    for (name, value) in [("appname", comm), ("exe", exe), ("cmd", line)] {
        let Some(value) = value else { continue };
        let before = text.len();
        text.extend_from_slice(format!(",\"{name}\":\"").as_bytes());
        for byte in value {
            match byte {
                b'"' | b'\\' => text.extend_from_slice(&[b'\\', byte]),
                0..b' ' => text.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => text.push(byte),
            }
        }
        text.push(b'"');
        if text.len() + PREFIX >= room.len() {
            text.truncate(before);
        }
    }
    text.push(b'}');
    let (Ok(len), Some(place)) = (u32::try_from(text.len()), room.get_mut(..PREFIX + text.len())) else {
        return 0;
    };
    let (prefix, object) = place.split_at_mut(PREFIX);
    prefix.copy_from_slice(&len.to_le_bytes());
    object.copy_from_slice(&text);
    PREFIX + text.len()
}

/// What /proc says of a process.
struct Process {
    comm: Option<Vec<u8>>,
    exe: Option<Vec<u8>>,
    line: Option<Vec<u8>>,
}

impl Process {
    fn new(pid: i32) -> Self {
        let dir = format!("/proc/{pid}");
        Self {
            comm: fs::read(format!("{dir}/comm")).ok().map(first_line),
            exe: fs::read_link(format!("{dir}/exe")).ok().map(|p| p.into_os_string().into_encoded_bytes()),
            line: fs::read(format!("{dir}/cmdline")).ok().map(first_line),
        }
    }
}

/// A property as far as it is one line. The arguments of a command line are ended by NULs.
// rsyslog: the last one's blank stays.
fn first_line(mut value: Vec<u8>) -> Vec<u8> {
    let end = value.iter().position(|b| *b == b'\n').unwrap_or(value.len());
    value.truncate(end.min(MAX_PROPERTY));
    value.iter_mut().filter(|b| **b == 0).for_each(|b| *b = b' ');
    value
}

/// Keeps a byte for the closing bracket.
struct Reserved<'a, 'b>(&'a mut &'b mut [u8]);

impl Write for Reserved<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = self.0.len().saturating_sub(1);
        self.0.write(bytes.get(..room.min(bytes.len())).unwrap_or_default())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The length of a message without the LF and NUL at its end.
fn trimmed(message: &[u8]) -> usize {
    message.iter().rposition(|b| !matches!(b, b'\n' | 0)).map_or(0, |last| last + 1)
}

fn quoted(value: &[u8]) -> Vec<u8> {
    let mut out = vec![b'"'];
    for &byte in value {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

/// Where the tag begins: after PRI and, if there is one, a time stamp like `Oct  1 22:14:15 `.
fn tag_at(message: &[u8]) -> usize {
    let after_pri = match message.first() {
        Some(b'<') => message.iter().take(5).position(|b| *b == b'>').map_or(0, |at| at + 1),
        _ => 0,
    };
    let rest = message.get(after_pri..).unwrap_or_default();
    let stamped = [(3, b' '), (6, b' '), (9, b':'), (12, b':'), (15, b' ')];
    let has_stamp = stamped.iter().all(|(at, byte)| rest.get(*at) == Some(byte));
    if has_stamp { after_pri + 16 } else { after_pri }
}

/// Bytes of the length before an object of variables.
const PREFIX: usize = 4;
/// Bytes of one property that are worth keeping.
const MAX_PROPERTY: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(message: &str, pid: i32) -> String {
        let mut room = message.as_bytes().to_vec();
        room.resize(message.len() + ROOM, b'#');
        let len = fix_pid(&mut room, message.len(), pid);
        String::from_utf8(room[..len].to_vec()).unwrap()
    }

    #[test]
    fn severities() {
        for (message, number) in
            [("<0>x", 0), ("<13>x", 5), ("<191>x", 7), ("x", 5), ("<>x", 5), ("<12", 5), ("<1234>", 5)]
        {
            assert_eq!(severity(message.as_bytes()), number, "{message}");
        }
    }

    #[test]
    fn the_tag_gets_the_pid() {
        for (before, after) in [
            ("<13>Oct  1 22:14:15 su[1]: x[2]", "<13>Oct  1 22:14:15 su[4711]: x[2]"),
            ("<13>Oct 11 22:14:15 su[123456]: x", "<13>Oct 11 22:14:15 su[4711]: x"),
            ("<13>su[]: x", "<13>su[4711]: x"),
            ("<13>su[9]x: x", "<13>su[4711]: x"),
            ("<13>su[9] x", "<13>su[4711] x"),
            ("<13>Oct  1 22:14:15 su: x[2]", "<13>Oct  1 22:14:15 su[4711]: x[2]"),
            ("<13>su x[2]: y", "<13>su x[2]: y"),
            ("<13>su]7[ x", "<13>su]7[ x"),
            ("su[7", "su[7"),
            ("", ""),
        ] {
            assert_eq!(fixed(before, 4711), after);
        }
    }

    #[test]
    fn an_annotation_names_this_process() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let mut room = b"<13>su: text\n\0".to_vec();
        let len = room.len();
        room.resize(len + ROOM, 0);
        let len = annotate(&mut room, len, pid, 12, 34);
        let text = String::from_utf8(room[..len].to_vec()).unwrap();
        let exe = std::env::current_exe().unwrap();
        assert!(text.starts_with(&format!("<13>su: text @[_PID={pid} _UID=12 _GID=34 _COMM=")), "{text}");
        assert!(text.contains(&format!(" _EXE={} _CMDLINE=\"", exe.display())), "{text}");
        assert!(text.ends_with(" \"]"), "{text}");
    }

    #[test]
    fn variables_are_an_object_behind_its_length() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let mut room = [0; ROOM];
        let len = variables(&mut room, pid, 12, 34);
        assert_eq!(room[..PREFIX], u32::try_from(len - PREFIX).unwrap().to_le_bytes());
        let text = String::from_utf8(room[PREFIX..len].to_vec()).unwrap();
        let exe = std::env::current_exe().unwrap();
        let begin = format!("{{\"pid\":{pid},\"uid\":12,\"gid\":34,\"appname\":\"");
        assert!(text.starts_with(&begin), "{text}");
        assert!(text.contains(&format!("\"exe\":\"{}\",\"cmd\":\"", exe.display())), "{text}");
        // What has no room is left out.
        let len = variables(&mut room[..60], pid, 12, 34);
        let text = String::from_utf8(room[PREFIX..len].to_vec()).unwrap();
        assert!(text.starts_with("{\"pid\":") && text.ends_with('}') && !text.contains("cmd"), "{text}");
        assert_eq!(variables(&mut room[..5], pid, 12, 34), 0);
    }

    // Seen with rsyslog 8.2302.
    #[test]
    fn a_property_ends_with_its_first_line() {
        assert_eq!(first_line(b"python3\0-c\0\nimport x\0".to_vec()), b"python3 -c ");
        assert_eq!(first_line(b"logger\n".to_vec()), b"logger");
    }

    #[test]
    fn an_annotation_without_room_still_ends() {
        let mut room = b"text________________".to_vec();
        let len = annotate(&mut room, 4, 1, 2, 3);
        assert_eq!(room[..len], *b"text @[_PID=1 _UID=]");
    }
}
