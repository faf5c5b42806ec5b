//! Where values come from: the place of each, and a warning where a directive reaches one object more than it was put
//! before.

mod world;

#[test]
fn a_directive_that_reaches_a_second_action_is_a_warning_there() {
    let text = "$FileOwner syslog\n*.* /a\n*.* /b\n$ResetConfigVariables\n*.* /c\n";
    let loaded = world::load(&mut world::small(text));
    let page = sysloom_config::origins::origins(&loaded);
    let of = |file: &str| page.split("\n\n").find(|block| block.contains(&format!("= \"{file}\""))).unwrap();
    assert!(of("/a").contains(":1:12 $FileOwner") && !of("/a").contains("warning"), "{page}");
    assert!(of("/b").contains("warning: $FileOwner was taken by action action-0-"), "{page}");
    assert!(!of("/c").contains("$FileOwner"), "{page}");
}
