//! What a load asks of the world: files, environment variables, users and modules. The daemon implements it over
//! its plugin loader; tests implement it over a table. [`System`] answers everything but modules with std.

use crate::catalogue::ModuleSpec;
use crate::source::Span;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The world as a configuration sees it.
pub trait Environment {
    /// The content of a file.
    fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    /// The entries of a directory, sorted by name; `true` marks a directory.
    fn list(&mut self, directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let is_directory = path.is_dir();
            entries.push((path, is_directory));
        }
        entries.sort();
        Ok(entries)
    }

    /// Whether a path names a directory.
    fn is_directory(&mut self, path: &Path) -> bool {
        path.is_dir()
    }

    /// Whether a path can be opened for reading; directives that name files are checked with it.
    fn accessible(&mut self, path: &Path) -> bool {
        path.is_dir() || std::fs::File::open(path).is_ok()
    }

    /// An environment variable.
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    /// A user's number. The default reads /etc/passwd and so knows no directory service.
    fn user(&mut self, name: &str) -> Option<u32> {
        account(self.read(Path::new("/etc/passwd")).ok()?, name)
    }

    /// A group's number. The default reads /etc/group.
    fn group(&mut self, name: &str) -> Option<u32> {
        account(self.read(Path::new("/etc/group")).ok()?, name)
    }

    /// Loads a module under the name that the configuration wrote (`imtcp`, `/opt/x/imtcp.so`; for the outputs
    /// that rsyslog builds in the bare name, `omfile`). The error is one line and says why.
    fn load_module(&mut self, name: &str, at: Span) -> Result<Arc<ModuleSpec>, String>;

    /// Loads an output that rsyslog has without loading anything, by its bare name.
    fn load_builtin(&mut self, name: &str) -> Result<Arc<ModuleSpec>, String> {
        self.load_module(name, Span::NONE)
    }

    /// Names of modules that could be loaded, for suggestions.
    fn known_modules(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// `$ModDir`: where modules are looked for from now on.
    fn module_directory(&mut self, directory: &str) {
        let _ = directory;
    }
}

/// The world through std, without a single module.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Environment for System {
    fn load_module(&mut self, name: &str, _at: Span) -> Result<Arc<ModuleSpec>, String> {
        Err(format!("no module loader is present to load '{name}'"))
    }
}

/// The third field of the line of a passwd or group file that starts with `name`.
fn account(file: Vec<u8>, name: &str) -> Option<u32> {
    let text = String::from_utf8_lossy(&file);
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}
