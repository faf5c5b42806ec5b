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
    /// Its first line is the key's passphrase.
    pub key_pass_file: Option<&'a str>,
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
            key_pass_file: settings.key_pass_file,
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

/// The name that a client asks a server for. `None` = it asks for none: nothing was set, or an address, which is never
/// sent (RFC 6066 3).
pub fn server_name(text: &str) -> Result<Option<&str>, Complaint> {
    // RFC 6066 3: without the trailing dot.
    let plain = text.strip_suffix('.').unwrap_or(text);
    if plain.is_empty() || plain.parse::<std::net::IpAddr>().is_ok() {
        return Ok(None);
    }
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if plain.len() > 253 || !plain.split('.').all(fits) {
        return Err(Complaint::new(format!(
            "'{text}' is no host name that TLS can ask for (letters, digits, - and _ in labels joined by dots)"
        ))
        .param(REMOTE_SNI));
    }
    Ok(Some(plain))
}

fn half(what: &str, missing: &'static str) -> Complaint {
    Complaint::new(format!("{what}, but {missing} is not set; one is of no use without the other"))
        .param(missing)
}

/// The parameter that sets what a client asks for.
const REMOTE_SNI: &str = "streamDriver.remoteSNI";
/// The word for the system's own store, which the daemon reads.
const SYSTEM_STORE: &str = "system";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_asked_for() {
        for (text, wanted) in [
            ("logs.example.net", Some("logs.example.net")),
            ("logs.example.net.", Some("logs.example.net")),
            ("a_b-c", Some("a_b-c")),
            ("", None),
            (".", None),
            ("192.0.2.1", None),
            ("2001:db8::1", None),
        ] {
            assert_eq!(server_name(text).unwrap(), wanted, "{text}");
        }
        let long = "a".repeat(64);
        for text in ["a b", "-a", "a-.b", "a..b", ".a", "ä", "a/b", long.as_str()] {
            assert_eq!(server_name(text).unwrap_err().param, Some(REMOTE_SNI), "{text}");
        }
    }
}
