//! `acmezip`: a netstream layer that compresses what it carries, as one zlib stream each way.
//!
//! `streamDriver.name="acmezip+ptcp"` compresses over plain TCP, `"acmezip+rustls"` inside TLS. Bytes leave when the
//! daemon flushes, so that what it writes in pieces is compressed as a whole. The inflater's and the deflater's memory
//! is taken by the first byte of each direction: a collector's sessions, which never write, have no deflater.
#![forbid(unsafe_code)]

mod session;

pub use session::Session;

use sysloom_sdk::{Complaint, Host, Layer, Lower, Role, StreamSettings, plugin};

/// The driver. Sessions share nothing but the counters of their listener or action.
pub struct Acmezip {
    counters: session::Counters,
}

impl Layer for Acmezip {
    const NAME: &'static str = "acmezip";
    // Compressing keeps no secret.
    const ENCRYPTS: bool = false;
    type Session = Session;

    fn new(_: Role, _: &StreamSettings<'_>, host: Host) -> Result<Self, Complaint> {
        Ok(Self { counters: session::Counters::new(host) })
    }

    fn session(&self, lower: Lower, _: bool, _: &str, _: u64) -> Result<Session, Complaint> {
        Ok(Session::new(lower, self.counters))
    }
}

plugin! { name: "acmezip", layers: [Acmezip] }
