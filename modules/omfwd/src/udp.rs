//! Datagrams: one message each, to the first address of the target that takes it, or to all of them.

use crate::pack::{Compression, Single};
use crate::params::{Plan, Target};
use crate::{Halt, Omfwd};
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{Error, Result as IoResult};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use sysloom_sdk::{Complaint, Level, Records, net};

/// A socket and an address that it sends to.
type Way = (Socket, SockAddr);

pub struct Udp {
    /// Empty = not open.
    pub ways: Vec<Way>,
    /// What they lead to.
    target: Option<Arc<Target>>,
    single: Option<Single>,
    sent_since_open: u64,
    /// The HUP that the ways were opened after.
    hup: u64,
    told_too_large: bool,
}

impl Udp {
    pub fn new(plan: &Plan) -> Self {
        let single = match plan.compression {
            Compression::Single(level) => Some(Single::new(level)),
            _ => None,
        };
        Self { ways: Vec::new(), target: None, single, sent_since_open: 0, hup: 0, told_too_large: false }
    }

    /// Opens the sockets if that is due, with the target resolved anew.
    pub fn ready(&mut self, output: &Omfwd) -> Result<(), Complaint> {
        let (plan, hup) = (&output.plan, output.hups.load(SeqCst));
        let used_up = plan.rebind > 0 && self.sent_since_open >= plan.rebind;
        if !self.ways.is_empty() && hup == self.hup && !used_up {
            return Ok(());
        }
        self.ways.clear();
        (self.hup, self.sent_since_open) = (hup, 0);
        let targets = match &plan.discovery {
            Some(discovery) => net::within(&plan.namespace, || discovery.find())??,
            None => plan.targets.clone(),
        };
        let mut result = Err(Complaint::new("no target"));
        for target in targets {
            result = self.open(output, &target);
            if result.is_ok() {
                self.target = Some(target);
                break;
            }
        }
        result
    }

    fn open(&mut self, output: &Omfwd, target: &Target) -> Result<(), Complaint> {
        let (ways, failure) = net::within(&output.plan.namespace, || open_all(output, target))??;
        self.ways = ways;
        match failure {
            Some(e) if self.ways.is_empty() => {
                let what = format!("cannot open a socket for {}:{}", target.host, target.port);
                Err(Complaint::io(what, &e).code(CODE_UDP))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn commit(&mut self, output: &Omfwd, records: &Records<'_>) -> Result<(), Halt> {
        self.ready(output).map_err(|why| Halt { done: Vec::new(), why })?;
        let allowed = output.allowed(records.len());
        let (mut bytes, mut messages) = (0, 0);
        let mut result = Ok(());
        for (row, message) in records.rows().take(allowed).enumerate() {
            match self.send(output, message) {
                Ok(len) => {
                    bytes += len;
                    messages += 1;
                }
                Err(why) => {
                    self.ways.clear();
                    let done = (0..records.len()).map(|r| r < row || r >= allowed).collect();
                    result = Err(Halt { done, why });
                    break;
                }
            }
            if !output.plan.delay.is_zero() {
                std::thread::sleep(output.plan.delay);
            }
        }
        self.sent_since_open += messages;
        if let Some(target) = &self.target {
            target.messages.add(messages);
            target.bytes.add(bytes);
        }
        result
    }

    fn send(&mut self, output: &Omfwd, message: &[u8]) -> Result<u64, Complaint> {
        let mut packed = match &mut self.single {
            Some(single) => single.pack(message).0,
            None => message,
        };
        let mut failure = None;
        let mut sent = false;
        for (socket, address) in &self.ways {
            let result = match socket.send_to(packed, address) {
                Err(e) if e.raw_os_error() == Some(Errno::EMSGSIZE as i32) && packed.len() > MAX_DATAGRAM => {
                    if !self.told_too_large {
                        self.told_too_large = true;
                        let text = format!(
                            "omfwd: a message of {} bytes is too large for UDP and was cut to {MAX_DATAGRAM}",
                            packed.len()
                        );
                        output.host.log(Level::Warning, CODE_TOO_LARGE, &text);
                    }
                    packed = packed.get(..MAX_DATAGRAM).unwrap_or(packed);
                    socket.send_to(packed, address)
                }
                result => result,
            };
            match result {
                Ok(_) => sent = true,
                Err(e) => failure = Some(e),
            }
            if sent && !output.plan.to_all {
                break;
            }
        }
        match failure {
            Some(e) if !sent => {
                let target = self.target.as_ref();
                let (host, port) = target.map_or(("", ""), |t| (t.host.as_str(), t.port.as_str()));
                Err(Complaint::io(format!("error sending to {host}:{port}"), &e).code(CODE_UDP))
            }
            _ => Ok(packed.len() as u64),
        }
    }
}

/// The ways to a target, and what was in the way of the last one that cannot be gone.
fn open_all(output: &Omfwd, target: &Target) -> Result<(Vec<Way>, Option<Error>), Complaint> {
    let (mut ways, mut failure) = (Vec::new(), None);
    for address in resolve(target)? {
        match open(output, address) {
            Ok(socket) => ways.push((socket, address.into())),
            Err(e) => failure = Some(e),
        }
    }
    Ok((ways, failure))
}

fn resolve(target: &Target) -> Result<Vec<SocketAddr>, Complaint> {
    let Target { host, port, .. } = target;
    let what = || format!("could not get addrinfo for hostname '{host}':'{port}'");
    let number = match port.parse::<u16>() {
        Ok(number) => number,
        Err(_) => service(port)
            .ok_or_else(|| Complaint::new(format!("{}: the service is unknown", what())).code(CODE_UDP))?,
    };
    let addresses = (host.as_str(), number).to_socket_addrs();
    addresses.map(|list| list.collect()).map_err(|e| Complaint::io(what(), &e).code(CODE_UDP))
}

/// The number of a UDP service from the system's table.
fn service(name: &str) -> Option<u16> {
    let table = std::fs::read_to_string("/etc/services").ok()?;
    table.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (first, number) = (words.next()?, words.next()?.strip_suffix("/udp")?);
        (first == name || words.any(|alias| alias == name)).then(|| number.parse().ok())?
    })
}

fn open(output: &Omfwd, to: SocketAddr) -> IoResult<Socket> {
    let plan = &output.plan;
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
    if !plan.device.is_empty() {
        socket.bind_device(Some(plan.device.as_bytes()))?;
    }
    if plan.send_buffer > 0 {
        // With privileges beyond the system's limit, as rsyslog does.
        if setsockopt(&socket, sockopt::SndBufForce, &plan.send_buffer).is_err() {
            socket.set_send_buffer_size(plan.send_buffer)?;
        }
    }
    if plan.address.is_empty() {
        return Ok(socket);
    }
    let Ok(address) = plan.address.parse::<IpAddr>() else {
        return Err(Error::other(format!("'{}' is not an address", plan.address)));
    };
    if address.is_ipv4() != to.is_ipv4() {
        return Err(Errno::EAFNOSUPPORT.into());
    }
    net::bind(socket.as_fd(), SocketAddr::new(address, 0), plan.free_bind, &output.host, "omfwd")?;
    Ok(socket)
}

/// The largest payload of a datagram over IPv4, in bytes.
const MAX_DATAGRAM: usize = 65_507;

/// rsyslog's codes.
const CODE_UDP: i32 = 2354;
const CODE_TOO_LARGE: i32 = 2440;
