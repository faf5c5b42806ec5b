//! Reports to a server, as Prometheus' remote write 1.0 has it: a WriteRequest in protobuf, compressed with snappy, by POST.
//!
//! A report that a server does not take is lost; the next one has what the counters say then.

use crate::format::{Object, metric_of};
use crate::params::ModuleParams;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sysloom_sdk::{Complaint, Host};
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};

/// A server, and what is told to it with each counter.
pub struct Push {
    agent: Agent,
    url: String,
    labels: BTreeMap<String, String>,
    origin: bool,
    name: bool,
    max_bytes: usize,
    max_series: usize,
}

impl Push {
    /// `None` where no server is configured.
    pub fn new(params: &ModuleParams, host: Host) -> Result<Option<Self>, Complaint> {
        let Some(url) = params.push_url.clone().filter(|url| !url.is_empty()) else { return Ok(None) };
        let scheme = url.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if !matches!(scheme.as_deref(), Some("http" | "https")) {
            return Err(Complaint::new(format!("'{url}' is no http or https address")).param("push.url"));
        }
        let config = Agent::config_builder()
            .tls_config(tls(params)?)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_millis(params.push_timeout.into())))
            .user_agent(format!("sysloom/{}", host.setting("daemon.version").unwrap_or_default()))
            .build();
        let no_limit = |limit: u32| if limit == 0 { usize::MAX } else { limit as usize };
        Ok(Some(Self {
            agent: config.new_agent(),
            url,
            labels: labels(params, host)?,
            origin: params.push_origin,
            name: params.push_name,
            max_bytes: no_limit(params.push_max_bytes),
            max_series: no_limit(params.push_max_series),
        }))
    }

    /// Adds an object's counters: each is a TimeSeries with its labels in order and one sample.
    pub fn add(&self, object: &Object, series: &mut Vec<Vec<u8>>) {
        let now = Timestamp::now().as_millisecond();
        for (counter, value) in &object.counters {
            let mut labels: BTreeMap<&str, &str> =
                self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let metric = metric_of(object, counter);
            labels.insert("__name__", &metric);
            if self.origin {
                labels.insert("origin", &object.origin);
            }
            if self.name {
                labels.insert("name", &object.name);
            }
            let mut out = Vec::new();
            for (name, value) in labels {
                let mut label = Vec::new();
                bytes(1, name.as_bytes(), &mut label);
                bytes(2, value.as_bytes(), &mut label);
                bytes(1, &label, &mut out);
            }
            // A double, in eight bytes, and the time in milliseconds.
            let mut sample = vec![1 << 3 | FIXED64];
            sample.extend_from_slice(&(*value as f64).to_le_bytes());
            sample.push(2 << 3 | VARINT);
            varint(now as u64, &mut sample);
            bytes(2, &sample, &mut out);
            series.push(out);
        }
    }

    /// Sends all of it, in as many requests as the limits make of it.
    pub fn send(&self, series: &[Vec<u8>]) -> Result<(), String> {
        let (mut request, mut held) = (Vec::new(), 0);
        for one in series {
            let mut field = Vec::with_capacity(one.len() + 8);
            bytes(1, one, &mut field);
            if held > 0 && (held >= self.max_series || request.len() + field.len() > self.max_bytes) {
                self.post(&request)?;
                (request, held) = (Vec::new(), 0);
            }
            request.append(&mut field);
            held += 1;
        }
        if held > 0 { self.post(&request) } else { Ok(()) }
    }

    fn post(&self, request: &[u8]) -> Result<(), String> {
        let failed = |why: &dyn std::fmt::Display| format!("cannot push to '{}': {why}", self.place());
        let body = snap::raw::Encoder::new().compress_vec(request).map_err(|e| failed(&e))?;
        let sent = self
            .agent
            .post(&self.url)
            .header("Content-Encoding", "snappy")
            .header("Content-Type", "application/x-protobuf")
            .header("X-Prometheus-Remote-Write-Version", "0.1.0")
            .send(body.as_slice());
        let mut reply = sent.map_err(|e| failed(&e))?;
        if reply.status().is_success() {
            return Ok(());
        }
        let said = reply.body_mut().with_config().limit(LONGEST).read_to_string().unwrap_or_default();
        let said = said.lines().next().unwrap_or_default();
        Err(failed(&format!("the server answers {} {said}", reply.status().as_u16())))
    }

    /// The address without what is nobody's business.
    fn place(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("http", &self.url));
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or(authority);
        format!("{scheme}://{host}{}", path.split('?').next().unwrap_or(path))
    }
}

/// The labels that all counters have.
fn labels(params: &ModuleParams, host: Host) -> Result<BTreeMap<String, String>, Complaint> {
    let mut labels = BTreeMap::new();
    if !params.push_job.is_empty() {
        labels.insert("job".into(), params.push_job.clone());
    }
    if params.push_instance {
        labels.insert("instance".into(), host.setting("daemon.hostname").unwrap_or_default());
    }
    let allowed = |name: &str| {
        !name.starts_with("__")
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    for pair in &params.push_labels {
        match pair.split_once('=').map(|(name, value)| (name.trim(), value)) {
            Some((name, value)) if !name.is_empty() && allowed(name) => {
                labels.insert(name.into(), value.into());
            }
            _ => {
                let text =
                    format!("'{pair}' is no label: it needs to be name=value, its name of A-Z a-z 0-9 _");
                return Err(Complaint::new(text).param("push.labels"));
            }
        }
    }
    Ok(labels)
}

fn tls(params: &ModuleParams) -> Result<TlsConfig, Complaint> {
    let roots = match &params.push_ca {
        None => RootCerts::PlatformVerifier,
        Some(file) => RootCerts::Specific(Arc::new(certificates(file, "push.tls.cafile")?)),
    };
    let own = match (&params.push_cert, &params.push_key) {
        (None, None) => None,
        (Some(cert), Some(key)) => {
            let chain = certificates(cert, "push.tls.certfile")?;
            let pem = read(key, "push.tls.keyfile")?;
            let key = PrivateKey::from_pem(&pem).map_err(|e| {
                Complaint::new(format!("no key in '{}': {e}", key.display())).param("push.tls.keyfile")
            })?;
            Some(ClientCert::new_with_certs(&chain, key))
        }
        (Some(_), None) => {
            return Err(Complaint::new("there is no push.tls.keyfile for it").param("push.tls.certfile"));
        }
        (None, Some(_)) => {
            return Err(Complaint::new("there is no push.tls.certfile for it").param("push.tls.keyfile"));
        }
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(provider)
        .root_certs(roots)
        .client_cert(own)
        .disable_verification(params.push_insecure)
        .build())
}

fn certificates(file: &Path, param: &'static str) -> Result<Vec<Certificate<'static>>, Complaint> {
    let pem = read(file, param)?;
    let found: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return Err(Complaint::new(format!("no certificate in '{}'", file.display())).param(param));
    }
    Ok(found)
}

fn read(file: &Path, param: &'static str) -> Result<Vec<u8>, Complaint> {
    std::fs::read(file)
        .map_err(|e| Complaint::io(format!("cannot read '{}'", file.display()), &e).param(param))
}

/// A field of bytes: its number and kind, the length, the bytes.
fn bytes(field: u8, value: &[u8], out: &mut Vec<u8>) {
    out.push(field << 3 | BYTES);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Seven bits at a time, the lowest first.
fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Protobuf's kinds of fields.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const BYTES: u8 = 2;
/// Bytes that are read of a server's complaint.
const LONGEST: u64 = 4096;

#[cfg(test)]
mod tests;
