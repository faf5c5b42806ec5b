//! The netstream driver `ptcp`: plain TCP over IPv4 and IPv6. It is the transport that record layers such as TLS
//! stand on, and a stream of its own for `streamDriver.mode="0"`.
//!
//! The host polls level-triggered. An accepted stream relies on that: after a read that did not fill the buffer it
//! reports WOULD_BLOCK once without asking the kernel.
#![forbid(unsafe_code)]

mod address;
mod connect;
mod listen;
mod stream;

pub use listen::Sockets;
pub use stream::TcpSession;

use std::os::fd::RawFd;
use sysloom_sdk::{
    Complaint, ConnectTo, Connection, Host, ListenAt, Role, Stop, StreamSettings, Transport, plugin,
};

/// The driver. Plain TCP has nothing that streams could share.
pub struct Ptcp;

impl Transport for Ptcp {
    const NAME: &'static str = "ptcp";
    type Stream = TcpSession;
    type Listener = Sockets;

    fn new(_: Role, _: &StreamSettings<'_>, _: Host) -> Result<Self, Complaint> {
        Ok(Self)
    }

    fn listen(&self, at: &ListenAt<'_>) -> Result<Sockets, Complaint> {
        Sockets::bind(at)
    }

    fn descriptors(listener: &Sockets) -> Vec<RawFd> {
        listener.descriptors()
    }

    fn port(listener: &Sockets) -> u16 {
        listener.port()
    }

    fn accept(listener: &Sockets, fd: RawFd) -> Result<Connection<TcpSession>, Stop> {
        listener.accept(fd)
    }

    fn connect(&self, to: &ConnectTo<'_>) -> Result<Connection<TcpSession>, Stop> {
        connect::connect(to)
    }
}

plugin! { name: "ptcp", transports: [Ptcp] }
