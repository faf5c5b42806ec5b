//! Messages as data: what a received message becomes, line by line as rsyslog 8.2302 shows it.
//!
//! A case file holds `= options`, `< received` and `> expected` lines. Expected are pri, time, host name, tag,
//! program name, app-name, procid, msgid, structured data, protocol version and msg, joined by `|`; `@` is the time of
//! reception, `%` the sender's name. Where a line differs from rsyslog on purpose, a `#` line above it says so.

use sysloom_wire::{
    Options, Parsed, SanitizeRules, Sanitized, Timestamp, local, parse_chain, parse_text, sanitize,
};

#[test]
fn heads() {
    run(include_str!("cases/head.cases"));
}

#[test]
fn rfc3164() {
    run(include_str!("cases/rfc3164.cases"));
}

#[test]
fn rfc5424() {
    run(include_str!("cases/rfc5424.cases"));
}

#[test]
fn local_sockets() {
    run(include_str!("cases/local.cases"));
}

fn run(cases: &str) {
    let mut options = Options::default();
    let mut is_local = false;
    let mut received = Vec::new();
    let mut failures = String::new();
    let mut count = 0;
    for line in cases.lines() {
        let (kind, text) = line.split_at(line.len().min(2));
        match kind {
            "= " => (options, is_local) = options_of(text),
            "< " => received = unescape(text),
            "> " => {
                count += 1;
                let shown = show(&received, &options, is_local);
                if shown != text {
                    failures += &format!("< {}\n> {text}\n! {shown}\n", escape(&received));
                }
            }
            _ => assert!(line.is_empty() || line.starts_with('#') || line == ">", "{line}"),
        }
    }
    assert!(count > 10);
    assert!(failures.is_empty(), "\n{failures}");
}

fn options_of(words: &str) -> (Options, bool) {
    let mut options = Options::default();
    let mut is_local = false;
    for word in words.split(' ') {
        match word {
            "default" => {}
            "local" => (is_local, options.ignore_timestamp) = (true, true),
            "ignoreTimestamp" => options.ignore_timestamp = true,
            "ignoreTimestamp=off" => options.ignore_timestamp = false,
            "parseHostname=off" => options.parse_hostname = false,
            "parseHostnameAndTag=off" => options.parse_hostname_and_tag = false,
            "permitSlashInProgramname" => options.permit_slash_in_programname = true,
            "detect.yearAfterTimestamp" => options.detect_year_after_timestamp = true,
            "permit.squareBracketsInHostname" => options.permit_square_brackets_in_hostname = true,
            "permit.slashesInHostname" => options.permit_slashes_in_hostname = true,
            "permit.atSignsInHostname" => options.permit_at_signs_in_hostname = true,
            "force.tagEndingByColon" => options.force_tag_ending_by_colon = true,
            "remove.msgFirstSpace" => options.remove_msg_first_space = true,
            _ => panic!("{word}"),
        }
    }
    (options, is_local)
}

fn show(received: &[u8], options: &Options, is_local: bool) -> String {
    let rules = SanitizeRules::default();
    let mut scratch = b"other messages".to_vec();
    let mut parsed = Parsed::new();
    let sanitized = if is_local {
        let sanitized = sanitize(&rules, received, &mut scratch);
        local::parse(text_of(sanitized, received, &scratch), options, &reception(), &mut parsed);
        Some(sanitized)
    } else {
        parse_chain(&rules, options, &reception(), received, &mut scratch, &mut parsed)
    };
    let Some(sanitized) = sanitized else { return "dropped".to_owned() };
    properties(&parsed, text_of(sanitized, received, &scratch))
}

fn text_of<'a>(sanitized: Sanitized, raw: &'a [u8], scratch: &'a [u8]) -> &'a [u8] {
    match sanitized {
        Sanitized::Unchanged { len } => &raw[..len],
        Sanitized::Escaped { len } => &scratch[scratch.len() - len..],
    }
}

fn properties(parsed: &Parsed, text: &[u8]) -> String {
    let mut pri = Vec::new();
    parsed.pri.write_value(&mut pri);
    let mut time = Vec::new();
    match parsed.timestamp {
        Some(timestamp) => timestamp.write_rfc3339(&mut time),
        None => time.push(b'@'),
    }
    let version = [b'0' + parsed.protocol_version];
    let mut tag = b"left over".to_vec();
    let fields = [
        &pri[..],
        &time,
        parsed.hostname(text).unwrap_or(b"%"),
        parsed.tag(text, &mut tag),
        parsed.programname(text),
        parsed.app_name(text),
        parsed.procid(text),
        parsed.msgid(text),
        parsed.structured_data(text),
        &version,
        parsed.msg(text),
    ];
    fields.map(escape).join("|")
}

fn reception() -> Timestamp {
    // 2026-11-23T06:34:54.540774Z in the zone -05:00
    Timestamp::from_unix(1_795_415_694, 540_774, -300)
}

/// Printable text; `\{x*300}` stands for a long run.
fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for run in bytes.chunk_by(|a, b| a == b) {
        match run[0] {
            byte if run.len() >= 100 => out += &format!("\\{{{}*{}}}", char::from(byte), run.len()),
            b'\\' => out += &"\\\\".repeat(run.len()),
            b'\n' => out += &"\\n".repeat(run.len()),
            byte @ 32..127 => out.extend(std::iter::repeat_n(char::from(byte), run.len())),
            byte => out += &format!("\\x{byte:02x}").repeat(run.len()),
        }
    }
    out
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        rest = &rest[1..];
        if next != '\\' {
            out.push(next as u8);
        } else if let Some(after) = rest.strip_prefix('x') {
            out.push(u8::from_str_radix(&after[..2], 16).unwrap());
            rest = &after[2..];
        } else if let Some(after) = rest.strip_prefix('{') {
            let (run, after) = after.split_once('}').unwrap();
            let (byte, count) = run.split_once('*').unwrap();
            out.extend(byte.repeat(count.parse().unwrap()).bytes());
            rest = after;
        } else {
            out.push(if rest.starts_with('n') { b'\n' } else { b'\\' });
            rest = &rest[1..];
        }
    }
    out
}

#[test]
fn a_default_zone_and_year_come_from_the_reception_time() {
    // RFC 3164-12: the year is that of reception, which the caller gives with the zone of `defaultTZ`.
    let reception = Timestamp { offset_minutes: 330, ..reception() };
    let mut parsed = Parsed::new();
    parse_text(b"<13>Jan  2 03:04:05 host tag: x", &Options::default(), &reception, &mut parsed);
    let time = parsed.timestamp.unwrap();
    assert_eq!((time.year, time.offset_minutes, time.fraction_digits), (2026, 330, 0));
}

#[test]
fn headerless_messages_are_told() {
    let options = Options { detect_headerless: true, ..Options::default() };
    for (text, headerless) in [
        ("<13>Oct 11 22:14:15 host tag: x", false),
        ("<13>2003-10-11T22:14:15Z host tag: x", false),
        ("<13>1 - host app - - - x", false),
        ("<13>hello world", true),
        ("hello", true),
        ("<13>{\"a\": 1}", true),
    ] {
        let mut parsed = Parsed::new();
        parse_text(text.as_bytes(), &options, &reception(), &mut parsed);
        assert_eq!(parsed.headerless, headerless, "{text}");
        parse_text(text.as_bytes(), &Options::default(), &reception(), &mut parsed);
        assert!(!parsed.headerless);
    }
}

#[test]
fn text_after_the_pri() {
    for (text, after) in
        [("<13>a b", "a b"), ("a b", "a b"), ("<200>a b", "a b"), ("<13", "<13"), ("<13>", "")]
    {
        let mut parsed = Parsed::new();
        parse_text(text.as_bytes(), &Options::default(), &reception(), &mut parsed);
        assert_eq!(parsed.after_pri(text.as_bytes()), after.as_bytes(), "{text}");
    }
}
