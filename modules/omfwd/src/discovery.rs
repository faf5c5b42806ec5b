//! `targetSrv`: which targets a domain has for syslog, from its DNS records `_syslog._tcp` or `_syslog._udp` (RFC 2782).
//!
//! A query goes to the servers of resolv.conf in turn, over UDP, and over TCP where an answer is cut short. The targets come
//! in the order in which they are to be tried.

use crate::params::Target;
use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, TYPE, header_buffer};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{Error, ErrorKind, Read, Result as IoResult, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};
use sysloom_sdk::{Complaint, Host};

/// What an action with `targetSrv` asks for.
pub struct Discovery {
    host: Host,
    tcp: bool,
    name: String,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    priority: u16,
    weight: u16,
    host: String,
    port: u16,
}

/// Why there are no records: others may know better, or it is the domain's own word.
enum Nothing {
    Unknown(String),
    Denied(String),
}

impl Discovery {
    pub fn new(host: Host, tcp: bool, domain: &str) -> Result<Self, Complaint> {
        let name = format!("_syslog._{}.{}", if tcp { "tcp" } else { "udp" }, domain.trim_end_matches('.'));
        match Name::new(&name) {
            Ok(_) if !domain.trim_matches('.').is_empty() => Ok(Self { host, tcp, name }),
            _ => Err(Complaint::new(format!("'{domain}' is no domain")).param("targetSrv")),
        }
    }

    /// Asks for the targets. May block for some seconds.
    pub fn find(&self) -> Result<Vec<Arc<Target>>, Complaint> {
        let failed = |why: String| Complaint::new(format!("no targets from DNS name '{}': {why}", self.name));
        let servers = servers();
        let mut last = "no DNS server is known".to_owned();
        for server in servers.iter().cycle().take(servers.len() * ROUNDS) {
            match self.ask(*server) {
                Ok(found) => {
                    let targets = order(found, random).into_iter();
                    let target = |s: Service| Target::new(self.host, self.tcp, &s.host, s.port.to_string());
                    return Ok(targets.map(|service| Arc::new(target(service))).collect());
                }
                Err(Nothing::Denied(why)) => return Err(failed(format!("{server} says {why}"))),
                Err(Nothing::Unknown(why)) => last = format!("{server}: {why}"),
            }
        }
        Err(failed(last))
    }

    fn ask(&self, server: SocketAddr) -> Result<Vec<Service>, Nothing> {
        let unknown = |why: &dyn std::fmt::Display| Nothing::Unknown(why.to_string());
        let id = random(u16::MAX.into()) as u16;
        let mut packet = Packet::new_query(id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let name = Name::new(&self.name).map_err(|e| unknown(&e))?;
        packet.questions.push(Question::new(name, TYPE::SRV.into(), CLASS::IN.into(), false));
        let query = packet.build_bytes_vec().map_err(|e| unknown(&e))?;
        let answers = |answer: &[u8]| answers(answer, id, &packet.questions);
        let mut answer = over_udp(server, &query, answers).map_err(|e| unknown(&e))?;
        if header_buffer::has_flags(&answer, PacketFlag::TRUNCATION).unwrap_or(true) {
            answer = over_tcp(server, &query).map_err(|e| unknown(&e))?;
        }
        let reply = Packet::parse(&answer).map_err(|e| unknown(&e))?;
        services(&reply)
    }
}

/// Whether this is a reply to our question, as far as its head and question tell: anybody can send us datagrams.
fn answers(answer: &[u8], id: u16, questions: &[Question<'_>]) -> bool {
    let head = header_buffer::id(answer) == Ok(id)
        && header_buffer::has_flags(answer, PacketFlag::RESPONSE).unwrap_or(false);
    // What was cut short cannot be read, and is asked for again.
    head && Packet::parse(answer).map_or(true, |reply| {
        let same = |(a, b): (&Question<'_>, &Question<'_>)| {
            a.qname.to_string().eq_ignore_ascii_case(&b.qname.to_string()) && a.qtype == b.qtype
        };
        reply.questions.len() == questions.len() && reply.questions.iter().zip(questions).all(same)
    })
}

fn services(reply: &Packet<'_>) -> Result<Vec<Service>, Nothing> {
    match reply.rcode() {
        RCODE::NoError => {}
        RCODE::NameError => return Err(Nothing::Denied("that there is no such name".into())),
        other => return Err(Nothing::Unknown(format!("error {other:?}"))),
    }
    let found: Vec<_> = reply
        .answers
        .iter()
        .filter_map(|record| match &record.rdata {
            RData::SRV(srv) => Some(Service {
                priority: srv.priority,
                weight: srv.weight,
                host: srv.target.to_string().trim_end_matches('.').to_owned(),
                port: srv.port,
            }),
            _ => None,
        })
        .collect();
    match found.as_slice() {
        [] => Err(Nothing::Denied("that it has no SRV records".into())),
        // RFC 2782: a target that is the root says that there is no such service.
        [one] if one.host.is_empty() => Err(Nothing::Denied("that there is no such service".into())),
        _ => Ok(found.into_iter().filter(|service| !service.host.is_empty()).collect()),
    }
}

/// RFC 2782: lower priorities first; among equals, each is next with a chance in proportion to its weight. `random` gives a
/// number up to and with its argument.
fn order(mut all: Vec<Service>, random: impl Fn(u64) -> u64) -> Vec<Service> {
    // Those without weight come first, so that they have a small chance as well.
    all.sort_by_key(|service| (service.priority, service.weight));
    let mut ordered = Vec::with_capacity(all.len());
    while let Some(first) = all.first() {
        let equals = all.iter().take_while(|service| service.priority == first.priority);
        let sum: u64 = equals.clone().map(|service| u64::from(service.weight)).sum();
        let mark = random(sum);
        let mut running = 0;
        let chosen = equals.take_while(|service| {
            running += u64::from(service.weight);
            running < mark
        });
        let at = chosen.count().min(all.len() - 1);
        ordered.push(all.remove(at));
    }
    ordered
}

/// A random number up to and with `most`.
fn random(most: u64) -> u64 {
    RandomState::new().build_hasher().finish() % most.saturating_add(1)
}

/// The servers to ask.
// rsyslog: the two variables of the environment stand above the system's configuration.
fn servers() -> Vec<SocketAddr> {
    let port = std::env::var("RSYSLOG_DNS_PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(53);
    let addresses = |name: &str| (name, port).to_socket_addrs().into_iter().flatten().take(1);
    if let Ok(server) = std::env::var("RSYSLOG_DNS_SERVER") {
        return addresses(&server).collect();
    }
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let names = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        words.next().filter(|word| *word == "nameserver").and_then(|_| words.next())
    });
    let found: Vec<_> = names.take(MOST_SERVERS).flat_map(addresses).collect();
    // resolv.conf(5): without any it is the machine itself.
    if found.is_empty() { vec![(Ipv4Addr::LOCALHOST, port).into()] } else { found }
}

fn over_udp(server: SocketAddr, query: &[u8], ours: impl Fn(&[u8]) -> bool) -> IoResult<Vec<u8>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(server)?;
    socket.send(query)?;
    let end = Instant::now() + PATIENCE;
    let mut buffer = vec![0; LONGEST];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::new(ErrorKind::TimedOut, "no answer"));
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv(&mut buffer) {
            Ok(len) if buffer.get(..len).is_some_and(&ours) => {
                buffer.truncate(len);
                return Ok(buffer);
            }
            Ok(_) => {}
            Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(e) => return Err(e),
        }
    }
}

fn over_tcp(server: SocketAddr, query: &[u8]) -> IoResult<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let len = u16::try_from(query.len()).map_err(Error::other)?;
    stream.write_all(&[&len.to_be_bytes(), query].concat())?;
    let mut len = [0; 2];
    stream.read_exact(&mut len)?;
    let mut answer = vec![0; u16::from_be_bytes(len).into()];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// How long a server may take, and how often each is asked.
const PATIENCE: Duration = Duration::from_millis(1500);
const ROUNDS: usize = 2;
/// resolv.conf(5): more are not used.
const MOST_SERVERS: usize = 3;
/// Bytes of an answer over UDP.
const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use simple_dns::ResourceRecord;
    use simple_dns::rdata::SRV;

    fn service(priority: u16, weight: u16, host: &str) -> Service {
        Service { priority, weight, host: host.into(), port: 514 }
    }

    fn hosts(all: Vec<Service>, random: impl Fn(u64) -> u64) -> Vec<String> {
        order(all, random).into_iter().map(|service| service.host).collect()
    }

    #[test]
    fn priorities_come_first_and_weights_decide_among_equals() {
        let all = vec![
            service(20, 100, "last"),
            service(10, 0, "none"),
            service(10, 60, "heavy"),
            service(10, 20, "light"),
        ];
        assert_eq!(hosts(all.clone(), |_| 0), ["none", "light", "heavy", "last"]);
        assert_eq!(hosts(all.clone(), |most| most), ["heavy", "light", "none", "last"]);
        assert_eq!(hosts(all.clone(), |most| most.min(20)), ["light", "heavy", "none", "last"]);
        assert!(order(Vec::new(), |most| most).is_empty());
        let firsts = (0..1000).filter(|_| hosts(all.clone(), random)[0] == "heavy").count();
        assert!((600..900).contains(&firsts), "about three in four: {firsts}");
    }

    fn said(records: &[(&str, u16)], rcode: RCODE) -> Result<Vec<Service>, String> {
        let mut reply = Packet::new_reply(1);
        *reply.rcode_mut() = rcode;
        for (host, port) in records {
            let target = Name::new_unchecked(host);
            let data = RData::SRV(SRV { priority: 1, weight: 2, port: *port, target });
            reply.answers.push(ResourceRecord::new(Name::new_unchecked("x"), CLASS::IN, 60, data));
        }
        let bytes = reply.build_bytes_vec().unwrap();
        services(&Packet::parse(&bytes).unwrap()).map_err(|nothing| match nothing {
            Nothing::Unknown(why) => format!("unknown: {why}"),
            Nothing::Denied(why) => why,
        })
    }

    #[test]
    fn a_reply_names_services_or_says_why_not() {
        let two = said(&[("a.example.net", 601), ("b.example.net", 6514)], RCODE::NoError).unwrap();
        let b = Service { priority: 1, weight: 2, host: "b.example.net".into(), port: 6514 };
        assert_eq!((two.len(), &two[1]), (2, &b));
        assert!(said(&[], RCODE::NoError).unwrap_err().contains("no SRV records"));
        assert!(said(&[("", 0)], RCODE::NoError).unwrap_err().contains("no such service"));
        assert!(said(&[], RCODE::NameError).unwrap_err().contains("no such name"));
        assert!(said(&[], RCODE::ServerFailure).unwrap_err().starts_with("unknown: "));
    }

    #[test]
    fn only_the_reply_to_the_question_counts() {
        let question = |name: &'static str| {
            Question::new(Name::new_unchecked(name), TYPE::SRV.into(), CLASS::IN.into(), false)
        };
        let reply = |id, name| {
            let mut reply = Packet::new_reply(id);
            reply.questions.push(question(name));
            reply.build_bytes_vec().unwrap()
        };
        let asked = [question("_syslog._tcp.example.org")];
        assert!(answers(&reply(7, "_syslog._tcp.EXAMPLE.org"), 7, &asked));
        assert!(!answers(&reply(8, "_syslog._tcp.example.org"), 7, &asked));
        assert!(!answers(&reply(7, "_syslog._udp.example.org"), 7, &asked));
        assert!(!answers(b"\0\x07", 7, &asked));
    }
}
