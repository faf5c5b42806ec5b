//! Expressions of every operator and function on good, empty and bad operands, read by the configuration's own
//! parser. The values were seen with rsyslog 8.2302, but for those that the language has changed since.

use super::{Compiler, Expr, Globals, Run, Slot, parse, vars};
use crate::batch::Head;
use crate::filter::Gatherer;
use crate::message::{Around, InputFacts, Message};
use crate::objects::Objects;
use crate::peers::Peers;
use std::io;
use std::path::Path as File;
use std::sync::Arc;
use sysloom_config::catalogue::ModuleSpec;
use sysloom_config::plan::{JsonPath, Plan, Statement};
use sysloom_config::{Environment, Span};
use sysloom_wire::{Options, Parsed, Timestamp, parse_text};

/// A world of one file.
struct OneFile(String);

impl Environment for OneFile {
    fn read(&mut self, _: &File) -> io::Result<Vec<u8>> {
        Ok(self.0.clone().into_bytes())
    }

    fn load_module(&mut self, name: &str, _: Span) -> Result<Arc<ModuleSpec>, String> {
        Err(format!("there is no {name}"))
    }
}

/// A Plan of this text, and what of its complaints is about the text.
pub fn plan(text: &str) -> Plan {
    sysloom_config::load(File::new("/t.conf"), &mut OneFile(text.to_owned())).plan
}

/// Runs something with a message at hand.
pub fn with_message<R>(text: &str, work: impl FnOnce(&Message<'_>) -> R) -> R {
    let around = Around {
        hostname: "here".into(),
        peers: Peers::new("here", false),
        inputs: vec![InputFacts { name: "in".into(), ..InputFacts::default() }],
        globals: Globals::default(),
        zones: Vec::new(),
        exact_names: false,
    };
    let reception = Timestamp::from_unix(1_700_000_000, 0, 0);
    let mut parsed = Parsed::new();
    parse_text(text.as_bytes(), &Options::default(), &reception, &mut parsed);
    let head = Head {
        off: 0,
        len: 0,
        peer: 0,
        flags: 0,
        received_ns: 1_700_000_000_000_000_000,
        input: 0,
        repeated: 0,
    };
    let slot = Slot::default();
    let raw = text.as_bytes();
    work(&Message {
        head: &head,
        raw,
        text: raw,
        rawmsg: raw.len(),
        parsed: &parsed,
        around: &around,
        vars: &slot,
        next: None,
        revised: false,
    })
}

fn set(message: &Message<'_>, path: &str, json: &str) {
    let path = super::Path::new(&JsonPath::parse(path, true).unwrap(), false);
    let value = parse::parse(json.as_bytes()).unwrap();
    vars::set(&path, message.vars, &message.around.globals, value, false);
}

fn compile(plan: &Plan) -> Vec<Expr> {
    let mut diagnostics = Vec::new();
    let objects = Objects::default();
    let mut compiler = Compiler {
        objects: &objects,
        templates: &[],
        exact_names: false,
        gatherer: Gatherer::default(),
        diagnostics: &mut diagnostics,
    };
    let body = &plan.rulesets[0].body;
    let exprs = body.iter().filter_map(|statement| match statement {
        Statement::Set { expr, .. } => Some(compiler.expr(expr)),
        _ => None,
    });
    let exprs = exprs.collect();
    compiler.gatherer.build();
    exprs
}

#[test]
fn operators_and_functions() {
    let cases: Vec<(&str, &str)> = include_str!("cases.tsv")
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.split_once('\t'))
        .collect();
    assert!(cases.len() > 250, "{}", cases.len());
    let text: String = cases.iter().map(|(expr, _)| format!("set $.t = {expr};\n")).collect();
    let exprs = compile(&plan(&text));
    assert_eq!(exprs.len(), cases.len(), "an expression was not understood");
    let line =
        "<165>1 2003-10-11T22:14:15.003Z host.example evntslog 7 ID47 [a b=\"c\"] An application event";
    let mut wrong = Vec::new();
    with_message(line, |message| {
        set(
            message,
            "$!",
            r#"{"num":5,"obj":{"k":1},"arr":[1,"x"],"tru":true,"dbl":2.50,"nul":null,"str":"text","Mixed":{"Case":1}}"#,
        );
        let mut run = Run::default();
        for (expr, (shown, want)) in exprs.iter().zip(&cases) {
            let value = expr.value(message, &mut run);
            let got = String::from_utf8_lossy(&value.shown()).into_owned();
            if got != *want {
                wrong.push(format!("{shown} is {got:?}, not {want:?}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_long_condition_needs_no_deep_stack() {
    let mut text = String::from("set $.t = 0");
    for n in 0..1500 {
        text.push_str(&format!(" or $msg == \"{n}\""));
    }
    text.push_str(" or $msg == \" 1499\";\nset $.t = \"\"");
    text.push_str(&" & $msg".repeat(1500));
    text.push_str(";\n");
    let exprs = compile(&plan(&text));
    with_message("<13>Oct 11 22:14:15 host tag: 1499", |message| {
        let mut run = Run::default();
        assert!(exprs[0].holds(message, &mut run));
        assert_eq!(exprs[1].value(message, &mut run).shown().len(), 1500 * 5);
    });
}
