//! The reports' file: appended to, or replaced by each report.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file for reports, kept open between them.
pub struct LogFile {
    path: PathBuf,
    overwrite: bool,
    open: Option<File>,
}

impl LogFile {
    pub fn new(path: &str, overwrite: bool) -> Self {
        Self { path: path.into(), overwrite, open: None }
    }

    /// Lets go of the file: it may have been renamed.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// Writes lines; with `last` the report is whole.
    pub fn write(&mut self, text: &str, last: bool) -> io::Result<()> {
        let (path, overwrite) = (self.path.clone(), self.overwrite);
        let temporary = temporary(&path);
        let file = match &mut self.open {
            Some(file) => file,
            open if overwrite => open.insert(create(&temporary, true)?),
            open => open.insert(create(&path, false)?),
        };
        file.write_all(text.as_bytes())?;
        if overwrite && last {
            self.open = None;
            std::fs::rename(&temporary, &path)?;
        }
        Ok(())
    }
}

fn create(path: &Path, anew: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    if anew {
        options.write(true).truncate(true)
    } else {
        options.append(true)
    };
    options.open(path)
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}
