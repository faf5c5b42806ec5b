//! As much of a certificate's DER as the driver itself needs: public key and validity. webpki reads no X.509 v1 certificates,
//! which `openssl x509 -req` makes by default, so the walk is done here. Anything unexpected is `None`.

/// A certificate's SubjectPublicKeyInfo, header included.
pub fn public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let (_, rest) = expect(behind_issuer(certificate)?, SEQUENCE)?;
    let (_, rest) = expect(rest, SEQUENCE)?;
    expect(rest, SEQUENCE).map(|(info, _)| info.whole)
}

/// First and last second of a certificate's validity, since 1970.
pub fn validity(certificate: &[u8]) -> Option<(i64, i64)> {
    let (validity, _) = expect(behind_issuer(certificate)?, SEQUENCE)?;
    let (from, rest) = time(validity.content)?;
    let (to, _) = time(rest)?;
    Some((from, to))
}

/// The fields of a certificate from the validity on.
fn behind_issuer(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (tbs, _) = expect(certificate.content, SEQUENCE)?;
    let mut fields = tbs.content;
    if let Some((_, rest)) = expect(fields, VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        (_, fields) = expect(fields, tag)?;
    }
    Some(fields)
}

/// A UTCTime or GeneralizedTime in the only form that RFC 5280 4.1.2.5 allows.
fn time(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (text, century, rest) = match expect(bytes, UTC_TIME) {
        Some((t, rest)) => (t.content, None, rest),
        None => {
            let (t, rest) = expect(bytes, GENERALIZED_TIME)?;
            let (century, text) = t.content.split_at_checked(2)?;
            (text, Some(two(century)?), rest)
        }
    };
    let digits = text.strip_suffix(b"Z").filter(|d| d.len() == 12)?;
    let parts = digits.chunks(2).map(two).collect::<Option<Vec<i64>>>()?;
    let &[short, month, day, hour, minute, second] = parts.as_slice() else { return None };
    let century = century.unwrap_or(if short < 50 { 20 } else { 19 });
    let days = days(century * 100 + short, month, day);
    Some((((days * 24 + hour) * 60 + minute) * 60 + second, rest))
}

fn two(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()
}

/// Days since 1970-01-01 in the Gregorian calendar. Years are counted from March, so that a leap day is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year / 4 - year / 100 + year / 400;
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 719_469
}

/// The algorithm's identifier (without its header) and the key's bits of a SubjectPublicKeyInfo.
pub fn split_key_info(info: &[u8]) -> Option<(&[u8], &[u8])> {
    let (info, _) = expect(info, SEQUENCE)?;
    let (algorithm, rest) = expect(info.content, SEQUENCE)?;
    let (bits, _) = expect(rest, BIT_STRING)?;
    // The first byte counts unused bits; keys have none.
    match bits.content {
        [0, key @ ..] => Some((algorithm.content, key)),
        _ => None,
    }
}

struct Element<'a> {
    whole: &'a [u8],
    content: &'a [u8],
}

/// The element at the start, if it has this tag, and what follows it.
fn expect(bytes: &[u8], tag: u8) -> Option<(Element<'_>, &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // More than four bytes of length do not fit any certificate.
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |len, d| len << 8 | usize::from(*d)), rest)
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(len)?;
    let whole = bytes.get(..bytes.len() - after.len())?;
    (found == tag).then_some((Element { whole, content }, after))
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0]`, explicit; v1 certificates have none.
const VERSION: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::pem;

    /// From 2024-02-29 to 2051-01-02, with a key of P-256.
    fn certificate() -> Vec<u8> {
        pem::blocks(CERTIFICATE).unwrap().remove(0).der
    }

    #[test]
    fn finds_the_key_of_a_certificate() {
        let certificate = certificate();
        let info = public_key_info(&certificate).unwrap();
        assert_eq!(info.len(), 91);
        let (algorithm, bits) = split_key_info(info).unwrap();
        // An uncompressed point.
        assert_eq!((bits.len(), bits.first()), (65, Some(&4)));
        assert_eq!(algorithm.first(), Some(&0x06));
    }

    #[test]
    fn days_of_the_calendar() {
        for (date, wanted) in [
            ((1970, 1, 1), 0),
            ((1970, 3, 1), 59),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((2026, 11, 23), 20_780),
        ] {
            assert_eq!(days(date.0, date.1, date.2), wanted, "{date:?}");
        }
    }

    #[test]
    fn validity_in_both_forms_of_time() {
        let day = |y, m, d| days(y, m, d) * 86_400;
        assert_eq!(validity(&certificate()), Some((day(2024, 2, 29), day(2051, 1, 2))));
        assert_eq!(time(b"\x17\x0d700101000001Z"), Some((1, &b""[..])));
        assert_eq!(time(b"\x17\x0d7001010000+1Z"), None);
        assert_eq!(time(b"\x17\x0b7001010000Z"), None);
        assert_eq!(time(b"\x18\x0f19700101000000Z!"), Some((0, &b"!"[..])));
    }

    #[test]
    fn nothing_cut_or_bent_is_taken() {
        let der = certificate();
        for len in 0..der.len() {
            assert!(public_key_info(&der[..len]).is_none(), "cut at {len}");
        }
        assert!(public_key_info(&[0x30, 0x85, 1, 1, 1, 1, 1]).is_none());
        assert!(public_key_info(&[0x30, 0x80, 0, 0]).is_none());
        assert!(split_key_info(&[0x30, 0x00]).is_none());
    }

    const CERTIFICATE: &[u8] = b"\
        -----BEGIN CERTIFICATE-----\n\
        MIIBBjCBraADAgECAgEHMAoGCCqGSM49BAMCMAwxCjAIBgNVBAMMAWEwIBcNMjQw\n\
        MjI5MDAwMDAwWhgPMjA1MTAxMDIwMDAwMDBaMAwxCjAIBgNVBAMMAWEwWTATBgcq\n\
        hkjOPQIBBggqhkjOPQMBBwNCAAQvwOe9YNjmMHih6N4/I6SCOH339v9l0Vwa9t4U\n\
        SfO2gMqhH3frV9Ynkx/NL6Vr8mEh7uK2fP4IOHPQ19w/QUVKMAoGCCqGSM49BAMC\n\
        A0gAMEUCIQC8AcvsNX0mdX0Gd+kF0TOlliqQpemKapB66GC/epe2pQIgUh7l8JTj\n\
        N0OQ0m3y7UN3o5cJjTTym21u+HlTP4aOYrg=\n\
        -----END CERTIFICATE-----\n";
}
