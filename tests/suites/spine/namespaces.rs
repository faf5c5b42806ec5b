//! networkNamespace: sockets lie in the namespace that is named, and everything else stays where the daemon is.

use std::net::{TcpStream, UdpSocket};
use std::process::Command;
use sysloom_sdk::net::within;
use sysloom_tests::{Daemon, Dir, Peer, file_lines};

/// A network namespace of the test, with loopback up.
struct Namespace(String);

impl Namespace {
    /// None where the test may not make any.
    fn new(nth: u32) -> Option<Self> {
        if !nix::unistd::geteuid().is_root() || !Peer::installed("ip") {
            println!("skipped: a network namespace needs root and the program ip");
            return None;
        }
        let name = format!("sysloom-test-{}-{nth}", std::process::id());
        let made = Command::new("ip").args(["netns", "add", &name]).status().is_ok_and(|s| s.success());
        if !made {
            println!("skipped: the system lets nobody make a network namespace here");
            return None;
        }
        let made = Self(name);
        let up = Command::new("ip").args(["-n", &made.0, "link", "set", "lo", "up"]).status().unwrap();
        assert!(up.success());
        Some(made)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

#[test]
fn imtcp_listens_there_and_omfwd_sends_from_there() {
    let Some(there) = Namespace::new(1) else { return };
    let (dir, from) = (Dir::new(), Dir::new());
    let input = |port: &str, more: &str| {
        format!(
            "input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/{port}\" \
             name=\"{port}\" {more})\n"
        )
    };
    let collector = format!(
        "module(load=\"imtcp\" networkNamespace=\"{}\")\n{}{}\
         template(name=\"t\" type=\"string\" string=\"%inputname% %msg%\\n\")\n\
         if $inputname contains \"side\" then action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n",
        there.0,
        input("inside", ""),
        input("outside", "networkNamespace=\"\"")
    );
    let collector = Daemon::start(&dir, "collector", &collector);
    let (inside, outside) = (collector.port(&dir.file("inside")), collector.port(&dir.file("outside")));
    let datagrams = within(&there.0, || UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    let forward = |protocol: &str, port: u16, more: &str| {
        format!(
            "*.* action(type=\"omfwd\" target=\"127.0.0.1\" protocol=\"{protocol}\" port=\"{port}\" \
             template=\"RSYSLOG_SyslogProtocol23Format\" {more})\n"
        )
    };
    let named = format!("networkNamespace=\"{}\"", there.0);
    let config = format!(
        "{}{}{}{}",
        "module(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/port\" ruleset=\"r\")\n\
         ruleset(name=\"r\") {\n",
        forward("tcp", inside, &named),
        forward("udp", datagrams.local_addr().unwrap().port(), &named),
        forward("tcp", outside, "") + "}\n"
    );
    let sender = Daemon::start(&from, "sender", &config);
    let mut stream = TcpStream::connect(("127.0.0.1", sender.port(&from.file("port")))).unwrap();
    std::io::Write::write_all(&mut stream, b"<13>1 - h a - - - hello\n").unwrap();
    let mut lines = file_lines(&dir.file("log"), 2);
    lines.sort();
    assert_eq!(lines, ["inside hello", "outside hello"]);
    datagrams.set_read_timeout(Some(sysloom_tests::PATIENCE)).unwrap();
    let mut buffer = [0; 200];
    let (len, _) = datagrams.recv_from(&mut buffer).unwrap();
    assert!(buffer[..len].ends_with(b"hello\n"), "{:?}", String::from_utf8_lossy(&buffer[..len]));
    // Nothing of the daemon but sockets is there.
    let namespace = |of: &str| std::fs::read_link(format!("{of}/ns/net")).unwrap();
    for daemon in [&sender, &collector] {
        let tasks = format!("/proc/{}/task", daemon.pid());
        for task in std::fs::read_dir(tasks).unwrap().flatten() {
            assert_eq!(namespace(task.path().to_str().unwrap()), namespace("/proc/self"));
        }
    }
    assert_eq!((sender.stop(), collector.stop()), (String::new(), String::new()));
}

/// Where the targets are, the servers are asked that know them.
#[test]
fn omfwd_asks_for_its_targets_from_there() {
    let Some(there) = Namespace::new(2) else { return };
    let dir = Dir::new();
    for protocol in ["udp", "tcp"] {
        let dns = within(&there.0, || UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
        dns.set_read_timeout(Some(sysloom_tests::PATIENCE)).unwrap();
        let config = format!(
            "global(processInternalMessages=\"on\")\n\
             action(type=\"omfwd\" targetSrv=\"example.org\" protocol=\"{protocol}\" networkNamespace=\"{}\")\n",
            there.0
        );
        let daemon = Daemon::start_with(&dir, protocol, &config, |command| {
            let port = dns.local_addr().unwrap().port().to_string();
            command.env("RSYSLOG_DNS_SERVER", "127.0.0.1").env("RSYSLOG_DNS_PORT", port);
        });
        let mut buffer = [0; 512];
        let (len, _) = dns.recv_from(&mut buffer).unwrap();
        let asked = String::from_utf8_lossy(&buffer[..len]).into_owned();
        assert!(asked.contains(&format!("_syslog\x04_{protocol}\x07example\x03org\0")), "{asked:?}");
        drop(daemon);
    }
}

#[test]
fn a_namespace_that_is_not_there_is_said() {
    let dir = Dir::new();
    let config = "module(load=\"imtcp\")\n\
                  input(type=\"imtcp\" port=\"0\" listenPortFileName=\"{dir}/port\")\n\
                  input(type=\"imtcp\" port=\"0\" networkNamespace=\"no-such-one\")\n\
                  *.* action(type=\"omfwd\" target=\"127.0.0.1\" port=\"1\" protocol=\"tcp\" networkNamespace=\"nor-this\")\n";
    let daemon = Daemon::start(&dir, "daemon", config);
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    std::io::Write::write_all(&mut stream, b"<13>hello\n").unwrap();
    let said =
        daemon.wait_stderr("cannot connect to 127.0.0.1:1: networkNamespace \"nor-this\": cannot open");
    let words = "networkNamespace \"no-such-one\": cannot open /run/netns/no-such-one, see `ip netns list`: No such file";
    assert!(said.contains(words), "{said}");
    daemon.stop();
}
