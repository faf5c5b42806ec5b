//! What the crate `openssl` has no safe words for: the place where a whole chain is judged, and a few facts.

use crate::verify;
use foreign_types::ForeignTypeRef;
use openssl::nid::Nid;
use openssl::ssl::{SslContextBuilder, SslRef};
use openssl::stack::{StackRef, Stackable};
use openssl::x509::{X509, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use openssl_sys as ffi;
use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

unsafe extern "C" {
    fn SSL_CTX_set_cert_verify_callback(
        ctx: *mut ffi::SSL_CTX,
        callback: Option<unsafe extern "C" fn(*mut ffi::X509_STORE_CTX, *mut c_void) -> c_int>,
        argument: *mut c_void,
    );
    fn X509_STORE_CTX_get0_untrusted(
        store: *const ffi::X509_STORE_CTX,
    ) -> *mut <X509 as Stackable>::StackType;
    fn SSL_CTX_set_default_read_buffer_len(ctx: *mut ffi::SSL_CTX, len: usize);
}

/// Has [`verify::judge`] decide on the chains of peers, instead of OpenSSL.
pub fn judge_chains(builder: &mut SslContextBuilder) {
    // SAFETY: the context is valid, and the callback is a function of this library, which is never unloaded.
    unsafe { SSL_CTX_set_cert_verify_callback(builder.as_ptr(), Some(judge_chain), null_mut()) }
}

/// How much is read from below at a time.
pub fn set_read_buffer(builder: &mut SslContextBuilder, len: usize) {
    // SAFETY: the context is valid; it takes a number.
    unsafe { SSL_CTX_set_default_read_buffer_len(builder.as_ptr(), len) }
}

/// Keeps no buffers for sessions that are idle.
pub fn release_buffers(builder: &mut SslContextBuilder) {
    // SAFETY: the context is valid; this control takes bits and no pointer.
    unsafe {
        ffi::SSL_CTX_ctrl(builder.as_ptr(), ffi::SSL_CTRL_MODE, ffi::SSL_MODE_RELEASE_BUFFERS, null_mut())
    };
}

/// The key exchange's group, by its name in RFC 8446.
pub fn group(ssl: &SslRef) -> Option<&'static str> {
    // SAFETY: the session is valid; this control takes nothing and returns a number.
    let nid = unsafe { ffi::SSL_ctrl(ssl.as_ptr(), GET_NEGOTIATED_GROUP, 0, null_mut()) };
    // Above these bits stands a group without a number of its own.
    let nid = c_int::try_from(nid).ok().filter(|nid| *nid > 0 && nid & NO_NID == 0)?;
    match Nid::from_raw(nid) {
        Nid::X9_62_PRIME256V1 => Some("secp256r1"),
        other => other.short_name().ok(),
    }
}

unsafe extern "C" fn judge_chain(store: *mut ffi::X509_STORE_CTX, _: *mut c_void) -> c_int {
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: OpenSSL lends its store for this call, and nobody else uses it meanwhile.
        let store = unsafe { X509StoreContextRef::from_ptr_mut(store) };
        let ssl = X509StoreContext::ssl_idx().ok().and_then(|index| store.ex_data(index));
        // SAFETY: the store belongs to a handshake, which holds the chain as received for the time of this call.
        let chain = unsafe { X509_STORE_CTX_get0_untrusted(store.as_ptr()) };
        let verdict = match ssl {
            // SAFETY: as above; a null pointer was sorted out.
            Some(ssl) if !chain.is_null() => verify::judge(ssl, unsafe { StackRef::<X509>::from_ptr(chain) }),
            _ => Err(ffi::X509_V_ERR_APPLICATION_VERIFICATION),
        };
        match verdict {
            Ok(()) => store.set_error(X509VerifyResult::OK),
            // SAFETY: a number of OpenSSL's own.
            Err(error) => store.set_error(unsafe { X509VerifyResult::from_raw(error) }),
        }
        verdict.is_ok()
    }));
    c_int::from(verdict.unwrap_or(false))
}

/// `SSL_CTRL_GET_NEGOTIATED_GROUP`.
const GET_NEGOTIATED_GROUP: c_int = 134;
/// `TLSEXT_nid_unknown`.
const NO_NID: c_int = 0x100_0000;
