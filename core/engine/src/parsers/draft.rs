//! A message while it is parsed, and a message that is only looked at, as plugins see them.

use crate::batch::Head;
use crate::message::{Around, Message, Text};
use crate::plugin::{Given, Subject};
use crate::properties::{Known, Properties};
use crate::script::parse::parse;
use crate::script::vars;
use crate::script::{Json, Slot};
use sysloom_config::plan::Property;
use sysloom_wire::timestamp::{Rfc3164Rules, parse_rfc3164, parse_rfc3339};
use sysloom_wire::{Parsed, Pri, Span, Timestamp, Verdict, Zone, parse_head};

/// A message on its way through a chain. Its head has been read: the PRI is known.
pub struct Draft<'a> {
    pub head: &'a Head,
    /// As received.
    pub raw: &'a [u8],
    pub text: Text,
    /// Where texts stand that are not as received.
    pub changed: &'a mut Vec<u8>,
    pub parsed: &'a mut Parsed,
    pub vars: &'a Slot,
    pub received: &'a Timestamp,
    pub around: &'a Around,
    pub properties: &'a Properties,
    /// parser.permitSlashInProgramname
    pub permit_slash: bool,
    pub ignore_timestamp: bool,
    /// It was parsed before, and was handed to another queue since.
    pub again: bool,
    pub scratch: &'a mut Scratch,
}

/// A message that is read and not changed.
pub struct View<'a> {
    message: &'a Message<'a>,
    properties: &'a Properties,
    scratch: &'a mut Scratch,
}

/// For properties that must be composed.
#[derive(Debug, Default)]
pub struct Scratch(Vec<u8>, Vec<u8>);

impl Draft<'_> {
    /// Reads the PRI; whether the message has none that can be read, and so nothing for parsers.
    pub fn read_head(&mut self) -> bool {
        parse_head(self.text.of(self.raw, self.changed), self.parsed) == Verdict::Accept
    }

    pub(super) fn received(&self) -> &Timestamp {
        self.received
    }

    pub(super) fn raw(&self) -> &[u8] {
        self.raw
    }

    pub(super) fn is_headerless(&self) -> bool {
        self.parsed.headerless
    }

    /// Runs a parser that finds spans in the text.
    pub(super) fn spans(&mut self, parse: impl FnOnce(&[u8], &mut Parsed) -> Verdict) -> Verdict {
        parse(self.text.of(self.raw, self.changed), self.parsed)
    }

    /// Runs a parser of a plugin; what it set counts only if it takes the message.
    pub(super) fn offer(&mut self, parse: impl FnOnce(&mut Self) -> bool) -> Verdict {
        let (text, parsed, before) = (self.text, *self.parsed, self.vars.copy());
        if parse(self) {
            return Verdict::Accept;
        }
        (self.text, *self.parsed) = (text, parsed);
        self.vars.restore(before);
        Verdict::Decline
    }

    /// Names host and tag where parsing found none.
    pub(super) fn fill_in(&mut self, hostname: Option<&str>, tag: &str) {
        let bytes = self.text.of(self.raw, self.changed);
        let untold = (self.parsed.hostname(bytes).is_none(), self.parsed.app_name(bytes) == b"-");
        if let Some(hostname) = hostname.filter(|_| untold.0) {
            let span = self.append(hostname.as_bytes());
            self.parsed.set_hostname(span);
        }
        if untold.1 {
            let span = self.append(tag.as_bytes());
            self.set_tag(span);
        }
    }

    fn set_tag(&mut self, tag: Span) {
        let bytes = self.text.of(self.raw, self.changed);
        self.parsed.set_tag(bytes, tag, self.permit_slash);
    }

    /// Puts a text behind the message's own, where spans can lie.
    fn append(&mut self, text: &[u8]) -> Span {
        self.text = self.text.grown(self.raw, text, self.changed);
        let end = self.text.of(self.raw, self.changed).len();
        Span::new(end - text.len(), end)
    }

    fn span(&mut self, given: &Given<'_>) -> Span {
        match given {
            Given::Part(range) => Span::new(range.start, range.end),
            Given::Text(text) | Given::Json(text) => self.append(text),
        }
    }

    /// A stamp at the head of the text: how many bytes it has.
    fn set_time(&mut self, given: &Given<'_>) -> Option<usize> {
        let text = match given {
            Given::Part(range) => self.text.of(self.raw, self.changed).get(range.clone())?,
            Given::Text(text) | Given::Json(text) => text,
        };
        if text.is_empty() {
            self.parsed.timestamp = None;
            return Some(0);
        }
        let rules = Rfc3164Rules { reception: self.received, year_after: false };
        let (mut time, used) = parse_rfc3339(text).or_else(|| parse_rfc3164(text, &rules))?;
        // What ends the stamp is not part of it.
        let stamp = text.get(..used)?.trim_ascii_end();
        let mut used = stamp.strip_suffix(b":").unwrap_or(stamp).len();
        if let Some(rest) = text.get(used..)?.strip_prefix(b" ") {
            let word = rest.split(|byte| !byte.is_ascii_alphanumeric()).next().unwrap_or_default();
            if let Some((name, offset)) = self.around.zones.iter().find(|(name, _)| name.as_bytes() == word) {
                time.offset_minutes = *offset;
                time.zone = if *offset < 0 { Zone::West } else { Zone::East };
                used += 1 + name.len();
            }
        }
        self.parsed.timestamp = (!self.ignore_timestamp).then_some(time);
        Some(used)
    }

    fn set_property(&mut self, property: Property, given: &Given<'_>) -> Option<usize> {
        let len = given.len();
        if property == Property::Timereported {
            return self.set_time(given);
        }
        if let Property::Pri | Property::Syslogfacility | Property::Syslogseverity = property {
            let text = match given {
                Given::Part(range) => self.text.of(self.raw, self.changed).get(range.clone())?,
                Given::Text(text) | Given::Json(text) => text,
            };
            let number: u8 = std::str::from_utf8(text).ok()?.parse().ok()?;
            let Pri { facility, severity } = self.parsed.pri;
            let (facility, severity) = match property {
                Property::Pri => (number / 8, number % 8),
                Property::Syslogfacility => (number, severity),
                _ => (facility, number),
            };
            if facility > LAST_FACILITY || severity > LAST_SEVERITY {
                return None;
            }
            self.parsed.pri = Pri { facility, severity };
            return Some(len);
        }
        if property == Property::Parsesuccess {
            let text = match given {
                Given::Part(range) => self.text.of(self.raw, self.changed).get(range.clone())?,
                Given::Text(text) | Given::Json(text) => text,
            };
            self.vars.set_parsed(match text {
                b"OK" => true,
                b"FAIL" => false,
                _ => return None,
            });
            return Some(len);
        }
        if !matches!(
            property,
            Property::Msg
                | Property::Hostname
                | Property::Syslogtag
                | Property::AppName
                | Property::Procid
                | Property::Msgid
                | Property::StructuredData
        ) {
            return None;
        }
        let span = self.span(given);
        match property {
            Property::Msg => self.parsed.msg = span,
            Property::Hostname => self.parsed.set_hostname(span),
            Property::Syslogtag => self.set_tag(span),
            Property::AppName => self.parsed.set_app_name(span),
            Property::Procid => self.parsed.set_procid(span),
            Property::Msgid => self.parsed.set_msgid(span),
            _ => self.parsed.set_structured_data(span),
        }
        Some(len)
    }
}

impl Subject for Draft<'_> {
    fn get(&mut self, property: i64) -> Option<&[u8]> {
        let Self { head, raw, text, changed, parsed, vars, around, properties, scratch, .. } = self;
        let (text, rawmsg) = (text.of(raw, changed), text.shown());
        let message = Message { head, raw, text, rawmsg, parsed, around, vars, next: None, revised: false };
        read(properties.at(property)?, &message, scratch)
    }

    fn text(&self) -> &[u8] {
        self.text.of(self.raw, self.changed)
    }

    fn set(&mut self, property: i64, value: Given<'_>) -> Option<usize> {
        match self.properties.at(property)? {
            Known::Property(property) => self.set_property(*property, &value),
            Known::Variable(path) => {
                let text = match &value {
                    Given::Part(range) => self.text().get(range.clone())?,
                    Given::Text(text) | Given::Json(text) => text,
                };
                let json = match value {
                    Given::Json(_) => parse(text)?,
                    _ => Json::Text(text.to_vec()),
                };
                let len = text.len();
                vars::set(path, self.vars, &self.around.globals, json, false);
                Some(len)
            }
        }
    }

    fn unset(&mut self, property: i64) -> bool {
        match self.properties.at(property) {
            Some(Known::Variable(path)) => {
                vars::unset(path, self.vars, &self.around.globals);
                true
            }
            _ => false,
        }
    }
}

impl<'a> View<'a> {
    pub fn new(message: &'a Message<'a>, properties: &'a Properties, scratch: &'a mut Scratch) -> Self {
        Self { message, properties, scratch }
    }
}

impl Subject for View<'_> {
    fn get(&mut self, property: i64) -> Option<&[u8]> {
        read(self.properties.at(property)?, self.message, self.scratch)
    }

    fn text(&self) -> &[u8] {
        self.message.rawmsg()
    }

    fn set(&mut self, _: i64, _: Given<'_>) -> Option<usize> {
        None
    }

    fn unset(&mut self, _: i64) -> bool {
        false
    }
}

fn read<'b>(known: &Known, message: &Message<'b>, scratch: &'b mut Scratch) -> Option<&'b [u8]> {
    let Scratch(scratch, composed) = scratch;
    match known {
        Known::Property(property) => Some(match message.plain(*property) {
            Some(value) => value,
            None => {
                let value = message.named(*property, composed);
                scratch.clear();
                scratch.extend_from_slice(value);
                scratch
            }
        }),
        Known::Variable(path) => {
            let found = vars::read(path, message.vars, &message.around.globals, |found| {
                scratch.clear();
                found.map(|json| json.write_value(scratch)).is_some()
            });
            found.then_some(scratch.as_slice())
        }
    }
}

const LAST_FACILITY: u8 = 23;
const LAST_SEVERITY: u8 = 7;
