//! Tells the crate which compiler builds it, for the manifest of the plugins made with it.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(rustc).arg("--version").output();
    let version = answer.ok().and_then(|a| String::from_utf8(a.stdout).ok()).unwrap_or_default();
    println!("cargo::rustc-env=SYSLOOM_BUILT_WITH={}", version.lines().next().unwrap_or_default());
}
