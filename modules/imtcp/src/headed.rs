//! Frames that begin with a line that a regular expression matches (framing.delimiter.regex), and with nothing else: LF
//! and octet counts mean nothing then.
//!
//! A line is judged as soon as it is there, whole or in part, so that a frame is handed on when the next one's header
//! has come. The last frame of a connection comes when it is closed.

use regex::bytes::{Regex, RegexBuilder};
use sysloom_sdk::Complaint;
use sysloom_sdk::frame::{Event, Rules, Sink};

/// Compiles the expression, which is POSIX's extended one.
pub fn compile(expression: &str) -> Result<Regex, Complaint> {
    RegexBuilder::new(expression).unicode(false).build().map_err(|why| {
        let why = why.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Complaint::new(format!("'{expression}' is no extended regular expression: {why}"))
            .param("framing.delimiter.regex")
    })
}

/// The framing state of one session.
#[derive(Default)]
pub struct Headed {
    /// The frame so far.
    carry: Vec<u8>,
    /// Where its last line begins, which goes on in the next read.
    line: usize,
    /// That line needs no look any more.
    judged: bool,
    /// The frame is longer than a message may be; a part of it is gone on.
    cut: bool,
}

impl Headed {
    /// Takes the next bytes of the stream and reports every frame that they complete.
    pub fn feed(&mut self, rules: &Rules, header: &Regex, input: &[u8], out: &mut impl Sink) {
        let mut carry = std::mem::take(&mut self.carry);
        if carry.is_empty() {
            let done = self.scan(rules, header, input, true, out);
            carry.extend_from_slice(input.get(done..).unwrap_or_default());
        } else {
            carry.extend_from_slice(input);
            let done = self.scan(rules, header, &carry, false, out);
            carry.drain(..done);
        }
        // What a large read left room for is given back.
        if carry.capacity() > KEPT && carry.len() < KEPT / 4 {
            carry.shrink_to(KEPT / 4);
        }
        self.carry = carry;
    }

    /// The stream is over: what there is, is a frame.
    pub fn close(mut self, rules: &Rules, out: &mut impl Sink) {
        let carry = std::mem::take(&mut self.carry);
        self.hand_on(rules, text(&carry), None, out);
    }

    /// Reports the frames of `bytes`, and how far they go. The bytes are those of a read if `here` is set.
    fn scan(
        &mut self,
        rules: &Rules,
        header: &Regex,
        bytes: &[u8],
        here: bool,
        out: &mut impl Sink,
    ) -> usize {
        let (mut start, mut at) = (0, self.line);
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let lf = memchr::memchr(b'\n', rest);
            let line = rest.get(..lf.unwrap_or(rest.len())).unwrap_or_default();
            // What stands before the first header is a frame, too.
            if !self.judged && (at > start || self.cut) && header.is_match(line) {
                let frame = text(bytes.get(start..at).unwrap_or_default());
                self.hand_on(rules, frame, here.then_some(start), out);
                (start, self.judged, self.cut) = (at, true, false);
            }
            let Some(lf) = lf else { break };
            at += lf + 1;
            self.judged = false;
        }
        let rest = bytes.get(start..).unwrap_or_default();
        let over = match rest.len() {
            // The LF at its end is no part of a frame.
            n if n > limit(rules) + 1 => (n - 1) / limit(rules) * limit(rules),
            _ => 0,
        };
        if over > 0 {
            self.hand_on(rules, rest.get(..over).unwrap_or_default(), here.then_some(start), out);
            self.exceed(rules, out);
            start += over;
        }
        // A line of which a part is gone on is no header.
        self.judged |= at < start;
        self.line = at.saturating_sub(start);
        start
    }

    /// Reports a frame, or a part of one, in pieces that are as long as a message may be. `at` is its place in the read,
    /// if it lies there.
    fn hand_on(&mut self, rules: &Rules, frame: &[u8], at: Option<usize>, out: &mut impl Sink) {
        for (nth, part) in frame.chunks(limit(rules)).enumerate() {
            if self.cut && rules.discard_truncated {
                return;
            }
            match at {
                Some(at) => out.span(at + nth * limit(rules), part.len()),
                None => out.carried(part),
            }
            if frame.len() > limit(rules) {
                self.exceed(rules, out);
            }
        }
    }

    fn exceed(&mut self, rules: &Rules, out: &mut impl Sink) {
        if !self.cut {
            out.event(Event::Truncated { len: limit(rules) });
        }
        self.cut = true;
    }
}

/// What ends in LF, without it.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"\n").unwrap_or(bytes)
}

/// As for other frames.
fn limit(rules: &Rules) -> usize {
    rules.max_message.max(20)
}

/// Bytes that a session may have allocated for less than a quarter of it.
const KEPT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Found {
        input: Vec<u8>,
        frames: Vec<String>,
        events: usize,
    }

    impl Sink for Found {
        fn span(&mut self, offset: usize, len: usize) {
            let frame = self.input[offset..offset + len].to_vec();
            self.carried(&frame);
        }
        fn carried(&mut self, frame: &[u8]) {
            self.frames.push(String::from_utf8(frame.to_vec()).unwrap());
        }
        fn event(&mut self, event: Event) {
            assert_eq!(event, Event::Truncated { len: 20 });
            self.events += 1;
        }
    }

    fn split<'a>(rules: &Rules, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, usize) {
        let header = compile("^<[0-9]{1,3}>(Jan|[[:digit:]])").unwrap();
        let (mut headed, mut found) = (Headed::default(), Found::default());
        for piece in pieces {
            found.input = piece.to_vec();
            headed.feed(rules, &header, piece, &mut found);
        }
        headed.close(rules, &mut found);
        (found.frames, found.events)
    }

    /// The stream gives these frames however it is cut into reads.
    fn check(rules: &Rules, stream: &str, frames: &[&str], events: usize) {
        let want = (frames.iter().map(|frame| (*frame).to_owned()).collect(), events);
        let stream = stream.as_bytes();
        assert_eq!(split(rules, [stream]), want, "whole");
        assert_eq!(split(rules, stream.chunks(1)), want, "byte by byte");
        for at in 0..=stream.len() {
            for second in at..=stream.len() {
                let pieces = [&stream[..at], &stream[at..second], &stream[second..]];
                assert_eq!(split(rules, pieces), want, "cut at {at} and {second}");
            }
        }
    }

    #[test]
    fn a_frame_begins_with_a_header_and_holds_all_other_lines() {
        let rules = Rules::default();
        check(&rules, "", &[], 0);
        check(
            &rules,
            "<1>Jan a\nb\n\n<2>c\n<2>Jan d\n<3>4\n",
            &["<1>Jan a\nb\n\n<2>c", "<2>Jan d", "<3>4"],
            0,
        );
        check(&rules, "no header\n5 <1>x\n<1>2\nrest", &["no header\n5 <1>x", "<1>2\nrest"], 0);
        check(&rules, "\n<1>2\n <1>Jan\n", &["<1>2\n <1>Jan"], 0);
    }

    #[test]
    fn what_is_too_long_is_split_or_cut_and_the_next_header_is_found() {
        let mut rules = Rules { max_message: 20, ..Rules::default() };
        let stream = "<1>2 678901234567890abc\ndefghijkl\nmnopqrstuv<1>2\n<1>3 x\n<1>4 678901234567890\n";
        let parts = ["<1>2 678901234567890", "abc\ndefghijkl\nmnopqr", "stuv<1>2"];
        check(&rules, stream, &[&parts[..], &["<1>3 x", "<1>4 678901234567890"]].concat(), 1);
        rules.discard_truncated = true;
        check(&rules, stream, &[parts[0], "<1>3 x", "<1>4 678901234567890"], 1);
    }

    #[test]
    fn a_frame_is_there_as_soon_as_the_next_header_is() {
        let (mut headed, mut found) = (Headed::default(), Found::default());
        let header = compile("^<[0-9]+>").unwrap();
        let reads = [("<1>a\nb\n<", 0), ("2", 0), (">", 1), ("c\n<3>", 2), ("d\n", 2)];
        for (read, frames) in reads {
            found.input = read.into();
            headed.feed(&Rules::default(), &header, read.as_bytes(), &mut found);
            assert_eq!(found.frames.len(), frames, "{read:?}");
        }
    }

    #[test]
    fn a_bad_expression_is_told_in_one_line() {
        let why = compile("^<[0-9]{1,3>(").err().unwrap();
        assert_eq!(why.param, Some("framing.delimiter.regex"));
        assert!(why.text.starts_with("'^<[0-9]{1,3>(' is no extended regular expression: "), "{}", why.text);
        assert!(!why.text.contains('\n'), "{}", why.text);
    }
}
