//! What each dialect comes to in the Plan.

#[path = "plan/actions.rs"]
mod actions;
#[path = "plan/expressions.rs"]
mod expressions;
#[path = "plan/files.rs"]
mod files;
#[path = "plan/templates.rs"]
mod templates;
mod world;

use sysloom_config::plan::{Action, Input, Origin, Plan, RulesetId, Statement, Value, Values};
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
