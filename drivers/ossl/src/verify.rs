//! What OpenSSL asks when a peer shows a certificate. It has checked that the peer holds the key; everything else is the
//! daemon's verdict, which comes back as the error for which OpenSSL sends the alert of the verdict's code.

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::ssl::{NameType, Ssl, SslRef};
use openssl::stack::StackRef;
use openssl::x509::X509;
use openssl_sys as ffi;
use std::ffi::c_int;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use sysloom_sdk::tls::Daemon;
use sysloom_sdk::{Complaint, PeerFacts};

/// Who is asked about the peer of one session; hangs on the session itself.
pub struct Asker {
    daemon: Arc<dyn Daemon>,
    conn: u64,
    server: bool,
    asked: Mutex<Asked>,
}

/// What came of the question.
#[derive(Default)]
pub struct Asked {
    /// Whether there was one at all; resumed sessions and silent clients raise none.
    pub judged: bool,
    pub refusal: Option<Complaint>,
    /// The peer's certificates as received.
    pub chain: Vec<Vec<u8>>,
}

/// Hangs an asker on a session.
pub fn attach(ssl: &mut SslRef, daemon: Arc<dyn Daemon>, conn: u64, server: bool) -> Result<(), ErrorStack> {
    let asker = Asker { daemon, conn, server, asked: Mutex::default() };
    ssl.set_ex_data(index()?, asker);
    Ok(())
}

/// What came of the question, if there was one since the last call.
pub fn asked(ssl: &SslRef) -> Asked {
    let asker = index().ok().and_then(|index| ssl.ex_data(index));
    asker
        .map(|a| std::mem::take(&mut *a.asked.lock().unwrap_or_else(PoisonError::into_inner)))
        .unwrap_or_default()
}

/// Asks the daemon about a peer that shows a certificate. A refusal is one of OpenSSL's errors.
pub fn judge(ssl: &SslRef, chain: &StackRef<X509>) -> Result<(), c_int> {
    let asker = index().ok().and_then(|index| ssl.ex_data(index));
    let asker = asker.ok_or(ffi::X509_V_ERR_APPLICATION_VERIFICATION)?;
    let chain: Vec<Vec<u8>> = chain
        .iter()
        .map(|certificate| certificate.to_der())
        .collect::<Result<_, _>>()
        .map_err(|_| ffi::X509_V_ERR_APPLICATION_VERIFICATION)?;
    let facts = PeerFacts {
        chain: chain.iter().map(Vec::as_slice).collect(),
        server_name: ssl.servername(NameType::HOST_NAME).unwrap_or_default(),
        server: asker.server,
        ..PeerFacts::default()
    };
    let verdict = asker.daemon.verdict(asker.conn, &facts);
    drop(facts);
    let refused = verdict.as_ref().err().map(|complaint| as_error(complaint.code));
    let asked = Asked { judged: true, refusal: verdict.err(), chain };
    *asker.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
    refused.map_or(Ok(()), Err)
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
