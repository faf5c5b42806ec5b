//! The netstream driver `ossl`: TLS 1.2 and 1.3 as a layer over another stream, with the system's OpenSSL. Its parameters
//! and its behaviour are those of the driver `rustls`; what only OpenSSL has can be had by asking for it.
//!
//! The driver does the protocol; who the peer is and whether it may go on is the daemon's verdict, asked for from inside
//! the handshake so that a refused peer gets an alert.
#![deny(unsafe_code)]

mod context;
mod ephemeral;
mod identity;
mod policy;
#[allow(unsafe_code)]
mod raw;
mod record;
mod refuse;
mod session;
mod tickets;
mod verify;
mod words;

pub use context::Context;
pub use session::Session;
pub use sysloom_sdk::tls::{Below, Daemon, Wishes};

use std::sync::Arc;
use sysloom_sdk::{Complaint, Host, Layer, Lower, Role, StreamSettings, plugin};

/// The driver: what the sessions of one listener or one action share.
pub struct Ossl {
    context: Context,
    daemon: Arc<dyn Daemon>,
}

impl Layer for Ossl {
    const NAME: &'static str = "ossl";
    const ENCRYPTS: bool = true;
    type Session = Session<Lower>;

    fn new(role: Role, settings: &StreamSettings<'_>, host: Host) -> Result<Self, Complaint> {
        let daemon: Arc<dyn Daemon> = Arc::new(host);
        let context = Context::new(role, &Wishes::from(settings), &daemon)?;
        Ok(Self { context, daemon })
    }

    fn session(
        &self,
        lower: Lower,
        server: bool,
        server_name: &str,
        conn: u64,
    ) -> Result<Session, Complaint> {
        Session::new(&self.context, self.daemon.clone(), lower, server, server_name, conn)
    }
}

plugin! { name: "ossl", layers: [Ossl] }
