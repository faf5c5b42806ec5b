//! Certificates for a test: an authority of its own, and whatever it is asked to issue, as PEM files in the test's
//! directory. `NAME.pem` holds a certificate, `NAME-key.pem` its key.

use crate::Dir;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RevokedCertParams, RsaKeySize, SerialNumber, date_time_ymd,
};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// An authority, `ca.pem` unless it has another name.
pub struct Pki {
    directory: PathBuf,
    name: String,
    /// What follows a certificate in its file.
    chain: String,
    issuer: Issuer<'static, KeyPair>,
}

/// What a certificate says.
#[derive(Clone, Debug, Default)]
pub struct Wish<'a> {
    pub cn: Option<&'a str>,
    /// Names; an address becomes iPAddress.
    pub names: &'a [&'a str],
    /// It was good until yesteryear.
    pub expired: bool,
    /// An RSA key, for peers that negotiate RSA suites only.
    pub rsa: bool,
    pub serial: Option<u8>,
    /// It may be shown by servers only.
    pub server_only: bool,
    /// Where it can be asked whether it is revoked.
    pub responder: Option<&'a str>,
}

impl Pki {
    pub fn new(dir: &Dir) -> Self {
        Self::named(dir, "ca")
    }

    /// A further authority.
    pub fn named(dir: &Dir, name: &str) -> Self {
        let key = key(false);
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name = subject(&format!("{name} of the test"));
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).expect("the key fits").pem();
        dir.write(&format!("{name}.pem"), pem);
        write_key(dir, name, &key);
        let chain = String::new();
        Self { directory: dir.path().into(), name: name.into(), chain, issuer: Issuer::new(params, key) }
    }

    /// An authority that this one vouches for. What it issues carries the chain.
    pub fn intermediate(&self, dir: &Dir, name: &str) -> Self {
        self.below(dir, name, IsCa::Ca(BasicConstraints::Unconstrained))
    }

    /// One that issues though its own certificate says that it is no authority.
    pub fn pretender(&self, dir: &Dir, name: &str) -> Self {
        self.below(dir, name, IsCa::ExplicitNoCa)
    }

    fn below(&self, dir: &Dir, name: &str, is_ca: IsCa) -> Self {
        let key = key(false);
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name = subject(&format!("{name} of the test"));
        params.is_ca = is_ca;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.signed_by(&key, &self.issuer).expect("the key fits").pem();
        dir.write(&format!("{name}.pem"), &pem);
        let chain = pem + &self.chain;
        Self { directory: dir.path().into(), name: name.into(), chain, issuer: Issuer::new(params, key) }
    }

    /// The authority's certificate.
    pub fn file(&self) -> PathBuf {
        self.directory.join(format!("{}.pem", self.name))
    }

    /// A list of what it has revoked, `NAME-crl.pem`.
    pub fn revoke(&self, dir: &Dir, serial: u8) -> PathBuf {
        let gone = RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[serial]),
            revocation_time: date_time_ymd(2025, 6, 7),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 6, 8),
            next_update: date_time_ymd(2125, 6, 8),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: vec![gone],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.issuer).expect("the authority may sign lists");
        dir.write(&format!("{}-crl.pem", self.name), list.pem().expect("it is whole"))
    }

    /// Issues a certificate and writes it with its key.
    pub fn issue(&self, dir: &Dir, name: &str, wish: &Wish<'_>) -> Identity {
        let (params, key) = (leaf(wish), key(wish.rsa));
        let made = params.signed_by(&key, &self.issuer).expect("the key fits");
        dir.write(&format!("{name}.pem"), made.pem() + &self.chain);
        write_key(dir, name, &key);
        Identity::new(dir, name, made.der())
    }
}

/// A certificate that nobody else signed.
pub fn self_signed(dir: &Dir, name: &str, wish: &Wish<'_>) -> Identity {
    let (params, key) = (leaf(wish), key(wish.rsa));
    let made = params.self_signed(&key).expect("the key fits");
    dir.write(&format!("{name}.pem"), made.pem());
    write_key(dir, name, &key);
    Identity::new(dir, name, made.der())
}

/// A certificate and its key, on disk.
#[derive(Clone, Debug)]
pub struct Identity {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub der: Vec<u8>,
}

impl Identity {
    fn new(dir: &Dir, name: &str, der: &[u8]) -> Self {
        let (cert, key) = (dir.file(&format!("{name}.pem")), dir.file(&format!("{name}-key.pem")));
        Self { cert, key, der: der.to_vec() }
    }

    /// `AB:CD:...` of SHA-1, as RFC 5425 writes it, without a label.
    pub fn sha1(&self) -> String {
        pairs(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref())
    }

    /// The same of SHA-256.
    pub fn sha256(&self) -> String {
        pairs(digest(&SHA256, &self.der).as_ref())
    }
}

fn pairs(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn leaf(wish: &Wish<'_>) -> CertificateParams {
    let names: Vec<String> = wish.names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("the names are ASCII");
    params.distinguished_name = subject(wish.cn.or(wish.names.first().copied()).unwrap_or("nobody"));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    if wish.server_only {
        params.extended_key_usages.pop();
    }
    params.serial_number = wish.serial.map(|serial| SerialNumber::from_slice(&[serial]));
    params.custom_extensions.extend(wish.responder.map(info_access));
    if wish.expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    params
}

/// authorityInfoAccess with one OCSP responder, whose URL is a short one.
fn info_access(url: &str) -> CustomExtension {
    let tlv = |tag: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).ok().filter(|length| *length < 0x80).expect("a short URL");
        [&[tag, length], content].concat()
    };
    const ID_AD_OCSP: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 48, 1];
    let access = [tlv(0x06, &ID_AD_OCSP), tlv(0x86, url.as_bytes())].concat();
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], tlv(0x30, &tlv(0x30, &access)))
}

fn subject(cn: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, cn);
    subject
}

fn key(rsa: bool) -> KeyPair {
    let made = if rsa {
        KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
    } else {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
    };
    made.expect("the system has random numbers")
}

fn write_key(dir: &Dir, name: &str, key: &KeyPair) {
    let file = dir.write(&format!("{name}-key.pem"), key.serialize_pem());
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).expect("the file is ours");
}
