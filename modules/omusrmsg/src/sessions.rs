//! Who is logged in on which terminal: from utmp, or from systemd-logind's files where there is no utmp any more.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// A user on a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub user: String,
    /// Below /dev.
    pub line: PathBuf,
}

impl Session {
    /// A session whose terminal is below /dev whatever the record says.
    fn new(user: &[u8], line: &[u8]) -> Option<Self> {
        let line = PathBuf::from(OsString::from_vec(line.to_vec()));
        let plain = line.components().all(|part| matches!(part, Component::Normal(_)));
        let user = String::from_utf8_lossy(user).into_owned();
        (plain && line.components().next().is_some() && !user.is_empty()).then_some(Self { user, line })
    }

    pub fn terminal(&self) -> PathBuf {
        Path::new("/dev").join(&self.line)
    }
}

/// All sessions on terminals.
pub fn all() -> Vec<Session> {
    match fs::read("/run/utmp") {
        Ok(records) => from_utmp(&records),
        Err(_) => from_logind(Path::new("/run/systemd/sessions")),
    }
}

/// Records of `struct utmpx` as glibc lays it out on 64-bit Linux.
fn from_utmp(records: &[u8]) -> Vec<Session> {
    records
        .chunks_exact(RECORD)
        .filter_map(|record| {
            let kind = record.get(..2).and_then(|b| b.try_into().ok()).map(i16::from_ne_bytes)?;
            let line = text(record.get(LINE..LINE + 32)?);
            let user = text(record.get(USER..USER + 32)?);
            (kind == USER_PROCESS).then(|| Session::new(user, line))?
        })
        .collect()
}

/// Files of `KEY=value` lines, one for each session.
fn from_logind(dir: &Path) -> Vec<Session> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let facts = fs::read_to_string(entry.path()).ok()?;
            let value = |key: &str| {
                facts.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::as_bytes)
            };
            Session::new(value("USER")?, value("TTY")?)
        })
        .collect()
}

/// The bytes before the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Bytes of a record, and where the terminal and the user stand in it.
const RECORD: usize = 384;
const LINE: usize = 8;
const USER: usize = 44;
/// The type of a record of a user's session.
const USER_PROCESS: i16 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: i16, user: &str, line: &str) -> Vec<u8> {
        let mut record = vec![0u8; RECORD];
        record[..2].copy_from_slice(&kind.to_ne_bytes());
        record[LINE..LINE + line.len()].copy_from_slice(line.as_bytes());
        record[USER..USER + user.len()].copy_from_slice(user.as_bytes());
        record
    }

    #[test]
    fn only_user_sessions_on_terminals_count() {
        let records = [
            record(USER_PROCESS, "ann", "pts/3"),
            record(8, "gone", "pts/4"),
            record(USER_PROCESS, "evil", "../etc/passwd"),
            record(USER_PROCESS, "", "pts/5"),
            record(USER_PROCESS, "bob", "tty1"),
            vec![7; 10],
        ]
        .concat();
        let found: Vec<_> = from_utmp(&records).iter().map(|s| (s.user.clone(), s.terminal())).collect();
        assert_eq!(found, [("ann".into(), "/dev/pts/3".into()), ("bob".into(), "/dev/tty1".into())]);
    }

    #[test]
    fn the_offsets_are_those_of_the_c_library() {
        assert_eq!(RECORD, size_of::<libc::utmpx>());
        assert_eq!(LINE, std::mem::offset_of!(libc::utmpx, ut_line));
        assert_eq!(USER, std::mem::offset_of!(libc::utmpx, ut_user));
    }

    #[test]
    fn logind_files_without_a_terminal_are_left_out() {
        let dir = std::env::temp_dir().join(format!("omusrmsg-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("1"), "UID=0\nUSER=ann\nACTIVE=1\nTTY=pts/3\n").unwrap();
        fs::write(dir.join("2"), "USER=bob\nACTIVE=1\n").unwrap();
        let found = from_logind(&dir);
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(found, [Session { user: "ann".into(), line: "pts/3".into() }]);
    }
}
