//! net.ipprotocol: a listener is there for the families that the configuration names, and for no other.

use std::net::TcpStream;
use sysloom_tests::{Daemon, Dir};

#[test]
fn listeners_keep_to_the_address_family() {
    for (word, v4, v6) in
        [("unspecified", true, true), ("ipv4-only", true, false), ("ipv6-only", false, true)]
    {
        let dir = Dir::new();
        let config = format!(
            "global(net.ipprotocol=\"{word}\")\n\
             module(load=\"imtcp\")\n\
             input(type=\"imtcp\" port=\"0\" listenPortFileName=\"{{dir}}/port\")\n\
             *.* {{dir}}/log\n"
        );
        let daemon = Daemon::start(&dir, "server", &config);
        let port = daemon.port(&dir.file("port"));
        assert_eq!(TcpStream::connect(("127.0.0.1", port)).is_ok(), v4, "{word}");
        assert_eq!(TcpStream::connect(("::1", port)).is_ok(), v6, "{word}");
        daemon.stop();
    }
}
