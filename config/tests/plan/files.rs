//! What other files and modules bring: includes, modules that are not there, the expanded text.

use super::clean;
use crate::world::{load, small, stderr};

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
