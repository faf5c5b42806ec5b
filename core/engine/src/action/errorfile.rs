//! `action.errorFile`: what an action could not deliver, one JSON object a line.

use super::Outbox;
use crate::script::json::{Json, Object};
use slog::{Logger, error, warn};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The file, opened when there is something to write, and again after a HUP.
pub struct ErrorFile {
    path: PathBuf,
    /// Bytes it may hold; 0 = any number.
    max_size: u64,
    open: Mutex<Open>,
    log: Logger,
}

#[derive(Default)]
struct Open {
    file: Option<File>,
    /// That nothing more is written was said already.
    said: bool,
}

impl ErrorFile {
    pub fn new(path: &str, max_size: i64, log: Logger) -> Self {
        Self {
            path: path.into(),
            max_size: u64::try_from(max_size).unwrap_or(0),
            open: Mutex::default(),
            log,
        }
    }

    /// Writes the records that `which` names.
    pub fn write(&self, action: &str, status: i32, records: &Outbox, which: impl Fn(usize) -> bool) {
        let mut lines = Vec::new();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(e) = self.add(&mut open, action, status, records, which, &mut lines)
            && !open.said
        {
            open.said = true;
            error!(self.log, "action '{action}': error file '{}': {e}", self.path.display(); "code" => 2040);
        }
    }

    /// It is closed, and opened anew for the next record.
    pub fn hup(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Open::default();
    }

    fn add(
        &self,
        open: &mut Open,
        action: &str,
        status: i32,
        records: &Outbox,
        which: impl Fn(usize) -> bool,
        lines: &mut Vec<u8>,
    ) -> std::io::Result<()> {
        let file = match &mut open.file {
            Some(file) => file,
            closed => {
                closed.insert(OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?)
            }
        };
        let room = match self.max_size {
            0 => u64::MAX,
            most => most.saturating_sub(file.metadata()?.len()),
        };
        let mut full = false;
        for row in (0..records.len()).filter(|row| which(*row)) {
            let before = lines.len();
            line(action, status, records, row, lines);
            if lines.len() as u64 > room {
                lines.truncate(before);
                full = true;
                break;
            }
        }
        file.write_all(lines)?;
        if full && !open.said {
            open.said = true;
            warn!(
                self.log,
                "action '{action}': error file '{}' has reached its maximum size of {} bytes; nothing more is \
                 written to it",
                self.path.display(),
                self.max_size
            );
        }
        Ok(())
    }
}

fn line(action: &str, status: i32, records: &Outbox, row: usize, out: &mut Vec<u8>) {
    let mut object = Object::default();
    object.put(b"action", Json::Text(action.into()), true);
    object.put(b"status", Json::Int(status.into()), true);
    for column in 0..records.columns() {
        let name = format!("template{column}");
        object.put(name.as_bytes(), Json::Text(records.cell(row, column).to_vec()), true);
    }
    Json::Object(object).write(true, out);
    out.push(b'\n');
}
