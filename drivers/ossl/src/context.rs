//! What all sessions of one listener or one action share: keys, certificates, policy. Made once; no session copies any
//! of it.

use crate::identity::{self, Identity};
use crate::tickets::Sessions;
use crate::{ephemeral, policy, raw, verify, words};
use openssl::error::ErrorStack;
use openssl::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslOptions, SslSessionCacheMode, SslVerifyMode,
};
use std::sync::Arc;
use sysloom_sdk::tls::{Daemon, Wishes};
use sysloom_sdk::{Complaint, Level, Role};

/// The shared part of one role's sessions.
pub struct Context {
    pub ssl: SslContext,
    pub role: Role,
    /// What a client may resume.
    pub sessions: Arc<Sessions>,
}

impl Context {
    pub fn new(role: Role, wishes: &Wishes<'_>, daemon: &Arc<dyn Daemon>) -> Result<Self, Complaint> {
        let method = if role == Role::Server { SslMethod::tls_server() } else { SslMethod::tls_client() };
        let mut builder = SslContext::builder(method).map_err(|e| words::setup(&e))?;
        policy::apply(&mut builder, wishes.priority.unwrap_or_default())?;
        wishes.check_anchors()?;
        let own = match wishes.own()? {
            Some((cert, key)) => Some(identity::identity(cert, key, wishes.key_pass_file, daemon.as_ref())?),
            None => None,
        };
        let own = match own {
            None if role == Role::Server => Some(made_up(wishes, daemon.as_ref())?),
            own => own,
        };
        if let Some(own) = own {
            present(&mut builder, own).map_err(|e| words::setup(&e))?;
        }
        let asks = role == Role::Client || !wishes.anonymous();
        builder.set_verify(if asks { SslVerifyMode::PEER } else { SslVerifyMode::NONE });
        raw::judge_chains(&mut builder);
        raw::watch_messages(&mut builder);
        if role == Role::Server && asks {
            builder.set_keylog_callback(verify::secret);
        }
        let sessions = Arc::<Sessions>::default();
        match role {
            Role::Server => {
                builder.set_session_cache_mode(SslSessionCacheMode::OFF);
                // One that asks for certificates resumes nothing without a name for what it serves.
                builder.set_session_id_context(b"sysloom").map_err(|e| words::setup(&e))?;
                // OpenSSL forgets the name that a resumed session's client asks for unless somebody takes it.
                builder.set_servername_callback(|_, _| Ok(()));
                if !raw::judge_tickets(&mut builder) {
                    return Err(words::setup(&ErrorStack::get()));
                }
            }
            Role::Client if builder.options().contains(SslOptions::NO_TICKET) => {
                builder.set_session_cache_mode(SslSessionCacheMode::OFF);
            }
            Role::Client => {
                builder
                    .set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
                let sessions = sessions.clone();
                builder.set_new_session_callback(move |ssl, session| verify::keep(ssl, &sessions, session));
            }
        }
        if role == Role::Client {
            builder.set_status_callback(|ssl| Ok(verify::stapled(ssl))).map_err(|e| words::setup(&e))?;
        }
        builder.set_read_ahead(true);
        raw::set_read_buffer(&mut builder, CHUNK);
        raw::release_buffers(&mut builder);
        raw::limit_chains(&mut builder, LONGEST_CHAIN);
        Ok(Self { ssl: builder.build(), role, sessions })
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("role", &self.role).finish_non_exhaustive()
    }
}

/// A server's certificate when the configuration has none.
fn made_up(wishes: &Wishes<'_>, daemon: &dyn Daemon) -> Result<Identity, Complaint> {
    if !wishes.anonymous() {
        return Err(wishes.lacks_certificate());
    }
    daemon.log(
        Level::Info,
        "no certificate is configured: an ephemeral self-signed one is used, which auth mode anon allows",
    );
    let (certificate, key) = ephemeral::make()?;
    Ok(Identity { certificate, intermediates: Vec::new(), key })
}

fn present(builder: &mut SslContextBuilder, own: Identity) -> Result<(), ErrorStack> {
    builder.set_certificate(&own.certificate)?;
    for certificate in own.intermediates {
        builder.add_extra_chain_cert(certificate)?;
    }
    builder.set_private_key(&own.key)
}

/// A peer's certificates together, as in the driver rustls.
const LONGEST_CHAIN: i64 = 64 << 10;
/// What is read from below at a time.
const CHUNK: usize = 64 << 10;
