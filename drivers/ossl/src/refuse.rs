//! The alert of the daemon's choice. OpenSSL picks an alert by its own errors and has none for "not permitted"; so the
//! alert that it has written, the last record before the connection ends, is replaced before it leaves.
//!
//! In TLS 1.2 a certificate is judged before anything is encrypted, and in TLS 1.3 a client of OpenSSL's does not encrypt
//! yet. A server of TLS 1.3 does: there the alert is the first record under its traffic secret, which OpenSSL tells.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use openssl::symm::{Cipher, encrypt_aead};
use sysloom_sdk::tls::Outbox;

/// A server's first secret for data, and the suite that it is for.
pub struct Secret<'a> {
    pub suite: &'a str,
    pub bytes: &'a [u8],
}

/// Has the alert that OpenSSL has just written say `code`. What cannot be replaced stays.
pub fn replace_alert(outbox: &mut Outbox, secret: Option<Secret<'_>>, code: u8) {
    let Some(start) = last_record(outbox.waiting()) else { return };
    let record = match outbox.waiting().get(start..) {
        Some([ALERT, major, minor, 0, 2, _, _]) => vec![ALERT, *major, *minor, 0, 2, FATAL, code],
        Some([DATA, ..]) => match secret.and_then(|secret| sealed(&secret, code).ok().flatten()) {
            Some(record) => record,
            None => return,
        },
        _ => return,
    };
    outbox.truncate(start);
    outbox.push(&record);
}

/// Where the last of whole records begins.
fn last_record(mut bytes: &[u8]) -> Option<usize> {
    let whole = bytes.len();
    let mut last = None;
    while let [_, _, _, high, low, rest @ ..] = bytes {
        let len = usize::from(*high) << 8 | usize::from(*low);
        last = Some(whole - bytes.len());
        bytes = rest.get(len..)?;
    }
    last.filter(|_| bytes.is_empty())
}

/// RFC 8446 5.2: the alert as the first record under a secret. `None` = no suite that is known here.
fn sealed(secret: &Secret<'_>, code: u8) -> Result<Option<Vec<u8>>, ErrorStack> {
    let (cipher, digest, key_len) = match secret.suite {
        "TLS_AES_128_GCM_SHA256" => (Cipher::aes_128_gcm(), MessageDigest::sha256(), 16),
        "TLS_AES_256_GCM_SHA384" => (Cipher::aes_256_gcm(), MessageDigest::sha384(), 32),
        "TLS_CHACHA20_POLY1305_SHA256" => (Cipher::chacha20_poly1305(), MessageDigest::sha256(), 32),
        _ => return Ok(None),
    };
    let key = expand(digest, secret.bytes, b"key", key_len)?;
    // The nonce of record 0 is the vector itself.
    let iv = expand(digest, secret.bytes, b"iv", IV)?;
    let inner = [FATAL, code, ALERT];
    let mut record = vec![DATA, 3, 3, 0, (inner.len() + TAG) as u8];
    let mut tag = [0; TAG];
    let body = encrypt_aead(cipher, &key, Some(&iv), &record, &inner, &mut tag)?;
    record.extend_from_slice(&body);
    record.extend_from_slice(&tag);
    Ok(Some(record))
}

/// RFC 8446 7.1: HKDF-Expand-Label without context, for no more than one block.
fn expand(digest: MessageDigest, secret: &[u8], label: &[u8], len: u8) -> Result<Vec<u8>, ErrorStack> {
    let mut info = vec![0, len, (PREFIX.len() + label.len()) as u8];
    info.extend_from_slice(PREFIX);
    info.extend_from_slice(label);
    // No context, and the first block.
    info.extend_from_slice(&[0, 1]);
    let key = PKey::hmac(secret)?;
    let mut block = Signer::new(digest, &key)?.sign_oneshot_to_vec(&info)?;
    block.truncate(usize::from(len));
    Ok(block)
}

const ALERT: u8 = 21;
const DATA: u8 = 23;
const FATAL: u8 = 2;
const IV: u8 = 12;
const TAG: usize = 16;
const PREFIX: &[u8] = b"tls13 ";

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8448 3: the server's application traffic secret, key and vector of its example.
    #[test]
    fn keys_of_the_rfcs_example() {
        let bytes = |text: &str| -> Vec<u8> {
            text.split(' ').map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
        };
        let secret = bytes(
            "a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a 4b 4f 1f 3f cb 63 16 43",
        );
        let sha256 = MessageDigest::sha256();
        assert_eq!(
            expand(sha256, &secret, b"key", 16).unwrap(),
            bytes("9f 02 28 3b 6c 9c 07 ef c2 6b b9 f2 ac 92 e3 56")
        );
        assert_eq!(expand(sha256, &secret, b"iv", 12).unwrap(), bytes("cf 78 2b 88 dd 83 54 9a ad f1 e9 84"));
    }

    #[test]
    fn the_last_of_whole_records() {
        assert_eq!(last_record(&[]), None);
        assert_eq!(last_record(&[21, 3, 3, 0, 2, 2, 42]), Some(0));
        assert_eq!(last_record(&[20, 3, 3, 0, 1, 1, 21, 3, 3, 0, 2, 2, 42]), Some(6));
        assert_eq!(last_record(&[20, 3, 3, 0, 1, 1, 21, 3, 3, 0, 2, 2]), None);
        assert_eq!(last_record(&[20, 3, 3, 0, 1, 1, 21, 3]), None);
    }

    #[test]
    fn only_alerts_are_replaced() {
        let replaced = |bytes: &[u8]| {
            let mut outbox = Outbox::default();
            outbox.push(bytes);
            replace_alert(&mut outbox, None, 49);
            outbox.waiting().to_vec()
        };
        assert_eq!(replaced(&[21, 3, 1, 0, 2, 2, 42]), [21, 3, 1, 0, 2, 2, 49]);
        for kept in [&[22, 3, 3, 0, 2, 2, 42][..], &[23, 3, 3, 0, 1, 9], &[21, 3, 3, 0, 3, 1, 2, 3], &[21, 3]]
        {
            assert_eq!(replaced(kept), kept);
        }
    }
}
