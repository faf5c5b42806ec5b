//! What all sessions of one listener or one action share: keys, certificates, policy, tickets. Made once; no session
//! copies any of it.

use crate::policy::Policy;
use crate::verify::{Asker, OnlyCertificate};
use crate::{ephemeral, identity, words};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::pki_types::{DnsName, IpAddr, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ServerConfig};
use std::sync::Arc;
use sysloom_sdk::tls::{Daemon, Wishes};
use sysloom_sdk::{Complaint, Level, Role};

/// The shared part of one role's sessions.
#[derive(Debug)]
pub enum Context {
    Server(Arc<ServerConfig>),
    Client {
        /// Sends the server's name.
        naming: Arc<ClientConfig>,
        /// For those who want none sent.
        nameless: Arc<ClientConfig>,
    },
}

impl Context {
    pub fn new(role: Role, wishes: &Wishes<'_>, daemon: &Arc<dyn Daemon>) -> Result<Self, Complaint> {
        let policy = Policy::parse(wishes.priority.unwrap_or_default())?;
        wishes.check_anchors()?;
        let own = match wishes.own()? {
            Some((cert, key)) => Some(identity::identity(cert, key, daemon.as_ref())?),
            None => None,
        };
        match role {
            Role::Server => server(own, &policy, wishes, daemon),
            Role::Client => client(own, &policy, daemon),
        }
    }
}

/// The name that TLS needs for `text`, and whether it is to be sent. Addresses are never sent (RFC 6066 3).
pub fn server_name(text: &str) -> Result<(ServerName<'static>, bool), Complaint> {
    // RFC 6066 3: without the trailing dot.
    let plain = text.strip_suffix('.').unwrap_or(text);
    if plain.is_empty() {
        let name = DnsName::try_from(NAMELESS).map(ServerName::DnsName);
        return name.map(|n| (n, false)).map_err(|e| Complaint::new(e.to_string()));
    }
    if let Ok(address) = plain.parse::<std::net::IpAddr>() {
        return Ok((ServerName::IpAddress(IpAddr::from(address)), false));
    }
    let name = DnsName::try_from(plain.to_owned()).map_err(|_| {
        Complaint::new(format!(
            "'{text}' is no host name that TLS can ask for (letters, digits, - and _ in labels joined by dots)"
        ))
        .param(REMOTE_SNI)
    })?;
    Ok((ServerName::DnsName(name), true))
}

fn server(
    own: Option<CertifiedKey>,
    policy: &Policy,
    wishes: &Wishes<'_>,
    daemon: &Arc<dyn Daemon>,
) -> Result<Context, Complaint> {
    let anonymous = wishes.anonymous();
    let own = match own {
        Some(own) => own,
        None if anonymous => {
            daemon.log(
                Level::Info,
                "no certificate is configured: an ephemeral self-signed one is used, which auth mode anon allows",
            );
            ephemeral::make()?
        }
        None => return Err(wishes.lacks_certificate()),
    };
    let provider = Arc::new(policy.provider());
    let asker = Asker::new(daemon.clone(), provider.signature_verification_algorithms);
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&policy.versions())
        .map_err(|e| words::setup(&e))?;
    let builder = if anonymous {
        builder.with_no_client_auth()
    } else {
        builder.with_client_cert_verifier(Arc::new(asker))
    };
    let mut config = builder.with_cert_resolver(Arc::new(OnlyCertificate(Arc::new(own))));
    config.ignore_client_order = policy.server_order;
    config.require_ems = policy.require_ems;
    config.max_early_data_size = 0;
    // For the alert to a peer that is refused after the handshake.
    config.enable_secret_extraction = true;
    // Tickets keep the session with the client, so that nothing is stored here.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // A ticket after the handshake lies unread at a sender that only writes. When it closes then, its system answers
    // with a reset and throws away what was not yet delivered: messages, for a resumption that few senders use.
    config.send_tls13_tickets = usize::from(policy.tickets && policy.late_tickets);
    if policy.tickets {
        config.ticketer = Ticketer::new().map_err(|e| words::setup(&e))?;
    }
    Ok(Context::Server(Arc::new(config)))
}

fn client(
    own: Option<CertifiedKey>,
    policy: &Policy,
    daemon: &Arc<dyn Daemon>,
) -> Result<Context, Complaint> {
    let provider = Arc::new(policy.provider());
    let asker = Asker::new(daemon.clone(), provider.signature_verification_algorithms);
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&policy.versions())
        .map_err(|e| words::setup(&e))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(asker));
    let mut config = match own {
        Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))),
        None => builder.with_no_client_auth(),
    };
    config.enable_early_data = false;
    config.enable_secret_extraction = true;
    config.require_ems = policy.require_ems;
    config.resumption =
        if policy.tickets { Resumption::in_memory_sessions(SESSIONS) } else { Resumption::disabled() };
    let mut nameless = config.clone();
    nameless.enable_sni = false;
    Ok(Context::Client { naming: Arc::new(config), nameless: Arc::new(nameless) })
}

/// What rustls is told instead of a name when none is to be sent; `.invalid` belongs to nobody.
pub const NAMELESS: &str = "nameless.invalid";
/// The parameter that sets what a client asks for.
const REMOTE_SNI: &str = "streamDriver.remoteSNI";
/// Servers that a client remembers sessions of; an action has one or a small pool.
const SESSIONS: usize = 32;
