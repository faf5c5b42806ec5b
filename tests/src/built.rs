//! The daemon and its libraries, built once for all tests of a run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the built things are.
pub struct Built {
    pub daemon: PathBuf,
    /// Holds every module and driver.
    pub modules: PathBuf,
}

/// Builds the default members if they are not fresh. `SYSLOOM_BIN` names a directory with a build to test instead.
pub fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let directory = match std::env::var_os("SYSLOOM_BIN") {
            Some(directory) => PathBuf::from(directory),
            None => build(),
        };
        Built { daemon: directory.join("sysloomd"), modules: directory }
    })
}

/// Whether a driver is there. `ossl` is built here, as it is no default member: it needs the system's OpenSSL. Where
/// that lacks, the test is skipped by name, or fails where all peers are demanded (`SYSLOOM_PEERS=required`).
pub fn driver_wanted(name: &str) -> bool {
    static OSSL: OnceLock<bool> = OnceLock::new();
    let there = name != "ossl"
        || *OSSL.get_or_init(|| match std::env::var_os("SYSLOOM_BIN") {
            Some(directory) => Path::new(&directory).join("libnsd_ossl.so").exists(),
            None if has_openssl() => {
                built();
                cargo(&["build", "-p", "sysloom-nsd-ossl"]);
                true
            }
            None => false,
        });
    there || !crate::Peer::skipped(&format!("driver {name}"), "libssl-dev and pkg-config are needed")
}

/// OpenSSL's headers, as its Rust crate looks for them.
fn has_openssl() -> bool {
    let ask = Command::new("pkg-config").args(["--exists", "openssl"]).status();
    std::env::var_os("OPENSSL_DIR").is_some() || ask.is_ok_and(|status| status.success())
}

fn build() -> PathBuf {
    cargo(&["build"])
}

/// Runs cargo on the directory that this test was built in, and returns that.
pub fn cargo(what: &[&str]) -> PathBuf {
    // A test runs from target/PROFILE/deps.
    let exe = std::env::current_exe().expect("a test knows its file");
    let directory = exe.parent().and_then(Path::parent).expect("a test runs from target/PROFILE/deps");
    let target = directory.parent().expect("the profile's directory stands in the target directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the workspace");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(what).arg("--quiet").arg("--target-dir").arg(target).current_dir(root);
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "cargo {what:?} failed");
    directory.to_path_buf()
}

/// The daemon's command, without settings that the test's own environment holds.
pub fn daemon_command() -> Command {
    command_of(&built().daemon)
}

/// The same for the daemon under another name.
pub fn command_of(executable: &Path) -> Command {
    let mut command = Command::new(executable);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("SYSLOOM_") || name.starts_with("RSYSLOG_") {
            command.env_remove(name);
        }
    }
    command
}
