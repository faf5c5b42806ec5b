//! A message that could be read is read the same after its header was written anew, and its structured data walks.

use sysloom_wire::{Options, Parsed, Timestamp, parse_text, sd};

pub fn seeds() -> Vec<Vec<u8>> {
    super::received(include_str!("../../../../core/wire/tests/cases/rfc5424.cases"))
}

/// `text` stands for sanitised bytes.
pub fn run(text: &[u8]) {
    let (options, reception) = (Options::default(), Timestamp::from_unix(1_795_415_694, 540_774, -300));
    let mut parsed = Parsed::new();
    parse_text(text, &options, &reception, &mut parsed);
    let header = |parsed: &Parsed, text| {
        let host = parsed.hostname(text).unwrap_or_default().to_vec();
        [host, parsed.app_name(text).to_vec(), parsed.procid(text).to_vec(), parsed.msgid(text).to_vec()]
    };
    let fields = header(&parsed, text);
    let data = parsed.structured_data(text);
    let mut elements = sd::elements(data);
    for param in elements.by_ref().flat_map(|element| element.params) {
        let mut escaped = Vec::new();
        sd::push_escaped(&mut escaped, &param.value());
        assert!(escaped.len() >= param.value().len());
    }
    let readable = data == b"-" || (!data.is_empty() && elements.remainder().is_empty() && data != fields[3]);
    // A name that ends with a backslash hides the end of the structured data from rsyslog's rule.
    let readable = readable && !data.ends_with(b"\\]");
    let (Some(time), 1, true) = (parsed.timestamp, parsed.protocol_version, readable) else { return };
    if fields.iter().any(Vec::is_empty) || !parsed.pri.is_valid() {
        return;
    }
    let mut rebuilt = b"<".to_vec();
    parsed.pri.write_value(&mut rebuilt);
    rebuilt.extend_from_slice(b">1 ");
    time.write_rfc3339(&mut rebuilt);
    for field in fields.iter().map(Vec::as_slice).chain([data]) {
        rebuilt.push(b' ');
        rebuilt.extend_from_slice(field);
    }
    rebuilt.push(b' ');
    rebuilt.extend_from_slice(parsed.msg(text));
    let mut again = Parsed::new();
    parse_text(&rebuilt, &options, &reception, &mut again);
    assert_eq!((again.timestamp, again.pri), (parsed.timestamp, parsed.pri));
    assert_eq!(header(&again, &rebuilt), fields);
    assert_eq!(again.structured_data(&rebuilt), data);
    assert_eq!(again.msg(&rebuilt), parsed.msg(text));
}
