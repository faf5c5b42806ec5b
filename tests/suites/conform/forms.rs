//! The forms of the kit's report, and the list of its lines.

use crate::{directory, kit};
use std::time::Duration;
use sysloom_conform::{Outcome, Report, Verdict, lines};
use sysloom_engine::plugin::Facts;

fn report() -> Report {
    let facts = Facts {
        name: "foo".to_owned(),
        version: "1.0".to_owned(),
        built_with: String::new(),
        target: String::new(),
        abi_major: 0,
        abi_minor: 7,
        min_host_minor: 1,
        kinds: 2,
        flags: 4,
    };
    let lines = lines();
    let verdicts =
        [Verdict::Passed, Verdict::Failed("<a & \"b\">\u{1}".to_owned()), Verdict::Skipped("LAYER")];
    let outcomes = lines.into_iter().zip(verdicts).map(|(line, verdict)| Outcome {
        line,
        verdict,
        took: Duration::from_millis(1500),
    });
    Report { file: "./nsd_foo.so".into(), facts, outcomes: outcomes.collect() }
}

#[test]
fn what_a_driver_says_breaks_no_form() {
    let report = report();
    assert!(!report.passes());
    let json = report.json();
    let start = "{\"driver\":\"foo\",\"version\":\"1.0\",\"file\":\"./nsd_foo.so\",\"abi\":\"0.7\",\
                 \"passed\":1,\"failed\":1,\"skipped\":1,\"lines\":[";
    assert!(json.starts_with(start), "{json}");
    assert!(json.contains(r#""result":"failed","seen":"<a & \"b\">\u0001","milliseconds":1500}"#), "{json}");
    let junit = report.junit();
    assert!(junit.contains("tests=\"3\" failures=\"1\" skipped=\"1\" time=\"4.500\">"), "{junit}");
    assert!(junit.contains("<failure message=\"&lt;a &amp; &quot;b&quot;&gt; \">"), "{junit}");
    assert!(junit.contains("<skipped message=\"the manifest does not say LAYER\"/>"), "{junit}");
}

#[test]
fn names_are_unique_and_every_line_names_its_rule() {
    let mut names: Vec<&str> = lines().iter().map(|line| line.name).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    assert!(lines().iter().all(|line| line.rule.starts_with("ABI ") || line.rule.starts_with("RFC ")));
}

#[test]
fn the_program_lists_chooses_and_writes() {
    let out = kit().arg("--list").output().unwrap();
    let listed = String::from_utf8(out.stdout).unwrap();
    assert_eq!(listed.lines().count(), lines().len());
    assert!(listed.contains("transport.half-close [ABI DriverVt::shutdown; RFC 793 3.5] after"), "{listed}");
    let ptcp = directory().join("libnsd_ptcp.so");
    let out = kit().args(["--only", "transport.half", "--json", "-"]).arg(&ptcp).output().unwrap();
    let json = String::from_utf8(out.stdout).unwrap();
    assert!(json.starts_with("{\"driver\":\"ptcp\""), "{json}");
    assert_eq!(json.matches("\"result\":\"passed\"").count(), 2, "{json}");
    let out = kit().args(["--only", "transport.quarter"]).arg(&ptcp).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8(out.stderr).unwrap().contains("no line begins with 'transport.quarter'"));
}
