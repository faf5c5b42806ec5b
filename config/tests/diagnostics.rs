//! The whole text that each kind of mistake brings on stderr: one case a slug in `cases/`, `NAME.conf` and
//! `NAME.stderr`. With BLESS=1 in the environment the expected texts are written anew (and are to be read then).

mod world;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn cases() -> Vec<(String, String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the folder of cases") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "conf" || e == "yaml") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).expect("a case");
            cases.push((name, text, path.with_extension("stderr")));
        }
    }
    cases.sort();
    cases
}

/// Loads a case under a name that says which front end reads it.
fn read(text: &str, expected: &Path) -> sysloom_config::Loaded {
    let yaml = expected.with_extension("yaml").exists();
    let name = if yaml { "t.yaml" } else { "t.conf" };
    let mut world = world::small("");
    world.files.insert(name.into(), text.as_bytes().to_vec());
    sysloom_config::load(Path::new(name), &mut world)
}

#[test]
fn every_mistake_has_its_text() {
    let bless = std::env::var_os("BLESS").is_some();
    let cwd = std::env::current_dir().expect("a directory").display().to_string();
    let mut wrong = Vec::new();
    for (name, text, expected) in cases() {
        let loaded = read(&text, &expected);
        let got = world::stderr(&loaded).replace(&cwd, "CWD");
        assert!(
            loaded.diagnostics.iter().any(|d| d.slug == name),
            "{name} is not what its case is about:\n{got}"
        );
        if bless {
            std::fs::write(&expected, &got).expect("the expected text");
        }
        let want = std::fs::read_to_string(&expected).unwrap_or_default();
        if got != want {
            wrong.push(format!("--- {name}, wanted:\n{want}--- got:\n{got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_slug_is_explained() {
    let explained: BTreeSet<&str> = sysloom_config::explain::slugs().collect();
    for (name, text, expected) in cases() {
        for d in read(&text, &expected).diagnostics {
            assert!(explained.contains(d.slug), "{name}: {} has no explanation", d.slug);
        }
    }
}

#[test]
fn a_missing_main_file_is_one_line() {
    let loaded = sysloom_config::load(Path::new("/nowhere.conf"), &mut world::World::default());
    assert_eq!(world::stderr(&loaded), include_str!("cases/main-file.stderr"));
}
