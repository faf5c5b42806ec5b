//! Rulesets: the Plan's statements compiled into a program that a worker runs for each message, in rsyslog's order.

mod compile;

pub use compile::compile;

use crate::filter::Filter;
use crate::message::Message;

/// A ruleset ready to run.
pub struct Ruleset {
    pub name: String,
    pub(crate) body: Vec<Step>,
}

/// One compiled statement.
pub enum Step {
    If {
        filter: Filter,
        then: Vec<Step>,
        otherwise: Vec<Step>,
    },
    /// Render the message for the action with this number.
    Action(usize),
    Stop,
    /// Run the ruleset with this number; its `stop` ends the caller too.
    Call(usize),
}

/// Whether the message goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    On,
    Stopped,
}

/// Runs ruleset `at` for one message; `act` is called for each action in order.
pub fn run(
    rulesets: &[Ruleset],
    at: usize,
    message: &Message<'_>,
    scratch: &mut Vec<u8>,
    act: &mut impl FnMut(usize, &Message<'_>),
) -> Flow {
    match rulesets.get(at) {
        Some(ruleset) => block(rulesets, &ruleset.body, message, scratch, act, 0),
        None => Flow::On,
    }
}

fn block(
    rulesets: &[Ruleset],
    steps: &[Step],
    message: &Message<'_>,
    scratch: &mut Vec<u8>,
    act: &mut impl FnMut(usize, &Message<'_>),
    depth: u32,
) -> Flow {
    for step in steps {
        let flow = match step {
            Step::If { filter, then, otherwise } => {
                let branch = if filter.passes(message, scratch) { then } else { otherwise };
                block(rulesets, branch, message, scratch, act, depth)
            }
            Step::Action(action) => {
                act(*action, message);
                Flow::On
            }
            Step::Stop => Flow::Stopped,
            // rsyslog: calls nested deeper than this are skipped.
            Step::Call(_) if depth >= MAX_DEPTH => Flow::On,
            Step::Call(at) => match rulesets.get(*at) {
                Some(called) => block(rulesets, &called.body, message, scratch, act, depth + 1),
                None => Flow::On,
            },
        };
        if flow == Flow::Stopped {
            return flow;
        }
    }
    Flow::On
}

/// Calls inside calls.
const MAX_DEPTH: u32 = 1024;
