//! The lines: what a driver must do, each with the sentence that it stands for, the capability that it needs, and the
//! body that looks. They are the kit's one list; reports, `--list` and the tests of the kit go by it.

use crate::bodies;
use crate::subject::Subject;
use sysloom_abi::manifest_flag;

/// One requirement.
pub struct Line {
    /// `transport.half-close`: what `--only` takes.
    pub name: &'static str,
    /// The RFC's line or the ABI's rule.
    pub rule: &'static str,
    /// What must be so.
    pub text: &'static str,
    /// Bits of [`manifest_flag`]: a driver that lacks one of them is not held to the line.
    pub needs: u32,
    /// Looks at a driver, in a process of its own.
    pub body: Body,
}

/// `Err` says what was seen instead.
pub type Body = fn(&Subject) -> Result<(), String>;

/// All lines, in the order of reports.
pub fn lines() -> Vec<&'static Line> {
    [
        bodies::TRANSPORT,
        bodies::LIFE,
        bodies::LAYER,
        bodies::TLS,
        bodies::IDENTITY,
        bodies::AUTH,
        bodies::STREAM,
        bodies::HOSTILE,
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Line {
    /// The capability of the manifest that the driver lacks for this line.
    pub fn lacking(&self, flags: u32) -> Option<&'static str> {
        CAPABILITIES.iter().find(|(bit, _)| self.needs & bit & !flags != 0).map(|(_, word)| *word)
    }
}

const CAPABILITIES: &[(u32, &str)] = &[
    (manifest_flag::TRANSPORT, "TRANSPORT"),
    (manifest_flag::LAYER, "LAYER"),
    (manifest_flag::ENCRYPTS, "ENCRYPTS"),
    (manifest_flag::UNWINDS, "UNWINDS"),
];
