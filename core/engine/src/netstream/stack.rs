//! From a driver's name to a ready stack: `acmezip+rustls+ptcp` becomes one context a layer, checked against mode
//! and authentication mode, with the one policy that judges its peers.

use super::identity::{AuthMode, Policy};
use super::params::StreamParams;
use crate::plugin::{Connected, Context, Destination, Driver, Fault, Halt, Listener, Session, Side};
use std::sync::Arc;
use sysloom_abi::stream_param;

/// What the streams of one listener or one action share.
pub struct Stack {
    side: Side,
    transport: Arc<Context>,
    /// The lowest first.
    layers: Vec<Arc<Context>>,
    /// None = the stack proves nobody's identity.
    policy: Option<Arc<Policy>>,
    name: String,
}

impl Stack {
    /// Loads the drivers (`find` gives them by name), checks mode and authentication mode, reads keys and
    /// certificates. In a fault, `param` counts as [`stream_param`] does.
    pub fn new(
        params: &StreamParams,
        side: Side,
        me: u64,
        find: &dyn Fn(&str) -> Result<Arc<Driver>, Fault>,
    ) -> Result<Self, Fault> {
        let text = params.driver.as_deref().unwrap_or(TRANSPORT);
        let mut drivers = Vec::new();
        for name in text.split('+').map(str::trim) {
            if name.is_empty() {
                return Err(fault(None, 0, format!("\"{text}\" is no driver: a name is missing at a +")));
            }
            // A path is what it is.
            let name = if name.contains('/') { name.to_owned() } else { name.to_ascii_lowercase() };
            drivers.push(find(&name)?);
        }
        drivers.reverse();
        // A layer stands on plain TCP unless it is told otherwise.
        if drivers.first().is_none_or(|lowest| !lowest.is_transport()) {
            drivers.insert(0, find(TRANSPORT)?);
        }
        let encrypts = drivers.iter().any(|d| d.encrypts());
        let encrypted = mode(params.mode, encrypts, text)?;
        let auth = auth_mode(params, encrypts, text)?;
        // rsyslog: mode 0 of a TLS driver is the transport alone.
        drivers.retain(|d| encrypted || !d.encrypts());
        let values = params.values(auth.word());
        let mut contexts = Vec::with_capacity(drivers.len());
        for (i, driver) in drivers.iter().enumerate() {
            if i > 0 && !driver.is_layer() {
                let name = driver.name();
                return Err(fault(
                    None,
                    0,
                    format!("driver {name} stands on the network itself: it must be the last of \"{text}\""),
                ));
            }
            contexts.push(driver.context(me, side, &values)?);
        }
        let policy = match encrypted {
            true => Some(Arc::new(Policy::of_stream(params, auth, side)?)),
            false => None,
        };
        let mut contexts = contexts.into_iter();
        let Some(transport) = contexts.next() else {
            return Err(fault(None, 0, format!("\"{text}\" has no transport")));
        };
        let name = if encrypted { text.to_owned() } else { drivers[0].name().to_owned() };
        Ok(Self { side, transport, layers: contexts.collect(), policy, name })
    }

    /// As the configuration wrote it; the transport's name when mode 0 leaves nothing else.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether what is written to its streams leaves this host encrypted.
    pub fn encrypts(&self) -> bool {
        self.policy.is_some()
    }

    pub(crate) fn policy(&self) -> Option<&Arc<Policy>> {
        self.policy.as_ref()
    }

    pub(crate) fn listen(
        &self,
        address: &str,
        port: &str,
        family: u32,
        backlog: u32,
    ) -> Result<Listener, Fault> {
        self.transport.listen(address, port, family, backlog)
    }

    pub(crate) fn connect(&self, to: &Destination<'_>) -> Result<Connected, Halt> {
        self.transport.connect(to)
    }

    /// Puts the layers over a transport's stream.
    pub(crate) fn dress(&self, bare: Session, server_name: &str, conn: u64) -> Result<Session, Fault> {
        self.layers.iter().try_fold(bare, |lower, layer| layer.over(lower, self.side, server_name, conn))
    }
}

/// Whether the streams shall be encrypted.
fn mode(mode: i64, encrypts: bool, text: &str) -> Result<bool, Fault> {
    let param = Some(stream_param::MODE);
    match mode {
        0 => Ok(false),
        1 if encrypts => Ok(true),
        1 => Err(fault(
            param,
            WRONG_MODE,
            format!(
                "driver mode 1 (TLS) is not supported by the {text} netstream driver, which encrypts nothing: name \
                 a TLS driver or set mode 0"
            ),
        )),
        _ => {
            Err(fault(param, WRONG_MODE, format!("driver mode {mode} does not exist: 0 is plain, 1 is TLS")))
        }
    }
}

fn auth_mode(params: &StreamParams, encrypts: bool, text: &str) -> Result<AuthMode, Fault> {
    let param = Some(stream_param::AUTH_MODE);
    let Some(word) = params.auth_mode.as_deref() else {
        return Ok(if encrypts { AuthMode::Name } else { AuthMode::Anon });
    };
    let Some(auth) = AuthMode::parse(word) else {
        return Err(fault(
            param,
            UNSUPPORTED,
            format!(
                "authentication mode '{word}' does not exist: anon, x509/fingerprint, x509/certvalid, x509/name"
            ),
        ));
    };
    if !encrypts && auth != AuthMode::Anon {
        return Err(fault(
            param,
            UNSUPPORTED,
            format!(
                "authentication mode '{word}' is not supported by the {text} netstream driver (only anon)"
            ),
        ));
    }
    Ok(auth)
}

fn fault(param: Option<usize>, code: i32, text: String) -> Fault {
    Fault { param, code, text }
}

/// The driver when none is named, and what a layer stands on.
const TRANSPORT: &str = "ptcp";
/// rsyslog's codes for a mode and for a value that a driver does not have.
const WRONG_MODE: i32 = 2081;
const UNSUPPORTED: i32 = 2086;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_one_needs_encryption() {
        assert!(!mode(0, true, "rustls").unwrap());
        assert!(mode(1, true, "rustls").unwrap());
        let why = mode(1, false, "ptcp").unwrap_err();
        assert_eq!((why.param, why.code), (Some(stream_param::MODE), WRONG_MODE));
        assert!(why.text.contains("ptcp"));
        assert!(mode(2, true, "rustls").unwrap_err().text.contains("mode 2"));
    }

    #[test]
    fn authentication_unset_is_name_where_it_can_be() {
        let mut params = StreamParams::default();
        assert_eq!(auth_mode(&params, true, "rustls").unwrap(), AuthMode::Name);
        assert_eq!(auth_mode(&params, false, "ptcp").unwrap(), AuthMode::Anon);
        params.auth_mode = Some("ANON".to_owned());
        assert_eq!(auth_mode(&params, true, "rustls").unwrap(), AuthMode::Anon);
        params.auth_mode = Some("x509/Certvalid".to_owned());
        assert_eq!(auth_mode(&params, true, "rustls").unwrap(), AuthMode::CertValid);
        assert!(auth_mode(&params, false, "ptcp").unwrap_err().text.contains("ptcp"));
        params.auth_mode = Some("x509/nmae".to_owned());
        let why = auth_mode(&params, true, "rustls").unwrap_err();
        assert_eq!((why.param, why.code), (Some(stream_param::AUTH_MODE), UNSUPPORTED));
    }

    #[test]
    fn an_empty_name_is_refused() {
        let params = StreamParams { driver: Some("rustls++ptcp".to_owned()), ..Default::default() };
        let find = |name: &str| Err(fault(None, 0, format!("no {name}")));
        // The first name is looked up before the hole is seen.
        assert_eq!(Stack::new(&params, Side::Client, 0, &find).err().unwrap().text, "no rustls");
        let params = StreamParams { driver: Some(" ".to_owned()), ..Default::default() };
        assert!(Stack::new(&params, Side::Client, 0, &find).err().unwrap().text.contains("is missing"));
    }
}
