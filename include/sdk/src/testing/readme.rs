//! Tables of options in a plugin's README, made from the plugin's own tables, so that they cannot go stale.

use super::settings::known;
use crate::{ParamSpec, Params};
use std::fmt::Write;
use std::path::Path;
use sysloom_abi::{Bytes, param_flag, param_type};

/// A Markdown table of a plugin's options.
pub fn table<P: Params>() -> String {
    let mut out = String::from("| parameter | legacy | type | default | meaning |\n|---|---|---|---|---|\n");
    for spec in P::TABLE {
        // A String takes everything.
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            names(spec),
            legacy(spec),
            ty(spec),
            default(spec),
            text(spec.raw().help)
        );
    }
    out
}

/// Panics unless `README.md` in `dir` has each of these tables between the lines `<!-- table: NAME -->` and
/// `<!-- end -->`. With `SYSLOOM_WRITE_TABLES` set it puts them there instead.
#[track_caller]
pub fn check_readme(dir: &str, tables: &[(&str, String)]) {
    let path = Path::new(dir).join("README.md");
    let mut text = std::fs::read_to_string(&path).expect("the folder has a README.md");
    let write = std::env::var_os("SYSLOOM_WRITE_TABLES").is_some();
    for (name, table) in tables {
        let head = format!("<!-- table: {name} -->\n");
        let start =
            text.find(&head).map(|at| at + head.len()).expect("the README has a place for each table");
        let end =
            text[start..].find("<!-- end -->").map(|at| start + at).expect("the table's place has an end");
        if write {
            text.replace_range(start..end, table);
        } else {
            assert_eq!(
                &text[start..end],
                table,
                "set SYSLOOM_WRITE_TABLES=1 and test again to renew {}",
                path.display()
            );
        }
    }
    if write {
        std::fs::write(&path, text).expect("the README can be written");
    }
}

fn names(spec: &ParamSpec) -> String {
    let mut out = spec.name().to_owned();
    for alias in text(spec.raw().aliases).split('|').filter(|alias| !alias.is_empty()) {
        let _ = write!(out, ", {alias}");
    }
    out
}

fn legacy(spec: &ParamSpec) -> String {
    let directives = text(spec.raw().legacy)
        .split('|')
        .filter_map(|one| one.split(':').next())
        .filter(|one| !one.is_empty());
    directives.map(|one| format!("`${one}`")).collect::<Vec<_>>().join(", ")
}

fn ty(spec: &ParamSpec) -> String {
    let raw = spec.raw();
    if !text(spec.raw().choices).is_empty() {
        return text(spec.raw().choices)
            .split('|')
            .map(|one| format!("`{one}`"))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let word = match raw.ty {
        param_type::BINARY => "on/off",
        param_type::INT => "number",
        param_type::NON_NEGATIVE => "number, 0 or more",
        param_type::POSITIVE => "number, 1 or more",
        param_type::SIZE => "size",
        param_type::WORD => "word",
        param_type::ARRAY => "list",
        param_type::CHAR => "character",
        param_type::FILE_MODE => "mode",
        param_type::USER => "user",
        param_type::GROUP => "group",
        param_type::SEVERITY => "severity",
        param_type::FACILITY => "facility",
        param_type::TEMPLATE => "template",
        param_type::RULESET => "ruleset",
        param_type::PATH => "path",
        _ => "text",
    };
    let (min, max) = (raw.min, raw.max);
    // The limits of the number's own type say nothing to a reader.
    if (min == 0 && max == 0) || [u32::MAX.into(), i32::MAX.into(), i64::MAX].contains(&max) {
        return word.to_owned();
    }
    format!("{}, {min} to {max}", word.split(',').next().unwrap_or(word))
}

fn default(spec: &ParamSpec) -> String {
    match known(spec.raw().default).filter(|_| !spec.raw().default.ptr.is_null()) {
        Some("") => "(empty)".to_owned(),
        Some(text) => format!("`{text}`"),
        None if spec.raw().flags & param_flag::REQUIRED != 0 => "required".to_owned(),
        None => String::new(),
    }
}

fn text(bytes: Bytes) -> &'static str {
    known(bytes).unwrap_or_default()
}
