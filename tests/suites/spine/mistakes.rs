//! Mistakes in a configuration: the whole of stderr is pinned, with file, line, column, caret and the nearest name.

use crate::RECEIVE;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use sysloom_config::explain;
use sysloom_tests::{Daemon, Dir, built, check, connect, file_lines, lines, pki};

/// Each case of cases/mistakes: a configuration, and what a check says of it. `SYSLOOM_BLESS=1` writes the latter.
#[test]
fn each_mistake_is_shown_at_its_place() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/mistakes");
    let mut seen = 0;
    for entry in std::fs::read_dir(&cases).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|word| word != "conf") {
            continue;
        }
        seen += 1;
        let dir = Dir::new();
        dir.write("policy.yaml", "interval: 1\nburst: 10\noutput:\n  mode: pace\n  pase: 1\n");
        for name in ["one", "two"] {
            pki::self_signed(&dir, name, &pki::Wish::default());
        }
        let got = check(&dir, &std::fs::read_to_string(&file).unwrap());
        let version = env!("CARGO_PKG_VERSION");
        let text = format!("exit {}\n{}", got.code, got.stderr).replace(version, "VERSION");
        let text = text.replace(&built().modules.display().to_string(), "{modules}");
        let expected = file.with_extension("stderr");
        if std::env::var_os("SYSLOOM_BLESS").is_some() {
            std::fs::write(&expected, &text).unwrap();
        }
        let want = std::fs::read_to_string(&expected).unwrap_or_default();
        let name = file.display();
        assert!(text == want, "{name} says\n{text}\nand not\n{want}\n(SYSLOOM_BLESS=1 writes what it says)");
    }
    assert!(seen >= 10, "{seen} cases");
}

/// Every complaint that the configuration's rooms and the engine know by a slug is explained, and stands as whole text
/// in a case of its own name, here or beside the language.
#[test]
fn every_slug_is_explained_and_shown() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut slugs: BTreeSet<String> = explain::slugs().map(str::to_owned).collect();
    for folder in ["../config/src", "../core"] {
        said_in(&tests.join(folder), &mut slugs);
    }
    assert!(slugs.len() > 65, "{slugs:?}");
    let mut lacking = Vec::new();
    for slug in &slugs {
        if explain::explain(slug).is_none() {
            lacking.push(format!("{slug} has no explanation"));
        }
        let line = format!("    = {slug}\n");
        let cases = [tests.join("cases/mistakes"), tests.join("../config/tests/cases")];
        let shown = cases.iter().any(|folder| {
            let text = std::fs::read_to_string(folder.join(format!("{slug}.stderr")));
            text.is_ok_and(|text| text.contains(&line))
        });
        if !shown {
            lacking.push(format!("{slug} is shown in no case of its name"));
        }
    }
    assert!(lacking.is_empty(), "{}", lacking.join("\n"));
}

/// The slugs that stand in the sources: a word in quotes after a code, or of the calls that take one.
fn said_in(folder: &Path, slugs: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            said_in(&path, slugs);
        } else if path.extension().is_some_and(|word| word == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let calls =
                text.match_indices("Diagnostic::error(").chain(text.match_indices("Diagnostic::warning("));
            for (at, call) in calls {
                let mut words = text[at + call.len()..].splitn(3, ',');
                let slug = words.nth(1).unwrap_or_default().trim();
                if let Some(slug) = slug.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
                    slugs.insert(slug.to_owned());
                }
            }
        }
    }
}

/// Errors before, between and after; the statements beside them work.
#[test]
fn the_rest_of_a_configuration_with_errors_runs() {
    let dir = Dir::new();
    let config = format!(
        "$NoSuchDirective on\n{RECEIVE}module(load=\"imnosuch\")\naction(type=\"omnosuch\")\n\
         action(type=\"omfile\" file=\"{{dir}}/bad\" nosuch=\"1\")\nif $msg contains then stop\n\
         *.* action(type=\"omfile\" file=\"{{dir}}/log\" template=\"nosuch\")\n\
         template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n*.* {{dir}}/log;text\n"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    connect(daemon.port(&dir.file("port"))).write_all(lines(0..3).as_bytes()).unwrap();
    assert_eq!(file_lines(&dir.file("log"), 3), ["message 0", "message 1", "message 2"]);
    let said = daemon.stop();
    for word in ["NoSuchDirective", "imnosuch", "omnosuch", "'nosuch'"] {
        assert!(said.contains(word), "{word}\n{said}");
    }
}

#[test]
fn included_files_are_part_of_the_configuration_and_of_its_errors() {
    let dir = Dir::new();
    std::fs::create_dir(dir.file("d")).unwrap();
    dir.write("d/10.conf", "template(name=\"text\" type=\"string\" string=\"%msg%\\n\")\n");
    let second = format!("*.* {}/second;text\n\n  $Typo on\n", dir.path().display());
    dir.write("d/20.conf", second);
    dir.write("d/ignored.txt", "$NotRead on\n");
    let config = format!("{RECEIVE}$IncludeConfig {{dir}}/d/*.conf\n*.* {{dir}}/first;text\n");
    let daemon = Daemon::start(&dir, "daemon", &config);
    connect(daemon.port(&dir.file("port"))).write_all(lines(0..1).as_bytes()).unwrap();
    assert_eq!(file_lines(&dir.file("first"), 1), ["message 0"]);
    assert_eq!(file_lines(&dir.file("second"), 1), ["message 0"]);
    let said = daemon.stop();
    assert!(said.contains("d/20.conf:3:") && said.contains("Typo") && !said.contains("NotRead"), "{said}");
}
