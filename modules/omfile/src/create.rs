//! Opening for append, and making what is missing: directories and the file, with modes and owners.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, chown, fchown};
use std::path::Path;
use sysloom_sdk::{Complaint, Host, Level};

/// How files and directories are made.
pub struct Creation {
    pub host: Host,
    pub file_mode: u32,
    pub dir_mode: u32,
    pub file_owner: Owner,
    pub dir_owner: Owner,
    pub create_dirs: bool,
    pub fail_on_chown: bool,
    pub follow_symlinks: bool,
}

/// Owner and group to give away to; `None` leaves the process's own.
#[derive(Clone, Copy)]
pub struct Owner {
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

/// A file open for append.
pub struct Opened {
    pub file: File,
    /// A file in the usual sense: no pipe, no terminal, no device.
    pub regular: bool,
}

impl Creation {
    pub fn open(&self, path: &Path) -> Result<Opened, Complaint> {
        let file = match self.options().open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => {
                if self.create_dirs {
                    self.directories(path)?;
                }
                let file = self
                    .options()
                    .create(true)
                    .mode(self.file_mode)
                    .open(path)
                    .map_err(|e| fault(path, "open error", &e))?;
                if self.file_owner.is_set()
                    && let Err(e) = fchown(&file, self.file_owner.uid, self.file_owner.gid)
                {
                    self.chown_failed(path, &e)?;
                }
                file
            }
            other => other.map_err(|e| fault(path, "open error", &e))?,
        };
        let kind = file.metadata().map_err(|e| fault(path, "open error", &e))?.file_type();
        let special = kind.is_fifo() || kind.is_char_device() || kind.is_block_device() || kind.is_socket();
        Ok(Opened { file, regular: !special })
    }

    /// Without O_NONBLOCK a pipe that nobody reads would hold the worker for ever.
    fn options(&self) -> OpenOptions {
        let mut flags = libc::O_NOCTTY | libc::O_NONBLOCK;
        if !self.follow_symlinks {
            flags |= libc::O_NOFOLLOW;
        }
        let mut options = OpenOptions::new();
        options.append(true).custom_flags(flags);
        options
    }

    fn directories(&self, path: &Path) -> Result<(), Complaint> {
        let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) else { return Ok(()) };
        let mut missing: Vec<&Path> =
            parent.ancestors().take_while(|p| *p != OsStr::new("") && !p.exists()).collect();
        missing.reverse();
        for dir in missing {
            match DirBuilder::new().mode(self.dir_mode).create(dir) {
                Err(e) if e.kind() != ErrorKind::AlreadyExists => {
                    return Err(fault(path, "parent directories could not be created", &e));
                }
                Err(_) => {}
                Ok(()) => {
                    if self.dir_owner.is_set()
                        && let Err(e) = chown(dir, self.dir_owner.uid, self.dir_owner.gid)
                    {
                        self.chown_failed(dir, &e)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn chown_failed(&self, path: &Path, e: &Error) -> Result<(), Complaint> {
        let complaint = fault(path, "chown failed", e);
        if self.fail_on_chown {
            return Err(complaint);
        }
        self.host.log(Level::Warning, complaint.code, &complaint.text);
        Ok(())
    }
}

impl Owner {
    fn is_set(self) -> bool {
        self.uid.is_some() || self.gid.is_some()
    }
}

/// One line on a file that failed, in rsyslog's layout.
pub fn fault(path: &Path, what: &str, e: &Error) -> Complaint {
    let code = match what {
        "open error" if e.kind() == std::io::ErrorKind::NotFound => CODE_MISSING,
        "open error" => CODE_OPEN,
        "write error" => CODE_IO,
        _ => CODE_ACCESS,
    };
    Complaint::io(format!("file '{}': {what}", path.display()), e).code(code)
}

/// rsyslog's codes.
const CODE_OPEN: i32 = 2433;
const CODE_MISSING: i32 = 2040;
const CODE_IO: i32 = 2027;
const CODE_ACCESS: i32 = 2039;
