//! What the crate `openssl` has no safe words for: the place where a whole chain is judged, the one where messages pass by,
//! configuration commands, and a few facts.

use crate::{tickets, verify};
use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::ssl::{SslCipher, SslContextBuilder, SslRef, SslSession};
use openssl::stack::{StackRef, Stackable};
use openssl::x509::{X509, X509StoreContext, X509StoreContextRef, X509VerifyResult};
use openssl_sys as ffi;
use std::ffi::{CStr, c_char, c_int, c_long, c_uchar, c_uint, c_void};
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
    fn SSL_CTX_set_msg_callback(
        ctx: *mut ffi::SSL_CTX,
        callback: Option<
            unsafe extern "C" fn(c_int, c_int, c_int, *const c_void, usize, *mut ffi::SSL, *mut c_void),
        >,
    );
    fn SSL_CTX_set_session_ticket_cb(
        ctx: *mut ffi::SSL_CTX,
        make: Option<unsafe extern "C" fn(*mut ffi::SSL, *mut c_void) -> c_int>,
        open: Option<
            unsafe extern "C" fn(
                *mut ffi::SSL,
                *mut ffi::SSL_SESSION,
                *const c_uchar,
                usize,
                c_int,
                *mut c_void,
            ) -> c_int,
        >,
        argument: *mut c_void,
    ) -> c_int;
    fn SSL_SESSION_set1_ticket_appdata(
        session: *mut ffi::SSL_SESSION,
        data: *const c_void,
        len: usize,
    ) -> c_int;
    fn SSL_SESSION_get0_ticket_appdata(
        session: *mut ffi::SSL_SESSION,
        data: *mut *mut c_void,
        len: *mut usize,
    ) -> c_int;
    fn SSL_CTX_get_ciphers(ctx: *const ffi::SSL_CTX) -> *mut <SslCipher as Stackable>::StackType;
    fn SSL_CONF_CTX_new() -> *mut ConfCtx;
    fn SSL_CONF_CTX_free(conf: *mut ConfCtx);
    fn SSL_CONF_CTX_set_flags(conf: *mut ConfCtx, flags: c_uint) -> c_uint;
    fn SSL_CONF_CTX_set_ssl_ctx(conf: *mut ConfCtx, ctx: *mut ffi::SSL_CTX);
    fn SSL_CONF_cmd(conf: *mut ConfCtx, command: *const c_char, value: *const c_char) -> c_int;
    fn SSL_CONF_CTX_finish(conf: *mut ConfCtx) -> c_int;
}

/// `SSL_CONF_CTX`, of which nothing is known here.
#[repr(C)]
struct ConfCtx {
    _hidden: [u8; 0],
}

/// Why OpenSSL did not take a configuration command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untaken {
    Unknown,
    BadValue,
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

/// Shows [`verify::heard`] every handshake message of the peer before OpenSSL works on it, and tells [`verify::declined`]
/// that OpenSSL has declined a new handshake.
pub fn watch_messages(builder: &mut SslContextBuilder) {
    // SAFETY: the context is valid, and the callback is a function of this library, which is never unloaded.
    unsafe { SSL_CTX_set_msg_callback(builder.as_ptr(), Some(message)) }
}

/// Has a server's tickets hold what [`verify::ticket`] says, and be used only if [`verify::resumes`] says so.
pub fn judge_tickets(builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    // SAFETY: the context is valid, and the callbacks are functions of this library, which is never unloaded.
    let set = unsafe {
        SSL_CTX_set_session_ticket_cb(builder.as_ptr(), Some(make_ticket), Some(open_ticket), null_mut())
    };
    if set == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}

/// Chooses the session that a client offers to its server, before the handshake; `None` = no session.
pub fn set_session(ssl: &SslRef, session: Option<&SslSession>) -> Result<(), ErrorStack> {
    let session = session.map_or(null_mut(), |session| session.as_ptr());
    // SAFETY: both are valid, the handshake has not begun, and the session is of the same context: those that are kept
    // are kept by context. OpenSSL counts its own reference.
    match unsafe { ffi::SSL_set_session(ssl.as_ptr(), session) } {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}

/// Has a handshake fail whose client has no certificate; it may be under way.
pub fn require_certificate(ssl: &SslRef) {
    let mode = ffi::SSL_VERIFY_PEER | ffi::SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    // SAFETY: the session is valid, and its thread is inside of it; this sets a number and, being None, no callback.
    unsafe { ffi::SSL_set_verify(ssl.as_ptr(), mode, None) }
}

/// Suites of TLS 1.2 that a context has.
pub fn ciphers(builder: &SslContextBuilder) -> Vec<(String, i32)> {
    // SAFETY: the context is valid and owns the list, which is only read here.
    let list = unsafe { SSL_CTX_get_ciphers(builder.as_ptr()) };
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: as above; a null pointer was sorted out.
    let list = unsafe { StackRef::<SslCipher>::from_ptr(list) };
    list.iter().map(|c| (c.name().to_owned(), c.bits().secret)).collect()
}

/// Gives a context configuration commands as OpenSSL's files have them, those about certificates apart.
pub fn configure<'a>(
    builder: &mut SslContextBuilder,
    commands: impl Iterator<Item = (&'a CStr, &'a CStr)>,
) -> Result<(), (&'a CStr, Untaken)> {
    // SAFETY: it makes an object of its own, or nothing.
    let conf = unsafe { SSL_CONF_CTX_new() };
    if conf.is_null() {
        return Err((c"", Untaken::BadValue));
    }
    // One text may serve both sides.
    let flags = CONF_FLAG_FILE | CONF_FLAG_CLIENT | CONF_FLAG_SERVER;
    // SAFETY: both objects are valid, and `conf` is freed below, before `builder` can go.
    unsafe {
        SSL_CONF_CTX_set_flags(conf, flags);
        SSL_CONF_CTX_set_ssl_ctx(conf, builder.as_ptr());
    }
    let mut result = Ok(());
    for (command, value) in commands {
        // SAFETY: both texts end with a zero and outlive the call.
        match unsafe { SSL_CONF_cmd(conf, command.as_ptr(), value.as_ptr()) } {
            1.. => {}
            -2 => result = Err((command, Untaken::Unknown)),
            _ => result = Err((command, Untaken::BadValue)),
        }
        if result.is_err() {
            break;
        }
    }
    // SAFETY: the object is ours, and this is its last use.
    unsafe {
        if result.is_ok() && SSL_CONF_CTX_finish(conf) != 1 {
            result = Err((c"", Untaken::BadValue));
        }
        SSL_CONF_CTX_free(conf);
    }
    result
}

/// How long a peer's list of certificates may be.
pub fn limit_chains(builder: &mut SslContextBuilder, bytes: c_long) {
    // SAFETY: the context is valid; this control takes a number and no pointer.
    unsafe { ffi::SSL_CTX_ctrl(builder.as_ptr(), SET_MAX_CERT_LIST, bytes, null_mut()) };
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

unsafe extern "C" fn message(
    sent: c_int,
    _: c_int,
    kind: c_int,
    bytes: *const c_void,
    len: usize,
    ssl: *mut ffi::SSL,
    _: *mut c_void,
) {
    if !matches!((sent, kind), (0, HANDSHAKE) | (1, ALERT)) || bytes.is_null() || ssl.is_null() {
        return;
    }
    // A panic must not run through OpenSSL. What then lacks is a question that is asked after the handshake.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: OpenSSL lends the message and its session for this call.
        let (bytes, ssl) =
            unsafe { (std::slice::from_raw_parts(bytes.cast::<u8>(), len), SslRef::from_ptr(ssl)) };
        match bytes {
            [WARNING, NO_RENEGOTIATION] if sent == 1 => verify::declined(ssl),
            _ if sent == 1 => {}
            _ => verify::heard(ssl, bytes),
        }
    }));
}

unsafe extern "C" fn make_ticket(ssl: *mut ffi::SSL, _: *mut c_void) -> c_int {
    let made = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: OpenSSL lends its session for this call.
        let ssl = unsafe { SslRef::from_ptr(ssl) };
        let Some(data) = verify::ticket(ssl) else { return true };
        // SAFETY: the session is the one that the ticket is made of; the bytes are copied.
        unsafe {
            let session = ffi::SSL_get_session(ssl.as_ptr());
            SSL_SESSION_set1_ticket_appdata(session, data.as_ptr().cast(), data.len()) == 1
        }
    }));
    c_int::from(made.unwrap_or(false))
}

unsafe extern "C" fn open_ticket(
    ssl: *mut ffi::SSL,
    session: *mut ffi::SSL_SESSION,
    _: *const c_uchar,
    _: usize,
    status: c_int,
    _: *mut c_void,
) -> c_int {
    let used = match status {
        TICKET_SUCCESS => TICKET_USE,
        TICKET_SUCCESS_RENEW => TICKET_USE_RENEW,
        _ => return TICKET_IGNORE_RENEW,
    };
    let accepted = catch_unwind(AssertUnwindSafe(|| {
        let (mut data, mut len) = (null_mut(), 0);
        // SAFETY: OpenSSL lends the ticket's session for this call, and the data with it.
        let data = unsafe {
            if SSL_SESSION_get0_ticket_appdata(session, &mut data, &mut len) != 1 {
                return false;
            }
            if data.is_null() { &[] } else { std::slice::from_raw_parts(data.cast::<u8>(), len) }
        };
        // SAFETY: as above.
        let ssl = unsafe { SslRef::from_ptr(ssl) };
        tickets::unpack(data).is_some_and(|chain| verify::resumes(ssl, chain))
    }));
    if accepted.unwrap_or(false) { used } else { TICKET_IGNORE_RENEW }
}

/// `SSL_TICKET_SUCCESS` and its like.
const TICKET_SUCCESS: c_int = 5;
const TICKET_SUCCESS_RENEW: c_int = 6;
/// `SSL_TICKET_RETURN_IGNORE_RENEW` and its like.
const TICKET_IGNORE_RENEW: c_int = 2;
const TICKET_USE: c_int = 3;
const TICKET_USE_RENEW: c_int = 4;
/// `SSL3_RT_HANDSHAKE` and its like.
const ALERT: c_int = 21;
const HANDSHAKE: c_int = 22;
const WARNING: u8 = 1;
const NO_RENEGOTIATION: u8 = 100;
/// `SSL_CONF_FLAG_FILE` and its like.
const CONF_FLAG_FILE: c_uint = 2;
const CONF_FLAG_CLIENT: c_uint = 4;
const CONF_FLAG_SERVER: c_uint = 8;
/// `SSL_CTRL_SET_MAX_CERT_LIST`.
const SET_MAX_CERT_LIST: c_int = 51;
/// `SSL_CTRL_GET_NEGOTIATED_GROUP`.
const GET_NEGOTIATED_GROUP: c_int = 134;
/// `TLSEXT_nid_unknown`.
const NO_NID: c_int = 0x100_0000;
