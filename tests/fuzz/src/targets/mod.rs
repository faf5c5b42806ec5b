//! What is fuzzed, a file for each.

pub mod config;
pub mod framing;
pub mod rfc3164;
pub mod rfc5424;

/// The `< ` lines of a case file; their escapes are as good as any other text.
fn received(file: &str) -> Vec<Vec<u8>> {
    file.lines().filter_map(|line| line.strip_prefix("< ")).map(|line| line.as_bytes().to_vec()).collect()
}
