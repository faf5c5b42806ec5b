//! Certificates that make a verifier work: CAs that all vouch for each other, so that the paths to be tried double with
//! each layer, and none of them ends at an anchor.

use crate::{Siege, about};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};
use sysloom_tests::pki::Pki;
use sysloom_tests::{
    Auth, Channel, Daemon, Dir, TlsClient, TlsVersion, client_config, connect, tls_drivers, wait_for,
};

/// Layers of two CAs; each is certified by both of the next layer, so they are 4 certificates a layer: as many as are
/// looked at, and as many as a handshake holds; with words of the refusal.
const MESHES: [(usize, &str); 2] =
    [(2, "no path leads to a trusted CA"), (30, "more than 8 CA certificates")];
/// A refusal takes no longer, on a machine that is busy with other tests.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A certificate with its key, and the mesh above it. Expired ones end at a time of their own each.
struct Mesh {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Mesh {
    fn new(layers: usize, expired: bool) -> Self {
        let key = || KeyPair::generate().expect("the system has random numbers");
        let authority = |layer: usize| {
            let mut params = params(&format!("layer {layer}"));
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            params
        };
        let issuers: Vec<[Issuer<'static, KeyPair>; 2]> =
            (0..=layers).map(|layer| [(); 2].map(|()| Issuer::new(authority(layer), key()))).collect();
        let mut years = (1980..2024).flat_map(|year| (1..=12).map(move |month| (year, month)));
        let mut ending = |params: &mut CertificateParams| {
            if let Some((year, month)) = years.next().filter(|_| expired) {
                params.not_after = date_time_ymd(year, month, 1);
            }
        };
        let own = key();
        let mut leaf = params("sender.example.test");
        ending(&mut leaf);
        let mut chain = vec![leaf.signed_by(&own, &issuers[0][0]).expect("it can be signed").der().clone()];
        for (layer, pair) in issuers.windows(2).enumerate() {
            for (below, above) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let mut params = authority(layer);
                ending(&mut params);
                let made = params.signed_by(pair[0][below].key(), &pair[1][above]);
                chain.push(made.expect("it can be signed").der().clone());
            }
        }
        let size: usize = chain.iter().map(|der| der.len() + 3).sum();
        assert!(size < 65_000, "a handshake does not hold {size} bytes");
        Self { chain, key: PrivatePkcs8KeyDer::from(own.serialize_der()).into() }
    }
}

fn params(cn: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec!["sender.example.test".to_owned()]).expect("a name");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, cn);
    params
}

#[test]
fn a_listener_and_clients_with_a_mesh_of_authorities() {
    for driver in tls_drivers() {
        for ((layers, word), expired) in MESHES.into_iter().flat_map(|mesh| [(mesh, false), (mesh, true)]) {
            let more = if expired { "streamDriver.permitExpiredCerts=\"on\"" } else { "" };
            let siege = Siege::with(driver, more);
            let mesh = Mesh::new(layers, expired);
            let config = |version| {
                let mut config = client_config(&siege.pki.file(), None, version);
                let provider = rustls::crypto::aws_lc_rs::default_provider();
                let key = provider.key_provider.load_private_key(mesh.key.clone_key()).unwrap();
                let own = rustls::sign::CertifiedKey::new(mesh.chain.clone(), key);
                config.client_auth_cert_resolver = Arc::new(rustls::sign::SingleCertAndKey::from(own));
                Arc::new(config)
            };
            for version in [TlsVersion::BOTH, TlsVersion::BOTH].concat() {
                let began = Instant::now();
                // In TLS 1.3 the refusal comes after the client's own end of the handshake.
                let refused = match TlsClient::connect_with(siege.port, config(version)) {
                    Ok(mut client) => client.receive().is_err(),
                    Err(_) => true,
                };
                assert!(refused, "{driver}, {version:?}");
                assert!(began.elapsed() < AT_ONCE, "{driver}, {version:?}: {:?}", began.elapsed());
            }
            let said = wait_for("four lines", || {
                Some(siege.daemon.stderr()).filter(|said| said.matches("handshake with").count() >= 4)
            });
            assert!(said.lines().all(|line| line.contains("sender.example.test")), "{said}");
            assert!(said.lines().all(|line| line.contains(word)), "{said}");
            siege.over().is_kept();
        }
    }
}

/// The same of a server.
#[test]
fn an_output_and_a_server_with_a_mesh_of_authorities() {
    for (driver, (layers, word)) in
        tls_drivers().into_iter().flat_map(|driver| MESHES.map(|mesh| (driver, mesh)))
    {
        let dir = Dir::new();
        let pki = Pki::new(&dir);
        let mesh = Mesh::new(layers, true);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let channel = Channel::tls(driver, &pki.file()).judging(Auth::Valid, &[]);
        let config = format!(
            "{}module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n{}",
            channel.globals(),
            channel.action("127.0.0.1", port, "streamDriver.permitExpiredCerts=\"on\"")
        );
        let daemon = Daemon::start(&dir, "daemon", &config);
        let mut input = connect(daemon.port(&dir.file("in")));
        std::io::Write::write_all(&mut input, b"<13>1 - h a - - - x\n").unwrap();
        let (mut socket, _) = listener.accept().unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(mesh.chain.clone(), mesh.key.clone_key())
        .unwrap();
        let mut server = rustls::ServerConnection::new(config.into()).unwrap();
        let began = Instant::now();
        while server.is_handshaking() && server.complete_io(&mut socket).is_ok() {}
        assert!(server.is_handshaking(), "{driver}: it was refused");
        assert!(began.elapsed() < AT_ONCE, "{driver}: {:?}", began.elapsed());
        let lines = wait_for("a line", || Some(about(&daemon, port)).filter(|lines| !lines.is_empty()));
        assert!(lines[0].contains("sender.example.test") && lines[0].contains(word), "{driver}: {lines:?}");
        daemon.stop();
    }
}
