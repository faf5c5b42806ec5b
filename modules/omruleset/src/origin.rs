//! What a raw message tells of where it came from, and the time in a rendered record.

/// Whether a raw message has the host name that its parser found, as messages from the network have.
pub fn is_from_network(raw: &[u8], hostname: &[u8]) -> bool {
    let Some(end) = raw.iter().take(5).position(|byte| *byte == b'>') else { return false };
    let rest = raw.get(end + 1..).unwrap_or_default();
    // RFC 5424 6.2.2: the version.
    if rest.starts_with(b"1 ") {
        return true;
    }
    let rest = rest.get(stamp_len(rest)..).unwrap_or_default();
    !hostname.is_empty()
        && rest.strip_prefix(hostname).is_some_and(|after| after.is_empty() || after.starts_with(b" "))
}

/// Bytes of a time stamp of RFC 3164 or RFC 3339 and the blank after it.
fn stamp_len(text: &[u8]) -> usize {
    let legacy = [(3, b' '), (6, b' '), (9, b':'), (12, b':'), (15, b' ')];
    if legacy.iter().all(|(at, byte)| text.get(*at) == Some(byte)) {
        return 16;
    }
    match text.iter().position(|byte| *byte == b' ') {
        Some(blank) if nanoseconds(text).is_some() => blank + 1,
        _ => 0,
    }
}

/// The time of RFC 3339 that a text begins with, in nanoseconds since 1970.
pub fn nanoseconds(text: &[u8]) -> Option<i64> {
    let stamp = text.split(|byte| *byte == b' ').next()?;
    let number = |from: usize, to: usize| {
        let digits = stamp.get(from..to).filter(|d| d.iter().all(u8::is_ascii_digit))?;
        std::str::from_utf8(digits).ok()?.parse::<i64>().ok()
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !marks.iter().all(|(at, byte)| stamp.get(*at) == Some(byte)) {
        return None;
    }
    let day = days(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = day * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let digits = stamp.get(20..).filter(|_| stamp.get(19) == Some(&b'.')).unwrap_or_default();
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit()).count().min(9);
    let fraction = match digits {
        0 => 0,
        n => number(20, 20 + n)? * 10_i64.pow(9 - n as u32),
    };
    let zone = if digits > 0 { 20 + digits } else { 19 };
    let offset = match stamp.get(zone)? {
        b'Z' => 0,
        sign @ (b'+' | b'-') => {
            let minutes = number(zone + 1, zone + 3)? * 60 + number(zone + 4, zone + 6)?;
            if *sign == b'+' { minutes * 60 } else { -minutes * 60 }
        }
        _ => return None,
    };
    (seconds - offset).checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// Days since 1970 of a date of our calendar: years are counted from March, so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_to_the_nanosecond() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z x", Some(0)),
            ("2026-11-23T08:02:08.620451+00:00 vm x", Some(1_795_420_928_620_451_000)),
            ("2026-11-23T09:02:08.620451+01:00", Some(1_795_420_928_620_451_000)),
            ("2026-11-23T03:32:08.620451-04:30", Some(1_795_420_928_620_451_000)),
            ("2000-02-29T23:59:59.5Z", Some(951_868_799_500_000_000)),
            ("2026-11-23T08:02:08", None),
            ("Nov 23 08:02:08 vm", None),
            ("2026-11-23T08:02:0x.1Z", None),
            ("", None),
        ] {
            assert_eq!(nanoseconds(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_host_name_comes_from_the_network() {
        for (raw, network) in [
            ("<13>Oct  1 22:14:15 vm su: x", true),
            ("<13>2026-11-23T08:02:08.6Z vm su: x", true),
            ("<13>vm su: x", true),
            ("<13>1 - - - - - - x", true),
            ("<13>Oct  1 22:14:15 su: x", false),
            ("<13>su: vm x", false),
            ("<13>vmx su: x", false),
            ("no pri vm", false),
            ("", false),
        ] {
            assert_eq!(is_from_network(raw.as_bytes(), b"vm"), network, "{raw}");
        }
    }
}
