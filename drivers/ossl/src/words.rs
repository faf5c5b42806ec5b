//! OpenSSL's errors in words for an administrator: what the peer did, or which alert it sent and what that means here.

use openssl::error::ErrorStack;
use sysloom_sdk::Complaint;
use sysloom_sdk::tls::words::received;

/// Why a session failed.
pub fn failure(errors: &ErrorStack, server: bool) -> Complaint {
    let reason = reason(errors);
    Complaint::new(match reason {
        Some(code @ 1000..=1255) => received(u8::try_from(code - ALERTS).unwrap_or_default(), server),
        Some(code) => match explained(code, server) {
            Some(text) => text,
            None => format!("TLS failed: {}", plain(errors)),
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
        PACKET_LENGTH_TOO_LONG | ENCRYPTED_LENGTH_TOO_LONG | DATA_LENGTH_TOO_LONG => {
            "the peer sent a record longer than TLS allows".to_owned()
        }
        _ => return None,
    })
}

const LIB_SSL: i32 = 20;
/// Added to an alert's number.
const ALERTS: i32 = 1000;
const DATA_LENGTH_TOO_LONG: i32 = 146;
const ENCRYPTED_LENGTH_TOO_LONG: i32 = 150;
const NO_CIPHERS_AVAILABLE: i32 = 181;
const NO_SHARED_CIPHER: i32 = 193;
const NO_SHARED_GROUPS: i32 = 410;
const NO_SHARED_SIGNATURE_ALGORITHMS: i32 = 376;
const NO_SUITABLE_GROUPS: i32 = 295;
const NO_SUITABLE_KEY_SHARE: i32 = 101;
const NO_SUITABLE_SIGNATURE_ALGORITHM: i32 = 118;
const PACKET_LENGTH_TOO_LONG: i32 = 198;
const UNKNOWN_PROTOCOL: i32 = 252;
const UNSUPPORTED_PROTOCOL: i32 = 258;
const WRONG_SSL_VERSION: i32 = 266;
const WRONG_VERSION_NUMBER: i32 = 267;
const DECRYPTION_FAILED_OR_BAD_RECORD_MAC: i32 = 281;
