//! One end of a channel in rsyslog's language: the text that makes sysloomd or rsyslogd listen or send with a driver,
//! its certificates and a way to judge the peer.

use crate::TlsVersion;
use crate::pki::Identity;
use std::path::Path;

/// How a side judges the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Anon,
    Fingerprint,
    Valid,
    Name,
}

/// One end.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `ptcp`, `rustls`, `gtls`, `ossl`.
    pub driver: String,
    pub auth: Auth,
    /// Names or fingerprints of the other side.
    pub permitted: Vec<String>,
    pub ca: Option<String>,
    pub cert: Option<String>,
    pub key: Option<String>,
    /// gnutlsPriorityString.
    pub priority: Option<String>,
}

impl Auth {
    pub const ALL: [Self; 4] = [Self::Anon, Self::Fingerprint, Self::Valid, Self::Name];

    /// rsyslog's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anon => "anon",
            Self::Fingerprint => "x509/fingerprint",
            Self::Valid => "x509/certvalid",
            Self::Name => "x509/name",
        }
    }
}

impl Channel {
    /// Plain TCP.
    pub fn plain() -> Self {
        let driver = "ptcp".to_owned();
        Self {
            driver,
            auth: Auth::Anon,
            permitted: Vec::new(),
            ca: None,
            cert: None,
            key: None,
            priority: None,
        }
    }

    /// TLS with an authority's certificate; the peer is not judged.
    pub fn tls(driver: &str, ca: &Path) -> Self {
        Self { driver: driver.into(), ca: Some(ca.display().to_string()), ..Self::plain() }
    }

    /// With a certificate of its own.
    pub fn owning(mut self, own: &Identity) -> Self {
        self.cert = Some(own.cert.display().to_string());
        self.key = Some(own.key.display().to_string());
        self
    }

    /// Judging the peer.
    pub fn judging(mut self, auth: Auth, permitted: &[&str]) -> Self {
        self.auth = auth;
        self.permitted = permitted.iter().map(|peer| (*peer).to_owned()).collect();
        self
    }

    /// Speaking TLS as the priority string says.
    pub fn priority(mut self, priority: &str) -> Self {
        self.priority = Some(priority.into());
        self
    }

    /// Speaking one version of TLS, in the words that the driver takes.
    pub fn only(self, version: TlsVersion) -> Self {
        let words = if self.driver == "ossl" { version.ssl_conf() } else { version.priority() };
        self.priority(words)
    }

    /// The lines that listen on a port of the kernel's, written to `{dir}/port`, and put each message's text into
    /// `{dir}/log`.
    pub fn collector(&self) -> String {
        let words = self.words(["streamDriver.name", "streamDriver.mode", "streamDriver.authMode"]);
        let list: Vec<String> = self.permitted.iter().map(|peer| format!("\"{peer}\"")).collect();
        let peers = match list.is_empty() {
            true => String::new(),
            false => format!(" permittedPeer=[{}]", list.join(",")),
        };
        format!(
            "{}module(load=\"imtcp\"{words}{peers})\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n\
             {TO_FILE}",
            self.globals(),
        )
    }

    /// The action that sends everything to a port on `host`, without the globals.
    pub fn action(&self, host: &str, port: u16, more: &str) -> String {
        let words = self.words(["streamDriver", "streamDriverMode", "streamDriverAuthMode"]);
        let peers = match self.permitted.is_empty() {
            true => String::new(),
            false => format!(" streamDriverPermittedPeers=\"{}\"", self.permitted.join(",")),
        };
        format!(
            "action(type=\"omfwd\" target=\"{host}\" port=\"{port}\" protocol=\"tcp\"{words}{peers} \
             action.resumeInterval=\"1\" action.resumeRetryCount=\"-1\" {more})\n"
        )
    }

    /// The files of this end.
    pub fn globals(&self) -> String {
        let files = [("CAFile", &self.ca), ("CertFile", &self.cert), ("KeyFile", &self.key)];
        let mut text = String::new();
        for (word, file) in files {
            if let Some(file) = file {
                text += &format!("global(defaultNetstreamDriver{word}=\"{file}\")\n");
            }
        }
        text
    }

    fn words(&self, [driver, mode, auth]: [&str; 3]) -> String {
        if self.driver == "ptcp" {
            return String::new();
        }
        let mut text = format!(" {driver}=\"{}\" {mode}=\"1\" {auth}=\"{}\"", self.driver, self.auth.word());
        if let Some(priority) = &self.priority {
            text += &format!(" gnutlsPriorityString=\"{priority}\"");
        }
        text
    }
}

/// Each message's text as a line of `{dir}/log`.
const TO_FILE: &str = "template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n\
    action(type=\"omfile\" file=\"{dir}/log\" template=\"text\")\n";
