//! The debug stream: everything that is said, on stdout and into a file.

use std::fs::File;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the stream goes.
pub struct Debug {
    pub stdout: bool,
    pub file: Option<File>,
    /// Lines begin with the time.
    pub stamps: bool,
}

impl Default for Debug {
    fn default() -> Self {
        Self { stdout: true, file: None, stamps: true }
    }
}

impl Debug {
    /// One line. Where it cannot be written it is lost.
    pub fn write(&mut self, text: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let stamp = match self.stamps {
            true => format!("{:>4}.{:09}:", now.as_secs() % 10_000, now.subsec_nanos()),
            false => String::new(),
        };
        let thread = std::thread::current();
        let line = format!("{stamp}{}: {text}\n", thread.name().unwrap_or("thread"));
        if self.stdout {
            let mut stdout = std::io::stdout().lock();
            let _ = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
        }
        if let Some(file) = &mut self.file {
            let _ = file.write_all(line.as_bytes());
        }
    }
}
