//! omruleset: hands messages to another ruleset through that ruleset's queue, for configurations that were written before
//! `call` did the same.
//!
//! A message is submitted anew as it was received, with its sender and its variables `$!`; the other ruleset parses and
//! filters it like any other.
#![forbid(unsafe_code)]

mod origin;

use origin::{is_from_network, nanoseconds};
use std::collections::HashMap;
use sysloom_sdk::{
    Commit, Complaint, Frame, Host, Outcome, Output, Params, Records, Submit, Worker, frame_flag, plugin,
};

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
    // Its first word is the message's time to the microsecond.
    const DEFAULT_TEMPLATE: &'static str = "RSYSLOG_FileFormat";
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
    block: Vec<u8>,
    frames: Vec<Frame>,
    text: Vec<u8>,
    variables: Vec<u8>,
    sender: Vec<u8>,
    /// Numbers of senders by address and name, with a NUL between them.
    senders: HashMap<Vec<u8>, u32>,
}

impl Worker<Omruleset> for Feeder {
    fn new(_: &Omruleset) -> Result<Self, Complaint> {
        Ok(Self::default())
    }

    fn commit(&mut self, output: &Omruleset, records: &Records<'_>) -> Commit {
        self.block.clear();
        self.frames.clear();
        for row in 0..records.len() {
            self.gather(output.host, records, row);
        }
        // Waiting for room in a queue that this thread may have to empty would never end.
        let flags = Submit::FLUSH | Submit::NO_WAIT;
        match output.host.submit_to(&output.ruleset, &self.block, &self.frames, flags) {
            Ok(taken) if taken >= records.len() => Commit::Done,
            Ok(0) => Commit::Suspended(full(output)),
            Ok(taken) => {
                let outcome = |row| if row < taken { Outcome::Done } else { Outcome::Retry };
                Commit::Each((0..records.len()).map(outcome).collect(), full(output))
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

impl Feeder {
    fn gather(&mut self, host: Host, records: &Records<'_>, row: usize) {
        let peer = self.sender(host, records, row);
        let mut name = std::mem::take(&mut self.sender);
        records.property(row, "hostname", &mut name);
        records.property(row, "rawmsg", &mut self.text);
        records.property(row, "$!", &mut self.variables);
        let (mut flags, received_ns) = if is_from_network(&self.text, &name) {
            (0, 0)
        } else {
            // A local message has no host name, and its time is that of its reception.
            let local = frame_flag::LOCAL | frame_flag::NO_HOSTNAME | frame_flag::IGNORE_TIMESTAMP;
            (local, nanoseconds(records.cell(row, 0)).unwrap_or(0))
        };
        self.sender = name;
        let (off, len) = (self.block.len() as u32, self.text.len() as u32);
        self.block.extend_from_slice(&self.text);
        if self.variables.first() == Some(&b'{')
            && let Ok(len) = u32::try_from(self.variables.len())
        {
            self.block.extend_from_slice(&len.to_le_bytes());
            self.block.extend_from_slice(&self.variables);
            flags |= frame_flag::VARIABLES;
        }
        self.frames.push(Frame { off, len, peer, flags, received_ns });
    }

    fn sender(&mut self, host: Host, records: &Records<'_>, row: usize) -> u32 {
        records.property(row, "fromhost-ip", &mut self.sender);
        let address = self.sender.len();
        records.property(row, "fromhost", &mut self.text);
        self.sender.push(0);
        self.sender.extend_from_slice(&self.text);
        if let Some(number) = self.senders.get(&self.sender) {
            return *number;
        }
        if self.senders.len() >= MAX_SENDERS {
            self.senders.clear();
        }
        let ip = String::from_utf8_lossy(self.sender.get(..address).unwrap_or_default());
        let number = host.intern(&ip, &String::from_utf8_lossy(&self.text), 0);
        self.senders.insert(self.sender.clone(), number);
        number
    }
}

fn full(output: &Omruleset) -> Complaint {
    Complaint::new(format!("the queue of ruleset '{}' is full", output.ruleset)).code(CODE_FULL)
}

/// Senders whose numbers a thread remembers.
const MAX_SENDERS: usize = 10_000;

/// rsyslog's codes: no such ruleset, a queue that is full.
const CODE_RULESET: i32 = 2157;
const CODE_FULL: i32 = 2105;

plugin! { name: "omruleset", outputs: [Omruleset] }

#[cfg(test)]
mod tests;
