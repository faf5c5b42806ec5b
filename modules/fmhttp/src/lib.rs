//! fmhttp: the function http_request(), what a web server answers. It blocks the worker that evaluates it, as in
//! rsyslog; here no longer than a limit of time, and for no more than a limit of bytes.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;
use sysloom_sdk::{Answer, Arguments, Complaint, Function, Host, Level, plugin};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// `http_request(url)`: the body of the answer to a GET, 0 if there is none.
pub struct HttpRequest {
    agent: Agent,
    host: Host,
}

impl Function for HttpRequest {
    const NAME: &'static str = "http_request";
    const ARGUMENTS: (u32, u32) = (1, 1);
    type Module = ();

    fn new(_: &(), _: &Arguments<'_>, host: Host) -> Result<Self, Complaint> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        // rsyslog: an error page is an answer like any other, and redirections are not followed.
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Ok(Self { agent: config.new_agent(), host })
    }

    fn call(&self, arguments: &Arguments<'_>, answer: &mut Answer<'_>) {
        let url = arguments.text(0);
        match self.body(&String::from_utf8_lossy(&url)) {
            Ok(body) => answer.text(&body),
            Err(why) => {
                let url = String::from_utf8_lossy(&url);
                self.host.log(
                    Level::Error,
                    0,
                    &format!("http_request(\"{url}\") failed, its value is 0: {why}"),
                );
                answer.script_error(1);
            }
        }
    }
}

impl HttpRequest {
    fn body(&self, url: &str) -> Result<Vec<u8>, ureq::Error> {
        let mut reply = self.agent.get(url).call()?;
        reply.body_mut().with_config().limit(ANSWER).read_to_vec()
    }
}

plugin! { name: "fmhttp", functions: [HttpRequest] }

/// A server may take this long, from its name to its last byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer; a longer one is an error.
const ANSWER: u64 = 1024 * 1024;

#[cfg(test)]
mod tests;
