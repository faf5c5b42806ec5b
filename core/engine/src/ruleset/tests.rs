//! Statements as they run: order, stop, calls, loops.

use super::*;
use crate::filter::Gatherer;
use crate::objects::Objects;
use crate::script::Compiler;
use crate::script::tests::{plan, with_message};
use sysloom_config::plan::Plan;

/// Writes down what a message does: the value of `$.s` at each handed-over ruleset, and unknown names.
#[derive(Default)]
struct Notes {
    queued: Option<usize>,
    said: Vec<String>,
}

impl Host for Notes {
    fn act(&mut self, action: usize, _: &Message<'_>, _: &mut Run) {
        self.said.push(format!("action {action}"));
    }

    fn hand_over(&mut self, ruleset: usize, _: &Message<'_>) -> bool {
        let queued = self.queued == Some(ruleset);
        if queued {
            self.said.push(format!("queued {ruleset}"));
        }
        queued
    }

    fn unknown_ruleset(&mut self, name: &[u8]) {
        self.said.push(format!("unknown {}", String::from_utf8_lossy(name)));
    }
}

fn compiled(plan: &Plan) -> Vec<Ruleset> {
    let mut diagnostics = Vec::new();
    let objects = Objects::default();
    let exact_names = plan.globals.bool("variables.caseSensitive").unwrap_or(false);
    let gatherer = Gatherer::default();
    let mut compiler =
        Compiler { objects: &objects, templates: &[], exact_names, gatherer, diagnostics: &mut diagnostics };
    let rulesets = compile(plan, &mut compiler);
    compiler.gatherer.build();
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    rulesets
}

/// What `$.s` is after a configuration ran over a message, what was said, and whether the message goes on.
fn outcome(text: &str, message: &str, queued: Option<usize>) -> (String, Vec<String>, Flow) {
    let plan = plan(text);
    let rulesets = compiled(&plan);
    with_message(message, |message| {
        let mut notes = Notes { queued, ..Notes::default() };
        let mut state = Run::default();
        let flow = run(&rulesets, 0, message, &mut state, &mut notes);
        let mut out = Vec::new();
        let path = sysloom_config::plan::JsonPath::parse("$.s", true).expect("it is a path");
        message.variable(&Path::new(&path, false), &mut out);
        (String::from_utf8_lossy(&out).into_owned(), notes.said, flow)
    })
}

const MESSAGE: &str = "<34>Oct 11 22:14:15 mymachine su[321]: 'su root' failed for lonvick";

#[test]
fn statements_run_in_order_and_stop_ends_the_caller_too() {
    let rules = "ruleset(name=\"inner\") { set $.s = $.s & \"i\"; if $.deep == 1 then stop }\n";
    for (body, value, flow) in [
        ("set $.s = \"a\"; call inner set $.s = $.s & \"b\";", "aib", Flow::On),
        ("set $.deep = 1; set $.s = \"a\"; call inner set $.s = $.s & \"b\";", "ai", Flow::Stopped),
        (
            "set $.deep = 1; set $.s = \"a\"; call_indirect \"INNER\"; set $.s = $.s & \"b\";",
            "ai",
            Flow::Stopped,
        ),
        ("set $.s = \"a\"; continue set $.s = $.s & \"b\";", "ab", Flow::On),
        ("set $.s = \"a\"; stop set $.s = $.s & \"b\";", "a", Flow::Stopped),
        (
            "set $.r = parse_json(\"[1,2,3]\", \"\\$.l\");\n\
             foreach ($.i in $.l) do { set $.s = $.s & $.i; if $.i == 2 then stop }\nset $.s = \"after\";",
            "12",
            Flow::Stopped,
        ),
        (
            "set $.r = parse_json(\"[1,2]\", \"\\$.l\");\n\
             foreach ($.i in $.l) do { set $.l = $.i; set $.s = $.s & $.i; }\nset $.s = $.s & exists($.i);",
            "120",
            Flow::On,
        ),
        ("if $programname == \"su\" then set $.s = 1; else set $.s = 2;", "1", Flow::On),
        ("auth.crit set $.s = 1;\nmail.* set $.s = 2;", "1", Flow::On),
        (
            ":msg, contains, \"nothing\" set $.s = 1;\n:msg, !contains, \"nothing\" set $.s = 2;",
            "2",
            Flow::On,
        ),
    ] {
        let (got, said, after) = outcome(&format!("{rules}{body}\n"), MESSAGE, None);
        assert_eq!((got.as_str(), after), (value, flow), "{body}: {said:?}");
    }
}

#[test]
fn a_ruleset_with_a_queue_is_given_the_message_and_the_caller_goes_on() {
    let text = "ruleset(name=\"q\") { set $.s = \"never\"; stop }\ncall q\nset $.s = \"on\";\n";
    let (value, said, flow) = outcome(text, MESSAGE, Some(1));
    assert_eq!((value.as_str(), said, flow), ("on", vec!["queued 1".to_owned()], Flow::On));
}

#[test]
fn an_unknown_ruleset_is_said_and_skipped() {
    let (value, said, _) = outcome("call_indirect \"no\" & \"body\";\nset $.s = \"on\";\n", MESSAGE, None);
    assert_eq!((value.as_str(), said), ("on", vec!["unknown nobody".to_owned()]));
}

#[test]
fn a_ruleset_that_calls_itself_ends() {
    let text = "ruleset(name=\"r\") { set $.s = $.s + 1; call_indirect \"r\"; }\ncall r\n";
    let thread = std::thread::Builder::new().stack_size(16 * 1024 * 1024);
    let run = thread.spawn(move || outcome(text, MESSAGE, None)).expect("a thread");
    assert_eq!(run.join().expect("it ends").0, "1024");
}

#[test]
fn names_differ_in_case_only_on_request() {
    let text = "set $.Name = 1; set $.name = 2; set $.s = $.Name & $.name;\n";
    assert_eq!(outcome(text, MESSAGE, None).0, "22");
    let exact = format!("global(variables.caseSensitive=\"on\")\n{text}");
    assert_eq!(plan(&exact).globals.bool("variables.caseSensitive"), Some(true));
    assert_eq!(outcome(&exact, MESSAGE, None).0, "12");
}

#[test]
fn literals_are_found_together_as_they_are_alone() {
    // Enough of them that they are searched together, and some that overlap or are parts of others.
    let needles = ["su", "root", "'su root'", "lonvick", "vick", "none", "zzz", "fail", "failed for", "x"];
    let mut text = String::new();
    for needle in needles {
        text.push_str(&format!(":msg, contains, \"{needle}\" set $.s = $.s & \"1\";\n"));
        text.push_str(&format!(":msg, !contains, \"{needle}\" set $.s = $.s & \"0\";\n"));
        text.push_str(&format!("if $msg contains \"{needle}\" then set $.s = $.s & \"e\";\n"));
    }
    text.push_str(":msg, ereregex, \"failed (for|by) [a-z]+\" set $.s = $.s & \"R\";\n");
    text.push_str(":msg, ereregex, \"failed for [0-9]+\" set $.s = $.s & \"never\";\n");
    text.push_str(":msg, ereregex, \"zzz [a-z]+\" set $.s = $.s & \"never\";\n");
    let alone = |needle: &&str| {
        if MESSAGE.split_once(": ").is_some_and(|(_, msg)| msg.contains(needle)) { "1e" } else { "0" }
    };
    let want: String = needles.iter().map(alone).collect();
    assert_eq!(outcome(&text, MESSAGE, None).0, format!("{want}R"));
}
