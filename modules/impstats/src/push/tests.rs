//! Reports that a server of the test's own takes apart.

use crate::Impstats;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use sysloom_sdk::testing::{TestHost, settings};
use sysloom_sdk::{CounterKind, Input};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);

/// Labels, value, milliseconds.
type Series = (Vec<(String, String)>, f64, u64);
/// A request's head, and its series.
type Request = (String, Vec<Series>);
type Words<'a> = Vec<(&'static str, &'a str)>;

/// A server that answers every request so; its requests.
fn serve(answer: &'static str, tls: Option<Arc<ServerConfig>>) -> (String, mpsc::Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://127.0.0.1:{}/api/v1/write", listener.local_addr().unwrap().port());
    let (into, requests) = mpsc::channel();
    // It ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let request = match &tls {
                None => take(stream, answer),
                Some(config) => {
                    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                    take(StreamOwned::new(connection, stream), answer)
                }
            };
            // A client that refuses us has sent none.
            request.map(|request| into.send(request));
        }
    });
    (url, requests)
}

fn take(mut stream: impl Read + Write, answer: &str) -> Option<Request> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let len = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; len];
    stream.read_exact(&mut body).ok()?;
    let answer = format!("HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 6\r\n\r\nreason");
    // A client that has heard enough may have gone.
    let _ = stream.write_all(answer.as_bytes());
    Some((head, decoded(&snap::raw::Decoder::new().decompress_vec(&body).unwrap())))
}

/// A field of protobuf.
enum Field {
    Number(u64),
    Eight([u8; 8]),
    Bytes(Vec<u8>),
}

fn number(from: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (first, rest) = from.split_first().unwrap();
        *from = rest;
        value |= u64::from(first & 0x7f) << shift;
        shift += 7;
        if first & 0x80 == 0 {
            return value;
        }
    }
}

fn fields(mut from: &[u8]) -> Vec<(u64, Field)> {
    let mut found = Vec::new();
    while !from.is_empty() {
        let tag = number(&mut from);
        let field = match tag & 7 {
            0 => Field::Number(number(&mut from)),
            1 => {
                let (eight, rest) = from.split_first_chunk().unwrap();
                from = rest;
                Field::Eight(*eight)
            }
            2 => {
                let len = number(&mut from) as usize;
                let (bytes, rest) = from.split_at(len);
                from = rest;
                Field::Bytes(bytes.to_vec())
            }
            other => panic!("kind {other}"),
        };
        found.push((tag >> 3, field));
    }
    found
}

fn decoded(request: &[u8]) -> Vec<Series> {
    let bytes = |field: Field| if let Field::Bytes(bytes) = field { bytes } else { panic!("no bytes") };
    let text = |field| String::from_utf8(bytes(field)).unwrap();
    let series = fields(request).into_iter().map(|(nth, series)| {
        assert_eq!(nth, 1);
        let (mut labels, mut value, mut time) = (Vec::new(), f64::NAN, 0);
        for (nth, field) in fields(&bytes(series)) {
            let mut inner = fields(&bytes(field)).into_iter().map(|(_, field)| field);
            let (first, second) = (inner.next().unwrap(), inner.next().unwrap());
            match (nth, first, second) {
                (1, name, value) => labels.push((text(name), text(value))),
                (2, Field::Eight(eight), Field::Number(at)) => {
                    (value, time) = (f64::from_le_bytes(eight), at);
                }
                _ => panic!("field {nth}"),
            }
        }
        (labels, value, time)
    });
    series.collect()
}

/// Reports once, of two objects besides the usual one.
fn report(words: &[(&'static str, &str)]) -> TestHost {
    let host = TestHost::new();
    host.set("daemon.hostname", "here");
    let counter = |name, n| {
        host.host().counter_of("core.queue", "main Q", name, CounterKind::default()).add(n);
    };
    counter("size", 1);
    counter("enqueued", 1_000_007);
    let all = [("log.syslog", "off")].into_iter().chain(words.iter().copied());
    let params = settings(&all.collect::<Vec<_>>()).unwrap();
    Impstats::new(&params, (), host.host()).unwrap().report();
    host
}

fn pushed(words: &[(&'static str, &str)]) -> Request {
    let (url, requests) = serve("204 No Content", None);
    let words: Vec<_> = words.iter().copied().chain([("push.url", url.as_str())]).collect();
    let host = report(&words);
    let request = requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!(host.lines().len(), 0, "{:?}", host.lines()[0]);
    request
}

/// The labels of one counter, without its metric's name.
fn labels(words: &[(&'static str, &str)]) -> BTreeMap<String, String> {
    let (_, series) = pushed(words);
    let mut labels: BTreeMap<_, _> = series[0].0.clone().into_iter().collect();
    assert_eq!(labels.remove("__name__").unwrap(), "U__main_20_Q__size__total");
    labels
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[test]
fn counters_arrive_as_remote_write_has_them() {
    let before = jiff::Timestamp::now().as_millisecond() as u64;
    let (head, series) = pushed(&[]);
    assert!(head.starts_with("post /api/v1/write http/1.1\r\n"), "{head}");
    for line in [
        "content-encoding: snappy\r\n",
        "content-type: application/x-protobuf\r\n",
        "x-prometheus-remote-write-version: 0.1.0\r\n",
        "user-agent: sysloom/",
    ] {
        assert!(head.contains(line), "{line}{head}");
    }
    let find = |metric: &str| {
        let named = |(name, value): &(String, String)| name == "__name__" && value == metric;
        series.iter().find(|(labels, ..)| labels.iter().any(named)).unwrap()
    };
    let (labels, value, time) = find("U__main_20_Q__enqueued__total");
    assert_eq!(*value, 1_000_007.0);
    assert!((before..before + 60_000).contains(time), "{time}");
    assert!(labels.is_sorted_by_key(|(name, _)| name.clone()), "{labels:?}");
    assert!(find("U__resource_2D_usage__utime__total").1 >= 0.0);
}

#[test]
fn labels_are_as_they_are_wished() {
    assert_eq!(labels(&[]), map(&[("job", "rsyslog"), ("instance", "here")]));
    let none = [("push.label.job", ""), ("push.label.instance", "off")];
    assert_eq!(labels(&none), map(&[]));
    let all = [
        ("push.label.job", "logs"),
        ("push.label.origin", "on"),
        ("push.label.name", "on"),
        ("push.labels", "Env=a=b"),
    ];
    let wanted =
        [("Env", "a=b"), ("job", "logs"), ("instance", "here"), ("origin", "core.queue"), ("name", "main Q")];
    assert_eq!(labels(&all), map(&wanted));
}

#[test]
fn limits_make_several_requests() {
    let sizes = |limit: (&'static str, &str)| {
        let (url, requests) = serve("200 OK", None);
        report(&[("push.url", &url), limit]);
        let sizes = std::iter::from_fn(|| requests.recv_timeout(Duration::from_millis(10)).ok());
        sizes.map(|(_, series)| series.len()).collect::<Vec<_>>()
    };
    let [all] = sizes(("push.batch.maxSeries", "0"))[..] else { panic!("one request") };
    let by_five = sizes(("push.batch.maxSeries", "5"));
    assert_eq!((by_five.iter().sum::<usize>(), by_five.len()), (all, all.div_ceil(5)));
    assert!(by_five.iter().all(|n| *n <= 5));
    let by_bytes = sizes(("push.batch.maxBytes", "200"));
    assert_eq!(by_bytes.iter().sum::<usize>(), all);
    assert!(by_bytes.iter().all(|n| *n <= 2), "a series has about 90 bytes: {by_bytes:?}");
    // One that is larger than the limit goes by itself.
    assert_eq!(sizes(("push.batch.maxBytes", "1")), vec![1; all]);
}

#[test]
fn what_a_server_refuses_is_one_line() {
    let (url, requests) = serve("400 Bad Request", None);
    let host = report(&[("push.url", &url.replace("127", "user:secret@127"))]);
    requests.recv_timeout(PATIENCE).unwrap();
    let lines: Vec<_> = host.lines().into_iter().map(|line| line.text).collect();
    assert_eq!(lines, [format!("impstats: cannot push to '{url}': the server answers 400 reason")]);
    // Nobody answers here.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let before = Instant::now();
    let host = report(&[("push.url", &url), ("push.timeout.ms", "100")]);
    assert!(before.elapsed() < Duration::from_secs(4), "{:?}", before.elapsed());
    assert!(host.lines()[0].text.contains(&format!("cannot push to '{url}': ")));
}

#[test]
fn nonsense_is_refused_with_its_parameter() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    for (words, param) in [
        (&[("push.url", "ftp://192.0.2.1/")][..], "push.url"),
        (&[("push.url", "192.0.2.1:80")], "push.url"),
        (&[("push.labels", "nothing")], "push.labels"),
        (&[("push.labels", "1a=b")], "push.labels"),
        (&[("push.labels", "__name__=b")], "push.labels"),
        (&[("push.tls.cafile", empty)], "push.tls.cafile"),
        (&[("push.tls.cafile", "/nonexistent")], "push.tls.cafile"),
        (&[("push.tls.certfile", empty)], "push.tls.certfile"),
        (&[("push.tls.keyfile", empty)], "push.tls.keyfile"),
    ] {
        let url = [("push.url", "http://192.0.2.1/")].into_iter().filter(|_| param != "push.url");
        let params = settings(&url.chain(words.iter().copied()).collect::<Vec<_>>()).unwrap();
        let host = TestHost::new();
        let why = Impstats::new(&params, (), host.host()).err().unwrap();
        assert_eq!(why.param, Some(param), "{words:?}: {why}");
    }
}

/// An authority, a server and a client of it.
struct Pki {
    dir: TempDir,
}

impl Pki {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        write("ca.pem", params.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(params, key);
        for (name, host) in [("server", "127.0.0.1"), ("client", "client.example.net")] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
            write(&format!("{name}.pem"), params.signed_by(&key, &issuer).unwrap().pem());
            write(&format!("{name}-key.pem"), key.serialize_pem());
        }
        Self { dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A server, which asks for a client's certificate if `mutual`.
    fn server(&self, mutual: bool) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let certificate = |name: &str| CertificateDer::from_pem_file(self.file(name)).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate("ca.pem")).unwrap();
        let verifier = match mutual {
            true => WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap(),
            false => WebPkiClientVerifier::no_client_auth(),
        };
        let key = PrivateKeyDer::from_pem_file(self.file("server-key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.unwrap().with_client_cert_verifier(verifier);
        Arc::new(config.with_single_cert(vec![certificate("server.pem")], key).unwrap())
    }
}

#[test]
fn https_judges_the_server_and_shows_a_certificate() {
    let pki = Pki::new();
    let file = |name: &str| pki.file(name).to_str().unwrap().to_owned();
    let (ca, cert, key) = (file("ca.pem"), file("client.pem"), file("client-key.pem"));
    let vouched = ("push.tls.cafile", ca.as_str());
    let shown = [("push.tls.certfile", cert.as_str()), ("push.tls.keyfile", key.as_str())];
    let cases: [(bool, Words<'_>, bool); 5] = [
        (false, vec![], false),
        (false, vec![vouched], true),
        (false, vec![("push.tls.insecureSkipVerify", "on")], true),
        (true, vec![vouched], false),
        (true, vec![vouched, shown[0], shown[1]], true),
    ];
    for (mutual, mut words, good) in cases {
        let (url, requests) = serve("200 OK", Some(pki.server(mutual)));
        words.push(("push.url", &url));
        let host = report(&words);
        assert_eq!(host.lines().is_empty(), good, "{words:?} {:?}", host.lines());
        assert_eq!(requests.try_recv().is_ok(), good, "{words:?}");
    }
}
