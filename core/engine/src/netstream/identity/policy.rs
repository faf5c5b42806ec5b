//! The policy of one listener or one action: made once from its stream parameters, asked for every peer.

use super::answers::{Answers, Status};
use super::certificate::Certificate;
use super::fingerprint::{Fingerprint, Hash};
use super::names::{self, Permitted};
use super::path::{self, PathFault, Rules};
use super::trust::{SYSTEM, Trust};
use super::{alert, moment, show};
use rustls_pki_types::CertificateDer;
use std::fmt;
use thiserror::Error;

/// How a peer is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    Anon,
    Fingerprint,
    CertValid,
    Name,
}

/// permitExpiredCerts: what becomes of a certificate that has expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PermitExpired {
    /// It is refused.
    #[default]
    Off,
    On,
    /// It is accepted, and [`Accepted::warnings`] says so.
    Warn,
}

/// tlsRevocationCheck: whether the CA's OCSP responder has a say, and what its silence means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Revocation {
    /// It has none.
    #[default]
    Off,
    /// What it calls revoked is refused; what nobody says passes, and [`Accepted::warnings`] says so.
    On,
    /// What is not known to be good is refused.
    Strict,
}

/// The stream parameters that a policy is made from.
#[derive(Clone, Copy, Debug, Default)]
pub struct PolicySettings<'a> {
    /// None = `x509/name`, as rsyslog's TLS drivers have it.
    pub auth_mode: Option<&'a str>,
    /// Names and fingerprints; an entry may hold several, with commas between.
    pub permitted_peers: &'a [String],
    /// A PEM file, or `system`.
    pub ca_file: Option<&'a str>,
    /// Further PEM files, with commas between.
    pub ca_extra_files: Option<&'a str>,
    pub crl_file: Option<&'a str>,
    pub permit_expired: PermitExpired,
    /// tlsRevocationCheck.
    pub revocation: Revocation,
    /// checkExtendedKeyPurpose.
    pub check_eku: bool,
    pub prioritize_san: bool,
    /// Intermediate CAs at most.
    pub verify_depth: Option<u32>,
    /// We are the server of these sessions, so the peers are clients.
    pub server: bool,
    /// The host that a client connects to; [`PeerView::host`] has precedence.
    pub connect_host: Option<&'a str>,
}

/// What a peer presented. That it has the key of the first certificate was proved to the driver.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeerView<'a> {
    /// DER certificates as received, the peer's own first.
    pub chain: &'a [&'a [u8]],
    /// An OCSP answer that it sent along; empty = none.
    pub staple: &'a [u8],
    /// The host that this very connection was made to; None = the settings' `connect_host`.
    pub host: Option<&'a str>,
    /// The session was resumed, and the chain is that of the first one.
    pub resumed: bool,
}

/// Who was let in, for logs and properties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The certificate's subject, RFC 4514; None = no certificate was presented.
    pub subject: Option<String>,
    pub cn: Option<String>,
    /// `SHA256:..`
    pub fingerprint: Option<String>,
    /// The permitted peer, or the host, that fitted.
    pub permitted: Option<String>,
    /// The certificate's name that fitted it.
    pub name: Option<String>,
    /// What was let pass and should be looked at.
    pub warnings: Vec<String>,
}

/// Why a peer may not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The TLS alert's number.
    pub alert: u8,
    /// One line.
    pub text: String,
}

/// Why there can be no policy of these parameters.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{param}: {text}")]
pub struct PolicyFault {
    /// As inputs have it: `streamDriver.CAFile`, `permittedPeer` ...
    pub param: &'static str,
    pub text: String,
}

impl PolicyFault {
    pub const AUTH_MODE: &str = "streamDriver.authMode";
    pub const PERMITTED_PEER: &str = "permittedPeer";
    pub const CA_FILE: &str = "streamDriver.CAFile";
    pub const CA_EXTRA_FILES: &str = "streamDriver.CAExtraFiles";
    pub const CRL_FILE: &str = "streamDriver.CRLFile";
}

/// What the peers of one listener or one action must prove.
pub struct Policy {
    mode: AuthMode,
    permitted: Vec<Permitted>,
    host: Option<String>,
    trust: Trust,
    rules: Rules,
    expired: PermitExpired,
    revocation: Revocation,
    prioritize_san: bool,
    server: bool,
    remarks: Vec<String>,
}

impl AuthMode {
    /// From the configuration's word, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        MODES.into_iter().find(|mode| mode.word().eq_ignore_ascii_case(word))
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Fingerprint => "x509/fingerprint",
            Self::CertValid => "x509/certvalid",
            Self::Name => "x509/name",
        }
    }

    fn needs_path(self) -> bool {
        matches!(self, Self::CertValid | Self::Name)
    }
}

impl Policy {
    /// Reads the files and the permitted peers.
    pub fn new(settings: &PolicySettings<'_>) -> Result<Self, PolicyFault> {
        let mode = match settings.auth_mode {
            None => AuthMode::Name,
            Some(word) => AuthMode::parse(word).ok_or_else(|| unknown_mode(word))?,
        };
        let mut remarks = Vec::new();
        let entries = settings.permitted_peers.iter().flat_map(|entry| entry.split(','));
        let entries: Vec<&str> = entries.map(str::trim).filter(|entry| !entry.is_empty()).collect();
        let permitted = permitted(mode, &entries, &mut remarks)?;
        if permitted.is_empty()
            && (mode == AuthMode::Fingerprint || mode == AuthMode::Name && settings.server)
        {
            remarks.push(format!("authMode {mode} without permittedPeer: every peer will be refused"));
        }
        if mode == AuthMode::Anon {
            remarks
                .push("authMode anon: anybody can connect, or be taken for the one we connect to".to_owned());
        }
        let depth = settings.verify_depth.map(|depth| usize::try_from(depth).unwrap_or(usize::MAX));
        if mode.needs_path() && depth.is_some_and(|depth| depth > path::MAX_DEPTH) {
            remarks
                .push(format!("tlsVerifyDepth: paths are followed through {} CAs at most", path::MAX_DEPTH));
        }
        let trust = if mode.needs_path() { trust(mode, settings)? } else { Trust::default() };
        Ok(Self {
            mode,
            permitted,
            host: settings.connect_host.map(str::to_owned),
            trust,
            rules: Rules {
                permit_expired: settings.permit_expired != PermitExpired::Off,
                check_purpose: settings.check_eku,
                of_client: settings.server,
                depth,
            },
            expired: settings.permit_expired,
            revocation: settings.revocation,
            prioritize_san: settings.prioritize_san,
            server: settings.server,
            remarks,
        })
    }

    /// Nobody is authenticated.
    pub fn is_anonymous(&self) -> bool {
        self.mode == AuthMode::Anon
    }

    /// A peer without a certificate is refused, so a server must ask for one.
    pub fn wants_certificate(&self) -> bool {
        !self.is_anonymous()
    }

    /// What an administrator should know of these settings, though they can be worked with.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// May this peer go on? `now` is in seconds since 1970.
    pub fn judge(&self, peer: &PeerView<'_>, now: u64) -> Result<Accepted, Refusal> {
        self.verdict(peer, i64::try_from(now).unwrap_or(i64::MAX)).map_err(|mut refusal| {
            if peer.resumed {
                refusal.text.push_str(" (judged anew for a resumed session)");
            }
            refusal
        })
    }

    fn verdict(&self, peer: &PeerView<'_>, now: i64) -> Result<Accepted, Refusal> {
        let Some((own, others)) = peer.chain.split_first() else {
            return if self.is_anonymous() { Ok(Accepted::default()) } else { Err(self.nothing_presented()) };
        };
        let certificate = match Certificate::read(own) {
            Ok(certificate) => certificate,
            Err(_) if self.is_anonymous() => return Ok(Accepted::default()),
            Err(_) => return Err(self.damaged(own)),
        };
        let mut accepted = facts(&certificate);
        match self.mode {
            AuthMode::Anon => {}
            AuthMode::Fingerprint => {
                accepted.permitted = Some(self.fingerprint(&certificate)?);
            }
            AuthMode::CertValid | AuthMode::Name => {
                accepted.warnings = self.path(&certificate, others, peer.staple, now)?;
            }
        }
        if self.mode == AuthMode::Name {
            let (permitted, name) = self.name(&certificate, peer.host)?;
            accepted.permitted = Some(permitted);
            accepted.name = name;
        }
        Ok(accepted)
    }

    // RFC 5425 4.2.2: end-entity matching needs no path, and a self-signed certificate will do.
    // rsyslog: neither is its validity looked at.
    fn fingerprint(&self, certificate: &Certificate<'_>) -> Result<String, Refusal> {
        match self.permitted.iter().find(|permitted| permitted.is_fingerprint_of(certificate.der)) {
            Some(permitted) => Ok(permitted.text.clone()),
            None if self.permitted.is_empty() => Err(self.refusal(
                alert::ACCESS_DENIED,
                certificate,
                "permittedPeer names no fingerprint, so nobody is permitted",
                "to permit this peer, put its fingerprint into permittedPeer",
            )),
            None => Err(self.refusal(
                alert::ACCESS_DENIED,
                certificate,
                &format!("its fingerprint is none of the {} in permittedPeer", self.permitted.len()),
                "if this is the right peer, put its fingerprint into permittedPeer",
            )),
        }
    }

    fn path(
        &self,
        certificate: &Certificate<'_>,
        others: &[&[u8]],
        staple: &[u8],
        now: i64,
    ) -> Result<Vec<String>, Refusal> {
        // A root that is sent proves nothing: it is in the CA file, or it is not trusted. Without such certificates, and
        // with few others, there are few paths to try, whatever is sent.
        let mut sent: Vec<CertificateDer<'_>> = Vec::new();
        let useful = |der: &&&[u8]| Certificate::read(der).is_ok_and(|one| !one.is_self_issued());
        for der in others.iter().filter(useful).map(|der| CertificateDer::from(*der)) {
            if sent.len() == MAX_SENT {
                let why = format!("it came with more than {MAX_SENT} CA certificates");
                let advice = "have the peer send those of its path only";
                return Err(self.refusal(alert::BAD_CERTIFICATE, certificate, &why, advice));
            }
            if !sent.contains(&der) {
                sent.push(der);
            }
        }
        let judged = path::judge(certificate, &sent, &self.trust, self.rules, now).and_then(|expired| {
            let unknown = self.revoked(certificate, &sent, staple, now)?;
            Ok(expired.into_iter().filter(|_| self.expired == PermitExpired::Warn).chain(unknown))
        });
        match judged {
            Ok(passed) => Ok(passed.map(|fault| format!("{fault}; {}", lets_pass(&fault))).collect()),
            Err(fault) => {
                let (alert, advice) = self.advice(&fault);
                Err(self.refusal(alert, certificate, &fault.to_string(), &advice))
            }
        }
    }

    /// What the CA's responder says, by the peer's staple or what is known here. A certificate that stands in the CA file
    /// without its issuer has nobody to be asked about it: the administrator vouches for it himself.
    fn revoked(
        &self,
        certificate: &Certificate<'_>,
        sent: &[CertificateDer<'_>],
        staple: &[u8],
        now: i64,
    ) -> Result<Option<PathFault>, PathFault> {
        if self.revocation == Revocation::Off {
            return Ok(None);
        }
        let sent = sent.iter().filter_map(|der| Certificate::read(der).ok());
        let issuer = sent
            .chain(self.trust.issuers(certificate.issuer))
            .find(|ca| ca.subject == certificate.issuer && path::signed_by(certificate, ca).is_ok());
        let Some(issuer) = issuer.filter(|_| !certificate.is_self_issued()) else { return Ok(None) };
        match Answers::shared().status(certificate, &issuer, staple, now) {
            Status::Good => Ok(None),
            Status::Revoked(when) => Err(PathFault::RevokedSince(moment::words(when))),
            Status::Unknown(why) if self.revocation == Revocation::Strict => {
                Err(PathFault::RevocationUnknown(why))
            }
            Status::Unknown(why) => Ok(Some(PathFault::RevocationUnknown(why))),
        }
    }

    /// The permitted peer that fits, and the certificate's name that it fits.
    fn name(
        &self,
        certificate: &Certificate<'_>,
        host: Option<&str>,
    ) -> Result<(String, Option<String>), Refusal> {
        // rsyslog: the common name counts beside subjectAltName unless prioritizeSAN is on.
        let use_cn = !(self.prioritize_san && names::has_alt_name(certificate));
        let presented = names::presented(certificate, use_cn);
        if let Some(permitted) = self.permitted.iter().find(|one| one.is_fingerprint_of(certificate.der)) {
            return Ok((permitted.text.clone(), None));
        }
        // rsyslog: without permitted peers a client wants the host that it connects to; a server has no such host.
        let host = host.or(self.host.as_deref()).filter(|_| self.permitted.is_empty() && !self.server);
        let host = host.map(Permitted::host).transpose().map_err(|why| {
            let why = format!("the host that we connect to cannot be compared with it: {why}");
            self.refusal(alert::ACCESS_DENIED, certificate, &why, "set permittedPeer to the server's name")
        })?;
        let wanted: Vec<&Permitted> = self.permitted.iter().chain(&host).collect();
        for permitted in &wanted {
            if let Some(name) = presented.iter().find(|name| permitted.fits(name)) {
                return Ok((permitted.text.clone(), Some(name.text.clone())));
            }
        }
        Err(self.wrong_name(certificate, &presented, &wanted, use_cn))
    }

    fn wrong_name(
        &self,
        certificate: &Certificate<'_>,
        presented: &[names::Presented],
        wanted: &[&Permitted],
        use_cn: bool,
    ) -> Refusal {
        let has = if presented.is_empty() {
            "no name".to_owned()
        } else {
            format!("only {}", show::list(presented))
        };
        let unused = if use_cn { "" } else { " (prioritizeSAN: its CN does not count)" };
        let list = show::some(wanted.iter().map(|one| one.text.as_str()), wanted.len());
        let (why, advice) = match (wanted.is_empty(), self.permitted.is_empty(), self.server) {
            (true, _, true) => (
                "authMode x509/name is set without permittedPeer, so a server permits nobody".to_owned(),
                "put the clients' names into permittedPeer, or set authMode to x509/certvalid".to_owned(),
            ),
            (true, ..) => (
                "there is neither a permittedPeer nor a host name to compare it with".to_owned(),
                "put the server's name into permittedPeer".to_owned(),
            ),
            (_, true, _) => (
                format!("it has {has}{unused} and not the host that we connect to, {list}"),
                "connect to a name that it has, set permittedPeer, or have it issued for this host"
                    .to_owned(),
            ),
            _ => (
                format!("it has {has}{unused} and none that permittedPeer allows ({list})"),
                "if this is the right peer, put one of its names into permittedPeer".to_owned(),
            ),
        };
        self.refusal(alert::ACCESS_DENIED, certificate, &why, &advice)
    }

    fn nothing_presented(&self) -> Refusal {
        let (alert, who) = match self.server {
            true => (alert::CERTIFICATE_REQUIRED, "the client"),
            false => (alert::BAD_CERTIFICATE, "the server"),
        };
        let text = format!(
            "{who} presented no certificate, and authMode {} needs one; give it a certificate and key, or set authMode \
             to anon here",
            self.mode
        );
        Refusal { alert, text }
    }

    fn damaged(&self, own: &[u8]) -> Refusal {
        let text = format!(
            "what the {} presented as its certificate is none ({} octets that are not X.509)",
            self.peer(),
            own.len()
        );
        Refusal { alert: alert::BAD_CERTIFICATE, text }
    }

    fn refusal(&self, alert: u8, certificate: &Certificate<'_>, why: &str, advice: &str) -> Refusal {
        let peer = self.peer();
        let shown = show::certificate(certificate);
        Refusal { alert, text: format!("the {peer}'s certificate {shown} is refused: {why}; {advice}") }
    }

    fn peer(&self) -> &'static str {
        if self.server { "client" } else { "server" }
    }

    /// RFC 8446 6.2 says which alert means what.
    fn advice(&self, fault: &PathFault) -> (u8, String) {
        let files = &self.trust.files;
        let (alert, text) = match fault {
            PathFault::Expired { .. } => {
                (alert::CERTIFICATE_EXPIRED, "renew it, or let it pass with permitExpiredCerts".to_owned())
            }
            PathFault::NotYetValid { .. } => {
                (alert::CERTIFICATE_EXPIRED, "check the clocks of both sides".to_owned())
            }
            PathFault::UnknownIssuer(_) => (
                alert::UNKNOWN_CA,
                format!("add that CA to {files}, or have the peer send the CA certificates between"),
            ),
            PathFault::SelfSigned => (
                alert::UNKNOWN_CA,
                format!("add it to {files}, or use authMode x509/fingerprint with its fingerprint"),
            ),
            PathFault::Signature(_) => (
                alert::BAD_CERTIFICATE,
                format!(
                    "if that CA has a new key, put its new certificate into {files}; else it is damaged or forged"
                ),
            ),
            PathFault::Revoked | PathFault::RevokedSince(_) => {
                (alert::CERTIFICATE_REVOKED, "the peer needs a new one".to_owned())
            }
            PathFault::RevocationUnknown(_) => (
                alert::CERTIFICATE_UNKNOWN,
                "see that its responder can be reached from here, or let it pass with tlsRevocationCheck=\"on\""
                    .to_owned(),
            ),
            PathFault::CrlExpired { .. } => {
                (alert::CERTIFICATE_UNKNOWN, "fetch a new list from the CA".to_owned())
            }
            PathFault::Crl(_) => {
                (alert::CERTIFICATE_UNKNOWN, "fetch the right list of that CA for CRLFile".to_owned())
            }
            PathFault::Purpose(_) => (
                alert::UNSUPPORTED_CERTIFICATE,
                "have it issued for that, or leave checkExtendedKeyPurpose off".to_owned(),
            ),
            PathFault::TooDeep(limit) if *limit >= path::MAX_DEPTH => {
                (alert::UNKNOWN_CA, format!("trust a CA nearer to it: add one to {files}"))
            }
            PathFault::TooDeep(_) => {
                (alert::UNKNOWN_CA, format!("raise tlsVerifyDepth, or add a nearer CA to {files}"))
            }
            PathFault::NotCa(_) | PathFault::PathLength | PathFault::NameConstraints => {
                (alert::BAD_CERTIFICATE, "the CA should not have issued it".to_owned())
            }
            PathFault::Version(_) | PathFault::CaItself => (
                alert::UNSUPPORTED_CERTIFICATE,
                format!("have an X.509 v3 certificate issued that is no CA's, or add it to {files}"),
            ),
            PathFault::CriticalExtension(_) | PathFault::CriticalExtensionAbove | PathFault::Algorithm => {
                (alert::UNSUPPORTED_CERTIFICATE, "have one issued without that".to_owned())
            }
            PathFault::TooMuchWork | PathFault::Damaged(_) => {
                (alert::BAD_CERTIFICATE, "have the peer send a sound path".to_owned())
            }
        };
        (alert, text)
    }
}

impl fmt::Display for AuthMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a fault is only a warning.
fn lets_pass(fault: &PathFault) -> &'static str {
    match fault {
        PathFault::RevocationUnknown(_) => "tlsRevocationCheck=\"on\" lets it pass",
        _ => "permitExpiredCerts lets it pass",
    }
}

fn permitted(
    mode: AuthMode,
    entries: &[&str],
    remarks: &mut Vec<String>,
) -> Result<Vec<Permitted>, PolicyFault> {
    let mut all = Vec::new();
    for entry in entries {
        match (mode, Permitted::parse(entry)) {
            (AuthMode::Anon | AuthMode::CertValid, _) => {
                remarks.push(format!("permittedPeer '{entry}' means nothing with authMode {mode}"));
            }
            // rsyslog: takes such an entry too, and nobody ever fits it.
            (AuthMode::Fingerprint, Ok(permitted)) if !permitted.is_fingerprint() => {
                remarks.push(format!(
                    "permittedPeer '{entry}' is no fingerprint (SHA256:AA:BB:..), so with authMode {mode} it is nobody"
                ));
            }
            (_, Ok(permitted)) => all.push(permitted),
            (_, Err(why)) => {
                let text = format!("'{}' cannot be used: {why}", names::printable(entry));
                return Err(PolicyFault { param: PolicyFault::PERMITTED_PEER, text });
            }
        }
    }
    Ok(all)
}

fn trust(mode: AuthMode, settings: &PolicySettings<'_>) -> Result<Trust, PolicyFault> {
    let mut trust = Trust::default();
    let mut add = |param: &'static str, file: &str| {
        let added = if file.eq_ignore_ascii_case(SYSTEM) {
            trust.add_system_store(param, &Trust::system_places())
        } else {
            trust.add_ca_file(param, file)
        };
        added.map_err(|why| PolicyFault { param, text: why.to_string() })
    };
    if let Some(file) = named(settings.ca_file) {
        add(PolicyFault::CA_FILE, file)?;
    }
    for file in settings.ca_extra_files.unwrap_or_default().split(',') {
        if let Some(file) = named(Some(file)) {
            add(PolicyFault::CA_EXTRA_FILES, file)?;
        }
    }
    if trust.listed.is_empty() {
        let text =
            format!("authMode {mode} needs a file of the CAs whose certificates are trusted, or 'system'");
        return Err(PolicyFault { param: PolicyFault::CA_FILE, text });
    }
    if let Some(file) = named(settings.crl_file) {
        trust
            .add_crl_file(file)
            .map_err(|why| PolicyFault { param: PolicyFault::CRL_FILE, text: why.to_string() })?;
    }
    Ok(trust)
}

fn named(file: Option<&str>) -> Option<&str> {
    file.map(str::trim).filter(|file| !file.is_empty())
}

fn facts(certificate: &Certificate<'_>) -> Accepted {
    Accepted {
        subject: Some(show::subject(certificate.subject)),
        cn: certificate.common_name().map(|name| names::printable(&name)),
        fingerprint: Some(Fingerprint::of(Hash::Sha256, certificate.der).to_string()),
        ..Accepted::default()
    }
}

fn unknown_mode(word: &str) -> PolicyFault {
    let all = MODES.map(AuthMode::word).join(", ");
    PolicyFault {
        param: PolicyFault::AUTH_MODE,
        text: format!("'{}' is none of {all}", names::printable(word)),
    }
}

const MODES: [AuthMode; 4] = [AuthMode::Anon, AuthMode::Fingerprint, AuthMode::CertValid, AuthMode::Name];
/// As many as rustls-webpki follows, and two by mistake.
const MAX_SENT: usize = 8;
