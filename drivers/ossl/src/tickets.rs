//! Resumption. A server keeps nothing: its tickets hold the chain that the client showed, and a client whose chain the
//! daemon no longer accepts has its ticket ignored, so that it is judged in a whole handshake. A client keeps the sessions
//! of a few servers, and offers one only if the daemon still accepts the chain that came with it.

use crate::{raw, verify};
use openssl::ssl::{SslRef, SslSession, SslVersion};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// What a client may resume, the newest last, by the server's name or address.
#[derive(Default)]
pub struct Sessions(Mutex<VecDeque<(Box<str>, SslSession)>>);

impl Sessions {
    pub fn keep(&self, server: &str, session: SslSession) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One more ticket of TLS 1.3 is one more connection; those of 1.2 replace each other.
        if session.protocol_version() != SslVersion::TLS1_3 {
            all.retain(|(name, _)| **name != *server);
        }
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back((server.into(), session));
    }

    /// A session of this server.
    pub fn take(&self, server: &str) -> Option<SslSession> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().rposition(|(name, _)| **name == *server)?;
        // RFC 8446 C.4: a ticket that is used twice shows that both connections are one client's.
        match all.get(at)?.1.protocol_version() {
            SslVersion::TLS1_3 => all.remove(at).map(|(_, session)| session),
            _ => all.get(at).map(|(_, session)| session.clone()),
        }
    }
}

/// Offers a session to the server, unless the daemon refuses the chain that came with it.
pub fn offer(ssl: &SslRef, session: &SslSession) {
    if raw::set_session(ssl, Some(session)).is_err() {
        return;
    }
    let chain =
        ssl.peer_cert_chain().map(|chain| chain.iter().map(|c| c.to_der()).collect::<Result<Vec<_>, _>>());
    let accepted = chain.transpose().is_ok_and(|chain| verify::resumes(ssl, chain.unwrap_or_default()));
    if !accepted {
        let _ = raw::set_session(ssl, None);
    }
}

/// What a ticket holds beside the session.
pub fn pack(chain: &[Vec<u8>]) -> Vec<u8> {
    let sized = |der: &Vec<u8>| {
        [&u32::try_from(der.len()).unwrap_or_default().to_be_bytes(), der.as_slice()].concat()
    };
    chain.iter().flat_map(sized).collect()
}

/// The chain in a ticket; `None` = it is not of our making.
pub fn unpack(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut chain = Vec::new();
    while !bytes.is_empty() {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (der, rest) = rest.split_at_checked(u32::from_be_bytes(*len).try_into().ok()?)?;
        chain.push(der.to_vec());
        bytes = rest;
    }
    Some(chain)
}

/// Sessions that are kept; an action has one server or a small pool.
const MOST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_comes_out_as_it_went_in() {
        for chain in [vec![], vec![vec![1, 2, 3]], vec![vec![0; 300], vec![], vec![7]]] {
            assert_eq!(unpack(&pack(&chain)), Some(chain));
        }
        for bad in [&[0][..], &[0, 0, 0, 2, 1], &[0, 0, 0, 0, 9], &[255, 255, 255, 255, 1]] {
            assert_eq!(unpack(bad), None);
        }
    }
}
