//! `--explain`: what a diagnostic means, or the parameters of a module, from the module's own table.

use crate::report::VERSION;
use crate::settings::Settings;
use std::fmt::Write;
use std::process::ExitCode;
use sysloom_config::catalogue::{self, Kinds, ModuleSpec, Param};
use sysloom_engine::core::Core;
use sysloom_engine::parsers;
use sysloom_engine::plugin::{self, Host, Loader};
use sysloom_engine::selflog::Selflog;

/// Explains `word` on stdout.
pub fn explain(word: &str, settings: &Settings) -> ExitCode {
    if let Some(text) = sysloom_config::explain::explain(word) {
        println!("{}", text.trim_end());
        return ExitCode::SUCCESS;
    }
    if let Some(parser) = parsers::module(word) {
        print!("{}", describe(&parser));
        return ExitCode::SUCCESS;
    }
    let core = Core::new(Selflog::new("sysloomd", VERSION));
    let host = Host::new(core);
    let loader = Loader::new(host, settings.search());
    match loader.module(word) {
        Ok(plugin) => {
            for iface in plugin.ifaces() {
                print!("{}", describe(&plugin::spec(iface)));
            }
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("'{word}' is neither the name below a diagnostic (after '=') nor a module: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// A module's parameters as text.
fn describe(spec: &ModuleSpec) -> String {
    let mut out = format!("{}\n", spec.name);
    if let Some(template) = &spec.default_template {
        let _ = writeln!(out, "\nThe template of an action that names none is {template}.");
    }
    section(&mut out, &format!("module(load=\"{}\" ...)", spec.name), &spec.module_params);
    let object = match spec.kinds {
        kinds if kinds.is_action() => "action",
        kinds if kinds.contains(Kinds::PARSER) => "parser",
        _ => "input",
    };
    section(&mut out, &format!("{object}(type=\"{}\" ...)", spec.name), &spec.instance_params);
    if spec.uses_streams {
        section(&mut out, "both, for the stream that carries it", &catalogue::streams());
    }
    out
}

fn section(out: &mut String, title: &str, params: &[Param]) {
    if params.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for param in params {
        let default = match (&param.default, param.required) {
            (_, true) => "required".to_owned(),
            (Some(default), _) => format!("default {default}"),
            (None, _) => "no default".to_owned(),
        };
        let _ = writeln!(out, "  {}: {:?}, {default}", param.name, param.ty);
        if !param.help.is_empty() {
            let _ = writeln!(out, "      {}", param.help);
        }
        if !param.choices.is_empty() {
            let _ = writeln!(out, "      one of: {}", param.choices.join(", "));
        }
        if !param.aliases.is_empty() {
            let _ = writeln!(out, "      also: {}", param.aliases.join(", "));
        }
        for legacy in &param.legacy {
            let _ = writeln!(out, "      legacy: ${}", legacy.name);
        }
    }
}
