//! The one verdict on peers, for every driver: from the stream parameters to a [`Policy`], from what a peer presented
//! to a yes or a [`Refusal`] with the fitting TLS alert.

use super::params::StreamParams;
use crate::plugin::{Fault, PeerFacts, Side};
use sysloom_abi::stream_param;

/// How a peer is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    Anon,
    Fingerprint,
    CertValid,
    Name,
}

impl AuthMode {
    /// From the configuration's word, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        ALL.into_iter().find(|mode| mode.word().eq_ignore_ascii_case(word))
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Fingerprint => "x509/fingerprint",
            Self::CertValid => "x509/certvalid",
            Self::Name => "x509/name",
        }
    }
}

/// Why a peer may not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The TLS alert's number.
    pub alert: u8,
    pub text: String,
}

/// What the peers of one listener or one action must prove.
pub struct Policy {
    mode: AuthMode,
}

impl Policy {
    pub fn new(params: &StreamParams, mode: AuthMode, side: Side) -> Result<Self, Fault> {
        let _ = (params, side);
        match mode {
            AuthMode::Anon => Ok(Self { mode }),
            _ => Err(Fault {
                param: Some(stream_param::AUTH_MODE),
                code: 2086,
                text: format!("authentication mode '{}' is not there yet (only anon)", mode.word()),
            }),
        }
    }

    /// May this peer go on? `host` is what a client connects to.
    pub fn judge(&self, host: Option<&str>, peer: &PeerFacts<'_>) -> Result<(), Refusal> {
        let _ = (host, peer);
        match self.mode {
            AuthMode::Anon => Ok(()),
            mode => Err(Refusal { alert: 80, text: format!("mode {} cannot be judged", mode.word()) }),
        }
    }
}

const ALL: [AuthMode; 4] = [AuthMode::Anon, AuthMode::Fingerprint, AuthMode::CertValid, AuthMode::Name];
