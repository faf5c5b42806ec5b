//! A message as filters and templates see it: spans of its batch's bytes, read by property name.
//!
//! Workers make one for each message on the stack; nothing is copied but what must be composed.

use crate::batch::Head;
use crate::peers::Peers;
use crate::{clock, system};
use sysloom_config::plan::{Property, PropertyRef};
use sysloom_wire::pri;
use sysloom_wire::{Parsed, Timestamp};

/// A parsed message and everything its properties may need.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    pub head: &'a Head,
    /// As received.
    pub raw: &'a [u8],
    /// Sanitised; the spans of `parsed` lie here.
    pub text: &'a [u8],
    pub parsed: &'a Parsed,
    pub around: &'a Around,
}

/// What is the same for all messages.
pub struct Around {
    /// This host's name, as messages carry it.
    pub hostname: String,
    pub peers: Peers,
    /// What the inputs say of their messages, by their number.
    pub inputs: Vec<InputFacts>,
}

/// What an input says of its messages.
#[derive(Clone, Debug, Default)]
pub struct InputFacts {
    /// The property `inputname`.
    pub name: String,
    /// The ruleset that its messages run through.
    pub ruleset: usize,
}

impl<'a> Message<'a> {
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
            // `compile` refuses what reads variables.
            PropertyRef::Json(_) => &[],
        }
    }

    /// As [`Message::value`], for a property with a fixed meaning.
    pub fn named<'b>(&'b self, property: Property, scratch: &'b mut Vec<u8>) -> &'b [u8] {
        let (parsed, text) = (self.parsed, self.text);
        match property {
            Property::Msg => parsed.msg(text),
            Property::Hostname => match parsed.hostname(text) {
                Some(name) => name,
                None => self.fromhost(scratch),
            },
            Property::Syslogtag => parsed.tag(text, scratch),
            Property::Programname => parsed.programname(text),
            Property::AppName => parsed.app_name(text),
            Property::Procid => parsed.procid(text),
            Property::Msgid => parsed.msgid(text),
            Property::StructuredData => parsed.structured_data(text),
            // rsyslog: rawmsg is the text after the reception rules, too.
            Property::Rawmsg => text,
            Property::RawmsgAfterPri => parsed.after_pri(text),
            Property::Inputname => self.inputname(),
            Property::Fromhost => self.fromhost(scratch),
            Property::SyslogfacilityText => pri::facility_name(self.facility()).as_bytes(),
            Property::SyslogseverityText => pri::severity_name(self.severity()).as_bytes(),
            Property::Parsesuccess => b"OK",
            Property::Iut => b"1",
            _ => {
                scratch.clear();
                self.compose(property, scratch);
                scratch
            }
        }
    }

    /// Whether the engine has the property; templates that name another one are refused when they are compiled.
    pub fn has(property: Property) -> bool {
        !matches!(property, Property::Jsonmesg | Property::AllJson | Property::AllJsonPlain | Property::Uuid)
    }

    fn compose(&self, property: Property, out: &mut Vec<u8>) {
        match property {
            Property::Pri => self.parsed.pri.write_value(out),
            Property::PriText => self.parsed.pri.write_text(out),
            Property::Syslogfacility => system::number(self.facility().into(), 1, out),
            Property::Syslogseverity => system::number(self.severity().into(), 1, out),
            Property::ProtocolVersion => system::number(self.parsed.protocol_version.into(), 1, out),
            Property::FromhostIp => {
                out.extend_from_slice(self.around.peers.peer(self.head.peer).ip.as_bytes());
            }
            Property::FromhostPort => match self.head.flags >> PORT_SHIFT {
                0 => {}
                port => system::number(port.into(), 1, out),
            },
            Property::Timereported | Property::Timegenerated => self.time(property).write_rfc3164(out),
            _ => system::write(property, &self.around.hostname, out),
        }
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

/// The upper half of a frame's flags is the sender's port.
const PORT_SHIFT: u32 = 16;
