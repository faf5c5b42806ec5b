//! What stands behind a selector, and which chain it belongs to.

use super::{clean, list, only, s};
use crate::world::{load, small, stderr};
use sysloom_config::plan::{Comparison, Filter, Statement, Value};

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
