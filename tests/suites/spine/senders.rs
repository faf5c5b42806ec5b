//! Who may send: `$AllowedSender`, and lists that inputs bring themselves; what is said of those who may not.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use sysloom_tests::{Daemon, Dir, check, file_lines, wait_for};

/// Sends a message from each of these addresses, one connection or datagram after the other.
fn send(daemon: &Daemon, dir: &Dir, protocol: &str, from: &[[u8; 4]]) {
    let port = daemon.port(&dir.file(protocol));
    for ip in from.iter().map(|ip| Ipv4Addr::from(*ip)) {
        let text = format!("<13>1 - h a - - - {protocol} {ip}");
        if protocol == "udp" {
            UdpSocket::bind((ip, 0)).unwrap().send_to(text.as_bytes(), ("127.0.0.1", port)).unwrap();
            continue;
        }
        let mut stream = connect_from(ip, port);
        // Who may not send is closed on, perhaps with a reset.
        let _ = stream.write_all(format!("{text}\n").as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read(&mut [0; 1]);
    }
}

fn connect_from(ip: Ipv4Addr, port: u16) -> TcpStream {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    let address = |ip, port| SockaddrIn::from(SocketAddrV4::new(ip, port));
    bind(fd.as_raw_fd(), &address(ip, 0)).unwrap();
    connect(fd.as_raw_fd(), &address(Ipv4Addr::LOCALHOST, port)).unwrap();
    fd.into()
}

/// `inputs` stands behind the module objects; `{udp}` and `{tcp}` in it are the beginnings of an input of each.
fn start(dir: &Dir, globals: &str, inputs: &str) -> Daemon {
    let of = |protocol: &str| {
        format!(
            "input(type=\"im{protocol}\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/{protocol}\" "
        )
    };
    let inputs = inputs.replace("{udp}", &of("udp")).replace("{tcp}", &of("tcp"));
    let config = format!(
        "{globals}\n{inputs}\ntemplate(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n\
         *.* action(type=\"omfile\" file=\"{{dir}}/log\" template=\"text\")\n"
    );
    Daemon::start(dir, "daemon", &config)
}

const PLAIN: &str = "module(load=\"imudp\") module(load=\"imtcp\")\n{udp})\n{tcp})\n";
/// Addresses of the host that messages come from.
const HERE: [[u8; 4]; 6] =
    [[127, 0, 0, 1], [127, 0, 0, 1], [127, 0, 0, 2], [127, 1, 2, 3], [127, 2, 0, 1], [127, 0, 0, 1]];

fn arrived(dir: &Dir, n: usize) -> Vec<String> {
    let mut lines = file_lines(&dir.file("log"), n);
    lines.sort();
    lines
}

#[test]
fn addresses_and_networks_guard_each_protocol_by_itself() {
    let dir = Dir::new();
    let lists = "$AllowedSender UDP, 127.0.0.2, 127.1.0.0/16\n$AllowedSender TCP, 127.2.0.0/15\n\
                 $AllowedSender TCP, [::1]/128, 127.0.0.2";
    let daemon = start(&dir, lists, PLAIN);
    send(&daemon, &dir, "udp", &HERE);
    send(&daemon, &dir, "tcp", &HERE);
    let want = ["tcp 127.0.0.2", "tcp 127.2.0.1", "udp 127.0.0.2", "udp 127.1.2.3"];
    assert_eq!(arrived(&dir, 4), want);
    let said = daemon.stop();
    // rsyslog: several datagrams in a row of one sender are one line.
    let udp = "imudp: UDP message from disallowed sender discarded";
    assert_eq!(said.matches(udp).count(), 3, "{said}");
    let tcp = |ip: &str| format!("connection request from disallowed sender {ip} discarded");
    assert_eq!(said.matches(&tcp("127.0.0.1")).count(), 3, "{said}");
    assert!(said.contains(&tcp("127.1.2.3")) && said.contains("/e/2063"), "{said}");
    assert!(!said.contains(&tcp("127.0.0.2")), "{said}");
}

/// Without a list of its own a protocol is open.
#[test]
fn a_list_for_one_protocol_leaves_the_other_open() {
    let dir = Dir::new();
    let daemon = start(&dir, "$AllowedSender TCP, 192.0.2.1", PLAIN);
    send(&daemon, &dir, "tcp", &HERE[..1]);
    send(&daemon, &dir, "udp", &HERE[..1]);
    assert_eq!(arrived(&dir, 1), ["udp 127.0.0.1"]);
    daemon.stop();
}

#[test]
fn names_are_resolved_or_compared_with_the_senders() {
    for (name, resolve, heard) in [
        ("localhost", "on", true),
        ("loc?l*", "on", true),
        ("localhost", "off", true),
        ("*.example.net", "on", false),
    ] {
        let dir = Dir::new();
        let globals = format!(
            "global(net.aclResolveHostname=\"{resolve}\" net.permitACLWarning=\"off\")\n\
             $AllowedSender UDP, {name}\n$AllowedSender TCP, {name}, 127.0.0.9"
        );
        let daemon = start(&dir, &globals, PLAIN);
        send(&daemon, &dir, "udp", &HERE[..1]);
        send(&daemon, &dir, "tcp", &[[127, 0, 0, 1], [127, 0, 0, 9]]);
        let mut want = vec!["tcp 127.0.0.9"];
        if heard {
            want.splice(..0, ["tcp 127.0.0.1"]);
            want.push("udp 127.0.0.1");
        }
        assert_eq!(arrived(&dir, want.len()), want, "{name} {resolve}");
        // Nothing is said of strangers with net.permitACLWarning off.
        assert_eq!(daemon.stop(), "", "{name} {resolve}");
    }
}

/// An input's list replaces its module's, and that replaces `$AllowedSender`.
#[test]
fn inputs_bring_lists_of_their_own() {
    let dir = Dir::new();
    let inputs = "module(load=\"imudp\" allowedSender=[\"127.0.0.2\", \"127.1.0.0/16\"])\n\
                  module(load=\"imtcp\" allowedSender=\"127.0.0.2\")\n\
                  {udp})\n{tcp} allowedSender=[\"127.2.0.1\"])\n";
    let daemon = start(&dir, "$AllowedSender UDP, 127.0.0.1\n$AllowedSender TCP, 127.0.0.1", inputs);
    send(&daemon, &dir, "udp", &HERE);
    send(&daemon, &dir, "tcp", &HERE);
    assert_eq!(arrived(&dir, 3), ["tcp 127.2.0.1", "udp 127.0.0.2", "udp 127.1.2.3"]);
    daemon.stop();
}

/// Strangers are counted.
#[test]
fn strangers_stand_in_the_statistics() {
    let dir = Dir::new();
    let more = format!(
        "module(load=\"impstats\" interval=\"1\" format=\"json\" log.file=\"{}\" log.syslog=\"off\")\n{PLAIN}",
        dir.file("stats").display()
    );
    let daemon = start(&dir, "$AllowedSender UDP, 192.0.2.1\n$AllowedSender TCP, 192.0.2.1", &more);
    send(&daemon, &dir, "udp", &HERE[..2]);
    send(&daemon, &dir, "tcp", &HERE[..3]);
    for (input, count) in [("imudp", 2), ("imtcp", 3)] {
        wait_for("the counter", || {
            let stats = std::fs::read_to_string(dir.file("stats")).unwrap_or_default();
            let counter = format!("\"disallowed\":{count}");
            let squeezed = stats.replace(' ', "");
            squeezed.lines().any(|line| line.contains(input) && line.contains(&counter)).then_some(())
        });
    }
    daemon.stop();
}

/// What a list says that cannot be used stands at its place, with rsyslog's words.
#[test]
fn mistakes_in_lists_are_said() {
    let dir = Dir::new();
    let udp = |own: &str| {
        format!("module(load=\"imudp\")\ninput(type=\"imudp\" port=\"0\" allowedSender=[{own}])\n")
    };
    for (config, words) in [
        ("$AllowedSender UDP, 192.0.2.0/0\n".into(), "You can not specify 0 bits of the netmask"),
        ("$AllowedSender UDP, 192.0.2.0/x\n".into(), "error parsing '192.0.2.0/x' in allowed sender list"),
        ("$AllowedSender UDP, nowhere.invalid\n".into(), "DNS error: Can't resolve \"nowhere.invalid\""),
        (
            "global(net.enableDNS=\"off\")\n$AllowedSender UDP, localhost\n".into(),
            "Ignoring hostname based ACLs because DNS is disabled.",
        ),
        (
            "global(net.aclAddHostnameOnFail=\"on\")\n$AllowedSender UDP, nowhere.invalid\n".into(),
            "Adding hostname \"nowhere.invalid\" to ACL as a wildcard entry.",
        ),
        (udp("\"192.0.2.0/0\""), "You can not specify 0 bits of the netmask"),
        (udp(""), "allowedSender names nobody"),
    ] {
        let got = check(&dir, &format!("{config}*.* {{dir}}/log\n"));
        assert!(got.code == 1 && got.stderr.contains(words), "{config}{} {}", got.code, got.stderr);
    }
    // A name that is not looked up is no mistake.
    let kept = "global(net.aclResolveHostname=\"off\")\n$AllowedSender UDP, nowhere.invalid\n*.* {dir}/log\n";
    assert_eq!(check(&dir, kept).code, 0);
}
