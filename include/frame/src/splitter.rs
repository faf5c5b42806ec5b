//! The receiving direction: from the bytes of one session to whole frames.
//!
//! Frames that lie wholly in one read are reported as ranges of it; only a frame that spans reads is copied, once,
//! into the splitter's carry. The state between reads is a few words and at most a small buffer, so that idle sessions
//! cost next to nothing.

use crate::Rules;
use memchr::{memchr, memchr2};

/// Where the splitter puts what it finds; all calls come in the order of the stream.
pub trait Sink {
    /// A whole frame inside the input of this `feed`: `input[offset..offset + len]`.
    fn span(&mut self, offset: usize, len: usize);
    /// A whole frame that began in an earlier `feed`, or whose bytes do not lie together; valid during the call.
    fn carried(&mut self, frame: &[u8]);
    /// Something to count or to report in one line.
    fn event(&mut self, event: Event);
}

/// What a splitter noticed besides frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An octet-counted frame announces more than `max_message`; it will be split or truncated.
    Oversize { announced: u64 },
    /// An octet count above `max_frame`: not believed, the frame is taken up to its delimiter.
    TooLong { announced: u64 },
    /// An octet count of zero or with leading zeros: the frame is taken up to its delimiter.
    BadCount,
    /// A delimited frame exceeded `max_message`, of which `len` bytes were handed on so far.
    Truncated { len: usize },
    /// The stream ended inside an octet-counted frame, which is lost.
    Incomplete { wanted: usize, got: usize },
}

/// The framing state of one stream session.
#[derive(Debug, Default)]
pub struct Splitter {
    carry: Vec<u8>,
    state: State,
    announced: u32,
    left: u32,
    /// The current frame exceeded `max_message`.
    cut: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first octet of a frame, or (with a carry) inside what may be an octet count.
    #[default]
    Start,
    /// Like `Start`, after an octet-counted frame, whose trailer may follow.
    Trailer,
    /// Inside a delimited frame.
    Line,
    /// Inside a delimited frame, after an LF that ends it only if `<` follows.
    LineFeed,
    /// Inside an octet-counted frame, `left` octets before its end.
    Counted,
}

enum Head {
    /// `len` octets that announce `count`.
    Counted {
        len: usize,
        count: u64,
    },
    /// Digits, a blank and what begins a message, but no valid count.
    Bad {
        len: usize,
    },
    Line,
    Undecided,
}

/// What some octets are the beginning of.
enum Begin {
    /// A message with a PRI.
    Plain,
    /// One that its sender compressed: `z` and a zlib stream.
    // rsyslog: compression.mode="single".
    Packed,
    /// No message that may have a count before it.
    None,
    /// There are too few of them to tell.
    Unknown,
}

impl Splitter {
    /// A splitter at the start of a stream.
    pub const fn new() -> Self {
        Self { carry: Vec::new(), state: State::Start, announced: 0, left: 0, cut: false }
    }

    /// Whether no part of a frame is pending.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Start | State::Trailer) && self.carry.is_empty()
    }

    /// Bytes of an unfinished frame that are held for the next `feed`.
    pub fn pending(&self) -> usize {
        self.carry.len()
    }

    /// Takes the next bytes of the stream and reports every frame that they complete.
    pub fn feed(&mut self, rules: &Rules, input: &[u8], out: &mut impl Sink) {
        let mut at = 0;
        if !self.carry.is_empty() && self.state == State::Start {
            at = self.resume_head(rules, input, out);
        }
        while at < input.len() {
            at = match self.state {
                State::Start | State::Trailer => self.start(rules, input, at, out),
                State::Line => self.line(rules, input, at, out),
                State::LineFeed => self.line_feed(rules, input, at, out),
                State::Counted => self.counted(rules, input, at, out),
            };
        }
        // A small buffer is kept for the next partial frame, so that a busy session allocates nothing; a large one is
        // given back.
        if self.carry.is_empty() && self.carry.capacity() > KEPT {
            self.carry = Vec::new();
        }
    }

    /// Ends the stream: a pending delimited frame is a frame, a pending octet-counted one is lost.
    pub fn close(&mut self, out: &mut impl Sink) {
        let ended = std::mem::take(self);
        if ended.state == State::Counted {
            let (wanted, left) = (ended.announced as usize, ended.left as usize);
            out.event(Event::Incomplete { wanted, got: wanted.saturating_sub(left) });
        } else if !ended.carry.is_empty() {
            // RFC 6587 3.4.2 does not say it; rsyslog: the rest counts as a message.
            out.carried(&ended.carry);
        }
    }

    /// Decides at the first octets of a frame how it is framed.
    fn start(&mut self, rules: &Rules, input: &[u8], mut at: usize, out: &mut impl Sink) -> usize {
        // RFC 6587 3.4.1 knows no trailer after an octet-counted frame; some senders add LF, CR LF or NUL.
        if self.state == State::Trailer {
            at = skip(input, at, |byte| matches!(byte, b'\n' | b'\r' | 0));
        }
        if rules.cisco_asa && input.get(at) == Some(&b' ') {
            at = skip(input, at, |byte| byte == b' ');
            // The blank is the next frame's, also if the read ends here.
            self.state = State::Start;
        }
        let Some(rest) = input.get(at..).filter(|rest| !rest.is_empty()) else { return input.len() };
        self.state = State::Start;
        self.cut = false;
        match head(rules, rest) {
            Head::Line => self.line(rules, input, at, out),
            Head::Undecided => {
                self.carry.extend_from_slice(rest);
                input.len()
            }
            Head::Counted { len, count } => self.announce(rules, count, &rest[..len], out) + at + len,
            Head::Bad { len } => {
                out.event(Event::BadCount);
                self.line(rules, input, at + len, out)
            }
        }
    }

    /// Goes on with an octet count whose first digits wait in the carry; returns how much of `input` it took.
    fn resume_head(&mut self, rules: &Rules, input: &[u8], out: &mut impl Sink) -> usize {
        for (at, &byte) in input.iter().enumerate() {
            self.carry.push(byte);
            match head(rules, &self.carry) {
                Head::Undecided => continue,
                Head::Line => {
                    self.carry.pop();
                    self.state = State::Line;
                }
                // The byte that decides is the message's: the `<`, or the third of a compressed one.
                Head::Counted { len, count } => {
                    self.carry.pop();
                    let mut header = std::mem::take(&mut self.carry);
                    let begun = header.split_off(len);
                    self.announce(rules, count, &header, out);
                    self.carry.extend_from_slice(&begun);
                    if self.state == State::Counted {
                        // A compressed message is not believed to be shorter than this.
                        self.left -= begun.len() as u32;
                    }
                }
                Head::Bad { len } => {
                    self.carry.pop();
                    self.carry.drain(..len);
                    self.state = State::Line;
                    out.event(Event::BadCount);
                }
            }
            return at;
        }
        input.len()
    }

    /// Begins the frame that `header` announces; always returns 0, the octets of the message taken so far.
    fn announce(&mut self, rules: &Rules, count: u64, header: &[u8], out: &mut impl Sink) -> usize {
        if count > rules.max_message as u64 {
            out.event(Event::Oversize { announced: count });
        }
        match u32::try_from(count) {
            Ok(left) if count <= rules.max_frame as u64 => {
                self.state = State::Counted;
                self.announced = left;
                self.left = left;
            }
            _ => {
                out.event(Event::TooLong { announced: count });
                // rsyslog: the digits become text, their blank is lost.
                let digits = header.len().saturating_sub(1);
                self.carry.extend_from_slice(header.get(..digits).unwrap_or_default());
                self.state = State::Line;
            }
        }
        0
    }

    // RFC 6587 3.4.1, RFC 5425 4.3.1: only the count delimits, whatever the octets are.
    fn counted(&mut self, rules: &Rules, input: &[u8], at: usize, out: &mut impl Sink) -> usize {
        let here = input.len() - at;
        let left = self.left as usize;
        if left > here {
            self.left -= here as u32;
            self.body(rules, input, at, input.len(), false, out);
            return input.len();
        }
        self.left = 0;
        self.body(rules, input, at, at + left, true, out);
        self.state = State::Trailer;
        at + left
    }

    // RFC 6587 3.4.2: non-transparent framing, the delimiter is not part of the frame.
    fn line(&mut self, rules: &Rules, input: &[u8], mut at: usize, out: &mut impl Sink) -> usize {
        self.state = State::Line;
        let mut from = at;
        while let Some(found) = delimiter(rules, &input[from..]) {
            let end = from + found;
            let joins = rules.multi_line && input[end] == b'\n' && rules.extra_delimiter != Some(b'\n');
            match input.get(end + 1) {
                // An empty line before a frame belongs to none.
                _ if joins && end == at && self.carry.is_empty() && !self.cut => {
                    self.state = State::Start;
                    return end + 1;
                }
                None if joins => {
                    self.body(rules, input, at, end, false, out);
                    self.state = State::LineFeed;
                    return input.len();
                }
                Some(&next) if joins && next != b'<' => from = end + 1,
                _ => {
                    self.body(rules, input, at, end, true, out);
                    self.cut = false;
                    (at, from) = (end + 1, end + 1);
                    // What `start` would decide as well; this is the usual next frame.
                    if input.get(at) != Some(&b'<') {
                        self.state = State::Start;
                        return at;
                    }
                }
            }
        }
        self.body(rules, input, at, input.len(), false, out);
        input.len()
    }

    fn line_feed(&mut self, rules: &Rules, input: &[u8], at: usize, out: &mut impl Sink) -> usize {
        if input.get(at) == Some(&b'<') {
            self.body(rules, input, at, at, true, out);
            self.state = State::Start;
            return at;
        }
        if self.carry.len() >= limit(rules) {
            self.full(rules, out);
        }
        if !self.dropping(rules) {
            self.carry.push(b'\n');
        }
        self.line(rules, input, at, out)
    }

    /// Adds `input[start..end]` to the current frame, which is complete if `done`.
    fn body(
        &mut self,
        rules: &Rules,
        input: &[u8],
        mut start: usize,
        end: usize,
        done: bool,
        out: &mut impl Sink,
    ) {
        if self.dropping(rules) {
            return;
        }
        let max = limit(rules);
        if !self.carry.is_empty() {
            let room = max.saturating_sub(self.carry.len());
            if end - start <= room {
                self.carry.extend_from_slice(&input[start..end]);
                if done {
                    self.flush(out);
                }
                return;
            }
            self.carry.extend_from_slice(&input[start..start + room]);
            start += room;
            self.full(rules, out);
            if self.dropping(rules) {
                return;
            }
        }
        // rsyslog: imtcp 8.2302 loses one byte at each split; here every byte arrives.
        while end - start > max {
            out.span(start, max);
            start += max;
            self.exceed(max, out);
            if self.dropping(rules) {
                return;
            }
        }
        if !done {
            self.carry.extend_from_slice(&input[start..end]);
        } else if end > start {
            out.span(start, end - start);
        }
    }

    /// Hands on a carry that reached `max_message` before its frame ended.
    fn full(&mut self, rules: &Rules, out: &mut impl Sink) {
        self.flush(out);
        self.exceed(limit(rules), out);
    }

    fn exceed(&mut self, len: usize, out: &mut impl Sink) {
        if !self.cut && self.state != State::Counted {
            out.event(Event::Truncated { len });
        }
        self.cut = true;
    }

    fn flush(&mut self, out: &mut impl Sink) {
        out.carried(&self.carry);
        self.carry.clear();
    }

    fn dropping(&self, rules: &Rules) -> bool {
        self.cut && rules.discard_truncated
    }
}

// RFC 6587 3.4.1: a frame is octet-counted if it begins with a digit 1-9. Text may do so as well, hence a count
// must also be followed by SP and `<`, the first octet of every SYSLOG-MSG, or by what begins a compressed one.
fn head(rules: &Rules, rest: &[u8]) -> Head {
    if !rules.octet_counted {
        return Head::Line;
    }
    let mut count = 0u64;
    for (at, &byte) in rest.iter().enumerate().take(MAX_DIGITS + 1) {
        if byte.is_ascii_digit() {
            count = count.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
            continue;
        }
        if byte != b' ' || at == 0 {
            return Head::Line;
        }
        let len = at + 1;
        return match begins(rest.get(len..).unwrap_or_default()) {
            Begin::Unknown if at <= MAX_DIGITS_PACKED || rest.len() == len => Head::Undecided,
            Begin::None | Begin::Unknown => Head::Line,
            Begin::Packed if at > MAX_DIGITS_PACKED => Head::Line,
            // RFC 5425 4.3.1: MSG-LEN starts with a NONZERO-DIGIT.
            Begin::Plain | Begin::Packed if rest[0] == b'0' => Head::Bad { len },
            Begin::Packed if count < 3 => Head::Line,
            Begin::Plain | Begin::Packed => Head::Counted { len, count },
        };
    }
    if rest.len() > MAX_DIGITS { Head::Line } else { Head::Undecided }
}

fn begins(octets: &[u8]) -> Begin {
    match *octets {
        [] | [b'z'] => Begin::Unknown,
        [b'<', ..] => Begin::Plain,
        // RFC 1950 2.2: the method is 8, its window 0 to 7, and both octets are a multiple of 31.
        [b'z', method, ..] if method & 0x8f != 8 => Begin::None,
        [b'z', _] => Begin::Unknown,
        [b'z', method, flags, ..] if u16::from_be_bytes([method, flags]).is_multiple_of(31) => Begin::Packed,
        _ => Begin::None,
    }
}

fn delimiter(rules: &Rules, rest: &[u8]) -> Option<usize> {
    match (rules.lf, rules.extra_delimiter) {
        (true, None) => memchr(b'\n', rest),
        (true, Some(extra)) => memchr2(b'\n', extra, rest),
        (false, Some(extra)) => memchr(extra, rest),
        (false, None) => None,
    }
}

fn skip(input: &[u8], mut at: usize, wanted: impl Fn(u8) -> bool) -> usize {
    while input.get(at).is_some_and(|&byte| wanted(byte)) {
        at += 1;
    }
    at
}

/// A carried octet count must fit, should it turn out to be text.
fn limit(rules: &Rules) -> usize {
    rules.max_message.max(MAX_DIGITS + 1)
}

/// Bytes of a carry that are kept while nothing is pending: most messages are shorter.
const KEPT: usize = 512;
/// Longest run of digits that is still looked at as a count; what exceeds `max_frame` is reported, not believed.
const MAX_DIGITS: usize = 19;
/// The same of a count before a compressed message, of which three octets are looked at instead of one.
const MAX_DIGITS_PACKED: usize = MAX_DIGITS - 2;
