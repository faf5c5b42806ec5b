//! Calls that a preloaded library can take over: they go through libc's symbols.

use crate::library;
use std::io::Write;
use std::net::UdpSocket;
use sysloom_tests::{Daemon, Diag, Dir, file_lines, wait_for};

/// gethostname, getaddrinfo, epoll_ctl and the clock are counted, and changed where that can be seen.
const INTERPOSER: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <fcntl.h>
#include <unistd.h>

static void note(const char *what) {
    const char *file = getenv("INTERPOSED");
    int fd = file ? open(file, O_WRONLY | O_APPEND | O_CREAT, 0600) : -1;
    if (fd < 0) return;
    if (write(fd, what, strlen(what)) < 0) { /* a test will miss it */ }
    close(fd);
}

int gethostname(char *name, size_t len) {
    note("gethostname\n");
    strncpy(name, "interposed.example.test", len);
    return 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real) real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (node && !strcmp(node, "nowhere.example.test")) {
        note("getaddrinfo\n");
        node = "127.0.0.1";
    }
    return real(node, service, hints, res);
}

int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event) {
    static int (*real)(int, int, int, struct epoll_event *);
    if (!real) real = dlsym(RTLD_NEXT, "epoll_ctl");
    note("epoll_ctl\n");
    return real(epfd, op, fd, event);
}

int fdatasync(int fd) {
    (void)fd;
    note("fdatasync\n");
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    /* The first second of 1999. */
    if (clock == CLOCK_REALTIME) now->tv_sec = 915148800;
    return result;
}
"#;

/// The host's name is what a file says.
const NAMED: &str = r#"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int gethostname(char *name, size_t len) {
    int fd = open(getenv("HOST_FILE"), O_RDONLY);
    if (fd < 0) return -1;
    ssize_t n = read(fd, name, len - 1);
    close(fd);
    if (n < 0) return -1;
    name[n] = 0;
    return 0;
}
"#;

/// DNS has the name that the environment says for every address.
const NAMING: &str = r#"
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

int getnameinfo(const struct sockaddr *address, socklen_t len, char *host, socklen_t host_len, char *service,
                socklen_t service_len, int flags) {
    (void)address, (void)len, (void)flags;
    if (service && service_len) service[0] = 0;
    if (host) strncpy(host, getenv("HOST_NAME"), host_len);
    return 0;
}
"#;

/// A name from DNS that reads like an address is never shown, and reported once; on request its messages are dropped.
#[test]
fn a_name_that_reads_like_an_address_is_not_used() {
    let dir = Dir::new();
    let preloaded = library(&dir, "naming", NAMING);
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for (drop, name, from) in [
        ("off", "192.0.2.77", "127.0.0.1"),
        ("on", "192.0.2.77", ""),
        ("on", "mail.example.test", "mail.example.test"),
    ] {
        let case = format!("{drop} {name}");
        let _ = std::fs::remove_file(dir.file("log"));
        let config = format!(
            "global(dropMsgsWithMaliciousDnsPTRRecords=\"{drop}\")\nmodule(load=\"imudp\")\n\
             input(type=\"imudp\" address=\"127.0.0.1\" port=\"0\" listenPortFileName=\"{{dir}}/port\")\n\
             template(name=\"t\" type=\"string\" string=\"%inputname%|%fromhost%|%msg%\\n\")\n\
             *.* action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n"
        );
        let mut daemon = Diag::start_with(&dir, "", &config, |command| {
            command.env("LD_PRELOAD", &preloaded).env("HOST_NAME", name);
        });
        let port: u16 = std::fs::read_to_string(dir.file("port")).unwrap().trim().parse().unwrap();
        for n in 0..2 {
            udp.send_to(format!("<13>Oct 11 22:14:15 h tag: over udp {n}").as_bytes(), ("127.0.0.1", port))
                .unwrap();
        }
        daemon.say("injectmsg 0 1");
        if from.is_empty() {
            file_contains(&dir, "Malicious PTR");
        } else {
            file_contains(&dir, "over udp 1");
        }
        assert!(daemon.stop().success());
        let log = std::fs::read_to_string(dir.file("log")).unwrap();
        let got: Vec<_> = log.lines().filter(|line| line.starts_with("imudp|")).collect();
        let wanted: Vec<_> = (0..2).map(|n| format!("imudp|{from}| over udp {n}")).collect();
        assert_eq!(got, if from.is_empty() { Vec::new() } else { wanted }, "{case}: {log}");
        // What came from nowhere else goes on.
        assert!(log.contains("msgnum:"), "{case}: {log}");
        let said =
            log.lines().filter(|line| line.contains("Malicious PTR record: IP = \"127.0.0.1\"")).count();
        assert_eq!(said, usize::from(name.starts_with("192")), "{case}: {log}");
    }
}

fn file_contains(dir: &Dir, text: &str) {
    wait_for(text, || std::fs::read_to_string(dir.file("log")).ok()?.contains(text).then_some(()));
}

#[test]
fn a_hup_reads_the_hosts_name_again() {
    let dir = Dir::new();
    let preloaded = library(&dir, "named", NAMED);
    let name = dir.write("name", "before.example.test");
    let config = "template(name=\"t\" type=\"string\" string=\"%$myhostname%|%hostname%|%msg%\\n\")\n\
                  *.* action(type=\"omfile\" file=\"{dir}/log\" template=\"t\")\n";
    let mut daemon = Diag::start_with(&dir, "", config, |command| {
        command.env("LD_PRELOAD", &preloaded).env("HOST_FILE", &name);
    });
    daemon.say("WaitMainQueueEmpty");
    dir.write("name", "after.example.test");
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    daemon.say("AwaitHUPComplete");
    daemon.say("injectmsg 0 1");
    assert!(daemon.stop().success());
    let log = std::fs::read_to_string(dir.file("log")).unwrap();
    let start = log.lines().find(|line| line.ends_with("] start")).unwrap();
    assert!(start.starts_with("before|before|"), "{log}");
    let injected = log.lines().find(|line| line.contains("msgnum")).unwrap();
    assert!(injected.starts_with("after|192.0.2.8|"), "{log}");
    let exit = log.lines().find(|line| line.contains("exiting on signal")).unwrap();
    assert!(exit.starts_with("after|after|"), "{log}");
}

#[test]
fn names_addresses_polls_and_clocks_go_through_libc() {
    let dir = Dir::new();
    let preloaded = library(&dir, "interpose", INTERPOSER);
    let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = collector.local_addr().unwrap().port();
    let config = format!(
        "template(name=\"t\" type=\"string\" string=\"%timegenerated:::date-rfc3339%|%$myhostname%|%msg%\\n\")\n\
         if $inputname == \"imdiag\" then {{\n action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n \
         action(type=\"omfwd\" protocol=\"tcp\" target=\"nowhere.example.test\" port=\"{port}\" template=\"t\")\n}}\n"
    );
    let seen = dir.file("seen");
    let mut daemon = Diag::start_with(&dir, "", &config, |command| {
        command.env("LD_PRELOAD", &preloaded).env("INTERPOSED", &seen);
    });
    daemon.say("injectmsg 0 1");
    let (mut stream, _) = collector.accept().unwrap();
    daemon.say("WaitMainQueueEmpty");
    let line = std::fs::read_to_string(dir.file("log")).unwrap();
    assert!(line.starts_with("1999-01-01T00:00:00."), "{line}");
    assert!(line.contains("|interposed|"), "{line}");
    assert!(daemon.stop().success());
    let mut forwarded = String::new();
    std::io::Read::read_to_string(&mut stream, &mut forwarded).unwrap();
    assert_eq!(forwarded, line);
    let seen = std::fs::read_to_string(seen).unwrap();
    for call in ["gethostname", "getaddrinfo", "epoll_ctl"] {
        assert!(seen.lines().any(|line| line == call), "{call}");
    }
}

/// One name has two addresses.
const TWO: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real) real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!node || strcmp(node, "two.example.test")) return real(node, service, hints, res);
    struct addrinfo *second = 0;
    int failed = real("127.0.0.1", service, hints, res);
    if (!failed) failed = real("127.0.0.2", service, hints, &second);
    if (failed) return failed;
    struct addrinfo *last = *res;
    while (last->ai_next) last = last->ai_next;
    last->ai_next = second;
    return 0;
}
"#;

/// omfwd's `udp.sendToAll`: each address gets every datagram, and only the first one unless that is asked for.
#[test]
fn datagrams_go_to_all_addresses_if_asked() {
    let first = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = first.local_addr().unwrap().port();
    let second = UdpSocket::bind(("127.0.0.2", port)).unwrap();
    for (word, all) in [("on", true), ("off", false)] {
        let dir = Dir::new();
        let preloaded = library(&dir, "two", TWO);
        let config = format!(
            "template(name=\"t\" type=\"string\" string=\"{word}\")\n\
             if $inputname == \"imdiag\" then action(type=\"omfwd\" target=\"two.example.test\" port=\"{port}\" \
             protocol=\"udp\" template=\"t\" udp.sendToAll=\"{word}\")\n\
             action(type=\"omfile\" file=\"/dev/null\")\n"
        );
        let mut daemon = Diag::start_with(&dir, "", &config, |command| {
            command.env("LD_PRELOAD", &preloaded);
        });
        daemon.say("injectmsg 0 1");
        daemon.say("WaitMainQueueEmpty");
        assert!(daemon.stop().success());
        for (socket, sent) in [(&first, true), (&second, all)] {
            // The daemon is gone: what it sent is there.
            socket.set_nonblocking(true).unwrap();
            let mut text = [0; 10];
            let got = socket.recv(&mut text).ok().map(|len| text[..len].to_vec());
            assert_eq!(got.as_deref(), sent.then_some(word.as_bytes()), "{word} {socket:?}");
        }
    }
}

/// omfile's `sync`: what is written is on the disk before more is taken.
#[test]
fn a_file_is_synchronized_if_that_is_asked_for() {
    for (word, synchronized) in [("on", true), ("off", false)] {
        let dir = Dir::new();
        let preloaded = library(&dir, "interpose", INTERPOSER);
        let config = format!(
            "if $inputname == \"imdiag\" then action(type=\"omfile\" file=\"{{dir}}/log\" sync=\"{word}\")\n"
        );
        let seen = dir.file("seen");
        let mut daemon = Diag::start_with(&dir, "", &config, |command| {
            command.env("LD_PRELOAD", &preloaded).env("INTERPOSED", &seen);
        });
        daemon.say("injectmsg 0 1");
        daemon.say("WaitMainQueueEmpty");
        assert_eq!(file_lines(&dir.file("log"), 1).len(), 1);
        assert!(daemon.stop().success());
        let seen = std::fs::read_to_string(seen).unwrap();
        assert_eq!(seen.lines().any(|line| line == "fdatasync"), synchronized, "{word}");
    }
}

/// All addresses have the same name.
const NAMES: &str = r#"
#include <netdb.h>
#include <string.h>

int getnameinfo(const struct sockaddr *sa, socklen_t salen, char *host, socklen_t hostlen, char *serv,
                socklen_t servlen, int flags) {
    (void)sa; (void)salen; (void)flags;
    if (host && hostlen) strncpy(host, "Sender.EXAMPLE.test", hostlen);
    if (serv && servlen) strncpy(serv, "0", servlen);
    return 0;
}
"#;

/// imudp folds names from DNS unless told otherwise, and imtcp keeps them.
#[test]
fn the_case_of_senders_names_is_each_inputs_choice() {
    let folded = "sender.example.test";
    let kept = "Sender.EXAMPLE.test";
    for (udp, tcp, legacy, names) in [
        ("", "", "", [kept, folded]),
        ("preserveCase=\"on\"", "preserveCase=\"off\"", "", [folded, kept]),
        ("preserveCase=\"off\"", "", "$InputTCPServerPreserveCase off", [folded, folded]),
    ] {
        let dir = Dir::new();
        let interposer = library(&dir, "names", NAMES);
        let input = |word| {
            format!(
                "input(type=\"{word}\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/{word}\")"
            )
        };
        let config = format!(
            "module(load=\"imudp\" {udp})\nmodule(load=\"imtcp\" {tcp})\n{legacy}\n{}\n{}\n\
             template(name=\"t\" type=\"string\" string=\"%inputname% %fromhost% %hostname% %fromhost-ip%\\n\")\n\
             if $fromhost-ip != \"\" and $inputname startswith \"im\" then\n\
             action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n",
            input("imudp"),
            input("imtcp")
        );
        let daemon = Daemon::start_with(&dir, "daemon", &config, |command| {
            command.env("LD_PRELOAD", &interposer);
        });
        let port = |word| daemon.port(&dir.file(word));
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.send_to(b"<13>", ("127.0.0.1", port("imudp"))).unwrap();
        let mut tcp = std::net::TcpStream::connect(("127.0.0.1", port("imtcp"))).unwrap();
        tcp.write_all(b"<13>:\n").unwrap();
        let mut lines = file_lines(&dir.file("log"), 2);
        lines.sort();
        let want: Vec<_> = ["imtcp", "imudp"]
            .iter()
            .zip(names)
            .map(|(word, name)| format!("{word} {name} {name} 127.0.0.1"))
            .collect();
        assert_eq!(lines, want);
        daemon.stop();
    }
}
