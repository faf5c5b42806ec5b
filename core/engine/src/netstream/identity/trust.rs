//! What the administrator trusts and distrusts, read from his files when a listener or an action is made: CAs,
//! certificates of peers themselves, and revocation lists. What is wrong with a file is said with its name.

use super::certificate::Certificate;
use super::der::{self, NotDer, Reader};
use super::moment;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;
use webpki::CertRevocationList;

/// The contents of CAFile, CAExtraFiles and CRLFile.
#[derive(Default)]
pub struct Trust {
    /// Every certificate of the CA files, in their order.
    pub listed: Vec<Listed>,
    /// Those of them that may judge others.
    pub anchors: Vec<TrustAnchor<'static>>,
    /// The newest first.
    pub crls: Vec<Crl>,
    /// For messages: `streamDriver.CAFile /etc/ssl/ca.pem`.
    pub files: String,
}

/// A certificate of a CA file.
pub struct Listed {
    der: CertificateDer<'static>,
}

/// A revocation list.
pub struct Crl {
    pub list: CertRevocationList<'static>,
    pub file: String,
    pub this_update: i64,
    pub next_update: Option<i64>,
}

/// A file of certificates or revocation lists that cannot be used.
#[derive(Debug, Error)]
pub enum TrustFault {
    #[error("{file} cannot be read: {why}")]
    Unreadable { file: String, why: io::Error },
    #[error("{file} holds no {kind}; it must have a line '-----BEGIN {mark}-----'{hint}")]
    Empty { file: String, kind: &'static str, mark: &'static str, hint: &'static str },
    #[error("{kind} number {number} of {file} is no PEM: {why}")]
    NotPem { file: String, kind: &'static str, number: usize, why: String },
    #[error("{kind} number {number} of {file} cannot be used: {why}")]
    Unusable { file: String, kind: &'static str, number: usize, why: String },
    #[error("there is no system store: none of {0} can be read; name a CA file instead")]
    NoSystemStore(String),
}

impl Trust {
    /// Adds the certificates of a PEM file, every one of which must be usable.
    pub fn add_ca_file(&mut self, param: &str, file: &str) -> Result<(), TrustFault> {
        self.add_certificates(file, &read(file)?, Strictness::Whole)?;
        self.mention(param, file);
        Ok(())
    }

    /// Adds the first of the system's stores that can be read. What it holds is not the administrator's doing, so what
    /// cannot be used of it is left out.
    pub fn add_system_store(&mut self, param: &str, places: &[PathBuf]) -> Result<(), TrustFault> {
        for place in places {
            let file = place.display().to_string();
            if let Ok(pem) = fs::read(place)
                && self.add_certificates(&file, &pem, Strictness::WhatCanBeUsed).is_ok()
            {
                self.mention(param, &format!("{SYSTEM} ({file})"));
                return Ok(());
            }
        }
        let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
        Err(TrustFault::NoSystemStore(places.join(", ")))
    }

    /// Adds the revocation lists of a PEM or DER file.
    pub fn add_crl_file(&mut self, file: &str) -> Result<(), TrustFault> {
        let bytes = read(file)?;
        let lists: Vec<_> = if der::whole(&bytes, der::SEQUENCE).is_ok() {
            vec![CertificateRevocationListDer::from(bytes)]
        } else {
            sections(file, CRL, &bytes, PemObject::from_pem)?
        };
        for (i, list) in lists.iter().enumerate() {
            let unusable =
                |why: String| TrustFault::Unusable { file: file.to_owned(), kind: CRL, number: i + 1, why };
            let (this_update, next_update) =
                crl_moments(list).map_err(|_| unusable("it is damaged".to_owned()))?;
            let owned =
                webpki::OwnedCertRevocationList::from_der(list).map_err(|why| unusable(crl_words(&why)))?;
            self.crls.push(Crl { list: owned.into(), file: file.to_owned(), this_update, next_update });
        }
        // rustls-webpki asks only the first list of an issuer.
        self.crls.sort_by_key(|crl| std::cmp::Reverse(crl.this_update));
        Ok(())
    }

    /// The places where systems keep the CAs that they trust.
    pub fn system_places() -> Vec<PathBuf> {
        SYSTEM_PLACES.iter().map(PathBuf::from).collect()
    }

    /// Whether this very certificate is in a CA file.
    pub fn lists(&self, der: &[u8]) -> bool {
        self.listed.iter().any(|listed| listed.der.as_ref() == der)
    }

    /// The CA certificates of that name.
    pub fn issuers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = Certificate<'a>> + 'a {
        self.certificates().filter(move |ca| ca.is_issuer() && ca.subject == name)
    }

    pub fn certificates(&self) -> impl Iterator<Item = Certificate<'_>> {
        self.listed.iter().filter_map(|listed| Certificate::read(&listed.der).ok())
    }

    fn add_certificates(&mut self, file: &str, pem: &[u8], strictness: Strictness) -> Result<(), TrustFault> {
        let ders: Vec<CertificateDer<'static>> = if der::whole(pem, der::SEQUENCE).is_ok() {
            vec![CertificateDer::from(pem.to_vec())]
        } else {
            sections(file, CERTIFICATE, pem, PemObject::from_pem)?
        };
        for (i, der) in ders.into_iter().enumerate() {
            match anchor(&der) {
                Ok(anchor) => {
                    if !self.lists(&der) {
                        self.anchors.extend(anchor);
                        self.listed.push(Listed { der });
                    }
                }
                Err(_) if strictness == Strictness::WhatCanBeUsed => {}
                Err(why) => {
                    return Err(TrustFault::Unusable {
                        file: file.to_owned(),
                        kind: CERTIFICATE,
                        number: i + 1,
                        why,
                    });
                }
            }
        }
        Ok(())
    }

    fn mention(&mut self, param: &str, file: &str) {
        let and = if self.files.is_empty() { "" } else { " and " };
        self.files.push_str(&format!("{and}{param} {file}"));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Strictness {
    Whole,
    WhatCanBeUsed,
}

/// A certificate that is no CA is trusted as itself and judges nobody: an end entity that signs another certificate
/// must not make it trusted.
fn anchor(der: &CertificateDer<'static>) -> Result<Option<TrustAnchor<'static>>, String> {
    let certificate = Certificate::read(der).map_err(|NotDer| "it is damaged".to_owned())?;
    if !certificate.is_issuer() {
        return Ok(None);
    }
    let anchor = webpki::anchor_from_trusted_cert(der).map_err(|why| format!("{why:?}"))?;
    Ok(Some(anchor.to_owned()))
}

fn read(file: &str) -> Result<Vec<u8>, TrustFault> {
    fs::read(Path::new(file)).map_err(|why| TrustFault::Unreadable { file: file.to_owned(), why })
}

/// The PEM sections of one kind.
fn sections<T>(
    file: &str,
    kind: &'static str,
    bytes: &[u8],
    of: fn(pem::SectionKind, Vec<u8>) -> Option<T>,
) -> Result<Vec<T>, TrustFault> {
    let mut all = Vec::new();
    let mut found_key = false;
    let mut rest = bytes;
    loop {
        match pem::from_buf(&mut rest) {
            Ok(None) => break,
            Ok(Some((section, der))) => {
                found_key |= matches!(
                    section,
                    pem::SectionKind::PrivateKey
                        | pem::SectionKind::RsaPrivateKey
                        | pem::SectionKind::EcPrivateKey
                );
                all.extend(of(section, der));
            }
            Err(why) => {
                let (file, number) = (file.to_owned(), all.len() + 1);
                return Err(TrustFault::NotPem { file, kind, number, why: pem_words(&why) });
            }
        }
    }
    if all.is_empty() {
        let mark = if kind == CRL { "X509 CRL" } else { "CERTIFICATE" };
        let hint = if found_key { " (there is a private key in it)" } else { "" };
        return Err(TrustFault::Empty { file: file.to_owned(), kind, mark, hint });
    }
    Ok(all)
}

/// thisUpdate and nextUpdate, RFC 5280 5.1.
fn crl_moments(list: &[u8]) -> Result<(i64, Option<i64>), NotDer> {
    let mut outer = Reader::new(der::whole(list, der::SEQUENCE)?.contents);
    let mut fields = outer.inside(der::SEQUENCE)?;
    fields.optional(der::INTEGER)?;
    fields.take(der::SEQUENCE)?;
    fields.take(der::SEQUENCE)?;
    let this_update = moment::read(fields.any()?)?;
    let next_update = match (fields.optional(der::UTC_TIME)?, fields.optional(der::GENERALIZED_TIME)?) {
        (Some(value), _) | (None, Some(value)) => Some(moment::read(value)?),
        (None, None) => None,
    };
    Ok((this_update, next_update))
}

fn pem_words(why: &pem::Error) -> String {
    match why {
        pem::Error::MissingSectionEnd { .. } => "its END line is missing".to_owned(),
        pem::Error::IllegalSectionStart { .. } => "its BEGIN line is not as it should be".to_owned(),
        pem::Error::Base64Decode(_) => "what stands between BEGIN and END is not base64".to_owned(),
        other => format!("{other}"),
    }
}

fn crl_words(why: &webpki::Error) -> String {
    match why {
        webpki::Error::UnsupportedCrlVersion => "it is of version 1, and version 2 is needed".to_owned(),
        webpki::Error::UnsupportedDeltaCrl => "it is a delta list, which says nothing alone".to_owned(),
        webpki::Error::UnsupportedIndirectCrl => {
            "it is an indirect list, of other CAs' certificates".to_owned()
        }
        webpki::Error::UnsupportedCriticalExtension => {
            "it has a critical extension that is not understood".to_owned()
        }
        other => format!("it is damaged ({other:?})"),
    }
}

/// The word that stands for the system's store.
pub const SYSTEM: &str = "system";

const CERTIFICATE: &str = "certificate";
const CRL: &str = "revocation list";

/// Debian and Alpine, Fedora, old Red Hat, SUSE, FreeBSD and OpenBSD.
const SYSTEM_PLACES: [&str; 7] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/ssl/cert.pem",
];
