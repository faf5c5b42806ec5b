//! Senders: an address is interned once and travels as a number in each message's head.
//!
//! Inputs intern on accept or on a datagram's first sight; workers ask for names, and only then is a name resolved,
//! once for each sender.

use dns_lookup::{AddrInfoHints, getaddrinfo, getnameinfo};
use slog::{Logger, error};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock, RwLock};
use std::time::{Duration, Instant};

/// All senders seen so far. Number 0 is this host.
pub struct Peers {
    table: RwLock<Table>,
    resolve: bool,
    /// How long a name from DNS holds. None = for ever.
    ttl: Option<Duration>,
    /// Whether messages are dropped whose sender's name reads like an address.
    drops_forged: bool,
    log: Logger,
    /// Asks DNS.
    lookup: fn(IpAddr) -> Option<String>,
}

/// One sender.
pub struct Peer {
    /// Its address as text; `127.0.0.1` for this host.
    pub ip: String,
    given: String,
    /// The number of the same sender whose name keeps its case, if this one's name is wanted in lower case.
    folded: Option<u32>,
    found: OnceLock<Found>,
}

/// What DNS had for an address.
struct Found {
    /// The name, or the address where there is none to be used.
    name: String,
    /// The name read like an address: somebody wants to be taken for another.
    forged: bool,
    at: Instant,
}

#[derive(Default)]
struct Table {
    by_key: HashMap<(String, String, Option<u32>), u32>,
    all: Vec<Arc<Peer>>,
}

impl Peers {
    /// `local` is this host's name; `resolve` says whether addresses are looked up in DNS (net.enableDNS).
    pub fn new(local: &str, resolve: bool) -> Self {
        let log = Logger::root(slog::Discard, slog::o!());
        let this =
            Self { table: RwLock::default(), resolve, ttl: None, drops_forged: false, log, lookup: ask };
        this.intern("127.0.0.1", local);
        this
    }

    /// This host's address, if it is not to be 127.0.0.1 ($LocalHostIPIF).
    pub fn at(self, address: Option<IpAddr>) -> Self {
        if let Some(address) = address {
            let mut table = self.table.write().unwrap_or_else(|e| e.into_inner());
            if let Some(local) = table.all.first_mut() {
                *local = Arc::new(Peer::new(&address.to_string(), &local.given, None));
            }
        }
        self
    }

    /// Names from DNS are looked up again after this time (reverseLookup.cache.ttl).
    pub fn expiring(mut self, ttl: Option<Duration>) -> Self {
        self.ttl = ttl;
        self
    }

    /// Names that read like an address are reported here; `drop` says whether their senders' messages are dropped
    /// (dropMsgsWithMaliciousDnsPTRRecords).
    pub fn judging(mut self, drop: bool, log: Logger) -> Self {
        (self.drops_forged, self.log) = (drop, log);
        self
    }

    /// Whether some senders' messages are dropped, see [`Peers::drops`].
    pub fn drops_any(&self) -> bool {
        self.drops_forged
    }

    /// Whether the messages of this sender are dropped. Asks DNS, when it is asked of a sender first.
    pub fn drops(&self, id: u32) -> bool {
        self.drops_forged && {
            let peer = self.peer(id);
            peer.given.is_empty() && self.found(&peer).forged
        }
    }

    /// The number of a sender. An empty `name` is resolved when somebody asks for it.
    pub fn intern(&self, ip: &str, name: &str) -> u32 {
        self.number(ip, name, None)
    }

    /// As [`Peers::intern`] of a sender without name, whose name from DNS will be in lower case (preserveCase="off").
    pub fn intern_folded(&self, ip: &str) -> u32 {
        let kept = self.intern(ip, "");
        self.number(ip, "", Some(kept))
    }

    fn number(&self, ip: &str, name: &str, folded: Option<u32>) -> u32 {
        let key = (ip.to_owned(), name.to_owned(), folded);
        if let Some(&id) = self.table.read().unwrap_or_else(|e| e.into_inner()).by_key.get(&key) {
            return id;
        }
        let mut table = self.table.write().unwrap_or_else(|e| e.into_inner());
        if let Some(&id) = table.by_key.get(&key) {
            return id;
        }
        let id = table.all.len() as u32;
        table.all.push(Arc::new(Peer::new(ip, name, folded)));
        table.by_key.insert(key, id);
        id
    }

    /// The sender with that number; this host for a number that nobody was given.
    pub fn peer(&self, id: u32) -> Arc<Peer> {
        let table = self.table.read().unwrap_or_else(|e| e.into_inner());
        let known = table.all.get(id as usize).or_else(|| table.all.first());
        let known = Arc::clone(known.expect("`new` interned number 0"));
        drop(table);
        let is_old = |ttl| known.found.get().is_some_and(|found| found.at.elapsed() >= ttl);
        if self.ttl.is_some_and(is_old) { self.forget(id, &known) } else { known }
    }

    /// The one number of a sender, whatever the case of its name is to be.
    pub fn kept(&self, id: u32) -> u32 {
        let table = self.table.read().unwrap_or_else(|e| e.into_inner());
        table.all.get(id as usize).and_then(|peer| peer.folded).unwrap_or(id)
    }

    /// The same sender, whose name has yet to be found.
    fn forget(&self, id: u32, old: &Peer) -> Arc<Peer> {
        let new = Arc::new(Peer::new(&old.ip, &old.given, old.folded));
        let mut table = self.table.write().unwrap_or_else(|e| e.into_inner());
        if let Some(place) = table.all.get_mut(id as usize) {
            *place = Arc::clone(&new);
        }
        new
    }

    /// This host has got another name; messages that are being processed may still have the old one.
    pub fn rename_local(&self, name: &str) {
        let mut table = self.table.write().unwrap_or_else(|e| e.into_inner());
        if let Some(local) = table.all.first_mut().filter(|local| local.given != name) {
            *local = Arc::new(Peer::new(&local.ip, name, None));
        }
    }

    /// The sender's name: as its input gave it, from DNS, or else the address itself.
    pub fn name<'a>(&self, peer: &'a Peer) -> &'a str {
        if !peer.given.is_empty() {
            return &peer.given;
        }
        &self.found(peer).name
    }

    fn found<'a>(&self, peer: &'a Peer) -> &'a Found {
        peer.found.get_or_init(|| {
            let found = self.resolve.then(|| peer.ip.parse().ok().and_then(self.lookup)).flatten();
            let forged = found.as_deref().is_some_and(reads_like_an_address);
            if let Some(name) = found.as_deref().filter(|_| forged) {
                self.tell(&peer.ip, name);
            }
            let name = match found.filter(|_| !forged) {
                Some(name) if peer.folded.is_some() => name.to_lowercase(),
                Some(name) => name,
                None => peer.ip.clone(),
            };
            Found { name, forged, at: Instant::now() }
        })
    }

    fn tell(&self, ip: &str, name: &str) {
        // rsyslog: has the code only where it drops.
        let (then, code) = match self.drops_forged {
            true => ("message dropped", FORGED),
            false => {
                ("its address is used instead, dropMsgsWithMaliciousDnsPTRRecords would drop its messages", 0)
            }
        };
        error!(self.log, "Malicious PTR record: IP = \"{ip}\" HOST = \"{name}\", {then}"; "code" => code);
    }
}

impl Peer {
    fn new(ip: &str, given: &str, folded: Option<u32>) -> Self {
        Self { ip: ip.to_owned(), given: given.to_owned(), folded, found: OnceLock::new() }
    }
}

/// The name that DNS or the hosts file has for an address.
pub fn reverse(ip: IpAddr) -> Option<String> {
    // A name that reads like an address is no name: it would let a sender choose its own.
    ask(ip).filter(|name| !reads_like_an_address(name))
}

fn ask(ip: IpAddr) -> Option<String> {
    let (name, _) = getnameinfo(&SocketAddr::new(ip, 0), libc::NI_NAMEREQD).ok()?;
    (!name.is_empty()).then_some(name)
}

/// Whether the resolver takes a name for an address in any of its forms, `1.2` and `0x7f.1` among them.
fn reads_like_an_address(name: &str) -> bool {
    let hints = AddrInfoHints { flags: libc::AI_NUMERICHOST, ..AddrInfoHints::default() };
    getaddrinfo(Some(name), None, Some(hints)).is_ok()
}

/// rsyslog's code of a name that reads like an address.
const FORGED: i32 = 2021;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_interned_once_and_keeps_its_name() {
        let peers = Peers::new("here", false);
        let a = peers.intern("192.0.2.1", "");
        assert_eq!(a, peers.intern("192.0.2.1", ""));
        assert_ne!(a, peers.intern("192.0.2.2", ""));
        assert_eq!(peers.name(&peers.peer(a)), "192.0.2.1");
        assert_eq!(peers.name(&peers.peer(0)), "here");
        assert_eq!(peers.name(&peers.peer(9999)), "here");
        assert_eq!(peers.peer(0).ip, "127.0.0.1");
        peers.rename_local("there");
        assert_eq!((peers.name(&peers.peer(0)), peers.peer(0).ip.as_str()), ("there", "127.0.0.1"));
    }

    #[test]
    fn the_case_of_a_name_is_the_inputs_choice() {
        let lookup = |_| Some("Host.Example".to_owned());
        for ttl in [None, Some(Duration::ZERO)] {
            let peers = Peers { lookup, ..Peers::new("here", true).expiring(ttl) };
            let (kept, folded) = (peers.intern("192.0.2.1", ""), peers.intern_folded("192.0.2.1"));
            for _ in 0..2 {
                assert_eq!(peers.name(&peers.peer(kept)), "Host.Example");
                assert_eq!(peers.name(&peers.peer(folded)), "host.example");
            }
            assert_eq!(peers.intern_folded("192.0.2.1"), folded);
            assert_eq!([kept, folded, 0].map(|id| peers.kept(id)), [kept, kept, 0]);
        }
    }

    #[test]
    fn a_name_holds_as_long_as_it_may() {
        use std::sync::atomic::{AtomicU32, Ordering};
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let lookup = |_| Some(format!("host{}", ASKED.fetch_add(1, Ordering::Relaxed)));
        let names = |ttl, times: usize| {
            let peers = Peers { lookup, ..Peers::new("here", true).expiring(ttl) };
            let id = peers.intern("192.0.2.1", "");
            ASKED.store(0, Ordering::Relaxed);
            let name = || peers.name(&peers.peer(id)).to_owned();
            let names: Vec<_> = (0..times).map(|_| name()).collect();
            assert_eq!(peers.intern("192.0.2.1", ""), id);
            names
        };
        assert_eq!(names(None, 3), ["host0", "host0", "host0"]);
        assert_eq!(names(Some(Duration::from_secs(600)), 3), ["host0", "host0", "host0"]);
        assert_eq!(names(Some(Duration::ZERO), 3), ["host0", "host1", "host2"]);
    }

    #[test]
    fn a_name_that_reads_like_an_address_is_none() {
        for (name, forged) in [
            ("192.0.2.7", true),
            ("1.2", true),
            ("::1", true),
            ("0x7f.1", true),
            ("mx1.2", false),
            ("a", false),
        ] {
            assert_eq!(reads_like_an_address(name), forged, "{name}");
        }
        let lookup = |ip: IpAddr| Some(if ip.is_loopback() { "192.0.2.7" } else { "mx1" }.to_owned());
        for drop in [false, true] {
            let log = Logger::root(slog::Discard, slog::o!());
            let peers = Peers { lookup, ..Peers::new("here", true).judging(drop, log) };
            let [forged, true_one, given] = [("127.0.0.2", ""), ("192.0.2.1", ""), ("127.0.0.2", "given")]
                .map(|(ip, name)| peers.intern(ip, name));
            assert_eq!(peers.name(&peers.peer(forged)), "127.0.0.2");
            assert_eq!([0, forged, true_one, given].map(|id| peers.drops(id)), [false, drop, false, false]);
        }
    }
}
