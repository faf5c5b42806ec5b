//! The module through the sdk's traits, on real files.

use super::*;
use flate2::read::MultiGzDecoder;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use sysloom_sdk::testing::{Rows, TestHost, settings};

struct Bench {
    host: TestHost,
    dir: tempfile::TempDir,
    output: Omfile,
    writer: Writer,
}

impl Bench {
    fn new(params: &[(&'static str, &str)]) -> Self {
        Self::with(&[], params)
    }

    /// `@` in a parameter is the bench's directory.
    fn with(module: &[(&'static str, &str)], params: &[(&'static str, &str)]) -> Self {
        let (host, dir) = (TestHost::new(), tempfile::tempdir().unwrap());
        let output = make(&host, dir.path(), module, params).unwrap();
        let writer = Writer::new(&output).unwrap();
        Self { host, dir, output, writer }
    }

    fn commit(&mut self, rows: &[&str]) -> Commit {
        Rows::new(rows).lend(&self.host, |records| self.writer.commit(&self.output, records))
    }

    /// Rows of text and path.
    fn commit_dynamic(&mut self, cells: &[(&str, PathBuf)]) -> Commit {
        let cells = cells.iter().flat_map(|(text, path)| {
            [text.as_bytes().to_vec(), path.as_os_str().as_encoded_bytes().to_vec()]
        });
        Rows::of(2, cells).lend(&self.host, |records| self.writer.commit(&self.output, records))
    }

    /// A counter of the cache of dynafiles named by template `t`.
    fn count(&self, name: &str) -> u64 {
        self.host.host().counter_of("omfile", "dynafile cache t", name, Default::default()).get()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn make(
    host: &TestHost,
    dir: &Path,
    module: &[(&'static str, &str)],
    params: &[(&'static str, &str)],
) -> Result<Omfile, Complaint> {
    let dir = dir.to_str().unwrap();
    let params: Vec<_> = params.iter().map(|(name, word)| (*name, word.replace('@', dir))).collect();
    let params: Vec<_> = params.iter().map(|(name, word)| (*name, word.as_str())).collect();
    Omfile::new(&settings(module)?, settings(&params)?, host.host())
}

fn is_done(commit: Commit) {
    assert!(matches!(commit, Commit::Done), "{commit:?}");
}

fn suspended(commit: Commit) -> Complaint {
    match commit {
        Commit::Suspended(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_commit_is_appended_and_lines_are_ended() {
    let mut bench = Bench::new(&[("file", "@/log")]);
    fs::write(bench.path("log"), "old\n").unwrap();
    is_done(bench.commit(&["one\n", "two\n"]));
    is_done(bench.commit(&["three", "", "four\n"]));
    assert_eq!(bench.read("log"), "old\none\ntwo\nthree\n\nfour\n");
}

#[test]
fn add_lf_can_be_turned_off_at_both_places() {
    for (module, action) in [(&[("addLF", "off")][..], None), (&[], Some(("addLF", "off")))] {
        let params: Vec<_> = [("file", "@/log")].into_iter().chain(action).collect();
        let mut bench = Bench::with(module, &params);
        is_done(bench.commit(&["a", "b"]));
        assert_eq!(bench.read("log"), "ab");
    }
    let mut bench = Bench::with(&[("addLF", "off")], &[("file", "@/log"), ("addLF", "on")]);
    is_done(bench.commit(&["a"]));
    assert_eq!(bench.read("log"), "a\n");
}

#[test]
fn what_is_missing_is_created_with_its_modes() {
    let mut bench =
        Bench::new(&[("file", "@/a/b/log"), ("fileCreateMode", "0600"), ("dirCreateMode", "0750")]);
    is_done(bench.commit(&["x\n"]));
    let mode = |name: &str| fs::metadata(bench.path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("a"), mode("a/b"), mode("a/b/log")), (0o750, 0o750, 0o600));
}

#[test]
fn owners_are_those_of_the_parameters_or_the_failure_is_told() {
    let own = fs::metadata("/proc/self").unwrap();
    let ids = |path: PathBuf| fs::metadata(path).map(|at| (at.uid(), at.gid())).unwrap();
    // The host hands over users and groups as numbers.
    for (of_file, of_dir, word, wanted) in [
        ("fileOwnerNum", "dirOwnerNum", "4711", (4711, own.gid())),
        ("fileGroupNum", "dirGroupNum", "4712", (own.uid(), 4712)),
        ("fileOwner", "dirOwner", "4713", (4713, own.gid())),
        ("fileGroup", "dirGroup", "4714", (own.uid(), 4714)),
    ] {
        for (param, given, other) in [(of_file, "d/log", "d"), (of_dir, "d", "d/log")] {
            let mut bench = Bench::new(&[("file", "@/d/log"), (param, word)]);
            let commit = bench.commit(&["x\n"]);
            if own.uid() == 0 {
                is_done(commit);
                assert_eq!(ids(bench.path(given)), wanted, "{param}");
                assert_eq!(ids(bench.path(other)), (own.uid(), own.gid()), "{param}");
            } else {
                assert!(suspended(commit).text.contains("chown failed"), "{param}");
            }
        }
    }
}

#[test]
fn a_missing_directory_suspends_until_it_is_there() {
    let mut bench = Bench::new(&[("file", "@/a/log"), ("createDirs", "off")]);
    let why = suspended(bench.commit(&["x\n"]));
    assert_eq!(
        why.text,
        format!("file '{}': open error: No such file or directory", bench.path("a/log").display())
    );
    assert_eq!(why.code, 2040);
    assert!(bench.writer.resume(&bench.output).is_err());
    fs::create_dir(bench.path("a")).unwrap();
    bench.writer.resume(&bench.output).unwrap();
    is_done(bench.commit(&["x\n"]));
    assert_eq!(bench.read("a/log"), "x\n");
}

#[test]
fn after_a_hup_the_new_file_gets_everything() {
    let mut bench = Bench::new(&[("file", "@/log")]);
    is_done(bench.commit(&["one\n"]));
    fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
    is_done(bench.commit(&["two\n"]));
    bench.output.hup();
    assert!(!bench.path("log").exists());
    is_done(bench.commit(&["three\n"]));
    assert_eq!((bench.read("log.1"), bench.read("log")), ("one\ntwo\n".into(), "three\n".into()));
}

#[test]
fn symbolic_links_are_followed_unless_told_otherwise() {
    for (module, action, followed) in
        [("on", None, true), ("off", None, false), ("on", Some("off"), false), ("off", Some("on"), true)]
    {
        let action = action.map(|word| ("followSymlinks", word));
        let params: Vec<_> = [("file", "@/link")].into_iter().chain(action).collect();
        let mut bench = Bench::with(&[("followSymlinks", module)], &params);
        std::os::unix::fs::symlink("target", bench.path("link")).unwrap();
        let commit = bench.commit(&["x\n"]);
        assert_eq!(matches!(commit, Commit::Done), followed, "{commit:?}");
        assert_eq!(bench.path("target").exists(), followed);
    }
}

#[test]
fn dev_null_is_not_even_opened() {
    let mut bench = Bench::new(&[("file", "/dev/null")]);
    is_done(bench.commit(&["x\n"]));
    assert!(matches!(*bench.output.shared.lock(), Files::Nowhere));
}

#[test]
fn a_full_disk_suspends() {
    let mut bench = Bench::new(&[("file", "/dev/full")]);
    let why = suspended(bench.commit(&["x\n"]));
    assert_eq!(why.text, "file '/dev/full': write error: No space left on device");
    assert_eq!(why.code, 2027);
}

#[test]
fn a_pipe_without_a_reader_suspends_and_one_with_a_reader_gets_the_lines() {
    let mut bench = Bench::new(&[("file", "@/pipe")]);
    let made = std::process::Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap();
    assert!(made.success());
    suspended(bench.commit(&["x\n"]));
    let path = bench.path("pipe");
    // Opened for both directions a pipe has a reader at once.
    let mut reader = fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    is_done(bench.commit(&["y\n"]));
    let mut line = [0; 2];
    reader.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"y\n");
}

#[test]
fn a_pipe_that_is_full_keeps_whole_lines_and_asks_for_the_rest_again() {
    let mut bench = Bench::new(&[("file", "@/pipe")]);
    assert!(std::process::Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
    let mut reader = fs::OpenOptions::new().read(true).write(true).open(bench.path("pipe")).unwrap();
    let row = format!("{}\n", "x".repeat(999));
    let rows = vec![row.as_str(); 100];
    let Commit::Each(each, why) = bench.commit(&rows) else { panic!("all of it fits into the pipe") };
    assert!(why.text.contains("write error"), "{why}");
    let done = each.iter().take_while(|outcome| **outcome == Outcome::Done).count();
    assert!(done > 0 && each.iter().skip(done).all(|outcome| *outcome == Outcome::Retry));
    assert!(bench.writer.resume(&bench.output).is_err());
    let mut text = vec![0; 65_536];
    reader.read_exact(&mut text).unwrap();
    // The pipe holds 65536 bytes: 65 whole lines and a torn one, which is ended before the next.
    assert_eq!(done, 65);
    bench.writer.resume(&bench.output).unwrap();
    is_done(bench.commit(&["after\n"]));
    let mut rest = [0; 7];
    reader.read_exact(&mut rest).unwrap();
    assert_eq!(&rest, b"\nafter\n");
}

#[test]
fn either_a_file_or_a_dynafile_must_be_named() {
    let host = TestHost::new();
    let fails = |params: &[(&'static str, &str)]| make(&host, Path::new("/x"), &[], params).err().unwrap();
    assert_eq!(fails(&[]).code, 2211);
    assert_eq!(fails(&[("file", "")]).param, Some("file"));
    assert_eq!(fails(&[("file", "/x"), ("dynaFile", "t")]).param, Some("dynaFile"));
    assert!(fails(&[("file", "/x"), ("zipLevel", "10")]).text.contains("out of range"));
    assert!(fails(&[("file", "/x"), ("compression.zstd.workers", "1")]).text.contains("not known"));
}

#[test]
fn dynafiles_get_their_own_lines_in_order() {
    let mut bench = Bench::new(&[("dynaFile", "t")]);
    let (a, b) = (bench.path("a"), bench.path("sub/b"));
    is_done(bench.commit_dynamic(&[
        ("1\n", a.clone()),
        ("2", b.clone()),
        ("3\n", a.clone()),
        ("4\n", a.clone()),
    ]));
    is_done(bench.commit_dynamic(&[("5\n", b)]));
    assert_eq!((bench.read("a"), bench.read("sub/b")), ("1\n3\n4\n".into(), "2\n5\n".into()));
    let counts = ["requests", "level0", "missed", "evicted", "maxused"].map(|name| bench.count(name));
    assert_eq!(counts, [5, 1, 2, 0, 2]);
}

#[test]
fn the_oldest_dynafile_makes_room() {
    let mut bench = Bench::new(&[("dynaFile", "t"), ("dynaFileCacheSize", "2")]);
    let paths = ["a", "b", "c", "a"].map(|name| (name, bench.path(name)));
    is_done(bench.commit_dynamic(&paths));
    assert_eq!(
        (bench.read("a"), bench.read("b"), bench.read("c")),
        ("a\na\n".into(), "b\n".into(), "c\n".into())
    );
    assert_eq!((bench.count("evicted"), bench.count("maxused")), (2, 2));
    let Files::Dynamic(cache) = &*bench.output.shared.lock() else { unreachable!() };
    assert_eq!(cache.len(), 2);
}

#[test]
fn a_dynafile_path_that_leads_upwards_is_refused() {
    for (module, action, permitted) in [("off", None, false), ("on", None, true), ("off", Some("on"), true)] {
        let escape = "dynafile.dangerousPermitPathEscape";
        let params: Vec<_> =
            [("dynaFile", "t")].into_iter().chain(action.map(|word| (escape, word))).collect();
        let mut bench = Bench::with(&[(escape, module)], &params);
        let rows =
            [("good", bench.path("good")), ("bad", bench.path("good/../bad")), ("good", bench.path("good"))];
        let commit = bench.commit_dynamic(&rows);
        if permitted {
            // The path goes through a file, which the system refuses.
            assert!(matches!(&commit, Commit::Each(_, why) if why.text.contains("open error")), "{commit:?}");
        } else {
            let Commit::Each(each, why) = commit else { panic!("{commit:?}") };
            assert_eq!(each, [Outcome::Done, Outcome::Reject, Outcome::Done]);
            assert_eq!(why.code, 2140);
        }
        assert_eq!(bench.read("good"), "good\ngood\n");
    }
}

#[test]
fn a_dynafile_that_cannot_be_opened_loses_its_message_or_suspends() {
    for (word, outcome) in [("on", Outcome::Reject), ("off", Outcome::Retry)] {
        let mut bench = Bench::with(&[("dynafile.doNotSuspend", word)], &[("dynaFile", "t")]);
        fs::write(bench.path("file"), "").unwrap();
        let commit = bench.commit_dynamic(&[("x", bench.path("file/x")), ("y", bench.path("y"))]);
        let Commit::Each(each, why) = commit else { panic!("{commit:?}") };
        assert_eq!(each, [outcome, Outcome::Done]);
        assert!(why.text.ends_with("Not a directory - discarding message"), "{why}");
        assert_eq!(bench.read("y"), "y\n");
    }
}

#[test]
fn a_hup_closes_dynafiles() {
    let mut bench = Bench::new(&[("dynaFile", "t")]);
    is_done(bench.commit_dynamic(&[("1", bench.path("a"))]));
    fs::rename(bench.path("a"), bench.path("a.1")).unwrap();
    bench.output.hup();
    is_done(bench.commit_dynamic(&[("2", bench.path("a"))]));
    assert_eq!((bench.read("a.1"), bench.read("a")), ("1\n".into(), "2\n".into()));
}

fn unzip(path: &Path) -> String {
    let mut text = String::new();
    MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_kind_of_a_paths_template_can_be_restricted() {
    let (restrict, dynamic) = ([("dynafile.restrictTemplateType", "on")], [("dynaFile", "t")]);
    for (module, pieces, taken) in [(&[][..], 0, true), (&restrict[..], 1, true), (&restrict[..], 0, false)] {
        let host = TestHost::new();
        host.answer("template.pieces", &[pieces]);
        let made = make(&host, Path::new("/x"), module, &dynamic);
        assert_eq!(made.is_ok(), taken);
        if let Err(why) = made {
            assert_eq!(why.param, Some("dynaFile"));
            assert!(
                why.text.ends_with("'t' is a subtree or made by a plugin: use one of type string or list")
            );
        }
    }
}

#[test]
fn zipped_files_can_be_read_after_each_end() {
    for robust in ["off", "on"] {
        let mut bench = Bench::new(&[("file", "@/log.gz"), ("zipLevel", "6"), ("veryRobustZip", robust)]);
        is_done(bench.commit(&["one\n", "two"]));
        let members = |bench: &Bench| {
            let bytes = fs::read(bench.path("log.gz")).unwrap();
            bytes.windows(3).filter(|w| *w == [0x1f, 0x8b, 8]).count()
        };
        is_done(bench.commit(&["three\n"]));
        assert_eq!(members(&bench), if robust == "on" { 2 } else { 1 });
        if robust == "on" {
            assert_eq!(unzip(&bench.path("log.gz")), "one\ntwo\nthree\n");
        }
        bench.output.hup();
        assert_eq!(unzip(&bench.path("log.gz")), "one\ntwo\nthree\n");
        is_done(bench.commit(&["four\n"]));
        let Bench { output, dir, .. } = bench;
        drop(output);
        assert_eq!(unzip(&dir.path().join("log.gz")), "one\ntwo\nthree\nfour\n");
    }
}

/// With the system's zstd, if there is one.
fn unzstd(path: &Path) -> String {
    match std::process::Command::new("zstd").args(["-d", "-c", "-q"]).arg(path).output() {
        Ok(out) => String::from_utf8(out.stdout).unwrap(),
        Err(_) => String::from_utf8(zstd::decode_all(fs::File::open(path).unwrap()).unwrap()).unwrap(),
    }
}

#[test]
fn zstd_files_can_be_read_after_each_end() {
    for (workers, robust) in [("1", "on"), ("3", "off")] {
        let module = [("compression.driver", "zstd"), ("compression.zstd.workers", workers)];
        let params = [("file", "@/log.zst"), ("zipLevel", "6"), ("veryRobustZip", robust)];
        let mut bench = Bench::with(&module, &params);
        is_done(bench.commit(&["one\n", "two"]));
        is_done(bench.commit(&["three\n"]));
        // A stream that is not ended can be read as far as it goes, with a complaint.
        assert_eq!(unzstd(&bench.path("log.zst")), "one\ntwo\nthree\n");
        bench.output.hup();
        is_done(bench.commit(&["four\n"]));
        let frames = |bytes: &[u8]| bytes.windows(4).filter(|w| *w == [0x28, 0xb5, 0x2f, 0xfd]).count();
        assert_eq!(frames(&fs::read(bench.path("log.zst")).unwrap()), if robust == "on" { 3 } else { 2 });
        let Bench { output, dir, .. } = bench;
        drop(output);
        assert_eq!(unzstd(&dir.path().join("log.zst")), "one\ntwo\nthree\nfour\n");
    }
}

#[test]
fn what_compresses_and_with_how_many_threads_is_the_modules_choice() {
    use crate::pack::Packing;
    let packing = |module: &[(&'static str, &str)], level: &str| {
        let params: ActionParams = settings(&[("file", "/x"), ("zipLevel", level)]).unwrap();
        params.writing(&settings(module).unwrap()).packing
    };
    let zstd = ("compression.driver", "zstd");
    assert_eq!(packing(&[], "5"), Some(Packing::Gzip(5)));
    assert_eq!(packing(&[zstd], "5"), Some(Packing::Zstd(5, 0)));
    assert_eq!(packing(&[zstd, ("compression.zstd.workers", "4")], "9"), Some(Packing::Zstd(9, 4)));
    assert_eq!(packing(&[zstd], "0"), None);
}

#[test]
fn without_a_flush_at_the_commit_the_buffer_decides() {
    let mut bench = Bench::new(&[("file", "@/log"), ("flushOnTXEnd", "off"), ("ioBufferSize", "10")]);
    is_done(bench.commit(&["12345\n"]));
    assert_eq!(bench.read("log"), "");
    is_done(bench.commit(&["6789\n"]));
    assert_eq!(bench.read("log"), "12345\n6789\n");
    is_done(bench.commit(&["x\n"]));
    assert_eq!(bench.read("log"), "12345\n6789\n");
    bench.output.hup();
    assert_eq!(bench.read("log"), "12345\n6789\nx\n");
}

#[test]
fn asynchronous_writing_needs_no_further_commit_but_an_interval() {
    let began = std::time::Instant::now();
    let mut bench = Bench::new(&[
        ("file", "@/log"),
        ("flushOnTXEnd", "off"),
        ("asyncWriting", "on"),
        ("flushInterval", "2"),
    ]);
    is_done(bench.commit(&["x\n"]));
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while bench.read("log") != "x\n" {
        assert!(std::time::Instant::now() < until, "nothing was written in the background");
        std::thread::yield_now();
    }
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[test]
fn idle_files_are_closed() {
    for (params, minutes) in [
        (&[("file", "@/log")][..], None),
        (&[("file", "@/log"), ("closeTimeout", "2")][..], Some(2)),
        (&[("dynaFile", "t")][..], Some(10)),
        (&[("dynaFile", "t"), ("closeTimeout", "3")][..], Some(3)),
        (&[("dynaFile", "t"), ("closeTimeout", "0")][..], None),
    ] {
        let mut bench = Bench::new(params);
        let dynamic = params[0].0 == "dynaFile";
        let path = bench.path("log");
        let write = |bench: &mut Bench| {
            is_done(if dynamic {
                bench.commit_dynamic(&[("x", path.clone())])
            } else {
                bench.commit(&["x"])
            });
        };
        let after = |bench: &Bench, seconds: u64| {
            let mut files = bench.output.shared.lock();
            bench.output.shared.tidy(&mut files, Instant::now() + Duration::from_secs(seconds));
        };
        write(&mut bench);
        // An open file follows its new name, a closed one is made again.
        fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
        after(&bench, minutes.unwrap_or(1000) * 60 - 1);
        write(&mut bench);
        assert_eq!(bench.read("log.1"), "x\nx\n");
        after(&bench, minutes.unwrap_or(1000) * 60 + 1);
        write(&mut bench);
        assert_eq!(bench.path("log").exists(), minutes.is_some(), "{params:?}");
        let closed = u64::from(dynamic && minutes.is_some());
        assert_eq!(if dynamic { bench.count("closetimeouts") } else { 0 }, closed);
    }
}

#[test]
fn buffered_lines_wait_for_a_file_that_can_be_written() {
    let mut bench = Bench::new(&[("file", "@/link"), ("flushOnTXEnd", "off"), ("ioBufferSize", "4")]);
    std::os::unix::fs::symlink("/dev/full", bench.path("link")).unwrap();
    is_done(bench.commit(&["first\n"]));
    assert!(bench.host.lines()[0].text.contains("No space left"));
    suspended(bench.commit(&["second\n"]));
    fs::remove_file(bench.path("link")).unwrap();
    bench.writer.resume(&bench.output).unwrap();
    is_done(bench.commit(&["second\n"]));
    assert_eq!(bench.read("link"), "first\nsecond\n");
}

#[test]
fn a_size_limit_runs_its_command_with_argument_and_name() {
    let mut bench = Bench::new(&[
        ("file", "@/log"),
        ("rotation.sizeLimit", "20"),
        ("rotation.sizeLimitCommand", "@/count"),
        ("rotation.sizeLimitCommandPassFileName", "off"),
    ]);
    // A command that learns no file: no help.
    fs::write(bench.path("count"), "#!/bin/sh\necho $# > \"$0.args\"\n").unwrap();
    fs::set_permissions(bench.path("count"), fs::Permissions::from_mode(0o755)).unwrap();
    is_done(bench.commit(&["0123456789\n"]));
    is_done(bench.commit(&["0123456789\n"]));
    assert_eq!(bench.host.lines()[0].code, 2126);
    let Commit::Disabled(why) = bench.commit(&["x\n"]) else { panic!("the file was not given up") };
    assert_eq!(why.code, 2127);
    assert_eq!(bench.read("count.args"), "0\n");

    let mut bench = Bench::new(&[
        ("file", "@/log"),
        ("rotation.sizeLimit", "20"),
        ("rotation.sizeLimitCommand", "@/rotate some words"),
    ]);
    fs::write(bench.path("rotate"), "#!/bin/sh\necho \"$#:$1\" > \"$2.args\"\nmv \"$2\" \"$2.old\"\n")
        .unwrap();
    fs::set_permissions(bench.path("rotate"), fs::Permissions::from_mode(0o755)).unwrap();
    is_done(bench.commit(&["0123456789\n", "0123456789\n"]));
    is_done(bench.commit(&["new\n"]));
    assert_eq!(bench.read("log.old"), "0123456789\n0123456789\n");
    assert_eq!((bench.read("log"), bench.read("log.args")), ("new\n".into(), "2:some words\n".into()));
}

#[test]
fn several_actions_on_one_file_do_not_tear_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let host = TestHost::new();
    std::thread::scope(|scope| {
        for letter in ["a", "b", "c"] {
            let (host, dir) = (&host, dir.path());
            scope.spawn(move || {
                let output = make(host, dir, &[], &[("file", "@/log")]).unwrap();
                let mut writer = Writer::new(&output).unwrap();
                let row = format!("{}\n", letter.repeat(300));
                for _ in 0..200 {
                    Rows::new(vec![&row; 50]).lend(host, |records| is_done(writer.commit(&output, records)));
                }
            });
        }
    });
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 3 * 200 * 50);
    for line in text.lines() {
        assert!(line.len() == 300 && line.bytes().all(|byte| Some(&byte) == line.as_bytes().first()));
    }
}

#[test]
fn the_readme_has_the_tables() {
    use sysloom_sdk::testing::{check_readme, table};
    check_readme(
        env!("CARGO_MANIFEST_DIR"),
        &[
            ("module", table::<crate::params::ModuleParams>()),
            ("action", table::<crate::params::ActionParams>()),
        ],
    );
}
