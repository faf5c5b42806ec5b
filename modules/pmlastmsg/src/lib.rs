//! pmlastmsg: the parser `rsyslog.lastline`, for the lines by which syslog daemons say how often the last message came.
#![forbid(unsafe_code)]

use sysloom_sdk::{Complaint, Host, Message, Parse, Parser, Property, plugin};

/// `rsyslog.lastline`.
pub struct LastMessage {
    after_pri: Property,
    msg: Property,
}

impl Parser for LastMessage {
    const NAME: &'static str = "pmlastmsg";
    const PARSER_NAME: &'static str = "rsyslog.lastline";
    type Module = ();
    type Settings = ();

    fn new(_: &(), (): (), host: Host) -> Result<Self, Complaint> {
        Ok(Self { after_pri: host.property("rawmsg-after-pri")?, msg: host.property("msg")? })
    }

    fn parse(&self, message: &mut Message<'_>) -> Parse {
        let text = message.get(self.after_pri).unwrap_or_default();
        let len = text.len();
        if !is_repetition(text) {
            return Parse::Decline;
        }
        // All of the text is the message: host, time and (empty) tag stay what is known without it.
        message.set_part(self.msg, self.after_pri, 0..len);
        Parse::Accept
    }
}

plugin! { name: "pmlastmsg", parsers: [LastMessage] }

/// `last message repeated N times`, behind blanks, in any case, and nothing else.
fn is_repetition(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let Some((head, rest)) = text.split_at_checked(HEAD.len()) else { return false };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let tail = rest.get(digits..).unwrap_or_default();
    digits > 0 && head.eq_ignore_ascii_case(HEAD) && tail.eq_ignore_ascii_case(TAIL)
}

const HEAD: &[u8] = b"last message repeated ";
const TAIL: &[u8] = b" times";

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{TestHost, TestMessage};

    #[test]
    fn only_the_line_about_repetitions_is_taken() {
        let host = TestHost::new();
        let parser = LastMessage::new(&(), (), host.host()).unwrap();
        for (text, taken) in [
            ("last message repeated 3 times", true),
            ("  last message repeated 12 times", true),
            ("Last Message Repeated 3 Times", true),
            ("last message repeated 3 times x", false),
            ("last message repeated 3 time", false),
            ("last message repeated", false),
            ("last message repeated  times", false),
            ("the last message repeated 3 times", false),
            ("", false),
        ] {
            let mut message = TestMessage::new(&host, &format!("<13>{text}"));
            message.set("rawmsg-after-pri", text);
            message.set("msg", "");
            let parse = message.lend(|message| parser.parse(message));
            assert_eq!(parse == Parse::Accept, taken, "{text}");
            assert_eq!(message.get("msg"), if taken { text } else { "" });
        }
    }
}
