//! The register of handshakes under way: which policy and which host name judge the peer of connection number N.
//! Drivers ask by that number from inside their handshake; whoever drives the handshake makes sure that the question
//! was put, and asks it anew for a resumed session.

use super::identity::{Accepted, Policy, Refusal};
use crate::plugin::{Fault, PeerFacts, Session};
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
    passed: bool,
}

impl Verdicts {
    /// A handshake begins.
    pub fn expect(&self, conn: u64, policy: &Arc<Policy>, host: Option<&str>) {
        let case = Case { policy: Arc::clone(policy), host: host.map(Arc::from), passed: false };
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
            case.passed = true;
        }
        Ok(accepted)
    }

    /// The handshake is over: a resumed session is judged again, and so is one whose driver never asked.
    pub fn after(&self, conn: u64, session: &mut Session) -> Result<(), Fault> {
        let Some(case) = self.cases().get(&conn).cloned() else { return Ok(()) };
        let judged = session.with_peer(|peer| {
            if case.passed && !peer.resumed {
                return Ok(());
            }
            case.policy.admit(case.host.as_deref(), peer).map_err(fault).map(drop)
        });
        match judged {
            Some(verdict) => verdict,
            None if case.passed => Ok(()),
            None => Err(Fault {
                param: None,
                code: INTERNAL_ERROR,
                text: "the driver tells nothing of the peer, so nobody can judge it".to_owned(),
            }),
        }
    }

    pub fn forget(&self, conn: u64) {
        self.cases().remove(&conn);
    }

    fn cases(&self) -> MutexGuard<'_, HashMap<u64, Case>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fault(refusal: Refusal) -> Fault {
    Fault { param: None, code: i32::from(refusal.alert), text: refusal.text }
}

/// The TLS alert for what is nobody's fault but ours.
const INTERNAL_ERROR: i32 = 80;
