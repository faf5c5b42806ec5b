//! A certificate read for judging and for showing: names, validity, extensions, and the parts that a signature covers.
//! `path` has rustls-webpki read it once more for path validation; what is read here decides names, and all where
//! webpki has no say (fingerprints, X.509 v1). Nothing in a certificate can make it panic.

use super::der::{self, NotDer, Reader, Value, context, implicit};
use super::moment;
use std::borrow::Cow;
use std::net::IpAddr;

/// A certificate; everything is borrowed from its DER.
#[derive(Clone, Debug)]
pub struct Certificate<'a> {
    pub der: &'a [u8],
    /// 1, 2 or 3.
    pub version: u8,
    /// The integer's octets.
    pub serial: &'a [u8],
    /// The contents of the issuer's name, comparable with another certificate's `subject`.
    pub issuer: &'a [u8],
    pub subject: &'a [u8],
    /// The subject with its tag, as a responder's question has it.
    pub name: &'a [u8],
    pub not_before: i64,
    pub not_after: i64,
    /// subjectPublicKeyInfo, with its tag.
    pub key: &'a [u8],
    /// What the signature covers.
    pub signed: &'a [u8],
    /// The contents of the signature's AlgorithmIdentifier.
    pub algorithm: &'a [u8],
    pub signature: &'a [u8],
    /// basicConstraints: CA or not, and pathLenConstraint.
    pub basic: Option<Basic>,
    /// keyUsage: whether keyCertSign is among it.
    pub may_sign: Option<bool>,
    /// extKeyUsage: the purposes' object identifiers.
    pub purposes: Option<Vec<&'a [u8]>>,
    pub names: Option<Vec<AltName<'a>>>,
    pub has_name_constraints: bool,
    /// Where the issuer answers whether it is revoked (authorityInfoAccess): the first responder that HTTP reaches.
    pub responder: Option<&'a str>,
    /// A critical extension that nobody here knows.
    pub unknown_critical: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basic {
    pub is_ca: bool,
    pub path_len: Option<usize>,
}

/// One of subjectAltName's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AltName<'a> {
    Dns(&'a [u8]),
    /// Four or sixteen octets, if the issuer knew what he did.
    Address(&'a [u8]),
    /// A URI or a mail address.
    Other(&'a [u8]),
}

impl<'a> Certificate<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, NotDer> {
        let mut outer = Reader::new(der::whole(bytes, der::SEQUENCE)?.contents);
        let tbs = outer.take(der::SEQUENCE)?;
        let algorithm = outer.take(der::SEQUENCE)?.contents;
        let signature = bits(outer.take(der::BIT_STRING)?.contents)?;
        outer.end()?;

        let mut fields = Reader::new(tbs.contents);
        let version = match fields.optional(context(0))? {
            None => 1,
            Some(explicit) => match der::whole(explicit.contents, der::INTEGER)?.contents {
                [number @ 0..=2] => number + 1,
                _ => return Err(NotDer),
            },
        };
        let serial = fields.take(der::INTEGER)?.contents;
        if fields.take(der::SEQUENCE)?.contents != algorithm {
            return Err(NotDer);
        }
        let issuer = fields.take(der::SEQUENCE)?.contents;
        let mut validity = fields.inside(der::SEQUENCE)?;
        let (not_before, not_after) = (moment::read(validity.any()?)?, moment::read(validity.any()?)?);
        validity.end()?;
        let Value { contents: subject, whole: name, .. } = fields.take(der::SEQUENCE)?;
        let key = fields.take(der::SEQUENCE)?.whole;
        // issuerUniqueID and subjectUniqueID, which nobody uses.
        fields.optional(implicit(1))?;
        fields.optional(implicit(2))?;

        let mut certificate = Self {
            der: bytes,
            version,
            serial,
            issuer,
            subject,
            name,
            not_before,
            not_after,
            key,
            signed: tbs.whole,
            algorithm,
            signature,
            basic: None,
            may_sign: None,
            purposes: None,
            names: None,
            has_name_constraints: false,
            responder: None,
            unknown_critical: None,
        };
        if let Some(tagged) = fields.optional(context(3))? {
            let mut extensions = Reader::new(der::whole(tagged.contents, der::SEQUENCE)?.contents);
            let mut seen = Vec::new();
            while !extensions.is_empty() {
                let (oid, critical, value) = extension(extensions.inside(der::SEQUENCE)?)?;
                // RFC 5280 4.2: a certificate has no two instances of an extension.
                if seen.contains(&oid) {
                    return Err(NotDer);
                }
                seen.push(oid);
                certificate.remember(oid, critical, value)?;
            }
        }
        fields.end()?;
        Ok(certificate)
    }

    pub fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Whether other certificates may be judged by this one if the administrator trusts it.
    pub fn is_issuer(&self) -> bool {
        match (self.version, self.basic) {
            _ if self.may_sign == Some(false) => false,
            (_, Some(basic)) => basic.is_ca,
            // X.509 v1 knows no basicConstraints: CAs of the first days are recognised by their own signature.
            (1, None) => self.is_self_issued(),
            (_, None) => false,
        }
    }

    /// Whether extKeyUsage, where there is one, allows this purpose.
    pub fn serves(&self, purpose: &[u8]) -> bool {
        self.purposes.as_ref().is_none_or(|all| all.iter().any(|p| *p == purpose || *p == ANY_PURPOSE))
    }

    /// The subject's common name. None if it has none or several: which of them would be meant?
    pub fn common_name(&self) -> Option<Cow<'a, str>> {
        let mut names = attributes(self.subject).filter(|(oid, _)| *oid == COMMON_NAME);
        let (_, value) = names.next()?;
        if names.next().is_some() {
            return None;
        }
        string(value)
    }

    fn remember(&mut self, oid: &'a [u8], critical: bool, value: &'a [u8]) -> Result<(), NotDer> {
        match oid {
            BASIC_CONSTRAINTS => self.basic = Some(basic(value)?),
            KEY_USAGE => {
                let bits = der::whole(value, der::BIT_STRING)?.contents;
                self.may_sign = Some(bits.get(1).is_some_and(|octet| octet & KEY_CERT_SIGN != 0));
            }
            EXT_KEY_USAGE => {
                let mut list = Reader::new(der::whole(value, der::SEQUENCE)?.contents);
                let mut purposes = Vec::new();
                while !list.is_empty() {
                    purposes.push(list.take(der::OID)?.contents);
                }
                self.purposes = Some(purposes);
            }
            SUBJECT_ALT_NAME => self.names = Some(alt_names(value)?),
            NAME_CONSTRAINTS => self.has_name_constraints = true,
            INFO_ACCESS => self.responder = responder(value)?,
            // rustls-webpki reads them; here they are known, and that is all that matters.
            CRL_DISTRIBUTION_POINTS => {}
            _ if critical && self.unknown_critical.is_none() => self.unknown_critical = Some(oid),
            _ => {}
        }
        Ok(())
    }
}

/// A name's attributes, in the certificate's order. Stops where the name is no DER.
pub fn attributes(name: &[u8]) -> impl Iterator<Item = (&[u8], Value<'_>)> {
    let mut sets = Reader::new(name);
    let mut set = Reader::new(&[]);
    std::iter::from_fn(move || {
        while set.is_empty() {
            set = sets.inside(der::SET).ok()?;
        }
        let mut pair = set.inside(der::SEQUENCE).ok()?;
        Some((pair.take(der::OID).ok()?.contents, pair.any().ok()?))
    })
}

/// A directory string as text. None if its type or its bytes are not text.
pub fn string(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value.tag {
        UTF8_STRING => std::str::from_utf8(value.contents).ok().map(Cow::Borrowed),
        PRINTABLE_STRING | IA5_STRING | NUMERIC_STRING => value
            .contents
            .is_ascii()
            .then(|| std::str::from_utf8(value.contents).ok())
            .flatten()
            .map(Cow::Borrowed),
        TELETEX_STRING => {
            Some(value.contents.iter().map(|octet| char::from(*octet)).collect::<String>().into())
        }
        BMP_STRING => {
            let (pairs, odd) = value.contents.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            odd.is_empty()
                .then(|| char::decode_utf16(units).collect::<Result<String, _>>().ok())
                .flatten()
                .map(Cow::Owned)
        }
        _ => None,
    }
}

/// The octets of an iPAddress as an address.
pub fn address(octets: &[u8]) -> Option<IpAddr> {
    match *octets {
        [a, b, c, d] => Some(IpAddr::from([a, b, c, d])),
        _ => <[u8; 16]>::try_from(octets).ok().map(IpAddr::from),
    }
}

fn extension(mut fields: Reader<'_>) -> Result<(&[u8], bool, &[u8]), NotDer> {
    let oid = fields.take(der::OID)?.contents;
    let critical = fields.optional(der::BOOLEAN)?.is_some_and(|flag| flag.contents != [0]);
    let value = fields.take(der::OCTET_STRING)?.contents;
    fields.end()?;
    Ok((oid, critical, value))
}

fn basic(value: &[u8]) -> Result<Basic, NotDer> {
    let mut fields = Reader::new(der::whole(value, der::SEQUENCE)?.contents);
    let is_ca = fields.optional(der::BOOLEAN)?.is_some_and(|flag| flag.contents != [0]);
    let path_len = match fields.optional(der::INTEGER)?.map(|number| number.contents) {
        None => None,
        Some([small @ 0..=0x7f]) => Some(usize::from(*small)),
        // Longer than any path that is ever built.
        Some([0..=0x7f, ..]) => Some(usize::MAX),
        Some(_) => return Err(NotDer),
    };
    fields.end()?;
    Ok(Basic { is_ca, path_len })
}

fn alt_names(value: &[u8]) -> Result<Vec<AltName<'_>>, NotDer> {
    let mut list = Reader::new(der::whole(value, der::SEQUENCE)?.contents);
    let mut names = Vec::new();
    while !list.is_empty() {
        let name = list.any()?;
        match name.tag {
            DNS_NAME => names.push(AltName::Dns(name.contents)),
            IP_ADDRESS => names.push(AltName::Address(name.contents)),
            MAIL_ADDRESS | URI => names.push(AltName::Other(name.contents)),
            _ => {}
        }
    }
    Ok(names)
}

fn responder(value: &[u8]) -> Result<Option<&str>, NotDer> {
    let mut list = Reader::new(der::whole(value, der::SEQUENCE)?.contents);
    let mut found = None;
    while !list.is_empty() {
        let mut access = list.inside(der::SEQUENCE)?;
        let (method, place) = (access.take(der::OID)?.contents, access.any()?);
        let url = std::str::from_utf8(place.contents).ok().filter(|url| url.starts_with("http://"));
        if method == OCSP && place.tag == URI && found.is_none() {
            found = url;
        }
    }
    Ok(found)
}

/// A signature is whole octets.
pub fn bits(contents: &[u8]) -> Result<&[u8], NotDer> {
    contents.strip_prefix(&[0]).ok_or(NotDer)
}

/// id-kp-serverAuth, 1.3.6.1.5.5.7.3.1.
pub const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// id-kp-clientAuth.
pub const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
/// id-kp-OCSPSigning.
pub const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];
/// anyExtendedKeyUsage, 2.5.29.37.0.
pub const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 37, 0];
/// 2.5.4.3.
pub const COMMON_NAME: &[u8] = &[0x55, 4, 3];

const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
const CRL_DISTRIBUTION_POINTS: &[u8] = &[0x55, 0x1d, 31];
const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
/// 1.3.6.1.5.5.7.1.1.
const INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
/// id-ad-ocsp.
const OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 1];
/// Bit 5, counted from the left.
const KEY_CERT_SIGN: u8 = 0x04;

const MAIL_ADDRESS: u8 = implicit(1);
const DNS_NAME: u8 = implicit(2);
const URI: u8 = implicit(6);
const IP_ADDRESS: u8 = implicit(7);

const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const TELETEX_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const BMP_STRING: u8 = 0x1e;
