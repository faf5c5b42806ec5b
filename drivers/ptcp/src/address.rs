//! From the configuration's texts to socket addresses, by the system's resolver.

use dns_lookup::{AddrInfoHints, getaddrinfo};
use std::net::SocketAddr;
use sysloom_sdk::{Complaint, Family};

/// Addresses to listen on or to connect from. An empty `host` means the wildcard of each family.
pub fn local(host: &str, port: &str, family: Family) -> Result<Vec<SocketAddr>, Complaint> {
    look_up(host, port, family, libc::AI_PASSIVE)
}

/// Addresses to connect to, in the order of preference.
pub fn remote(host: &str, port: &str, family: Family) -> Result<Vec<SocketAddr>, Complaint> {
    look_up(host, port, family, 0)
}

fn look_up(host: &str, port: &str, family: Family, flags: i32) -> Result<Vec<SocketAddr>, Complaint> {
    let hints = AddrInfoHints {
        flags,
        address: match family {
            Family::Any => libc::AF_UNSPEC,
            Family::V4 => libc::AF_INET,
            Family::V6 => libc::AF_INET6,
        },
        socktype: libc::SOCK_STREAM,
        protocol: libc::IPPROTO_TCP,
    };
    if port.is_empty() || port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_err() {
        return Err(Complaint::new(format!("\"{port}\" is no port: a number up to 65535 or a service name")));
    }
    let host_text = (!host.is_empty()).then_some(host);
    let found = getaddrinfo(host_text, Some(port), Some(hints))
        .map_err(|e| Complaint::new(unresolved(host, port, e.error_num())))?;
    let mut all: Vec<SocketAddr> = Vec::new();
    for entry in found.flatten() {
        if !all.contains(&entry.sockaddr) {
            all.push(entry.sockaddr);
        }
    }
    if all.is_empty() {
        return Err(Complaint::new(format!("the name {host} has no address of the wanted family")));
    }
    Ok(all)
}

fn unresolved(host: &str, port: &str, code: i32) -> String {
    match code {
        libc::EAI_SERVICE => format!("no TCP service is called \"{port}\" (see /etc/services)"),
        libc::EAI_AGAIN => {
            format!("the name {host} cannot be resolved right now (no name server answers)")
        }
        libc::EAI_NONAME | libc::EAI_FAIL if host.is_empty() => format!("port \"{port}\" is not known"),
        libc::EAI_FAMILY | EAI_ADDRFAMILY => format!("{host} has no address of the wanted family"),
        libc::EAI_NONAME | libc::EAI_FAIL | EAI_NODATA => format!("the name {host} is not known"),
        other => format!("the name {host} cannot be resolved (resolver's error {other})"),
    }
}

/// GNU values that the standard does not name.
const EAI_NODATA: i32 = -5;
const EAI_ADDRFAMILY: i32 = -9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_services_and_families() {
        let both = local("", "0", Family::Any).unwrap();
        assert!(both.iter().all(|a| a.ip().is_unspecified() && a.port() == 0));
        assert!(both.iter().any(SocketAddr::is_ipv4));
        assert_eq!(remote("127.0.0.1", "514", Family::Any).unwrap(), ["127.0.0.1:514".parse().unwrap()]);
        assert_eq!(remote("::1", "6514", Family::V6).unwrap(), ["[::1]:6514".parse().unwrap()]);
    }

    #[test]
    fn complaints_say_what_is_wrong() {
        let text = |host, port| remote(host, port, Family::Any).unwrap_err().text;
        assert!(text("127.0.0.1", "no-such-service").contains("no TCP service is called"));
        assert!(text("127.0.0.1", "65536").contains("65536"));
        assert!(text("127.0.0.1", "").contains("is no port"));
        assert!(text("no-such-host.invalid", "514").contains("no-such-host.invalid"));
        assert!(local("::1", "0", Family::V4).unwrap_err().text.contains("family"));
    }
}
