//! The module through the sdk's traits.

use super::*;
use sysloom_sdk::frame_flag;
use sysloom_sdk::testing::{Rows, TestHost, check_readme, settings, table};

fn commit(host: &TestHost, rows: &[&str]) -> Commit {
    let output = Omruleset::new(&(), settings(&[("rulesetName", "other")]).unwrap(), host.host()).unwrap();
    let mut feeder = Feeder::new(&output).unwrap();
    Rows::new(rows).lend(host, |records| feeder.commit(&output, records))
}

#[test]
fn copies_of_the_messages_go_on() {
    let host = TestHost::new();
    assert!(matches!(commit(&host, &["x", "y"]), Commit::Done));
    assert_eq!(host.rulesets(), ["other"]);
    let found: Vec<_> = host.submitted().iter().map(|m| (m.flags, m.received_ns)).collect();
    assert_eq!(found, [(frame_flag::COPY, 0), (frame_flag::COPY, 1)], "the handles of a test's rows");
    assert_eq!(Submit(host.submits().2), Submit::FLUSH | Submit::NO_WAIT);
}

#[test]
fn a_daemon_that_takes_nothing_suspends() {
    let host = TestHost::new();
    host.close();
    let Commit::Suspended(why) = commit(&host, &["x"]) else { panic!("it was taken") };
    assert_eq!(why.code, 2157);
    assert!(why.text.starts_with("ruleset 'other': "), "{why}");
}

#[test]
fn a_ruleset_must_be_named() {
    assert_eq!(settings::<ActionParams>(&[]).err().unwrap().param, Some("rulesetName"));
}

#[test]
fn the_readme_has_the_tables() {
    check_readme(env!("CARGO_MANIFEST_DIR"), &[("action", table::<ActionParams>())]);
}
