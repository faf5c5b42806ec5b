//! The module through the sdk's traits: bytes in, submitted frames out.

use super::*;
use crate::params::ModuleParams;
use sysloom_sdk::testing::{TestHost, settings};
use sysloom_sdk::{Level, frame_flag};

fn input(host: &TestHost, module: &[(&'static str, &str)], params: &[(&'static str, &str)]) -> Imtcp {
    let params: Vec<_> = [("port", "0")].into_iter().chain(params.iter().copied()).collect();
    Imtcp::new(&settings(module).unwrap(), settings(&params).unwrap(), host.host()).unwrap()
}

fn open(input: &Imtcp) -> Session {
    input.open(Accepted { conn: 1, peer: 7, address: "192.0.2.8", port: 4711 })
}

/// What becomes of the reads of one session.
fn messages(module: &[(&'static str, &str)], params: &[(&'static str, &str)], reads: &[&str]) -> Vec<String> {
    let host = TestHost::new();
    let input = input(&host, module, params);
    let mut session = open(&input);
    for read in reads {
        input.data(&mut session, read.as_bytes()).unwrap();
    }
    input.close(session, End::Closed);
    host.messages()
}

#[test]
fn both_framings_in_one_session() {
    let reads = ["<13>lf\n5 <13>a<13>b\n1", "0 <13>c\nd", "e<13>", "f\n", "<13>last"];
    assert_eq!(messages(&[], &[], &reads), ["<13>lf", "<13>a", "<13>b", "<13>c\nde<1", "3>f", "<13>last"]);
}

/// A compressed message is the daemon's business, and no bad text.
#[test]
fn compressed_messages_go_on_as_they_are() {
    let packed = b"z\x78\x9c\x01\0\n\x00<\xff";
    let host = TestHost::new();
    let input = input(&host, &[], &[]);
    input.data(&mut open(&input), &[b"9 ", &packed[..]].concat()).unwrap();
    assert_eq!(host.submitted()[0].message, packed);
    assert_eq!((host.submitted().len(), host.count("messages.bad"), host.lines().len()), (1, 0, 0));
}

#[test]
fn one_read_is_one_submit_and_knows_its_sender() {
    let host = TestHost::new();
    let input = input(&host, &[], &[]);
    let mut session = open(&input);
    input.data(&mut session, b"<1>a\n<2>b\n<3>c\n<4>d").unwrap();
    assert_eq!(host.messages(), ["<1>a", "<2>b", "<3>c"]);
    assert_eq!(host.submits().0, 1);
    assert!(host.submitted().iter().all(|m| m.peer == 7 && m.flags & 0xffff == 0 && m.received_ns == 0));
    // The frame that was carried over, and then all others.
    input.data(&mut session, b"d\n<5>e\n<6>f\n").unwrap();
    assert_eq!(host.messages()[3..], ["<4>dd", "<5>e", "<6>f"]);
    assert_eq!(host.submits().0, 3);
    assert_eq!((host.count("submitted"), host.count("bytes.received")), (6, 31));
}

#[test]
fn an_idle_session_is_small() {
    assert!(size_of::<Session>() <= 80, "{}", size_of::<Session>());
}

#[test]
fn framing_parameters_count_in_the_input_or_else_in_the_module() {
    let lf = &["<1>a\n<2>b\n"];
    let nul = &["<1>a\n<2>b\0<3>c\0"];
    let none: &[(&'static str, &str)] = &[];
    assert_eq!(messages(&[("addtlFrameDelimiter", "0")], none, nul), ["<1>a", "<2>b", "<3>c"]);
    let both = [("addtlFrameDelimiter", "0"), ("disableLFDelimiter", "on")];
    assert_eq!(messages(none, &both, nul), ["<1>a\n<2>b", "<3>c"]);
    assert_eq!(messages(&both, &[("disableLFDelimiter", "off")], nul), ["<1>a", "<2>b", "<3>c"]);
    assert_eq!(messages(&both, &[("addtlFrameDelimiter", "-1")], lf), ["<1>a\n<2>b\n"]);

    let counted = &["5 <13>a\n"];
    assert_eq!(messages(none, none, counted), ["<13>a"]);
    assert_eq!(messages(&[("octetCountedFraming", "off")], none, counted), ["5 <13>a"]);
    assert_eq!(messages(none, &[("supportOctetCountedFraming", "off")], counted), ["5 <13>a"]);
    let (off, on) = ([("octetCountedFraming", "off")], [("supportOctetCountedFraming", "on")]);
    assert_eq!(messages(&off, &on, counted), ["<13>a"]);

    assert_eq!(
        messages(none, &[("multiLine", "on")], &["<1>a\nb\n<2>c\n"]),
        ["<1>a\nb", "<2>c\n"].map(str::trim_end)
    );
    assert_eq!(messages(none, &[("framingFix.cisco.asa", "on")], &["<1>a\n <2>b\n"]), ["<1>a", "<2>b"]);
    assert_eq!(messages(none, none, &["<1>a\n <2>b\n"]), ["<1>a", " <2>b"]);
}

#[test]
fn frames_can_begin_with_a_header() {
    let header = [("framing.delimiter.regex", "^<[0-9]+>")];
    let reads = ["<1>a\n5 <2>b\n", "<3>c\nd", "\n<4>", "e\n"];
    assert_eq!(messages(&[], &header, &reads), ["<1>a\n5 <2>b", "<3>c\nd", "<4>e"]);
    let host = TestHost::new();
    let made = Imtcp::new(
        &settings(&[]).unwrap(),
        settings(&[("port", "0"), ("framing.delimiter.regex", "^<(")]).unwrap(),
        host.host(),
    );
    assert_eq!(made.err().unwrap().param, Some("framing.delimiter.regex"));
}

#[test]
fn frames_that_are_too_large() {
    let long = format!("<1>{}\n<2>b\n", "x".repeat(9000));
    let split = messages(&[], &[], &[&long]);
    assert_eq!(split.iter().map(String::len).collect::<Vec<_>>(), [8096, 9003 - 8096, 4]);

    for (module, params) in
        [(&[("discardTruncatedMsg", "on")][..], &[][..]), (&[][..], &[("discardTruncatedMsg", "on")][..])]
    {
        let host = TestHost::new();
        let input = input(&host, module, params);
        let mut session = open(&input);
        input.data(&mut session, long.as_bytes()).unwrap();
        let found: Vec<_> = host.submitted().iter().map(|m| (m.message.len(), m.flags & 0xffff)).collect();
        assert_eq!(found, [(8096, frame_flag::TRUNCATED), (4, 0)]);
        let line = &host.lines()[0];
        assert_eq!((line.level, line.code), (Level::Error, 2445));
        assert!(line.text.contains("message will be truncated, peer 192.0.2.8:4711"), "{}", line.text);
    }

    let host = TestHost::new();
    host.set("maxMessageSize", "9004");
    let roomy = input(&host, &[], &[]);
    roomy.data(&mut open(&roomy), long.as_bytes()).unwrap();
    assert_eq!(host.submitted().iter().map(|m| m.message.len()).collect::<Vec<_>>(), [9003, 4]);

    // Above maxFrameSize a count is text.
    let counted = &["30 <13>abc\n<13>d\n"];
    let small: &[(&'static str, &str)] = &[("maxFrameSize", "20")];
    for (module, params) in [(small, &[][..]), (&[][..], small), (&[("maxFrameSize", "300")][..], small)] {
        assert_eq!(messages(module, params, counted), ["30<13>abc", "<13>d"]);
    }
    assert_eq!(messages(&[], &[], counted), [""; 0]);
}

#[test]
fn bad_frames_are_counted_and_logged_a_few_times() {
    let host = TestHost::new();
    let input = input(&host, &[], &[("name", "tls1")]);
    let mut session = open(&input);
    for _ in 0..20 {
        input.data(&mut session, b"999999 <13>a\n").unwrap();
    }
    assert_eq!(host.count("frames.bad"), 20);
    let lines = host.lines();
    assert_eq!(lines.len(), 5);
    let words =
        "tls1: Framing Error in received TCP message: frame too large: 999999, change to octet stuffing";
    assert!(
        lines[0].text.starts_with(&format!("{words}, peer 192.0.2.8:4711, listener ")),
        "{}",
        lines[0].text
    );
    assert!(lines[4].text.ends_with("; further ones of this session are not logged"));

    let mut session = open(&input);
    input.data(&mut session, b"10 <13>a").unwrap();
    input.close(session, End::Failed);
    let last = host.lines().pop().unwrap().text;
    assert!(last.starts_with("tls1: Incomplete frame at end of stream: 5 of 10 bytes came"), "{last}");
}

#[test]
fn a_rate_limit_drops_what_is_above() {
    let params = [("rateLimit.interval", "600"), ("rateLimit.burst", "3")];
    let host = TestHost::new();
    let input = input(&host, &[], &params);
    // The limit is the listener's, not the session's.
    for _ in 0..2 {
        input.data(&mut open(&input), b"<1>a\n<2>b\n").unwrap();
    }
    assert_eq!(host.messages(), ["<1>a", "<2>b", "<1>a"]);
    assert_eq!(host.lines()[0].text, "imtcp: begin to drop messages due to rate-limiting");
    assert_eq!(messages(&[], &[("rateLimit.burst", "1")], &["a\nb\n"]), ["a", "b"]);
}

#[test]
fn flow_control_is_a_light_delay() {
    for (module, params, flags) in [
        (&[][..], &[][..], Submit::LIGHT_DELAY),
        (&[("flowControl", "off")][..], &[][..], Submit::NONE),
        (&[][..], &[("flowControl", "off")][..], Submit::NONE),
        (&[("flowControl", "off")][..], &[("flowControl", "on")][..], Submit::LIGHT_DELAY),
    ] {
        let host = TestHost::new();
        let input = input(&host, module, params);
        input.data(&mut open(&input), b"<1>a\n").unwrap();
        assert_eq!(Submit(host.submits().2), flags);
    }
}

#[test]
fn a_daemon_that_takes_nothing_ends_the_session() {
    let host = TestHost::new();
    let input = input(&host, &[], &[]);
    host.close();
    assert!(input.data(&mut open(&input), b"<1>a\n").is_err());
}

#[test]
fn what_the_listener_asks_for() {
    let host = TestHost::new();
    let plain = input(&host, &[], &[]).listen;
    assert_eq!((plain.max_sessions, plain.backlog, plain.max_reads, plain.threads), (200, 25, 500, 2));
    assert_eq!(plain.keep_alive, KeepAlive::default());
    assert!(!plain.notify_open && !plain.notify_close);

    let names =
        ["maxSessions", "workerThreads", "starvationProtection.maxReads", "keepAlive", "keepAlive.probes"];
    let more = ["keepAlive.time", "keepAlive.interval", "notifyOnConnectionOpen", "notifyOnConnectionClose"];
    let words = ["30", "3", "4", "on", "5", "6", "7", "on", "on"];
    let all: Vec<_> = names.into_iter().chain(more).zip(words).collect();
    for (module, params) in [(all.as_slice(), &[][..]), (&[], all.as_slice())] {
        let found = input(&host, module, params).listen;
        assert_eq!((found.max_sessions, found.backlog, found.max_reads, found.threads), (30, 8, 4, 3));
        assert_eq!(found.keep_alive, KeepAlive { on: true, probes: 5, time: 6, interval: 7 });
        assert!(found.notify_open && found.notify_close);
    }
    assert_eq!(input(&host, &[], &[("socketBacklog", "9")]).listen.backlog, 9);
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(9));
    std::io::Write::write_all(&mut encoder, text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_compressed_stream_is_unpacked_and_a_bomb_ends_its_session_alone() {
    let host = TestHost::new();
    let ratio = ("compression.maxExpansionRatio", "100");
    let input = input(&host, &[], &[("compression.mode", "stream:always"), ("name", "zip"), ratio]);
    let (mut good, mut bad) = (open(&input), open(&input));
    let stream = zlib(b"<1>a\n4 <2>b<3>c\n");
    input.data(&mut good, &stream[..10]).unwrap();
    // LFs are no messages.
    let bomb = zlib(&vec![b'\n'; 2 << 20]);
    let why = input.data(&mut bad, &bomb).unwrap_err();
    let words = "the stream expands to more than 100 times its size, connection closed";
    assert_eq!(why.text, words);
    input.close(bad, End::Failed);
    input.data(&mut good, &stream[10..]).unwrap();
    assert_eq!(host.messages(), ["<1>a", "<2>b", "<3>c"]);
    assert!(host.count("bytes.decompressed") > 100_000);
    assert_eq!(host.count("decompression.errors"), 1);
    let lines = host.lines();
    assert_eq!((lines.len(), lines[0].level, lines[0].code), (1, Level::Error, 2141));
    assert!(lines[0].text.starts_with(&format!("zip: {words}, peer 192.0.2.8:4711")), "{}", lines[0].text);
}

#[test]
fn how_streams_are_unpacked_is_the_inputs_choice_or_else_the_modules() {
    let names =
        ["mode", "driver", "maxExpansionRatio", "maxDecompressedBytesPerReceive", "maxTotalZstdWindowBytes"];
    let names = names.map(|name| -> &'static str { format!("compression.{name}").leak() });
    let own: Vec<_> = names.into_iter().zip(["stream:always", "zstd", "1", "2", "3"]).collect();
    let other: Vec<_> = names.into_iter().zip(["none", "zlib", "4", "5", "6"]).collect();
    let found = |module: &[(&'static str, &str)], params: &[(&'static str, &str)]| {
        let unpacking = input(&TestHost::new(), module, params).unpacking;
        unpacking.map(|(u, ..)| (u.zstd, u.most_ratio, u.most_at_once, u.most_windows))
    };
    assert_eq!(found(&[], &[]), None);
    assert_eq!(found(&own, &[]), Some((true, 1, 2, 3)));
    assert_eq!(found(&other, &own), Some((true, 1, 2, 3)));
    assert_eq!(found(&own, &other), None);
    assert_eq!(found(&own, &[("compression.driver", "zlib")]), Some((false, 1, 2, 3)));
    assert_eq!(found(&[], &own[..1]), Some((false, 1024, 64 << 20, 64 << 20)));
}

#[test]
fn the_namespace_is_the_inputs_or_else_the_modules() {
    let (a, b) = ([("networkNamespace", "none-a")], [("networkNamespace", "none-b")]);
    for (module, params, name) in
        [(&a[..], &[][..], "none-a"), (&[][..], &b[..], "none-b"), (&a[..], &b[..], "none-b")]
    {
        let host = TestHost::new();
        let why = input(&host, module, params).activate().err().unwrap();
        let words = format!("networkNamespace \"{name}\": cannot open /run/netns/{name}");
        assert!(why.text.starts_with(&words), "{}", why.text);
    }
    let host = TestHost::new();
    let none = [("networkNamespace", "")];
    assert_eq!(input(&host, &a, &none).listen.namespace, "");
}

#[test]
fn there_are_only_so_many_listeners() {
    let host = TestHost::new();
    let module: Module = settings(&[("maxListners", "2")]).unwrap();
    let make = |params: &[(&'static str, &str)]| {
        let params: Vec<_> = [("port", "0")].into_iter().chain(params.iter().copied()).collect();
        Imtcp::new(&module, settings(&params).unwrap(), host.host()).err().map(|why| why.code)
    };
    assert_eq!([make(&[]), make(&[]), make(&[])], [None, None, Some(2080)]);
    assert_eq!([make(&[("maxListeners", "4")]), make(&[("maxListeners", "4")])], [None, Some(2080)]);
}

#[test]
fn the_case_of_names_is_kept_unless_told() {
    let off = &[("preserveCase", "off")][..];
    let on = &[("preserveCase", "on")][..];
    for (module, params, peer) in
        [(&[][..], &[][..], 7), (off, &[][..], 9), (&[][..], off, 9), (off, on, 7), (on, off, 9)]
    {
        let host = TestHost::new();
        host.answer("sender.folded", &[9]);
        let input = input(&host, module, params);
        input.data(&mut open(&input), b"<1>a\n").unwrap();
        assert_eq!(host.submitted()[0].peer, peer);
        let asked = [("sender.folded".to_owned(), "192.0.2.8".to_owned())];
        assert_eq!(host.commands(), if peer == 9 { &asked[..] } else { &[] });
    }
    // A host that does not know the command.
    let host = TestHost::new();
    let input = input(&host, off, &[]);
    input.data(&mut open(&input), b"<1>a\n").unwrap();
    assert_eq!(host.submitted()[0].peer, 7);
}

#[test]
fn a_listener_needs_a_port() {
    let missing = settings::<InputParams>(&[]).err().unwrap();
    assert_eq!(missing.param, Some("port"));
}

#[test]
fn the_readme_has_the_tables() {
    use sysloom_sdk::testing::{check_readme, table};
    check_readme(
        env!("CARGO_MANIFEST_DIR"),
        &[("module", table::<ModuleParams>()), ("input", table::<InputParams>())],
    );
}

#[test]
fn bad_messages_are_taken_counted_and_said_in_one_line_each() {
    for (message, words) in [
        (&b"<999>1 - h a - - - x\n"[..], "invalid PRI"),
        (b"<13 no end\n", "invalid PRI"),
        (b"2026-11-23 text\n", "begins with digits"),
        (b"<13>nul \0 inside\n", "with a NUL"),
        (b"<13>latin \xe9t\xe9\n", "no UTF-8"),
    ] {
        let host = TestHost::new();
        let input = input(&host, &[], &[("name", "tls1")]);
        let mut session = open(&input);
        input.data(&mut session, message).unwrap();
        assert_eq!(host.submitted().len(), 1, "{words}");
        assert_eq!(host.count("messages.bad"), 1, "{words}");
        let lines = host.lines();
        assert_eq!(lines.len(), 1, "{words}");
        assert!(lines[0].text.contains(words), "{}", lines[0].text);
        assert!(lines[0].text.contains(", peer 192.0.2.8:4711, listener "), "{}", lines[0].text);
        // A good one is no matter for the log.
        input.data(&mut session, "<13>1 - h a - - - gr\u{fc}n\nplain text\n".as_bytes()).unwrap();
        assert_eq!((host.submitted().len(), host.lines().len()), (3, 1));
    }
}
