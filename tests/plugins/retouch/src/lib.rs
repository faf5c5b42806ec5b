//! A modification that changes whatever of a message can be changed, counts how often it was called for it, and
//! complains or panics when the text says so.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};
use sysloom_sdk::{Complaint, Host, Message, Modify, Params, Property, plugin};

/// `action(type="retouch")`.
#[derive(Params)]
pub struct ActionParams {
    /// The property or variable to set.
    #[param(required)]
    pub set: String,
    /// What to set it to; empty = the text of the message before it, with the number of calls behind it.
    #[param(default = "")]
    pub to: String,
}

/// One action.
pub struct Retouch {
    target: Property,
    is_time: bool,
    to: String,
    msg: Property,
    calls: Property,
    unseen: Property,
    hups: AtomicU32,
    hup: Property,
}

impl Modify for Retouch {
    const NAME: &'static str = "retouch";
    type Module = ();
    type Settings = ActionParams;
    /// Messages that this thread has changed.
    type Worker = u32;

    fn new(_: &(), params: ActionParams, host: Host) -> Result<Self, Complaint> {
        Ok(Self {
            target: host.property(&params.set).map_err(|why| why.param("set"))?,
            is_time: params.set == "timereported",
            to: params.to,
            msg: host.property("msg")?,
            calls: host.property("$!calls")?,
            unseen: host.property("$!unseen")?,
            hups: AtomicU32::new(0),
            hup: host.property("$!hups")?,
        })
    }

    fn worker(&self) -> Result<u32, Complaint> {
        Ok(0)
    }

    fn modify(&self, changed: &mut u32, message: &mut Message<'_>) -> Result<(), Complaint> {
        let msg = message.get(self.msg).unwrap_or_default().to_vec();
        match msg.trim_ascii() {
            b"panic" => panic!("as asked for"),
            b"complain" => return Err(Complaint::new("it is not to my taste")),
            _ => {}
        }
        *changed += 1;
        let calls = message.get(self.calls).and_then(|n| std::str::from_utf8(n).ok()?.parse().ok());
        let calls: u32 = calls.unwrap_or(0) + 1;
        // A variable that is set keeps its value only if it is taken away first.
        message.unset(self.calls);
        message.set_json(self.calls, calls.to_string().as_bytes());
        message.unset(self.unseen);
        message.set(self.hup, self.hups.load(Ordering::Relaxed).to_string().as_bytes());
        let own = [&msg, format!("+{calls}").as_bytes()].concat();
        let text = if self.to.is_empty() { &own } else { self.to.as_bytes() };
        let set = match self.is_time {
            true => message.set_time(self.target, text).is_some(),
            false => message.set(self.target, text),
        };
        if set { Ok(()) } else { Err(Complaint::new("that cannot be set")) }
    }

    fn hup(&self) {
        self.hups.fetch_add(1, Ordering::Relaxed);
    }
}

plugin! { name: "retouch", modifiers: [Retouch] }
