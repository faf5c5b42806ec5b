//! The log level of the console: set while the module runs, put back after.

use std::fs;
use std::io::Error;

pub struct Console {
    before: String,
}

impl Console {
    pub fn set(level: i32) -> Result<Self, Error> {
        let before = fs::read_to_string(PRINTK)?.split_whitespace().next().unwrap_or_default().to_owned();
        fs::write(PRINTK, level.to_string())?;
        Ok(Self { before })
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // Without privileges by now it stays as it is.
        let _ = fs::write(PRINTK, &self.before);
    }
}

const PRINTK: &str = "/proc/sys/kernel/printk";
