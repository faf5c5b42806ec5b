//! Authentication modes and certificates, through the engine's netstream and the one verdict: whoever is permitted gets
//! through, and whoever is not is told so by an alert. The driver is looked at as the listener and as the client.

use super::must;
use super::tls::TLS;
use crate::counterpart::{Config, NAME, Wish};
use crate::line::Line;
use crate::subject::Subject;
use crate::town::{Town, host, until, visit};
use rustls::Error;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;
use sysloom_abi::status;
use sysloom_engine::netstream::StreamParams;
use sysloom_engine::plugin::Side;
use sysloom_tests::pki::{Identity, Pki, Wish as Certificate, self_signed};
use sysloom_tests::{Dir, TlsVersion};

/// Their lines.
pub const LINES: &[Line] = &[
    Line {
        name: "auth.anon",
        rule: "RFC 5425 5; stream parameter authMode anon",
        text: "anybody gets through, with a certificate of whatever origin, and a client without any",
        needs: TLS,
        body: anon,
    },
    Line {
        name: "auth.certvalid",
        rule: "RFC 5425 5.1; stream parameter authMode x509/certvalid",
        text: "a certificate of the CA gets through, and one of another CA does not",
        needs: TLS,
        body: cert_valid,
    },
    Line {
        name: "auth.name",
        rule: "RFC 5425 5.2; stream parameter authMode x509/name",
        text: "a permitted name gets through, and another one does not",
        needs: TLS,
        body: name,
    },
    Line {
        name: "auth.fingerprint",
        rule: "RFC 5425 4.2.2; stream parameter authMode x509/fingerprint",
        text: "a permitted fingerprint gets through without a CA, and another one does not",
        needs: TLS,
        body: fingerprint,
    },
    Line {
        name: "auth.nobody",
        rule: "RFC 5425 5; RFC 8446 4.4.2.4",
        text: "a client without a certificate gets through in no mode but anon",
        needs: TLS,
        body: nobody,
    },
    Line {
        name: "auth.expired",
        rule: "RFC 5280 6.1.3 (a)(2)",
        text: "an expired certificate does not get through",
        needs: TLS,
        body: expired,
    },
    Line {
        name: "auth.self-signed",
        rule: "RFC 5280 6.1; RFC 5425 4.2.2",
        text: "a certificate that nobody vouches for does not get through, unless it is listed itself",
        needs: TLS,
        body: alone,
    },
    Line {
        name: "auth.chain",
        rule: "RFC 5280 6.1; RFC 8446 4.4.2",
        text: "a certificate below an intermediate CA gets through when the peer sends that CA's as well",
        needs: TLS,
        body: chain,
    },
    Line {
        name: "auth.mis-issued",
        rule: "RFC 5280 6.1.4 (k)",
        text: "a certificate that was issued by what is no CA does not get through",
        needs: TLS,
        body: mis_issued,
    },
];

/// Our side's parameters, and what peers are made of.
struct Case<'a> {
    town: Town<'a>,
    dir: Dir,
    pki: Pki,
    own: Identity,
}

impl<'a> Case<'a> {
    fn new(subject: &'a Subject) -> Result<Self, String> {
        let dir = Dir::new();
        let pki = Pki::new(&dir);
        let own = pki.issue(&dir, "own", &named(NAME));
        Ok(Self { town: Town::new(subject)?, dir, pki, own })
    }

    fn params(&self, mode: &str, permitted: &[&str]) -> StreamParams {
        let text = |path: &Path| Some(path.display().to_string());
        StreamParams {
            auth_mode: Some(mode.to_owned()),
            permitted_peers: permitted.iter().map(|name| (*name).to_owned()).collect(),
            ca_file: text(&self.pki.file()),
            cert_file: text(&self.own.cert),
            key_file: text(&self.own.key),
            ..self.town.params()
        }
    }

    /// A good certificate of this CA.
    fn good(&self) -> Identity {
        self.pki.issue(&self.dir, "good", &named(PEER))
    }

    /// With the driver on both sides: the peer gets through.
    fn passes(&self, params: &StreamParams, peer: &Identity) -> Result<(), String> {
        for version in TlsVersion::BOTH {
            self.at_the_door(params, Some(peer), version, true)?;
            self.outside(params, peer, version, true)?;
        }
        Ok(())
    }

    /// With the driver on both sides: the peer is refused, and told so.
    fn is_refused(&self, params: &StreamParams, peer: &Identity) -> Result<(), String> {
        for version in TlsVersion::BOTH {
            self.at_the_door(params, Some(peer), version, false)?;
            self.outside(params, peer, version, false)?;
        }
        Ok(())
    }

    /// The driver listens, and a client comes.
    fn at_the_door(
        &self,
        params: &StreamParams,
        peer: Option<&Identity>,
        version: TlsVersion,
        welcome: bool,
    ) -> Result<(), String> {
        let said = |why: String| format!("as a listener, {version:?}: {why} ({})", self.town.last_line());
        let (port, desk) = self.town.listen(params).map_err(said)?;
        let config = Config::against(Side::Server, &Wish { version, own: peer.cloned(), suite: None })?;
        let seen = visit(&port, &config, TEXT)?;
        if welcome {
            must!(seen.error.is_none(), "{}", said(format!("the client is told {:?}", seen.error)));
            must!(
                until(|| desk.got() == TEXT),
                "{}",
                said("what the client sends does not arrive".to_owned())
            );
            return Ok(());
        }
        must!(desk.got().is_empty(), "{}", said("a client that must be refused gets through".to_owned()));
        let alert = matches!(seen.error, Some(Error::AlertReceived(_)));
        must!(alert, "{}", said(format!("the refused client is told {:?}", seen.error)));
        Ok(())
    }

    /// The driver connects to a server.
    fn outside(
        &self,
        params: &StreamParams,
        peer: &Identity,
        version: TlsVersion,
        welcome: bool,
    ) -> Result<(), String> {
        let said = |why: String| format!("as a client, {version:?}: {why}");
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| format!("the counterpart: {e}"))?;
        let port = listener.local_addr().map_err(|e| format!("the counterpart: {e}"))?.port();
        let config = Config::against(Side::Client, &Wish { version, own: Some(peer.clone()), suite: None })?;
        let server = std::thread::spawn(move || host(&listener, &config));
        let connected = self.town.connect(params, &port.to_string());
        if let Ok(stream) = connected {
            let written = self.town.net.write(stream, TEXT, Duration::from_secs(5));
            self.town.net.close(stream);
            must!(
                welcome || written.is_err(),
                "{}",
                said("a server that must be refused gets data".to_owned())
            );
        }
        let seen = server.join().map_err(|_| "the counterpart panics".to_owned())??;
        match (connected, welcome) {
            (Ok(_), true) => {
                must!(seen.got == TEXT, "{}", said("what was written does not arrive".to_owned()));
            }
            (Err((_, why)), true) => return Err(said(why.text)),
            (Ok(_), false) => return Err(said("a server that must be refused gets through".to_owned())),
            (Err((number, why)), false) => {
                must!(number == status::REFUSED, "{}", said(format!("status {number}: {}", why.text)));
                let alert = matches!(seen.error, Some(Error::AlertReceived(_)));
                must!(alert, "{}", said(format!("the refused server is told {:?}", seen.error)));
            }
        }
        Ok(())
    }
}

fn named(name: &'static str) -> Certificate<'static> {
    let names: &'static [&'static str] = if name == NAME { &[NAME] } else { &[PEER] };
    Certificate { names, ..Certificate::default() }
}

fn anon(subject: &Subject) -> Result<(), String> {
    let case = Case::new(subject)?;
    let params = case.params("anon", &[]);
    case.passes(&params, &case.good())?;
    case.passes(&params, &self_signed(&case.dir, "alone", &named(PEER)))?;
    for version in TlsVersion::BOTH {
        case.at_the_door(&params, None, version, true)?;
    }
    Ok(())
}

fn cert_valid(subject: &Subject) -> Result<(), String> {
    let case = Case::new(subject)?;
    let params = case.params("x509/certvalid", &[]);
    case.passes(&params, &case.good())?;
    let other = Pki::named(&case.dir, "other");
    case.is_refused(&params, &other.issue(&case.dir, "stranger", &named(PEER)))
}

fn name(subject: &Subject) -> Result<(), String> {
    let case = Case::new(subject)?;
    let good = case.good();
    case.passes(&case.params("x509/name", &[PEER]), &good)?;
    case.is_refused(&case.params("x509/name", &["somebody.else.example.net"]), &good)
}

fn fingerprint(subject: &Subject) -> Result<(), String> {
    let case = Case::new(subject)?;
    let alone = self_signed(&case.dir, "alone", &named(PEER));
    let prints = [format!("SHA1:{}", alone.sha1()), format!("SHA256:{}", alone.sha256())];
    for print in &prints {
        let params = StreamParams { ca_file: None, ..case.params("x509/fingerprint", &[print]) };
        case.passes(&params, &alone)?;
        case.is_refused(&params, &case.good())?;
    }
    Ok(())
}

fn nobody(subject: &Subject) -> Result<(), String> {
    let case = Case::new(subject)?;
    let print = format!("SHA1:{}", case.own.sha1());
    for (mode, permitted) in
        [("x509/certvalid", ""), ("x509/name", PEER), ("x509/fingerprint", print.as_str())]
    {
        let permitted: &[&str] = if permitted.is_empty() { &[] } else { &[permitted] };
        for version in TlsVersion::BOTH {
            case.at_the_door(&case.params(mode, permitted), None, version, false)?;
        }
    }
    Ok(())
}

fn expired(subject: &Subject) -> Result<(), String> {
    let case = Case::new(subject)?;
    let old = case.pki.issue(&case.dir, "old", &Certificate { expired: true, ..named(PEER) });
    case.is_refused(&case.params("x509/certvalid", &[]), &old)
}

fn alone(subject: &Subject) -> Result<(), String> {
    let case = Case::new(subject)?;
    let alone = self_signed(&case.dir, "alone", &named(PEER));
    case.is_refused(&case.params("x509/certvalid", &[]), &alone)?;
    let listed = StreamParams {
        ca_file: Some(alone.cert.display().to_string()),
        ..case.params("x509/certvalid", &[])
    };
    case.passes(&listed, &alone)
}

fn chain(subject: &Subject) -> Result<(), String> {
    let case = Case::new(subject)?;
    let below = case.pki.intermediate(&case.dir, "middle").issue(&case.dir, "below", &named(PEER));
    let params = case.params("x509/certvalid", &[]);
    case.passes(&params, &below)?;
    // The same without the intermediate's certificate.
    let file = std::fs::read_to_string(&below.cert).map_err(|e| e.to_string())?;
    let end = file.find(END).ok_or("the certificate's file holds none")? + END.len();
    let cert = case.dir.write("short.pem", &file[..end]);
    case.is_refused(&params, &Identity { cert, ..below })
}

fn mis_issued(subject: &Subject) -> Result<(), String> {
    let case = Case::new(subject)?;
    let issued = case.pki.pretender(&case.dir, "pretender").issue(&case.dir, "mis-issued", &named(PEER));
    case.is_refused(&case.params("x509/certvalid", &[]), &issued)
}

const PEER: &str = "peer.example.net";
const TEXT: &[u8] = b"<13>one message";
const END: &str = "-----END CERTIFICATE-----\n";
