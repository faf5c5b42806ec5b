//! Who may send: the lists of `$AllowedSender` and of inputs' own `allowedSender`, asked with a sender's address.
//!
//! A protocol without a list takes messages from everybody. A list that was written guards, even if nothing in it could
//! be understood.

use crate::peers;
use std::collections::HashMap;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// All lists of the process.
#[derive(Default)]
pub struct Senders {
    settled: OnceLock<Settled>,
    /// Lists that inputs bring themselves, by their text.
    own: Mutex<HashMap<String, Arc<List>>>,
}

/// What the configuration decided.
pub struct Settled {
    pub rules: Rules,
    /// By protocol: `TCP`, `UDP`.
    pub lists: Vec<(String, List)>,
    /// Lists that inputs bring themselves, with their text.
    pub own: Vec<(String, List)>,
    /// net.permitACLwarning
    pub warn: bool,
}

/// How names in lists are understood.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// net.enableDNS
    pub dns: bool,
    /// net.aclResolveHostname
    pub resolve: bool,
    /// net.aclAddHostnameOnFail
    pub add_on_fail: bool,
}

/// Networks and names that may send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    networks: Vec<(IpAddr, u8)>,
    /// Names, perhaps with wildcards.
    names: Vec<String>,
}

/// An entry that cannot be used as it is: rsyslog's code, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub code: i32,
    /// Nothing of the entry holds.
    pub error: bool,
    pub text: String,
}

impl Senders {
    /// Puts in what the configuration says; once.
    pub fn settle(&self, mut settled: Settled) {
        let lists = settled.own.drain(..).map(|(text, list)| (text, Arc::new(list)));
        self.own.lock().unwrap_or_else(PoisonError::into_inner).extend(lists);
        let _ = self.settled.set(settled);
    }

    /// Whether strangers are to be told of.
    pub fn warns(&self) -> bool {
        self.settled.get().is_none_or(|settled| settled.warn)
    }

    /// Whether this address may send. `own` is the input's list, entries with commas between; empty = the protocol's.
    pub fn admits(&self, protocol: &str, own: &str, ip: IpAddr) -> bool {
        let Some(settled) = self.settled.get() else { return own.is_empty() };
        if !own.is_empty() {
            return self.own(own, settled.rules).admits(ip, settled.rules.dns);
        }
        let list = settled.lists.iter().find(|(of, _)| of.eq_ignore_ascii_case(protocol));
        list.is_none_or(|(_, list)| list.admits(ip, settled.rules.dns))
    }

    fn own(&self, text: &str, rules: Rules) -> Arc<List> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let list = own.entry(text.to_owned()).or_insert_with(|| Arc::new(List::parse(text, rules).0));
        Arc::clone(list)
    }
}

impl List {
    /// Reads entries with commas between them.
    pub fn parse(text: &str, rules: Rules) -> (Self, Vec<Remark>) {
        let (mut list, mut remarks) = (Self::default(), Vec::new());
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            remarks.extend(list.add(entry, rules));
        }
        (list, remarks)
    }

    /// Adds an address, a network, or a name.
    pub fn add(&mut self, entry: &str, rules: Rules) -> Vec<Remark> {
        let (address, bits) = match entry.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (entry, None),
        };
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let Ok(ip) = bare.unwrap_or(address).parse::<IpAddr>() else {
            if bits.is_some() || bare.is_some() || address.starts_with('[') {
                let text = format!("error parsing '{entry}' in allowed sender list - ignored");
                return vec![Remark { code: NOT_PARSED, error: true, text }];
            }
            return self.add_name(entry, rules);
        };
        let (most, family) = if ip.is_ipv4() { (32, "IPv4") } else { (128, "IPv6") };
        let mut remarks = Vec::new();
        let bits = match bits.map(str::parse::<u32>) {
            None => most,
            Some(Ok(0)) => {
                let text = "You can not specify 0 bits of the netmask, this would match ALL systems. If you really \
                            intend to do that, remove all $AllowedSender directives.";
                return vec![Remark { code: 0, error: true, text: text.into() }];
            }
            Some(Ok(bits)) if bits <= most => bits,
            Some(Ok(bits)) => {
                let text =
                    format!("Invalid number of bits ({bits}) in {family} address - adjusted to {most}");
                remarks.push(Remark { code: 0, error: false, text });
                most
            }
            Some(Err(_)) => {
                let text = format!("error parsing '{entry}' in allowed sender list - ignored");
                return vec![Remark { code: NOT_PARSED, error: true, text }];
            }
        };
        self.networks.push((ip, bits as u8));
        remarks
    }

    fn add_name(&mut self, name: &str, rules: Rules) -> Vec<Remark> {
        if !rules.dns {
            let text = "Ignoring hostname based ACLs because DNS is disabled.".into();
            return vec![Remark { code: 0, error: true, text }];
        }
        if name.contains(['*', '?']) || !rules.resolve {
            self.names.push(name.to_owned());
            return Vec::new();
        }
        if let Ok(found) = (name, 0).to_socket_addrs() {
            let before = self.networks.len();
            self.networks.extend(found.map(|address| match address.ip().to_canonical() {
                IpAddr::V4(ip) => (IpAddr::V4(ip), 32),
                ip => (ip, 128),
            }));
            if self.networks.len() > before {
                return Vec::new();
            }
        }
        let mut remarks =
            vec![Remark { code: 0, error: true, text: format!("DNS error: Can't resolve \"{name}\"") }];
        if rules.add_on_fail {
            let text = format!("Adding hostname \"{name}\" to ACL as a wildcard entry.");
            remarks.push(Remark { code: 0, error: false, text });
            self.names.push(name.to_owned());
        } else {
            let text = format!("Hostname \"{name}\" WON'T be added to ACL.");
            remarks.push(Remark { code: 0, error: true, text });
        }
        remarks
    }

    /// Whether this sender is in the list. Names are looked up only where the list has some.
    fn admits(&self, ip: IpAddr, dns: bool) -> bool {
        let ip = ip.to_canonical();
        if self.networks.iter().any(|(network, bits)| holds(*network, *bits, ip)) {
            return true;
        }
        if self.names.is_empty() || !dns {
            return false;
        }
        let name = peers::reverse(ip);
        name.is_some_and(|name| self.names.iter().any(|pattern| matches(pattern.as_bytes(), name.as_bytes())))
    }
}

fn holds(network: IpAddr, bits: u8, ip: IpAddr) -> bool {
    match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            u32::from(network) & mask == u32::from(ip) & mask
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            u128::from(network) & mask == u128::from(ip) & mask
        }
        _ => false,
    }
}

/// Whether a name matches a pattern with `*` and `?`, without regard to case.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // Where to go on when what follows the last star did not match.
    let (mut p, mut n, mut back) = (0, 0, None);
    while let Some(byte) = name.get(n) {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, n));
                p += 1;
            }
            Some(wanted) if *wanted == b'?' || wanted.eq_ignore_ascii_case(byte) => {
                p += 1;
                n += 1;
            }
            _ => match back {
                Some((after, from)) => {
                    back = Some((after, from + 1));
                    (p, n) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|byte| *byte == b'*')
}

/// rsyslog's code of an entry that cannot be read.
const NOT_PARSED: i32 = 3007;

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { dns: true, resolve: true, add_on_fail: false };

    fn settled(entries: &[&str], warn: bool) -> Senders {
        let senders = Senders::default();
        let lists = entries.iter().map(|text| ("UDP".to_owned(), List::parse(text, RULES).0)).collect();
        senders.settle(Settled { rules: RULES, lists, own: Vec::new(), warn });
        senders
    }

    #[test]
    fn networks_hold_addresses() {
        let senders = settled(&["192.0.2.0/24, [2001:db8::]/32, 198.51.100.7, [::1]"], true);
        for (ip, admitted) in [
            ("192.0.2.255", true),
            ("192.0.3.1", false),
            ("::ffff:192.0.2.9", true),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("198.51.100.7", true),
            ("198.51.100.8", false),
            ("::1", true),
            ("::2", false),
        ] {
            assert_eq!(senders.admits("udp", "", ip.parse().unwrap()), admitted, "{ip}");
        }
        // There is no list for the other protocol; an input's own list replaces the protocol's.
        assert!(senders.admits("TCP", "", "203.0.113.1".parse().unwrap()));
        assert!(senders.admits("UDP", "203.0.113.0/24", "203.0.113.1".parse().unwrap()));
        assert!(!senders.admits("UDP", "203.0.113.0/24", "192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_list_of_which_nothing_is_left_admits_nobody() {
        let senders = settled(&["0.0.0.0/0"], true);
        assert!(!senders.admits("UDP", "", "127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn names_match_as_the_system_knows_the_sender() {
        let here = "127.0.0.1".parse().unwrap();
        let name = peers::reverse(here).expect("the hosts file has a name for 127.0.0.1");
        let wild = format!("{}*", &name[..1]);
        assert!(settled(&[&wild], true).admits("UDP", "", here));
        assert!(!settled(&["*.example.net"], true).admits("UDP", "", here));
        assert!(settled(&["localhost"], true).admits("UDP", "", here));
        let no_dns = Rules { dns: false, ..RULES };
        assert_eq!(List::parse(&wild, no_dns).1.len(), 1);
        let literal = Rules { resolve: false, ..RULES };
        assert_eq!(List::parse("localhost", literal).0.names, ["localhost"]);
        let (list, remarks) = List::parse("nowhere.invalid", Rules { add_on_fail: true, ..RULES });
        assert_eq!((list.names, remarks.len()), (vec!["nowhere.invalid".to_owned()], 2));
        assert_eq!(List::parse("nowhere.invalid", RULES).0, List::default());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (entry, code, error) in [
            ("192.0.2.0/40", 0, false),
            ("192.0.2.0/0", 0, true),
            ("192.0.2.0/x", 3007, true),
            ("[::1", 3007, true),
            ("[localhost]", 3007, true),
        ] {
            let (_, remarks) = List::parse(entry, RULES);
            assert_eq!(remarks.len(), 1, "{entry}");
            assert_eq!((remarks[0].code, remarks[0].error), (code, error), "{entry}");
        }
    }

    #[test]
    fn wildcards() {
        for (pattern, name, want) in [
            ("*.example.net", "a.EXAMPLE.net", true),
            ("*.example.net", "example.net", false),
            ("a?c*", "abcdef", true),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
        }
    }
}
