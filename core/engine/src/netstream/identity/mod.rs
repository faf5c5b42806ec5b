//! The one verdict on peers, for every driver: from the stream parameters to a [`Policy`], from what a peer presented
//! to [`Accepted`] or a [`Refusal`] with the fitting TLS alert. README.md tells the policy and where it comes from.
//!
//! `policy` decides, in this order: is there a certificate (`certificate` reads it, with `der` and `moment`), does a
//! path lead from it to what is trusted (`path`, on the files that `trust` has read), and is its owner among those who
//! are permitted (`names`, `fingerprint`). `answers` keeps what OCSP responders say, read by `ocsp`. `show` writes it down for people. `streams` is the door to netstream; nothing
//! else in here knows the rest of the engine.

mod alert;
mod answers;
mod certificate;
mod der;
mod fingerprint;
mod moment;
mod names;
mod ocsp;
mod path;
mod policy;
mod show;
mod streams;
mod trust;

#[cfg(test)]
mod tests;

pub use policy::{
    Accepted, AuthMode, PeerView, PermitExpired, Policy, PolicyFault, PolicySettings, Refusal, Revocation,
};
