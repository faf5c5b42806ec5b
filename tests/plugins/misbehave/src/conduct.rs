//! What shall go wrong, and where.

use crate::Settings;
use std::panic::panic_any;
use std::path::PathBuf;
use std::time::Duration;
use sysloom_sdk::{Complaint, Field, ParamType, Values};

/// How an instance conducts itself in each callback.
#[derive(Clone)]
pub struct Conduct {
    panic: Option<String>,
    throws: String,
    fail: Option<String>,
    wait: Option<String>,
    until: PathBuf,
}

impl Conduct {
    pub fn of(settings: &Settings) -> Self {
        Self {
            panic: settings.panic.clone(),
            throws: settings.throws.clone(),
            fail: settings.fail.clone(),
            wait: settings.wait.clone(),
            until: settings.until.clone(),
        }
    }

    /// Whether something shall fail.
    pub fn fails(&self, what: &str) -> bool {
        self.fail.as_deref() == Some(what)
    }

    /// Does what is due in a callback.
    pub fn at(&self, callback: &str) -> Result<(), Complaint> {
        if self.wait.as_deref() == Some(callback) {
            // The test makes the file; until then this callback is stuck on purpose.
            while !self.until.exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        if self.panic.as_deref() == Some(callback) {
            match self.throws.as_str() {
                "number" => panic_any(42_i32),
                "bomb" => panic_any(Charge),
                _ => panic!("told to, in {callback}"),
            }
        }
        if self.fails(callback) {
            return Err(Complaint::new(format!("{callback} fails as told")).param("fail").code(2077));
        }
        Ok(())
    }
}

impl Settings {
    /// What arrived, in one line.
    pub fn seen(&self) -> String {
        let Self { count, peers, mode, delimiter, text, .. } = self;
        format!("count {count} peers {peers:?} mode {mode:o} delimiter {delimiter:?} text {text:?}")
    }
}

/// A payload that panics when it is dropped.
struct Charge;

impl Drop for Charge {
    fn drop(&mut self) {
        panic!("the payload panics too");
    }
}

/// A binary option whose reading panics when it is on.
#[derive(Clone, Copy)]
pub struct Bomb;

impl Field for Bomb {
    const TYPE: ParamType = ParamType::Binary;
    fn read(values: &Values<'_>, index: usize) -> Result<Self, Complaint> {
        assert!(!bool::read(values, index)?, "told to, in module");
        Ok(Bomb)
    }
}
