//! What a worker keeps while it runs scripts: buffers, the status of functions, and what filters found out about the
//! message at hand.

use crate::filter::Seen;
use crate::template::Buffers;

/// One worker's side of scripts.
#[derive(Default)]
pub struct Run {
    /// For values that must be composed.
    pub scratch: Vec<u8>,
    pub buffers: Buffers,
    /// What literal filters found in the message's properties.
    pub seen: Seen,
    /// `script_error()`
    pub script_error: i64,
    /// `previous_action_suspended()`
    pub suspended: bool,
}
