//! GnuTLS priority strings: a base word, then `+`, `-` or `!` items and `%` flags, joined by colons.

use super::{Auth, Cipher, GROUPS, Group, Policy, SUITES, add};

/// What the items build up; the suites follow from it.
struct Sets {
    tls12: bool,
    tls13: bool,
    ciphers: Vec<Cipher>,
    /// Key exchanges of TLS 1.2, by what they authenticate with.
    auths: Vec<Auth>,
    groups: Vec<Group>,
    server_order: bool,
    tickets: bool,
    late_tickets: bool,
    require_ems: bool,
}

pub fn parse(text: &str) -> Result<Policy, String> {
    let mut words = text.trim().split(':').map(str::trim).filter(|w| !w.is_empty());
    let base = words.next().unwrap_or_default().to_ascii_uppercase();
    let mut sets = Sets::base(&base).ok_or_else(|| {
        format!("\"{base}\" cannot be had with rustls; begin with one of {}", BASES.join(" "))
    })?;
    for word in words {
        sets.apply(word)?;
    }
    Ok(sets.policy())
}

impl Sets {
    fn base(word: &str) -> Option<Self> {
        use Cipher::{Aes128, Aes256, Chacha};
        let (ciphers, groups): (&[Cipher], &[Group]) = match word {
            "NORMAL" | "PFS" | "SECURE" | "SECURE128" => (&ALL, GROUPS),
            "PERFORMANCE" => (&[Aes128, Chacha, Aes256], GROUPS),
            "SECURE192" | "SECURE256" => (&[Aes256, Chacha], &[Group::X25519MlKem768, Group::P384]),
            "NONE" => (&[], &[]),
            _ => return None,
        };
        let some = word != "NONE";
        Some(Self {
            tls12: some,
            tls13: some,
            ciphers: ciphers.to_vec(),
            auths: if some { AUTHS.to_vec() } else { Vec::new() },
            groups: groups.to_vec(),
            server_order: false,
            tickets: true,
            late_tickets: false,
            require_ems: false,
        })
    }

    fn apply(&mut self, word: &str) -> Result<(), String> {
        let upper = word.to_ascii_uppercase();
        let refused = || Err(format!("\"{word}\" has no counterpart in rustls"));
        if let Some(flag) = upper.strip_prefix('%') {
            return self.flag(flag).or_else(|()| refused());
        }
        let (on, name) = match (upper.strip_prefix('+'), upper.strip_prefix(['-', '!'])) {
            (Some(name), _) => (true, name),
            (_, Some(name)) => (false, name),
            _ => return Err(format!("\"{word}\" has neither + nor - nor ! nor % before it")),
        };
        match self.item(name, on) {
            true => Ok(()),
            // To forbid what rustls does not have is as good as done.
            false if !on && is_known_to_gnutls(name) => Ok(()),
            false => refused(),
        }
    }

    fn flag(&mut self, flag: &str) -> Result<(), ()> {
        match flag {
            "SERVER_PRECEDENCE" => self.server_order = true,
            "NO_TICKETS" => self.tickets = false,
            // Our own word: GnuTLS has none for it.
            "TICKETS_TLS13" => self.late_tickets = true,
            "FORCE_SESSION_HASH" => self.require_ems = true,
            // rustls never renegotiates.
            "SAFE_RENEGOTIATION" => {}
            _ => return Err(()),
        }
        Ok(())
    }

    /// Switches one item; `false` = rustls does not have it.
    fn item(&mut self, name: &str, on: bool) -> bool {
        if let Some(group) = name.strip_prefix("GROUP-").or_else(|| name.strip_prefix("CURVE-")) {
            return self.group(group, on);
        }
        match name {
            "VERS-ALL" | "VERS-TLS-ALL" => (self.tls12, self.tls13) = (on, on),
            "VERS-TLS1.3" => self.tls13 = on,
            "VERS-TLS1.2" => self.tls12 = on,
            "CIPHER-ALL" => switch(&mut self.ciphers, &ALL, on),
            "AES-256-GCM" => switch(&mut self.ciphers, &[Cipher::Aes256], on),
            "AES-128-GCM" => switch(&mut self.ciphers, &[Cipher::Aes128], on),
            "CHACHA20-POLY1305" => switch(&mut self.ciphers, &[Cipher::Chacha], on),
            "KX-ALL" => switch(&mut self.auths, &AUTHS, on),
            "ECDHE-ECDSA" => switch(&mut self.auths, &[Auth::Ecdsa], on),
            "ECDHE-RSA" => switch(&mut self.auths, &[Auth::Rsa], on),
            // Everything that rustls has is of these, so they can only be had whole.
            "AEAD" | "MAC-ALL" | "SIGN-ALL" | "COMP-NULL" | "COMP-ALL" | "CTYPE-X509" | "CTYPE-X.509"
            | "CTYPE-ALL" => return on,
            _ => return false,
        }
        true
    }

    fn group(&mut self, name: &str, on: bool) -> bool {
        match name {
            "ALL" | "EC-ALL" => switch(&mut self.groups, GROUPS, on),
            _ => match Group::named(name) {
                Some(group) => switch(&mut self.groups, &[group], on),
                None => return false,
            },
        }
        true
    }

    fn policy(self) -> Policy {
        let mut suites = Vec::new();
        for auth in [Auth::Any, Auth::Ecdsa, Auth::Rsa] {
            for cipher in &self.ciphers {
                let wanted = auth == Auth::Any || self.auths.contains(&auth);
                let row = SUITES.iter().find(|s| s.auth == auth && s.cipher == *cipher);
                suites.extend(row.filter(|_| wanted).map(|s| s.suite));
            }
        }
        Policy {
            tls12: self.tls12,
            tls13: self.tls13,
            suites,
            groups: self.groups,
            server_order: self.server_order,
            tickets: self.tickets,
            late_tickets: self.late_tickets,
            require_ems: self.require_ems,
        }
    }
}

fn switch<T: Copy + PartialEq>(list: &mut Vec<T>, items: &[T], on: bool) {
    if on {
        items.iter().for_each(|i| add(list, *i));
    } else {
        list.retain(|i| !items.contains(i));
    }
}

/// Whether GnuTLS has such a thing; a misspelt word must not pass for one that was switched off.
fn is_known_to_gnutls(name: &str) -> bool {
    let groups = ["GROUP-", "CURVE-"];
    let rest = groups.iter().find_map(|p| name.strip_prefix(p));
    if let Some(rest) = rest {
        return LACKING_GROUPS.iter().any(|p| rest.starts_with(p));
    }
    if let Some(rest) = name.strip_prefix("SIGN-") {
        return ["DSA", "RSA-MD5", "RSA-SHA1", "ECDSA-SHA1", "RSA-SHA224", "ECDSA-SHA224", "GOST"]
            .iter()
            .any(|p| rest.starts_with(p));
    }
    LACKING.contains(&name)
}

const ALL: [Cipher; 3] = [Cipher::Aes256, Cipher::Aes128, Cipher::Chacha];
const AUTHS: [Auth; 2] = [Auth::Ecdsa, Auth::Rsa];
const BASES: [&str; 7] = ["NORMAL", "PFS", "PERFORMANCE", "SECURE128", "SECURE192", "SECURE256", "NONE"];
const LACKING_GROUPS: [&str; 7] = ["SECP192R1", "SECP224R1", "SECP521R1", "X448", "FFDHE", "DH-ALL", "GC"];
/// Versions, ciphers, MACs, key exchanges and the like that GnuTLS has and rustls lacks.
const LACKING: [&str; 50] = [
    "VERS-SSL3.0",
    "VERS-TLS1.0",
    "VERS-TLS1.1",
    "VERS-DTLS-ALL",
    "VERS-DTLS0.9",
    "VERS-DTLS1.0",
    "VERS-DTLS1.2",
    "AES-256-CBC",
    "AES-192-CBC",
    "AES-128-CBC",
    "AES-256-CCM",
    "AES-128-CCM",
    "AES-256-CCM-8",
    "AES-128-CCM-8",
    "CAMELLIA-256-CBC",
    "CAMELLIA-192-CBC",
    "CAMELLIA-128-CBC",
    "CAMELLIA-256-GCM",
    "CAMELLIA-128-GCM",
    "3DES-CBC",
    "DES-CBC",
    "ARCFOUR-128",
    "ARCFOUR-40",
    "RC2-40",
    "NULL",
    "SALSA20-256",
    "ESTREAM-SALSA20-256",
    "MD5",
    "SHA1",
    "SHA256",
    "SHA384",
    "UMAC-96",
    "UMAC-128",
    "RSA",
    "RSA-EXPORT",
    "DHE-RSA",
    "DHE-DSS",
    "ANON-DH",
    "ANON-ECDH",
    "PSK",
    "DHE-PSK",
    "ECDHE-PSK",
    "RSA-PSK",
    "SRP",
    "SRP-RSA",
    "SRP-DSS",
    "COMP-DEFLATE",
    "COMP-LZO",
    "CTYPE-OPENPGP",
    "VERS-SSL-ALL",
];
