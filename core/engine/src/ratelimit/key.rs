//! Which source a message is from: what a template makes of it. At an input it is parsed for that, by the default
//! parsers.

use crate::batch::Head;
use crate::intake::now_ns;
use crate::message::{Around, Message, reception};
use crate::script::Slot;
use crate::stats::Stats;
use crate::template::{Buffers, Template};
use crate::worker::Reading;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use sysloom_abi::Frame;
use sysloom_wire::Parsed;

/// How a limit finds its sources.
pub(crate) struct Keys {
    template: Arc<Template>,
    reading: Reading,
    around: Arc<Around>,
    rendered: &'static AtomicU64,
    parsed: &'static AtomicU64,
}

/// What a thread keeps from message to message.
#[derive(Default)]
struct Scratch {
    buffers: Buffers,
    changed: Vec<u8>,
    key: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Keys {
    pub fn new(
        template: &Arc<Template>,
        reading: &Reading,
        around: &Arc<Around>,
        limit: &str,
        stats: &Stats,
    ) -> Self {
        Self {
            template: Arc::clone(template),
            reading: reading.clone(),
            around: Arc::clone(around),
            rendered: stats.counter("ratelimit", limit, "per_source_key_tpl_evals"),
            parsed: stats.counter("ratelimit", limit, "per_source_key_parse_evals"),
        }
    }

    /// What `then` makes of the source of a message that an input submits; None if it is no message at all.
    pub fn of_frame<R>(
        &self,
        input: u32,
        frame: &Frame,
        raw: &[u8],
        then: impl FnOnce(&[u8]) -> R,
    ) -> Option<R> {
        SCRATCH.with_borrow_mut(|Scratch { buffers, changed, key }| {
            let received_ns = if frame.received_ns == 0 { now_ns() } else { frame.received_ns };
            changed.clear();
            let mut parsed = Parsed::new();
            let text = self.reading.read(frame.flags, &reception(received_ns), raw, changed, &mut parsed)?;
            self.parsed.fetch_add(1, Ordering::Relaxed);
            let Frame { peer, flags, .. } = *frame;
            let head = Head { off: 0, len: frame.len, peer, flags, received_ns, input, repeated: 0 };
            let vars = Slot::default();
            let message = Message {
                head: &head,
                raw,
                text: text.of(raw, changed),
                rawmsg: text.shown(),
                parsed: &parsed,
                around: &self.around,
                vars: &vars,
                next: None,
                revised: false,
            };
            Some(self.render(&message, buffers, key, then))
        })
    }

    /// What `then` makes of the source of a message on its way to an action.
    pub fn of_message<R>(
        &self,
        message: &Message<'_>,
        buffers: &mut Buffers,
        then: impl FnOnce(&[u8]) -> R,
    ) -> R {
        SCRATCH.with_borrow_mut(|scratch| self.render(message, buffers, &mut scratch.key, then))
    }

    fn render<R>(
        &self,
        message: &Message<'_>,
        buffers: &mut Buffers,
        key: &mut Vec<u8>,
        then: impl FnOnce(&[u8]) -> R,
    ) -> R {
        key.clear();
        self.template.render(message, buffers, key);
        self.rendered.fetch_add(1, Ordering::Relaxed);
        then(key)
    }
}
