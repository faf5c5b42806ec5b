//! What `--explain` and `--explain-config` print, whole: `cases/explain`. `SYSLOOM_BLESS=1` writes it anew.

use std::fmt::Write;
use std::path::Path;
use sysloom_config::explain;
use sysloom_tests::{Dir, built, daemon_command};

/// Compares with the case, or writes it.
fn same_as(case: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/explain").join(case);
    if std::env::var_os("SYSLOOM_BLESS").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    let want = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(text == want, "{case}:\n{text}\nand not\n{want}\n(SYSLOOM_BLESS=1 writes what it says)");
}

fn explained(word: &str) -> (i32, String, String) {
    let out = daemon_command().args(["--explain", word, "-M"]).arg(&built().modules).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(&out.stdout), text(&out.stderr))
}

#[test]
fn each_slug() {
    let mut all = String::new();
    let mut slugs: Vec<_> = explain::slugs().collect();
    slugs.sort_unstable();
    for slug in slugs {
        let (code, said, complaint) = explained(slug);
        assert!(code == 0 && complaint.is_empty(), "{slug}: {complaint}");
        let _ = write!(all, "--explain {slug}\n{said}\n");
    }
    same_as("slugs.txt", &all);
}

#[test]
fn a_module() {
    for module in ["imtcp", "pmnull"] {
        let (code, said, complaint) = explained(module);
        assert!(code == 0 && complaint.is_empty(), "{module}: {complaint}");
        same_as(&format!("{module}.txt"), &said);
    }
}

#[test]
fn a_word_that_means_nothing() {
    let (code, said, complaint) = explained("imnosuch");
    assert!(code == 1 && said.is_empty(), "{said}");
    same_as("nothing.txt", &complaint.replace(&built().modules.display().to_string(), "{modules}"));
}

#[test]
fn a_configuration() {
    let dir = Dir::new();
    let config = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/explain/configuration.conf"),
    );
    let file = dir.write("t.conf", config.unwrap());
    let mut command = daemon_command();
    command.arg("--explain-config").arg("-f").arg(&file).arg("-M").arg(&built().modules);
    let out = command.output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let said = String::from_utf8_lossy(&out.stdout).replace(&dir.path().display().to_string(), "{dir}");
    same_as("configuration.txt", &said);
}
