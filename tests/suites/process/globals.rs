//! What `global()` says of the whole daemon: each case fails when its parameter is ignored.

use crate::{Started, is_root, library, rsyslogd};
use sysloom_tests::{Daemon, Dir, wait_for};

const TEMPLATE: &str = "template(name=\"t\" type=\"string\" string=\"%hostname%|%programname%|%msg%\\n\")\n";

/// What a daemon with this configuration makes of messages over UDP.
fn received(config: &str, messages: &[&[u8]]) -> Vec<u8> {
    let dir = Dir::new();
    let config = format!(
        "{config}{TEMPLATE}module(load=\"imudp\")\n\
         input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" name=\"udp\" listenPortFileName=\"{{dir}}/port\")\n\
         if $inputname == \"udp\" then action(type=\"omfile\" file=\"{{dir}}/log\" template=\"t\")\n"
    );
    let daemon = Daemon::start(&dir, "server", &config);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = daemon.port(&dir.file("port"));
    for (nth, message) in messages.iter().enumerate() {
        socket.send_to(message, ("127.0.0.1", port)).unwrap();
        wait_for("a line", || {
            let log = std::fs::read(dir.file("log")).ok()?;
            (log.iter().filter(|byte| **byte == b'\n').count() > nth).then_some(())
        });
    }
    daemon.stop();
    std::fs::read(dir.file("log")).unwrap()
}

#[test]
fn messages_are_read_as_the_parser_s_parameters_say() {
    let head = b"<13>Oct 11 22:14:15 host app/foo[1]: ";
    for (parameter, message, off, on) in [
        ("parser.controlCharacterEscapePrefix=\"$\"", &b"a\x07b"[..], &b"a#007b"[..], &b"a$007b"[..]),
        ("parser.dropTrailingLFOnReception=\"off\"", b"x\n", b"x", b"x#012"),
        ("parser.dropTrailingCROnReception=\"on\"", b"x\r\n", b"x#015", b"x"),
        ("parser.escapeControlCharactersOnReceive=\"off\"", b"a\x07b", b"a#007b", b"a\x07b"),
        ("parser.spaceLFOnReceive=\"on\"", b"a\nb", b"a#012b", b"a b"),
        ("parser.escape8BitCharactersOnReceive=\"on\"", b"a\xe4b", b"a\xe4b", b"a#344b"),
        ("parser.escapeControlCharacterTab=\"off\"", b"a\tb", b"a#011b", b"a\tb"),
        ("parser.escapeControlCharactersCStyle=\"on\"", b"a\x07\x01b", b"a#007#001b", b"a\\a\\x01b"),
    ] {
        let raw = [&head[..], message].concat();
        let line = |text: &[u8]| [b"host|app| ", text, b"\n"].concat();
        assert_eq!(received("", &[&raw]), line(off), "without {parameter}");
        assert_eq!(received(&format!("global({parameter})\n"), &[&raw]), line(on), "{parameter}");
    }
    let raw = [&head[..], b"x"].concat();
    let slash = received("global(parser.permitSlashInProgramname=\"on\")\n", &[&raw]);
    assert_eq!(String::from_utf8_lossy(&slash), "host|app/foo| x\n");
    let whole = received("global(parser.parseHostnameAndTag=\"off\")\n", &[&raw]);
    assert!(whole.ends_with(b"||host app/foo[1]: x\n"), "{}", String::from_utf8_lossy(&whole));
}

#[test]
fn names_of_variables_differ_in_case_on_request() {
    let script = "template(name=\"v\" type=\"string\" string=\"%$!name%|%$!Name%\\n\" \
        option.caseSensitive=\"on\")\n\
        set $!name = \"small\"; set $!Name = \"large\";\n\
        if $inputname == \"udp\" then action(type=\"omfile\" file=\"{dir}/log\" template=\"v\")\n";
    for (word, shown) in [("on", "small|large\n"), ("off", "large|large\n")] {
        let dir = Dir::new();
        let config = format!(
            "global(variables.caseSensitive=\"{word}\")\nmodule(load=\"imudp\")\n\
             input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" name=\"udp\" listenPortFileName=\"{{dir}}/port\")\n\
             {script}"
        );
        let daemon = Daemon::start(&dir, "server", &config);
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(b"<13>x", ("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
        let got = wait_for("a line", || {
            std::fs::read_to_string(dir.file("log")).ok().filter(|text| text.ends_with('\n'))
        });
        assert_eq!(got, shown, "{word}");
        daemon.stop();
    }
}

/// The host's name is long; DNS has the name that stands in a file.
const NAMES: &str = r#"
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int gethostname(char *name, size_t len) {
    strncpy(name, "short.example.test", len);
    return 0;
}

int getnameinfo(const struct sockaddr *address, socklen_t len, char *host, socklen_t host_len, char *service,
                socklen_t service_len, int flags) {
    (void)address, (void)len, (void)flags;
    if (service && service_len) service[0] = 0;
    int fd = open(getenv("HOST_FILE"), O_RDONLY);
    if (fd < 0) return EAI_FAIL;
    ssize_t n = read(fd, host, host_len - 1);
    close(fd);
    if (n < 0) return EAI_FAIL;
    host[n] = 0;
    return 0;
}
"#;

#[test]
fn this_host_s_name_is_what_is_configured_or_the_system_s() {
    for (globals, name) in [
        ("", "short"),
        ("preserveFQDN=\"on\"", "short.example.test"),
        ("localHostname=\"given.example.test\"", "given.example.test"),
    ] {
        let dir = Dir::new();
        let preloaded = library(&dir, "names", NAMES);
        let config = format!(
            "global(processInternalMessages=\"on\" {globals})\n\
             template(name=\"h\" type=\"string\" string=\"%$myhostname%|%hostname%\\n\")\n\
             *.* action(type=\"omfile\" file=\"{{dir}}/log\" template=\"h\")\n"
        );
        let daemon = Daemon::start_with(&dir, "server", &config, |command| {
            command.env("LD_PRELOAD", &preloaded).env("HOST_FILE", dir.file("none"));
        });
        daemon.stop();
        let log = std::fs::read_to_string(dir.file("log")).unwrap();
        assert_eq!(log.lines().next(), Some(&*format!("{name}|{name}")), "{globals}: {log}");
    }
}

#[test]
fn names_from_dns_are_asked_for_again_when_their_time_is_over() {
    for (globals, second) in [
        ("", "first.example.test"),
        // A day is not over.
        ("reverseLookup.cache.ttl.enable=\"on\"", "first.example.test"),
        (
            "reverseLookup.cache.ttl.enable=\"on\" reverseLookup.cache.ttl.default=\"0\"",
            "second.example.test",
        ),
        (
            "reverseLookup.cache.ttl.enable=\"off\" reverseLookup.cache.ttl.default=\"0\"",
            "first.example.test",
        ),
    ] {
        let dir = Dir::new();
        let preloaded = library(&dir, "names", NAMES);
        let name = dir.write("name", "first.example.test");
        let config = format!(
            "global({globals} localHostname=\"here\")\n\
             template(name=\"f\" type=\"string\" string=\"%fromhost%\\n\")\nmodule(load=\"imudp\")\n\
             input(type=\"imudp\" port=\"0\" address=\"127.0.0.1\" name=\"udp\" listenPortFileName=\"{{dir}}/port\")\n\
             if $inputname == \"udp\" then action(type=\"omfile\" file=\"{{dir}}/log\" template=\"f\")\n"
        );
        let daemon = Daemon::start_with(&dir, "server", &config, |command| {
            command.env("LD_PRELOAD", &preloaded).env("HOST_FILE", &name);
        });
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = daemon.port(&dir.file("port"));
        for (nth, want) in ["first.example.test", second].into_iter().enumerate() {
            socket.send_to(b"<13>Oct 11 22:14:15 host app: x", ("127.0.0.1", port)).unwrap();
            let log = sysloom_tests::file_lines(&dir.file("log"), nth + 1);
            assert_eq!(log[nth], want, "{globals}");
            dir.write("name", "second.example.test");
        }
        daemon.stop();
    }
}

#[test]
fn supplementary_groups_are_kept_on_request() {
    if !is_root("supplementary_groups_are_kept_on_request") {
        return;
    }
    for (word, kept) in [("on", true), ("off", false)] {
        let dir = Dir::new();
        nix::unistd::chown(dir.path(), Some(65_534.into()), Some(65_534.into())).unwrap();
        let text = format!(
            "global(privdrop.user.name=\"nobody\" privdrop.group.name=\"nogroup\" \
             privdrop.group.keepSupplemental=\"{word}\")\n*.* {{dir}}/log\n"
        );
        crate::config(&dir, "a.conf", &text);
        let daemon = rsyslogd(&dir);
        let mut command = std::process::Command::new("setpriv");
        command.args(["--groups", "4,24"]).arg(daemon.get_program()).args(daemon.get_args());
        command.current_dir(dir.path()).args(["-n", "-C", "-fa.conf", "-iNONE"]);
        let child = Started(command.spawn().unwrap());
        // The user is changed last.
        let status = wait_for("its privileges to be dropped", || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
            status.contains("Uid:\t65534\t").then_some(status)
        });
        let groups = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
        assert_eq!(groups.split_whitespace().eq(["4", "24"]), kept, "{word}: {groups}");
    }
}

#[test]
fn the_end_is_debugged_on_request() {
    for (word, some) in [("on", true), ("off", false)] {
        let dir = Dir::new();
        let config = format!("global(debug.onShutdown=\"{word}\")\n*.* {{dir}}/log\n");
        let daemon = Daemon::start_with(&dir, "server", &config, |command| {
            command.env("RSYSLOG_DEBUGLOG", dir.file("debug"));
        });
        daemon.stop();
        let debug = std::fs::read_to_string(dir.file("debug")).unwrap();
        assert_eq!(debug.contains("exiting on signal"), some, "{word}: {debug}");
    }
}
