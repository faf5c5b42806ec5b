//! The floors of the house: who may depend on whom, read from the manifests.
//!
//! Modules and drivers import the sdk alone; the sdk, the ABI and framing import nothing above them; configuration and
//! wire formats import nothing of ours; no plugin's name stands in the engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Our packages that each floor may depend on.
const FLOORS: &[(&str, &[&str])] = &[
    ("include/abi", &[]),
    ("include/frame", &[]),
    ("include/derive", &[]),
    ("include/sdk", &["sysloom-abi", "sysloom-frame", "sysloom-derive"]),
    ("config", &[]),
    ("core/wire", &[]),
    ("core/engine", &["sysloom-abi", "sysloom-config", "sysloom-wire"]),
    ("core/daemon", &["sysloom-config", "sysloom-engine"]),
];

/// Where a plugin may be named: the one table of aliases, the transport that layers stand on unless told otherwise, and
/// a driver that only tests have.
const NAMED: &[&str] = &["plugin/search.rs", "netstream/stack.rs", "plugin/driver/loopback.rs"];

#[test]
fn arrows_run_down_only() {
    let mut checked = 0;
    for (folder, allowed) in FLOORS {
        assert_eq!(strangers(folder, allowed), Vec::<String>::new(), "{folder}");
        checked += 1;
    }
    for floor in ["modules", "drivers"] {
        for folder in folders(floor) {
            assert_eq!(strangers(&folder, &["sysloom-sdk"]), Vec::<String>::new(), "{folder}");
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} packages were found");
}

#[test]
fn no_plugin_stands_in_the_engine_by_name() {
    let plugins: Vec<String> =
        folders("modules").iter().chain(&folders("drivers")).map(|f| name(f)).collect();
    let mut found = BTreeMap::new();
    for file in sources(&root().join("core/engine/src")) {
        if NAMED.iter().any(|named| file.ends_with(named)) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        // Tests may name what they load; comments may explain.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: String = code.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
        for plugin in plugins.iter().filter(|plugin| code.contains(&format!("\"{plugin}\""))) {
            found.entry(file.display().to_string()).or_insert_with(Vec::new).push(plugin.clone());
        }
    }
    found.retain(|file, _| !file.contains("tests"));
    assert_eq!(found, BTreeMap::new());
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the workspace").to_path_buf()
}

fn name(folder: &str) -> String {
    folder.rsplit('/').next().unwrap_or(folder).to_owned()
}

/// Packages below a folder.
fn folders(floor: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(floor)).unwrap().flatten();
    let packages = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    packages.map(|entry| format!("{floor}/{}", entry.file_name().to_string_lossy())).collect()
}

/// Our packages among a package's dependencies that it may not have.
fn strangers(folder: &str, allowed: &[&str]) -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let package = line.split(['.', ' ', '=']).next().unwrap_or_default();
        // What a plugin's tests use is held to the same floor as the plugin.
        if section.contains("dependencies]") && package.starts_with("sysloom-") && !allowed.contains(&package)
        {
            found.push(package.to_owned());
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}
