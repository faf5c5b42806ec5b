//! Messages that nobody would send: mutations of the cases, drawn from a seeded generator.

use sysloom_wire::{
    Options, Parsed, SanitizeRules, Sanitized, Timestamp, Zone, local, parse_chain, parse_text, sd, timestamp,
};

/// A xorshift generator: the same messages in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn pick<'a>(&mut self, list: &[&'a [u8]]) -> &'a [u8] {
        list[self.below(list.len())]
    }

    fn mutated(&mut self, seeds: &[&[u8]]) -> Vec<u8> {
        let mut message = self.pick(seeds).to_vec();
        for _ in 0..1 + self.below(5) {
            let at = self.below(message.len() + 1);
            match self.below(5) {
                0 => drop(message.drain(at..(at + 1 + self.below(4)).min(message.len()).max(at))),
                1 => drop(message.splice(at..at, self.pick(FRAGMENTS).iter().copied())),
                2 => message.truncate(at),
                3 => drop(message.splice(at.., self.pick(seeds).iter().copied())),
                _ => {
                    let byte = self.below(256) as u8;
                    message.insert(at, byte);
                }
            }
        }
        message
    }
}

const FRAGMENTS: &[&[u8]] = &[
    b"<13>",
    b"<191>",
    b"<",
    b">",
    b"1 ",
    b"Oct 11 22:14:15",
    b"2003-10-11T22:14:15.003Z",
    b"+02:00",
    b" ",
    b"  ",
    b":",
    b": ",
    b"[",
    b"]",
    b"] ",
    b"\\]",
    b"\\\\]",
    b"\\\"",
    b"[a b=\"c\"]",
    b"-",
    b"- ",
    b"host",
    b"tag[12]",
    b"2020",
    b".",
    b"99999999999999999999",
    b"\t",
    b"\n",
    b"\0",
    b"\xc3\xa4",
    b"\xef\xbb\xbf",
    b"\xff",
];

fn seeds() -> Vec<&'static [u8]> {
    let files = [
        include_str!("cases/head.cases"),
        include_str!("cases/rfc3164.cases"),
        include_str!("cases/rfc5424.cases"),
        include_str!("cases/local.cases"),
    ];
    // Escapes of the case files are as good as any other text here.
    let lines = files.iter().flat_map(|file| file.lines());
    lines.filter_map(|line| line.strip_prefix("< ")).map(str::as_bytes).collect()
}

fn reception() -> Timestamp {
    Timestamp::from_unix(1_795_415_694, 540_774, -300)
}

#[test]
fn nothing_panics_and_nothing_is_lost() {
    let seeds = seeds();
    let mut random = Random(0x5eed_0003);
    let (mut scratch, mut tag) = (Vec::new(), Vec::new());
    for round in 0..60_000 {
        let raw = random.mutated(&seeds);
        let bit = |at: usize| round >> at & 1 == 1;
        let rules = SanitizeRules {
            escape_control: !bit(0),
            escape_tab: !bit(1),
            escape_8bit: bit(2),
            c_style: bit(3),
            max_message: [8096, 40][usize::from(bit(4))],
            ..SanitizeRules::default()
        };
        let options = Options {
            parse_hostname: !bit(5),
            force_tag_ending_by_colon: bit(6),
            remove_msg_first_space: bit(7),
            permit_square_brackets_in_hostname: bit(8),
            detect_year_after_timestamp: bit(9),
            ..Options::default()
        };
        let mut parsed = Parsed::new();
        let Some(sanitized) = parse_chain(&rules, &options, &reception(), &raw, &mut scratch, &mut parsed)
        else {
            assert!(raw.is_empty());
            continue;
        };
        let text = match sanitized {
            Sanitized::Unchanged { len } => raw[..len].to_vec(),
            Sanitized::Escaped { len } => scratch[scratch.len() - len..].to_vec(),
        };
        assert!(text.len() <= rules.max_message);
        // msg is a tail of the message, and no field reaches into it.
        assert!(text.ends_with(parsed.msg(&text)));
        assert_eq!(parsed.msg.offset as usize + parsed.msg.len as usize, text.len());
        assert!(text.ends_with(parsed.after_pri(&text)));
        parsed.tag(&text, &mut tag);
        for element in sd::elements(parsed.structured_data(&text)) {
            assert!(element.params.map(|param| param.value().len()).sum::<usize>() <= text.len());
        }
        local::parse(&text, &options, &reception(), &mut parsed);
        assert!(text.ends_with(parsed.msg(&text)));
        scratch.clear();
    }
}

// RFC 5424-18, -24: a relay that writes the header anew changes nothing of a message that it could read.
#[test]
fn a_rebuilt_rfc5424_message_reads_the_same() {
    let seeds: Vec<_> = seeds().into_iter().filter(|seed| seed.starts_with(b"<165>1 ")).collect();
    let mut random = Random(0x5eed_0004);
    let mut compared = 0;
    for _ in 0..60_000 {
        let text = random.mutated(&seeds);
        let options = Options::default();
        let mut parsed = Parsed::new();
        parse_text(&text, &options, &reception(), &mut parsed);
        let fields = [parsed.app_name(&text), parsed.procid(&text), parsed.msgid(&text)];
        let host = parsed.hostname(&text).unwrap_or_default();
        let data = parsed.structured_data(&text);
        let mut elements = sd::elements(data);
        elements.by_ref().for_each(drop);
        let complete = elements.remainder().is_empty() || data == b"-";
        let (Some(time), true) = (parsed.timestamp, complete) else { continue };
        if fields.iter().any(|field| field.is_empty())
            || host.is_empty()
            || !data.ends_with(b"]") && data != b"-"
        {
            continue;
        }
        // Without structured data the property shows the MSGID; a backslash before the last bracket hides its end.
        if data == fields[2] && data != b"-" || data.ends_with(b"\\]") {
            continue;
        }
        let mut rebuilt = b"<".to_vec();
        parsed.pri.write_value(&mut rebuilt);
        rebuilt.extend_from_slice(b">1 ");
        time.write_rfc3339(&mut rebuilt);
        for field in [host, fields[0], fields[1], fields[2], data] {
            rebuilt.push(b' ');
            rebuilt.extend_from_slice(field);
        }
        rebuilt.push(b' ');
        rebuilt.extend_from_slice(parsed.msg(&text));
        let mut again = Parsed::new();
        parse_text(&rebuilt, &options, &reception(), &mut again);
        assert_eq!(again.timestamp, parsed.timestamp, "{}", text.escape_ascii());
        assert_eq!(again.pri, parsed.pri);
        let read = [again.app_name(&rebuilt), again.procid(&rebuilt), again.msgid(&rebuilt)];
        assert_eq!((again.hostname(&rebuilt), read), (Some(host), fields), "{}", text.escape_ascii());
        assert_eq!(again.structured_data(&rebuilt), data, "{}", text.escape_ascii());
        assert_eq!(again.msg(&rebuilt), parsed.msg(&text), "{}", text.escape_ascii());
        compared += 1;
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn times_come_back_from_their_formats() {
    let mut random = Random(0x5eed_0005);
    for _ in 0..60_000 {
        let offset = random.below(28 * 60) as i16 - 14 * 60;
        let seconds = random.below(4_102_000_000) as i64;
        let digits = random.below(7) as u8;
        let power = 10u32.pow(6 - u32::from(digits));
        let micros = random.below(1_000_000) as u32 / power * power;
        let time = Timestamp { fraction_digits: digits, ..Timestamp::from_unix(seconds, micros, offset) };
        let mut text = Vec::new();
        time.write_rfc3339(&mut text);
        assert_eq!(timestamp::parse_rfc3339(&text), Some((time, text.len())));
        assert_eq!(time.unix(), if time.year < 1970 { 0 } else { seconds });
        text.clear();
        time.write_rfc3164(&mut text);
        let rules = timestamp::Rfc3164Rules { reception: &time, year_after: false };
        let plain = Timestamp { micros: 0, fraction_digits: 0, ..time };
        assert_eq!(timestamp::parse_rfc3164(&text, &rules), Some((plain, text.len())));
        assert_eq!(time.zone, if offset < 0 { Zone::West } else { Zone::East });
    }
}
