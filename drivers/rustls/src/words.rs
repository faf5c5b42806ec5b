//! rustls' errors in words for an administrator: what the peer did, or which alert it sent and what that means here.

use rustls::{AlertDescription as Alert, Error, InvalidMessage, PeerIncompatible};
use std::fmt::Write;
use sysloom_sdk::Complaint;

/// Why a session failed. `first` is what the peer sent first, if nothing of it was understood.
pub fn failure(error: &Error, server: bool, first: Option<&[u8]>) -> Complaint {
    if let (Error::InvalidMessage(_), Some(first)) = (error, first)
        && !is_tls(first)
    {
        return Complaint::new(not_tls(first, server));
    }
    Complaint::new(match error {
        Error::AlertReceived(alert) => received(*alert, server),
        Error::InvalidMessage(what) => invalid(what),
        Error::PeerIncompatible(why) => incompatible(why, server),
        Error::PeerMisbehaved(why) => format!("the peer broke the rules of TLS ({why:?})"),
        Error::InvalidCertificate(why) => format!("the peer's certificate or its signature is bad: {why}"),
        Error::InappropriateMessage { got_type, .. } => {
            format!("the peer sent a TLS message out of turn ({got_type:?})")
        }
        Error::InappropriateHandshakeMessage { got_type, .. } => {
            format!("the peer sent a handshake message out of turn ({got_type:?})")
        }
        Error::DecryptError => {
            "a record could not be decrypted: it was damaged or forged on its way, or the peer lost step"
                .to_owned()
        }
        Error::PeerSentOversizedRecord => "the peer sent a record longer than TLS allows".to_owned(),
        Error::NoCertificatesPresented => "the peer presented no certificate".to_owned(),
        Error::EncryptError => {
            "no more can be encrypted with this session's keys; a new connection is needed".to_owned()
        }
        Error::FailedToGetRandomBytes => "the system gives no random numbers".to_owned(),
        Error::FailedToGetCurrentTime => "the system does not know the time".to_owned(),
        Error::General(text) => text.clone(),
        other => other.to_string(),
    })
}

/// Something that rustls did not take when it was set up.
pub fn setup(error: &Error) -> Complaint {
    Complaint::new(format!("TLS cannot be set up: {error}"))
}

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
fn received(alert: Alert, server: bool) -> String {
    let (peer, ours) = if server { ("client", "server") } else { ("server", "client") };
    let meaning = match alert {
        Alert::UnknownCA => format!(
            "the {peer} does not know the CA that signed our certificate: give it that CA, and us the intermediates \
             in the certificate file"
        ),
        Alert::BadCertificate => format!("the {peer} finds our certificate damaged or not acceptable"),
        Alert::UnsupportedCertificate => {
            format!("our certificate is of the wrong kind for the {peer}, or not made for a {ours}")
        }
        Alert::CertificateExpired => {
            format!(
                "the {peer} says that our certificate has expired or is not valid yet (or its clock is wrong)"
            )
        }
        Alert::CertificateRevoked => format!("the {peer} says that our certificate has been revoked"),
        Alert::CertificateUnknown => {
            format!("the {peer} does not accept our certificate and gives no reason; its log may")
        }
        Alert::CertificateRequired => {
            format!("the {peer} wants a certificate from us: set a certificate and a key file")
        }
        Alert::AccessDenied => {
            format!(
                "the {peer} does not permit us: our certificate's names are not in its list of permitted peers"
            )
        }
        Alert::HandshakeFailure => format!(
            "the {peer} found nothing in common (TLS version, cipher, kind of our certificate), or wants a certificate \
             from us"
        ),
        Alert::ProtocolVersion => {
            format!(
                "the {peer} does not take any TLS version that we offer (ours are 1.2 and 1.3 unless narrowed)"
            )
        }
        Alert::InsufficientSecurity => format!("the {peer} wants stronger ciphers or keys than ours"),
        Alert::UnrecognisedName => format!(
            "the {peer} does not know the name that we asked for; see {}",
            if server { "the client's settings" } else { "streamDriver.remoteSNI" }
        ),
        Alert::DecryptError => format!("the {peer} could not check our signature or our key exchange"),
        Alert::BadRecordMac => {
            format!("the {peer} could not decrypt what we sent: it was damaged on its way")
        }
        Alert::DecodeError | Alert::IllegalParameter | Alert::UnexpectedMessage => {
            format!("the {peer} did not understand our TLS messages; does it speak TLS to the end?")
        }
        Alert::UserCanceled => format!("somebody at the {peer} cancelled the handshake"),
        Alert::CloseNotify => format!("the {peer} closed the connection during the handshake"),
        Alert::InternalError => format!("the {peer} failed inside; its log may say why"),
        Alert::BadCertificateStatusResponse => format!("the {peer} does not accept our stapled OCSP answer"),
        _ => format!("the {peer} ended the connection"),
    };
    format!("{meaning} (TLS alert {}, {})", u8::from(alert), name(alert))
}

/// An alert's name as the RFC writes it.
fn name(alert: Alert) -> String {
    let mut text = String::new();
    let mut after_lower = false;
    for c in format!("{alert:?}").chars() {
        if c.is_ascii_uppercase() && after_lower {
            text.push('_');
        }
        after_lower = c.is_ascii_lowercase();
        text.push(c.to_ascii_lowercase());
    }
    text
}

fn incompatible(why: &PeerIncompatible, server: bool) -> String {
    let peer = if server { "client" } else { "server" };
    let what = match why {
        PeerIncompatible::NoCipherSuitesInCommon => {
            "cipher suite in common (rustls has AES-GCM and CHACHA20-POLY1305 with ECDHE; no CBC, no RSA key exchange)"
        }
        PeerIncompatible::NoKxGroupsInCommon | PeerIncompatible::NamedGroupsExtensionRequired => {
            "key exchange group in common (rustls has X25519MLKEM768, X25519, SECP256R1, SECP384R1)"
        }
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
            "signature algorithm in common: our key is of a kind that it does not take"
        }
        PeerIncompatible::SignatureAlgorithmsExtensionRequired
        | PeerIncompatible::SupportedVersionsExtensionRequired
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig => {
            "TLS version in common (rustls has 1.2 and 1.3 unless gnutlsPriorityString narrows it)"
        }
        other => return format!("the {peer} lacks something that TLS needs here ({other:?})"),
    };
    format!("the {peer} and we have no {what}")
}

fn invalid(what: &InvalidMessage) -> String {
    let what = match what {
        InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion => {
            "what came is no TLS record".to_owned()
        }
        InvalidMessage::MessageTooLarge
        | InvalidMessage::HandshakePayloadTooLarge
        | InvalidMessage::CertificatePayloadTooLarge => "a message is longer than TLS allows".to_owned(),
        InvalidMessage::MissingData(part) | InvalidMessage::TrailingData(part) => {
            format!("a message is damaged at {part}")
        }
        other => format!("{other:?}"),
    };
    format!("the peer sent something that is not correct TLS: {what}")
}

/// Whether bytes could begin a TLS record.
fn is_tls(first: &[u8]) -> bool {
    matches!(first, [20..=24] | [20..=24, 3, ..])
}

fn not_tls(first: &[u8], server: bool) -> String {
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
