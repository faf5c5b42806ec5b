//! What all sessions of one listener or one action share: keys, certificates, policy. No session copies any of it.

use crate::identity::{self, Identity};
use crate::tickets::Sessions;
use crate::{ephemeral, policy, raw, verify, words};
use openssl::error::ErrorStack;
use openssl::ssl::{
    SslContext, SslContextBuilder, SslMethod, SslOptions, SslSessionCacheMode, SslVerifyMode,
};
use std::ffi::c_long;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use sysloom_sdk::tls::{Daemon, Wishes};
use sysloom_sdk::{Complaint, Level, Role};

/// The shared part of one role's sessions.
pub struct Context {
    recipe: Recipe,
    /// Made anew from time to time, and when that was.
    current: Mutex<(SslContext, Instant)>,
}

/// What OpenSSL's context is made of. The files have been read.
struct Recipe {
    role: Role,
    anonymous: bool,
    priority: Box<str>,
    own: Option<Identity>,
    /// What a client may resume.
    sessions: Arc<Sessions>,
}

impl Context {
    pub fn new(role: Role, wishes: &Wishes<'_>, daemon: &Arc<dyn Daemon>) -> Result<Self, Complaint> {
        let priority = wishes.priority.unwrap_or_default().into();
        let mut recipe =
            Recipe { role, anonymous: wishes.anonymous(), priority, own: None, sessions: Arc::default() };
        // A bad string is told of before bad files.
        recipe.builder()?;
        wishes.check_anchors()?;
        recipe.own = match wishes.own()? {
            Some((cert, key)) => Some(identity::identity(cert, key, wishes.key_pass_file, daemon.as_ref())?),
            None if role == Role::Server => Some(made_up(wishes, daemon.as_ref())?),
            None => None,
        };
        let ssl = recipe.make()?;
        Ok(Self { recipe, current: Mutex::new((ssl, Instant::now())) })
    }

    pub fn role(&self) -> Role {
        self.recipe.role
    }

    /// What a client may resume.
    pub fn sessions(&self) -> &Sessions {
        &self.recipe.sessions
    }

    /// OpenSSL's context for a session that begins now. OpenSSL never changes the key of a server's tickets, and who gets
    /// hold of it can read all that was sent with them; so the context is made anew before that is too much.
    pub fn ssl(&self, now: Instant) -> SslContext {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if self.recipe.role == Role::Server
            && now.saturating_duration_since(current.1) > TICKET_KEY_LIFE
            && let Ok(new) = self.recipe.make()
        {
            *current = (new, now);
        }
        current.0.clone()
    }
}

impl Recipe {
    fn builder(&self) -> Result<SslContextBuilder, Complaint> {
        let method = match self.role {
            Role::Server => SslMethod::tls_server(),
            Role::Client => SslMethod::tls_client(),
        };
        let mut builder = SslContext::builder(method).map_err(|e| words::setup(&e))?;
        policy::apply(&mut builder, &self.priority)?;
        Ok(builder)
    }

    fn make(&self) -> Result<SslContext, Complaint> {
        let mut builder = self.builder()?;
        self.fill(&mut builder).map_err(|e| words::setup(&e))?;
        Ok(builder.build())
    }

    fn fill(&self, builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        if let Some(own) = &self.own {
            present(builder, own)?;
        }
        raw::judge_chains(builder);
        raw::watch_messages(builder);
        builder.set_read_ahead(true);
        raw::set_read_buffer(builder, CHUNK);
        raw::release_buffers(builder);
        raw::limit_chains(builder, LONGEST_CHAIN);
        match self.role {
            Role::Server => self.serve(builder),
            Role::Client => self.call(builder),
        }
    }

    fn serve(&self, builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        match self.anonymous {
            true => builder.set_verify(SslVerifyMode::NONE),
            false => {
                builder.set_verify(SslVerifyMode::PEER);
                builder.set_keylog_callback(verify::secret);
            }
        }
        builder.set_session_cache_mode(SslSessionCacheMode::OFF);
        // One that asks for certificates resumes nothing without a name for what it serves.
        builder.set_session_id_context(b"sysloom")?;
        // OpenSSL forgets the name that a resumed session's client asks for unless somebody takes it.
        builder.set_servername_callback(|_, _| Ok(()));
        raw::judge_tickets(builder)
    }

    fn call(&self, builder: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        builder.set_verify(SslVerifyMode::PEER);
        if builder.options().contains(SslOptions::NO_TICKET) {
            builder.set_session_cache_mode(SslSessionCacheMode::OFF);
        } else {
            builder.set_session_cache_mode(SslSessionCacheMode::CLIENT | SslSessionCacheMode::NO_INTERNAL);
            let sessions = self.sessions.clone();
            builder.set_new_session_callback(move |ssl, session| verify::keep(ssl, &sessions, session));
        }
        builder.set_status_callback(|ssl| Ok(verify::stapled(ssl)))
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("role", &self.recipe.role).finish_non_exhaustive()
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

fn present(builder: &mut SslContextBuilder, own: &Identity) -> Result<(), ErrorStack> {
    builder.set_certificate(&own.certificate)?;
    for certificate in &own.intermediates {
        builder.add_extra_chain_cert(certificate.clone())?;
    }
    builder.set_private_key(&own.key)
}

/// A peer's certificates together, as in the driver rustls.
const LONGEST_CHAIN: c_long = 64 << 10;
/// What is read from below at a time.
const CHUNK: usize = 64 << 10;
/// As in the driver rustls.
const TICKET_KEY_LIFE: Duration = Duration::from_secs(6 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use foreign_types::ForeignTypeRef;
    use sysloom_sdk::PeerFacts;

    #[derive(Debug)]
    struct Nobody;

    impl Daemon for Nobody {
        fn verdict(&self, _: u64, _: &PeerFacts<'_>) -> Result<(), Complaint> {
            Ok(())
        }

        fn log(&self, _: Level, _: &str) {}

        fn enabled(&self, _: Level) -> bool {
            false
        }
    }

    #[test]
    fn a_servers_tickets_get_a_new_key_every_few_hours() {
        let daemon: Arc<dyn Daemon> = Arc::new(Nobody);
        let wishes = Wishes { auth_mode: "anon", ..Wishes::default() };
        for (role, renewed) in [(Role::Server, true), (Role::Client, false)] {
            let context = Context::new(role, &wishes, &daemon).unwrap();
            let begin = Instant::now();
            // Those of before are held on to, so that no new one takes their place in memory.
            let at: Vec<_> =
                [0, 5, 7, 12, 14].map(|h| context.ssl(begin + Duration::from_secs(h * 3600))).into();
            let same: Vec<_> = at.windows(2).map(|two| two[0].as_ptr() == two[1].as_ptr()).collect();
            assert_eq!(same, [true, !renewed, true, !renewed]);
        }
    }
}
