//! What each dialect comes to in the Plan.

mod world;

use sysloom_config::plan::{
    Action, BinaryOp, Comparison, ExprKind, Filter, Function, Input, Origin, Piece, Plan, Position,
    PropertyRef, RulesetId, Statement, TemplateKind, TemplateOption, Value, Values,
};
use sysloom_config::{Loaded, Severity};
use world::{load, small, stderr};

/// A load that must be without errors.
fn clean(text: &str) -> Plan {
    let loaded = load(&mut small(text));
    let errors: Vec<_> = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{text}\n{}", stderr(&loaded));
    loaded.plan
}

fn written(values: &Values) -> Vec<(String, Value)> {
    values
        .iter()
        .filter_map(|(p, s)| Some((p.name.clone(), s.filter(|s| s.origin != Origin::Default)?.value.clone())))
        .collect()
}

fn module(plan: &Plan, action: &Action) -> String {
    plan.modules[action.module].spec.name.clone()
}

/// The module and written values of the only action.
fn only(text: &str) -> (String, Vec<(String, Value)>) {
    let plan = clean(text);
    assert_eq!(plan.actions.len(), 1, "{text}");
    (module(&plan, &plan.actions[0]), written(&plan.actions[0].values))
}

fn s(text: &str) -> Value {
    Value::Str(text.into())
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|i| (*i).to_string()).collect())
}

#[test]
fn action_texts_become_parameters() {
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, Value)]);
    let cases: &[Case<'_>] = &[
        ("/var/log/x", "omfile", &[("file", s("/var/log/x"))]),
        ("./x # comment", "omfile", &[("file", s("./x"))]),
        (
            "-/var/log/x;RSYSLOG_FileFormat",
            "omfile",
            &[("file", s("/var/log/x")), ("template", s("RSYSLOG_FileFormat")), ("sync", Value::Bool(false))],
        ),
        ("?RSYSLOG_FileFormat", "omfile", &[("dynaFile", s("RSYSLOG_FileFormat"))]),
        (
            "-?RSYSLOG_FileFormat",
            "omfile",
            &[("dynaFile", s("RSYSLOG_FileFormat")), ("sync", Value::Bool(false))],
        ),
        ("|/dev/xconsole", "ompipe", &[("pipe", s("/dev/xconsole"))]),
        ("@host", "omfwd", &[("target", list(&["host"])), ("protocol", s("udp"))]),
        (
            "@@host:10514",
            "omfwd",
            &[("target", list(&["host"])), ("port", list(&["10514"])), ("protocol", s("tcp"))],
        ),
        (
            "@@(o,z5)[2001:db8::1]:99 ;RSYSLOG_ForwardFormat",
            "omfwd",
            &[
                ("target", list(&["2001:db8::1"])),
                ("port", list(&["99"])),
                ("protocol", s("tcp")),
                ("tcp_framing", s("octet-counted")),
                ("compression.mode", s("single")),
                ("zipLevel", Value::Int(5)),
                ("template", s("RSYSLOG_ForwardFormat")),
            ],
        ),
        (":omusrmsg:root,joe", "omusrmsg", &[("users", s("root,joe"))]),
        (":omusrmsg:*", "omusrmsg", &[("users", s("*"))]),
        ("root,joe", "omusrmsg", &[("users", s("root,joe"))]),
        ("*", "omusrmsg", &[("users", s("*"))]),
    ];
    for (text, module, values) in cases {
        let (got_module, got) = only(&format!("*.* {text}\n"));
        let want: Vec<_> = values.iter().map(|(n, v)| ((*n).to_string(), v.clone())).collect();
        assert_eq!((got_module.as_str(), got), (*module, want), "{text}");
    }
}

#[test]
fn an_output_channel_is_a_file_with_a_limit() {
    let (module, values) = only("$outchannel big,/var/log/big,1m,/usr/bin/rotate it\n*.* $big\n");
    assert_eq!(module, "omfile");
    assert_eq!(
        values,
        [
            ("file".to_string(), s("/var/log/big")),
            ("rotation.sizeLimit".to_string(), Value::Int(1 << 20)),
            ("rotation.sizeLimitCommand".to_string(), s("/usr/bin/rotate it")),
            ("rotation.sizeLimitCommandPassFileName".to_string(), Value::Bool(false)),
        ]
    );
}

#[test]
fn filters_chains_and_blocks() {
    let plan = clean(
        "mail.info;\\\n    mail.!=notice -/var/log/mail\n\
         & stop\n\
         :msg, !contains, \"a \\\"b\\\"\" { /var/log/a\n *.info /var/log/b\n}\n\
         if $msg == 'x' then /var/log/c\n else if $msg == 'y' then stop\n else { /var/log/d\n }\n\
         *.* ~\n",
    );
    let body = &plan.rulesets[0].body;
    assert_eq!(body.len(), 4);
    let Statement::If { filter: Filter::Priority(mask), then, .. } = &body[0] else {
        panic!("{:?}", body[0])
    };
    assert_eq!(mask.0[2], 0b0101_1111);
    assert!(matches!(then.as_slice(), [Statement::Action(_), Statement::Stop]), "{then:?}");
    let Statement::If { filter: Filter::Property { negate, op, value, .. }, then, .. } = &body[1] else {
        panic!("{:?}", body[1])
    };
    assert_eq!((*negate, *op, value.as_slice()), (true, Comparison::Contains, &b"a \"b\""[..]));
    assert!(matches!(then.as_slice(), [Statement::Action(_), Statement::If { .. }]), "{then:?}");
    let Statement::If { filter: Filter::Expr(_), then, otherwise, .. } = &body[2] else {
        panic!("{:?}", body[2])
    };
    assert!(matches!(then.as_slice(), [Statement::Action(_)]));
    let [Statement::If { then, otherwise, .. }] = otherwise.as_slice() else { panic!("{otherwise:?}") };
    assert!(
        matches!(then.as_slice(), [Statement::Stop])
            && matches!(otherwise.as_slice(), [Statement::Action(_)])
    );
    assert!(matches!(&body[3], Statement::If { then, .. } if matches!(then.as_slice(), [Statement::Stop])));
}

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
fn legacy_values_wait_stick_and_reset() {
    let plan = clean(
        "$FileCreateMode 0600\n$ActionName first\n$ActionQueueType LinkedList\n$ActionResumeInterval 7\n\
         *.* /a\n*.* /b\n$ResetConfigVariables\n*.* /c\naction(type=\"omfile\" file=\"/d\")\n",
    );
    let mode = |a: &Action| a.values.int("fileCreateMode");
    let [a, b, c, d] = plan.actions.as_slice() else { panic!("four actions") };
    assert_eq!([mode(a), mode(b), mode(c), mode(d)], [Some(0o600), Some(0o600), Some(0o644), Some(0o644)]);
    assert_eq!((a.name.as_deref(), b.name.as_deref()), (Some("first"), None));
    let queue = a.queue.as_ref().expect("a queue");
    assert_eq!((queue.str("queue.type"), queue.int("queue.timeoutEnqueue")), (Some("LinkedList"), Some(50)));
    assert!(b.queue.is_none());
    let interval = |a: &Action| a.common.int("action.resumeInterval");
    assert_eq!([interval(a), interval(b), interval(c)], [Some(7), Some(7), Some(30)]);
    assert_eq!(plan.action_name(sysloom_config::plan::ActionId(1)), "action-1-builtin:omfile");
}

#[test]
fn legacy_inputs() {
    let plan = clean(
        "$ModLoad imtcp\n$ModLoad imuxsock.so\n$RuleSet remote\n*.* /r\n$RuleSet RSYSLOG_DefaultRuleset\n\
         $InputTCPServerBindRuleset remote\n$InputTCPServerInputName one\n$InputTCPServerRun 514\n$InputTCPServerRun\n\
         $OmitLocalLogging on\n$InputTCPMaxSessions 1,000\n*.* /x\n",
    );
    let [one, two] = plan.inputs.as_slice() else { panic!("two inputs") };
    let port = |i: &Input| i.values.str("port").map(String::from);
    assert_eq!((port(one), port(two)), (Some("514".into()), Some("10514".into())));
    assert_eq!((one.values.str("name"), two.values.str("name")), (Some("one"), None));
    assert_eq!((one.ruleset, two.ruleset), (Some(RulesetId(1)), Some(RulesetId(1))));
    let module = |name: &str| plan.modules.iter().find(|m| m.spec.name == name).expect("loaded");
    assert_eq!(module("imuxsock").values.bool("sysSock.use"), Some(false));
    assert_eq!(module("imtcp").values.int("maxSessions"), Some(1000));
    assert_eq!((plan.rulesets[1].body.len(), plan.rulesets[0].body.len()), (1, 1));
}

#[test]
fn stream_values_are_inherited() {
    let plan = clean(
        "global(defaultNetstreamDriver=\"rustls\" defaultNetstreamDriverKeyFile=\"t.conf\")\n\
         module(load=\"imtcp\" streamDriver.mode=\"1\" permittedPeer=[\"a\",\"b\"])\n\
         input(type=\"imtcp\" port=\"1\" streamDriver.authMode=\"anon\")\n\
         input(type=\"imtcp\" port=\"2\" streamDriver.name=\"ptcp\" streamDriver.mode=\"0\")\n\
         $ActionSendStreamDriverMode 1\n$ActionSendStreamDriverPermittedPeer x\n$ActionSendStreamDriverPermittedPeers y,z\n\
         *.* @@h\n\
         action(type=\"omfwd\" target=\"h\" streamDriverMode=\"1\" streamDriverPermittedPeers=\"p, q\")\n",
    );
    let one = &plan.inputs[0].streams;
    assert_eq!((one.str("streamDriver.name"), one.int("streamDriver.mode")), (Some("rustls"), Some(1)));
    assert_eq!(
        (one.str("streamDriver.authMode"), one.str("streamDriver.keyFile")),
        (Some("anon"), Some("t.conf"))
    );
    assert_eq!(one.list("permittedPeer"), ["a", "b"]);
    let two = &plan.inputs[1].streams;
    assert_eq!((two.str("streamDriver.name"), two.int("streamDriver.mode")), (Some("ptcp"), Some(0)));
    let legacy = &plan.actions[0].streams;
    assert_eq!(
        (legacy.int("streamDriver.mode"), legacy.list("permittedPeer")),
        (Some(1), &["x".into(), "y".into(), "z".into()][..])
    );
    assert_eq!(legacy.setting("streamDriver.mode").map(|s| s.origin), Some(Origin::Legacy));
    assert_eq!(plan.actions[1].streams.list("permittedPeer"), ["p", "q"]);
    assert!(plan.actions[0].streams.span("streamDriver.name").is_some(), "the global value keeps its place");
}

#[test]
fn templates_of_all_kinds() {
    let plan = clean(
        "$template old,\"%msg:2:$:lowercase,escape-cc%\\n\\65\\%%programname:1:3%\",stdsql\n\
         template(name=\"list\" type=\"list\" option.jsonf=\"on\") {\n\
           constant(value=\"a\\tb\" format=\"jsonf\" outname=\"c\")\n\
           property(name=\"$!x!y\" outname=\"z\" position.to=\"-2\" dateFormat=\"rfc3339\" format=\"jsonf\" onEmpty=\"skip\")\n}\n\
         template(name=\"tree\" type=\"subtree\" subtree=\"$!all\")\n\
         template(name=\"re\" type=\"string\" string=\"%msg:R,ERE,1,BLANK,2:a(b|c:)%d--end:csv%[%msg:F,58,2:3,4%]\")\n\
         *.* /x;old\n",
    );
    let template = |name: &str| &plan.templates[plan.template(name).expect("a template").0];
    let TemplateKind::Pieces(old) = &template("old").kind else { panic!("pieces") };
    assert_eq!(template("old").option, TemplateOption::StdSql);
    let [Piece::Property(_, first), Piece::Constant(middle), Piece::Property(_, last)] = old.as_slice()
    else {
        panic!("{old:?}")
    };
    assert_eq!(first.position, Some(Position { from: 2, to: None, from_end: false }));
    assert_eq!(middle.text, b"\nA%");
    assert_eq!(last.position, Some(Position { from: 1, to: Some(3), from_end: false }));
    let TemplateKind::Pieces(list) = &template("list").kind else { panic!("pieces") };
    let [Piece::Constant(constant), Piece::Property(PropertyRef::Json(path), replacer)] = list.as_slice()
    else {
        panic!("{list:?}")
    };
    assert_eq!(
        (constant.text.as_slice(), constant.jsonf, constant.outname.as_deref()),
        (&b"a\tb"[..], true, Some("c"))
    );
    assert_eq!((path.steps.len(), replacer.fieldname.as_deref()), (2, Some("z")));
    assert_eq!(replacer.position, Some(Position { from: 0, to: Some(-2), from_end: false }));
    assert!(matches!(&template("tree").kind, TemplateKind::Subtree(PropertyRef::Json(_))));
    let TemplateKind::Pieces(re) = &template("re").kind else { panic!("pieces") };
    let [Piece::Property(_, regex), Piece::Constant(_), Piece::Property(_, field), Piece::Constant(_)] =
        re.as_slice()
    else {
        panic!("{re:?}")
    };
    let pick = regex.regex.as_ref().expect("a regex");
    assert_eq!((pick.expression.as_slice(), pick.submatch, pick.match_number), (&b"a(b|c:)%d"[..], 1, 2));
    assert_eq!(field.field.map(|f| (f.number, f.delimiter)), Some((3, 58)));
    assert_eq!(field.position, Some(Position { from: 2, to: Some(4), from_end: false }));
}

#[test]
fn positions_as_rsyslog_reads_them() {
    for (text, want) in [
        ("%msg:5%", Some((0, Some(5)))),
        ("%msg::5%", Some((0, Some(5)))),
        ("%msg:5:$%", Some((5, None))),
        ("%msg:9:3%", Some((3, Some(9)))),
        ("%msg:4:2:pos-end-relative%", Some((4, Some(2)))),
        ("%msg:F,44,7:2,3%", Some((3, Some(7)))),
        ("%msg:::csv%", None),
        ("%msg::$%", None),
    ] {
        let plan = clean(&format!("template(name=\"t\" type=\"string\" string=\"{text}\")\n*.* /x\n"));
        let TemplateKind::Pieces(pieces) = &plan.templates.last().expect("a template").kind else {
            panic!("pieces")
        };
        let Piece::Property(_, replacer) = &pieces[0] else { panic!("{pieces:?}") };
        assert_eq!(replacer.position.map(|p| (p.from, p.to)), want, "{text}");
    }
}

#[test]
fn builtin_templates_are_there() {
    let plan = clean("*.* /x\n");
    for name in [
        "RSYSLOG_FileFormat",
        "RSYSLOG_TraditionalForwardFormat",
        " StdJSONFmt",
        "RSYSLOG_DebugFormat",
        " WallFmt",
    ] {
        let template = &plan.templates[plan.template(name).expect(name).0];
        assert!(matches!(&template.kind, TemplateKind::Pieces(p) if !p.is_empty()), "{name}");
    }
    assert_eq!(plan.actions[0].template, plan.template("RSYSLOG_FileFormat"));
}

#[test]
fn default_templates_follow_their_directive() {
    let plan = clean(
        "*.* /a\n$ActionFileDefaultTemplate RSYSLOG_TraditionalFileFormat\n*.* /b\n\
         action(type=\"omfile\" file=\"/c\")\n*.* /d;RSYSLOG_ForwardFormat\n*.* @h\n",
    );
    let names: Vec<_> = plan
        .actions
        .iter()
        .map(|a| plan.templates[a.template.expect("a template").0].name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "RSYSLOG_FileFormat",
            "RSYSLOG_TraditionalFileFormat",
            "RSYSLOG_TraditionalFileFormat",
            "RSYSLOG_ForwardFormat",
            "RSYSLOG_TraditionalForwardFormat",
        ]
    );
}

#[test]
fn includes_stand_where_they_are_written() {
    let mut world = small(
        "$IncludeConfig /etc/r.d/*.conf\nruleset(name=\"r\") {\n include(file=\"/etc/one\")\n}\n\
         if $msg == 'x' then { include(text=\"*.* /t\") }\n*.* /last\n",
    );
    for (name, text) in [
        ("/etc/r.d/20.conf", "*.* /b\n"),
        ("/etc/r.d/10.conf", "*.* /a\n"),
        ("/etc/r.d/.hidden.conf", "*.* /h\n"),
        ("/etc/r.d/x.txt", "*.* /t\n"),
        ("/etc/one", "*.* /one\n"),
    ] {
        world.files.insert(name.into(), text.into());
    }
    let loaded = load(&mut world);
    assert!(loaded.diagnostics.is_empty(), "{}", stderr(&loaded));
    let files: Vec<_> = loaded.plan.actions.iter().filter_map(|a| a.values.str("file")).collect();
    assert_eq!(files, ["/a", "/b", "/one", "/t", "/last"]);
    assert_eq!(loaded.plan.rulesets[1].body.len(), 1);
    assert_eq!(loaded.plan.rulesets[0].body.len(), 4);
}

#[test]
fn a_file_is_not_included_in_itself() {
    let loaded = load(&mut small("include(file=\"t.conf\")\n*.* /x\n"));
    assert!(loaded.diagnostics.iter().any(|d| d.slug == "include"), "{}", stderr(&loaded));
}

#[test]
fn backticks_and_config_enabled() {
    let mut world = small(
        "global(environment=[\"FROM_HERE=yes\"])\n\
         action(type=\"omfile\" file=`echo /var/$WHERE/${WHERE}x$FROM_HERE$UNSET`)\n\
         action(type=\"omfile\" file=`cat /secret`)\n\
         action(type=\"omfile\" file=\"/off\" config.enabled=\"off\")\n\
         action(type=\"omfile\" file=\"/on\" config.enabled=`echo $ON`)\n\
         module(load=\"nosuch\" config.enabled=\"ON\")\n",
    );
    world.variables.insert("WHERE".into(), "log".into());
    world.variables.insert("ON".into(), "on".into());
    world.files.insert("/secret".into(), b"/from/file".to_vec());
    let loaded = load(&mut world);
    assert!(loaded.diagnostics.is_empty(), "{}", stderr(&loaded));
    let files: Vec<_> = loaded.plan.actions.iter().filter_map(|a| a.values.str("file")).collect();
    assert_eq!(files, ["/var/log/logxyes", "/from/file", "/on"]);
}

#[test]
fn queues_have_the_defaults_of_their_place() {
    let plan = clean(
        "global(default.action.queue.timeoutShutdown=\"77\")\n\
         action(type=\"omfile\" file=\"/a\" queue.type=\"linkedlist\")\n\
         ruleset(name=\"r\" queue.size=\"10k\") { stop }\n",
    );
    let action = plan.actions[0].queue.as_ref().expect("a queue");
    assert_eq!((action.int("queue.size"), action.int("queue.timeoutShutdown")), (Some(1000), Some(77)));
    let ruleset = plan.rulesets[1].queue.as_ref().expect("a queue");
    assert_eq!((ruleset.int("queue.size"), ruleset.int("queue.dequeueBatchSize")), (Some(10240), Some(1024)));
    let main = plan.main_queue.as_ref().expect("the main queue");
    assert_eq!((main.int("queue.size"), main.int("queue.workerThreads")), (Some(100_000), Some(2)));
    let main = clean("main_queue(queue.type=\"LinkedList\")\n*.* /x\n").main_queue.expect("the main queue");
    assert_eq!((main.int("queue.size"), main.str("name")), (Some(50_000), Some("main Q")));
    let main = clean("$MainMsgQueueSize 200,000\n*.* /x\n").main_queue.expect("the main queue");
    assert_eq!((main.int("queue.size"), main.int("queue.dequeueBatchSize")), (Some(200_000), Some(256)));
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

#[test]
fn bsd_blocks_wrap_the_selectors_below() {
    let plan = clean("!prog,other\n*.* /a\n+host\n:msg, contains, \"x\" /b\nif 1 then /c\n!*\n+*\n*.* /d\n");
    let filters = |statement: &Statement| {
        let mut n = 0;
        let mut at = statement;
        while let Statement::If { then, .. } = at {
            n += 1;
            match then.first() {
                Some(next) => at = next,
                None => break,
            }
        }
        n
    };
    assert_eq!(plan.rulesets[0].body.iter().map(filters).collect::<Vec<_>>(), [2, 3, 1, 1]);
}

#[test]
fn what_follows_from_a_missing_module_is_silent() {
    let loaded = load(&mut small(
        "module(load=\"imudp\" timeRequery=\"2\")\n$UDPServerRun 514\ninput(type=\"imudp\" port=\"514\" ruleset=\"nope\")\n\
         $ModLoad omstdout\n*.* :omstdout:\n$ActionOMStdoutArrayInterface on\naction(type=\"omstdout\")\n*.* /x\n",
    ));
    let codes: Vec<i32> = loaded.diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, [2066, 2066], "{}", stderr(&loaded));
}

#[test]
fn a_missing_builtin_is_reported_where_it_is_used() {
    let mut world = small("*.* /x\n*.* @host\n");
    world.modules.remove("omfwd");
    let loaded = load(&mut world);
    let codes: Vec<_> = loaded.diagnostics.iter().map(|d| (d.code, d.span.map(|s| s.start))).collect();
    assert_eq!(codes, [(2066, Some(11))], "{}", stderr(&loaded));
}

#[test]
fn builtins_answer_to_both_names() {
    let plan = clean(
        "module(load=\"builtin:omfile\" template=\"RSYSLOG_TraditionalFileFormat\")\n\
         action(type=\"builtin:omfile\" file=\"/a\")\naction(type=\"OMFILE\" file=\"/b\")\n",
    );
    assert_eq!(plan.modules.iter().filter(|m| m.spec.name == "omfile").count(), 1);
    assert_eq!(plan.actions[0].template, plan.template("RSYSLOG_TraditionalFileFormat"));
}

#[test]
fn line_ends_marks_and_odd_bytes() {
    let mut world = small("");
    let text =
        b"\xef\xbb\xbf# caf\xe9 \\\r\n*.* /swallowed\r\n*.* /x;RSYSLOG_FileFormat\r\n\tmail.* /y".to_vec();
    world.files.insert("t.conf".into(), text);
    let loaded: Loaded = load(&mut world);
    assert!(loaded.diagnostics.is_empty(), "{}", stderr(&loaded));
    let files: Vec<_> = loaded.plan.actions.iter().filter_map(|a| a.values.str("file")).collect();
    assert_eq!(files, ["/x", "/y"]);
}

#[test]
fn loops_calls_and_tables() {
    let plan = clean(
        "lookup_table(name=\"t\" file=\"/t\")\nruleset(name=\"later\") { stop }\n\
         foreach ($.i in $!list) do { set $.n = $.n + 1; unset $.i; }\n\
         call later\ncall_indirect \"la\" & \"ter\";\nreload_lookup_table(\"t\", \"stub\")\ncontinue\nreset $!x = 'a';\n*.* /x\n",
    );
    let kinds: Vec<&str> = plan.rulesets[0]
        .body
        .iter()
        .map(|s| match s {
            Statement::Foreach { body, .. } if body.len() == 2 => "foreach",
            Statement::Call { ruleset: RulesetId(1), .. } => "call",
            Statement::CallIndirect { .. } => "call_indirect",
            Statement::ReloadLookupTable { table: 0, stub: Some(_), .. } => "reload",
            Statement::Continue => "continue",
            Statement::Reset { .. } => "reset",
            Statement::If { .. } => "if",
            _ => "?",
        })
        .collect();
    assert_eq!(kinds, ["foreach", "call", "call_indirect", "reload", "continue", "reset", "if"]);
}

#[test]
fn yaml_comes_to_the_same_plan() {
    let text = r#"
version: 2
global:
  maxMessageSize: 16k
main_queue:
  queue.type: LinkedList
include:
  - path: /etc/more.conf
  - path: /etc/none.conf
    optional: "on"
modules:
  - load: imtcp
    streamDriver.mode: "1"
    permittedPeer: [a, b]
templates:
  - name: short
    type: string
    string: "%msg%\n"
  - name: listed
    elements:
      - constant: {value: "x "}
      - property: {name: msg, format: json}
inputs:
  - type: imtcp
    port: "514"
    ruleset: one
rulesets:
  - name: one
    queue.size: "100"
    script: |
      if $msg contains "x" then stop
      *.* /var/log/one;short
  - name: two
    filter: ":msg, contains, \"y\""
    actions:
      - {type: omfile, file: /var/log/two, template: listed}
  - name: three
    statements:
      - if: $msg == "z"
        then: [{call: two}]
        else: {stop: true}
      - set: {var: $.n, expr: 1 + 2}
      - foreach: {var: $.i, in: $!l, do: [{unset: $.i}]}
      - type: omfile
        file: /var/log/three
"#;
    let mut world = small("");
    world.files.insert("t.yaml".into(), text.as_bytes().to_vec());
    world.files.insert("/etc/more.conf".into(), b"*.* /var/log/more\n".to_vec());
    let loaded = sysloom_config::load(std::path::Path::new("t.yaml"), &mut world);
    assert!(loaded.diagnostics.is_empty(), "{}", stderr(&loaded));
    let plan = loaded.plan;
    let files: Vec<_> = plan.actions.iter().filter_map(|a| a.values.str("file")).collect();
    assert_eq!(files, ["/var/log/more", "/var/log/one", "/var/log/two", "/var/log/three"]);
    assert_eq!(plan.globals.int("maxMessageSize"), Some(16384));
    assert_eq!(plan.inputs[0].ruleset, plan.ruleset("one"));
    assert_eq!(plan.inputs[0].streams.list("permittedPeer"), ["a", "b"]);
    let ruleset = |name: &str| &plan.rulesets[plan.ruleset(name).expect(name).0];
    assert_eq!(ruleset("one").queue.as_ref().and_then(|q| q.int("queue.size")), Some(100));
    let [
        Statement::If { then, otherwise, .. },
        Statement::Set { .. },
        Statement::Foreach { .. },
        Statement::Action(_),
    ] = ruleset("three").body.as_slice()
    else {
        panic!("{:?}", ruleset("three").body)
    };
    assert!(
        matches!(then.as_slice(), [Statement::Call { .. }])
            && matches!(otherwise.as_slice(), [Statement::Stop])
    );
}

#[test]
fn the_expanded_text_has_every_include_in_its_place() {
    let mut world = small("# first\n$IncludeConfig /d/*.conf\n*.* /x\ninclude(file=\"/d/a.conf\") stop\n");
    world.files.insert("/d/a.conf".into(), b"*.* /a\n".to_vec());
    world.files.insert("/d/b.conf".into(), b"*.* /b\n".to_vec());
    let loaded = load(&mut world);
    let part = |name: &str| {
        format!(
            "\n##### BEGIN CONFIG: /d/{name}.conf (put on stack)\n*.* /{name}\n\n##### END   CONFIG: /d/{name}.conf\n"
        )
    };
    let want = format!(
        "\n##### BEGIN CONFIG: t.conf (put on stack)\n# first\n$IncludeConfig /d/*.conf{}{}\n*.* /x\n\
         include(file=\"/d/a.conf\"){} stop\n\n##### END   CONFIG: t.conf\n",
        part("a"),
        part("b"),
        part("a")
    );
    assert_eq!(loaded.sources.expanded(), want);
}

#[test]
fn directives_do_not_break_a_chain() {
    let plan = clean(
        "mail.* @@first\n$ActionExecOnlyWhenPreviousIsSuspended on\n# a comment\n& @@second\n& /var/log/buffer\n\
         $ActionExecOnlyWhenPreviousIsSuspended off\nif $msg == 'x' then /a\n$FileCreateMode 0600\nelse :omfile:/b\n*.* /c\n",
    );
    let [Statement::If { then, .. }, Statement::If { then: yes, otherwise: no, .. }, Statement::If { .. }] =
        plan.rulesets[0].body.as_slice()
    else {
        panic!("{:?}", plan.rulesets[0].body)
    };
    assert_eq!((then.len(), yes.len(), no.len()), (3, 1, 1));
    let only_then = |n: usize| plan.actions[n].common.bool("action.execOnlyWhenPreviousIsSuspended");
    assert_eq!([only_then(0), only_then(1), only_then(2)], [Some(false), Some(true), Some(true)]);
    let mode = |n: usize| plan.actions[n].values.int("fileCreateMode");
    assert_eq!([mode(3), mode(4), mode(5)], [Some(0o644), Some(0o600), Some(0o600)]);
}

#[test]
fn an_action_that_is_left_out_keeps_its_chain() {
    let loaded = load(&mut small("*.* /var/log/two words\n& stop\n*.* /x\n"));
    assert_eq!(loaded.diagnostics.len(), 1, "{}", stderr(&loaded));
    let [Statement::If { then, .. }, Statement::If { .. }] = loaded.plan.rulesets[0].body.as_slice() else {
        panic!("{:?}", loaded.plan.rulesets[0].body)
    };
    assert!(matches!(then.as_slice(), [Statement::Stop]));
}

#[test]
fn a_wall_has_its_own_template_and_sticky_defaults_reach_new_syntax() {
    let mut world = small(
        "*.emerg :omusrmsg:*\n*.alert :omusrmsg:root\n$StickyTemplate RSYSLOG_ForwardFormat\n\
         action(type=\"omfile\")\n$ResetConfigVariables\naction(type=\"omfile\")\n",
    );
    let mut template =
        sysloom_config::catalogue::Param::new("template", sysloom_config::catalogue::Type::Template);
    template.legacy.push(sysloom_config::catalogue::Legacy::new(
        "StickyTemplate",
        sysloom_config::catalogue::LegacyKind::Sticky,
    ));
    template.default = Some("RSYSLOG_FileFormat".into());
    let spec = sysloom_config::catalogue::ModuleSpec {
        name: "omfile".into(),
        kinds: sysloom_config::catalogue::Kinds::OUTPUT,
        instance_params: vec![template],
        ..Default::default()
    };
    world.modules.insert("omfile".into(), std::sync::Arc::new(spec));
    let plan = load(&mut world).plan;
    let names: Vec<_> = plan
        .actions
        .iter()
        .map(|a| plan.templates[a.template.expect("a template").0].name.as_str())
        .collect();
    assert_eq!(names, [" WallFmt", " StdUsrMsgFmt", "RSYSLOG_ForwardFormat", "RSYSLOG_FileFormat"]);
}
