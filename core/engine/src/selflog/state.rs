//! The file of `operatingStateFile`: when the daemon began, what it said, and whether it came to its end. Whoever starts
//! it next reads there whether the last run ended well.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The open file.
pub struct State(File);

/// What is to be said of it: severity, rsyslog's code, text.
pub type Remark = (u8, i32, String);

impl State {
    /// Opens the file for a new run. One whose last run did not end well is kept under the name `FILE.previous`.
    pub fn open(path: &str, version: &str) -> (Option<Self>, Vec<Remark>) {
        let mut remarks = Vec::new();
        let file = Path::new(path);
        if file.exists()
            && let Err(remark) = ended_well(path)
        {
            remarks.push(remark);
            let previous = format!("{path}.previous");
            remarks.push(match fs::rename(file, &previous) {
                Ok(()) => {
                    let renamed = format!("existing state file '{path}' renamed to '{previous}'");
                    (4, 0, format!("{renamed} - you may want to review it"))
                }
                Err(why) => {
                    (3, 0, format!("could not rename existing state file '{path}' to '{previous}': {why}"))
                }
            });
        }
        match OpenOptions::new().append(true).create(true).mode(0o640).open(file) {
            Ok(file) => {
                let mut state = Self(file);
                state.write(&format!("STATE INITIALIZING {version}"));
                (Some(state), remarks)
            }
            Err(why) => {
                let text =
                    format!("error opening operatingStateFile '{path}' for write - ignoring it: {why}");
                remarks.push((3, 0, text));
                (None, remarks)
            }
        }
    }

    /// One message of the daemon's own.
    pub fn message(&mut self, text: &str) {
        self.write(&format!("MSG   {text}"));
    }

    /// The run ends well.
    pub fn close(mut self) {
        self.write(CLOSED);
    }

    fn write(&mut self, text: &str) {
        let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S");
        // A full disk is no reason to stop working.
        let _ = self.0.write_all(format!("{now}: {text}\n").as_bytes());
    }
}

/// Whether the last run came to its end.
fn ended_well(path: &str) -> Result<(), Remark> {
    let end = last(path).map_err(|why| {
        let text = format!(
            "error seeking to end of existing operatingStateFile '{path}' - this may be an indication"
        );
        (3, IO_ERROR, format!("{text} of a problem, e.g. empty file: {why}"))
    })?;
    if end.starts_with(END.as_bytes()) {
        return Ok(());
    }
    let end = String::from_utf8_lossy(&end).trim_end().to_owned();
    // rsyslog: one quotation mark is missing.
    let text =
        format!("existing operatingStateFile '{path}' does not end with '{END}, instead it has '{end}'");
    Err((3, IO_ERROR, format!("{text} - this probably indicates an improper shutdown")))
}

fn last(path: &str) -> io::Result<Vec<u8>> {
    let (mut file, mut end) = (File::open(path)?, Vec::new());
    file.seek(SeekFrom::End(-(END.len() as i64) - 1))?;
    file.read_to_end(&mut end)?;
    Ok(end)
}

const END: &str = "CLEAN CLOSE";
const CLOSED: &str = "STATE CLEAN CLOSE";
/// rsyslog's code.
const IO_ERROR: i32 = 2027;
