//! What parsing finds in a message: spans into its sanitised bytes, never copies.

use crate::{Pri, Timestamp, class};

/// A range of a message's sanitised bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub offset: u32,
    pub len: u32,
}

impl Span {
    /// A field that the message does not have; not the same as an empty one.
    pub const NONE: Self = Self { offset: u32::MAX, len: 0 };
    /// A field that is there, without text.
    pub const EMPTY: Self = Self { offset: 0, len: 0 };

    /// `bytes[start..end]`.
    #[inline]
    pub fn new(start: usize, end: usize) -> Self {
        // Messages are bounded by maxMessageSize, far below 4 GiB; a longer text is held at the limit.
        let clamp = |at: usize| u32::try_from(at).unwrap_or(u32::MAX - 1);
        let offset = clamp(start);
        Self { offset, len: clamp(end).saturating_sub(offset) }
    }

    #[inline]
    pub fn is_none(self) -> bool {
        self.offset == u32::MAX
    }

    /// The bytes of the span; empty if it does not lie in `bytes`.
    #[inline]
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.offset as usize;
        bytes.get(start..start.saturating_add(self.len as usize)).unwrap_or_default()
    }
}

/// A parsed message. Fields that rsyslog derives from others are read through the methods, which take the
/// sanitised bytes that were parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The time that the message states; `None` means that of reception.
    pub timestamp: Option<Timestamp>,
    /// Where the text after `<PRI>` begins (`rawmsg-after-pri`).
    pub after_pri: u32,
    pub pri: Pri,
    /// 1 for RFC 5424, else 0.
    pub protocol_version: u8,
    /// No time stamp was found and `detect.headerless` is on.
    pub headerless: bool,
    /// The tag is the app-name followed by the procid in brackets.
    tag_with_procid: bool,
    hostname: Span,
    tag: Span,
    programname: Span,
    app_name: Span,
    procid: Span,
    msgid: Span,
    structured_data: Span,
    /// The property `msg`.
    pub msg: Span,
}

impl Parsed {
    /// What is known before any parser ran: all of the text is `msg`, the sender is the host, the tag is empty.
    #[inline]
    pub const fn new() -> Self {
        Self {
            timestamp: None,
            after_pri: 0,
            pri: Pri::DEFAULT,
            protocol_version: 0,
            headerless: false,
            tag_with_procid: false,
            hostname: Span::NONE,
            tag: Span::EMPTY,
            programname: Span::EMPTY,
            app_name: Span::NONE,
            procid: Span::NONE,
            msgid: Span::NONE,
            structured_data: Span::NONE,
            msg: Span::EMPTY,
        }
    }

    /// `hostname`; `None` means the sender's name.
    #[inline]
    pub fn hostname<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        (!self.hostname.is_none()).then(|| self.hostname.of(bytes))
    }

    /// `syslogtag`; only one that stands nowhere in the message as such is built in `scratch`, which is cleared.
    #[inline]
    pub fn tag<'a>(&self, bytes: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if !self.tag_with_procid {
            return or_nil(self.tag, bytes);
        }
        scratch.clear();
        self.write_tag(bytes, scratch);
        scratch
    }

    /// Appends `syslogtag`.
    #[inline]
    pub fn write_tag(&self, bytes: &[u8], out: &mut Vec<u8>) {
        if !self.tag_with_procid {
            out.extend_from_slice(or_nil(self.tag, bytes));
            return;
        }
        // rsyslog: this is the tag of every RFC 5424 message that has a PROCID.
        out.extend_from_slice(self.app_name(bytes));
        out.push(b'[');
        out.extend_from_slice(self.procid.of(bytes));
        out.push(b']');
    }

    /// `programname`.
    #[inline]
    pub fn programname<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        or_nil(self.programname, bytes)
    }

    /// `app-name`, `-` if there is none.
    #[inline]
    pub fn app_name<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        or_nil(self.app_name, bytes)
    }

    /// `procid`, `-` if there is none.
    #[inline]
    pub fn procid<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        or_nil(self.procid, bytes)
    }

    /// `msgid`, `-` if there is none.
    #[inline]
    pub fn msgid<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        or_nil(self.msgid, bytes)
    }

    /// `structured-data`, `-` if there is none.
    #[inline]
    pub fn structured_data<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        or_nil(self.structured_data, bytes)
    }

    /// `msg`.
    #[inline]
    pub fn msg<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        self.msg.of(bytes)
    }

    /// `rawmsg-after-pri`.
    #[inline]
    pub fn after_pri<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.after_pri as usize..).unwrap_or_default()
    }

    /// Names the host that the message states.
    #[inline]
    pub fn set_hostname(&mut self, hostname: Span) {
        self.hostname = hostname;
    }

    /// Sets an RFC 3164 tag, from which program name, app-name and procid follow; [`Span::NONE`] is the tag `-`.
    #[inline]
    pub fn set_tag(&mut self, bytes: &[u8], tag: Span, permit_slash: bool) {
        self.tag = tag;
        self.tag_with_procid = false;
        let text = tag.of(bytes);
        let start = tag.offset as usize;
        let program = program_len(text, permit_slash);
        self.programname = if tag.is_none() { tag } else { Span::new(start, start + program) };
        // rsyslog: an empty program name makes the app-name `-`.
        self.app_name = if program == 0 { Span::NONE } else { self.programname };
        self.procid =
            procid_of(text, program).map_or(Span::NONE, |(from, to)| Span::new(start + from, start + to));
    }

    /// `app-name`, and with it the program name.
    pub fn set_app_name(&mut self, app_name: Span) {
        self.app_name = app_name;
        self.programname = app_name;
    }

    pub fn set_procid(&mut self, procid: Span) {
        self.procid = procid;
    }

    pub fn set_msgid(&mut self, msgid: Span) {
        self.msgid = msgid;
    }

    pub fn set_structured_data(&mut self, structured_data: Span) {
        self.structured_data = structured_data;
    }

    /// Sets the header fields of RFC 5424; what follows from them is set as well.
    #[inline]
    pub(crate) fn set_header(&mut self, bytes: &[u8], header: &Header, permit_slash: bool) {
        self.hostname = header.hostname;
        // rsyslog: an empty APP-NAME is `-`.
        self.app_name = if header.app_name.len == 0 { Span::NONE } else { header.app_name };
        self.procid = header.procid;
        self.msgid = header.msgid;
        self.structured_data = header.structured_data;
        self.tag = self.app_name;
        self.tag_with_procid = header.procid.of(bytes) != b"-";
        // rsyslog: the program name is taken from the tag here too.
        let program = program_len(self.app_name.of(bytes), permit_slash);
        let start = header.app_name.offset as usize;
        self.programname =
            if header.app_name.len == 0 { Span::NONE } else { Span::new(start, start + program) };
    }

    /// The header of RFC 5424 could not be read: everything after VERSION is `msg`.
    pub(crate) fn set_broken_header(&mut self) {
        // rsyslog: the app-name is empty then, not `-`.
        self.app_name = Span::EMPTY;
    }
}

impl Default for Parsed {
    fn default() -> Self {
        Self::new()
    }
}

/// The fields of an RFC 5424 header after the time stamp.
pub(crate) struct Header {
    pub hostname: Span,
    pub app_name: Span,
    pub procid: Span,
    pub msgid: Span,
    pub structured_data: Span,
}

#[inline]
fn or_nil(span: Span, bytes: &[u8]) -> &[u8] {
    // RFC 5424 6: NILVALUE.
    if span.is_none() { b"-" } else { span.of(bytes) }
}

/// Length of the program name at the head of a tag.
// rsyslog: up to the first `:`, `[`, `/` (unless permitted) or byte that is not printable ASCII.
#[inline]
fn program_len(tag: &[u8], permit_slash: bool) -> usize {
    let ends = if permit_slash { class::PROGRAM_END } else { class::PROGRAM_END | class::SLASH };
    tag.iter().position(|byte| class::of(*byte) & ends != 0).unwrap_or(tag.len())
}

/// What stands between the first `[` of a tag and the next `]`.
#[inline]
fn procid_of(tag: &[u8], program: usize) -> Option<(usize, usize)> {
    let from = program + tag.get(program..)?.iter().position(|byte| *byte == b'[')? + 1;
    let to = from + tag.get(from..)?.iter().position(|byte| *byte == b']')?;
    Some((from, to))
}
