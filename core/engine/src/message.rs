//! A message as filters and templates see it: spans of its batch's bytes, read by property name.
//!
//! Workers make one for each message on the stack; nothing is copied but what must be composed.

use crate::batch::Head;
use crate::intake::OWN;
use crate::peers::Peers;
use crate::script::vars::{self, Globals, Path, Slot};
use crate::{clock, system};
use std::cell::OnceCell;
use sysloom_abi::frame_flag;
use sysloom_config::plan::{JsonPath, JsonRoot, Property, PropertyRef};
use sysloom_wire::pri;
use sysloom_wire::{Parsed, Timestamp};

/// A parsed message and everything its properties may need.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub head: &'a Head,
    /// As received.
    pub raw: &'a [u8],
    /// Where the spans of `parsed` lie: the sanitised text, and behind it what parsers put in.
    pub text: &'a [u8],
    /// How much of `text` is the sanitised text.
    pub rawmsg: usize,
    pub parsed: &'a Parsed,
    pub around: &'a Around,
    /// The message's own variables.
    pub vars: &'a Slot,
    /// Where the next modification leaves what it makes of the message; none if the configuration has no modification.
    pub next: Option<&'a Next>,
    /// A modification has changed more than variables.
    pub revised: bool,
}

/// A message as a modification left it.
#[derive(Debug)]
pub struct Revision {
    text: Vec<u8>,
    rawmsg: usize,
    parsed: Parsed,
    next: Next,
}

/// The place of a [`Revision`]; empty until there is one.
pub type Next = OnceCell<Box<Revision>>;

/// The place of a message's text, see [`Message::text`].
#[derive(Clone, Copy, Debug)]
pub enum Text {
    /// The head of the raw message.
    Raw(usize),
    /// A part of what had to be changed.
    Changed(usize, usize),
    /// The same, and behind the text what parsers put in: offset, length of the text, length of all.
    Grown(usize, usize, usize),
}

/// What is the same for all messages.
pub struct Around {
    /// This host's name, as messages carry it.
    pub hostname: String,
    pub peers: Peers,
    /// What the inputs say of their messages, by their number.
    pub inputs: Vec<InputFacts>,
    /// `$/`
    pub globals: Globals,
    /// What `timezone()` objects say of names of zones: minutes east of UTC.
    pub zones: Vec<(String, i16)>,
    /// Names of variables match only in the same case (variables.caseSensitive).
    pub exact_names: bool,
}

/// What an input says of its messages.
#[derive(Clone, Debug, Default)]
pub struct InputFacts {
    /// The property `inputname`.
    pub name: String,
    /// Minutes east of UTC of times that name no zone (defaultTZ); None = this host's.
    pub zone: Option<i16>,
    /// The ruleset that its messages run through.
    pub ruleset: usize,
}

impl Text {
    /// The bytes in which spans lie.
    pub fn of<'a>(self, raw: &'a [u8], changed: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Raw(len) => raw.get(..len),
            Self::Changed(off, len) | Self::Grown(off, _, len) => changed.get(off..off + len),
        }
        .unwrap_or_default()
    }

    /// How many of them are the message's text.
    pub fn shown(self) -> usize {
        match self {
            Self::Raw(len) | Self::Changed(_, len) | Self::Grown(_, len, _) => len,
        }
    }

    /// With `more` behind everything that is there.
    pub fn grown(self, raw: &[u8], more: &[u8], changed: &mut Vec<u8>) -> Self {
        let all = self.of(raw, changed).len();
        let off = match self {
            Self::Changed(off, len) | Self::Grown(off, _, len) if off + len == changed.len() => off,
            Self::Raw(_) => {
                changed.extend_from_slice(self.of(raw, &[]));
                changed.len() - all
            }
            Self::Changed(off, len) | Self::Grown(off, _, len) => {
                changed.extend_from_within(off..off + len);
                changed.len() - all
            }
        };
        changed.extend_from_slice(more);
        Self::Grown(off, self.shown(), all + more.len())
    }
}

impl<'a> Message<'a> {
    /// The sanitised text.
    pub fn rawmsg(&self) -> &'a [u8] {
        self.text.get(..self.rawmsg).unwrap_or_default()
    }

    /// A copy of its bytes in `bytes`, where more can be put behind them, and how they lie there.
    pub fn draft<'b>(&self, bytes: &'b mut Vec<u8>) -> (Text, &'b mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(self.text);
        (Text::Grown(0, self.rawmsg, self.text.len()), bytes)
    }

    /// The message as the last modification left it.
    pub fn latest(mut self) -> Self {
        while let Some(revision) = self.next.and_then(OnceCell::get) {
            self = self.as_in(revision);
        }
        self
    }

    /// The same message with other properties; `self` is the latest.
    pub fn revise(&self, text: &[u8], parsed: Parsed) -> Self {
        let Some(next) = self.next else { return *self };
        let (text, rawmsg) = (text.to_vec(), self.rawmsg);
        self.as_in(next.get_or_init(|| Box::new(Revision { text, rawmsg, parsed, next: Next::new() })))
    }

    /// What a modification made of it, for a message that goes on elsewhere.
    pub fn revision(&self) -> Option<Box<Revision>> {
        let copy = || {
            let (text, rawmsg, parsed) = (self.text.to_vec(), self.rawmsg, *self.parsed);
            Box::new(Revision { text, rawmsg, parsed, next: Next::new() })
        };
        self.revised.then(copy)
    }

    fn as_in(&self, revision: &'a Revision) -> Self {
        let Revision { text, rawmsg, parsed, next } = revision;
        Self { text, rawmsg: *rawmsg, parsed, next: Some(next), revised: true, ..*self }
    }

    pub fn facility(&self) -> u8 {
        self.parsed.pri.facility
    }

    pub fn severity(&self) -> u8 {
        self.parsed.pri.severity
    }

    /// `timereported` or `timegenerated`.
    pub fn time(&self, property: Property) -> Timestamp {
        match (property, self.parsed.timestamp) {
            (Property::Timereported, Some(time)) => time,
            _ => reception(self.head.received_ns),
        }
    }

    /// A property's value, composed in `scratch` if it stands nowhere as such.
    pub fn value<'b>(&'b self, property: &PropertyRef, scratch: &'b mut Vec<u8>) -> &'b [u8] {
        match property {
            PropertyRef::Named(property) => self.named(*property, scratch),
            PropertyRef::Json(path) => {
                self.variable(&Path::new(path, self.around.exact_names), scratch);
                scratch
            }
        }
    }

    /// Puts a variable's value into `out`, as templates show it.
    pub fn variable(&self, path: &Path, out: &mut Vec<u8>) {
        out.clear();
        vars::read(path, self.vars, &self.around.globals, |found| {
            if let Some(found) = found {
                found.write_value(out);
            }
        });
    }

    /// A property that stands in the message, or is always the same, and need not be composed.
    #[inline]
    pub fn plain(&self, property: Property) -> Option<&'a [u8]> {
        let (parsed, text) = (self.parsed, self.text);
        Some(match property {
            Property::Msg => parsed.msg(text),
            Property::Hostname => parsed.hostname(text)?,
            Property::Programname => parsed.programname(text),
            Property::AppName => parsed.app_name(text),
            Property::Procid => parsed.procid(text),
            Property::Msgid => parsed.msgid(text),
            Property::StructuredData => parsed.structured_data(text),
            // rsyslog: the daemon's own messages are nothing but their text.
            Property::Rawmsg | Property::RawmsgAfterPri if self.head.flags & OWN != 0 => parsed.msg(text),
            // rsyslog: rawmsg is the text after the reception rules, too.
            Property::Rawmsg => self.rawmsg(),
            Property::RawmsgAfterPri => parsed.after_pri(self.rawmsg()),
            Property::SyslogfacilityText => pri::facility_name(self.facility()).as_bytes(),
            Property::SyslogseverityText => pri::severity_name(self.severity()).as_bytes(),
            Property::Syslogfacility => NUMBERS.get(usize::from(self.facility()))?.as_bytes(),
            Property::Syslogseverity => NUMBERS.get(usize::from(self.severity()))?.as_bytes(),
            Property::Parsesuccess if self.vars.parsed() => b"OK",
            // rsyslog: FAIL until a modification that reads something of the message could.
            Property::Parsesuccess => b"FAIL",
            Property::Iut => b"1",
            _ => return None,
        })
    }

    /// As [`Message::value`], for a property with a fixed meaning.
    pub fn named<'b>(&'b self, property: Property, scratch: &'b mut Vec<u8>) -> &'b [u8] {
        if let Some(value) = self.plain(property) {
            return value;
        }
        match property {
            Property::Hostname | Property::Fromhost => self.fromhost(scratch),
            Property::Syslogtag => self.parsed.tag(self.text, scratch),
            Property::Inputname => self.inputname(),
            _ => {
                scratch.clear();
                self.compose(property, scratch);
                scratch
            }
        }
    }

    fn compose(&self, property: Property, out: &mut Vec<u8>) {
        match property {
            Property::Pri => self.parsed.pri.write_value(out),
            Property::PriText => self.parsed.pri.write_text(out),
            Property::ProtocolVersion => system::number(self.parsed.protocol_version.into(), 1, out),
            Property::FromhostIp => {
                out.extend_from_slice(self.around.peers.peer(self.head.peer).ip.as_bytes());
            }
            Property::FromhostPort => match self.head.flags >> frame_flag::PORT_SHIFT {
                0 => {}
                _ if self.head.flags & frame_flag::PROCESS != 0 => {}
                port => system::number(port.into(), 1, out),
            },
            Property::Timereported | Property::Timegenerated => self.time(property).write_rfc3164(out),
            Property::AllJson => self.all_variables(true, out),
            Property::AllJsonPlain => self.all_variables(false, out),
            Property::Jsonmesg => crate::jsonmesg::write(self, out),
            Property::Uuid => out.extend(
                self.vars.uuid().iter().flat_map(|b| [HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]),
            ),
            Property::Myhostname => {
                // This host's own entry follows a change of its name.
                let local = self.around.peers.peer(0);
                out.extend_from_slice(self.around.peers.name(&local).as_bytes());
            }
            _ => system::write(property, &self.around.hostname, out),
        }
    }

    /// The tree `$!` as JSON, an empty object if nothing was set.
    fn all_variables(&self, blanks: bool, out: &mut Vec<u8>) {
        vars::read(&message_tree(), self.vars, &self.around.globals, |tree| match tree {
            Some(tree) => tree.write(blanks, out),
            None => out.extend_from_slice(b"{}"),
        });
    }

    fn inputname(&self) -> &[u8] {
        let facts = self.around.inputs.get(self.head.input as usize);
        // Numbers beyond the inputs are the daemon's own messages.
        facts.map_or("rsyslogd", |facts| &facts.name).as_bytes()
    }

    fn fromhost<'b>(&'b self, scratch: &'b mut Vec<u8>) -> &'b [u8] {
        let peer = self.around.peers.peer(self.head.peer);
        scratch.clear();
        scratch.extend_from_slice(self.around.peers.name(&peer).as_bytes());
        scratch
    }
}

/// The time of reception in the local zone.
pub fn reception(received_ns: i64) -> Timestamp {
    let seconds = received_ns.div_euclid(1_000_000_000);
    let micros = (received_ns.rem_euclid(1_000_000_000) / 1000) as u32;
    Timestamp::from_unix(seconds, micros, clock::offset_minutes(seconds))
}

/// The path `$!`.
pub fn message_tree() -> Path {
    Path::new(&JsonPath { root: JsonRoot::Message, steps: Vec::new() }, true)
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";
const NUMBERS: [&str; 25] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18",
    "19", "20", "21", "22", "23", "24",
];
