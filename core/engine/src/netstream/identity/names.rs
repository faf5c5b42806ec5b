//! Who may be at the other end: permitted peers as configured, the names that a certificate presents, and whether one
//! fits the other. All comparing is done on lower-case labels with internationalized ones as A-labels.

use super::certificate::{AltName, Certificate, address};
use super::fingerprint::{Fingerprint, FingerprintFault};
use std::net::IpAddr;
use thiserror::Error;

/// An entry of the permitted peers, or the host that a client connects to.
#[derive(Clone, Debug)]
pub struct Permitted {
    /// As configured.
    pub text: String,
    wanted: Wanted,
}

#[derive(Clone, Debug)]
enum Wanted {
    Fingerprint(Fingerprint),
    Address(IpAddr),
    Name(Vec<Label>),
}

/// A label of a permitted name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Label {
    Exact(String),
    Any,
    /// `web*`
    Begins(String),
    /// `*web`
    Ends(String),
}

/// A permitted peer that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameFault {
    #[error("it looks like a fingerprint, but {0}")]
    Fingerprint(#[from] FingerprintFault),
    #[error(
        "a '*' stands for the beginning or the end of a label or for a whole one, so '{0}' has no meaning"
    )]
    Wildcard(String),
    #[error("it is no valid internationalized name")]
    Idn,
}

/// A name in a peer's certificate.
#[derive(Clone, Debug)]
pub struct Presented {
    /// For people; what is not printable is escaped.
    pub text: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// A DNS name, by its labels. `wildcard` = the first one is `*` and stands for any.
    Dns {
        labels: Vec<String>,
        wildcard: bool,
        address: Option<IpAddr>,
    },
    Address {
        address: IpAddr,
        labels: Vec<String>,
    },
    /// Shown, but never compared: octets that no name has.
    Unusable,
}

impl Permitted {
    /// Reads an entry of the permitted peers.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let permitted = |wanted| Self { text: text.to_owned(), wanted };
        if let Some(fingerprint) = Fingerprint::parse(text) {
            return Ok(permitted(Wanted::Fingerprint(fingerprint?)));
        }
        if let Some(address) = literal(text) {
            return Ok(permitted(Wanted::Address(address)));
        }
        // RFC 5425 5.2: internationalized names are compared in their ASCII form.
        let ascii =
            if text.contains('*') { text.to_owned() } else { a_labels(text).ok_or(NameFault::Idn)? };
        let labels: Result<_, _> = without_root(&ascii).split('.').map(Label::parse).collect();
        Ok(permitted(Wanted::Name(labels?)))
    }

    /// The host that a client connects to: a name or an address and never a pattern.
    pub fn host(text: &str) -> Result<Self, NameFault> {
        let wanted = match literal(text) {
            Some(address) => Wanted::Address(address),
            None => {
                let ascii = a_labels(text).ok_or(NameFault::Idn)?;
                let exact = |label: &str| Label::Exact(label.to_ascii_lowercase());
                Wanted::Name(without_root(&ascii).split('.').map(exact).collect())
            }
        };
        Ok(Self { text: text.to_owned(), wanted })
    }

    pub fn is_fingerprint(&self) -> bool {
        matches!(self.wanted, Wanted::Fingerprint(_))
    }

    /// Whether this is the fingerprint of that certificate.
    pub fn is_fingerprint_of(&self, der: &[u8]) -> bool {
        matches!(&self.wanted, Wanted::Fingerprint(fingerprint) if fingerprint.is_of(der))
    }

    /// Whether a name in a certificate is what is wanted.
    pub fn fits(&self, presented: &Presented) -> bool {
        match (&self.wanted, &presented.kind) {
            // RFC 5425 5.2: addresses are compared as octets. The seed's advice, an address written into dNSName (and
            // so into CN), is compared as the address that it means.
            (Wanted::Address(wanted), Kind::Address { address, .. }) => {
                canonical(*wanted) == canonical(*address)
            }
            (Wanted::Address(wanted), Kind::Dns { address, .. }) => {
                address.is_some_and(|address| canonical(*wanted) == canonical(address))
            }
            (Wanted::Name(wanted), Kind::Dns { labels, wildcard, .. }) => fit(wanted, labels, *wildcard),
            // rsyslog: an iPAddress is compared as text too, so that `10.0.0.*` permits a network.
            (Wanted::Name(wanted), Kind::Address { labels, .. }) => fit(wanted, labels, false),
            _ => false,
        }
    }
}

/// The names by which a certificate's owner may be known. `use_cn` = its common name too.
pub fn presented(certificate: &Certificate<'_>, use_cn: bool) -> Vec<Presented> {
    let mut all: Vec<Presented> =
        certificate.names.iter().flatten().filter_map(Presented::alt_name).collect();
    if use_cn && let Some(name) = certificate.common_name() {
        all.push(Presented { text: format!("CN={}", printable(&name)), kind: Kind::dns(&name) });
    }
    all
}

/// Whether the certificate says in subjectAltName what its owner's name is.
pub fn has_alt_name(certificate: &Certificate<'_>) -> bool {
    certificate.names.iter().flatten().any(|name| !matches!(name, AltName::Other(_)))
}

/// One line, whatever is in it.
pub fn printable(text: &str) -> String {
    let plain = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    text.chars().map(|c| if plain(c) { c.to_string() } else { c.escape_default().to_string() }).collect()
}

impl Presented {
    fn alt_name(name: &AltName<'_>) -> Option<Self> {
        match *name {
            AltName::Dns(octets) => {
                // RFC 5280 4.2.1.6: dNSName is an IA5String, and internationalized names stand in it as A-labels.
                let text = std::str::from_utf8(octets).ok().filter(|text| text.is_ascii());
                let kind = text.map_or(Kind::Unusable, Kind::dns);
                Some(Self { text: printable(&String::from_utf8_lossy(octets)), kind })
            }
            AltName::Address(octets) => Some(match address(octets) {
                Some(address) => {
                    let text = address.to_string();
                    let labels = text.split('.').map(str::to_owned).collect();
                    Self { text, kind: Kind::Address { address, labels } }
                }
                None => {
                    Self { text: format!("an iPAddress of {} octets", octets.len()), kind: Kind::Unusable }
                }
            }),
            AltName::Other(_) => None,
        }
    }
}

impl Kind {
    fn dns(text: &str) -> Self {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Self::Unusable;
        }
        let Some(ascii) = a_labels(text) else { return Self::Unusable };
        let labels: Vec<String> = without_root(&ascii).split('.').map(str::to_ascii_lowercase).collect();
        // RFC 5425 5.2: `*` is a wildcard as the leftmost label only. One that stands alone would be everybody.
        let wildcard = labels.len() > 1 && labels.first().is_some_and(|label| label == "*");
        Self::Dns { labels, wildcard, address: literal(text) }
    }
}

impl Label {
    fn parse(text: &str) -> Result<Self, NameFault> {
        let part = |text: &str| {
            let whole = !text.contains('*') && text.is_ascii();
            if whole { Ok(text.to_ascii_lowercase()) } else { Err(NameFault::Wildcard(printable(text))) }
        };
        match (text.strip_prefix('*'), text.strip_suffix('*')) {
            (Some(""), _) => Ok(Self::Any),
            (Some(end), None) => part(end).map(Self::Ends),
            (None, Some(beginning)) => part(beginning).map(Self::Begins),
            (Some(_), Some(_)) => Err(NameFault::Wildcard(printable(text))),
            (None, None) => {
                let ascii = a_labels(text).ok_or(NameFault::Idn)?;
                part(&ascii).map(Self::Exact)
            }
        }
    }

    fn fits(&self, label: &str) -> bool {
        // A part of an A-label's code means nothing: `xn*` is not a wish for all internationalized names.
        let readable = !label.starts_with("xn--");
        match self {
            Self::Exact(wanted) => wanted == label,
            Self::Any => true,
            Self::Begins(wanted) => readable && label.starts_with(wanted.as_str()),
            Self::Ends(wanted) => readable && label.ends_with(wanted.as_str()),
        }
    }
}

/// Label by label; as many on both sides.
fn fit(wanted: &[Label], labels: &[String], wildcard: bool) -> bool {
    let fits = |(i, (wanted, label)): (usize, (&Label, &String))| match wanted {
        // RFC 5425 5.2: the certificate's `*` is any one label, and a label is not empty.
        Label::Exact(name) if wildcard && i == 0 => !name.is_empty(),
        Label::Any => true,
        // The wildcard is for more names than the pattern permits.
        _ if wildcard && i == 0 => false,
        _ => wanted.fits(label),
    };
    wanted.len() == labels.len() && wanted.iter().zip(labels).enumerate().all(fits)
}

/// An address, also in the brackets that URLs have.
fn literal(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    inner.unwrap_or(text).parse().ok()
}

/// The IPv4 address that an IPv6 one may carry is the same peer.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// What is ASCII already stays as it is: names that DNS would not take are permitted peers as well (`My Host`).
fn a_labels(text: &str) -> Option<String> {
    if text.is_ascii() {
        return Some(text.to_owned());
    }
    idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY).ok().map(|name| name.into_owned())
}
