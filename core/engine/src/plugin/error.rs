//! Why a file is no plugin of ours, as data; each error's text is one line.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error("no such file")]
    Missing,
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("is a directory")]
    Directory,
    #[error("is neither a file nor a link to one")]
    NotAFile,
    #[error(
        "is writable by group or others (mode {mode:04o}): only its owner may be able to change a plugin"
    )]
    Writable { mode: u32 },
    #[error("is empty")]
    Empty,
    #[error("is no ELF file")]
    NotElf,
    #[error("is {found}, this daemon needs {wanted}")]
    Class { wanted: &'static str, found: &'static str },
    #[error("is made for {found}, this daemon runs on {wanted}")]
    Machine { wanted: String, found: String },
    #[error("is no shared library")]
    NotShared,
    #[error("is cut off: it should have at least {wanted} bytes and has {found}")]
    Truncated { wanted: u64, found: u64 },
    #[error("is damaged: {0}")]
    Damaged(String),
    #[error("has no manifest: it is a library, but no sysloom plugin")]
    NoManifest,
    #[error("has a manifest that cannot be understood: {0}")]
    BadManifest(&'static str),
    #[error("is made for ABI major {found}, this daemon has {wanted}")]
    AbiMajor { wanted: u16, found: u16 },
    #[error("needs a daemon with ABI {major}.{wanted} or later, this one has {major}.{found}")]
    AbiMinor { major: u16, wanted: u16, found: u16 },
    #[error("has no entry {0}")]
    NoEntry(String),
    #[error("cannot be loaded: {0}")]
    Linker(String),
    #[error("its entry refuses to run on this daemon")]
    Refused,
    #[error("hands over a faulty table: {0}")]
    Table(String),
    #[error(
        "has another layout of the ABI's types than this daemon, although both say ABI {major}.{minor}: rebuild it"
    )]
    Layout { major: u16, minor: u16 },
}

/// A file that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub path: PathBuf,
    pub error: LoadError,
}

/// Nothing that was tried for a name could be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadFailure {
    pub name: String,
    pub attempts: Vec<Attempt>,
}

impl fmt::Display for LoadFailure {
    // rsyslog: this wording, and the separator between attempts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not load module '{}', errors: ", self.name)?;
        if self.attempts.is_empty() {
            return f.write_str("no directory to look for it");
        }
        for (i, Attempt { path, error }) in self.attempts.iter().enumerate() {
            if i > 0 {
                f.write_str("  ////////  ")?;
            }
            write!(f, "trying to load module {}: {error}", path.display())?;
        }
        let missing = self.attempts.iter().all(|attempt| matches!(attempt.error, LoadError::Missing));
        match super::search::advice(&self.name).filter(|_| missing) {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for LoadFailure {}
