//! The libraries of tests/plugins, built once for a run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The directory of the libraries, built once.
pub fn libraries() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let exe = std::env::current_exe().expect("a test knows its file");
        let directory = exe.parent().and_then(Path::parent).expect("a test runs from target/PROFILE/deps");
        let target = directory.parent().expect("the profile's directory stands in the target directory");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--quiet", "-p", "sysloom-misbehave", "-p", "sysloom-otherlayout"]);
        cargo.args(["-p", "sysloom-nsd-ptcp"]).arg("--target-dir").arg(target).current_dir(root());
        if directory.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().expect("cargo runs").success(), "the test plugins do not build");
        directory.to_path_buf()
    })
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the workspace")
}
