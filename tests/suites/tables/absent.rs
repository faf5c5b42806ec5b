//! rsyslog's modules that are not here: cases/absent.tsv, the table of modules/README.md that is made of it, and what the
//! daemon says of them.

use crate::names;
use std::collections::BTreeSet;
use sysloom_tests::{Dir, Peer, check};

const ABSENT: &str = include_str!("../../cases/absent.tsv");

/// rsyslog's modules that are not here: name, kind, what can be done instead.
pub fn absent() -> Vec<[&'static str; 3]> {
    let rows = ABSENT.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [name, kind, instead] = cells[..] else { panic!("not three cells: {line}") };
        [name, kind, instead]
    });
    rows.collect()
}

pub fn absent_table() -> String {
    let mut table = String::from("| kind | module of rsyslog's | instead |\n|---|---|---|\n");
    for [name, kind, instead] in absent() {
        table += &format!("| {kind} | {} | {instead} |\n", name.replace(' ', ", "));
    }
    table
}

/// A module that is not here is one line when it is loaded, and nothing follows from it.
#[test]
fn a_module_that_is_not_there_is_one_line() {
    let here = names();
    let (mut words, mut config) = (Vec::new(), String::from("*.* {dir}/out\n"));
    for [names, kind, _] in absent() {
        for name in names.split(' ') {
            assert!(!here.iter().any(|one| one == name), "{name} is there: take it out of cases/absent.tsv");
            let uses = match kind {
                "input" => format!("input(type=\"{name}\" option=\"1\")\n"),
                "output" | "modification" => format!("action(type=\"{name}\" option=\"1\")\n"),
                "parser" => format!("parser(type=\"{name}\" name=\"p-{name}\" option=\"1\")\n"),
                "function" => String::new(),
                // Nothing that a configuration loads by itself.
                _ => continue,
            };
            // Loaded in either way, not in both: a second time there is nothing to say.
            let load = match words.len() % 2 {
                0 => format!("module(load=\"{name}\" option=\"1\")\n"),
                _ => format!("$ModLoad {name}\n"),
            };
            config += &(load + &uses);
            words.push(name);
        }
    }
    assert!(words.len() > 40, "{words:?}");
    let said = check(&Dir::new(), &config).stderr;
    let mut lines: Vec<&str> =
        said.lines().filter(|line| line.starts_with("sysloomd: could not load")).collect();
    for name in &words {
        let about = lines.iter().position(|line| line.contains(&format!("'{name}'")));
        lines.swap_remove(about.unwrap_or_else(|| panic!("no line about {name}: {said}")));
    }
    // The first line says what is checked.
    let others = said.lines().filter(|line| line.starts_with("sysloomd: ")).count() - 1 - words.len();
    assert!(lines.is_empty() && others == 0, "{lines:#?}\n{said}");
}

/// What Debian's package of rsyslogd brings is here, or listed.
#[test]
fn the_modules_of_debians_rsyslog_are_here_or_listed() {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let Some(folder) =
        folders.map(|entry| entry.path().join("rsyslog")).find(|path| path.join("imtcp.so").is_file())
    else {
        Peer::skipped("the modules of rsyslogd", "tests/install-peers.sh installs them");
        return;
    };
    let listed: BTreeSet<String> =
        absent().iter().flat_map(|[names, ..]| names.split(' ')).map(str::to_owned).chain(names()).collect();
    let theirs = std::fs::read_dir(folder).unwrap().flatten().filter_map(|entry| {
        let file = entry.file_name().into_string().ok()?;
        // What begins so is no module, but a part of them; drivers are here under other names.
        file.strip_suffix(".so").filter(|name| !name.starts_with("lm")).map(str::to_owned)
    });
    let theirs: BTreeSet<String> = theirs.collect();
    let missing: Vec<_> = theirs.difference(&listed).collect();
    assert!(theirs.len() > 20, "{theirs:?}");
    assert!(missing.is_empty(), "neither a folder nor a row of cases/absent.tsv: {missing:?}");
}
