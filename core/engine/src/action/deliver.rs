//! The way from an action to a plugin's worker object.

use super::{Deliver, Delivered, Outbox, Row};
use crate::plugin::{Committed, Fault, OutputWorker};
use sysloom_abi::result;

/// A plugin's worker object as an action sees it.
pub struct ToPlugin {
    worker: OutputWorker,
    results: Vec<i32>,
}

impl ToPlugin {
    pub fn new(worker: OutputWorker) -> Self {
        Self { worker, results: Vec::new() }
    }
}

impl Deliver for ToPlugin {
    fn commit(&mut self, records: &Outbox) -> Delivered {
        match self.worker.commit(records.rows(), &mut self.results) {
            Committed::Done => Delivered::Done,
            Committed::Suspended(why) => Delivered::Suspended(why),
            Committed::Disabled(why) => Delivered::Disabled(why),
            Committed::Partly(why) => {
                let row = |result: &i32| match *result {
                    result::OK => Row::Done,
                    result::REJECT => Row::Reject,
                    _ => Row::Retry,
                };
                Delivered::Each(self.results.iter().map(row).collect(), why)
            }
        }
    }

    fn resume(&mut self) -> Result<(), Fault> {
        self.worker.resume()
    }
}
