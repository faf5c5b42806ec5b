//! Real configurations, checked by the daemon and judged as rsyslogd judged them.
//!
//! They belong to others and do not stand in this tree: `SYSLOOM_CORPUS` names a folder with NNN.conf files and
//! `REAL.tsv`, whose fifth column is what rsyslogd 8.2302 said on a machine that has every file and user that they name.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use sysloom_tests::{Check, Dir, check};

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Clean,
    /// Nothing is wrong but that modules are not there.
    MissingModule,
    TrueError,
}

#[test]
fn real_configurations_are_judged_as_rsyslogd_judges_them() {
    let Some(corpus) = std::env::var_os("SYSLOOM_CORPUS").map(PathBuf::from) else {
        // Past the test runner's capture: a skip shall be seen.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED real_configurations_are_judged_as_rsyslogd_judges_them: SYSLOOM_CORPUS names no folder"
        );
        return;
    };
    let table = std::fs::read_to_string(corpus.join("REAL.tsv")).expect("REAL.tsv in SYSLOOM_CORPUS");
    let (dir, mut judged, mut lacking, mut differing) = (Dir::new(), 0, 0, BTreeMap::new());
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let (name, want) = (columns[0], columns[4]);
        // An error only where the file is the master configuration, and here it is included.
        if name == "080" || !["clean", "true-error", "missing-module"].contains(&want) {
            continue;
        }
        let file = corpus.join(format!("{name}.conf"));
        let included = dir.write("included.conf", std::fs::read(&file).expect("a row's file"));
        let checked = check(&dir, &format!("$IncludeConfig {}\n*.* {{dir}}/out\n", included.display()));
        let got = verdict(&checked);
        judged += 1;
        lacking += usize::from(got == Verdict::MissingModule);
        // Where a module is lacking that rsyslogd has, the rest of the file cannot be judged.
        let alike = got == Verdict::MissingModule || (want == "true-error") == (got == Verdict::TrueError);
        if !alike {
            differing.insert(name.to_owned(), format!("rsyslogd: {want}, we: {got:?}\n{}", checked.stderr));
        }
    }
    assert!(judged > 20 && lacking * 2 < judged, "{lacking} of {judged} lack a module");
    assert!(differing.is_empty(), "{} of {judged} differ:\n{differing:#?}", differing.len());
}

fn verdict(checked: &Check) -> Verdict {
    assert!((0..=2).contains(&checked.code), "the check died with {}:\n{}", checked.code, checked.stderr);
    let mut verdict = Verdict::Clean;
    for line in checked.stderr.lines().filter(|line| line.starts_with("sysloomd: ")) {
        // A template may be called DynStatsError.
        let is_error = line.contains("error");
        let line = line.to_ascii_lowercase();
        if !is_error || is_about_the_machine(&line) {
            continue;
        }
        if line.contains("could not load module")
            || line.contains("is unknown") && line.contains("module name")
        {
            verdict = Verdict::MissingModule;
            continue;
        }
        return Verdict::TrueError;
    }
    verdict
}

/// What a machine with the files, users and groups of the configuration would not say.
fn is_about_the_machine(line: &str) -> bool {
    let person = line.contains("could not be found") && (line.contains("user") || line.contains("group"));
    person || MACHINE.iter().any(|words| line.contains(words))
}

const MACHINE: &[&str] = &[
    "no such file",
    "does not exist",
    "not found or",
    "could not be accessed",
    "can not be accessed",
    "cannot be accessed",
    "unknown user",
    "unknown group",
    "permission denied",
    "error -2103",
    "warnings occurred",
    "warning occurred",
];
