//! Templates of every kind, and positions in them.

use super::clean;
use sysloom_config::plan::{Piece, Position, PropertyRef, TemplateKind, TemplateOption};

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
