//! The module through the sdk's traits.

use super::*;
use sysloom_sdk::testing::{Rows, TestHost, check_readme, settings, table};

fn commit(host: &TestHost, rows: &[&str]) -> Commit {
    let output = Omruleset::new(&(), settings(&[("rulesetName", "other")]).unwrap(), host.host()).unwrap();
    let mut feeder = Feeder::new(&output).unwrap();
    Rows::new(rows).lend(host, |records| feeder.commit(&output, records))
}

#[test]
fn messages_go_on_as_they_came() {
    let host = TestHost::new();
    let raw = ["<13>Oct  1 22:14:15 h1 su: x", "<13>su: y"];
    for (row, raw) in raw.iter().enumerate() {
        let host_name = ["h1", "vm"][row];
        host.property(row, "rawmsg", raw);
        host.property(row, "hostname", host_name);
        host.property(row, "fromhost", host_name);
        host.property(row, "fromhost-ip", ["192.0.2.8", "127.0.0.1"][row]);
    }
    host.property(1, "$!", "{ \"a\": 1 }");
    let rendered = ["2026-10-01T22:14:15+00:00 h1 su: x\n", "2026-11-23T08:02:08.620451+00:00 vm su: y\n"];
    assert!(matches!(commit(&host, &rendered), Commit::Done));
    assert_eq!(host.messages(), raw);
    assert_eq!(host.rulesets(), ["other"]);
    let found = host.submitted();
    assert_eq!((found[0].flags, found[0].received_ns), (0, 0));
    let local =
        frame_flag::LOCAL | frame_flag::NO_HOSTNAME | frame_flag::IGNORE_TIMESTAMP | frame_flag::VARIABLES;
    assert_eq!((&found[0].variables, found[1].variables.as_deref()), (&None, Some("{ \"a\": 1 }")));
    assert_eq!((found[1].flags, found[1].received_ns), (local, 1_795_420_928_620_451_000));
    assert_eq!(host.peer(found[0].peer).unwrap(), ("192.0.2.8".into(), "h1".into(), 0));
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
