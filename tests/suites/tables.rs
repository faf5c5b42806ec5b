//! What every plugin claims to understand: the tables of all modules and drivers beside a list written by hand
//! (cases/tables.tsv), so that no name, type or default changes unnoticed. Whoever changes an option changes the list.

#[path = "tables/absent.rs"]
mod absent;
#[path = "tables/lacking.rs"]
mod lacking;
#[path = "tables/theirs.rs"]
mod theirs;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use sysloom_config::catalogue::{self, ModuleSpec, Param};
use sysloom_engine::core::Core;
use sysloom_engine::plugin::{Host, Loader, Search, spec};
use sysloom_engine::selflog::Selflog;
use sysloom_tests::built;

const CLAIMED: &str = include_str!("../cases/tables.tsv");

#[test]
fn every_table_is_as_it_is_claimed() {
    let claimed: BTreeSet<&str> =
        CLAIMED.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    let found = found();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    let only = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| -> Vec<String> {
        one.difference(other).map(|line| (*line).to_owned()).collect()
    };
    let (unclaimed, gone) = (only(&found, &claimed), only(&claimed, &found));
    assert!(unclaimed.is_empty(), "not in cases/tables.tsv:\n{}", unclaimed.join("\n"));
    assert!(gone.is_empty(), "claimed, and not there:\n{}", gone.join("\n"));
}

/// One line for each parameter and function, and one for a plugin that has no parameters. Options of streams stand once,
/// for all that use streams.
fn found() -> Vec<String> {
    let mut lines = Vec::new();
    for (name, spec) in specs() {
        let tables = [("module", &spec.module_params), ("instance", &spec.instance_params)];
        if tables.iter().all(|(_, params)| params.is_empty()) {
            lines.push(format!("{name}\t-\t-\t-\t-\t-"));
        }
        for function in &spec.functions {
            let (least, most) = (function.min_args, function.max_args);
            lines.push(format!("{name}\tfunction\t{}\t{least}..{most}\t-\t-", function.name));
        }
        for (scope, params) in tables {
            lines.extend(params.iter().map(|param| format!("{name}\t{scope}\t{}", line(param))));
        }
    }
    lines.extend(catalogue::streams().iter().map(|param| format!("(streams)\tboth\t{}", line(param))));
    lines
}

/// What each interface of each plugin says of itself.
fn specs() -> Vec<(String, ModuleSpec)> {
    let core = Core::new(Selflog::new("tables", "0"));
    let directories = vec![built().modules.clone()];
    let loader = Loader::new(Host::new(Arc::clone(&core) as _), Search { directories, ..Search::default() });
    let mut specs = Vec::new();
    for name in names() {
        let plugin = loader.module(&name).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        specs.extend(plugin.ifaces().iter().map(spec).map(|spec| (name.clone(), spec)));
    }
    specs
}

/// Modules of the tree, by their folders.
fn names() -> Vec<String> {
    let folders = std::fs::read_dir(root().join("modules")).unwrap().flatten();
    let mut names: Vec<String> = folders
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() > 15, "{names:?}");
    names
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the workspace")
}

fn line(param: &Param) -> String {
    let names: Vec<&str> = std::iter::once(&param.name).chain(&param.aliases).map(String::as_str).collect();
    let default = match (param.required, &param.default) {
        (true, _) => "required",
        (_, Some(default)) => default.as_str(),
        _ => "-",
    };
    let legacy: Vec<&str> = param.legacy.iter().map(|legacy| legacy.name.as_str()).collect();
    let legacy = if legacy.is_empty() { "-".to_owned() } else { legacy.join(" ") };
    format!("{}\t{:?}\t{default}\t{legacy}", names.join(" "), param.ty)
}
