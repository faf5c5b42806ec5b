//! pmciscoios: the parser `rsyslog.ciscoios`, for what routers and switches under Cisco's IOS send:
//! `SEQ: [ORIGIN: ][XR:][*|.]TIME[ ZONE]: [PROCESS: ]%TAG: MSG`. What deviates is left to the next parser.
#![forbid(unsafe_code)]

use std::ops::Range;
use sysloom_sdk::{Complaint, Host, Message, Params, Parse, Parser, Property, plugin};

/// `parser(type="pmciscoios")`.
#[derive(Params)]
pub struct ParserParams {
    /// The sender's name stands behind the sequence number.
    #[param(name = "present.origin", default = "off")]
    pub origin: bool,
    /// The messages are IOS XR's, with a node before the time and a process behind it.
    #[param(name = "present.xr", default = "off")]
    pub xr: bool,
}

/// One `parser()`, or `rsyslog.ciscoios`.
pub struct CiscoIos {
    params: ParserParams,
    after_pri: Property,
    timereported: Property,
    hostname: Property,
    syslogtag: Property,
    msg: Property,
}

impl Parser for CiscoIos {
    const NAME: &'static str = "pmciscoios";
    const PARSER_NAME: &'static str = "rsyslog.ciscoios";
    type Module = ();
    type Settings = ParserParams;

    fn new(_: &(), params: ParserParams, host: Host) -> Result<Self, Complaint> {
        Ok(Self {
            params,
            after_pri: host.property("rawmsg-after-pri")?,
            timereported: host.property("timereported")?,
            hostname: host.property("hostname")?,
            syslogtag: host.property("syslogtag")?,
            msg: host.property("msg")?,
        })
    }

    fn parse(&self, message: &mut Message<'_>) -> Parse {
        let text = message.get(self.after_pri).unwrap_or_default();
        let Some(head) = Head::read(text, &self.params) else { return Parse::Decline };
        // The host reads the time; it must be lent the text again for each property.
        let stamp = text.get(head.time..).unwrap_or_default().to_vec();
        let Some(used) = message.set_time(self.timereported, &stamp) else { return Parse::Decline };
        let text = message.get(self.after_pri).unwrap_or_default();
        let Some(tail) = Tail::read(text, head.time + used, &self.params) else { return Parse::Decline };
        let tag = [text.get(tail.tag).unwrap_or_default(), b":"].concat();
        if let Some(origin) = head.origin {
            message.set_part(self.hostname, self.after_pri, origin);
        }
        message.set(self.syslogtag, &tag);
        message.set_part(self.msg, self.after_pri, tail.msg);
        Parse::Accept
    }
}

plugin! { name: "pmciscoios", parsers: [CiscoIos] }

/// What stands before the time.
struct Head {
    origin: Option<Range<usize>>,
    time: usize,
}

/// What stands behind it: the tag without its colon, and the text.
struct Tail {
    tag: Range<usize>,
    msg: Range<usize>,
}

impl Head {
    fn read(text: &[u8], params: &ParserParams) -> Option<Self> {
        let mut at = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        at = behind(text, at, b": ")?;
        let mut origin = None;
        if params.origin {
            let end = find(text, at, b": ")?;
            origin = Some(at..end);
            at = end + 2;
        }
        if params.xr {
            at = find(text, at, b":")? + 1;
        }
        // The clock is not set, or it was and has lost its source.
        at += usize::from(matches!(text.get(at), Some(b'*' | b'.')));
        Some(Self { origin, time: at })
    }
}

impl Tail {
    fn read(text: &[u8], mut at: usize, params: &ParserParams) -> Option<Self> {
        if text.get(at) == Some(&b' ') {
            // A zone that nobody has defined.
            let rest = text.get(at + 1..)?;
            at += 1 + rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        }
        at = behind(text, at, b": ")?;
        if params.xr {
            at = find(text, at, b": ")? + 2;
        }
        if text.get(at) != Some(&b'%') {
            return None;
        }
        let colon = find(text, at, b":")?;
        // IOS XR puts a blank before the colon.
        let end = colon - usize::from(text.get(colon - 1) == Some(&b' '));
        if text.get(at..end)?.contains(&b' ') || text.get(colon + 1) != Some(&b' ') {
            return None;
        }
        Some(Self { tag: at..end, msg: colon + 1..text.len() })
    }
}

/// Where what is wanted ends, if it stands here.
fn behind(text: &[u8], at: usize, wanted: &[u8]) -> Option<usize> {
    text.get(at..)?.starts_with(wanted).then_some(at + wanted.len())
}

/// Where what is wanted begins.
fn find(text: &[u8], at: usize, wanted: &[u8]) -> Option<usize> {
    let rest = text.get(at..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sysloom_sdk::testing::{check_readme, table};

    fn read(text: &str, params: &ParserParams) -> Option<(String, String)> {
        let head = Head::read(text.as_bytes(), params)?;
        let time = head.time + "Nov 16 14:07:58.266".len();
        let tail = Tail::read(text.as_bytes(), time, params)?;
        let origin = head.origin.map_or(String::new(), |origin| text[origin].to_owned());
        Some((format!("{origin}|{}", &text[tail.tag]), text[tail.msg].to_owned()))
    }

    #[test]
    fn the_parts_are_found_or_the_message_is_left_alone() {
        let plain = ParserParams { origin: false, xr: false };
        for (text, tag) in [
            ("148: *Nov 16 14:07:58.266: %A-5-B: text", Some("|%A-5-B")),
            (": .Nov 16 14:07:58.266: %A-5-B: text", Some("|%A-5-B")),
            ("148: Nov 16 14:07:58.266 XYZ: %A-5-B: text", Some("|%A-5-B")),
            ("148: *Nov 16 14:07:58.266: %A-5-B:text", None),
            ("148: *Nov 16 14:07:58.266: %A-5-B:", None),
            ("148: *Nov 16 14:07:58.266: %A 5: text", None),
            ("148: *Nov 16 14:07:58.266: A-5-B: text", None),
            ("148 *Nov 16 14:07:58.266: %A-5-B: text", None),
            ("148: *Nov 16 14:07:58.266", None),
            ("148:", None),
            ("", None),
        ] {
            let found = read(text, &plain);
            assert_eq!(found.as_ref().map(|(tag, _)| tag.as_str()), tag, "{text}");
            assert!(found.is_none_or(|(_, msg)| msg == " text"));
        }
        let origin = ParserParams { origin: true, xr: false };
        let found = read("148: router: *Nov 16 14:07:58.266: %A-5-B: text", &origin);
        assert_eq!(found.unwrap().0, "router|%A-5-B");
        let xr = ParserParams { origin: false, xr: true };
        let found = read("148: RP/0/CPU0:Nov 16 14:07:58.266 : config[65]: %A-5-B : text", &xr);
        assert_eq!(found.unwrap(), ("|%A-5-B".into(), " text".into()));
    }

    #[test]
    fn the_readme_has_the_tables() {
        check_readme(env!("CARGO_MANIFEST_DIR"), &[("parser", table::<ParserParams>())]);
    }
}
