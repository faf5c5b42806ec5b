//! Real configurations are judged as a real rsyslogd judges them. Runs only where SYSLOOM_CORPUS names a folder of
//! them, with `REAL.tsv` (verdicts) inside and `../reference/parameters.tsv` (what modules accept) beside it.

mod world;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use sysloom_config::Severity;
use sysloom_config::diagnostic::first_line;

/// Errors that say something about the machine, not about the file.
fn about_the_machine(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    [
        "no such file",
        "does not exist",
        "not found or",
        "could not be found",
        "cannot be accessed",
        "can not be accessed",
    ]
    .iter()
    .any(|text| line.contains(text))
}

#[test]
fn real_files_are_judged_alike() {
    let Some(folder) = std::env::var_os("SYSLOOM_CORPUS").map(PathBuf::from) else {
        eprintln!("skipped: SYSLOOM_CORPUS names no folder");
        return;
    };
    let read =
        |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let modules = world::listed(&read(&folder.join("../reference/parameters.tsv")));
    let verdicts: HashMap<String, String> = read(&folder.join("REAL.tsv"))
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some((cells.next()?.to_string(), cells.nth(3)?.to_string()))
        })
        .collect();
    let mut wrong = Vec::new();
    let mut judged = 0;
    let mut names: Vec<_> = verdicts.keys().cloned().collect();
    names.sort();
    for name in names {
        // 080 is an error only as the master configuration.
        let expected = match verdicts[&name].as_str() {
            _ if name == "080" => continue,
            "clean" | "missing-module" => false,
            "true-error" => true,
            _ => continue,
        };
        let file = folder.join(format!("{name}.conf"));
        let mut world = world::World {
            modules: modules.clone(),
            all_accounts: true,
            real_files: true,
            ..Default::default()
        };
        let wrapper = format!("$IncludeConfig {}\n*.* /tmp/out\n", file.display());
        world.files.insert("t.conf".into(), wrapper.into_bytes());
        let loaded = world::load(&mut world);
        let errors: Vec<String> = loaded
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error && d.code != 2066)
            .map(|d| first_line(d, &loaded.sources))
            .filter(|line| line.contains("error") && !about_the_machine(line))
            .collect();
        judged += 1;
        if errors.is_empty() == expected {
            wrong.push(format!("{name}: expected {expected}, errors: {errors:#?}"));
        }
    }
    assert!(judged > 0, "the folder holds no verdicts");
    assert!(wrong.is_empty(), "{} of {judged} differ:\n{}", wrong.len(), wrong.join("\n"));
}
