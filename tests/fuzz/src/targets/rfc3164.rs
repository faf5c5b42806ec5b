//! Whatever is received, with whatever options, is parsed without loss: `msg` is a tail of the sanitised text.

use sysloom_wire::{Options, Parsed, SanitizeRules, Sanitized, Timestamp, local, parse_chain};

pub fn seeds() -> Vec<Vec<u8>> {
    let files = [
        include_str!("../../../../core/wire/tests/cases/rfc3164.cases"),
        include_str!("../../../../core/wire/tests/cases/head.cases"),
        include_str!("../../../../core/wire/tests/cases/local.cases"),
    ];
    files.into_iter().flat_map(super::received).collect()
}

/// The first two bytes choose rules and options.
pub fn run(input: &[u8]) {
    let [first, second, raw @ ..] = input else { return };
    let flags = u16::from_le_bytes([*first, *second]);
    let bit = |at: u32| flags >> at & 1 == 1;
    let rules = SanitizeRules {
        escape_control: bit(0),
        escape_tab: bit(1),
        escape_8bit: bit(2),
        space_lf: bit(3),
        c_style: bit(4),
        drop_trailing_cr: bit(5),
        max_message: if bit(6) { 8096 } else { 64 },
        ..SanitizeRules::default()
    };
    let options = Options {
        parse_hostname_and_tag: !bit(7),
        parse_hostname: !bit(8),
        permit_slash_in_programname: bit(9),
        detect_year_after_timestamp: bit(10),
        permit_square_brackets_in_hostname: bit(11),
        permit_slashes_in_hostname: bit(12),
        permit_at_signs_in_hostname: bit(12),
        force_tag_ending_by_colon: bit(13),
        remove_msg_first_space: bit(14),
        detect_headerless: bit(15),
        ..Options::default()
    };
    let reception = Timestamp::from_unix(1_795_415_694, 540_774, -300);
    let (mut scratch, mut tag) = (b"before".to_vec(), Vec::new());
    let mut parsed = Parsed::new();
    let Some(sanitized) = parse_chain(&rules, &options, &reception, raw, &mut scratch, &mut parsed) else {
        assert!(raw.is_empty());
        return;
    };
    let text = match sanitized {
        Sanitized::Unchanged { len } => &raw[..len],
        Sanitized::Escaped { len } => &scratch[6..][..len],
    };
    assert!(text.len() <= rules.max_message);
    assert!(!text.contains(&0), "a NUL survived");
    if rules.escape_control && rules.escape_tab {
        assert!(text.iter().all(|byte| *byte >= 32), "a control character survived");
    }
    check(&parsed, text, &mut tag);
    local::parse(text, &options, &reception, &mut parsed);
    check(&parsed, text, &mut tag);
}

fn check(parsed: &Parsed, text: &[u8], tag: &mut Vec<u8>) {
    assert!(text.ends_with(parsed.msg(text)) && text.ends_with(parsed.after_pri(text)));
    assert!(parsed.pri.facility <= 24 && parsed.pri.severity <= 7);
    assert!(parsed.hostname(text).is_none_or(|host| host.len() < text.len().max(1) || host == text));
    let tag = parsed.tag(text, tag);
    if parsed.protocol_version == 0 && tag != b"-" {
        assert!(tag.starts_with(parsed.programname(text)));
    }
    if let Some(time) = parsed.timestamp {
        let mut out = Vec::new();
        time.write_rfc3339(&mut out);
        time.write_ordinal(&mut out);
        time.write_week(&mut out);
        time.write_iso_week(&mut out);
        time.to_utc().write_rfc3339(&mut out);
        assert!(!out.contains(&b'*'), "a field is out of range");
    }
}
