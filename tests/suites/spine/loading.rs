//! Modules and drivers: by name, by path, with and without `.so`, twice; drivers by directive like modules.

use crate::TEXT;
use std::io::Write;
use sysloom_tests::{Daemon, Dir, built, check, connect, file_lines, lines};

/// Each way to say which input is meant; `{mod}` is the directory of the libraries.
const WAYS: [&str; 14] = [
    "$ModLoad imtcp",
    "$ModLoad imtcp.so",
    "$modload IMTCP",
    "$ModLoad {mod}/libimtcp",
    "$ModLoad {mod}/libimtcp.so",
    "$ModLoad {mod}/imtcp",
    "module(load=\"imtcp\")",
    "module(load=\"imtcp.so\")",
    "MODULE(LOAD=\"imtcp\")",
    "module(load=\"{mod}/libimtcp\")",
    "module(load=\"{mod}/libimtcp.so\")",
    "$ModLoad imtcp\n$ModLoad imtcp",
    "$ModLoad imtcp\nmodule(load=\"imtcp\")",
    "module(load=\"{mod}/libimtcp.so\")\n$ModLoad imtcp",
];

#[test]
fn a_module_is_named_in_many_ways() {
    let dir = Dir::new();
    let modules = built().modules.display().to_string();
    for way in WAYS {
        let way = way.replace("{mod}", &modules);
        let got = check(&dir, &format!("{way}\ninput(type=\"imtcp\" port=\"0\")\n*.* {{dir}}/log\n"));
        assert_eq!(got.code, 0, "{way}\n{}", got.stderr);
    }
}

/// Each way to get a driver. The last column is the word that streams then use.
const DRIVERS: [(&str, &str); 10] = [
    ("", "ptcp"),
    ("", "rustls"),
    ("", "gtls"),
    ("$ModLoad nsd_rustls", "rustls"),
    ("$ModLoad {mod}/libnsd_rustls", "rustls"),
    ("$ModLoad {mod}/libnsd_rustls.so", "rustls"),
    ("module(load=\"nsd_rustls\")", "rustls"),
    ("module(load=\"{mod}/libnsd_rustls.so\")", "gtls"),
    ("$ModLoad nsd_rustls\nmodule(load=\"nsd_rustls\")", "rustls"),
    ("module(load=\"lmnsd_ptcp\")", "ptcp"),
];

#[test]
fn a_driver_comes_by_directive_or_by_its_name() {
    let modules = built().modules.display().to_string();
    for (way, driver) in DRIVERS {
        let dir = Dir::new();
        let way = way.replace("{mod}", &modules);
        let mode = if driver == "ptcp" { 0 } else { 1 };
        let ca = sysloom_tests::pki::Pki::new(&dir).file();
        let config = format!(
            "{way}\nglobal(defaultNetstreamDriver=\"{driver}\" defaultNetstreamDriverCAFile=\"{}\")\n\
             module(load=\"imtcp\" streamDriver.mode=\"{mode}\" streamDriver.authMode=\"anon\")\n\
             input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/port\")\n{TEXT}",
            ca.display()
        );
        let daemon = Daemon::start(&dir, "daemon", &config);
        let port = daemon.port(&dir.file("port"));
        if mode == 0 {
            connect(port).write_all(lines(0..1).as_bytes()).unwrap();
            assert_eq!(file_lines(&dir.file("log"), 1), ["message 0"]);
        }
        let said = daemon.stop();
        assert_eq!(said.lines().filter(|line| !line.contains("authMode anon")).count(), 0, "{said}");
    }
}

#[test]
fn a_module_under_another_file_name_is_itself() {
    let dir = Dir::new();
    std::os::unix::fs::symlink(built().modules.join("libimtcp.so"), dir.file("acme.so")).unwrap();
    let config = "module(load=\"{dir}/acme\")\ninput(type=\"imtcp\" port=\"0\")\n*.* {dir}/log\n";
    let got = check(&dir, config);
    assert_eq!(got.code, 0, "{}", got.stderr);
}

#[test]
fn outputs_that_rsyslog_builds_in_answer_to_both_names() {
    let dir = Dir::new();
    for kind in ["omfile", "builtin:omfile", "OMFILE"] {
        let got = check(&dir, &format!("action(type=\"{kind}\" file=\"{{dir}}/log\")\n"));
        assert_eq!(got.code, 0, "{kind}: {}", got.stderr);
    }
    let got = check(&dir, "module(load=\"builtin:omfile\" fileCreateMode=\"0600\")\n*.* {dir}/log\n");
    assert_eq!(got.code, 0, "{}", got.stderr);
}

/// The line names what was looked for, where, and the daemon runs the rest.
#[test]
fn a_module_that_is_not_there_is_one_line_and_the_rest_runs() {
    let dir = Dir::new();
    let config = "$ModLoad imnosuch\n*.* {dir}/log\n";
    let got = check(&dir, config);
    assert_eq!(got.code, 1);
    let modules = built().modules.display().to_string();
    let line = got.stderr.lines().find(|line| line.contains("imnosuch")).unwrap();
    assert!(line.contains("could not load module 'imnosuch', errors: trying to load module "), "{line}");
    assert!(line.contains(&modules) && line.contains("2066"), "{line}");
    let daemon = Daemon::start(&dir, "daemon", config);
    daemon.stop();
}
