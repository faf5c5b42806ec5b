//! rustls' errors in words for an administrator: what the peer did, or which alert it sent and what that means here.

use rustls::{Error, InvalidMessage, PeerIncompatible};
use sysloom_sdk::Complaint;
use sysloom_sdk::tls::words::{is_tls, not_tls, received};

/// Why a session failed. `first` is what the peer sent first, if nothing of it was understood.
pub fn failure(error: &Error, server: bool, first: Option<&[u8]>) -> Complaint {
    if let (Error::InvalidMessage(_), Some(first)) = (error, first)
        && !is_tls(first)
    {
        return Complaint::new(not_tls(first, server));
    }
    Complaint::new(match error {
        Error::AlertReceived(alert) => received(u8::from(*alert), server),
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
