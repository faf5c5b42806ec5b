//! omruleset: hands messages to another ruleset through that ruleset's queue, for configurations that were written before
//! `call` did the same.
//!
//! The other ruleset gets a copy of the message with all that was found and set in it; it is not parsed again.
#![forbid(unsafe_code)]

use sysloom_sdk::{Commit, Complaint, Frame, Host, Outcome, Output, Params, Records, Submit, Worker, plugin};

/// `:omruleset:`.
#[derive(Params)]
pub struct ActionParams {
    /// The ruleset that gets the messages.
    #[param(name = "rulesetName", ruleset, required, legacy = "ActionOmrulesetRulesetName:pending")]
    pub ruleset: String,
}

pub struct Omruleset {
    host: Host,
    ruleset: String,
}

impl Output for Omruleset {
    const NAME: &'static str = "omruleset";
    type Module = ();
    type Settings = ActionParams;
    type Worker = Feeder;

    fn new((): &(), params: ActionParams, host: Host) -> Result<Self, Complaint> {
        Ok(Self { host, ruleset: params.ruleset })
    }
}

/// What one committing thread gathers messages in.
#[derive(Default)]
pub struct Feeder {
    frames: Vec<Frame>,
}

impl Worker<Omruleset> for Feeder {
    fn new(_: &Omruleset) -> Result<Self, Complaint> {
        Ok(Self::default())
    }

    fn commit(&mut self, output: &Omruleset, records: &Records<'_>) -> Commit {
        self.frames.clear();
        self.frames.extend((0..records.len()).filter_map(|row| records.copy(row)));
        // Waiting for room in a queue that this thread may have to empty would never end.
        let flags = Submit::FLUSH | Submit::NO_WAIT;
        match output.host.submit_to(&output.ruleset, &[], &self.frames, flags) {
            Ok(taken) if taken >= records.len() => Commit::Done,
            Ok(taken) => {
                let outcome = |row| if row < taken { Outcome::Done } else { Outcome::Reject };
                Commit::Each((0..records.len()).map(outcome).collect(), gone(output))
            }
            Err(why) => Commit::Suspended(
                Complaint::new(format!("ruleset '{}': {why}", output.ruleset)).code(CODE_RULESET),
            ),
        }
    }

    fn resume(&mut self, _: &Omruleset) -> Result<(), Complaint> {
        Ok(())
    }
}

/// Copies are made while the message is at work: the host keeps an action with a ruleset among its options there.
fn gone(output: &Omruleset) -> Complaint {
    let text = "the message is not at hand any more";
    Complaint::new(format!("ruleset '{}': {text}", output.ruleset)).code(CODE_RULESET)
}

/// rsyslog's code of a ruleset that is not to be had.
const CODE_RULESET: i32 = 2157;

plugin! { name: "omruleset", outputs: [Omruleset] }

#[cfg(test)]
mod tests;
