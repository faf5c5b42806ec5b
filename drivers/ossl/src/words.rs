//! OpenSSL's errors in words for an administrator: what the peer did, or which alert it sent and what that means here.

use openssl::error::ErrorStack;
use sysloom_sdk::Complaint;
use sysloom_sdk::tls::words::received;

/// Why a session failed.
pub fn failure(errors: &ErrorStack, server: bool) -> Complaint {
    let reason = reason(errors);
    Complaint::new(match reason {
        Some(code @ 1000..=1255) => received(u8::try_from(code - ALERTS).unwrap_or_default(), server),
        Some(code) => match (explained(code, server), kind(code)) {
            (Some(text), _) => text,
            (None, Some(kind)) => format!("{kind} ({})", plain(errors)),
            (None, None) => format!("TLS failed: {}", plain(errors)),
        },
        None => format!("TLS failed: {}", plain(errors)),
    })
}

/// Something that OpenSSL did not take when it was set up.
pub fn setup(errors: &ErrorStack) -> Complaint {
    Complaint::new(format!("TLS cannot be set up: {}", plain(errors)))
}

/// The errors without OpenSSL's own files and lines.
pub fn plain(errors: &ErrorStack) -> String {
    let texts: Vec<_> = errors.errors().iter().filter_map(|e| e.reason()).collect();
    match texts.is_empty() {
        true => "OpenSSL gives no reason".to_owned(),
        false => texts.join(", "),
    }
}

/// The code of the first error of TLS itself.
fn reason(errors: &ErrorStack) -> Option<i32> {
    errors.errors().iter().find(|e| e.library_code() == LIB_SSL).map(|e| e.reason_code())
}

fn explained(code: i32, server: bool) -> Option<String> {
    let peer = if server { "client" } else { "server" };
    Some(match code {
        NO_SHARED_CIPHER | NO_CIPHERS_AVAILABLE => {
            format!("the {peer} and we have no cipher suite in common")
        }
        NO_SUITABLE_GROUPS | NO_SHARED_GROUPS | NO_SUITABLE_KEY_SHARE => {
            format!("the {peer} and we have no key exchange group in common")
        }
        NO_SUITABLE_SIGNATURE_ALGORITHM | NO_SHARED_SIGNATURE_ALGORITHMS => format!(
            "the {peer} and we have no signature algorithm in common: our key is of a kind that it does not take"
        ),
        UNSUPPORTED_PROTOCOL | WRONG_SSL_VERSION | UNKNOWN_PROTOCOL => {
            format!("the {peer} and we have no TLS version in common (1.2 and 1.3 unless narrowed)")
        }
        WRONG_VERSION_NUMBER => {
            "the peer sent something that is not correct TLS: what came is no TLS record".to_owned()
        }
        DECRYPTION_FAILED_OR_BAD_RECORD_MAC => {
            "a record could not be decrypted: it was damaged or forged on its way, or the peer lost step"
                .to_owned()
        }
        EXCESSIVE_MESSAGE_SIZE => "the peer sent a message longer than TLS allows here".to_owned(),
        PACKET_LENGTH_TOO_LONG | ENCRYPTED_LENGTH_TOO_LONG | DATA_LENGTH_TOO_LONG => {
            "the peer sent a record longer than TLS allows".to_owned()
        }
        _ => return None,
    })
}

/// What is so plain that OpenSSL's own words behind it will do.
fn kind(code: i32) -> Option<&'static str> {
    Some(match code {
        DATA_BETWEEN_CCS_AND_FINISHED
        | UNEXPECTED_MESSAGE
        | UNEXPECTED_RECORD
        | APP_DATA_IN_HANDSHAKE
        | CCS_RECEIVED_EARLY
        | UNEXPECTED_CCS_MESSAGE => "the peer sent a TLS message out of turn",
        BAD_CHANGE_CIPHER_SPEC
        | BAD_PROTOCOL_VERSION_NUMBER
        | NOT_ON_RECORD_BOUNDARY
        | BAD_EXTENSION
        | BAD_LENGTH
        | BAD_PACKET
        | BAD_RECORD_TYPE
        | CERT_LENGTH_MISMATCH
        | EXT_LENGTH_MISMATCH
        | INVALID_ALERT
        | INVALID_CCS_MESSAGE
        | LENGTH_MISMATCH
        | RECORD_LENGTH_MISMATCH
        | RECORD_TOO_SMALL => "the peer sent something that is not correct TLS",
        BAD_KEY_UPDATE | TOO_MANY_WARN_ALERTS => "the peer broke the rules of TLS",
        BAD_SIGNATURE
        | DIGEST_CHECK_FAILED
        | WRONG_SIGNATURE_LENGTH
        | WRONG_SIGNATURE_SIZE
        | WRONG_SIGNATURE_TYPE => "the peer's certificate or its signature is bad",
        _ => return None,
    })
}

const LIB_SSL: i32 = 20;
/// Added to an alert's number.
const ALERTS: i32 = 1000;
const APP_DATA_IN_HANDSHAKE: i32 = 100;
const BAD_CHANGE_CIPHER_SPEC: i32 = 103;
const BAD_EXTENSION: i32 = 110;
const BAD_KEY_UPDATE: i32 = 122;
const BAD_LENGTH: i32 = 271;
const BAD_PACKET: i32 = 240;
const BAD_PROTOCOL_VERSION_NUMBER: i32 = 116;
const BAD_RECORD_TYPE: i32 = 443;
const BAD_SIGNATURE: i32 = 123;
const CCS_RECEIVED_EARLY: i32 = 133;
const CERT_LENGTH_MISMATCH: i32 = 135;
const DATA_BETWEEN_CCS_AND_FINISHED: i32 = 145;
const DATA_LENGTH_TOO_LONG: i32 = 146;
const DECRYPTION_FAILED_OR_BAD_RECORD_MAC: i32 = 281;
const DIGEST_CHECK_FAILED: i32 = 149;
const ENCRYPTED_LENGTH_TOO_LONG: i32 = 150;
const EXCESSIVE_MESSAGE_SIZE: i32 = 152;
const EXT_LENGTH_MISMATCH: i32 = 163;
const INVALID_ALERT: i32 = 205;
const INVALID_CCS_MESSAGE: i32 = 260;
const LENGTH_MISMATCH: i32 = 159;
const NOT_ON_RECORD_BOUNDARY: i32 = 182;
const NO_CIPHERS_AVAILABLE: i32 = 181;
const NO_SHARED_CIPHER: i32 = 193;
const NO_SHARED_GROUPS: i32 = 410;
const NO_SHARED_SIGNATURE_ALGORITHMS: i32 = 376;
const NO_SUITABLE_GROUPS: i32 = 295;
const NO_SUITABLE_KEY_SHARE: i32 = 101;
const NO_SUITABLE_SIGNATURE_ALGORITHM: i32 = 118;
const PACKET_LENGTH_TOO_LONG: i32 = 198;
const RECORD_LENGTH_MISMATCH: i32 = 213;
const RECORD_TOO_SMALL: i32 = 298;
const TOO_MANY_WARN_ALERTS: i32 = 409;
const UNEXPECTED_CCS_MESSAGE: i32 = 262;
const UNEXPECTED_MESSAGE: i32 = 244;
const UNEXPECTED_RECORD: i32 = 245;
const UNKNOWN_PROTOCOL: i32 = 252;
const UNSUPPORTED_PROTOCOL: i32 = 258;
const WRONG_SIGNATURE_LENGTH: i32 = 264;
const WRONG_SIGNATURE_SIZE: i32 = 265;
const WRONG_SIGNATURE_TYPE: i32 = 370;
const WRONG_SSL_VERSION: i32 = 266;
const WRONG_VERSION_NUMBER: i32 = 267;
