//! The parameters of rsyslog's core objects. Each table is one file beside this one, a line a parameter: name, type
//! (`!` = required), default, legacy directives, range and meaning. One declaration drives parser, defaults and
//! `--explain`. [`crate::catalogue`] hands the tables out.

use crate::catalogue::{Legacy, LegacyKind, Param, Type};
use std::sync::{Arc, LazyLock};

/// A table as it is shared by all values over it.
pub type Table = Arc<[Param]>;

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $file:literal $place:literal;)*) => {$(
        $(#[$doc])*
        pub fn $name() -> Table {
            static TABLE: LazyLock<Table> = LazyLock::new(|| read(include_str!($file), $place));
            TABLE.clone()
        }
    )*};
}

tables! {
    /// global(). Rows whose name begins with `$` can be set by that directive only.
    globals = "global.tsv" "";
    /// The parameters of every action().
    action_common = "action.tsv" "";
    /// Queue parameters with the defaults of action().
    action_queue = "queue.tsv" "action";
    /// Queue parameters with the defaults of actions in selector lines.
    selector_queue = "queue.tsv" "selector action";
    /// Queue parameters with the defaults of ruleset().
    ruleset_queue = "queue.tsv" "ruleset";
    /// Queue parameters with the defaults of the main queue when no main_queue() is given.
    main_queue = "queue.tsv" "main";
    /// ruleset() itself.
    ruleset = "ruleset.tsv" "";
    /// template() itself.
    template = "template.tsv" "";
    /// property() in a list template.
    template_property = "property.tsv" "";
    /// constant() in a list template.
    template_constant = "constant.tsv" "";
    /// parser() itself.
    parser = "parser.tsv" "";
    lookup_table = "lookup_table.tsv" "";
    dyn_stats = "dyn_stats.tsv" "";
    percentile_stats = "percentile_stats.tsv" "";
    timezone = "timezone.tsv" "";
    ratelimit = "ratelimit.tsv" "";
    include = "include.tsv" "";
    /// The parameters of every stream: declared here once, accepted by every module that uses streams, at module
    /// and instance level.
    streams = "streams.tsv" "";
}

/// The core objects and their tables, under the names that a configuration uses.
pub fn objects() -> Vec<(&'static str, Table)> {
    vec![
        ("global", globals()),
        ("main_queue", main_queue_object()),
        ("action", action_common()),
        ("action queue", action_queue()),
        ("ruleset", ruleset()),
        ("ruleset queue", ruleset_queue()),
        ("template", template()),
        ("property", template_property()),
        ("constant", template_constant()),
        ("parser", parser()),
        ("lookup_table", lookup_table()),
        ("dyn_stats", dyn_stats()),
        ("percentile_stats", percentile_stats()),
        ("timezone", timezone()),
        ("ratelimit", ratelimit()),
        ("include", include()),
        ("stream", streams()),
    ]
}

/// main_queue(): queue parameters with the defaults of ruleset(), and a name.
pub fn main_queue_object() -> Table {
    let mut name = Param::new("name", Type::String);
    name.default = Some("main Q".into());
    name.help = "Name of the main queue in statistics".into();
    ruleset_queue().iter().cloned().chain([name]).collect()
}

/// Reads a table; `places` are the words that select among defaults that differ by place, the best one first.
fn read(text: &str, places: &str) -> Table {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| row(line, places))
        .collect()
}

fn row(line: &str, places: &str) -> Option<Param> {
    let mut cells = line.split('\t').map(|cell| if cell == "-" { "" } else { cell });
    let mut names = cells.next()?.split(' ');
    let ty = cells.next()?;
    let mut param = Param::new(names.next()?, ty_of(ty.trim_end_matches('!'))?);
    param.aliases = names.map(String::from).collect();
    param.required = ty.ends_with('!');
    param.default = default(cells.next()?, places);
    param.legacy = cells.next()?.split_whitespace().map(legacy).collect();
    let range = cells.next()?;
    if range == "gone" {
        param.obsolete = true;
    } else if let Some((min, max)) = range.split_once("..") {
        param.min = min.parse().ok()?;
        param.max = max.parse().ok()?;
    } else if !range.is_empty() {
        param.choices = range.split(',').map(String::from).collect();
    }
    param.help = cells.next()?.to_string();
    Some(param)
}

fn default(cell: &str, places: &str) -> Option<String> {
    if !cell.contains('=') {
        return (!cell.is_empty()).then(|| cell.to_string());
    }
    places
        .split_whitespace()
        .find_map(|place| {
            cell.split_whitespace().filter_map(|entry| entry.split_once('=')).find(|(p, _)| *p == place)
        })
        .map(|(_, value)| value.to_string())
}

/// `Name[:kind]`; `*` before the name means repeatable, `!` inverted.
fn legacy(entry: &str) -> Legacy {
    let (name, kind) = entry.split_once(':').unwrap_or((entry, "module"));
    let bare = name.trim_start_matches(['*', '!']);
    let marks = name.get(..name.len() - bare.len()).unwrap_or("");
    let kind = match kind {
        "pending" => LegacyKind::Pending,
        "sticky" => LegacyKind::Sticky,
        _ => LegacyKind::Module,
    };
    Legacy { name: bare.to_string(), kind, inverted: marks.contains('!'), list: marks.contains('*') }
}

fn ty_of(name: &str) -> Option<Type> {
    Some(match name {
        "binary" => Type::Binary,
        "int" => Type::Int,
        "non-negative-int" => Type::NonNegInt,
        "positive-int" => Type::PositiveInt,
        "size" => Type::Size,
        "string" => Type::String,
        "word" => Type::Word,
        "array" => Type::Array,
        "char" => Type::Char,
        "file-mode" => Type::FileMode,
        "user" => Type::Uid,
        "group" => Type::Gid,
        "severity" => Type::Severity,
        "facility" => Type::Facility,
        "template" => Type::Template,
        "path" => Type::Path,
        _ => return None,
    })
}

/// Legacy stream directives behind the module's prefix, and the stream parameter that each sets.
pub const STREAM_DIRECTIVES: &[(&str, &str, bool)] = &[
    ("StreamDriver", "streamDriver.name", false),
    ("StreamDriverMode", "streamDriver.mode", false),
    ("StreamDriverAuthMode", "streamDriver.authMode", false),
    ("StreamDriverPermittedPeer", "permittedPeer", true),
    ("StreamDriverPermittedPeers", "permittedPeer", true),
    ("StreamDriverRemoteSNI", "streamDriver.remoteSNI", false),
    ("StreamDriverPermitExpiredCerts", "streamDriver.permitExpiredCerts", false),
    ("StreamDriverCAFile", "streamDriver.caFile", false),
    ("StreamDriverCRLFile", "streamDriver.crlFile", false),
    ("StreamDriverCertFile", "streamDriver.certFile", false),
    ("StreamDriverKeyFile", "streamDriver.keyFile", false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_every_table_is_read() {
        for (text, table) in [
            (include_str!("global.tsv"), globals()),
            (include_str!("action.tsv"), action_common()),
            (include_str!("queue.tsv"), action_queue()),
            (include_str!("ruleset.tsv"), ruleset()),
            (include_str!("template.tsv"), template()),
            (include_str!("property.tsv"), template_property()),
            (include_str!("constant.tsv"), template_constant()),
            (include_str!("parser.tsv"), parser()),
            (include_str!("lookup_table.tsv"), lookup_table()),
            (include_str!("dyn_stats.tsv"), dyn_stats()),
            (include_str!("percentile_stats.tsv"), percentile_stats()),
            (include_str!("timezone.tsv"), timezone()),
            (include_str!("ratelimit.tsv"), ratelimit()),
            (include_str!("include.tsv"), include()),
            (include_str!("streams.tsv"), streams()),
        ] {
            let lines = text.lines().filter(|l| !l.starts_with('#')).count();
            assert_eq!(lines, table.len(), "{}", text.lines().next().unwrap());
            for param in table.iter() {
                assert!(!param.help.is_empty(), "{}", param.name);
                if let Some(default) = &param.default {
                    let value = crate::resolve::convert_text(param, default);
                    assert!(value.is_ok(), "{}: {value:?}", param.name);
                }
            }
        }
    }

    #[test]
    fn queue_defaults_differ_by_place() {
        let size = |t: Table| t.iter().find(|p| p.name == "queue.size").unwrap().default.clone().unwrap();
        assert_eq!(
            [size(action_queue()), size(selector_queue()), size(ruleset_queue()), size(main_queue())],
            ["1000", "1000", "50000", "100000"]
        );
    }
}
