//! The drivers of third parties under the conformance kit.

use crate::build::{c_library, foreign, root, target};
use std::path::{Path, PathBuf};
use sysloom_conform::{Kit, is_for_one_line};
use sysloom_tests::{Dir, built};

/// The lines that fail, and all that is said. It comes back to the same place in the process of each line.
fn failed(file: &Path, jobs: usize) -> (Vec<&'static str>, String) {
    let mut kit = Kit::new(file);
    (kit.options().jobs, kit.options().connections) = (jobs, 200);
    let report = kit.run(|_| {}).unwrap();
    (report.failed(), report.to_string())
}

/// A library of the foreign workspace, built once and not for each line.
fn library(name: &str) -> PathBuf {
    if !is_for_one_line() {
        // The transport that layers stand on.
        built();
        foreign(name);
    }
    target().join(format!("debug/lib{name}.so"))
}

#[test]
fn a_layer_in_rust_conforms() {
    let (lines, said) = failed(&library("nsd_acmezip"), 2);
    assert!(lines.is_empty(), "{said}");
}

/// Its sockets have names that all processes share, so its lines run one after the other.
#[test]
fn a_transport_in_rust_conforms() {
    let (lines, said) = failed(&library("nsd_acmeunix"), 1);
    assert!(lines.is_empty(), "{said}");
}

/// A small driver leaves to OpenSSL what it says to a client without a certificate, and which alert a refusal is.
#[test]
fn a_layer_in_c_conforms_but_for_what_openssl_decides() {
    let file = target().join("debug/nsd_acmessl.so");
    if !is_for_one_line() {
        built();
        let dir = Dir::new();
        let made = c_library(&dir, "acmessl", "nsd_acmessl", &["-lssl", "-lcrypto"], &root().join("include"));
        std::fs::create_dir_all(target().join("debug")).unwrap();
        std::fs::copy(made.with_extension("so"), &file).unwrap();
    }
    let (lines, said) = failed(&file, 2);
    assert_eq!(lines, ["tls.peer-none", "tls.verdict-alert"], "{said}");
}
