//! OpenSSL's configuration commands as rsyslog's ossl driver takes them: `Cmd=Val`, one a line.

use super::{Auth, Cipher, Group, Policy, SUITES, Suite, add, is_tls13};

pub fn parse(text: &str) -> Result<Policy, String> {
    let mut policy = Policy::default();
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (command, value) =
            line.split_once('=').ok_or_else(|| format!("\"{line}\" is no Command=Value line"))?;
        let (command, value) = (command.trim(), value.trim().trim_matches('"'));
        apply(&mut policy, command, value).map_err(|what| format!("{command}: {what}"))?;
    }
    Ok(policy)
}

fn apply(policy: &mut Policy, command: &str, value: &str) -> Result<(), String> {
    match command.to_ascii_lowercase().as_str() {
        "minprotocol" => match version(value)? {
            Version::Tls13 => policy.tls12 = false,
            Version::Tls12 | Version::Older | Version::None => {}
        },
        "maxprotocol" => match version(value)? {
            Version::Tls12 => policy.tls13 = false,
            Version::Tls13 | Version::None => {}
            Version::Older => {
                return Err(format!("rustls has nothing below TLSv1.2, so {value} leaves nothing"));
            }
        },
        "protocol" => protocol(policy, value)?,
        "ciphersuites" => {
            policy.suites.retain(|s| !is_tls13(s));
            let all =
                words(value).map(|w| by_name(w).filter(|s| s.auth == Auth::Any).ok_or_else(|| lacking(w)));
            let all = all.collect::<Result<Vec<_>, _>>()?;
            let older = std::mem::take(&mut policy.suites);
            all.iter().for_each(|s| add(&mut policy.suites, s.suite));
            policy.suites.extend(older);
        }
        "cipherstring" => {
            let chosen = cipher_string(value)?;
            policy.suites.retain(is_tls13);
            policy.suites.extend(chosen.iter().map(|s| s.suite));
        }
        "groups" | "curves" => {
            policy.groups.clear();
            for word in value.split([':', '/', ' ']).filter(|w| !w.is_empty()) {
                // `?` = may be missing, `*` = send a key share.
                let name = word.trim_start_matches(['?', '*']);
                match Group::named(name) {
                    Some(group) => add(&mut policy.groups, group),
                    None if word.contains('?') => {}
                    None => return Err(lacking(name)),
                }
            }
        }
        "options" => {
            for word in value.split(',').map(str::trim).filter(|w| !w.is_empty()) {
                option(policy, word)?;
            }
        }
        _ => return Err("this command has no counterpart in rustls".to_owned()),
    }
    Ok(())
}

enum Version {
    Tls13,
    Tls12,
    Older,
    None,
}

fn version(name: &str) -> Result<Version, String> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "tlsv1.3" => Version::Tls13,
        "tlsv1.2" => Version::Tls12,
        "tlsv1.1" | "tlsv1" | "sslv3" | "sslv2" => Version::Older,
        "none" => Version::None,
        _ => return Err(format!("\"{name}\" is no protocol version")),
    })
}

fn protocol(policy: &mut Policy, value: &str) -> Result<(), String> {
    for word in value.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        let (on, name) = match word.strip_prefix('-') {
            Some(name) => (false, name),
            None => (true, word.trim_start_matches('+')),
        };
        if name.eq_ignore_ascii_case("all") {
            (policy.tls12, policy.tls13) = (on, on);
            continue;
        }
        match version(name)? {
            Version::Tls13 => policy.tls13 = on,
            Version::Tls12 => policy.tls12 = on,
            Version::Older if on => return Err(lacking(name)),
            Version::Older | Version::None => {}
        }
    }
    Ok(())
}

fn option(policy: &mut Policy, word: &str) -> Result<(), String> {
    let (on, name) = match word.strip_prefix('-') {
        Some(name) => (false, name),
        None => (true, word.trim_start_matches('+')),
    };
    match (name.to_ascii_lowercase().as_str(), on) {
        ("serverpreference", on) => policy.server_order = on,
        ("sessionticket", on) => policy.tickets = on,
        // rustls works so anyway.
        ("compression" | "unsafelegacyrenegotiation" | "unsafelegacyserverconnect", false) => {}
        ("norenegotiation" | "ecdhsingle" | "dhsingle" | "extendedmastersecret", true) => {}
        _ => return Err(lacking(word)),
    }
    Ok(())
}

/// The TLS 1.2 suites of a cipher string, by OpenSSL's rules: words add, `-` takes out, `!` bans, `+` moves to the end.
fn cipher_string(value: &str) -> Result<Vec<&'static Suite>, String> {
    let mut chosen: Vec<&Suite> = Vec::new();
    let mut banned: Vec<&Suite> = Vec::new();
    let is_in = |list: &[&Suite], s: &Suite| list.iter().any(|x| x.suite == s.suite);
    // `DEFAULT@SECLEVEL=2` is two words.
    let value = value.replace('@', ":@");
    for word in words(&value) {
        if let Some(command) = word.strip_prefix('@') {
            match command.to_ascii_uppercase().as_str() {
                // All suites are of 128 bits at least, the stronger ones first, and keys have 112 bits at least.
                "STRENGTH" | "SECLEVEL=0" | "SECLEVEL=1" | "SECLEVEL=2" => continue,
                _ => return Err(lacking(word)),
            }
        }
        let sign = word.chars().next().filter(|c| matches!(c, '-' | '!' | '+'));
        let name = word.trim_start_matches(['-', '!', '+']);
        let matching = matching(name, sign.is_none())?;
        match sign {
            None => {
                let new = matching.into_iter().filter(|s| !is_in(&chosen, s) && !is_in(&banned, s));
                let new: Vec<_> = new.collect();
                chosen.extend(new);
            }
            Some('+') => {
                let (mut front, back): (Vec<_>, Vec<_>) = chosen.iter().partition(|s| !is_in(&matching, s));
                front.extend(back);
                chosen = front;
            }
            Some(sign) => {
                chosen.retain(|s| !is_in(&matching, s));
                if sign == '!' {
                    banned.extend(matching);
                }
            }
        }
    }
    Ok(chosen)
}

/// The TLS 1.2 suites that a word, or several joined by `+`, stand for.
fn matching(words: &str, must_exist: bool) -> Result<Vec<&'static Suite>, String> {
    let mut all: Vec<&Suite> = SUITES.iter().filter(|s| s.auth != Auth::Any).collect();
    for word in words.split('+') {
        if let Some(one) = by_name(word) {
            all.retain(|s| s.suite == one.suite);
            continue;
        }
        let fits: fn(&Suite) -> bool = match word.to_ascii_uppercase().as_str() {
            "ALL" | "DEFAULT" | "HIGH" | "COMPLEMENTOFALL" | "ECDHE" | "EECDH" | "KECDHE" | "KEECDH"
            | "AEAD" | "TLSV1.2" => |_| true,
            "ECDSA" | "AECDSA" => |s| s.auth == Auth::Ecdsa,
            "ARSA" => |s| s.auth == Auth::Rsa,
            "AES" | "AESGCM" => |s| s.cipher != Cipher::Chacha,
            "AES256" => |s| s.cipher == Cipher::Aes256,
            "AES128" => |s| s.cipher == Cipher::Aes128,
            "CHACHA20" => |s| s.cipher == Cipher::Chacha,
            "SHA384" => |s| s.cipher == Cipher::Aes256,
            "SHA256" => |s| s.cipher != Cipher::Aes256,
            // To forbid what rustls does not have is as good as done.
            _ if !must_exist => |_| false,
            _ => return Err(lacking(word)),
        };
        all.retain(|s| fits(s));
    }
    Ok(all)
}

fn by_name(name: &str) -> Option<&'static Suite> {
    SUITES.iter().find(|s| s.openssl.eq_ignore_ascii_case(name))
}

fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split([':', ',', ' ', ';']).filter(|w| !w.is_empty())
}

fn lacking(word: &str) -> String {
    format!("\"{word}\" has no counterpart in rustls")
}
