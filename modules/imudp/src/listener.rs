//! The sockets of an input: for each port one for IPv4 and one for IPv6, with the same number.

use crate::params::InputParams;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use sysloom_sdk::{Complaint, Counter, CounterKind, Host, Level, net};

pub struct Listener {
    pub socket: Socket,
    pub submitted: Counter,
    pub disallowed: Counter,
}

/// Binds all ports, and writes the port file.
pub fn open(params: &InputParams, host: Host) -> Result<Vec<Listener>, Complaint> {
    let mut listeners = Vec::new();
    let mut first = None;
    for port in &params.port {
        let (bound, number) = open_port(params, port, host)?;
        first = first.or(Some(number));
        listeners.extend(bound);
    }
    let (Some(number), Some(file)) = (first, &params.port_file) else { return Ok(listeners) };
    // A reader never sees a part of it.
    let mut temporary = file.clone().into_os_string();
    temporary.push(".tmp");
    std::fs::write(&temporary, number.to_string())
        .and_then(|()| std::fs::rename(&temporary, file))
        .map_err(|e| Complaint::io(format!("imudp: cannot write '{}'", file.display()), &e))?;
    Ok(listeners)
}

fn open_port(params: &InputParams, port: &str, host: Host) -> Result<(Vec<Listener>, u16), Complaint> {
    let number = number_of(port)?;
    let addresses = addresses(params)?;
    let shown = params.address.as_deref().unwrap_or("*");
    let fault = |e: &Error| {
        Complaint::io(format!("imudp: could not create UDP listener for {shown}:{port}"), e).code(CODE_BIND)
    };
    let mut attempts = if number == 0 { ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match bind_all(params, &addresses, number, host) {
            // Another program has the free port in the other family.
            Err(e) if attempts > 0 && e.raw_os_error() == Some(Errno::EADDRINUSE as i32) => {}
            result => return result.map_err(|e| fault(&e)),
        }
    }
}

/// One port for all addresses. Families that the system does not have are left out.
fn bind_all(
    params: &InputParams,
    addresses: &[IpAddr],
    mut port: u16,
    host: Host,
) -> Result<(Vec<Listener>, u16), Error> {
    let mut listeners = Vec::new();
    let mut missing = None;
    for address in addresses {
        match bind(params, SocketAddr::new(*address, port), host) {
            Ok(socket) => {
                port = socket.local_addr()?.as_socket().map_or(port, |a| a.port());
                let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
                let shown = params.address.as_deref().filter(|a| !a.is_empty()).unwrap_or("*");
                let object = format!("{}({shown}/{port}/{family})", params.name);
                let counter = |name| host.counter_of("imudp", &object, name, CounterKind::default());
                let (submitted, disallowed) = (counter("submitted"), counter("disallowed"));
                listeners.push(Listener { socket, submitted, disallowed });
            }
            Err(e) if is_missing_family(&e) && addresses.len() > 1 => missing = Some(e),
            Err(e) => return Err(e),
        }
    }
    match missing {
        Some(e) if listeners.is_empty() => Err(e),
        _ => Ok((listeners, port)),
    }
}

fn bind(params: &InputParams, address: SocketAddr, host: Host) -> Result<Socket, Error> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    match params.receive_buffer {
        Some(0) => {}
        Some(size) => set_buffer(&socket, usize::try_from(size).unwrap_or(usize::MAX), Some(host))?,
        // The system's usual size is lost on the first pause of a flood.
        None if socket.recv_buffer_size()? / 2 < ROOMY => set_buffer(&socket, ROOMY, None)?,
        None => {}
    }
    if let Some(device) = &params.device {
        socket.bind_device(Some(device.as_bytes()))?;
    }
    net::bind(socket.as_fd(), address, params.ip_free_bind, &host, "imudp")?;
    Ok(socket)
}

/// With privileges beyond the system's limit, as rsyslog does.
fn set_buffer(socket: &Socket, size: usize, complain: Option<Host>) -> Result<(), Error> {
    if setsockopt(socket, sockopt::RcvBufForce, &size).is_ok() {
        return Ok(());
    }
    socket.set_recv_buffer_size(size)?;
    // Linux says twice what was asked for.
    let got = socket.recv_buffer_size()? / 2;
    if let Some(host) = complain.filter(|_| got < size) {
        let text =
            format!("imudp: the receive buffer has {got} bytes instead of {size}, see net.core.rmem_max");
        host.log(Level::Warning, 0, &text);
    }
    Ok(())
}

fn addresses(params: &InputParams) -> Result<Vec<IpAddr>, Complaint> {
    match params.address.as_deref() {
        None | Some("" | "*") => Ok(vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()]),
        Some(name) => {
            let found = (name, 0).to_socket_addrs().map_err(|e| {
                Complaint::io(format!("imudp: cannot resolve '{name}'"), &e).param("address").code(CODE_BIND)
            })?;
            let mut all: Vec<IpAddr> = found.map(|a| a.ip()).collect();
            all.dedup();
            Ok(all)
        }
    }
}

fn number_of(port: &str) -> Result<u16, Complaint> {
    if port.is_empty() {
        // rsyslog: a $UDPServerRun without a port.
        return Ok(514);
    }
    if let Ok(number) = port.parse() {
        return Ok(number);
    }
    let table = std::fs::read_to_string("/etc/services").unwrap_or_default();
    let found = table.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (first, number) = (words.next()?, words.next()?.strip_suffix("/udp")?);
        (first == port || words.any(|alias| alias == port)).then(|| number.parse().ok())?
    });
    found.ok_or_else(|| {
        Complaint::new(format!("imudp: '{port}' is neither a port nor a service"))
            .param("port")
            .code(CODE_BIND)
    })
}

fn is_missing_family(e: &Error) -> bool {
    let missing = [Errno::EAFNOSUPPORT as i32, Errno::EADDRNOTAVAIL as i32, Errno::EPROTONOSUPPORT as i32];
    e.raw_os_error().is_some_and(|code| missing.contains(&code))
}

/// Receive buffer of sockets whose configuration says nothing, in bytes.
const ROOMY: usize = 4 << 20;
/// How often a free port is tried until it is free in both families.
const ATTEMPTS: u32 = 16;

/// rsyslog's code of a listener that cannot be bound.
const CODE_BIND: i32 = 2077;
