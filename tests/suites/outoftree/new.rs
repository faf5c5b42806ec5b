//! What `sysloomd new` writes builds, passes its own tests and runs in the daemon, for each of the four kinds.

use crate::build::{cargo_path, root, target};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use sysloom_tests::{Daemon, Dir, connect, daemon_command, file_lines, lines};

fn written(dir: &Dir, words: &[&str]) -> String {
    let out = daemon_command().arg("new").args(words).current_dir(dir.path()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn succeeds(command: &mut Command) {
    let out = command.output().unwrap();
    let said = [out.stdout, out.stderr].concat();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said));
}

/// Runs the configuration that was written, with the library where it was built and a port of the kernel's.
fn runs(dir: &Dir, name: &str, load: &str, library: &Path) {
    let config = std::fs::read_to_string(dir.file(name).join(format!("{name}.conf"))).unwrap();
    assert!(config.contains(load), "{config}");
    let config = config
        .replace(load, &library.display().to_string())
        .replace("port=\"10514\"", "port=\"0\" listenPortFileName=\"{dir}/port\"")
        .replace(&format!("/tmp/{name}.log"), "{dir}/log");
    let daemon = Daemon::start(dir, "daemon", &config);
    connect(daemon.port(&dir.file("port"))).write_all(lines(0..20).as_bytes()).unwrap();
    assert!(file_lines(&dir.file("log"), 20)[19].ends_with("message 19"));
    daemon.stop();
}

fn in_rust(kind: &str, name: &str, stem: &str) {
    let dir = Dir::new();
    let said = written(&dir, &[kind, name]);
    assert!(said.contains("src/lib.rs") && said.contains("cargo test"), "{said}");
    let project = dir.file(name);
    // The versions of the tree, so that no registry is asked.
    std::fs::copy(root().join("tests/out-of-tree/Cargo.lock"), project.join("Cargo.lock")).unwrap();
    for verb in ["test", "build"] {
        let mut cargo = Command::new(cargo_path());
        cargo.args([verb, "--quiet", "--offline", "--target-dir"]).arg(target()).current_dir(&project);
        succeeds(&mut cargo);
    }
    let built: PathBuf = target().join("debug").join(stem);
    runs(&dir, name, &format!("./target/release/{stem}"), &built);
}

fn in_c(kind: &str, name: &str, stem: &str) {
    let dir = Dir::new();
    let said = written(&dir, &[kind, name, "--c"]);
    assert!(said.contains("sysloom.h") && said.contains("make test"), "{said}");
    let project = dir.file(name);
    succeeds(Command::new("make").args(["test", "CFLAGS=-Werror"]).current_dir(&project));
    succeeds(Command::new("make").arg("CFLAGS=-Werror").current_dir(&project));
    runs(&dir, name, &format!("./{stem}"), &project.join(stem));
}

#[test]
fn a_new_module() {
    in_rust("module", "omfresh", "libomfresh");
}

#[test]
fn a_new_driver() {
    in_rust("driver", "fresh", "libnsd_fresh");
}

#[test]
fn a_new_module_in_c() {
    in_c("module", "omplain", "omplain");
}

#[test]
fn a_new_driver_in_c() {
    in_c("driver", "plain", "nsd_plain");
}

#[test]
fn nothing_is_overwritten_and_rsyslogd_has_no_words() {
    let dir = Dir::new();
    written(&dir, &["module", "omonce", "--c"]);
    let again =
        daemon_command().args(["new", "module", "omonce", "--c"]).current_dir(dir.path()).output().unwrap();
    assert!(!again.status.success());
    let link = dir.file("rsyslogd");
    std::os::unix::fs::symlink(&sysloom_tests::built().daemon, &link).unwrap();
    let out = Command::new(link).args(["new", "module", "omtwice"]).current_dir(dir.path()).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(!dir.file("omtwice").exists());
}
