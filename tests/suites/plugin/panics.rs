//! A panic in any callback: the host lives, says so once, leaves that instance alone, and all others go on.

use crate::engine::{Engine, iface, input, output, text, values};
use std::os::fd::AsFd;
use std::sync::Arc;
use sysloom_abi::{Span, kind, status};
use sysloom_engine::plugin::{Committed, InputInstance, InputModule, Loader, OutputWorker, Plugin, Rows};

fn misbehave(loader: &Loader) -> Arc<Plugin> {
    loader.module("misbehave").unwrap()
}

fn instance(plugin: &Arc<Plugin>, me: u64, panic: &str) -> InputInstance {
    let set = [("panic", text(panic))];
    input(plugin).instance(me, &values(iface(plugin, kind::INPUT), &set)).unwrap()
}

fn worker(plugin: &Arc<Plugin>, me: u64, panic: &str) -> OutputWorker {
    let set = [("panic", text(panic))];
    output(plugin).instance(me, &values(iface(plugin, kind::OUTPUT), &set)).unwrap().worker().unwrap()
}

fn commit(worker: &mut OutputWorker) -> Committed {
    let rows = Rows { columns: 1, block: b"ok", cells: &[Span { off: 0, len: 2 }], messages: &[1] };
    worker.commit(rows, &mut Vec::new())
}

/// How often it was said that a callback panicked.
fn said(engine: &Engine, callback: &str) -> usize {
    let words = format!("plugin misbehave panicked in {callback}: this instance is suspended");
    engine.lines().iter().filter(|line| line.contains(&words)).count()
}

/// The plugin's own hook has said where and why.
fn place_was_said(engine: &Engine, me: u64, callback: &str) -> bool {
    let (me, words) = (format!("{me}/2/0: panic at "), format!("told to, in {callback}"));
    engine.said(&[&me, "conduct.rs:", &words])
}

#[test]
fn in_module_and_new() {
    let (engine, loader) = Engine::new();
    let plugin = misbehave(&loader);
    let bomb = sysloom_engine::plugin::HostValue::configured(sysloom_engine::plugin::Content::Number(1));
    let fault = InputModule::new(&plugin, "misbehave", 9, &[bomb]).err().unwrap();
    assert_eq!(fault.text, "the plugin panicked: told to, in module");
    let set = values(iface(&plugin, kind::INPUT), &[("panic", text("new"))]);
    let fault = input(&plugin).instance(10, &set).err().unwrap();
    assert_eq!(fault.text, "the plugin panicked: told to, in new");
    assert!(place_was_said(&engine, 10, "new"));
    // The plugin itself is not to blame for one instance.
    assert!(input(&plugin).instance(11, &[]).is_ok());
}

#[test]
fn in_activate() {
    let (engine, loader) = Engine::new();
    let plugin = misbehave(&loader);
    let broken = instance(&plugin, 10, "activate");
    assert_eq!(broken.activate().unwrap_err().text, "the plugin panicked: told to, in activate");
    assert!(broken.is_broken() && broken.activate().unwrap_err().text.contains("not called any more"));
    assert!(place_was_said(&engine, 10, "activate"));
    drop(broken);
    assert_eq!(said(&engine, "activate"), 1);
    instance(&plugin, 11, "nowhere").activate().unwrap();
}

#[test]
fn in_run() {
    let (engine, loader) = Engine::new();
    let broken = instance(&misbehave(&loader), 10, "run");
    let (stop, _keep) = std::io::pipe().unwrap();
    assert!(broken.run(stop.as_fd()).unwrap_err().text.contains("panicked in run"));
    assert!(broken.is_broken() && place_was_said(&engine, 10, "run"));
}

#[test]
fn in_hup_which_cannot_say_so() {
    let (engine, loader) = Engine::new();
    let unhurt = instance(&misbehave(&loader), 10, "hup");
    unhurt.hup();
    assert!(place_was_said(&engine, 10, "hup"));
    unhurt.activate().unwrap();
}

#[test]
fn in_data() {
    let (engine, loader) = Engine::new();
    let plugin = misbehave(&loader);
    let broken = instance(&plugin, 10, "data");
    let whole = instance(&plugin, 11, "nowhere");
    broken.activate().unwrap();
    let bad = engine.listener().1;
    whole.activate().unwrap();
    let good = engine.listener().1;
    let (mut one, mut two) = (bad.open(1, 0, "", 0), bad.open(2, 0, "", 0));
    assert_eq!(one.data(b"x"), status::PANICKED);
    assert!(broken.is_broken());
    // Its other sessions end too, and new ones do nothing.
    assert_eq!(two.data(b"x"), status::PANICKED);
    assert_eq!(bad.open(3, 0, "", 0).data(b"x"), status::PANICKED);
    one.close(status::FAILED);
    assert_eq!(said(&engine, "data"), 1);
    assert!(place_was_said(&engine, 10, "data"));
    assert_eq!(good.open(4, 0, "", 0).data(b"still here"), 0);
    assert_eq!(engine.messages(), [(11, "still here".to_owned())]);
}

#[test]
fn in_open_and_close() {
    let (engine, loader) = Engine::new();
    let plugin = misbehave(&loader);
    let broken = instance(&plugin, 10, "open");
    broken.activate().unwrap();
    let mut session = engine.listener().1.open(1, 0, "", 0);
    assert_eq!(session.data(b"x"), status::PANICKED);
    assert!(broken.is_broken() && place_was_said(&engine, 10, "open"));
    let whole = instance(&plugin, 11, "close");
    whole.activate().unwrap();
    engine.listener().1.open(2, 0, "", 0).close(status::CLOSED);
    assert!(place_was_said(&engine, 11, "close") && !whole.is_broken());
}

#[test]
fn in_commit_and_resume() {
    let (engine, loader) = Engine::new();
    let plugin = misbehave(&loader);
    let mut broken = worker(&plugin, 20, "commit");
    let Committed::Disabled(fault) = commit(&mut broken) else { panic!("it is disabled") };
    assert_eq!(fault.text, "the plugin panicked: told to, in commit");
    let Committed::Disabled(fault) = commit(&mut broken) else { panic!("it stays disabled") };
    assert!(fault.text.contains("not called any more"));
    assert!(broken.is_broken() && broken.resume().is_err());
    let mut resuming = worker(&plugin, 21, "resume");
    assert_eq!(resuming.resume().unwrap_err().text, "the plugin panicked: told to, in resume");
    assert!(matches!(commit(&mut resuming), Committed::Disabled(_)));
    assert_eq!((said(&engine, "commit"), said(&engine, "resume")), (1, 1));
    assert_eq!(commit(&mut worker(&plugin, 22, "nowhere")), Committed::Done);
}

#[test]
fn in_worker_and_free() {
    let (engine, loader) = Engine::new();
    let plugin = misbehave(&loader);
    let set = values(iface(&plugin, kind::OUTPUT), &[("panic", text("worker"))]);
    let fault = output(&plugin).instance(20, &set).unwrap().worker().err().unwrap();
    assert_eq!(fault.text, "the plugin panicked: told to, in worker");
    drop(instance(&plugin, 10, "free"));
    assert!(engine.said(&["panic at", "told to, in free"]));
}

#[test]
fn of_every_kind() {
    let (engine, loader) = Engine::new();
    let plugin = misbehave(&loader);
    let iface = iface(&plugin, kind::OUTPUT);
    for (throws, words) in [("number", "(no words)"), ("bomb", "(no words)")] {
        let set = values(iface, &[("panic", text("commit")), ("throws", text(throws))]);
        let mut worker = output(&plugin).instance(20, &set).unwrap().worker().unwrap();
        let Committed::Disabled(fault) = commit(&mut worker) else { panic!("it is disabled") };
        assert_eq!(fault.text, format!("the plugin panicked: {words}"));
    }
    // The second panic, of the payload that is dropped, was caught too.
    assert!(engine.said(&["the payload panics too"]));
}
