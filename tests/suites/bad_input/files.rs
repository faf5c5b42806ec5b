//! Certificates and keys on disk that cannot be used: a check finds it, the line names the file and what is wrong
//! with it, and the other listeners run.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use sysloom_tests::pki::{Pki, Wish};
use sysloom_tests::{Daemon, Dir, check, connect, file_lines, lines, over_every_driver};

over_every_driver!(
    a_file_that_cannot_be_used_costs_its_listener_and_no_other,
    a_key_that_others_can_read_is_a_warning
);

/// What is done to the files; `{ca}`, `{cert}` and `{key}` say which file the line must name. Words follow.
type Row = (&'static str, fn(&Dir), &'static str, &'static [&'static str]);

const FILES: [Row; 11] = [
    (
        "no CA",
        |dir| std::fs::remove_file(dir.file("ca.pem")).unwrap(),
        "ca.pem",
        &["No such file or directory"],
    ),
    (
        "no certificate",
        |dir| std::fs::remove_file(dir.file("server.pem")).unwrap(),
        "server.pem",
        &["No such file or directory"],
    ),
    (
        "no key",
        |dir| std::fs::remove_file(dir.file("server-key.pem")).unwrap(),
        "server-key.pem",
        &["No such file or directory"],
    ),
    (
        "a directory",
        |dir| {
            std::fs::remove_file(dir.file("ca.pem")).unwrap();
            std::fs::create_dir(dir.file("ca.pem")).unwrap();
        },
        "ca.pem",
        &["directory"],
    ),
    ("an empty file", |dir| drop(dir.write("server.pem", "")), "server.pem", &["empty"]),
    (
        "text",
        |dir| drop(dir.write("ca.pem", "this is no certificate\n")),
        "ca.pem",
        &["holds no certificate"],
    ),
    (
        "a damaged certificate",
        |dir| {
            let text = std::fs::read_to_string(dir.file("server.pem")).unwrap();
            dir.write("server.pem", text.replacen('M', "!", 3));
        },
        "server.pem",
        &["damaged"],
    ),
    (
        "a key where a certificate belongs",
        |dir| {
            std::fs::copy(dir.file("server-key.pem"), dir.file("server.pem")).map(drop).unwrap();
        },
        "server.pem",
        &["holds no certificate"],
    ),
    (
        "a certificate where a key belongs",
        |dir| {
            std::fs::copy(dir.file("server.pem"), dir.file("server-key.pem")).map(drop).unwrap();
        },
        "server-key.pem",
        &["key"],
    ),
    (
        "the key of another certificate",
        |dir| {
            std::fs::copy(dir.file("other-key.pem"), dir.file("server-key.pem")).map(drop).unwrap();
        },
        "server-key.pem",
        &["server.pem"],
    ),
    (
        "an encrypted key",
        |dir| {
            dir.write(
            "server-key.pem",
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIBHDBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0B\n-----END ENCRYPTED PRIVATE KEY-----\n",
        );
        },
        "server-key.pem",
        &["encrypted"],
    ),
];

fn config(driver: &str, dir: &Dir) -> String {
    let file = |name: &str| dir.file(name).display().to_string();
    format!(
        "global(defaultNetstreamDriverCAFile=\"{}\" defaultNetstreamDriverCertFile=\"{}\" \
         defaultNetstreamDriverKeyFile=\"{}\")\nmodule(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/tls\" name=\"sealed\"\n\
               streamDriver.name=\"{driver}\" streamDriver.mode=\"1\" streamDriver.authMode=\"x509/certvalid\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/plain\")\n\
         template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n*.* {{dir}}/log;text\n",
        file("ca.pem"),
        file("server.pem"),
        file("server-key.pem")
    )
}

fn world() -> Dir {
    let dir = Dir::new();
    let pki = Pki::new(&dir);
    pki.issue(&dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
    pki.issue(&dir, "other", &Wish { names: &["localhost"], ..Wish::default() });
    dir
}

fn a_file_that_cannot_be_used_costs_its_listener_and_no_other(driver: &str) {
    for (what, spoil, file, words) in FILES {
        let dir = world();
        spoil(&dir);
        let daemon = Daemon::start(&dir, "daemon", &config(driver, &dir));
        connect(daemon.port(&dir.file("plain"))).write_all(lines(0..1).as_bytes()).unwrap();
        assert_eq!(file_lines(&dir.file("log"), 1), ["message 0"]);
        assert!(!dir.file("tls").exists(), "{what}");
        let said = daemon.stop();
        let line = said.lines().find(|line| line.contains(file)).unwrap_or_else(|| panic!("{what}: {said}"));
        for word in words {
            assert!(line.contains(word), "{what}: {word:?} is not in {line}");
        }
        // A file that is not there is also pointed out where the configuration names it.
        let lines = said.lines().filter(|line| line.starts_with("sysloomd: ")).count();
        assert!(lines <= 2, "{what}: {said}");
        let checked = check(&dir, &config(driver, &dir));
        assert_eq!(checked.code, 1, "{what}: a check finds it too: {}", checked.stderr);
        assert!(checked.stderr.contains(file), "{what}: {}", checked.stderr);
    }
}

fn a_key_that_others_can_read_is_a_warning(driver: &str) {
    let dir = world();
    std::fs::set_permissions(dir.file("server-key.pem"), PermissionsExt::from_mode(0o644)).unwrap();
    let daemon = Daemon::start(&dir, "daemon", &config(driver, &dir));
    daemon.port(&dir.file("tls"));
    let said = daemon.stop();
    assert!(said.contains("server-key.pem") && said.contains("0644") && said.contains("chmod"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
