//! The stream parameters of one listener or action: from the configuration's values to netstream's.

use crate::netstream::{Expired, HANDSHAKE_LIMIT, RevocationCheck, StreamParams};
use std::time::Duration;
use sysloom_config::Span;
use sysloom_config::plan::{Value, Values};

/// Values that nobody set stay netstream's defaults.
pub fn params(values: &Values, globals: &Values) -> StreamParams {
    let text = |name| values.str(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let on = |name| values.bool(name).unwrap_or(false);
    let positive = |name| values.int(name).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
    let seconds = |name| positive(name).map(|n| Duration::from_secs(n.into()));
    StreamParams {
        driver: text("streamDriver.name"),
        mode: values.int("streamDriver.mode").unwrap_or(0),
        auth_mode: text("streamDriver.authMode"),
        permitted_peers: permitted_peers(values),
        ca_file: text("streamDriver.caFile"),
        ca_extra_files: text("streamDriver.caExtraFiles"),
        crl_file: text("streamDriver.crlFile"),
        cert_file: text("streamDriver.certFile"),
        key_file: text("streamDriver.keyFile"),
        key_pass_file: text("streamDriver.keyPassFile"),
        priority: text("gnutlsPriorityString"),
        permit_expired: match values.str("streamDriver.permitExpiredCerts") {
            Some(word) if word.eq_ignore_ascii_case("on") => Expired::On,
            Some(word) if word.eq_ignore_ascii_case("warn") => Expired::Warn,
            _ => Expired::Off,
        },
        revocation: match values.str("streamDriver.tlsRevocationCheck") {
            Some(word) if word.eq_ignore_ascii_case("strict") => RevocationCheck::Strict,
            Some(word) if word.eq_ignore_ascii_case("on") || word.eq_ignore_ascii_case("yes") => {
                RevocationCheck::On
            }
            _ => RevocationCheck::Off,
        },
        check_purpose: on("streamDriver.checkExtendedKeyPurpose"),
        prioritize_san: on("streamDriver.prioritizeSAN"),
        verify_depth: positive("streamDriver.tlsVerifyDepth"),
        handshake_limit: seconds("streamDriver.handshakeTimeout").unwrap_or(HANDSHAKE_LIMIT),
        idle_limit: seconds("streamDriver.idleTimeout"),
        max_per_source: positive("streamDriver.maxSessionsPerSource"),
        remote_sni: text("streamDriver.remoteSNI"),
        family: match globals.str("net.ipprotocol") {
            Some(word) if word.eq_ignore_ascii_case("ipv4-only") => 4,
            Some(word) if word.eq_ignore_ascii_case("ipv6-only") => 6,
            _ => 0,
        },
    }
}

/// rsyslog: a list of imtcp's, one text with commas of omfwd's.
fn permitted_peers(values: &Values) -> Vec<String> {
    let listed = values.list("permittedPeer").iter().flat_map(|entry| entry.split(','));
    listed.map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Where the stream parameters of a listener or action were set, for complaints about them.
#[derive(Debug)]
pub struct Places {
    /// Texts and their places.
    values: Vec<(String, Span)>,
    /// The object's own.
    at: Span,
}

/// The places of values, the global ones too.
pub fn places(values: &Values, at: Span) -> Places {
    let mut places = Places { values: Vec::new(), at };
    for setting in values.settings().iter().flatten().filter(|setting| !setting.span.is_none()) {
        match &setting.value {
            Value::Str(text) => places.values.push((text.clone(), setting.span)),
            Value::List(list) => places.values.extend(list.iter().map(|text| (text.clone(), setting.span))),
            _ => {}
        }
    }
    places
}

impl Default for Places {
    fn default() -> Self {
        Self { values: Vec::new(), at: Span::NONE }
    }
}

impl Places {
    /// The place of the value that a complaint names first, in quotation marks; or of the object.
    pub fn of(&self, complaint: &str) -> Span {
        let named = self.values.iter().filter(|(text, _)| !text.is_empty()).filter_map(|(text, span)| {
            let at = complaint.find(&format!("'{text}'"))?;
            Some((at, *span))
        });
        named.min_by_key(|(at, _)| *at).map_or(self.at, |(_, span)| span)
    }
}
