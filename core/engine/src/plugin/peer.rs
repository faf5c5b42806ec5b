//! What a peer presented and proved, as drivers report it and verdicts judge it.

use super::raw::{bytes, slice};
use sysloom_abi as abi;

/// What the peer presented and proved.
#[derive(Clone, Debug, Default)]
pub struct PeerFacts<'a> {
    /// DER certificates as received, its own first; empty = none was presented.
    pub chain: Vec<&'a [u8]>,
    /// A stapled OCSP answer.
    pub staple: &'a [u8],
    /// The server name that the client asked for.
    pub server_name: &'a str,
    pub resumed: bool,
    /// We are the server of this session.
    pub server: bool,
    pub protocol: &'a str,
    pub cipher: &'a str,
    pub group: &'a str,
}

impl<'a> PeerFacts<'a> {
    /// # Safety
    /// `raw` was filled by the other side, and what it points at is valid as long as `'a`.
    pub(super) unsafe fn from_abi(raw: &abi::Peer) -> PeerFacts<'a> {
        // SAFETY: the caller's promise.
        unsafe {
            let text = |b| std::str::from_utf8(bytes(b)).unwrap_or_default();
            PeerFacts {
                // A number above is garbage, and what it counts is not there.
                chain: slice(raw.chain, if raw.n_chain > MOST_CERTIFICATES { 0 } else { raw.n_chain })
                    .iter()
                    .map(|c| bytes(*c))
                    .collect(),
                staple: bytes(raw.staple),
                server_name: text(raw.server_name),
                resumed: raw.resumed != 0,
                server: raw.server != 0,
                protocol: text(raw.protocol),
                cipher: text(raw.cipher),
                group: text(raw.group),
            }
        }
    }
}

/// No peer has more certificates: a handshake message is not that long.
const MOST_CERTIFICATES: usize = 4096;
