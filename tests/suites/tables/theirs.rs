//! rsyslog's own list of parameters, where it is at hand, beside what is known and what is listed.

use crate::absent::absent;
use crate::lacking::{ADVICE, Row, STREAMS, modules, objects, rows};
use crate::names;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use sysloom_config::catalogue;

/// Every parameter that the list of rsyslog's has for one of our modules and objects is known or listed, and nothing is
/// listed that it has not. It stands beside the folder of real configurations.
#[test]
fn rsyslogs_list_is_covered() {
    let Some(list) = std::env::var_os("SYSLOOM_CORPUS")
        .map(|corpus| PathBuf::from(corpus).join("../reference/parameters.tsv"))
        .filter(|file| file.is_file())
    else {
        // Past the test runner's capture: a skip shall be seen.
        let why = "SYSLOOM_CORPUS names no folder beside ../reference/parameters.tsv";
        let _ = writeln!(std::io::stderr(), "SKIPPED rsyslogs_list_is_covered: {why}");
        return;
    };
    let text = std::fs::read_to_string(list).unwrap();
    let (rows, known) = (rows(), modules().into_iter().chain(objects()).collect::<Vec<_>>());
    let (here, away) = (names(), absent());
    let globals = catalogue::globals();
    let of_core = globals.iter().flat_map(|param| &param.legacy).map(|legacy| &legacy.name);
    let of_modules = known.iter().filter(|known| known.place == "legacy").flat_map(|known| &known.names);
    let directives: BTreeSet<String> =
        of_core.chain(of_modules).map(|name| name.to_ascii_lowercase()).collect();
    let mut theirs: BTreeSet<(String, &str, String)> = BTreeSet::new();
    // Directives that set nothing but themselves.
    let mut alone: BTreeSet<String> = BTreeSet::new();
    let mut wrong = Vec::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let (object, name, since) = (object_of(cells[0]), cells[2], cells[8]);
        if object == "legacy only" {
            for word in name.split(' ').map(|word| word.trim_start_matches('$')) {
                alone.insert(word.to_ascii_lowercase());
                let lacks = rows.iter().any(|row| row.is(&["lacks"]) && row.name.eq_ignore_ascii_case(word));
                if !lacks && !directives.contains(&word.to_ascii_lowercase()) && !DIRECTIVES.contains(&word) {
                    wrong.push(format!("${word}: neither known nor listed as lacking"));
                }
            }
            continue;
        }
        let ours = here.iter().any(|one| one == object) || known.iter().any(|known| known.object == object);
        if !ours {
            let listed = away.iter().any(|[names, ..]| names.split(' ').any(|one| one == object));
            if !listed && !OF_THE_LANGUAGE.contains(&object) {
                wrong.push(format!("{object}: neither a folder nor a row of cases/absent.tsv"));
            }
            continue;
        }
        let place = if cells[1] == "module" { "module" } else { "instance" };
        let is_stream = ["imtcp", "omfwd"].contains(&object)
            && known.iter().any(|known| known.is(STREAMS, "instance", name));
        let (object, place) = if is_stream { (STREAMS, "instance") } else { (object, place) };
        let mut says = vec![(object, place, name)];
        let directives = cells[4].split(' ').filter_map(|word| word.strip_prefix('$'));
        if here.iter().any(|one| one == object) || is_stream {
            says.extend(directives.map(|word| (object, "legacy", word)));
        }
        for (object, place, mut name) in says {
            if is_stream && place == "legacy" {
                name = name.trim_start_matches("InputTCPServer").trim_start_matches("ActionSend");
            }
            theirs.insert((object.to_owned(), place, name.to_ascii_lowercase()));
            let lacks = rows.iter().find(|row| row.is(&["lacks"]) && is_listed(row, object, place, name));
            let is_known = known.iter().any(|known| known.is(object, place, name));
            if !is_known && lacks.is_none() && !DIRECTIVES.contains(&name) {
                wrong.push(format!("{object} ({place}) {name}: neither known nor listed as lacking"));
            }
            let listed = rows.iter().find(|row| row.state != "more" && is_listed(row, object, place, name));
            if place != "legacy" && listed.is_some_and(|row| row.since != since) {
                wrong.push(format!("{object} ({place}) {name}: there since {since}"));
            }
        }
    }
    let is_theirs = |object: &str, place, name: &str| {
        let name = name.to_ascii_lowercase();
        place == "legacy" && alone.contains(&name) || theirs.contains(&(object.to_owned(), place, name))
    };
    for row in rows.iter().filter(|row| row.name != "-") {
        let of_rsyslog = is_theirs(row.object, row.place, row.value().0);
        if of_rsyslog == row.is(&["more"]) && !UNLISTED.contains(&row.object) {
            wrong.push(format!("{} ({}) {}: listed as {}", row.object, row.place, row.name, row.state));
        }
    }
    for one in &known {
        let more = rows.iter().any(|row| row.is(&["more"]) && one.is(row.object, row.place, row.name));
        let of_rsyslog = one.names.iter().any(|name| is_theirs(&one.object, one.place, name));
        if !more && !of_rsyslog && !UNLISTED.contains(&one.object.as_str()) && one.place != "legacy" {
            wrong.push(format!(
                "{} ({}) {}: rsyslog has it not, so it is more",
                one.object, one.place, one.names[0]
            ));
        }
    }
    assert!(theirs.len() > 400, "{} parameters", theirs.len());
    assert!(wrong.is_empty(), "{}\n{ADVICE}", wrong.join("\n"));
}

fn is_listed(row: &Row, object: &str, place: &str, name: &str) -> bool {
    row.object == object && row.place == place && row.name.eq_ignore_ascii_case(name)
}

/// Their word for an object, as ours.
fn object_of(word: &str) -> &str {
    match word {
        "template property()" => "property",
        "template constant()" => "constant",
        "cry provider gcry" => "lmcry_gcry",
        "cry provider ossl" => "lmcry_ossl",
        other => other,
    }
}

/// Objects whose parameters are words of the language itself.
const OF_THE_LANGUAGE: [&str; 4] = ["any object", "input", "module", "object"];

/// Directives in the list's rows that are the language's, and two of imfile.
const DIRECTIVES: [&str; 9] = [
    "AllowedSender",
    "outchannel",
    "DefaultRuleset",
    "RulesetCreateMainQueue",
    "ModDir",
    "IncludeConfig",
    "ResetConfigVariables",
    "InputRunFileMonitor",
    "InputFilePollInterval",
];

/// Modules of rsyslog's that its list leaves out.
const UNLISTED: [&str; 1] = ["omtesting"];
