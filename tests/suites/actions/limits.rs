//! Limits by name: what inputs and actions that name one `ratelimit()` share, and what is above it.

use crate::{send, start, texts};
use std::io::Write;
use std::net::TcpStream;
use std::ops::Range;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};
use sysloom_tests::{Dir, file_lines, wait_for};

const STRICT: &str = "ratelimit(name=\"strict\" interval=\"600\" burst=\"10\")\n";
const STATS: &str = "module(load=\"impstats\" interval=\"1\" log.syslog=\"off\" log.file=\"{dir}/stats\")\n";

fn lines(dir: &Dir, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(dir.file(name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn inputs_share_the_limit_that_they_name() {
    let dir = Dir::new();
    let input = |file: &str| {
        format!(
            "input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" rateLimit.name=\"strict\" \
             listenPortFileName=\"{{dir}}/{file}\")\n"
        )
    };
    let config = format!(
        "{STRICT}{}{}action(type=\"omfile\" file=\"{{dir}}/all\" template=\"m\")\n",
        input("one"),
        input("two")
    );
    let (daemon, mut free) = start(&dir, &config);
    let connect = |file: &str| TcpStream::connect(("127.0.0.1", daemon.port(&dir.file(file)))).unwrap();
    let (mut one, mut two) = (connect("one"), connect("two"));
    send(&mut one, 0..7);
    assert_eq!(file_lines(&dir.file("all"), 7), texts(0..7));
    send(&mut two, 7..15);
    daemon.wait_stderr("strict: begin to drop messages due to rate-limiting");
    send(&mut one, 15..20);
    drop((one, two));
    // What names no limit is not held back by it.
    send(&mut free, 50..53);
    assert_eq!(file_lines(&dir.file("all"), 13).len(), 13);
    daemon.stop();
    assert_eq!(lines(&dir, "all"), texts((0..10).chain(50..53)));
}

/// The system socket and a further one; what they say of interval and burst themselves does not count.
#[test]
fn local_sockets_name_a_limit() {
    let dir = Dir::new();
    let config = format!(
        "{STRICT}module(load=\"imuxsock\" sysSock.name=\"{{dir}}/system\" sysSock.rateLimit.name=\"strict\")\n\
         input(type=\"imuxsock\" socket=\"{{dir}}/further\" rateLimit.name=\"strict\")\n\
         input(type=\"imuxsock\" socket=\"{{dir}}/free\")\n\
         template(name=\"n\" type=\"string\" string=\"%msg:2:$%\\n\")\n\
         action(type=\"omfile\" file=\"{{dir}}/all\" template=\"n\")\n"
    );
    let (daemon, _) = start(&dir, &config);
    let socket = UnixDatagram::unbound().unwrap();
    let send = |name: &str, numbers: Range<u32>| {
        for text in texts(numbers) {
            socket.send_to(format!("<13>app: {text}").as_bytes(), dir.file(name)).unwrap();
        }
    };
    send("further", 0..6);
    assert_eq!(file_lines(&dir.file("all"), 6), texts(0..6));
    send("system", 6..20);
    daemon.wait_stderr("strict: begin to drop messages due to rate-limiting");
    send("further", 20..25);
    send("free", 50..53);
    assert_eq!(file_lines(&dir.file("all"), 13).len(), 13);
    daemon.stop();
    assert_eq!(lines(&dir, "all"), texts((0..10).chain(50..53)));
}

/// The same of datagrams, which go to their input's ruleset.
#[test]
fn datagrams_count_as_well() {
    let dir = Dir::new();
    let config = format!(
        "{STRICT}module(load=\"imudp\")\n\
         input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" rateLimit.name=\"strict\" ruleset=\"own\" \
         listenPortFileName=\"{{dir}}/udp\")\n\
         ruleset(name=\"own\") {{ action(type=\"omfile\" file=\"{{dir}}/own\" template=\"m\") }}\n\
         action(type=\"omfile\" file=\"{{dir}}/main\" template=\"m\")\n"
    );
    let (daemon, mut other) = start(&dir, &config);
    let port = daemon.port(&dir.file("udp"));
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for nth in 0..15 {
        let text = format!("<13>1 2026-11-23T01:02:03Z host app - - - number{nth:04}");
        socket.send_to(text.as_bytes(), ("127.0.0.1", port)).unwrap();
    }
    daemon.wait_stderr("strict: begin to drop messages due to rate-limiting");
    send(&mut other, 50..51);
    assert_eq!(file_lines(&dir.file("main"), 1), texts(50..51));
    daemon.stop();
    assert_eq!(lines(&dir, "own"), texts(0..10));
    assert_eq!(lines(&dir, "main"), texts(50..51));
}

#[test]
fn grave_messages_pass_a_limit_with_a_severity() {
    let dir = Dir::new();
    let config = "ratelimit(name=\"mild\" interval=\"600\" burst=\"2\" severity=\"warning\")\n\
        input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" rateLimit.name=\"mild\" listenPortFileName=\"{dir}/mild\")\n\
        action(type=\"omfile\" file=\"{dir}/all\" template=\"m\")\n";
    let (daemon, _) = start(&dir, config);
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("mild")))).unwrap();
    for (nth, pri) in [13, 12, 13, 11, 13, 8].into_iter().enumerate() {
        writeln!(stream, "<{pri}>1 2026-11-23T01:02:03Z host app - - - number{nth:04}").unwrap();
    }
    assert_eq!(file_lines(&dir.file("all"), 4), texts([0, 1, 3, 5].into_iter()));
    daemon.stop();
    assert_eq!(lines(&dir, "all").len(), 4);
}

#[test]
fn actions_share_a_limit_and_count_what_it_drops() {
    let dir = Dir::new();
    let limited = |name: &str, more: &str| {
        format!(
            "action(type=\"omfile\" name=\"{name}\" file=\"{{dir}}/{name}\" template=\"m\" \
             action.rateLimit.name=\"strict\" {more})\n"
        )
    };
    let config = format!(
        "{STRICT}{STATS}{}{}action(type=\"omfile\" file=\"{{dir}}/all\" template=\"m\")\n",
        limited("first", ""),
        limited("second", "queue.type=\"LinkedList\"")
    );
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..20);
    assert_eq!(file_lines(&dir.file("all"), 20), texts(0..20));
    let count = |name: &str| {
        wait_for("what the limit counted", || {
            let object = format!(": {name}: ");
            let stats = lines(&dir, "stats");
            let line = stats.iter().rev().find(|line| line.contains(&object))?;
            let number = |key: &str| {
                let value = line.split(&format!(" ratelimit.{key}=")).nth(1)?;
                value.split(' ').next()?.parse::<u32>().ok()
            };
            Some((number("allowed")?, number("dropped")?))
                .filter(|(allowed, dropped)| allowed + dropped == 20)
        })
    };
    let (first, second) = (count("first"), count("second"));
    assert_eq!(first.0 + second.0, 10, "{first:?} {second:?}");
    daemon.stop();
    assert_eq!(lines(&dir, "first").len(), first.0 as usize);
    assert_eq!(lines(&dir, "second").len(), second.0 as usize);
}

#[test]
fn omfwd_takes_a_name_as_well() {
    let dir = Dir::new();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let config = format!(
        "{STRICT}action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{}\" template=\"m\" rateLimit.name=\"strict\")\n\
         action(type=\"omfile\" file=\"{{dir}}/all\" template=\"m\")\n",
        udp.local_addr().unwrap().port()
    );
    let (daemon, mut stream) = start(&dir, &config);
    send(&mut stream, 0..20);
    assert_eq!(file_lines(&dir.file("all"), 20).len(), 20);
    daemon.stop();
    udp.set_nonblocking(true).unwrap();
    let mut buffer = [0; 100];
    let came = std::iter::from_fn(|| udp.recv(&mut buffer).ok()).count();
    assert_eq!(came, 10);
}

#[test]
fn a_policy_that_paces_holds_messages_back_and_loses_none() {
    let dir = Dir::new();
    dir.write("policy.yaml", "interval: 1\nburst: 10\nscope: output\noutput:\n  mode: pace\n");
    let config = "ratelimit(name=\"steady\" policy=\"{dir}/policy.yaml\")\n\
        action(type=\"omfile\" file=\"{dir}/all\" template=\"m\" queue.type=\"LinkedList\" \
        action.rateLimit.name=\"steady\")\n";
    let (daemon, mut stream) = start(&dir, config);
    let begun = Instant::now();
    send(&mut stream, 0..35);
    assert_eq!(file_lines(&dir.file("all"), 35), texts(0..35));
    assert!(begun.elapsed() >= Duration::from_secs(3), "{:?}", begun.elapsed());
    daemon.stop();
}

/// Sends one message of each of these hosts, numbered.
fn send_from(stream: &mut TcpStream, hosts: &[&str]) {
    for (nth, host) in hosts.iter().enumerate() {
        writeln!(stream, "<13>1 2026-11-23T01:02:03Z {host} app - - - {host}{nth}").unwrap();
    }
}

const LOUD: &str = "global(allMessagesToStderr=\"on\")\n";
const LIMITED_INPUT: &str = "input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" rateLimit.name=\"each\" \
     listenPortFileName=\"{dir}/each\")\naction(type=\"omfile\" file=\"{dir}/all\" template=\"m\")\n";

/// One host that says too much does not take the place of others; a policy gives a host a limit of its own, a template
/// says what a source is.
#[test]
fn sources_are_limited_one_by_one() {
    let sources = "default:\n  max: 1\noverrides:\n  - key: b\n    max: 3\n    window: 10m\n";
    let limit = |more: &str| format!("ratelimit(name=\"each\" interval=\"600\" burst=\"2\" {more})\n");
    for (more, passed) in [
        ("", "a0 a1"),
        ("perSource=\"on\"", "a0 a1 b3 c5 b6 c9"),
        ("perSource=\"on\" perSourcePolicy=\"{dir}/sources.yaml\"", "a0 b3 c5 b6 b7"),
        // The same of all hosts.
        ("perSource=\"on\" perSourceKeyTpl=\"app\"", "a0 a1"),
        // No source is remembered while others speak: it begins anew each time.
        ("perSource=\"on\" perSourceMaxStates=\"1\"", "a0 a1 b3 a4 c5 b6 b7 c9"),
    ] {
        let dir = Dir::new();
        dir.write("sources.yaml", sources);
        let app = "template(name=\"app\" type=\"string\" string=\"%app-name%\")\n";
        let config = format!("{app}{}{STATS}{LIMITED_INPUT}", limit(more));
        let (daemon, mut free) = start(&dir, &config);
        let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("each")))).unwrap();
        send_from(&mut stream, &["a", "a", "a", "b", "a", "c", "b", "b", "b", "c"]);
        let counted = (!more.is_empty()).then(|| {
            wait_for("ten counted messages", || {
                let stats = lines(&dir, "stats");
                let line = stats.iter().rev().find(|line| line.contains(": each: origin=ratelimit "))?;
                let number = |key: &str| {
                    line.split(&format!(" per_source_{key}="))
                        .nth(1)?
                        .split(' ')
                        .next()?
                        .parse::<usize>()
                        .ok()
                };
                let all = number("allowed")? + number("dropped")?;
                (all == 10).then(|| (line.clone(), number("allowed").unwrap_or(0)))
            })
        });
        if counted.is_none() {
            daemon.wait_stderr("each: begin to drop");
        }
        send(&mut free, 0..1);
        wait_for("the last message", || lines(&dir, "all").contains(&"number0000".to_owned()).then_some(()));
        let _ = daemon.stop();
        let got = lines(&dir, "all");
        let got: Vec<_> = got.iter().map(String::as_str).filter(|line| !line.starts_with("number")).collect();
        assert_eq!(got.join(" "), passed, "{more}");
        let Some((line, allowed)) = counted else { continue };
        assert_eq!(allowed, got.len(), "{line}");
    }
}

/// The sources of which most was dropped stand in the statistics, as many as are wanted.
#[test]
fn the_statistics_name_the_worst_sources() {
    for (more, named) in
        [("", &["a", "b", "c"][..]), ("perSourceTopN=\"2\"", &["a", "b"]), ("perSourceTopN=\"0\"", &[])]
    {
        let dir = Dir::new();
        let limit =
            format!("ratelimit(name=\"each\" interval=\"600\" burst=\"1\" perSource=\"on\" {more})\n");
        let (daemon, _free) = start(&dir, &format!("{limit}{STATS}{LIMITED_INPUT}"));
        let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("each")))).unwrap();
        send_from(&mut stream, &["c", "b", "a", "a", "a", "a", "b", "b", "c", "d"]);
        let line = wait_for("ten counted messages", || {
            let stats = lines(&dir, "stats");
            stats.iter().rev().find(|line| line.contains(" per_source_dropped=6 ")).cloned()
        });
        let shown: Vec<_> = line
            .split(' ')
            .filter_map(|word| word.strip_prefix("dropped.")?.split_once('='))
            .map(|(host, _)| host)
            .collect();
        assert_eq!(shown, named, "{line}");
        daemon.stop();
    }
}

#[test]
fn an_action_limits_sources_as_well() {
    let dir = Dir::new();
    let config = "ratelimit(name=\"each\" interval=\"600\" burst=\"1\" perSource=\"on\")\n\
        action(type=\"omfile\" file=\"{dir}/each\" template=\"m\" action.rateLimit.name=\"each\")\n\
        action(type=\"omfile\" file=\"{dir}/all\" template=\"m\")\n";
    let (daemon, mut stream) = start(&dir, config);
    send_from(&mut stream, &["a", "a", "b", "a", "b"]);
    assert_eq!(file_lines(&dir.file("all"), 5).len(), 5);
    daemon.stop();
    assert_eq!(lines(&dir, "each"), ["a0", "b2"]);
}

/// A policy file that changes holds at once where it is watched, and after a HUP everywhere; one that is broken changes
/// nothing, and that is said.
#[test]
fn policy_files_are_read_again() {
    for watched in [true, false] {
        let dir = Dir::new();
        dir.write("policy.yaml", "interval: 600\nburst: 1\n");
        let watch = if watched { "policyWatch=\"on\" policyWatchDebounce=\"10ms\"" } else { "" };
        let limit = format!("ratelimit(name=\"each\" policy=\"{{dir}}/policy.yaml\" {watch})\n");
        let (daemon, mut free) = start(&dir, &(LOUD.to_owned() + &limit + LIMITED_INPUT));
        let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("each")))).unwrap();
        send_from(&mut stream, &["first", "lost"]);
        daemon.wait_stderr("each: begin to drop");
        let change = |text: &str, said: &str| {
            // A new file in the old one's place, as editors do.
            std::fs::rename(dir.write("new.yaml", text), dir.file("policy.yaml")).unwrap();
            if !watched {
                daemon.signal(nix::sys::signal::Signal::SIGHUP);
            }
            daemon.wait_stderr(said)
        };
        let said = change("interval: 600\nburst: lots\n", "burst: 'lots' is not understood");
        assert!(said.contains("the limits that it set before stay in force"), "{said}");
        send_from(&mut stream, &["lost"]);
        // The window goes on: one of three has passed.
        change("interval: 600\nburst: 3\n", "policy.yaml' has changed and holds from now on");
        send_from(&mut stream, &["second", "third", "lost"]);
        let passed = ["first0", "second0", "third1"];
        assert_eq!(file_lines(&dir.file("all"), 3), passed);
        send(&mut free, 0..1);
        assert_eq!(file_lines(&dir.file("all"), 4)[3], "number0000");
        daemon.stop();
        assert_eq!(lines(&dir, "all").len(), 4);
    }
}

/// What is written bit by bit is read once it is quiet about the file.
#[test]
fn a_policy_file_is_read_when_it_is_quiet_about_it() {
    let dir = Dir::new();
    dir.write("policy.yaml", "interval: 600\nburst: 1\n");
    let limit = "ratelimit(name=\"each\" policy=\"{dir}/policy.yaml\" policyWatch=\"on\" policyWatchDebounce=\"1h\")\n\
        ratelimit(name=\"eager\" policy=\"{dir}/policy.yaml\" policyWatch=\"on\" policyWatchDebounce=\"0ms\")\n";
    let (daemon, _free) = start(&dir, &(LOUD.to_owned() + limit + LIMITED_INPUT));
    dir.write("policy.yaml", "interval: 600\nburst: 5\n");
    daemon.wait_stderr("ratelimit 'eager'");
    let said = daemon.stop();
    assert!(!said.contains("ratelimit 'each'"), "{said}");
    let (bad, dir) =
        ("ratelimit(name=\"each\" policyWatch=\"on\" policyWatchDebounce=\"soon\")\n", Dir::new());
    let (daemon, _free) = start(&dir, &(bad.to_owned() + LIMITED_INPUT));
    let said = daemon.stop();
    assert!(said.contains("policyWatchDebounce 'soon' is no time"), "{said}");
}
