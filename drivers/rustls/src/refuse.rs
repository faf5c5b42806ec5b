//! The alert for a peer that is refused when the handshake is already over: a resumed session, or a client that had no
//! certificate to show. rustls sends no alert of our choice then, so its write keys are taken out and the last record
//! of the connection is made with them.

use rustls::crypto::cipher::{Iv, OutboundChunks, OutboundPlainMessage};
use rustls::{
    ConnectionTrafficSecrets, ContentType, ExtractedSecrets, ProtocolVersion, SupportedCipherSuite,
};

/// A fatal alert as the next record of a connection that used `suite`. `None` if the keys are of no known shape.
pub fn alert_record(secrets: ExtractedSecrets, suite: SupportedCipherSuite, code: u8) -> Option<Vec<u8>> {
    let (sequence, secrets) = secrets.tx;
    let (key, iv) = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv }
        | ConnectionTrafficSecrets::Aes256Gcm { key, iv }
        | ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (key, iv),
        _ => return None,
    };
    let mut encrypter = match suite {
        SupportedCipherSuite::Tls13(suite) => suite.aead_alg.encrypter(key, iv),
        SupportedCipherSuite::Tls12(suite) => {
            let (fixed, explicit) = tls12_nonce(&iv, suite.aead_alg.key_block_shape().explicit_nonce_len)?;
            suite.aead_alg.encrypter(key, fixed, explicit)
        }
    };
    let alert = [FATAL, code];
    let message = OutboundPlainMessage {
        typ: ContentType::Alert,
        version: ProtocolVersion::TLSv1_2,
        payload: OutboundChunks::Single(&alert),
    };
    encrypter.encrypt(message, sequence).ok().map(|record| record.encode())
}

/// The fixed and the explicit part, which the extracted nonce holds joined.
fn tls12_nonce(iv: &Iv, explicit: usize) -> Option<(&[u8], &[u8])> {
    let whole = iv.as_ref();
    whole.split_at_checked(whole.len().checked_sub(explicit)?)
}

const FATAL: u8 = 2;
