//! Building what stands in tests/out-of-tree, apart from the workspace: into a target directory of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use sysloom_tests::Dir;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the workspace")
}

pub fn cargo_path() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from)
}

/// Where foreign projects are built: they share what they depend on.
pub fn target() -> PathBuf {
    let exe = std::env::current_exe().expect("a test knows its file");
    // A test runs from target/PROFILE/deps.
    exe.ancestors().nth(3).expect("the target directory").join("out-of-tree")
}

/// A command of cargo's in the foreign workspace.
pub fn cargo(verb: &str) -> Command {
    let mut cargo = Command::new(cargo_path());
    cargo
        .args([verb, "--quiet", "--locked", "--manifest-path"])
        .arg(root().join("tests/out-of-tree/Cargo.toml"));
    cargo.arg("--target-dir").arg(target());
    cargo
}

/// A library of the foreign workspace, as a directive names it.
pub fn foreign(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        assert!(
            cargo("build").status().expect("cargo runs").success(),
            "the foreign workspace does not build"
        );
        target().join("debug")
    });
    directory.join(name)
}

/// A library of one C file, as a directive names it.
pub fn c_library(dir: &Dir, source: &str, name: &str, libraries: &[&str], include: &Path) -> PathBuf {
    let file = dir.file(&format!("{name}.so"));
    let mut cc = c_compiler(include);
    cc.args(["-shared", "-fPIC"]).arg(c_source(source)).arg("-o").arg(&file).args(libraries);
    let made = cc.output().expect("a C compiler");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    dir.file(name)
}

pub fn c_source(name: &str) -> PathBuf {
    root().join(format!("tests/out-of-tree/c/{name}.c"))
}

pub fn c_compiler(include: &Path) -> Command {
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-I"]).arg(include);
    cc
}
