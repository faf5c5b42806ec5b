//! mmrm1stspace: takes the blank away with which the text of most messages begins.
#![forbid(unsafe_code)]

use sysloom_sdk::{Complaint, Host, Message, Modify, Property, plugin};

/// `action(type="mmrm1stspace")`.
pub struct RemoveFirstSpace {
    msg: Property,
}

impl Modify for RemoveFirstSpace {
    const NAME: &'static str = "mmrm1stspace";
    type Module = ();
    type Settings = ();
    type Worker = ();

    fn new(_: &(), _: (), host: Host) -> Result<Self, Complaint> {
        Ok(Self { msg: host.property("msg")? })
    }

    fn worker(&self) -> Result<(), Complaint> {
        Ok(())
    }

    fn modify(&self, _: &mut (), message: &mut Message<'_>) -> Result<(), Complaint> {
        let text = message.get(self.msg).unwrap_or_default();
        if let [b' ', rest @ ..] = text {
            let end = rest.len() + 1;
            message.set_part(self.msg, self.msg, 1..end);
        }
        Ok(())
    }
}

plugin! { name: "mmrm1stspace", modifiers: [RemoveFirstSpace] }

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{TestHost, TestMessage};

    #[test]
    fn one_blank_goes() {
        let host = TestHost::new();
        let action = RemoveFirstSpace::new(&(), (), host.host()).unwrap();
        for (text, want) in
            [(" a b", "a b"), ("  a", " a"), ("a b", "a b"), (" ", ""), ("", ""), ("\ta", "\ta")]
        {
            let mut message = TestMessage::new(&host, text);
            message.lend(|message| action.modify(&mut (), message)).unwrap();
            assert_eq!(message.get("msg"), want, "{text:?}");
        }
    }
}
