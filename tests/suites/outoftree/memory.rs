//! The C plugins under AddressSanitizer, UndefinedBehaviorSanitizer and valgrind, leaks included, in a host that is one
//! program with them; and the daemon under valgrind while it loads, runs and frees a C plugin.

use crate::build::{c_compiler, c_library, c_source, cargo_path, root, target};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use sysloom_tests::pki::{Pki, Wish};
use sysloom_tests::{Daemon, Dir, Peer, connect, file_lines, lines};

/// The harness with both plugins in it, and what it reads.
fn harness(dir: &Dir, flags: &[&str]) -> PathBuf {
    let (pki, wish) = (Pki::new(dir), Wish { names: &["collector.example.net"], ..Wish::default() });
    let own = pki.issue(dir, "own", &wish);
    std::fs::copy(own.cert, dir.file("cert.pem")).unwrap();
    std::fs::copy(own.key, dir.file("key.pem")).unwrap();
    std::fs::create_dir(dir.file("spool")).unwrap();
    let program = dir.file("harness");
    let mut cc = c_compiler(&root().join("include"));
    cc.args(flags).args(["harness", "acmessl", "omspool"].map(c_source)).arg("-o").arg(&program);
    let made = cc.args(["-lssl", "-lcrypto"]).output().expect("a C compiler");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    program
}

fn runs_clean(command: &mut Command) {
    let out = command.output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && said.trim() == "ok", "{}: {said}", out.status);
}

#[test]
fn the_c_plugins_under_the_sanitizers() {
    let dir = Dir::new();
    let program = harness(&dir, &["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]);
    runs_clean(Command::new(program).arg(dir.path()).env("ASAN_OPTIONS", "detect_leaks=1"));
}

#[test]
fn the_c_plugins_under_valgrind() {
    if !Peer::wanted("valgrind") {
        return;
    }
    let dir = Dir::new();
    let program = harness(&dir, &[]);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--leak-check=full", "--show-leak-kinds=definite,indirect,possible"]);
    runs_clean(valgrind.arg("--error-exitcode=9").arg("--track-fds=no").arg(program).arg(dir.path()));
}

/// The plugin room of the engine and the sdk's glue: the suite `plugin`, as a program, under valgrind. What lives as long
/// as the process, and what a plugin that panicked leaves behind, is not counted as lost.
#[test]
fn the_plugin_room_under_valgrind() {
    if !Peer::wanted("valgrind") {
        return;
    }
    let out = Command::new(cargo_path())
        .args(["test", "-p", "sysloom-tests", "--test", "plugin", "--no-run", "--message-format=json"])
        .arg("--target-dir")
        .arg(target().parent().expect("it stands in the target directory"))
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let said = String::from_utf8(out.stdout).unwrap();
    let programs = said.split("\"executable\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    let program = programs.last().expect("the suite is a program");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--error-exitcode=9", program, "--test-threads=1"]);
    valgrind.args(["c::", "layers::", "panics::", "calls::"]).current_dir(root().join("tests"));
    let out = valgrind.output().unwrap();
    let said = [out.stdout, out.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(out.status.success() && said.contains("test result: ok"), "{}: {said}", out.status);
}

/// Valgrind looks at every access of the daemon and of the library that it has loaded, and at what is lost at the end.
#[test]
fn the_daemon_with_a_c_plugin_under_valgrind() {
    if !Peer::wanted("valgrind") {
        return;
    }
    let dir = Dir::new();
    let spool = c_library(&dir, "omspool", "omspool", &[], &root().join("include"));
    std::fs::create_dir(dir.file("spool")).unwrap();
    let config = format!(
        "$ModLoad {}\nmodule(load=\"imtcp\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{{dir}}/in\")\n\
         template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n\
         action(type=\"omspool\" directory=\"{{dir}}/spool\" template=\"text\")\n\
         action(type=\"omfile\" file=\"{{dir}}/log\" template=\"text\")\n",
        spool.display()
    );
    let log = dir.file("valgrind");
    let daemon = Daemon::start_with(&dir, "daemon", &config, |command| {
        let mut under = Command::new("valgrind");
        under.args([
            "-q",
            "--leak-check=full",
            "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite",
        ]);
        under.arg("--error-exitcode=9").arg(format!("--log-file={}", log.display()));
        under.arg(command.get_program()).args(command.get_args()).stdin(std::process::Stdio::null());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => under.env(name, value),
                None => under.env_remove(name),
            };
        }
        *command = under;
    });
    connect(daemon.port(&dir.file("in"))).write_all(lines(0..50).as_bytes()).unwrap();
    file_lines(&dir.file("log"), 50);
    daemon.stop();
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.trim().is_empty(), "{said}");
    assert_eq!(std::fs::read_dir(dir.file("spool")).unwrap().count(), 50);
}
