//! The module through the sdk's traits, with real sockets in a directory of the test.

use super::*;
use std::fs;
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::time::Duration;
use sysloom_sdk::frame_flag::{IGNORE_TIMESTAMP, LOCAL, NO_HOSTNAME, PORT_SHIFT, PROCESS, TRUNCATED};
use sysloom_sdk::testing::{TestHost, settings};
use sysloom_sdk::{Params, Submit};

/// Not the default, to see that it counts.
const MAX: &str = "8090";
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs a socket with these parameters (`@` is the directory; own messages are not dropped), lets `work` send to it,
/// and waits for so many messages.
fn run(params: &[(&'static str, &str)], expected: usize, work: impl FnOnce(&PathBuf)) -> TestHost {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let params: Vec<_> = [("socket", "@/log"), ("ignoreOwnMessages", "off")]
        .into_iter()
        .filter(|(name, _)| !params.iter().any(|(given, _)| given == name))
        .chain(params.iter().copied())
        .map(|(name, word)| (name, word.replace('@', dir.path().to_str().unwrap())))
        .collect();
    let params: Vec<_> = params.iter().map(|(name, word)| (*name, word.as_str())).collect();
    let module = settings(&[]).unwrap();
    serve(&module, settings(&params).unwrap(), expected, || work(&path))
}

fn serve(module: &Module, params: InputParams, expected: usize, work: impl FnOnce()) -> TestHost {
    let host = TestHost::new();
    host.set("maxMessageSize", MAX);
    let input = Imuxsock::new(module, params, host.host()).unwrap();
    input.activate().unwrap();
    let (stop, ring) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| input.run(stop.as_fd()));
        work();
        assert!(host.wait_for(expected, PATIENCE), "{:?}", host.messages());
        drop(ring);
        reader.join().unwrap().unwrap();
    });
    host
}

fn send(path: &PathBuf, messages: &[&str]) {
    let socket = UnixDatagram::unbound().unwrap();
    for message in messages {
        socket.send_to(message.as_bytes(), path).unwrap();
    }
}

#[test]
fn datagrams_become_local_messages_with_the_systems_time() {
    let before = std::time::SystemTime::now();
    let host = run(&[], 3, |path| {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o666);
        send(path, &["<13>a: 1", "<13>a: 2\n", "", "<13>a: 3"]);
    });
    assert_eq!(host.messages(), ["<13>a: 1", "<13>a: 2\n", "<13>a: 3"]);
    let since_1970 = |time: std::time::SystemTime| {
        i64::try_from(time.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos()).unwrap()
    };
    for message in host.submitted() {
        assert_eq!((message.flags, message.peer), (LOCAL | IGNORE_TIMESTAMP | NO_HOSTNAME, 0));
        let sent = message.received_ns;
        assert!(sent >= since_1970(before) && sent <= since_1970(std::time::SystemTime::now()), "{sent}");
    }
    assert_eq!(host.count("submitted"), 3);
    assert_eq!(Submit(host.submits().2), Submit::FLUSH);
}

#[test]
fn the_socket_is_made_and_removed() {
    let mut kept = None;
    run(&[("socket", "@/a/b/log"), ("createPath", "on")], 1, |path| {
        let path = path.with_file_name("a/b/log");
        send(&path, &["x"]);
        kept = Some(path);
    });
    assert!(!kept.unwrap().exists());

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let open = |unlink| {
        let socket = path.to_str().unwrap();
        let params = settings(&[("socket", socket), ("unlink", unlink)]).unwrap();
        let input = Imuxsock::new(&settings(&[]).unwrap(), params, TestHost::new().host()).unwrap();
        input.activate().map(|()| input)
    };
    // Somebody listens there already, and loses the name.
    let old = UnixDatagram::bind(&path).unwrap();
    let why = open("off").err().unwrap();
    let words = format!("imuxsock: cannot create '{}': Address already in use", path.display());
    assert_eq!((why.text, why.code), (words, 2176));
    drop(open("on").unwrap());
    assert!(!path.exists());
    drop(old);
    drop(open("off").unwrap());
    assert!(path.exists());
}

#[test]
fn a_missing_directory_is_an_error_unless_it_may_be_made() {
    let params = settings(&[("socket", "/proc/no-such-dir/log")]).unwrap();
    let input = Imuxsock::new(&settings(&[]).unwrap(), params, TestHost::new().host()).unwrap();
    assert!(input.activate().err().unwrap().text.ends_with("No such file or directory"));
}

#[test]
fn a_socket_without_a_file() {
    let name = format!("imuxsock-test-{}", std::process::id());
    let at = format!("@{name}");
    let module = settings(&[]).unwrap();
    let params = settings(&[("socket", at.as_str()), ("ignoreOwnMessages", "off")]).unwrap();
    let host = serve(&module, params, 1, || {
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        UnixDatagram::unbound().unwrap().send_to_addr(b"x", &address).unwrap();
    });
    assert_eq!(host.messages(), ["x"]);
}

#[test]
fn the_daemons_own_messages_are_dropped() {
    let host = run(&[("ignoreOwnMessages", "on")], 1, |path| {
        send(path, &["mine"]);
        let child = std::process::Command::new("logger").arg("-u").arg(path).arg("theirs").status();
        assert!(child.unwrap().success());
    });
    assert_eq!(host.submitted().len(), 1);
    assert!(host.messages()[0].ends_with("theirs"));
}

#[test]
fn flags_follow_the_parameters() {
    for (params, flags) in [
        (("useSpecialParser", "off"), IGNORE_TIMESTAMP | NO_HOSTNAME),
        (("ignoreTimestamp", "off"), LOCAL | NO_HOSTNAME),
        (("parseHostname", "on"), LOCAL | IGNORE_TIMESTAMP),
    ] {
        let host = run(&[params], 1, |path| send(path, &["x"]));
        assert_eq!(host.submitted()[0].flags, flags, "{params:?}");
    }
    let host = run(&[("useSysTimeStamp", "off")], 1, |path| send(path, &["x"]));
    assert_eq!(host.submitted()[0].received_ns, 0);
    let host = run(&[("flowControl", "on")], 1, |path| send(path, &["x"]));
    assert_eq!(Submit(host.submits().2), Submit::FLUSH | Submit::LIGHT_DELAY);
    let host = run(&[("hostName", "jail")], 1, |path| send(path, &["x"]));
    let peer = host.peer(host.submitted()[0].peer).unwrap();
    assert_eq!((peer.0.as_str(), peer.1.as_str()), ("127.0.0.1", "jail"));
}

#[test]
fn what_is_too_long_is_cut_and_says_so() {
    let long = "x".repeat(9000);
    let host = run(&[], 2, |path| send(path, &[&long, &long[..8090]]));
    let found: Vec<_> = host.submitted().iter().map(|m| (m.message.len(), m.flags & TRUNCATED)).collect();
    assert_eq!(found, [(8090, TRUNCATED), (8090, 0)]);
}

#[test]
fn the_sender_is_told_by_the_system() {
    let pid = std::process::id();
    let host =
        run(&[("annotate", "on"), ("usePIDFromSystem", "on")], 1, |path| send(path, &["<13>su[1]: x"]));
    let message = host.messages().remove(0);
    assert!(message.starts_with(&format!("<13>su[{pid}]: x @[_PID={pid} _UID=")), "{message}");
}

#[test]
fn what_the_system_tells_can_be_variables() {
    let pid = std::process::id();
    let trusted = [("annotate", "on"), ("parseTrusted", "on")];
    let host = run(&trusted, 2, |path| send(path, &["<13>su[1]: x", "<13>su[1]: y"]));
    assert_eq!(host.messages(), ["<13>su[1]: x", "<13>su[1]: y"]);
    for message in host.submitted() {
        let variables = message.variables.unwrap();
        assert!(variables.starts_with(&format!("{{\"pid\":{pid},\"uid\":")), "{variables}");
        assert!(variables.contains("\"cmd\":\""), "{variables}");
    }
    // rsyslog: without annotate nothing is asked for.
    let host = run(&[("parseTrusted", "on")], 1, |path| send(path, &["<13>su[1]: x"]));
    assert_eq!(host.submitted()[0].variables, None);
}

#[test]
fn a_named_limit_stands_in_for_the_own_one() {
    let own = [("rateLimit.interval", "600"), ("rateLimit.burst", "1")];
    let named = [own[0], own[1], ("rateLimit.name", "strict")];
    let host = run(&named, 2, |path| send(path, &["x", "y"]));
    assert_eq!(host.submitted().len(), 2);
}

#[test]
fn a_process_that_sends_too_much_is_limited_by_severity() {
    let limit = [("rateLimit.interval", "600"), ("rateLimit.burst", "2"), ("rateLimit.severity", "3")];
    let host = run(&limit, 3, |path| send(path, &["<13>1", "<13>2", "<13>3", "<13>4", "<10>critical"]));
    assert_eq!(host.messages(), ["<13>1", "<13>2", "<10>critical"]);
    assert_eq!((host.count("ratelimit.discarded"), host.count("ratelimit.numratelimiters")), (2, 1));
    let line = &host.lines()[0];
    let words = format!("imuxsock[pid {}]: begin to drop messages due to rate-limiting", std::process::id());
    assert_eq!((line.text.as_str(), line.code), (words.as_str(), 2177));
}

#[test]
fn descriptors_that_a_sender_attaches_are_closed() {
    use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
    use std::os::fd::AsRawFd;
    let pid = std::process::id();
    for system_time in ["on", "off"] {
        // A descriptor is known by its file: ours is open once again for each copy that is left over.
        let file = tempfile::NamedTempFile::new().unwrap();
        let copies = || {
            let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
            open.filter(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == file.path())).count()
        };
        let host = run(&[("annotate", "on"), ("useSysTimeStamp", system_time)], 3, |path| {
            let socket = UnixDatagram::unbound().unwrap();
            let address = UnixAddr::new(path).unwrap();
            for count in [1, 5, 253] {
                let descriptors = vec![file.as_file().as_raw_fd(); count];
                let rights = [ControlMessage::ScmRights(&descriptors)];
                let text = [std::io::IoSlice::new(b"<13>x: text")];
                sendmsg(socket.as_raw_fd(), &text, &rights, MsgFlags::empty(), Some(&address)).unwrap();
            }
        });
        let annotated = format!("<13>x: text @[_PID={pid} ");
        assert!(host.messages().iter().all(|m| m.starts_with(&annotated)), "{:?}", host.messages());
        assert_eq!(copies(), 1);
    }
}

#[test]
fn bursts_are_flushed_once_at_their_end() {
    let host = run(&[], 1000, |path| {
        let socket = UnixDatagram::unbound().unwrap();
        for number in 0..1000 {
            socket.send_to(format!("<13>{number}").as_bytes(), path).unwrap();
        }
    });
    let expected: Vec<_> = (0..1000).map(|number| format!("<13>{number}")).collect();
    assert_eq!(host.messages(), expected);
    assert_eq!(Submit(host.submits().2), Submit::FLUSH);
}

#[test]
fn the_system_socket_has_its_own_parameters_and_exists_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("system");
    let words = [
        ("sysSock.name", path.to_str().unwrap()),
        ("sysSock.ignoreOwnMessages", "off"),
        ("sysSock.ignoreTimestamp", "off"),
        ("sysSock.useSpecialParser", "off"),
        ("sysSock.parseHostname", "on"),
        ("sysSock.useSysTimeStamp", "off"),
        ("sysSock.flowControl", "on"),
        ("sysSock.annotate", "on"),
        ("sysSock.usePIDFromSystem", "on"),
        ("sysSock.unlink", "off"),
        ("sysSock.rateLimit.interval", "600"),
        ("sysSock.rateLimit.burst", "1"),
        ("sysSock.rateLimit.severity", "6"),
    ];
    let module = Module::read_for_test(&words);
    let host = serve(&module, settings(&[]).unwrap(), 2, || {
        send(&path, &["<14>su[1]: x", "<14>y", "<13>z"]);
    });
    assert!(path.exists());
    let message = &host.submitted()[0];
    // Processes with limits are told apart.
    let pid = std::process::id();
    let number = (pid ^ (pid >> 16)) & 0xffff;
    assert_eq!((message.flags, message.received_ns), (PROCESS | number << PORT_SHIFT, 0));
    assert!(host.messages()[0].contains(&format!("su[{0}]: x @[_PID={0} ", std::process::id())));
    assert_eq!(Submit(host.submits().2), Submit::FLUSH | Submit::LIGHT_DELAY);
    assert_eq!((host.submitted().len(), host.count("ratelimit.discarded")), (2, 1));

    let path = dir.path().join("trusted");
    let words = [("sysSock.name", path.to_str().unwrap()), ("sysSock.ignoreOwnMessages", "off")];
    let more = [("sysSock.annotate", "on"), ("sysSock.parseTrusted", "on")];
    let trusted = Module::read_for_test(&[words, more].concat());
    let host = serve(&trusted, settings(&[]).unwrap(), 1, || send(&path, &["<13>x"]));
    assert!(host.submitted()[0].variables.is_some());

    let again = Imuxsock::new(&module, settings(&[]).unwrap(), host.host());
    assert_eq!(again.err().unwrap().param, Some("socket"));
}

#[test]
fn the_system_socket_can_be_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("system");
    let module = Module::read_for_test(&[("sysSock.name", path.to_str().unwrap()), ("sysSock.use", "off")]);
    let input = Imuxsock::new(&module, settings(&[]).unwrap(), TestHost::new().host()).unwrap();
    input.activate().unwrap();
    assert!(!path.exists());
    // It has nothing to run for.
    let (stop, _ring) = UnixStream::pair().unwrap();
    input.run(stop.as_fd()).unwrap();
}

impl Module {
    fn read_for_test(words: &[(&'static str, &str)]) -> Self {
        assert!(!Module::TABLE.is_empty());
        settings(words).unwrap()
    }
}

#[test]
fn the_readme_has_the_tables() {
    use sysloom_sdk::testing::{check_readme, table};
    check_readme(
        env!("CARGO_MANIFEST_DIR"),
        &[("module", table::<Module>()), ("input", table::<InputParams>())],
    );
}
