//! The module through the sdk's traits, with real sockets.

use super::*;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use sysloom_sdk::testing::{TestHost, settings};
use sysloom_sdk::{Submit, frame_flag};

/// Not the default, to see that it counts.
const MAX: &str = "8090";
const PATIENCE: Duration = Duration::from_secs(10);

type Words<'a> = &'a [(&'static str, &'a str)];

fn make(host: &TestHost, module: Words<'_>, params: Words<'_>) -> Imudp {
    let port = params.iter().any(|(name, _)| *name == "port");
    let params: Vec<_> = (!port).then_some(("port", "0")).into_iter().chain(params.iter().copied()).collect();
    Imudp::new(&settings(module).unwrap(), settings(&params).unwrap(), host.host()).unwrap()
}

/// Runs an input, lets `work` send to its ports, and waits for so many messages.
fn run(
    module: Words<'_>,
    params: Words<'_>,
    expected: usize,
    work: impl FnOnce(&TestHost, &[u16]),
) -> TestHost {
    let host = TestHost::new();
    host.set("maxMessageSize", MAX);
    let input = make(&host, module, params);
    input.activate().unwrap();
    let ports: Vec<u16> = ports(&input);
    let (stop, ring) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| input.run(stop.as_fd()));
        work(&host, &ports);
        assert!(host.wait_for(expected, PATIENCE), "{:?}", host.messages());
        drop(ring);
        reader.join().unwrap().unwrap();
    });
    host
}

fn ports(input: &Imudp) -> Vec<u16> {
    let bound = input.listeners.get().unwrap().iter();
    let mut ports: Vec<u16> =
        bound.map(|l| l.socket.local_addr().unwrap().as_socket().unwrap().port()).collect();
    ports.dedup();
    ports
}

fn send(port: u16, messages: &[&str]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for message in messages {
        socket.send_to(message.as_bytes(), ("127.0.0.1", port)).unwrap();
    }
}

// RFC 5426 3.1: one message in each datagram.
#[test]
fn a_datagram_is_a_message_of_its_sender() {
    let mut object = String::new();
    let host = run(&[], &[], 3, |_, ports| {
        object = format!("imudp(*/{}/IPv4)", ports[0]);
        send(ports[0], &["<13>a", "<13>b\n<13>c", "", "<13>d"]);
    });
    assert_eq!(host.messages(), ["<13>a", "<13>b\n<13>c", "<13>d"]);
    assert_eq!(host.peer(host.submitted()[0].peer).unwrap().0, "127.0.0.1");
    assert!(
        host.submitted().iter().all(|m| m.flags & 0xffff == 0 && m.flags >> 16 != 0 && m.received_ns > 0)
    );
    assert_eq!(Submit(host.submits().2), Submit::FLUSH);
    let counter = |object, name| host.host().counter_of("imudp", object, name, Default::default()).get();
    assert_eq!((counter(&object, "submitted"), counter("imudp(w0)", "msgs.received")), (3, 4));
}

#[test]
fn names_of_senders_are_in_lower_case_unless_told() {
    for (module, commands) in [
        (&[][..], &["sender.allowed", "sender.folded"][..]),
        (&[("preserveCase", "on")][..], &["sender.allowed"][..]),
    ] {
        let host = TestHost::new();
        host.answer("sender.folded", &[9]);
        let input = make(&host, module, &[]);
        assert_eq!(input.sender("192.0.2.8"), if commands.len() == 2 { 9 } else { 1 });
        let host = run(module, &[], 1, |_, ports| send(ports[0], &["a"]));
        assert_eq!(host.commands().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), commands);
        assert_eq!(host.peer(host.submitted()[0].peer).unwrap().0, "127.0.0.1");
    }
}

#[test]
fn one_free_port_serves_both_families_and_stands_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("port");
    let words = [("listenPortFileName", file.to_str().unwrap())];
    let host = run(&[], &words, 2, |_, ports| {
        assert_eq!(ports.len(), 1);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), ports[0].to_string());
        send(ports[0], &["four"]);
        let Ok(six) = UdpSocket::bind("[::1]:0") else { return send(ports[0], &["six"]) };
        six.send_to(b"six", ("::1", ports[0])).unwrap();
    });
    let mut found = host.messages();
    found.sort();
    assert_eq!(found, ["four", "six"]);
}

#[test]
fn several_ports_and_one_address() {
    let host = run(&[], &[("port", "0|0"), ("address", "127.0.0.1")], 2, |_, ports| {
        assert_eq!(ports.len(), 2);
        send(ports[0], &["first"]);
        send(ports[1], &["second"]);
    });
    assert_eq!(host.submitted().len(), 2);

    let host = TestHost::new();
    let input = make(&host, &[], &[("address", "127.0.0.1")]);
    input.activate().unwrap();
    let bound = input.listeners.get().unwrap();
    assert_eq!(bound.len(), 1);
    let address = bound[0].socket.local_addr().unwrap().as_socket().unwrap();
    assert_eq!(address.ip().to_string(), "127.0.0.1");
}

#[test]
fn options_of_the_sockets() {
    let host = TestHost::new();
    let input = make(&host, &[], &[("rcvbufSize", "64m"), ("device", "lo"), ("address", "127.0.0.1")]);
    input.activate().unwrap();
    let socket = &input.listeners.get().unwrap()[0].socket;
    // Linux doubles it, for its own needs.
    if socket.recv_buffer_size().unwrap() != 128 << 20 {
        assert!(host.lines()[0].text.contains("instead of 67108864, see net.core.rmem_max"));
    }
    assert_eq!(socket.device().unwrap().unwrap(), b"lo");

    let size = |words: Words<'_>| {
        let input = make(&TestHost::new(), &[], words);
        input.activate().unwrap();
        input.listeners.get().unwrap()[0].socket.recv_buffer_size().unwrap()
    };
    let usual = UdpSocket::bind("127.0.0.1:0").unwrap();
    let usual = socket2::SockRef::from(&usual).recv_buffer_size().unwrap();
    assert_eq!(size(&[("rcvbufSize", "0")]), usual);
    assert!(size(&[]) >= usual);

    let input = make(&TestHost::new(), &[], &[("device", "no-such-device")]);
    assert!(input.activate().err().unwrap().text.ends_with("No such device"));
}

#[test]
fn a_port_in_use_is_an_error_with_its_number() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let input = make(&TestHost::new(), &[], &[("port", &port), ("address", "127.0.0.1")]);
    let why = input.activate().err().unwrap();
    let words = format!("imudp: could not create UDP listener for 127.0.0.1:{port}: Address already in use");
    assert_eq!((why.text, why.code), (words, 2077));

    let input = make(&TestHost::new(), &[], &[("port", "no-such-service")]);
    assert_eq!(input.activate().err().unwrap().param, Some("port"));
}

#[test]
fn an_address_that_is_not_ours_needs_free_bind() {
    for (word, bound, lines) in [("0", false, 0), ("1", true, 0), ("2", true, 1)] {
        let host = TestHost::new();
        let input = make(&host, &[], &[("address", "192.0.2.8"), ("ipFreeBind", word)]);
        assert_eq!((input.activate().is_ok(), host.lines().len()), (bound, lines));
    }
}

#[test]
fn several_threads_lose_and_double_nothing() {
    let count = 2000;
    let host = run(&[("threads", "3"), ("batchSize", "7")], &[], count, |host, ports| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for number in 0..count {
            socket.send_to(number.to_string().as_bytes(), ("127.0.0.1", ports[0])).unwrap();
            // What is sent faster than it is read would be lost, as UDP may.
            assert!(number % 100 != 99 || host.wait_for(number + 1, PATIENCE));
        }
    });
    let mut numbers: Vec<usize> = host.messages().iter().map(|m| m.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>());
    assert!(host.submits().0 >= count / 7);
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let long = "x".repeat(9000);
    let host = run(&[], &[], 2, |_, ports| send(ports[0], &[&long, &long[..8090]]));
    let found: Vec<_> = host.submitted().iter().map(|m| (m.message.len(), m.flags & 0xffff)).collect();
    assert_eq!(found, [(8090, frame_flag::TRUNCATED), (8090, 0)]);
}

#[test]
fn a_rate_limit_drops_what_is_above() {
    let words = [("rateLimit.interval", "600"), ("rateLimit.burst", "2"), ("name", "lab")];
    let host = run(&[], &words, 2, |_, ports| send(ports[0], &["1", "2", "3"]));
    assert_eq!(host.messages(), ["1", "2"]);
    assert!(host.wait_for_line("lab: begin to drop messages due to rate-limiting", PATIENCE));
}

#[test]
fn the_time_is_asked_for_as_often_as_told() {
    let different = |word: &str, calls: usize| {
        let input = make(&TestHost::new(), &[("timeRequery", word)], &[]);
        let mut receiver = Receiver::new(&input, &[], 0);
        let mut times: Vec<i64> = (0..calls)
            .map(|_| {
                let before = std::time::Instant::now();
                while before.elapsed().is_zero() {}
                receiver.time()
            })
            .collect();
        times.dedup();
        times.len()
    };
    assert_eq!(different("1", 6), 6);
    assert_eq!(different("2", 6), 3);
    assert_eq!(different("6", 6), 1);
}

#[test]
fn the_table_of_the_input() {
    let fails = |words: Words<'_>| settings::<InputParams>(words).err().unwrap().param;
    assert_eq!(fails(&[]), Some("port"));
    assert_eq!(fails(&[("port", "0"), ("rcvbufSize", "2g")]), Some("rcvbufSize"));
    assert!(settings::<ModuleParams>(&[("threads", "33")]).is_err());
    assert_eq!(settings::<InputParams>(&[("port", "0"), ("inputname", "x")]).unwrap().name, "x");
    let params = settings::<InputParams>(&[("port", "0"), ("device", "lo")]).unwrap();
    assert_eq!(params.device.as_deref(), Some("lo"));
}

#[test]
fn the_readme_has_the_tables() {
    use sysloom_sdk::testing::{check_readme, table};
    check_readme(
        env!("CARGO_MANIFEST_DIR"),
        &[("module", table::<ModuleParams>()), ("input", table::<InputParams>())],
    );
}

#[test]
fn a_schedule_has_a_policy_and_a_priority_that_fits() {
    use crate::schedule::Schedule;
    let read = |pairs: &[(&'static str, &str)]| Schedule::new(&settings(pairs).unwrap());
    assert!(read(&[]).unwrap().is_none());
    assert!(read(&[("schedulingPolicy", "other"), ("schedulingPriority", "0")]).unwrap().is_none());
    for word in ["fifo", "rr"] {
        assert!(read(&[("schedulingPolicy", word), ("schedulingPriority", "10")]).unwrap().is_some());
        let why = read(&[("schedulingPolicy", word), ("schedulingPriority", "0")]).unwrap_err();
        assert!(why.text.contains("must be from 1 to 99 (was 0)"), "{}", why.text);
    }
    assert_eq!(read(&[("schedulingPriority", "10")]).unwrap_err().param, Some("schedulingPriority"));
    // What the thread got is what the system says of it, where it is permitted at all.
    let schedule = read(&[("schedulingPolicy", "rr"), ("schedulingPriority", "3")]).unwrap().unwrap();
    match schedule.apply() {
        Ok(()) => {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
            // rt_priority and policy, 2 = SCHED_RR.
            assert_eq!((fields[37], fields[38]), ("3", "2"), "{stat}");
        }
        Err(why) => assert!(why.text.contains("does not schedule threads as rr"), "{}", why.text),
    }
}
