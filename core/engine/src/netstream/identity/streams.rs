//! The door from netstream: a policy from a listener's or an action's stream parameters, and its verdict on what a
//! driver says of a peer.

use super::super::params::{Expired, RevocationCheck, StreamParams};
use super::{
    Accepted, AuthMode, PeerView, PermitExpired, Policy, PolicyFault, PolicySettings, Refusal, Revocation,
};
use crate::plugin::{Fault, PeerFacts, Side};
use std::time::{SystemTime, UNIX_EPOCH};
use sysloom_abi::stream_param;

impl Policy {
    /// Reads the files and the permitted peers. `mode` has precedence over the parameters' own.
    pub fn of_stream(params: &StreamParams, mode: AuthMode, side: Side) -> Result<Self, Fault> {
        let settings = PolicySettings {
            auth_mode: Some(mode.word()),
            permitted_peers: &params.permitted_peers,
            ca_file: params.ca_file.as_deref(),
            ca_extra_files: params.ca_extra_files.as_deref(),
            crl_file: params.crl_file.as_deref(),
            permit_expired: match params.permit_expired {
                Expired::Off => PermitExpired::Off,
                Expired::On => PermitExpired::On,
                Expired::Warn => PermitExpired::Warn,
            },
            revocation: match params.revocation {
                RevocationCheck::Off => Revocation::Off,
                RevocationCheck::On => Revocation::On,
                RevocationCheck::Strict => Revocation::Strict,
            },
            check_eku: params.check_purpose,
            prioritize_san: params.prioritize_san,
            verify_depth: params.verify_depth,
            server: side == Side::Server,
            connect_host: None,
        };
        Self::new(&settings).map_err(fault)
    }

    /// May this peer go on, now? `host` is what a client connects to.
    pub fn admit(&self, host: Option<&str>, peer: &PeerFacts<'_>) -> Result<Accepted, Refusal> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.judge(&PeerView { chain: &peer.chain, staple: peer.staple, host, resumed: peer.resumed }, now)
    }
}

/// In rsyslog's codes: CA missing, CRL invalid, value not supported.
fn fault(fault: PolicyFault) -> Fault {
    let (param, code) = match fault.param {
        PolicyFault::CA_FILE => (Some(stream_param::CA_FILE), 2329),
        PolicyFault::CA_EXTRA_FILES => (Some(stream_param::CA_EXTRA_FILES), 2329),
        PolicyFault::CRL_FILE => (Some(stream_param::CRL_FILE), 2333),
        PolicyFault::AUTH_MODE => (Some(stream_param::AUTH_MODE), 2086),
        _ => (None, 2086),
    };
    Fault { param, code, text: fault.to_string() }
}
