//! As much of a certificate's DER as the driver itself needs: the public key. webpki reads no X.509 v1 certificates,
//! which `openssl x509 -req` makes by default, so the walk is done here. Anything unexpected is `None`.

/// A certificate's SubjectPublicKeyInfo, header included.
pub fn public_key_info(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut fields, _) = expect(certificate.content, SEQUENCE).map(|(tbs, rest)| (tbs.content, rest))?;
    if let Some((_, rest)) = expect(fields, VERSION) {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer, validity, subject.
    for tag in [INTEGER, SEQUENCE, SEQUENCE, SEQUENCE, SEQUENCE] {
        (_, fields) = expect(fields, tag)?;
    }
    expect(fields, SEQUENCE).map(|(info, _)| info.whole)
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
const SEQUENCE: u8 = 0x30;
/// `[0]`, explicit; v1 certificates have none.
const VERSION: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};

    #[test]
    fn finds_the_key_of_a_certificate() {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let info = public_key_info(certificate.der()).unwrap();
        assert_eq!(info, key.subject_public_key_info());
        let (algorithm, bits) = split_key_info(info).unwrap();
        assert_eq!(bits, key.der_bytes());
        assert_eq!(algorithm.first(), Some(&0x06));
    }

    #[test]
    fn nothing_cut_or_bent_is_taken() {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = CertificateParams::default().self_signed(&key).unwrap();
        let der = certificate.der();
        for len in 0..der.len() {
            assert!(public_key_info(&der[..len]).is_none(), "cut at {len}");
        }
        assert!(public_key_info(&[0x30, 0x85, 1, 1, 1, 1, 1]).is_none());
        assert!(public_key_info(&[0x30, 0x80, 0, 0]).is_none());
        assert!(split_key_info(&[0x30, 0x00]).is_none());
    }
}
