//! What every TLS driver needs besides its library: the two neighbours of a session as traits, records on their way out,
//! certificate and key files with every complaint about them, and what peers do wrong in words. A driver's own crate
//! has the protocol alone, so that all drivers take the same files and say the same.

pub mod der;
pub mod files;
mod outbox;
pub mod pem;
mod seam;
mod wishes;
pub mod words;

pub use outbox::Outbox;
pub use seam::{Below, Daemon};
pub use wishes::{Wishes, server_name};
