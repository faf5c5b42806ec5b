//! A configuration that is printed and read again means the same: what is printed from that is the same text.

mod generator;
mod world;

use std::path::Path;
use sysloom_config::print::{Syntax, print};
use sysloom_config::{Loaded, Severity};
use world::stderr;

const MIXED: &str = r#"
global(maxMessageSize="16k" defaultNetstreamDriver="rustls")
$ModLoad imtcp
$InputTCPMaxSessions 300
$InputTCPServerStreamDriverMode 1
$AllowedSender TCP, 127.0.0.1
$MainMsgQueueSize 5000
$template old,"%msg:2:$:lowercase,escape-cc%\n%programname:1:3%",stdsql
template(name="tree" type="subtree" subtree="$!all")
template(name="re" type="string" string="%msg:R,ERE,1,BLANK,2:a(b|c):--end:csv% %timestamp:::date-rfc3339,date-utc% \"\\")
template(name="iso" type="string" string="%timestamp:::date-iso-week%%$!x!y%")
lookup_table(name="t" file="/t")
dyn_stats(name="b" resettable="off")
timezone(id="CET" offset="+01:00")
$outchannel big,/var/log/big,1m,/usr/bin/rotate
ruleset(name="remote" queue.type="LinkedList" parser="rsyslog.rfc5424") {
    mail.info;kern.!=err;*.=debug -/var/log/mail
    & stop
    :msg, !contains, "a \"b\" $c" { action(type="omfile" file="/var/log/a" fileOwner="syslog" fileCreateMode="0600") }
    :msg, regex, "^a\\.b" stop
    :msg, !ereregex, "x$" stop
    :hostname, isempty, "" stop
}
ruleset(name="empty") { continue }
$RuleSet more
*.* /more
$RuleSet RSYSLOG_DefaultRuleset
if ($msg contains ['a', 'b'] or not ($!x!y[2] == 1)) and lookup('t', $hostname) != "x" then {
    set $.n = -1 + 2 * strlen("a\"$$b\n" & $$now);
    reset $!m = $.n;
    unset $.n;
    foreach ($.i in $!list) do { call remote }
    call_indirect "re" & 'mote';
    reload_lookup_table("t", "stub")
} else if prifilt("*.err;mail.none") then /var/log/err;old
else ~
$ActionName first
$ActionQueueType LinkedList
$ActionSendStreamDriverMode 1
$ActionSendStreamDriverPermittedPeer one.example.net
$ActionSendStreamDriverPermittedPeer two.example.net
*.* @@(o,z3)[::1]:99;RSYSLOG_ForwardFormat
*.* $big
*.emerg :omusrmsg:root,joe
input(type="imtcp" port="10514" ruleset="remote" permittedPeer=["a","b"])
$InputTCPServerRun 514
*.* /var/log/all
"#;

fn read(name: &str, text: &str) -> Loaded {
    let mut world = world::small("");
    world.files.insert(name.into(), text.replace("\\\"$$b", "\\\"\\$b").into_bytes());
    let loaded = sysloom_config::load(Path::new(name), &mut world);
    let errors = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
    assert_eq!(errors, 0, "{}\n{text}", stderr(&loaded));
    loaded
}

#[test]
fn rainerscript_reads_back() {
    let first = read("t.conf", MIXED);
    let printed = print(&first, Syntax::RainerScript);
    let second = read("t.conf", &printed);
    assert_eq!(print(&second, Syntax::RainerScript), printed);
    assert_eq!(first.plan.actions.len(), second.plan.actions.len(), "{printed}");
    assert_eq!(first.plan.inputs.len(), second.plan.inputs.len(), "{printed}");
    for (a, b) in first.plan.templates.iter().zip(&second.plan.templates) {
        assert_eq!((&a.name, &a.kind, a.option), (&b.name, &b.kind, b.option));
    }
    for (a, b) in first.plan.actions.iter().zip(&second.plan.actions) {
        assert_eq!((a.template, &a.name), (b.template, &b.name));
        for (x, y) in [(&a.values, &b.values), (&a.common, &b.common), (&a.streams, &b.streams)] {
            let values = |v: &sysloom_config::plan::Values| {
                v.settings().iter().map(|s| s.as_ref().map(|s| s.value.clone())).collect::<Vec<_>>()
            };
            // The type is named only in the new syntax.
            let skip = |v: Vec<_>, t: &[sysloom_config::catalogue::Param]| {
                v.into_iter().zip(t).filter(|(_, p)| p.name != "type").map(|(v, _)| v).collect::<Vec<_>>()
            };
            assert_eq!(skip(values(x), x.table()), skip(values(y), y.table()), "{printed}");
        }
    }
}

#[test]
fn yaml_reads_back() {
    let first = read("t.conf", MIXED);
    let printed = print(&first, Syntax::Yaml);
    let second = read("t.yaml", &printed);
    assert_eq!(print(&second, Syntax::RainerScript), print(&first, Syntax::RainerScript).replace(SENDER, ""));
    assert_eq!(print(&second, Syntax::Yaml), printed.replace(&format!("# not translated: {SENDER}"), ""));
    assert!(printed.contains(&format!("# not translated: {SENDER}")));
    // Both rulesets have what YAML has no form for, and only they are scripts.
    assert!(
        printed.contains(
            "# script: 2 of 4 rulesets, where YAML has no form (a basic regular expression: 1, reset: 1)"
        ),
        "{printed}"
    );
    assert_eq!(printed.matches("script: |").count(), 2);
}

const SENDER: &str = "$AllowedSender TCP, 127.0.0.1\n";

/// Every kind of statement that YAML has a form for, as it is written.
#[test]
fn statements_are_nodes() {
    let text = r#"
lookup_table(name="t" file="/t")
ruleset(name="other") { :msg, !regex, "a\.b\"" { action(type="omfile" file="/f") stop } }
ruleset(name="re") { :msg, regex, "^a$" action(type="omfile" file="/f") }
mail.info /m
if $msg contains "it's" then { call other stop } else if $!a!b == 1 then call_indirect "oth" & 'er'; else continue
foreach ($.i in $!list) do { set $!n = $.i & "x"; unset $.i; }
reload_lookup_table("t", "stub")
"#;
    let first = read("t.conf", text);
    let printed = print(&first, Syntax::Yaml);
    assert_eq!(printed, NODES);
    let second = read("t.yaml", &printed);
    assert_eq!(print(&second, Syntax::RainerScript), print(&first, Syntax::RainerScript));
}

const NODES: &str = r#"version: 2
lookup_tables:
  - name: "t"
    file: "/t"
# script: 1 of 3 rulesets, where YAML has no form (a basic regular expression: 1)
rulesets:
  - name: "other"
    script: |
      :msg, !regex, "a\\.b\"" {
        action(type="omfile" file="/f")
        stop
      }
  - name: "re"
    filter: ':msg, regex, "^a$"'
    actions:
      - type: "omfile"
        file: "/f"
  - name: "RSYSLOG_DefaultRuleset"
    statements:
      - if: 'prifilt("mail.info")'
        then:
          - type: "omfile"
            file: "/m"
      - if: '$msg contains "it''s"'
        then:
          - call: "other"
          - stop: true
        else:
          - if: "$!a!b == 1"
            then:
              - call_indirect: '"oth" & "er"'
            else:
              - continue: true
      - foreach:
          var: "$.i"
          in: "$!list"
          do:
            - set: {var: "$!n", expr: '$.i & "x"'}
            - unset: "$.i"
      - reload_lookup_table: {table: "t", stub_value: "stub"}
"#;

/// Configurations made at random mean the same after a journey through either syntax.
#[test]
fn generated_configurations_read_back() {
    for seed in 1..=400 {
        let text = generator::configuration(seed);
        let first = read("t.conf", &text);
        let (script, yaml) = (print(&first, Syntax::RainerScript), print(&first, Syntax::Yaml));
        for (name, printed) in [("t.conf", &script), ("t.yaml", &yaml)] {
            let second = read(name, printed);
            assert_eq!(
                print(&second, Syntax::RainerScript),
                script,
                "seed {seed}:\n{text}\nas {name}:\n{printed}"
            );
            assert_eq!(print(&second, Syntax::Yaml), yaml, "seed {seed}:\n{text}\nas {name}:\n{printed}");
            assert_eq!(first.plan.actions.len(), second.plan.actions.len());
        }
    }
}

#[test]
fn real_files_read_back() {
    let Some(folder) = std::env::var_os("SYSLOOM_CORPUS").map(std::path::PathBuf::from) else {
        eprintln!("skipped: SYSLOOM_CORPUS names no folder");
        return;
    };
    let list =
        std::fs::read_to_string(folder.join("../reference/parameters.tsv")).expect("the list of parameters");
    let modules = world::listed(&list);
    let mut read_back = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder").flatten() {
        if entry.path().extension().is_none_or(|e| e != "conf") {
            continue;
        }
        let mut world = world::World {
            modules: modules.clone(),
            all_accounts: true,
            real_files: true,
            ..Default::default()
        };
        let first = sysloom_config::load(&entry.path(), &mut world);
        for (syntax, name) in [(Syntax::RainerScript, "t.conf"), (Syntax::Yaml, "t.yaml")] {
            let printed = print(&first, syntax);
            world.files.insert(name.into(), printed.clone().into_bytes());
            let second = sysloom_config::load(Path::new(name), &mut world);
            let errors: Vec<_> = second
                .diagnostics
                .iter()
                .filter(|d| d.severity == Severity::Error && !matches!(d.code, 2039 | 2066 | 2103 | 2181))
                // What was wrong stays wrong: these are kept as they were written.
                .filter(|d| !matches!(d.slug, "unknown-ruleset" | "obsolete-parameter"))
                .map(|d| sysloom_config::diagnostic::first_line(d, &second.sources))
                .collect();
            assert!(errors.is_empty(), "{} {syntax:?}: {errors:#?}\n{printed}", entry.path().display());
            // What YAML cannot say stands in it as a comment.
            let said = print(&first, Syntax::RainerScript);
            let unsaid = |line: &&str| !printed.contains(&format!("# not translated: {line}"));
            let said: Vec<&str> = said.lines().filter(unsaid).collect();
            let again = print(&second, Syntax::RainerScript);
            assert_eq!(said, again.lines().collect::<Vec<_>>(), "{}\n{printed}", entry.path().display());
        }
        read_back += 1;
    }
    assert!(read_back > 0);
}

#[test]
fn a_long_ladder_is_printed_as_one() {
    let mut text = String::from("*.* /x\nif $msg == '0' then stop\n");
    for n in 1..900 {
        text.push_str(&format!("else if $msg == '{n}' then stop\n"));
    }
    let printed = print(&read("t.conf", &text), Syntax::RainerScript);
    assert_eq!(printed.matches("} else if ").count(), 899);
    assert_eq!(print(&read("t.conf", &printed), Syntax::RainerScript), printed);
}
