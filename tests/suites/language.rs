//! The configuration language beside rsyslogd: the same configuration and messages through both daemons, and the
//! bytes of every case compared.
//!
//! Cases are data in tests/cases/language. All of them stand in one configuration, so that one run of each daemon is
//! enough. Differences that are on purpose are listed with their reason, and one that is gone must leave the list.
//! The run prints what no case covers. Without an installed rsyslogd there is nothing to compare with, and it says so.

#[path = "language/cases.rs"]
mod cases;
#[path = "language/counters.rs"]
mod counters;
#[path = "language/modules.rs"]
mod modules;
#[path = "language/run.rs"]
mod run;
#[path = "language/tables.rs"]
mod tables;

use cases::{Case, Group};
use run::{Results, Subject};
use std::collections::{BTreeMap, BTreeSet};
use sysloom_tests::Dir;

#[test]
fn both_daemons_say_the_same() {
    let Some(rsyslogd) = Subject::rsyslogd() else {
        println!("skipped: no rsyslogd is installed to compare with");
        return;
    };
    let cases = cases::all();
    assert!(cases.len() >= 400, "{} cases", cases.len());
    let messages = cases::messages();
    let dir = Dir::new();
    let theirs = rsyslogd.run(&dir, &cases, &messages);
    let ours = Subject::sysloomd().run(&dir, &cases, &messages);
    let (differences, uncovered) = (cases::differences(), cases::uncovered(&cases));
    let wrong = compare(&cases, messages.len(), &theirs, &ours, &differences);
    println!(
        "{} cases, {} messages, {} differences on purpose",
        cases.len(),
        messages.len(),
        differences.len()
    );
    println!("not covered: {}", if uncovered.is_empty() { "nothing".into() } else { uncovered.join(", ") });
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn compare(
    cases: &[Case],
    messages: usize,
    theirs: &Results,
    ours: &Results,
    differences: &BTreeMap<(Group, String), String>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut met = BTreeSet::new();
    for case in cases {
        let listed = differences.get(&(case.group, case.text.clone()));
        let differing = (1..=messages).find_map(|message| {
            let key = (case.key.clone(), message);
            let (theirs, ours) = (shown(theirs.get(&key), case), shown(ours.get(&key), case));
            (theirs != ours).then_some((message, theirs, ours))
        });
        match (differing, listed) {
            (Some(_), Some(_)) => {
                met.insert((case.group, case.text.clone()));
            }
            (None, Some(reason)) => {
                wrong.push(format!("{:?} {} is listed ({reason}), but both agree", case.group, case.text));
            }
            (Some((message, theirs, ours)), None) => wrong.push(format!(
                "{:?} {} of message {message}:\n  rsyslogd {theirs}\n  sysloomd {ours}",
                case.group, case.text
            )),
            (None, None) => {}
        }
    }
    for listed in differences.keys().filter(|listed| !met.contains(*listed)) {
        if !cases.iter().any(|case| (case.group, &case.text) == (listed.0, &listed.1)) {
            wrong.push(format!("{listed:?} is listed, but there is no such case"));
        }
    }
    wrong
}

/// A result as it is compared: of what changes from moment to moment only the form counts.
fn shown(result: Option<&Vec<u8>>, case: &Case) -> String {
    let Some(result) = result else { return "nothing".into() };
    let text = format!("{:?}", result.escape_ascii().to_string());
    if case.only_form { text.replace(|c: char| c.is_ascii_digit(), "9") } else { text }
}
