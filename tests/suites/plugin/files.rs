//! Files that are no plugins of ours: each gives one clear line, and no code of it runs.

use crate::c::library;
use crate::engine::Engine;
use crate::libraries::libraries;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use sysloom_engine::plugin::{Facts, LoadError};
use sysloom_tests::Dir;

/// The error's text for a file.
fn error(path: &Path) -> LoadError {
    let (_, loader) = Engine::new();
    match loader.load(path) {
        Ok(plugin) => panic!("{} was loaded as {}", path.display(), plugin.name()),
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "one line: {error}");
            error
        }
    }
}

fn good() -> PathBuf {
    libraries().join("libmisbehave.so")
}

/// The good library with some bytes changed.
fn changed(dir: &Dir, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(good()).unwrap();
    change(&mut bytes);
    dir.write(name, bytes)
}

#[test]
fn nothing_directory_empty_text() {
    let dir = Dir::new();
    assert_eq!(error(&dir.file("gone.so")), LoadError::Missing);
    assert_eq!(error(dir.path()), LoadError::Directory);
    assert_eq!(error(&dir.write("empty.so", "")), LoadError::Empty);
    assert_eq!(error(&dir.write("text.so", "#!/bin/sh\nexit 0\n")), LoadError::NotElf);
    assert_eq!(error(Path::new("/dev/null")), LoadError::NotAFile);
}

#[test]
fn cut_off_anywhere() {
    let dir = Dir::new();
    let whole = fs::read(good()).unwrap();
    for len in [5, 20, 63, 64, 100, 600, 5000, whole.len() / 2, whole.len() - 1] {
        let file = dir.write("cut.so", &whole[..len]);
        let LoadError::Truncated { wanted, found } = error(&file) else {
            panic!("cut at {len}: {}", error(&file))
        };
        assert!(found == len as u64 && wanted > found, "cut at {len}");
    }
}

#[test]
fn other_machines() {
    let dir = Dir::new();
    let narrow = changed(&dir, "narrow.so", |b| b[4] = 1);
    assert_eq!(error(&narrow), LoadError::Class { wanted: "64-bit", found: "32-bit" });
    let backward = changed(&dir, "backward.so", |b| b[5] ^= 3);
    assert!(matches!(error(&backward), LoadError::Class { .. }));
    let foreign = changed(&dir, "foreign.so", |b| b[18] = 0x16);
    let LoadError::Machine { found, .. } = error(&foreign) else { panic!("{}", error(&foreign)) };
    assert_eq!(found, "s390");
}

#[test]
fn damaged_in_the_middle() {
    let dir = Dir::new();
    // Where the section headers are: the sections' names become garbage, or point beyond the file.
    let file = changed(&dir, "names.so", |b| {
        let start = u64::from_le_bytes(b[40..48].try_into().unwrap()) as usize;
        b[start..].fill(0xff);
    });
    assert!(matches!(error(&file), LoadError::Damaged(_)), "{}", error(&file));
}

#[test]
fn libraries_that_are_no_plugins() {
    let dir = Dir::new();
    assert_eq!(error(&library(&dir, "plain", "int plain(void) { return 1; }", &[])), LoadError::NoManifest);
    let executable = library(&dir, "program", "int main(void) { return 0; }", &["-no-pie", "-fno-pic"]);
    assert!(matches!(error(&executable), LoadError::NotShared | LoadError::NoManifest));
    assert_eq!(error(&std::env::current_exe().unwrap()), LoadError::NoManifest);
}

#[test]
fn only_the_owner_may_write() {
    let dir = Dir::new();
    for (mode, refused) in [(0o755, false), (0o775, true), (0o646, true), (0o600, false)] {
        let file = changed(&dir, "open.so", |_| ());
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let (_, loader) = Engine::new();
        match loader.load(&file) {
            Ok(_) => assert!(!refused, "mode {mode:o}"),
            Err(error) => assert_eq!(error, LoadError::Writable { mode }),
        }
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn another_layout_is_one_line_and_a_long_report_for_debugging() {
    let (engine, loader) = Engine::new();
    let error = loader.load(&libraries().join("libotherlayout.so")).err().expect("it differs");
    assert!(matches!(error, LoadError::Layout { major: 0, .. }), "{error}");
    assert!(error.to_string().contains("rebuild it"));
    assert!(engine.lines().iter().any(|line| line.starts_with("0/7/0: ") && line.len() > 500));
}

#[test]
fn a_name_says_where_it_was_looked_for() {
    let dir = Dir::new();
    let (_, loader) = Engine::searching(dir.path());
    let failure = loader.module("imnope").err().expect("it does not exist");
    let at = dir.path().display();
    assert_eq!(
        failure.to_string(),
        format!(
            "could not load module 'imnope', errors: trying to load module {at}/imnope.so: no such file  ////////  \
             trying to load module {at}/libimnope.so: no such file"
        )
    );
    dir.write("imnope.so", "text");
    let failure = loader.module("imnope").err().expect("it is no library");
    assert_eq!(
        failure.to_string(),
        format!(
            "could not load module 'imnope', errors: trying to load module {at}/imnope.so: is no ELF file"
        )
    );
}

#[test]
fn the_same_file_under_two_names_is_one_plugin() {
    let dir = Dir::new();
    symlink(good(), dir.file("one.so")).unwrap();
    symlink(good(), dir.file("two.so")).unwrap();
    let (_, loader) = Engine::searching(dir.path());
    let one = loader.module("one").unwrap();
    let two = loader.module(&format!("{}/two", dir.path().display())).unwrap();
    assert!(Arc::ptr_eq(&one, &two));
    assert_eq!((one.name(), loader.plugins().len()), ("misbehave", 1));
    // An update that is not done yet does not disturb what is loaded.
    let file = dir.file("copy.so");
    fs::copy(good(), &file).unwrap();
    let copy = loader.load(&file).unwrap();
    fs::write(dir.file("half.so"), "half").unwrap();
    fs::rename(dir.file("half.so"), &file).unwrap();
    assert!(Arc::ptr_eq(&copy, &loader.load(&file).unwrap()));
}

#[test]
fn a_driver_comes_by_name_by_file_and_by_alias() {
    let (_, loader) = Engine::new();
    assert_eq!(loader.driver("ptcp").unwrap().name(), "ptcp");
    // A driver of a loaded plugin is known whatever its file is called.
    assert!(loader.driver("misbehave").is_err());
    loader.module("misbehave").unwrap();
    assert_eq!(loader.driver("MisBehave").unwrap().name(), "misbehave");
    // A link with rsyslog's spelling.
    let dir = Dir::new();
    symlink(libraries().join("libnsd_ptcp.so"), dir.file("lmnsd_gtls.so")).unwrap();
    let (_, loader) = Engine::searching(dir.path());
    assert_eq!(loader.driver("gtls").unwrap().name(), "ptcp");
    let failure = loader.driver("ossl").err().expect("nobody has it");
    let failure = failure.to_string();
    assert!(failure.contains("lmnsd_ossl.so: no such file"), "{failure}");
    assert!(failure.contains("cargo build --release -p sysloom-nsd-ossl"), "{failure}");
    let failure = loader.driver("nobody").err().expect("nobody has it").to_string();
    assert!(!failure.contains("cargo build"), "{failure}");
}

#[test]
fn no_damage_makes_the_judge_panic() {
    let dir = Dir::new();
    let source = "#include \"sysloom.h\"\nSYSLOOM_MANIFEST(x, \"1\", 1 << SYSLOOM_KIND_INPUT, 0);\n\
                  SYSLOOM_ENTRY(x)(const SysloomHost *host) { (void)host; return 0; }";
    let whole = fs::read(library(&dir, "x", source, &["-Wl,-z,noseparate-code", "-s"])).unwrap();
    let (file, mut seed) = (dir.file("damaged.so"), 0x9e37_79b9_7f4a_7c15_u64);
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let (mut judged, mut refused) = (0, 0);
    for round in 0..4000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + round % 4 {
            // The headers are where damage matters most.
            let near = if next(2) == 0 { next(64) } else { bytes.len() - 1 - next(2000.min(bytes.len())) };
            bytes[if next(3) == 0 { next(whole.len()) } else { near }] = next(256) as u8;
        }
        fs::write(&file, &bytes).unwrap();
        judged += 1;
        refused += usize::from(Facts::of(&file).is_err());
    }
    assert!(refused > 500 && refused < judged, "{refused} of {judged} refused");
}
