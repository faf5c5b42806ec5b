//! Actions that change messages (mm...): they run at their place in the ruleset, on the worker's thread, so that what
//! follows sees what they did. They write no records and so wait for nothing and are never tried again.

use super::Action;
use crate::message::Message;
use crate::parsers::{Draft, Scratch};
use crate::plugin::{Fault, ModifyInstance, ModifyWorker};
use crate::properties::Properties;
use slog::error;
use std::sync::atomic::Ordering;
use sysloom_wire::Timestamp;

/// One worker's side of such an action.
#[derive(Default)]
pub struct Modifier {
    worker: Option<ModifyWorker>,
    /// The last complaint that was logged, so that the same one is not said again.
    said: String,
}

/// What a worker keeps to change messages with.
#[derive(Default)]
pub struct Workshop {
    bytes: Vec<u8>,
    scratch: Scratch,
}

/// What modifications know besides the message.
pub struct Knowledge<'a> {
    pub properties: &'a Properties,
    pub received: &'a Timestamp,
    /// parser.permitSlashInProgramname
    pub permit_slash: bool,
}

impl Action {
    /// Lets a plugin change a message: what it is then, if not only variables are others. A complaint is said, and the
    /// message goes on.
    pub fn modify<'m>(
        &self,
        instance: &ModifyInstance,
        modifier: &mut Modifier,
        message: &Message<'m>,
        known: &Knowledge<'_>,
        Workshop { bytes, scratch }: &mut Workshop,
    ) -> Option<Message<'m>> {
        let mut parsed = *message.parsed;
        let (text, changed) = message.draft(bytes);
        let mut draft = Draft {
            head: message.head,
            raw: message.raw,
            text,
            changed,
            parsed: &mut parsed,
            vars: message.vars,
            received: known.received,
            around: message.around,
            properties: known.properties,
            permit_slash: known.permit_slash,
            ignore_timestamp: false,
            again: false,
            scratch,
        };
        self.processed.fetch_add(1, Ordering::Relaxed);
        match modifier.run(instance, &mut draft) {
            Ok(()) => modifier.said.clear(),
            Err(fault) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                if modifier.said != fault.text {
                    error!(self.log, "action '{}' (module '{}'): {}", self.name, self.module, fault.text);
                    modifier.said = fault.text;
                }
            }
        }
        let text = draft.text;
        // What was put behind the text shows only where a property now lies there.
        (parsed != *message.parsed).then(|| message.revise(text.of(message.raw, bytes), parsed))
    }
}

impl Modifier {
    fn run(&mut self, instance: &ModifyInstance, draft: &mut Draft<'_>) -> Result<(), Fault> {
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => none.insert(instance.worker()?),
        };
        worker.modify(draft)
    }
}
