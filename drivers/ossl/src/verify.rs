//! What OpenSSL asks when a peer shows a certificate, and what is asked when a client shows none. That the peer holds the
//! key is OpenSSL's to check; everything else is the daemon's verdict, which comes back as the error for which OpenSSL
//! sends the alert of the verdict's code, if it has one.

use crate::raw;
use crate::tickets::{self, Sessions};
use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::pkey::Id;
use openssl::ssl::{NameType, Ssl, SslRef, SslSession, SslVersion};
use openssl::stack::StackRef;
use openssl::x509::X509;
use openssl_sys as ffi;
use std::ffi::c_int;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use sysloom_sdk::tls::Daemon;
use sysloom_sdk::{Complaint, PeerFacts};

/// Who is asked about the peer of one session; hangs on the session itself.
pub struct Asker {
    daemon: Arc<dyn Daemon>,
    conn: u64,
    server: bool,
    /// What a client connects to.
    name: Box<str>,
    /// How often the peer has asked for a new handshake.
    nags: AtomicU32,
    asked: Mutex<Asked>,
}

/// What came of the question.
#[derive(Default)]
pub struct Asked {
    /// Whether there was one at all, and whether it was about a session to be resumed.
    pub judged: Option<bool>,
    pub refusal: Option<Complaint>,
    /// The peer's certificates as received.
    pub chain: Vec<Vec<u8>>,
    /// A TLS 1.3 server's secret for what it sends, until the handshake is over: an alert is made with it.
    pub secret: Vec<u8>,
}

/// Hangs an asker on a session.
pub fn attach(
    ssl: &mut SslRef,
    daemon: Arc<dyn Daemon>,
    conn: u64,
    server: bool,
    name: &str,
) -> Result<(), ErrorStack> {
    let asker =
        Asker { daemon, conn, server, name: name.into(), nags: AtomicU32::new(0), asked: Mutex::default() };
    ssl.set_ex_data(index()?, asker);
    Ok(())
}

/// What came of the question since the last call.
pub fn asked(ssl: &SslRef) -> Asked {
    asker(ssl).map(|asker| std::mem::take(&mut *asker.asked())).unwrap_or_default()
}

/// Asks the daemon about a peer that shows a certificate. A refusal is one of OpenSSL's errors.
pub fn judge(ssl: &SslRef, chain: &StackRef<X509>) -> Result<(), c_int> {
    let failed = |_| ffi::X509_V_ERR_APPLICATION_VERIFICATION;
    let asker = asker(ssl).ok_or(ffi::X509_V_ERR_APPLICATION_VERIFICATION)?;
    let own = chain.get(0).map(|own| own.public_key()).transpose().map_err(failed)?;
    let chain = chain.iter().map(|c| c.to_der()).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let verdict = match own.filter(|key| matches!(key.id(), Id::RSA | Id::RSA_PSS) && key.bits() < LEAST_RSA)
    {
        Some(key) => Err(too_short(key.bits())),
        // In TLS 1.2 a server staples behind its certificate; `stapled` comes when it is all there.
        None if !asker.server && ssl.version2() == Some(SslVersion::TLS1_2) => {
            asker.asked().chain = chain;
            return Ok(());
        }
        None => asker.ask(ssl, &chain, false),
    };
    let refused = verdict.as_ref().err().map(|complaint| as_error(complaint.code));
    asker.note(verdict, chain);
    refused.map_or(Ok(()), Err)
}

/// All that a server shows has come: asks the daemon, if that was put off. Whether the server is accepted.
pub fn stapled(ssl: &SslRef) -> bool {
    let Some(asker) = asker(ssl) else { return false };
    if asker.asked().judged.is_some() {
        return true;
    }
    let chain = std::mem::take(&mut asker.asked().chain);
    let verdict = asker.ask(ssl, &chain, false);
    let accepted = verdict.is_ok();
    asker.note(verdict, chain);
    accepted
}

/// Looks at a handshake message before OpenSSL does. A client that shows no certificate is judged here; one that is
/// refused is made to fail.
pub fn heard(ssl: &SslRef, message: &[u8]) {
    if let [HELLO_REQUEST, ..] = message {
        declined(ssl);
    }
    let list = match (message, ssl.version2()) {
        // RFC 8446 4.4.2: a context, which is empty in a handshake, and the list.
        ([CERTIFICATE, _, _, _, 0, list @ ..], Some(SslVersion::TLS1_3)) => list,
        ([CERTIFICATE, _, _, _, list @ ..], Some(SslVersion::TLS1_2)) => list,
        _ => return,
    };
    let Some(asker) = asker(ssl).filter(|a| a.server && list == [0, 0, 0]) else { return };
    let verdict = asker.ask(ssl, &[], false);
    if verdict.is_err() {
        raw::require_certificate(ssl);
    }
    asker.note(verdict, Vec::new());
}

/// The peer asks for a new handshake, which it does not get.
pub fn declined(ssl: &SslRef) {
    if let Some(asker) = asker(ssl) {
        asker.nags.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether the peer asks for new handshakes more often than can be a mistake.
pub fn nags(ssl: &SslRef) -> bool {
    asker(ssl).is_some_and(|asker| asker.nags.load(Ordering::Relaxed) > MOST_NAGS)
}

/// Asks the daemon whether a session may be resumed whose peer showed this chain when it began.
pub fn resumes(ssl: &SslRef, chain: Vec<Vec<u8>>) -> bool {
    let Some(asker) = asker(ssl) else { return false };
    let accepted = asker.ask(ssl, &chain, true).is_ok();
    if accepted {
        let mut asked = asker.asked();
        (asked.judged, asked.chain) = (Some(true), chain);
    }
    accepted
}

/// What a server's ticket is to hold of a client that has just shown its chain; `None` = what an older ticket held.
pub fn ticket(ssl: &SslRef) -> Option<Vec<u8>> {
    let asked = asker(ssl)?.asked();
    (asked.judged == Some(false)).then(|| tickets::pack(&asked.chain))
}

/// Keeps a client's session for another time.
pub fn keep(ssl: &SslRef, sessions: &Sessions, session: SslSession) {
    if let Some(asker) = asker(ssl) {
        sessions.keep(&asker.name, session);
    }
}

/// Notes the secret that a server of TLS 1.3 encrypts with when its handshake is over, from a line of OpenSSL's key log.
pub fn secret(ssl: &SslRef, line: &str) {
    let mut words = line.split(' ');
    if let (Some(SERVER_SECRET), Some(_), Some(secret)) = (words.next(), words.next(), words.next())
        && let Some(asker) = asker(ssl)
    {
        let digits = secret.as_bytes().chunks(2);
        let bytes =
            digits.map(|pair| std::str::from_utf8(pair).ok().and_then(|p| u8::from_str_radix(p, 16).ok()));
        asker.asked().secret = bytes.collect::<Option<_>>().unwrap_or_default();
    }
}

impl Asker {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the answer about a peer of a whole handshake.
    fn note(&self, verdict: Result<(), Complaint>, chain: Vec<Vec<u8>>) {
        let mut asked = self.asked();
        (asked.judged, asked.refusal, asked.chain) = (Some(false), verdict.err(), chain);
    }

    fn ask(&self, ssl: &SslRef, chain: &[Vec<u8>], resumed: bool) -> Result<(), Complaint> {
        let facts = PeerFacts {
            chain: chain.iter().map(Vec::as_slice).collect(),
            staple: if self.server { &[] } else { ssl.ocsp_status().unwrap_or_default() },
            server_name: ssl.servername(NameType::HOST_NAME).unwrap_or_default(),
            server: self.server,
            resumed,
            protocol: ssl.version_str(),
            cipher: ssl.current_cipher().and_then(|c| c.standard_name()).unwrap_or_default(),
            ..PeerFacts::default()
        };
        self.daemon.verdict(self.conn, &facts)
    }
}

fn asker(ssl: &SslRef) -> Option<&Asker> {
    index().ok().and_then(|index| ssl.ex_data(index))
}

fn too_short(bits: u32) -> Complaint {
    Complaint::new(format!("the peer's RSA key has {bits} bits, and {LEAST_RSA} are the least that is safe"))
        .code(BAD_CERTIFICATE)
}

/// The error for which OpenSSL sends the alert of this code.
fn as_error(code: i32) -> c_int {
    match code {
        40 => ffi::X509_V_ERR_APPLICATION_VERIFICATION,
        43 => ffi::X509_V_ERR_INVALID_PURPOSE,
        44 => ffi::X509_V_ERR_CERT_REVOKED,
        45 => ffi::X509_V_ERR_CERT_HAS_EXPIRED,
        46 => ffi::X509_V_ERR_PERMITTED_VIOLATION,
        48 => ffi::X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        51 => ffi::X509_V_ERR_CERT_SIGNATURE_FAILURE,
        _ => ffi::X509_V_ERR_CERT_REJECTED,
    }
}

fn index() -> Result<Index<Ssl, Asker>, ErrorStack> {
    static INDEX: OnceLock<Index<Ssl, Asker>> = OnceLock::new();
    match INDEX.get() {
        Some(index) => Ok(*index),
        None => {
            let new = Ssl::new_ex_index()?;
            Ok(*INDEX.get_or_init(|| new))
        }
    }
}

/// A message of a server's is counted, and so is the warning that answers it. RFC 5246 7.4.1.1: the first is no fault.
const MOST_NAGS: u32 = 2;
const HELLO_REQUEST: u8 = 0;
/// The handshake message that carries certificates.
const CERTIFICATE: u8 = 11;
const BAD_CERTIFICATE: i32 = 42;
/// As in the driver rustls.
const LEAST_RSA: u32 = 2048;
const SERVER_SECRET: &str = "SERVER_TRAFFIC_SECRET_0";
