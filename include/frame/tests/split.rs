//! Streams as data: what the splitter makes of them, fed whole, byte by byte and cut at every place.

use sysloom_frame::{Event, Rules, Sink, Splitter, push_lf, push_octet_counted};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Out {
    Frame(Vec<u8>),
    Event(Event),
}

/// Gathers what a splitter reports; `input` is what is being fed.
struct Gathered<'a> {
    input: &'a [u8],
    out: Vec<Out>,
}

impl Sink for Gathered<'_> {
    fn span(&mut self, offset: usize, len: usize) {
        self.out.push(Out::Frame(self.input[offset..offset + len].to_vec()));
    }
    fn carried(&mut self, frame: &[u8]) {
        self.out.push(Out::Frame(frame.to_vec()));
    }
    fn event(&mut self, event: Event) {
        self.out.push(Out::Event(event));
    }
}

fn split<'a>(rules: &Rules, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Out> {
    let mut splitter = Splitter::new();
    let mut out = Vec::new();
    for piece in pieces {
        let mut gathered = Gathered { input: piece, out: std::mem::take(&mut out) };
        splitter.feed(rules, piece, &mut gathered);
        out = gathered.out;
    }
    let mut gathered = Gathered { input: b"", out };
    splitter.close(&mut gathered);
    assert!(splitter.is_idle());
    gathered.out
}

/// The stream gives `expected` however it is cut into reads.
fn check(name: &str, rules: &Rules, stream: &[u8], expected: &[Out]) {
    assert_eq!(split(rules, [stream]), expected, "{name}: whole");
    assert_eq!(split(rules, stream.chunks(1)), expected, "{name}: byte by byte");
    for at in 0..=stream.len() {
        let (head, tail) = stream.split_at(at);
        assert_eq!(split(rules, [head, tail]), expected, "{name}: cut at {at}");
        for second in at..=stream.len().min(at + 12) {
            let pieces = [head, &stream[at..second], &stream[second..]];
            assert_eq!(split(rules, pieces), expected, "{name}: cut at {at} and {second}");
        }
    }
}

fn f(frame: &str) -> Out {
    Out::Frame(frame.as_bytes().to_vec())
}

fn e(event: Event) -> Out {
    Out::Event(event)
}

fn frames<const N: usize>(list: [&str; N]) -> Vec<Out> {
    list.iter().map(|frame| f(frame)).collect()
}

fn small() -> Rules {
    Rules { max_message: 20, max_frame: 30, ..Rules::default() }
}

// RFC 6587-3 (3.4.2): LF is the trailer.
#[test]
fn lf_frames() {
    let rules = Rules::default();
    check("nothing", &rules, b"", &[]);
    check("plain", &rules, b"<13>a b\n<13>c\n", &frames(["<13>a b", "<13>c"]));
    check("empty lines are no messages", &rules, b"\n\n<13>a\n\n\n<13>b\n\n", &frames(["<13>a", "<13>b"]));
    check("CR and NUL stay for the parser", &rules, b"<1>a\r\n<1>b\0\n", &frames(["<1>a\r", "<1>b\0"]));
    check("the rest at the end is a frame", &rules, b"<13>a\n<13>rest", &frames(["<13>a", "<13>rest"]));
    check("bytes of any value", &rules, b"\x16\x03\x01\xff\xfe\n<1>a\n", &{
        vec![Out::Frame(b"\x16\x03\x01\xff\xfe".to_vec()), f("<1>a")]
    });
}

/// What rsyslog's compression.mode="single" sends; text that only resembles it is text.
#[test]
fn octet_counted_frames_of_compressed_messages() {
    let rules = Rules::default();
    let bytes = |frame: &[u8]| Out::Frame(frame.to_vec());
    let packed = b"z\x78\x9c\x01\n\0<\xff9";
    let stream = [b"9 ", &packed[..], b"9 <13>again\n9 ", packed, b"3 z\x78\x9c5 <1>ab"].concat();
    let want = [bytes(packed), f("<13>again"), bytes(packed), bytes(b"z\x78\x9c"), f("<1>ab")];
    check("with others", &rules, &stream, &want);
    let text = ["5 z", "5 zebra", "5 zx", "5 zx!", "5 z\u{8}", "2 zx^a", "999 z z", "19 digits: 1 zx^"];
    for text in text {
        check(text, &rules, format!("{text}\n<1>a\n").as_bytes(), &frames([text, "<1>a"]));
        check(text, &rules, text.as_bytes(), &frames([text]));
    }
    for long in ["1234567890123456789 zx^", "0234567890123456789 zx^", "012345678901234567 zx^"] {
        check("too many digits", &rules, format!("{long}\n").as_bytes(), &frames([long]));
    }
    let much = 9_999_999_999_999_999_999;
    let told = [Event::Oversize { announced: much }, Event::TooLong { announced: much }].map(e);
    let line = [told.as_slice(), &frames(["9999999999999999999<1>a"])].concat();
    check("as many digits as may be", &rules, format!("{much} <1>a\n").as_bytes(), &line);
    let zero = [e(Event::BadCount), f("zx^ab"), f("<1>a")];
    check("no count", &rules, b"0 zx^ab\n<1>a\n", &zero);
    let much = [
        e(Event::Oversize { announced: 999 }),
        e(Event::TooLong { announced: 999 }),
        f("999zx^ab"),
        f("<1>a"),
    ];
    check("too much", &small(), b"999 zx^ab\n<1>a\n", &much);
    let off = Rules { octet_counted: false, ..rules };
    check("counts are off", &off, b"5 zx^ab\n", &frames(["5 zx^ab"]));
    let split = [e(Event::Oversize { announced: 25 }), f("zx^45678901234567890"), f("abcde"), f("<1>a")];
    check("longer than a message may be", &small(), b"25 zx^45678901234567890abcde4 <1>a", &split);
}

// RFC 6587-1, -2, -7 (3.4.1): octet counting is recognised by a first octet 1-9, then digits, then SP.
#[test]
fn octet_counted_frames() {
    let rules = Rules::default();
    check("two", &rules, b"9 <13>hello9 <13>again", &frames(["<13>hello", "<13>again"]));
    check("LF inside is kept", &rules, b"9 <13>hel\nx9 <13>again", &frames(["<13>hel\nx", "<13>again"]));
    check("a frame of one", &rules, b"1 <1 <", &frames(["<", "<"]));
    check(
        "digits and SP inside",
        &rules,
        b"12 <13>9 <1>hel9 <13>again",
        &frames(["<13>9 <1>hel", "<13>again"]),
    );
    // RFC 5425-22 (4.3.1): the receiver delimits by the length alone.
    check(
        "NUL and CR inside",
        &rules,
        b"9 <13>\0\r\n\0\n9 <13>again",
        &frames(["<13>\0\r\n\0\n", "<13>again"]),
    );
    check(
        "lost at the end",
        &rules,
        b"9 <13>hello20 <13>abc",
        &[f("<13>hello"), e(Event::Incomplete { wanted: 20, got: 7 })],
    );
}

// RFC 6587-4, -6 (3.4.1, 3.4.2): the method is detected per frame; NUL and CR LF trailers are tolerated.
#[test]
fn mixed_frames() {
    let rules = Rules::default();
    check("per frame", &rules, b"<1>a\n9 <13>hello<1>b\n9 <13>again<1>c", &{
        frames(["<1>a", "<13>hello", "<1>b", "<13>again", "<1>c"])
    });
    check("trailers after a count", &rules, b"4 <1>a\n4 <1>b\r\n4 <1>c\x004 <1>d\r\n\0<1>e\n", &{
        frames(["<1>a", "<1>b", "<1>c", "<1>d", "<1>e"])
    });
    check("octet counting off", &Rules { octet_counted: false, ..rules }, b"9 <13>hello\n4 <1>a", &{
        frames(["9 <13>hello", "4 <1>a"])
    });
}

#[test]
fn text_that_begins_with_a_digit_is_text() {
    let rules = Rules::default();
    for text in
        ["2024-01-01 hello", "9", "9 ", "9 hello", "9\t<13>hello", "9x <13>a", "12345", "0", "0 a", "007 b"]
    {
        check(text, &rules, format!("{text}\n<13>next\n").as_bytes(), &frames([text, "<13>next"]));
        check(text, &rules, text.as_bytes(), &frames([text]));
    }
    let long = "12345678901234567890 <13>a";
    check("more digits than any count", &rules, format!("{long}\n").as_bytes(), &frames([long]));
}

#[test]
fn counts_that_cannot_be_believed() {
    // RFC 5425-21 (4.3.1): a count starts with a NONZERO-DIGIT.
    for text in ["0 <13>abc\n<1>b\n", "00 <13>abc\n<1>b\n", "009 <13>abc\n<1>b\n"] {
        check(text, &Rules::default(), text.as_bytes(), &[e(Event::BadCount), f("<13>abc"), f("<1>b")]);
    }
    check(
        "above maxFrameSize",
        &Rules::default(),
        b"<1>a\n300000 <13>abc def\n<1>b\n",
        &[
            f("<1>a"),
            e(Event::Oversize { announced: 300_000 }),
            e(Event::TooLong { announced: 300_000 }),
            f("300000<13>abc def"),
            f("<1>b"),
        ],
    );
    check(
        "above 32 bits",
        &Rules::default(),
        b"4294967297 <1>a\n",
        &[
            e(Event::Oversize { announced: 4_294_967_297 }),
            e(Event::TooLong { announced: 4_294_967_297 }),
            f("4294967297<1>a"),
        ],
    );
    check("exactly maxFrameSize", &Rules { max_frame: 9, ..Rules::default() }, b"9 <13>hello4 <1>a", &{
        frames(["<13>hello", "<1>a"])
    });
}

// RFC 6587-8: what is longer than the largest message is split, or cut on request.
#[test]
fn oversize_frames_are_split() {
    let cut = e(Event::Truncated { len: 20 });
    check("LF", &small(), b"<1>abcdefghijklmnopq|0123456789abcdefghi|tail\n<1>next\n", &{
        vec![f("<1>abcdefghijklmnopq"), cut.clone(), f("|0123456789abcdefghi"), f("|tail"), f("<1>next")]
    });
    check("LF, a digit after the cut", &small(), b"<1>abcdefghijklmnopq9 <1>fghij\n<1>b\n", &{
        vec![f("<1>abcdefghijklmnopq"), cut.clone(), f("9 <1>fghij"), f("<1>b")]
    });
    check("LF, exactly", &small(), b"<1>abcdefghijklmnopq\n<1>b\n", &{
        frames(["<1>abcdefghijklmnopq", "<1>b"])
    });
    check("LF, twice exactly", &small(), b"<1>abcdefghijklmnopq12345678901234567890\n<1>b\n", &{
        vec![f("<1>abcdefghijklmnopq"), cut, f("12345678901234567890"), f("<1>b")]
    });
    check("counted", &small(), b"25 <1>abcdefghijklmnopq|tail4 <1>b", &{
        vec![e(Event::Oversize { announced: 25 }), f("<1>abcdefghijklmnopq"), f("|tail"), f("<1>b")]
    });
}

#[test]
fn oversize_frames_are_truncated() {
    let rules = Rules { discard_truncated: true, ..small() };
    let cut = e(Event::Truncated { len: 20 });
    check("LF", &rules, b"<1>abcdefghijklmnopq|0123456789abcdefghi|tail\n<1>next\n", &{
        vec![f("<1>abcdefghijklmnopq"), cut.clone(), f("<1>next")]
    });
    check("LF, open end", &rules, b"<1>abcdefghijklmnopqrs", &[f("<1>abcdefghijklmnopq"), cut]);
    check("counted", &rules, b"25 <1>abcdefghijklmnopq|tail4 <1>b", &{
        vec![e(Event::Oversize { announced: 25 }), f("<1>abcdefghijklmnopq"), f("<1>b")]
    });
}

#[test]
fn other_delimiters() {
    let one = Rules { extra_delimiter: Some(1), ..Rules::default() };
    check("both", &one, b"<1>a\x01<1>b\nxyz\x01\n<1>c\n", &frames(["<1>a", "<1>b", "xyz", "<1>c"]));
    let only = Rules { lf: false, ..one.clone() };
    check("LF is text", &only, b"<1>a\x01<1>b\nx\x01\n<1>c\n\x014 <1>d", &{
        frames(["<1>a", "<1>b\nx", "\n<1>c\n", "<1>d"])
    });
    let nul = Rules { extra_delimiter: Some(0), ..Rules::default() };
    check("NUL", &nul, b"<1>a\0<1>b\0\0<1>c\n", &frames(["<1>a", "<1>b", "<1>c"]));
    let none = Rules { lf: false, ..Rules::default() };
    check("none", &none, b"<1>a\n<1>b\n", &frames(["<1>a\n<1>b\n"]));
}

#[test]
fn cisco_asa() {
    let rules = Rules { cisco_asa: true, ..Rules::default() };
    check("blanks before frames", &rules, b" <1>a\n <1>b\n   <1>c\n 9 <13>hello <1>d\n ", &{
        frames(["<1>a", "<1>b", "<1>c", "<13>hello", "<1>d"])
    });
    let text = Rules { lf: false, ..rules };
    check("no trailer after a blank", &text, b"4 <1>a \nb", &frames(["<1>a", "\nb"]));
    check("without it they are text", &Rules::default(), b"<1>a\n <1>b\n", &frames(["<1>a", " <1>b"]));
}

#[test]
fn multi_line() {
    let rules = Rules { multi_line: true, ..Rules::default() };
    check("joined", &rules, b"<1>a\nb\n<1>c\nde\n<1>f\n", &frames(["<1>a\nb", "<1>c\nde", "<1>f"]));
    check("empty lines", &rules, b"<1>a\n\n\nb\n<1>c\n", &frames(["<1>a\n\n\nb", "<1>c"]));
    check("counted first", &rules, b"4 <1>a<1>b\nc\n<1>d", &frames(["<1>a", "<1>b\nc", "<1>d"]));
    let small = Rules { max_message: 20, ..rules };
    check("oversize", &small, b"<1>abcdefghijklmnopq\n123456789012345678\nm\n<1>b\n", &{
        vec![
            f("<1>abcdefghijklmnopq"),
            e(Event::Truncated { len: 20 }),
            f("\n123456789012345678\n"),
            f("m"),
            f("<1>b"),
        ]
    });
}

/// A xorshift generator: the same streams in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn what_is_pushed_comes_back_however_it_is_cut() {
    let mut random = Random(0x5eed_0001);
    for _ in 0..300 {
        let mut stream = Vec::new();
        let mut expected = Vec::new();
        for _ in 0..random.below(40) {
            let mut message = b"<13>".to_vec();
            message.extend((0..random.below(300)).map(|_| b"ab 19<\\>"[random.below(8)]));
            if random.below(2) == 0 {
                push_octet_counted(&mut stream, &message);
            } else {
                push_lf(&mut stream, &message, b'\n');
            }
            expected.push(Out::Frame(message));
        }
        let rules = Rules::default();
        assert_eq!(split(&rules, random_pieces(&mut random, &stream)), expected);
    }
}

#[test]
fn any_bytes_give_the_same_frames_however_they_are_cut() {
    let mut random = Random(0x5eed_0002);
    let alphabet = b"<<<>1390  \n\n\r\0\x01ax\xff";
    for round in 0..4000 {
        let stream: Vec<u8> =
            (0..random.below(120)).map(|_| alphabet[random.below(alphabet.len())]).collect();
        let rules = Rules {
            octet_counted: round % 5 != 0,
            lf: round % 7 != 0,
            extra_delimiter: [None, Some(1), Some(0)][round % 3],
            max_frame: 1 + random.below(60),
            max_message: 1 + random.below(40),
            discard_truncated: round % 2 == 0,
            cisco_asa: round % 11 == 0,
            multi_line: round % 4 == 0,
        };
        let whole = split(&rules, [&stream[..]]);
        for frame in &whole {
            if let Out::Frame(bytes) = frame {
                assert!(
                    !bytes.is_empty() && bytes.len() <= rules.max_message.max(20),
                    "{rules:?} {stream:?}"
                );
            }
        }
        for _ in 0..4 {
            let pieces = random_pieces(&mut random, &stream);
            assert_eq!(split(&rules, pieces.clone()), whole, "{rules:?} {pieces:?}");
        }
        assert_eq!(split(&rules, stream.chunks(1)), whole, "{rules:?} {stream:?}");
    }
}

fn random_pieces<'a>(random: &mut Random, mut stream: &'a [u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while !stream.is_empty() {
        let (piece, rest) = stream.split_at(1 + random.below(stream.len().min(90)));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

#[test]
fn an_idle_session_owns_no_memory() {
    let mut splitter = Splitter::new();
    assert!(std::mem::size_of::<Splitter>() <= 48);
    let rules = Rules::default();
    for (input, idle) in [(&b"<13>a"[..], false), (b"b\n", true), (b"9 <13>he", false), (b"llo", true)] {
        let mut gathered = Gathered { input, out: Vec::new() };
        splitter.feed(&rules, input, &mut gathered);
        assert_eq!(splitter.is_idle(), idle);
        assert_eq!(splitter.pending() == 0, idle);
    }
}
