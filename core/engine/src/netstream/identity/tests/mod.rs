//! Tests of the whole room: the table of verdicts, bad settings, and bytes that are no certificates.

mod fixtures;
mod mutation;
mod revocation;
mod settings;
mod verdicts;
