//! What of rsyslog's parameters is not there, by name: cases/lacking.tsv beside the tables of the plugins and of the core,
//! and the tables of modules/README.md and config/README.md that are made of both.

use crate::absent::absent_table;
use crate::{names, root, specs};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use sysloom_config::catalogue::{self, ModuleSpec, Param};
use sysloom_engine::assemble::WITHOUT_EFFECT;
use sysloom_engine::parsers;
use sysloom_sdk::testing::check_readme;

const LACKING: &str = include_str!("../../cases/lacking.tsv");
pub const STREAMS: &str = "(streams)";
const PARSER: &str = "pmrfc3164";

/// What to do when this list and the code part.
pub const ADVICE: &str = "Change cases/lacking.tsv: a parameter that is known now loses its row (or has the state idle, if it \
    is taken without effect), one that is gone gets a row, one that rsyslog has not gets the state more. Then \
    SYSLOOM_WRITE_TABLES=1 cargo test --test tables renews the READMEs' tables.";

/// A row of cases/lacking.tsv.
pub struct Row {
    pub object: &'static str,
    pub place: &'static str,
    pub state: &'static str,
    pub name: &'static str,
    pub since: &'static str,
    remark: &'static str,
}

impl Row {
    /// The parameter, and the value that is meant if it is not the whole.
    pub fn value(&self) -> (&str, Option<&str>) {
        match self.name.split_once('=') {
            Some((name, value)) => (name, Some(value.trim_matches('"'))),
            None => (self.name, None),
        }
    }

    pub fn is(&self, states: &[&str]) -> bool {
        states.contains(&self.state)
    }
}

pub fn rows() -> Vec<Row> {
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
pub struct Known {
    pub object: String,
    pub place: &'static str,
    pub names: Vec<String>,
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

    pub fn is(&self, object: &str, place: &str, name: &str) -> bool {
        self.object == object
            && self.place == place
            && self.names.iter().any(|one| one.eq_ignore_ascii_case(name))
    }
}

/// The modules, the parser that is part of the engine, and the streams.
pub fn modules() -> Vec<Known> {
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
pub fn objects() -> Vec<Known> {
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

/// A parameter of the core's that no source names is listed, as one that is warned of or for good: nothing is taken in
/// silence.
#[test]
fn what_nothing_reads_is_listed() {
    let mut text = String::new();
    for folder in
        ["core/daemon/src", "core/engine/src", "config/src/resolve", "config/src/plan", "config/src/yaml"]
    {
        read(&root().join(folder), &mut text);
    }
    let text = text.to_ascii_lowercase();
    assert!(text.len() > 500_000, "{} bytes of sources", text.len());
    let rows = rows();
    let mut wrong = Vec::new();
    for known in objects() {
        let dollar = if known.place == "legacy" { "$" } else { "" };
        let quoted = |name: &String| text.contains(&format!("\"{dollar}{}\"", name.to_ascii_lowercase()));
        let used = known.names.iter().any(quoted) || known.names.iter().any(|name| is_composed(name));
        let listed =
            rows.iter().any(|row| row.is(&["idle", "warned"]) && known.is(row.object, row.place, row.name));
        // What is checked of queues on disk is read, and has no effect for all that.
        if used == listed && !(used && known.object == "queue") {
            let state = if used { "named by a source" } else { "named by no source" };
            wrong.push(format!("{} {dollar}{}: {state}, listed: {listed}", known.object, known.names[0]));
        }
    }
    assert!(wrong.is_empty(), "{}\n{ADVICE}", wrong.join("\n"));
}

/// Sources put these names together of parts.
fn is_composed(name: &str) -> bool {
    const STARTS: [&str; 3] =
        ["compatibility.configFormat.", "default.action.queue.", "default.ruleset.queue."];
    STARTS.iter().any(|start| name.starts_with(start)) || name == "action.rateLimit.name"
}

/// Adds the sources below a folder, but for the list of what has no effect.
fn read(folder: &Path, text: &mut String) {
    for path in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            read(&path, text);
        } else if path.extension().is_some_and(|word| word == "rs") && !path.ends_with("unsupported.rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
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
