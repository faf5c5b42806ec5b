//! What peers do wrong in words for an administrator: which alert one sent and what that means here, that it does not
//! speak TLS at all, or that it went away. What only a library can tell is its driver's to say.

use crate::Complaint;
use std::fmt::Write;

/// The peer went away before the handshake was over.
pub fn cut_short(server: bool, heard: bool) -> Complaint {
    Complaint::new(match (server, heard) {
        (true, _) => "the client closed the connection in the middle of the TLS handshake",
        (false, true) => {
            "the server closed the connection in the middle of the TLS handshake, without an alert"
        }
        (false, false) => {
            "the server closed the connection without a word of TLS: it may expect plain TCP there \
             (streamDriver.mode=\"0\"), or have no free session"
        }
    })
}

/// What an alert from the peer means.
pub fn received(alert: u8, server: bool) -> String {
    let (peer, ours) = if server { ("client", "server") } else { ("server", "client") };
    let meaning = match alert {
        48 => format!(
            "the {peer} does not know the CA that signed our certificate: give it that CA, and us the intermediates \
             in the certificate file"
        ),
        42 => format!("the {peer} finds our certificate damaged or not acceptable"),
        43 => {
            format!("our certificate is of the wrong kind for the {peer}, or not made for a {ours}")
        }
        45 => {
            format!(
                "the {peer} says that our certificate has expired or is not valid yet (or its clock is wrong)"
            )
        }
        44 => format!("the {peer} says that our certificate has been revoked"),
        46 => {
            format!("the {peer} does not accept our certificate and gives no reason; its log may")
        }
        116 => {
            format!("the {peer} wants a certificate from us: set a certificate and a key file")
        }
        49 => {
            format!(
                "the {peer} does not permit us: our certificate's names are not in its list of permitted peers"
            )
        }
        40 => format!(
            "the {peer} found nothing in common (TLS version, cipher, kind of our certificate), or wants a certificate \
             from us"
        ),
        70 => {
            format!(
                "the {peer} does not take any TLS version that we offer (ours are 1.2 and 1.3 unless narrowed)"
            )
        }
        71 => format!("the {peer} wants stronger ciphers or keys than ours"),
        112 => format!(
            "the {peer} does not know the name that we asked for; see {}",
            if server { "the client's settings" } else { "streamDriver.remoteSNI" }
        ),
        51 => format!("the {peer} could not check our signature or our key exchange"),
        20 => {
            format!("the {peer} could not decrypt what we sent: it was damaged on its way")
        }
        50 | 47 | 10 => {
            format!("the {peer} did not understand our TLS messages; does it speak TLS to the end?")
        }
        90 => format!("somebody at the {peer} cancelled the handshake"),
        0 => format!("the {peer} closed the connection during the handshake"),
        80 => format!("the {peer} failed inside; its log may say why"),
        113 => format!("the {peer} does not accept our stapled OCSP answer"),
        _ => format!("the {peer} ended the connection"),
    };
    format!("{meaning} (TLS alert {alert}, {})", alert_name(alert))
}

/// An alert's name as the RFCs write it.
pub fn alert_name(alert: u8) -> &'static str {
    match alert {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "unknown",
    }
}

/// Whether bytes could begin a TLS record.
pub fn is_tls(first: &[u8]) -> bool {
    matches!(first, [20..=24] | [20..=24, 3, ..])
}

/// A peer whose first bytes are no TLS.
pub fn not_tls(first: &[u8], server: bool) -> String {
    let peer = if server { "client" } else { "server" };
    let seen = quoted(first);
    let hint = match first {
        [b'<', ..] | [b'0'..=b'9', ..] if server => {
            "it sends plain syslog; switch its TLS on, or let it send to a listener with streamDriver.mode=\"0\""
        }
        [b'G', b'E', b'T', ..] | [b'P', b'O', b'S', b'T', ..] | [b'H', b'T', b'T', b'P', ..] => {
            "that is plain HTTP"
        }
        [b'S', b'S', b'H', ..] => "that is SSH",
        // An SSL 2 hello: two bytes of length with the top bit set, then 1.
        [0x80..=0xff, _, 1, ..] => "that is SSL 2, which is too old to be safe",
        _ if server => "what it speaks must be TLS on this port",
        _ => "the port there is no TLS port",
    };
    format!("the {peer} does not speak TLS: its first bytes are {seen}; {hint}")
}

/// Bytes for a log line.
fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes.iter().take(SHOWN) {
        match byte {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('"');
    text
}

/// How much of a stranger's first bytes goes into the log.
const SHOWN: usize = 24;
