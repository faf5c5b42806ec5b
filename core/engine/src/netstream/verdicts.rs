//! The register of handshakes under way: which policy and which host name judge the peer of connection number N.
//! Drivers ask by that number from inside their handshake; whoever drives the handshake makes sure that the question
//! was put, and asks it anew for a resumed session.

use super::identity::{Accepted, Policy, Refusal};
use crate::plugin::{Fault, PeerFacts, Session};
use aws_lc_rs::digest;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who judges whom.
#[derive(Default)]
pub(crate) struct Verdicts {
    open: Mutex<HashMap<u64, Case>>,
}

#[derive(Clone)]
struct Case {
    policy: Arc<Policy>,
    /// The host that a client connects to.
    host: Option<Arc<str>>,
    /// The digest of the certificates that it was passed on.
    passed: Option<[u8; 32]>,
}

impl Verdicts {
    /// A handshake begins.
    pub fn expect(&self, conn: u64, policy: &Arc<Policy>, host: Option<&str>) {
        let case = Case { policy: Arc::clone(policy), host: host.map(Arc::from), passed: None };
        self.cases().insert(conn, case);
    }

    /// The question of a driver: may this peer go on? The fault's code is the TLS alert's number.
    pub fn judge(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<Accepted, Fault> {
        let Some(case) = self.cases().get(&conn).cloned() else {
            return Err(Fault {
                param: None,
                code: INTERNAL_ERROR,
                text: format!("no handshake is under way on connection {conn}"),
            });
        };
        let accepted = case.policy.admit(case.host.as_deref(), peer).map_err(fault)?;
        if let Some(case) = self.cases().get_mut(&conn) {
            case.passed = Some(digest_of(&peer.chain));
        }
        Ok(accepted)
    }

    /// The handshake is over: a resumed session is judged again, and so is one whose driver never asked. Of any other
    /// the driver must report the same certificates that were judged.
    pub fn after(&self, conn: u64, session: &mut Session) -> Result<(), Fault> {
        let Some(case) = self.cases().get(&conn).cloned() else { return Ok(()) };
        let judged = session.with_peer(|peer| {
            if let Some(judged) = case.passed
                && !peer.resumed
            {
                return match judged == digest_of(&peer.chain) {
                    true => Ok(()),
                    false => Err(internal("the driver reports other certificates than it had judged")),
                };
            }
            case.policy.admit(case.host.as_deref(), peer).map_err(fault).map(drop)
        });
        match judged {
            Some(verdict) => verdict,
            None if case.passed.is_some() => Ok(()),
            None => Err(internal("the driver tells nothing of the peer, so nobody can judge it")),
        }
    }

    pub fn forget(&self, conn: u64) {
        self.cases().remove(&conn);
    }

    fn cases(&self) -> MutexGuard<'_, HashMap<u64, Case>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One digest of all certificates in their order.
fn digest_of(chain: &[&[u8]]) -> [u8; 32] {
    let mut all = digest::Context::new(&digest::SHA256);
    for der in chain {
        all.update(&der.len().to_le_bytes());
        all.update(der);
    }
    let mut out = [0; 32];
    out.copy_from_slice(all.finish().as_ref());
    out
}

fn internal(text: &str) -> Fault {
    Fault { param: None, code: INTERNAL_ERROR, text: text.to_owned() }
}

fn fault(refusal: Refusal) -> Fault {
    Fault { param: None, code: i32::from(refusal.alert), text: refusal.text }
}

/// The TLS alert for what is nobody's fault but ours.
const INTERNAL_ERROR: i32 = 80;
