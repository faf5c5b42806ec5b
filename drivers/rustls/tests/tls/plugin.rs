//! The driver on the sdk's own stream and host, as the daemon uses it.

use crate::driver::{Daemon, Session};
use crate::pair::Pki;
use std::sync::Arc;
use sysloom_sdk::testing::{TestHost, wire};
use sysloom_sdk::{LayerSession, Lower, Role, Stop, Stream};

#[test]
fn two_sessions_over_the_sdks_streams() {
    let pki = Pki::new();
    let host = TestHost::new();
    let daemon: Arc<dyn Daemon> = Arc::new(host.host());
    let server = pki.context(Role::Server, "x509/name", "", &daemon);
    let client = pki.context(Role::Client, "x509/name", "", &daemon);
    let ((below_server, mut at_server), (below_client, mut at_client)) = (wire(), wire());
    let mut server: Session<Lower> =
        Session::new(&server, daemon.clone(), below_server, true, "", 1).unwrap();
    let mut client: Session<Lower> =
        Session::new(&client, daemon, below_client, false, "server.example.net", 2).unwrap();
    let mut carry = || {
        let (from_server, from_client) = (at_server.take(), at_client.take());
        at_server.give(&from_client);
        at_client.give(&from_server);
        !from_server.is_empty() || !from_client.is_empty()
    };
    loop {
        let (a, b) = (server.handshake(), client.handshake());
        assert!(matches!(a, Ok(()) | Err(Stop::Wait(_))) && matches!(b, Ok(()) | Err(Stop::Wait(_))));
        if !carry() {
            a.unwrap();
            b.unwrap();
            break;
        }
    }
    assert_eq!(client.write(b"over the sdk").unwrap(), 12);
    client.shutdown().unwrap();
    carry();
    let mut buf = [0; 64];
    let n = server.read(&mut buf).unwrap();
    assert_eq!(&buf[..n], b"over the sdk");
    assert!(matches!(server.read(&mut buf), Err(Stop::Closed)));
    at_server.close();
    assert!(host.lines().is_empty(), "{:?}", host.lines());
}
