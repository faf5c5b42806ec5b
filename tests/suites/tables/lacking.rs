//! What of rsyslog's parameters is not there, by name: cases/lacking.tsv beside the plugins' own tables, the tables of
//! modules/README.md and config/README.md that are made of both, and rsyslog's list where it is at hand.

use crate::{names, root, specs};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use sysloom_config::catalogue::{self, ModuleSpec, Param};
use sysloom_engine::assemble::WITHOUT_EFFECT;
use sysloom_engine::parsers;
use sysloom_sdk::testing::check_readme;
use sysloom_tests::{Dir, Peer, check};

const LACKING: &str = include_str!("../../cases/lacking.tsv");
const ABSENT: &str = include_str!("../../cases/absent.tsv");
const STREAMS: &str = "(streams)";
const PARSER: &str = "pmrfc3164";

/// What to do when this list and the code part.
const ADVICE: &str = "Change cases/lacking.tsv: a parameter that is known now loses its row (or has the state idle, if it \
    is taken without effect), one that is gone gets a row, one that rsyslog has not gets the state more. Then \
    SYSLOOM_WRITE_TABLES=1 cargo test --test tables renews the READMEs' tables.";

/// A row of cases/lacking.tsv.
struct Row {
    object: &'static str,
    place: &'static str,
    state: &'static str,
    name: &'static str,
    since: &'static str,
    remark: &'static str,
}

impl Row {
    /// The parameter, and the value that is meant if it is not the whole.
    fn value(&self) -> (&str, Option<&str>) {
        match self.name.split_once('=') {
            Some((name, value)) => (name, Some(value.trim_matches('"'))),
            None => (self.name, None),
        }
    }

    fn is(&self, states: &[&str]) -> bool {
        states.contains(&self.state)
    }
}

fn rows() -> Vec<Row> {
    let rows = LACKING.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [object, place, state, name, since, remark] = cells[..] else { panic!("not six cells: {line}") };
        let remark = if remark == "-" { "" } else { remark };
        assert!(STATES.contains(&state) && PLACES.contains(&place), "state or place: {line}");
        Row { object, place, state, name, since, remark }
    });
    rows.collect()
}

const STATES: [&str; 7] = ["lacks", "idle", "warned", "more", "differs", "beyond", "alike"];
const PLACES: [&str; 4] = ["module", "instance", "legacy", "-"];

/// What the code knows: a parameter or a directive under all of its names.
struct Known {
    object: String,
    place: &'static str,
    names: Vec<String>,
    choices: Vec<String>,
    help: String,
}

impl Known {
    fn param(object: &str, place: &'static str, param: &Param) -> Self {
        let names = std::iter::once(&param.name).chain(&param.aliases).cloned().collect();
        Self {
            object: object.to_owned(),
            place,
            names,
            choices: param.choices.clone(),
            help: param.help.clone(),
        }
    }

    fn directive(object: &str, name: &str) -> Self {
        let (names, choices) = (vec![name.to_owned()], Vec::new());
        Self { object: object.to_owned(), place: "legacy", names, choices, help: String::new() }
    }

    fn is(&self, object: &str, place: &str, name: &str) -> bool {
        self.object == object
            && self.place == place
            && self.names.iter().any(|one| one.eq_ignore_ascii_case(name))
    }
}

/// The modules, the parser that is part of the engine, and the streams.
fn modules() -> Vec<Known> {
    let mut known = Vec::new();
    let parser = parsers::module(PARSER).expect("the engine has it");
    for (name, spec) in specs().into_iter().chain([(PARSER.to_owned(), parser)]) {
        of_module(&name, &spec, &mut known);
    }
    known.extend(catalogue::streams().iter().map(|param| Known::param(STREAMS, "instance", param)));
    known.extend(catalogue::STREAM_DIRECTIVES.iter().map(|(name, ..)| Known::directive(STREAMS, name)));
    known
}

fn of_module(name: &str, spec: &ModuleSpec, known: &mut Vec<Known>) {
    let mut directives = BTreeSet::new();
    for (place, params) in [("module", &spec.module_params), ("instance", &spec.instance_params)] {
        known.extend(params.iter().map(|param| Known::param(name, place, param)));
        directives.extend(params.iter().flat_map(|param| &param.legacy).map(|legacy| legacy.name.clone()));
    }
    known.extend(directives.iter().map(|directive| Known::directive(name, directive)));
}

/// The core's objects. A directive that is not just another name of a parameter begins with `$` in the tables.
fn objects() -> Vec<Known> {
    let mut known = Vec::new();
    for (object, table) in catalogue::objects() {
        let object = match object {
            "action queue" => "queue",
            // Its name is all that it has besides a queue's.
            "main_queue" => {
                let own = table.iter().filter(|param| param.name == "name");
                known.extend(own.map(|param| Known::param(object, "instance", param)));
                continue;
            }
            "ruleset queue" | "stream" => continue,
            other => other,
        };
        for param in table.iter() {
            match param.name.strip_prefix('$') {
                Some("gone") => {}
                Some(directive) => known.push(Known::directive(object, directive)),
                None => known.push(Known::param(object, "instance", param)),
            }
        }
    }
    known
}

#[test]
fn what_is_listed_as_lacking_is_not_known() {
    let known: Vec<Known> = modules().into_iter().chain(objects()).collect();
    let mut wrong = Vec::new();
    for row in rows().iter().filter(|row| row.name != "-") {
        let (name, value) = row.value();
        let found = known.iter().find(|known| known.is(row.object, row.place, name));
        let problem = match (row.state, value, found) {
            ("lacks", None, Some(_)) => "is known",
            ("lacks", None, None) => continue,
            (_, _, None) => "is not known",
            ("lacks", Some(value), Some(found)) => {
                let refused = match found.choices.is_empty() {
                    true => found.help.contains("not there yet"),
                    false => !found.choices.iter().any(|choice| choice == value),
                };
                if refused {
                    continue;
                }
                "takes that value"
            }
            _ => continue,
        };
        wrong.push(format!(
            "{} ({}) {}: listed as {}, and {problem}",
            row.object, row.place, row.name, row.state
        ));
    }
    assert!(wrong.is_empty(), "{}\n{ADVICE}", wrong.join("\n"));
}

/// The core warns of what has no effect: the lists of the engine and here are one.
#[test]
fn what_the_core_warns_of_is_listed() {
    let warned: BTreeSet<(&str, &str)> = WITHOUT_EFFECT
        .iter()
        .flat_map(|(object, names)| names.iter().map(|name| (*object, name.trim_start_matches('$'))))
        .collect();
    let rows = rows();
    let listed: BTreeSet<(&str, &str)> =
        rows.iter().filter(|row| row.is(&["warned"])).map(|row| (row.object, row.name)).collect();
    let parted: Vec<_> = warned.symmetric_difference(&listed).collect();
    assert!(
        parted.is_empty(),
        "only in core/engine/src/assemble/unsupported.rs, or only warned in cases/lacking.tsv: {parted:?}\n{ADVICE}"
    );
}

#[test]
fn each_module_says_what_it_lacks() {
    let rows = rows();
    let silent: Vec<String> =
        names().into_iter().filter(|name| rows.iter().all(|row| row.object != name)).collect();
    assert!(
        silent.is_empty(),
        "no row in cases/lacking.tsv (nothing lacks and nothing differs: the state alike): {silent:?}\n{ADVICE}"
    );
    let known: BTreeSet<String> =
        modules().into_iter().chain(objects()).map(|known| known.object).chain(names()).collect();
    let strange: Vec<&str> =
        rows.iter().map(|row| row.object).filter(|object| !known.contains(*object)).collect();
    assert!(strange.is_empty(), "no such module or object: {strange:?}\n{ADVICE}");
}

#[test]
fn the_readmes_tables_are_made_of_this() {
    let (rows, modules) = (rows(), modules());
    let mut table = String::from(
        "| module | has of rsyslog's | lacks | behaves differently | has beyond rsyslog |\n|---|---|---|---|---|\n",
    );
    let functions: BTreeMap<String, usize> =
        specs().into_iter().map(|(name, spec)| (name, spec.functions.len())).collect();
    for name in names().iter().map(String::as_str).chain([PARSER, STREAMS]) {
        let own: Vec<&Row> = rows.iter().filter(|row| row.object == name).collect();
        let mut has = Count::of(name, &own, &modules).text();
        if let Some(n) = functions.get(name).filter(|n| **n > 0) {
            has = format!("all {n} function{}", if *n == 1 { "" } else { "s" });
        }
        let title = match name {
            STREAMS => "stream parameters of imtcp and omfwd".to_owned(),
            PARSER => format!("{name} (part of the engine)"),
            _ => format!("[{name}]({name}/README.md)"),
        };
        let lacks = join(&own, &["lacks", "idle"]);
        let (differs, more) = (join(&own, &["differs"]), join(&own, &["more", "beyond"]));
        table += &format!("| {title} | {has} | {lacks} | {differs} | {more} |\n");
    }
    let folder = root().join("modules").display().to_string();
    check_readme(&folder, &[("lacking", table), ("absent", absent_table())]);

    let objects = objects();
    let mut table = String::from(
        "| object | has of rsyslog's | without effect, with a warning | without effect | behaves differently | has beyond rsyslog |\n|---|---|---|---|---|---|\n",
    );
    let mut seen = BTreeSet::new();
    for name in objects.iter().map(|known| known.object.as_str()).filter(|name| seen.insert(*name)) {
        let own: Vec<&Row> = rows.iter().filter(|row| row.object == name).collect();
        let has = Count::of(name, &own, &objects).text();
        let (warned, idle) = (join(&own, &["warned", "lacks"]), join(&own, &["idle"]));
        let more = join(&own, &["more", "beyond"]);
        let differs = join(&own, &["differs"]);
        table += &format!("| {name} | {has} | {warned} | {idle} | {differs} | {more} |\n");
    }
    check_readme(&root().join("config").display().to_string(), &[("lacking", table)]);
}

/// Parameters and directives of rsyslog's: those that do what they say here, and all.
struct Count {
    has: usize,
    of: usize,
}

impl Count {
    fn of(object: &str, rows: &[&Row], known: &[Known]) -> Self {
        let listed = |states: &[&str]| {
            rows.iter().filter(|row| row.is(states) && row.name != "-" && row.value().1.is_none()).count()
        };
        let known = known.iter().filter(|known| known.object == object).count();
        let ours = known - listed(&["more"]);
        Self { has: ours - listed(&["idle", "warned"]), of: ours + listed(&["lacks"]) }
    }

    fn text(&self) -> String {
        match self.of {
            0 => "no parameters".to_owned(),
            n if n == self.has => format!("all {n}"),
            n => format!("{} of {n}", self.has),
        }
    }
}

/// The rows of some states as a table's cell: names, and behind a colon what those before it have in common.
fn join(rows: &[&Row], states: &[&str]) -> String {
    let mut seen = BTreeSet::new();
    let rows: Vec<&&Row> = rows
        .iter()
        .filter(|row| row.is(states) && seen.insert((row.name, row.remark, row.place == "legacy")))
        .collect();
    let groups = rows.chunk_by(|one, other| one.remark == other.remark).map(|group| {
        let names: Vec<String> = group.iter().filter(|row| row.name != "-").map(|row| title(row)).collect();
        let remark = group.first().map_or("", |row| row.remark);
        let parts = [names.join(", "), remark.to_owned()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    });
    groups.collect::<Vec<_>>().join("; ")
}

fn title(row: &Row) -> String {
    let dollar = if row.place == "legacy" { "$" } else { "" };
    match row.since {
        "-" => format!("`{dollar}{}`", row.name),
        since => format!("`{dollar}{}` ({since})", row.name),
    }
}

/// rsyslog's modules that are not here: name, kind, what can be done instead.
fn absent() -> Vec<[&'static str; 3]> {
    let rows = ABSENT.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [name, kind, instead] = cells[..] else { panic!("not three cells: {line}") };
        [name, kind, instead]
    });
    rows.collect()
}

fn absent_table() -> String {
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
