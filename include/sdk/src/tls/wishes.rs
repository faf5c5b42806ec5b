//! What the configuration says, as far as TLS is concerned, and what of it any driver can check.

use super::files::{self, CA_EXTRA_FILES, CA_FILE, CERT_FILE, KEY_FILE};
use crate::{Complaint, StreamSettings};

/// What the configuration says, as far as TLS is concerned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes<'a> {
    pub auth_mode: &'a str,
    pub ca_file: Option<&'a str>,
    /// Joined by commas.
    pub ca_extra_files: Option<&'a str>,
    pub cert_file: Option<&'a str>,
    pub key_file: Option<&'a str>,
    pub priority: Option<&'a str>,
}

impl<'a> From<&StreamSettings<'a>> for Wishes<'a> {
    fn from(settings: &StreamSettings<'a>) -> Self {
        Self {
            auth_mode: settings.auth_mode,
            ca_file: settings.ca_file,
            ca_extra_files: settings.ca_extra_files,
            cert_file: settings.cert_file,
            key_file: settings.key_file,
            priority: settings.priority,
        }
    }
}

impl<'a> Wishes<'a> {
    /// A server asks its clients for no certificate.
    pub fn anonymous(&self) -> bool {
        self.auth_mode.eq_ignore_ascii_case("anon")
    }

    /// Certificate file and key file; there are both or none.
    pub fn own(&self) -> Result<Option<(&'a str, &'a str)>, Complaint> {
        match (self.cert_file, self.key_file) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            (None, None) => Ok(None),
            (Some(cert), None) => Err(half(&format!("there is certificate file '{cert}'"), KEY_FILE)),
            (None, Some(key)) => Err(half(&format!("there is key file '{key}'"), CERT_FILE)),
        }
    }

    /// The daemon judges the peers, so only it needs the anchors; that their files are fit is found out here and now.
    pub fn check_anchors(&self) -> Result<(), Complaint> {
        if let Some(path) = self.ca_file.filter(|p| *p != SYSTEM_STORE) {
            files::certificates(CA_FILE, "CA file", path)?;
        }
        let extra = self.ca_extra_files.unwrap_or_default();
        for path in extra.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            files::certificates(CA_EXTRA_FILES, "extra CA file", path)?;
        }
        Ok(())
    }

    /// A server without a certificate whose auth mode is not `anon`.
    pub fn lacks_certificate(&self) -> Complaint {
        let mode = if self.auth_mode.is_empty() { "x509/name" } else { self.auth_mode };
        Complaint::new(format!(
            "a TLS listener with auth mode {mode} needs a certificate and its key; set {CERT_FILE} and {KEY_FILE} (or \
             $DefaultNetstreamDriverCertFile and $DefaultNetstreamDriverKeyFile), or auth mode anon"
        ))
        .param(CERT_FILE)
    }
}

fn half(what: &str, missing: &'static str) -> Complaint {
    Complaint::new(format!("{what}, but {missing} is not set; one is of no use without the other"))
        .param(missing)
}

/// The word for the system's own store, which the daemon reads.
const SYSTEM_STORE: &str = "system";
