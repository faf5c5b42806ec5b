//! Expressions: precedence, functions, ladders.

use super::clean;
use sysloom_config::plan::{BinaryOp, ExprKind, Function, PropertyRef, Statement};

fn expression(text: &str) -> ExprKind {
    let plan = clean(&format!("*.* /x\nset $.r = {text};\n"));
    let Some(Statement::Set { expr, .. }) = plan.rulesets[0].body.last() else { panic!("no set") };
    expr.kind.clone()
}

/// An expression with all its parentheses.
fn shape(kind: &ExprKind) -> String {
    match kind {
        ExprKind::Number(n) => n.to_string(),
        ExprKind::Text(t) => format!("'{}'", String::from_utf8_lossy(t)),
        ExprKind::Array(items) => format!("[{}]", items.len()),
        ExprKind::Property(PropertyRef::Named(p)) => p.name().to_string(),
        ExprKind::Property(PropertyRef::Json(path)) => format!("{:?}{}", path.root, path.steps.len()),
        ExprKind::Unary(op, inner) => format!("({op:?} {})", shape(&inner.kind)),
        ExprKind::Binary(op, l, r) => format!("({} {op:?} {})", shape(&l.kind), shape(&r.kind)),
        ExprKind::Call(f, args) => {
            let args: Vec<_> = args.iter().map(|a| shape(&a.kind)).collect();
            match f {
                Function::Core(core) => format!("{}({})", core.name(), args.join(",")),
                other => format!("{other:?}({})", args.join(",")),
            }
        }
    }
}

#[test]
fn precedence_is_rsyslogs() {
    for (text, want) in [
        ("1 or 2 and 3", "((1 Or 2) And 3)"),
        ("not 1 == 1", "((Not 1) Equal 1)"),
        ("\"a\" & 1 + 2", "(('a' Concat 1) Add 2)"),
        ("1 + 2 * 3 - 4 % 5", "((1 Add (2 Multiply 3)) Subtract (4 Modulo 5))"),
        ("1 < 2 == 3", "((1 Less 2) Equal 3)"),
        ("-5 + - $.a", "(-5 Add (Negate Local1))"),
        (
            "$msg contains_i ['a','b'] and $hostname startswith \"x\"",
            "((msg ContainsI [2]) And (hostname StartsWith 'x'))",
        ),
        ("0x10 + 010", "(16 Add 8)"),
        ("$!a!b[1] <> $$now", "(Message3 NotEqual $now)"),
        ("not (1 == 1)", "(Not (1 Equal 1))"),
        ("exists($!a) /* so */ + strlen('x')", "(exists(Message1) Add strlen('x'))"),
        ("\"a\\x41\\101\\$\\n\"", "'aAA$\n'"),
    ] {
        assert_eq!(shape(&expression(text)), want, "{text}");
    }
}

#[test]
fn functions_know_their_constants() {
    let plan = clean(
        "*.* /x\nmodule(load=\"fmhash\")\nlookup_table(name=\"t\" file=\"/t\")\ndyn_stats(name=\"b\")\n\
         set $.a = lookup('t', $msg) & dyn_inc('b', $msg) & prifilt('mail.*') & exec_template('RSYSLOG_FileFormat');\n\
         set $.b = hash32($msg, 7);\n",
    );
    let [.., Statement::Set { expr: a, .. }, Statement::Set { expr: b, .. }] =
        plan.rulesets[0].body.as_slice()
    else {
        panic!("no sets")
    };
    let mut calls = Vec::new();
    let mut rest = &a.kind;
    while let ExprKind::Binary(BinaryOp::Concat, left, right) = rest {
        calls.push(right.kind.clone());
        rest = &left.kind;
    }
    calls.push(rest.clone());
    assert!(matches!(&calls[3], ExprKind::Call(Function::Lookup(Some(0)), args) if args.len() == 1));
    assert!(matches!(&calls[2], ExprKind::Call(Function::DynInc(Some(0)), args) if args.len() == 1));
    assert!(
        matches!(&calls[1], ExprKind::Call(Function::Prifilt(m), args) if m.0[2] == 0xff && args.is_empty())
    );
    assert!(matches!(&calls[0], ExprKind::Call(Function::ExecTemplate(_), args) if args.is_empty()));
    assert!(
        matches!(&b.kind, ExprKind::Call(Function::Module(_, name), args) if name == "hash32" && args.len() == 2)
    );
}

#[test]
fn a_ladder_of_else_if_may_be_long() {
    let mut text = String::from("*.* /x\nif $msg == '0' then stop\n");
    for n in 1..900 {
        text.push_str(&format!("else if $msg == '{n}' then stop\n"));
    }
    clean(&text);
}

#[test]
fn scripts_keep_the_case_of_variables() {
    let name = |text: &str| {
        let plan = clean(text);
        let Some(Statement::Set { var, .. }) = plan.rulesets[0].body.last() else { panic!("no set") };
        format!("{:?}", var.steps)
    };
    // Whether names that differ in case are the same one is a question for whoever holds the variables.
    assert_eq!(name("*.* /x\nset $!Ab = 1;\n"), "[Key(\"Ab\")]");
    assert_eq!(name("*.* /x\nglobal(variables.caseSensitive=\"on\")\nset $!Ab = 1;\n"), "[Key(\"Ab\")]");
}
