//! Certificates in words: what stands in messages about them, always one line.

use super::certificate::{Certificate, attributes, string};
use super::der::dotted;
use super::fingerprint::{Fingerprint, Hash};
use super::names::{Presented, presented, printable};

/// `"CN=host7,O=Acme" (names host7.example.net, 10.0.0.7; fingerprint SHA256:AA:..)`
pub fn certificate(certificate: &Certificate<'_>) -> String {
    let names = presented(certificate, false);
    let names =
        if names.is_empty() { "no subjectAltName".to_owned() } else { format!("names {}", list(&names)) };
    let fingerprint = Fingerprint::of(Hash::Sha256, certificate.der);
    format!("{} ({names}; fingerprint {fingerprint})", subject(certificate.subject))
}

/// A distinguished name, its most specific part first as in RFC 4514, in quotes.
pub fn subject(name: &[u8]) -> String {
    let mut parts: Vec<String> = attributes(name)
        .map(|(oid, value)| {
            let text = string(value).map_or_else(|| "?".to_owned(), |text| printable(&text));
            format!("{}={}", attribute(oid), shortened(text))
        })
        .collect();
    if parts.is_empty() {
        return "an empty subject".to_owned();
    }
    parts.reverse();
    let more = parts.len().saturating_sub(MAX_PARTS);
    parts.truncate(MAX_PARTS);
    let more = if more > 0 { format!(" and {more} more parts") } else { String::new() };
    format!("\"{}\"{more}", parts.join(","))
}

/// The first of them, and how many there are.
pub fn list(names: &[Presented]) -> String {
    some(names.iter().map(|name| name.text.as_str()), names.len())
}

/// The first of them, and how many there are.
pub fn some<'a>(texts: impl Iterator<Item = &'a str>, count: usize) -> String {
    let shown: Vec<String> = texts.take(MAX_NAMES).map(|text| shortened(text.to_owned())).collect();
    let more = count.saturating_sub(MAX_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn attribute(oid: &[u8]) -> String {
    let name = match oid {
        [0x55, 4, 3] => "CN",
        [0x55, 4, 5] => "serialNumber",
        [0x55, 4, 6] => "C",
        [0x55, 4, 7] => "L",
        [0x55, 4, 8] => "ST",
        [0x55, 4, 10] => "O",
        [0x55, 4, 11] => "OU",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25] => "DC",
        [0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1] => "UID",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1] => "emailAddress",
        _ => return dotted(oid),
    };
    name.to_owned()
}

const MAX_NAMES: usize = 8;
const MAX_PARTS: usize = 10;
const MAX_CHARS: usize = 100;
