//! What passes between host and plugin when all goes well, or when a plugin complains.

use crate::engine::{Engine, iface, input, output, text, values};
use std::time::Duration;
use sysloom_abi::{Span, kind, manifest_flag, param_type, result, status};
use sysloom_config::catalogue::{Kinds, Legacy, LegacyKind, Type};
use sysloom_engine::plugin::{Callback, Committed, Content, Rows, Watch, spec};
use sysloom_tests::{Dir, wait_for};

fn rows<'a>(block: &'a [u8], cells: &'a [Span], messages: &'a [u64]) -> Rows<'a> {
    Rows { columns: 1, block, cells, messages }
}

#[test]
fn a_manifest_in_words() {
    let (_, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let facts = plugin.facts();
    assert_eq!(facts.version, env!("CARGO_PKG_VERSION"));
    assert!(facts.built_with.starts_with("rustc "), "{}", facts.built_with);
    assert_eq!(facts.kinds, 1 << kind::INPUT | 1 << kind::OUTPUT | 1 << kind::DRIVER);
    assert_eq!(facts.flags, manifest_flag::UNWINDS | manifest_flag::LAYER);
}

#[test]
fn a_table_of_parameters_becomes_a_catalogue() {
    let (_, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let known = spec(iface(&plugin, kind::INPUT));
    assert_eq!((known.name.as_str(), known.kinds, known.builtin), ("misbehave", Kinds::INPUT, false));
    assert_eq!((known.uses_streams, known.stream_legacy.as_deref()), (true, Some("InputMisbehave")));
    assert_eq!(known.action_param.as_deref(), Some("text"));
    assert_eq!(known.module_params.len(), 1);
    let param = |name: &str| known.instance_params.iter().find(|p| p.answers_to(name)).unwrap().clone();
    let count = param("NUMBER");
    assert_eq!((count.name.as_str(), count.ty, count.min, count.max), ("count", Type::PositiveInt, 0, 99));
    assert_eq!(count.default.as_deref(), Some("7"));
    assert_eq!(count.help, "Some of every other type, to see what arrives.");
    assert_eq!(param("throws").choices, ["words", "number", "bomb"]);
    assert!(param("mode").secret && param("mode").obsolete && !param("mode").required);
    assert_eq!(param("peers").ty, Type::Array);
    assert_eq!(param("until").ty, Type::Path);
    assert_eq!(
        param("panic").legacy,
        [
            Legacy::new("MisbehavePanic", LegacyKind::Sticky),
            Legacy::new("MisbehavePanicOnce", LegacyKind::Pending)
        ]
    );
    let known = spec(iface(&plugin, kind::OUTPUT));
    assert_eq!((known.kinds, known.builtin), (Kinds::OUTPUT, true));
    assert_eq!(known.default_template.as_deref(), Some("RSYSLOG_FileFormat"));
    assert_eq!(spec(iface(&plugin, kind::DRIVER)).kinds, Kinds::DRIVER);
}

#[test]
fn values_of_every_type_arrive() {
    let (engine, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let iface = iface(&plugin, kind::INPUT);
    let set = [
        ("count", Content::Number(12)),
        ("peers", Content::List(vec!["a".to_owned(), "b c".to_owned()])),
        ("mode", Content::Number(0o640)),
        ("delimiter", Content::Number(b';'.into())),
        ("text", text("words")),
    ];
    let module = input(&plugin);
    let _set = module.instance(10, &values(iface, &set)).unwrap();
    let wanted = r#"10/7/0: count 12 peers ["a", "b c"] mode 640 delimiter Some(';') text "words""#;
    assert_eq!(engine.lines(), [wanted]);
    // Values that are not there count as unset.
    let _unset = module.instance(11, &[]).unwrap();
    assert_eq!(engine.lines()[1], r#"11/7/0: count 0 peers [] mode 0 delimiter None text """#);
    // What does not fit the field is the plugin's complaint, at its parameter.
    let fault = module.instance(12, &values(iface, &[("count", Content::Number(300))])).err().unwrap();
    let at = iface.instance_params.iter().position(|p| p.name == "count");
    assert_eq!((fault.param, fault.text.as_str()), (at, "300 does not fit u8"));
    assert_eq!(iface.instance_params[at.unwrap()].ty, param_type::POSITIVE);
}

#[test]
fn a_complaint_names_its_parameter_and_code() {
    let (_, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let iface = iface(&plugin, kind::INPUT);
    let at = iface.instance_params.iter().position(|p| p.name == "fail");
    let fault = input(&plugin).instance(10, &values(iface, &[("fail", text("new"))])).err().unwrap();
    assert_eq!((fault.param, fault.code, fault.text.as_str()), (at, 2077, "new fails as told"));
    let instance = input(&plugin).instance(10, &values(iface, &[("fail", text("activate"))])).unwrap();
    let fault = instance.activate().unwrap_err();
    assert_eq!((fault.param, fault.text.as_str()), (at, "activate fails as told"));
    assert!(!instance.is_broken());
}

#[test]
fn streams_bring_messages_and_counts() {
    let (engine, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let instance = input(&plugin).instance(10, &[]).unwrap();
    instance.activate().unwrap();
    let (request, sink) = engine.listener();
    assert_eq!((request.name.as_str(), request.port.as_str(), request.max_sessions), ("misbehave", "0", 3));
    let mut one = sink.open(1, 5, "192.0.2.1", 1000);
    let mut two = sink.open(2, 6, "192.0.2.2", 1000);
    assert_eq!((one.data(b"first"), two.data(b"second"), one.data(b"third")), (0, 0, 0));
    one.close(status::CLOSED);
    drop(two);
    let wanted = ["first", "second", "third"].map(|m| (10, m.to_owned()));
    assert_eq!(engine.messages(), wanted);
    assert_eq!(engine.value(10, "submitted"), 3);
    assert!(engine.said(&["10/7/0: closed: Closed"]) && engine.said(&["10/7/0: closed: Stopped"]));
    // Lines below the level are not even made.
    assert!(!engine.said(&["took"]));
}

#[test]
fn an_instance_lives_as_long_as_its_streams() {
    let (engine, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let iface = iface(&plugin, kind::INPUT);
    let instance = input(&plugin).instance(10, &values(iface, &[("panic", text("free"))])).unwrap();
    instance.activate().unwrap();
    let sink = engine.listener().1;
    let mut session = sink.open(1, 0, "", 0);
    drop((instance, sink));
    assert!(!engine.said(&["told to, in free"]));
    assert_eq!(session.data(b"still here"), 0);
    drop(session);
    assert!(engine.said(&["told to, in free"]));
}

#[test]
fn frames_beyond_the_block_are_refused() {
    let (engine, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let iface = iface(&plugin, kind::INPUT);
    let instance = input(&plugin).instance(10, &values(iface, &[("fail", text("frames"))])).unwrap();
    instance.activate().unwrap();
    let mut session = engine.listener().1.open(1, 0, "", 0);
    assert_eq!(session.data(b"abc"), status::FAILED);
    assert!(engine.messages().is_empty());
    assert!(engine.said(&["10/3/0", "the host took no messages"]));
    assert!(!instance.is_broken());
}

#[test]
fn listening_for_a_stranger_is_refused() {
    let (_, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let iface = iface(&plugin, kind::INPUT);
    let instance = input(&plugin).instance(10, &values(iface, &[("fail", text("listen"))])).unwrap();
    assert!(instance.activate().unwrap_err().text.contains("the instance that the host knows"));
}

#[test]
fn a_transaction_is_done_in_part_or_not_at_all() {
    let (engine, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let iface = iface(&plugin, kind::OUTPUT);
    let module = output(&plugin);
    let mut worker = module.instance(20, &[]).unwrap().worker().unwrap();
    let mut results = Vec::new();
    let span = |off, len| Span { off, len };
    let cells = [span(0, 2), span(2, 6), span(8, 5), span(13, 2)];
    let block = b"okrejectretryok";
    assert_eq!(worker.commit(rows(b"ok", &cells[..1], &[7]), &mut results), Committed::Done);
    assert_eq!(engine.lines(), ["20/6/2077: a record says so"]);
    let Committed::Partly(fault) = worker.commit(rows(block, &cells, &[1, 2, 3, 4]), &mut results) else {
        panic!("it is done in part")
    };
    assert_eq!(fault.text, "not all");
    assert_eq!(results, [result::OK, result::REJECT, result::RETRY, result::OK]);
    // A table that does not fit its rows never gets to the plugin.
    let wrong = worker.commit(rows(block, &cells[..3], &[1, 2, 3, 4]), &mut results);
    assert!(matches!(wrong, Committed::Disabled(_)));

    let set = |fail| values(iface, &[("fail", text(fail))]);
    let mut worker = module.instance(21, &set("commit")).unwrap().worker().unwrap();
    let Committed::Suspended(fault) = worker.commit(rows(b"ok", &cells[..1], &[1]), &mut results) else {
        panic!("it is suspended")
    };
    assert_eq!((fault.code, fault.text.as_str()), (2077, "commit fails as told"));
    assert!(worker.resume().is_ok());
    let mut worker = module.instance(22, &set("disable")).unwrap().worker().unwrap();
    assert!(matches!(
        worker.commit(rows(b"ok", &cells[..1], &[1]), &mut results),
        Committed::Disabled(fault) if fault.text == "for ever"
    ));
    assert_eq!(
        module.instance(23, &set("worker")).unwrap().worker().err().unwrap().text,
        "worker fails as told"
    );
    let mut worker = module.instance(24, &set("resume")).unwrap().worker().unwrap();
    assert_eq!(worker.resume().unwrap_err().text, "resume fails as told");
}

#[test]
fn a_callback_that_does_not_return_is_named() {
    let dir = Dir::new();
    let (_engine, loader) = Engine::new();
    let plugin = loader.module("misbehave").unwrap();
    let iface = iface(&plugin, kind::OUTPUT);
    let until = dir.file("go on");
    let set = [("wait", text("commit")), ("until", text(until.to_str().unwrap()))];
    let mut worker = output(&plugin).instance(20, &values(iface, &set)).unwrap().worker().unwrap();
    let thread = std::thread::spawn(move || {
        let cells = [Span { off: 0, len: 2 }];
        worker.commit(rows(b"ok", &cells, &[1]), &mut Vec::new())
    });
    let mut watch = Watch::new(Duration::from_millis(30));
    let mut late = Vec::new();
    wait_for("the watch names the commit", || {
        late.extend(watch.look().into_iter().filter(|o| o.callback == Callback::Commit.name()));
        (!late.is_empty()).then_some(())
    });
    assert_eq!(late[0].plugin, "misbehave");
    assert!(late[0].since >= Duration::from_millis(30));
    std::fs::write(&until, "").unwrap();
    assert_eq!(thread.join().unwrap(), Committed::Done);
    assert!(watch.look().iter().all(|o| o.callback != Callback::Commit.name()));
}

#[test]
fn shutdown_reaches_every_plugin() {
    let (engine, loader) = Engine::new();
    loader.module("misbehave").unwrap();
    loader.driver("ptcp").unwrap();
    loader.shutdown();
    let _later = input(&loader.module("misbehave").unwrap()).instance(10, &[]).unwrap();
    assert!(engine.value(10, "farewells") > 0);
}
