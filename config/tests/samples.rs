//! The samples are sound: nothing is wrong with them but the keys that this machine lacks.

mod world;

use std::path::{Path, PathBuf};
use sysloom_config::Loaded;

fn sample(name: &str) -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples").join(name);
    let mut world = world::small("");
    world.files.insert(PathBuf::from(name), std::fs::read(&path).expect("a sample"));
    sysloom_config::load(Path::new(name), &mut world)
}

#[test]
fn all_samples_are_sound() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).expect("the samples").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".conf") && !name.ends_with(".yaml") {
            continue;
        }
        let loaded = sample(&name);
        let wrong: Vec<_> = loaded.diagnostics.iter().filter(|d| d.slug != "inaccessible-file").collect();
        assert!(wrong.is_empty(), "{name}: {}", world::stderr(&loaded));
        assert!(!loaded.plan.actions.is_empty(), "{name}");
        read += 1;
    }
    assert!(read >= 8, "{read} samples");
}

#[test]
fn the_first_tls_setup_means_what_it_meant() {
    let server = sample("seed-server.conf").plan;
    let streams = &server.inputs[0].streams;
    assert_eq!(streams.str("streamDriver.name"), Some("gtls"));
    assert_eq!(
        (streams.int("streamDriver.mode"), streams.str("streamDriver.authMode")),
        (Some(1), Some("anon"))
    );
    assert_eq!(server.inputs[0].values.str("port"), Some("10514"));
    let client = sample("seed-client.conf").plan;
    let action = client.actions.last().expect("an action");
    assert_eq!(action.streams.str("streamDriver.name"), Some("gtls"));
    assert_eq!(
        (action.streams.int("streamDriver.mode"), action.values.str("protocol")),
        (Some(1), Some("tcp"))
    );
    assert_eq!(action.values.str("tcp_framing"), Some("octet-counted"));
}

#[test]
fn both_forms_of_the_collector_agree() {
    let (conf, yaml) = (sample("central.conf").plan, sample("central.yaml").plan);
    let template =
        |plan: &sysloom_config::Plan| plan.templates[plan.template("perProgram").expect("it").0].kind.clone();
    assert_eq!(template(&conf), template(&yaml));
    assert_eq!(conf.inputs[0].streams.list("permittedPeer"), yaml.inputs[0].streams.list("permittedPeer"));
    assert_eq!(conf.inputs[0].ruleset.is_some(), yaml.inputs[0].ruleset.is_some());
}
