//! What RFC 3164 and RFC 5424 ask of a receiver, rule by rule; the number before each test is that of the list of rules
//! that the conformance suite reports. The examples are those of RFC 3164 5.4 and RFC 5424 6.5.

use sysloom_wire::{
    Options, Parsed, Pri, SanitizeRules, Sanitized, Timestamp, parse_chain, parse_text, sanitize, sd,
};

const BOM: &str = "\u{feff}";

/// The properties of a message; `%` stands for the sender, `@` for the time of reception.
struct Seen {
    pri: u8,
    time: String,
    host: String,
    tag: String,
    app: String,
    procid: String,
    msgid: String,
    data: String,
    msg: String,
}

fn seen(text: impl AsRef<[u8]>) -> Seen {
    let text = text.as_ref();
    let mut parsed = Parsed::new();
    parse_text(text, &Options::default(), &reception(), &mut parsed);
    let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let time = parsed.timestamp.map(|time| {
        let mut out = Vec::new();
        time.write_rfc3339(&mut out);
        lossy(&out)
    });
    let mut tag = Vec::new();
    parsed.write_tag(text, &mut tag);
    Seen {
        pri: parsed.pri.value(),
        time: time.unwrap_or("@".to_owned()),
        host: parsed.hostname(text).map_or("%".to_owned(), lossy),
        tag: lossy(&tag),
        app: lossy(parsed.app_name(text)),
        procid: lossy(parsed.procid(text)),
        msgid: lossy(parsed.msgid(text)),
        data: lossy(parsed.structured_data(text)),
        msg: lossy(parsed.msg(text)),
    }
}

fn reception() -> Timestamp {
    Timestamp::from_unix(1_795_415_694, 0, -300)
}

// RFC 3164-1: 1024 bytes are accepted, more as well.
#[test]
fn rfc3164_01_length() {
    for len in [1, 900, 5000] {
        let text = format!("<34>Oct 11 22:14:15 host tag: {}", "x".repeat(len));
        assert_eq!(seen(text).msg.len(), len + 1);
    }
}

// RFC 3164-2: PRI has one to three digits, 0 to 191.
#[test]
fn rfc3164_02_pri() {
    assert_eq!(seen("<0>Oct 11 22:14:15 host tag: x").pri, 0);
    assert_eq!(seen("<191>Oct 11 22:14:15 host tag: x").pri, 191);
    assert_eq!(seen("<192>Oct 11 22:14:15 host tag: x").pri, Pri::INVALID.value());
}

// RFC 3164-3 (4.3.3): without a PRI the message gets 13; a malformed one makes all of the packet content.
#[test]
fn rfc3164_03_no_pri() {
    let plain = seen("Use the BFG!");
    assert_eq!((plain.pri, plain.time.as_str()), (13, "@"));
    let broken = seen("<34 Oct 11 22:14:15 host tag: x");
    assert_eq!((broken.msg.as_str(), broken.host.as_str()), ("<34 Oct 11 22:14:15 host tag: x", "%"));
}

// RFC 3164-4 (4.3.2): with a PRI, but no valid TIMESTAMP, the time of reception counts.
#[test]
fn rfc3164_04_no_timestamp() {
    for text in ["<34>host tag: x", "<34>Oct 41 22:14:15 host tag: x", "<34>Oct 11 25:14:15 host tag: x"] {
        assert_eq!(seen(text).time, "@", "{text}");
    }
}

// RFC 3164-5 (4.1.2): Mmm dd hh:mm:ss, the day padded with a blank.
#[test]
fn rfc3164_05_timestamp() {
    assert_eq!(seen("<34>Feb  5 17:32:18 host tag: x").time, "2026-02-05T17:32:18-05:00");
    assert_eq!(seen("<34>Oct 11 22:14:15 host tag: x").time, "2026-10-11T22:14:15-05:00");
}

// RFC 3164-6 (4.1.2): a host name or an IPv4 address; rsyslog reads an IPv6 address as a tag.
#[test]
fn rfc3164_06_hostname() {
    assert_eq!(seen("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!").host, "10.0.0.99");
    assert_eq!(seen("<34>Oct 11 22:14:15 mymachine su: x").host, "mymachine");
    assert_eq!(seen("<34>Oct 11 22:14:15 2001:db8::1 su: x").tag, "2001:");
}

// RFC 3164-7, -8 (4.1.3): the TAG and the process id in brackets.
#[test]
fn rfc3164_07_08_tag() {
    let su = seen("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8");
    assert_eq!((su.tag.as_str(), su.app.as_str(), su.procid.as_str()), ("su:", "su", "-"));
    assert_eq!(su.msg, " 'su root' failed for lonvick on /dev/pts/8");
    let sched = seen("<34>Oct 11 22:14:15 mymachine sched[0]: That's All Folks!");
    assert_eq!((sched.tag.as_str(), sched.app.as_str(), sched.procid.as_str()), ("sched[0]:", "sched", "0"));
}

// RFC 3164-12: the year is that of reception, unless the message has one.
#[test]
fn rfc3164_12_year() {
    assert_eq!(seen("<34>Dec 31 23:59:59 host tag: x").time, "2026-12-31T23:59:59-05:00");
    let dated = seen("<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: x");
    assert_eq!(dated.time, "1990-10-22T10:52:01-05:00");
}

// RFC 5424-1 (6.2.2): VERSION is 1; anything else is not RFC 5424.
#[test]
fn rfc5424_01_version() {
    let text = |version: &str| format!("<34>{version} 2003-10-11T22:14:15.003Z host su - ID47 - x");
    assert_eq!(seen(text("1")).msgid, "ID47");
    for version in ["0", "2", "10", "01", "1x", "-"] {
        assert_eq!(seen(text(version)).msgid, "-", "{version}");
    }
}

// RFC 5424-3: the separators are single blanks; a second one is an empty field.
#[test]
fn rfc5424_03_separators() {
    let doubled = seen("<34>1 2003-10-11T22:14:15Z host  su 123 ID47 - x");
    assert_eq!((doubled.app.as_str(), doubled.procid.as_str(), doubled.msgid.as_str()), ("-", "su", "123"));
}

// RFC 5424-4: NILVALUE in every field.
#[test]
fn rfc5424_04_nil() {
    let nil = seen("<34>1 - - - - - - x");
    assert_eq!((nil.time.as_str(), nil.host.as_str(), nil.tag.as_str()), ("@", "-", "-"));
    assert_eq!((nil.app.as_str(), nil.procid.as_str(), nil.msgid.as_str()), ("-", "-", "-"));
    assert_eq!((nil.data.as_str(), nil.msg.as_str()), ("-", "x"));
}

// RFC 5424-5, -6, -7, -8 (6.2.3.1): the examples; a time that cannot be read leaves the message as it is.
#[test]
fn rfc5424_05_to_08_timestamp() {
    let time = |stamp: &str| seen(format!("<34>1 {stamp} host su - ID47 - x")).time;
    for stamp in [
        "1985-04-12T23:20:50.52Z",
        "1985-04-12T19:20:50.52-04:00",
        "2003-10-11T22:14:15.003Z",
        "2003-08-24T05:14:15.000003-07:00",
    ] {
        assert_eq!(time(stamp), stamp);
    }
    // Nine digits are not allowed; six of them are kept.
    assert_eq!(time("2003-08-24T05:14:15.000000003-07:00"), "2003-08-24T05:14:15.000000-07:00");
    let lower = seen("<34>1 2003-10-11t22:14:15z host su - ID47 - x");
    assert_eq!((lower.time.as_str(), lower.host.as_str()), ("@", "%"));
    assert_eq!(lower.msg, "2003-10-11t22:14:15z host su - ID47 - x");
    assert_eq!(time("2003-13-11T22:14:15Z"), "@");
}

// RFC 5424-10: the greatest lengths of the fields, and beyond.
#[test]
fn rfc5424_10_lengths() {
    for extra in [0, 100] {
        let field = |len: usize| "x".repeat(len + extra);
        let (host, app, procid, msgid) = (field(255), field(48), field(128), field(32));
        let found = seen(format!("<34>1 - {host} {app} {procid} {msgid} - m"));
        assert_eq!((found.host, found.app, found.procid, found.msgid), (host, app, procid, msgid));
    }
}

// RFC 5424-11, -14, -24 (6.5, example 4): elements follow each other; what they are called does not matter.
#[test]
fn rfc5424_11_elements() {
    let data = concat!(
        r#"[exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"]"#,
        r#"[examplePriority@32473 class="high" class="low"]"#
    );
    let found = seen(format!("<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 {data}"));
    assert_eq!((found.data.as_str(), found.msg.as_str()), (data, ""));
    let ids: Vec<_> = sd::elements(data.as_bytes()).map(|element| element.id).collect();
    assert_eq!(ids, [&b"exampleSDID@32473"[..], b"examplePriority@32473"]);
    let last = sd::elements(data.as_bytes()).last().unwrap();
    let values: Vec<_> = last.params.map(|param| param.escaped).collect();
    assert_eq!(values, [b"high".as_slice(), b"low"]);
}

// RFC 5424-15, -16 (6.3.3): escapes, and a lone backslash.
#[test]
fn rfc5424_15_16_escapes() {
    let found = seen(r#"<34>1 - host su - ID47 [a b="q\" \\ \] c:\dir"] msg"#);
    assert_eq!((found.data.as_str(), found.msg.as_str()), (r#"[a b="q\" \\ \] c:\dir"]"#, "msg"));
    let param = sd::elements(found.data.as_bytes()).next().unwrap().params.next().unwrap();
    assert_eq!(&*param.value(), br#"q" \ ] c:\dir"#);
}

// RFC 5424-17, -18, -30 (6.4): UTF-8 with its BOM and invalid UTF-8 are taken as they are.
#[test]
fn rfc5424_17_18_30_utf8() {
    let text = format!("<34>1 2003-10-11T22:14:15.003Z host su - ID47 - {BOM}'su root' föiled");
    assert_eq!(seen(text).msg, format!("{BOM}'su root' föiled"));
    let raw = b"<34>1 - host su - - [a b=\"\xff\"] \xfe\x80";
    let mut parsed = Parsed::new();
    let mut scratch = Vec::new();
    let rules = SanitizeRules::default();
    let found = parse_chain(&rules, &Options::default(), &reception(), raw, &mut scratch, &mut parsed);
    assert_eq!(found, Some(Sanitized::Unchanged { len: raw.len() }));
    assert_eq!(parsed.msg(raw), b"\xfe\x80");
}

// RFC 5424-19, -29: control characters, LF and NUL too; escaped unless the operator turns that off.
#[test]
fn rfc5424_19_29_control_characters() {
    let raw = b"<34>1 - host su - - - a\nb\tc";
    let mut scratch = Vec::new();
    assert_eq!(sanitize(&SanitizeRules::default(), raw, &mut scratch), Sanitized::Escaped { len: 33 });
    assert_eq!(scratch, b"<34>1 - host su - - - a#012b#011c");
    let off = SanitizeRules { escape_control: false, ..SanitizeRules::default() };
    assert_eq!(sanitize(&off, raw, &mut scratch), Sanitized::Unchanged { len: raw.len() });
}

// RFC 5424-20 to -23: lengths; what exceeds maxMessageSize is cut at its end.
#[test]
fn rfc5424_20_to_23_length() {
    for len in [480, 2048, 8096, 20_000] {
        let mut raw = b"<34>1 - host su - - - ".to_vec();
        raw.resize(len, b'x');
        let found = sanitize(&SanitizeRules::default(), &raw, &mut Vec::new());
        assert_eq!(found, Sanitized::Unchanged { len: len.min(8096) });
    }
}

// RFC 5424 6.5, example 2.
#[test]
fn rfc5424_example_without_structured_data() {
    let found = seen("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time.");
    assert_eq!((found.pri, found.host.as_str(), found.tag.as_str()), (165, "192.0.2.1", "myproc[8710]"));
    assert_eq!((found.data.as_str(), found.msg.as_str()), ("-", "%% It's time."));
}
