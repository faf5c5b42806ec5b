//! The host's verdict as bodies want it: what drivers ask is kept, and the answer is whatever the body has set.

use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use sysloom_engine::netstream::Net;
use sysloom_engine::plugin::{Fault, PeerFacts};

/// What a driver has told of a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub conn: u64,
    pub chain: Vec<Vec<u8>>,
    pub server_name: String,
    pub resumed: bool,
    pub server: bool,
    pub protocol: String,
    pub cipher: String,
}

/// Who judges.
#[derive(Default)]
pub struct Judge {
    asked: Mutex<Vec<Told>>,
    /// The alert of a refusal; `None` = nobody is refused.
    refuse: Mutex<Option<i32>>,
    /// The engine's own judgement, for lines about the whole stream.
    pub net: OnceLock<Arc<Net>>,
}

impl Judge {
    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<Told> {
        std::mem::take(&mut *lock(&self.asked))
    }

    pub fn refuse(&self, alert: Option<i32>) {
        *lock(&self.refuse) = alert;
    }

    pub fn verdict(&self, conn: u64, peer: &PeerFacts<'_>) -> Result<(), Fault> {
        if let Some(net) = self.net.get() {
            return net.verdict(conn, peer);
        }
        lock(&self.asked).push(Told::of(conn, peer));
        match *lock(&self.refuse) {
            Some(alert) => Err(Fault::new("the judge refuses everybody").code(alert)),
            None => Ok(()),
        }
    }
}

impl Told {
    pub fn of(conn: u64, peer: &PeerFacts<'_>) -> Self {
        Self {
            conn,
            chain: peer.chain.iter().map(|der| der.to_vec()).collect(),
            server_name: peer.server_name.to_owned(),
            resumed: peer.resumed,
            server: peer.server,
            protocol: peer.protocol.to_owned(),
            cipher: peer.cipher.to_owned(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
