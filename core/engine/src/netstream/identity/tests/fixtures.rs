//! Certificates and files for the tests, made once per run. Times are fixed: the tests' today is [`NOW`].

use super::super::der::{self, Reader};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DistinguishedName,
    DnType, DnValue, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
    RevokedCertParams, SerialNumber, SignatureAlgorithm, SigningKey, date_time_ymd,
};
use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;
use tempfile::TempDir;

/// 2026-06-01 00:00:00 UTC.
pub const NOW: u64 = 1_780_272_000;

/// All that the tests know by name.
pub struct Fixtures {
    /// What peers present.
    pub chains: HashMap<&'static str, Vec<Vec<u8>>>,
    dir: TempDir,
}

pub static FIXTURES: LazyLock<Fixtures> = LazyLock::new(Fixtures::make);

/// A CA that can issue.
pub struct Ca {
    pub der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate to be.
pub struct Plan {
    params: CertificateParams,
    algorithm: &'static SignatureAlgorithm,
}

impl Ca {
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.issuer.key().sign(bytes).unwrap()
    }
}

impl Fixtures {
    /// The chain of that name.
    pub fn chain(&self, name: &str) -> &[Vec<u8>] {
        self.chains.get(name).unwrap_or_else(|| panic!("there is no chain '{name}'"))
    }

    /// A file of that name.
    pub fn file(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn make() -> Self {
        let mut chains: HashMap<&'static str, Vec<Vec<u8>>> = HashMap::new();
        let dir = TempDir::new().unwrap();

        let root = plan("Root CA").ca(None).self_issued();
        let other = plan("Other CA").ca(None).self_issued();
        let twin = plan("Root CA").ca(None).self_issued();
        let expired_root = plan("Expired CA").ca(None).until(2025).self_issued();
        let future_root = plan("Future CA").ca(None).since(2027).self_issued();
        let short_root = plan("Short CA").ca(Some(0)).self_issued();
        let bound_root = plan("Bound CA").ca(None).only_below("allowed.test").self_issued();
        let no_sign_root = plan("Idle CA").ca(None).usage(&[KeyUsagePurpose::CrlSign]).self_issued();
        let rsa_root = plan("RSA CA").ca(None).key(&PKCS_RSA_SHA256).self_issued();
        let ed_root = plan("Ed CA").ca(None).key(&PKCS_ED25519).self_issued();
        let p384_root = plan("P384 CA").ca(None).key(&PKCS_ECDSA_P384_SHA384).self_issued();
        let v1_root = plan("Old CA").ca(None).self_issued();
        let v1_root_der = as_v1(&v1_root.der, &v1_root);
        let inter = plan("Sub CA").ca(None).serial(1000).issued_by(&root);
        let inter2 = plan("Sub Sub CA").ca(None).issued_by(&inter);
        let short_inter = plan("Short Sub CA").ca(Some(0)).issued_by(&root);
        let below_short = plan("Too Deep CA").ca(None).issued_by(&short_inter);
        let below_short_root = plan("Below Short CA").ca(None).issued_by(&short_root);
        let expired_inter = plan("Expired Sub CA").ca(None).until(2025).issued_by(&root);
        let renewed_inter = plan("Renewed Sub CA").ca(None).since(2026).issued_by(&root);
        let no_sign_inter = plan("Idle Sub CA").ca(None).usage(&[KeyUsagePurpose::CrlSign]).issued_by(&root);
        let client_inter =
            plan("Clients CA").ca(None).purposes(&[ExtendedKeyUsagePurpose::ClientAuth]).issued_by(&root);
        let critical_inter = plan("Critical CA").ca(None).extension(true).issued_by(&root);
        let no_ca = plan("No CA").dns(&["noca.example.test"]).issued_by(&root);
        let listed_leaf = plan("listed.example.test").dns(&["listed.example.test"]).self_issued();
        let listed_other = plan("lone.example.test").dns(&["lone.example.test"]).issued_by(&other);
        let below_listed = plan("a.example.test").dns(&["a.example.test"]).issued_by(&listed_leaf);
        let self_ca = plan("selfca.example.test").dns(&["selfca.example.test"]).ca(None).self_issued();

        let mut add = |name, chain: &[&[u8]]| {
            assert!(
                chains.insert(name, chain.iter().map(|der| der.to_vec()).collect()).is_none(),
                "{name} twice"
            );
        };
        let leaf = |ca: &Ca, plan: Plan| plan.issued_by(ca).der;
        let by_root = |plan: Plan| leaf(&root, plan);
        let a = || plan("a.example.test").dns(&["a.example.test"]);

        // Names.
        let good = by_root(a().serial(1));
        add("good", &[&good]);
        add("upper", &[&by_root(plan("x").dns(&["LOGS.Example.TEST"]))]);
        add("wild", &[&by_root(plan("x").dns(&["*.example.test"]))]);
        add("wild-inner", &[&by_root(plan("x").dns(&["a.*.test"]))]);
        add("wild-part", &[&by_root(plan("x").dns(&["a*.example.test"]))]);
        add("wild-two", &[&by_root(plan("x").dns(&["*.*.test"]))]);
        add("wild-all", &[&by_root(plan("x").dns(&["*"]))]);
        add("wild-address", &[&by_root(plan("x").dns(&["*.0.0.7"]))]);
        add("idn-a", &[&by_root(plan("x").dns(&["xn--bcher-kva.example.test"]))]);
        add("idn-a-upper", &[&by_root(plan("x").dns(&["XN--BCHER-KVA.example.test"]))]);
        add("idn-u", &[&by_root(plan("x").dns(&["b\u{fc}cher.example.test"]))]);
        add("idn-cn", &[&by_root(plan("b\u{fc}cher.example.test"))]);
        add("ip4", &[&by_root(plan("x").ip(&[10, 0, 0, 7]))]);
        add("ip4-octets", &[&by_root(plan("x").ip(&[10, 0, 0, 7, 1]))]);
        add("ip6", &[&by_root(plan("x").ip(&V6))]);
        add("ip-mapped", &[&by_root(plan("x").ip(&V4_IN_V6))]);
        add("ip-in-dns", &[&by_root(plan("x").dns(&["10.0.0.7"]))]);
        add("ip6-in-dns", &[&by_root(plan("x").dns(&["2001:DB8::7"]))]);
        add("ip-in-cn", &[&by_root(plan("10.0.0.7"))]);
        add("cn", &[&by_root(plan("cn.example.test"))]);
        add("cn-upper", &[&by_root(plan("CN.Example.Test"))]);
        add("cn-wild", &[&by_root(plan("*.example.test"))]);
        add("cn-conflict", &[&by_root(plan("cn.example.test").dns(&["san.example.test"]))]);
        add("cn-address-conflict", &[&by_root(plan("cn.example.test").ip(&[10, 0, 0, 7]))]);
        add("cn-uri", &[&by_root(plan("cn.example.test").san(0x86, b"urn:x"))]);
        add("cn-two", &[&by_root(plan("cn.example.test").second_cn())]);
        add("cn-space", &[&by_root(plan("Host Seven"))]);
        add("cn-utf16", &[&by_root(plan("x").cn(bmp("cn.example.test")))]);
        add(
            "cn-printable",
            &[&by_root(plan("x").cn(DnValue::PrintableString("cn.example.test".try_into().unwrap())))],
        );
        add("cn-nul", &[&by_root(plan("cn.example.test\0.evil.test"))]);
        add("no-name", &[&by_root(plan("x").nameless())]);
        add(
            "two-names",
            &[&by_root(plan("x").dns(&["a.example.test", "b.example.test"]).ip(&[10, 0, 0, 8]))],
        );
        add("dot", &[&by_root(plan("x").dns(&["a.example.test."]))]);
        add("underscore", &[&by_root(plan("x").dns(&["log_1.example.test"]))]);
        add("empty-label", &[&by_root(plan("x").dns(&["a..test"]))]);
        add("empty-dns", &[&by_root(plan("x").dns(&[""]))]);
        add("nul", &[&by_root(plan("x").dns(&["a.example.test\0.evil.test"]))]);
        add("line", &[&by_root(plan("x\ny").dns(&["a\nb.example.test"]))]);
        let many: Vec<String> = (0..2500).map(|i| format!("n{i}.example.test")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        add("huge", &[&by_root(plan("x").dns(&many))]);
        add("labels", &[&by_root(plan("x").dns(&["webserver.sub.example.test"]))]);

        // Time.
        add("expired", &[&by_root(a().until(2025))]);
        add("not-yet", &[&by_root(a().since(2027))]);
        add("never", &[&by_root(a().since(2027).until(2025))]);
        add("expired-inter", &[&leaf(&expired_inter, a()), &expired_inter.der]);
        add("both-expired", &[&leaf(&expired_inter, a().until(2024)), &expired_inter.der]);
        add("renewed-inter", &[&leaf(&renewed_inter, a().until(2025)), &renewed_inter.der]);
        add("expired-root", &[&leaf(&expired_root, a())]);
        add("future-root", &[&leaf(&future_root, a())]);
        add("expired-other", &[&leaf(&other, a().until(2025))]);

        // Paths.
        add("other", &[&leaf(&other, a())]);
        add("twin", &[&leaf(&twin, a())]);
        let by_inter = leaf(&inter, a());
        let by_inter2 = leaf(&inter2, a());
        add("inter", &[&by_inter, &inter.der]);
        add("inter-missing", &[&by_inter]);
        add("inter-with-root", &[&by_inter, &inter.der, &root.der]);
        add("inter2", &[&by_inter2, &inter2.der, &inter.der]);
        add("inter2-disorder", &[&by_inter2, &inter.der, &inter2.der]);
        add("inter2-root-first", &[&by_inter2, &root.der, &inter.der, &inter2.der]);
        add("inter2-gap", &[&by_inter2, &inter2.der]);
        add("with-strangers", &[&by_inter, &other.der, &good, &inter.der, &short_inter.der]);
        add("with-garbage", &[&by_inter, b"garbage", &inter.der]);
        add("twice", &[&by_inter, &inter.der, &inter.der, &by_inter]);
        add("order-wrong", &[&inter.der, &by_inter]);
        add("self-signed", &[&listed_leaf.der]);
        add(
            "self-signed-unlisted",
            &[&plan("listed.example.test").dns(&["listed.example.test"]).self_issued().der],
        );
        add("below-listed", &[&below_listed.der, &listed_leaf.der]);
        add("listed-other", &[&listed_other.der]);
        add("self-ca", &[&self_ca.der]);
        add("self-expired", &[&plan("s").dns(&["a.example.test"]).until(2025).self_issued().der]);
        add(
            "self-client",
            &[&plan("s")
                .dns(&["a.example.test"])
                .purposes(&[ExtendedKeyUsagePurpose::ClientAuth])
                .self_issued()
                .der],
        );
        add("root-itself", &[&root.der]);
        add("ca-as-peer", &[&by_root(a().ca(None))]);
        add("ca-as-peer-expired", &[&by_root(a().ca(None).until(2025))]);
        add("ca-as-peer-below", &[&leaf(&inter, a().ca(None)), &inter.der]);
        add("ca-as-peer-twin", &[&leaf(&twin, a().ca(None))]);
        add("ca-as-peer-bound", &[&leaf(&bound_root, a().ca(None))]);
        add("no-ca", &[&leaf(&no_ca, a()), &no_ca.der]);
        add("no-sign-root", &[&leaf(&no_sign_root, a())]);
        add("no-sign-inter", &[&leaf(&no_sign_inter, a()), &no_sign_inter.der]);
        add("short-inter", &[&leaf(&short_inter, a()), &short_inter.der]);
        add("below-short", &[&leaf(&below_short, a()), &below_short.der, &short_inter.der]);
        add("short-root", &[&leaf(&short_root, a())]);
        add("below-short-root", &[&leaf(&below_short_root, a()), &below_short_root.der]);
        add("bound-in", &[&leaf(&bound_root, plan("x").dns(&["a.allowed.test"]))]);
        add("bound-out", &[&leaf(&bound_root, a())]);
        add("rsa", &[&leaf(&rsa_root, a().key(&PKCS_RSA_SHA256))]);
        add("rsa-by-ecdsa", &[&by_root(a().key(&PKCS_RSA_SHA256))]);
        add("ed25519", &[&leaf(&ed_root, a().key(&PKCS_ED25519))]);
        add("p384", &[&leaf(&p384_root, a().key(&PKCS_ECDSA_P384_SHA384))]);
        const DEEP: [&str; 7] = ["deep1", "deep2", "deep3", "deep4", "deep5", "deep6", "deep7"];
        let mut cas: Vec<Ca> = Vec::new();
        for (i, name) in DEEP.into_iter().enumerate() {
            let ca = plan(&format!("Deep CA {i}")).ca(None).issued_by(cas.last().unwrap_or(&root));
            cas.push(ca);
            let own = leaf(cas.last().unwrap(), a());
            let mut chain: Vec<&[u8]> = vec![&own];
            chain.extend(cas.iter().rev().map(|ca| ca.der.as_slice()));
            add(name, &chain);
        }
        let crowd: Vec<Ca> = (0..12).map(|_| plan("Crowd CA").ca(None).issued_by(&inter)).collect();
        let own = leaf(&crowd[0], a());
        let mut chain: Vec<&[u8]> = vec![&own];
        chain.extend(crowd.iter().map(|ca| ca.der.as_slice()));
        add("crowd", &chain);

        // Kinds.
        add("v1", &[&as_v1(&good, &root)]);
        add("v1-cn", &[&as_v1(&by_root(plan("cn.example.test")), &root)]);
        add("v1-expired", &[&as_v1(&by_root(plan("cn.example.test").until(2025)), &root)]);
        add("v1-inter", &[&as_v1(&by_inter, &inter), &inter.der]);
        add("v1-forged", &[&as_v1(&by_root(plan("cn.example.test")), &twin)]);
        add("v1-other", &[&as_v1(&leaf(&other, plan("cn.example.test")), &other)]);
        add("v1-self", &[&as_v1(&listed_leaf.der, &listed_leaf)]);
        add("v1-root", &[&leaf(&v1_root, a())]);
        add("v1-revoked", &[&as_v1(&by_root(plan("cn.example.test").serial(7)), &root)]);
        add("critical", &[&by_root(a().extension(true))]);
        add("uncritical", &[&by_root(a().extension(false))]);
        add("critical-inter", &[&leaf(&critical_inter, a()), &critical_inter.der]);
        add("hash-224", &[&replaced(&good, &ECDSA_SHA256, &ECDSA_SHA224)]);
        add("v1-hash-224", &[&replaced(&as_v1(&good, &root), &ECDSA_SHA256, &ECDSA_SHA224)]);
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        add("flipped", &[&flipped]);
        add("truncated", &[good.get(..good.len() - 20).unwrap()]);
        add("trailing", &[&[good.as_slice(), &[0]].concat()]);
        add("garbage", &[b"this is no certificate"]);
        add("zero", &[&[]]);
        add("none", &[]);

        // Purposes.
        use ExtendedKeyUsagePurpose::{Any, ClientAuth, CodeSigning, ServerAuth};
        add("eku-server", &[&by_root(a().purposes(&[ServerAuth]))]);
        add("eku-client", &[&by_root(a().purposes(&[ClientAuth]))]);
        add("eku-both", &[&by_root(a().purposes(&[ServerAuth, ClientAuth]))]);
        add("eku-any", &[&by_root(a().purposes(&[Any]))]);
        add("eku-code", &[&by_root(a().purposes(&[CodeSigning]))]);
        add("eku-inter-client", &[&leaf(&client_inter, a()), &client_inter.der]);
        add("eku-ca-as-peer", &[&by_root(a().ca(None).purposes(&[ServerAuth]))]);

        // Revocation.
        add("revoked", &[&by_root(a().serial(7))]);
        add("revoked-expired", &[&by_root(a().serial(7).until(2025))]);
        add("revoked-ca-as-peer", &[&by_root(a().serial(7).ca(None))]);

        let file = |name: &str, ders: &[&[u8]]| pem_file(&dir.path().join(name), "CERTIFICATE", ders);
        file("root", &[&root.der]);
        file("other", &[&other.der]);
        file("both", &[&other.der, &root.der]);
        file("twins", &[&twin.der, &root.der]);
        file("inter", &[&inter.der]);
        file("root-inter", &[&root.der, &inter.der]);
        file("root-listed", &[&root.der, &listed_leaf.der, &self_ca.der, &listed_other.der]);
        file("listed", &[&listed_leaf.der]);
        for (name, chain) in [
            ("self-expired", "self-expired"),
            ("self-client", "self-client"),
            ("v1-self", "v1-self"),
            ("v1-listed", "v1-other"),
            ("revoked-listed", "revoked"),
        ] {
            let own = chains[chain].first().unwrap().clone();
            file(name, &[&own]);
        }
        file("expired-root", &[&expired_root.der]);
        file("future-root", &[&future_root.der]);
        file("short-root", &[&short_root.der]);
        file("bound-root", &[&bound_root.der]);
        file("no-sign-root", &[&no_sign_root.der]);
        file("rsa-root", &[&rsa_root.der]);
        file("ed-root", &[&ed_root.der]);
        file("p384-root", &[&p384_root.der]);
        file("v1-root", &[&v1_root_der]);
        file("damaged", &[&root.der, b"this is no certificate"]);
        file("expired-and-renewed", &[&plan_again(&root, 2025), &root.der]);
        std::fs::write(dir.path().join("root-der"), &root.der).unwrap();
        std::fs::write(dir.path().join("empty"), "").unwrap();
        std::fs::write(dir.path().join("text"), "no PEM at all\n").unwrap();
        std::fs::write(dir.path().join("key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        std::fs::write(
            dir.path().join("base64"),
            "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n",
        )
        .unwrap();
        std::fs::write(dir.path().join("unended"), "-----BEGIN CERTIFICATE-----\nMAA=\n").unwrap();

        let list = |name: &str, ders: &[&[u8]]| pem_file(&dir.path().join(name), "X509 CRL", ders);
        let revoking = crl(&root, &[7], 2026, 2030);
        list("crl", &[&revoking]);
        list("crl-empty", &[&crl(&root, &[], 2026, 2030)]);
        list("crl-inter", &[&crl(&root, &[1000], 2026, 2030)]);
        list("crl-old", &[&crl(&root, &[], 2024, 2025)]);
        list("crl-old-revoking", &[&crl(&root, &[7], 2024, 2025)]);
        list("crl-other", &[&crl(&other, &[7], 2026, 2030)]);
        list("crl-both", &[&crl(&other, &[9], 2026, 2030), &revoking]);
        list("crl-old-and-new", &[&crl(&root, &[], 2024, 2025), &revoking]);
        list("crl-twin", &[&crl(&twin, &[], 2026, 2030)]);
        list("crl-self", &[&crl(&listed_leaf, &[42], 2026, 2030)]);
        list("crl-damaged", &[b"this is no list"]);
        std::fs::write(dir.path().join("crl-der"), &revoking).unwrap();

        Self { chains, dir }
    }
}

/// A plan of a certificate that is valid from 2020 to 2035.
pub fn plan(cn: &str) -> Plan {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2035, 1, 1);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Acme");
    params.distinguished_name.push(DnType::CommonName, cn);
    Plan { params, algorithm: &rcgen::PKCS_ECDSA_P256_SHA256 }
}

impl Plan {
    pub fn ca(mut self, path_len: Option<u8>) -> Self {
        self.params.is_ca =
            IsCa::Ca(path_len.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
        self
    }

    pub fn dns(self, names: &[&str]) -> Self {
        names.iter().fold(self, |plan, name| plan.san(0x82, name.as_bytes()))
    }

    fn ip(self, octets: &[u8]) -> Self {
        self.san(0x87, octets)
    }

    /// Adds a name to subjectAltName, which is made by hand because rcgen would refuse what shall be tested.
    fn san(mut self, tag: u8, octets: &[u8]) -> Self {
        let at = self.params.custom_extensions.iter().position(|e| e.oid_components().eq(SAN));
        let old = at.map(|at| self.params.custom_extensions.remove(at));
        let old =
            old.map_or(Vec::new(), |old| der::whole(old.content(), der::SEQUENCE).unwrap().contents.to_vec());
        let list = tlv(der::SEQUENCE, &[old, tlv(tag, octets)].concat());
        self.params.custom_extensions.push(CustomExtension::from_oid_content(&SAN, list));
        self
    }

    fn cn(mut self, value: DnValue) -> Self {
        self.params.distinguished_name.push(DnType::CommonName, value);
        self
    }

    /// rcgen keeps one value of a type, so the second common name goes under another name for the same type.
    fn second_cn(mut self) -> Self {
        self.params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 3]), "evil.example.test");
        self
    }

    fn nameless(mut self) -> Self {
        self.params.distinguished_name = DistinguishedName::new();
        self
    }

    pub fn since(mut self, year: i32) -> Self {
        self.params.not_before = date_time_ymd(year, 1, 1);
        self
    }

    pub fn until(mut self, year: i32) -> Self {
        self.params.not_after = date_time_ymd(year, 1, 1);
        self
    }

    fn serial(mut self, serial: u64) -> Self {
        self.params.serial_number = Some(SerialNumber::from(serial));
        self
    }

    fn usage(mut self, usages: &[KeyUsagePurpose]) -> Self {
        self.params.key_usages = usages.to_vec();
        self
    }

    pub fn purposes(mut self, purposes: &[ExtendedKeyUsagePurpose]) -> Self {
        self.params.extended_key_usages = purposes.to_vec();
        self
    }

    fn only_below(mut self, name: &str) -> Self {
        let permitted_subtrees = vec![GeneralSubtree::DnsName(name.to_owned())];
        self.params.name_constraints =
            Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
        self
    }

    fn extension(mut self, critical: bool) -> Self {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], tlv(0x0c, b"x"));
        extension.set_criticality(critical);
        self.params.custom_extensions.push(extension);
        self
    }

    fn key(mut self, algorithm: &'static SignatureAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    pub fn self_issued(self) -> Ca {
        let key = KeyPair::generate_for(self.algorithm).unwrap();
        let der = self.params.self_signed(&key).unwrap().der().to_vec();
        Ca { der, issuer: Issuer::new(self.params, key) }
    }

    pub fn issued_by(self, ca: &Ca) -> Ca {
        let key = KeyPair::generate_for(self.algorithm).unwrap();
        let der = self.params.signed_by(&key, &ca.issuer).unwrap().der().to_vec();
        Ca { der, issuer: Issuer::new(self.params, key) }
    }
}

/// The root's certificate of earlier years, with the same name and key.
fn plan_again(root: &Ca, until: i32) -> Vec<u8> {
    plan("Root CA").ca(None).until(until).params.self_signed(root.issuer.key()).unwrap().der().to_vec()
}

/// The certificate as X.509 v1: no version, no extensions, signed anew.
fn as_v1(v3: &[u8], signer: &Ca) -> Vec<u8> {
    let mut outer = Reader::new(der::whole(v3, der::SEQUENCE).unwrap().contents);
    let mut fields = outer.inside(der::SEQUENCE).unwrap();
    let algorithm = outer.take(der::SEQUENCE).unwrap().whole;
    fields.take(der::context(0)).unwrap();
    let mut tbs = Vec::new();
    for tag in [der::INTEGER, der::SEQUENCE, der::SEQUENCE, der::SEQUENCE, der::SEQUENCE, der::SEQUENCE] {
        tbs.extend(fields.take(tag).unwrap().whole);
    }
    let tbs = tlv(der::SEQUENCE, &tbs);
    let signature = tlv(der::BIT_STRING, &[vec![0], signer.sign(&tbs)].concat());
    tlv(der::SEQUENCE, &[tbs, algorithm.to_vec(), signature].concat())
}

fn crl(ca: &Ca, serials: &[u64], this_update: i32, next_update: i32) -> Vec<u8> {
    let revoked = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let params = CertificateRevocationListParams {
        this_update: date_time_ymd(this_update, 1, 1),
        next_update: date_time_ymd(next_update, 1, 1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&ca.issuer).unwrap().der().to_vec()
}

fn pem_file(path: &Path, mark: &str, ders: &[&[u8]]) {
    let mut text = String::new();
    for der in ders {
        text.push_str(&format!("-----BEGIN {mark}-----\n"));
        for line in base64(der).as_bytes().chunks(64) {
            text.push_str(std::str::from_utf8(line).unwrap());
            text.push('\n');
        }
        text.push_str(&format!("-----END {mark}-----\n"));
    }
    std::fs::write(path, text).unwrap();
}

fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in octets.chunks(3) {
        let bits =
            three.iter().chain([&0; 2]).take(3).fold(0_u32, |bits, octet| (bits << 8) | u32::from(*octet));
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// A value of DER.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        0x100..=0xffff => vec![tag, 0x82, (length >> 8) as u8, length as u8],
        _ => vec![tag, 0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8],
    };
    [head, contents.to_vec()].concat()
}

fn bmp(text: &str) -> DnValue {
    let octets = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    DnValue::BmpString(rcgen::string::BmpString::from_utf16be(octets).unwrap())
}

fn replaced(octets: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut octets = octets.to_vec();
    let places: Vec<usize> = (0..octets.len()).filter(|i| octets[*i..].starts_with(old)).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| octets[at..at + new.len()].copy_from_slice(new));
    octets
}

const SAN: [u64; 4] = [2, 5, 29, 17];
const V6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
const V4_IN_V6: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 7];
const ECDSA_SHA256: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ECDSA_SHA224: [u8; 10] = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1];
