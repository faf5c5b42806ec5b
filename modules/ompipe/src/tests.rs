//! The module through the sdk's traits, with real pipes.

use super::*;
use std::io::Read;
use std::path::Path;
use sysloom_sdk::testing::{Rows, TestHost, settings};

struct Bench {
    host: TestHost,
    dir: tempfile::TempDir,
    output: Ompipe,
}

impl Bench {
    fn new(params: &[(&'static str, &str)]) -> Self {
        let (host, dir) = (TestHost::new(), tempfile::tempdir().unwrap());
        let path = dir.path().join("pipe");
        let params: Vec<_> =
            [("pipe", path.to_str().unwrap())].into_iter().chain(params.iter().copied()).collect();
        let output = Ompipe::new(&settings(&[]).unwrap(), settings(&params).unwrap(), host.host()).unwrap();
        Self { host, dir, output }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("pipe")
    }

    fn commit(&self, rows: &[&str]) -> Commit {
        Rows::new(rows).lend(&self.host, |records| Writer.commit(&self.output, records))
    }
}

fn make(path: &Path) -> File {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

fn expect(pipe: &mut File, text: &str) {
    let mut bytes = vec![0; text.len()];
    pipe.read_exact(&mut bytes).unwrap();
    assert!(bytes == text.as_bytes(), "{:?}", String::from_utf8_lossy(&bytes));
}

#[test]
fn records_wait_in_the_pipe_for_a_reader() {
    let bench = Bench::new(&[]);
    drop(make(&bench.path()));
    assert!(matches!(bench.commit(&["one\n", "two\n"]), Commit::Done));
    let mut reader = File::open(bench.path()).unwrap();
    expect(&mut reader, "one\ntwo\n");
}

#[test]
fn a_pipe_that_is_missing_suspends() {
    let bench = Bench::new(&[]);
    let Commit::Suspended(why) = bench.commit(&["x"]) else { panic!("there is no pipe") };
    let words = format!("could not open pipe '{}': No such file or directory", bench.path().display());
    assert_eq!((why.text, why.code), (words, 2039));
    assert!(Writer.resume(&bench.output).is_err());
    let mut reader = make(&bench.path());
    Writer.resume(&bench.output).unwrap();
    assert!(matches!(bench.commit(&["x"]), Commit::Done));
    expect(&mut reader, "x");
}

#[test]
fn a_full_pipe_keeps_whole_records_and_asks_for_the_rest_again() {
    let bench = Bench::new(&[]);
    let mut reader = make(&bench.path());
    let row = "x".repeat(999) + "\n";
    let Commit::Each(each, why) = bench.commit(&vec![row.as_str(); 100]) else { panic!("all of it fits") };
    assert_eq!(why.code, 2119);
    let done = each.iter().take_while(|outcome| **outcome == Outcome::Done).count();
    assert!(done >= 60 && each.iter().skip(done).all(|outcome| *outcome == Outcome::Retry));
    assert!(matches!(bench.commit(&[&row]), Commit::Suspended(_)));
    assert!(Writer.resume(&bench.output).is_err());
    expect(&mut reader, &row.repeat(done));
    Writer.resume(&bench.output).unwrap();
    assert!(matches!(bench.commit(&["y\n"]), Commit::Done));
    expect(&mut reader, "y\n");
}

#[test]
fn a_record_longer_than_the_pipe_is_not_torn() {
    let bench = Bench::new(&[]);
    let mut reader = make(&bench.path());
    let long = "z".repeat(100_000);
    let Commit::Each(each, _) = bench.commit(&[&long, "next"]) else { panic!("all of it fits") };
    assert_eq!(each, [Outcome::Done, Outcome::Retry]);
    expect(&mut reader, &long[..65_536]);
    assert!(matches!(bench.commit(&["next"]), Commit::Done));
    expect(&mut reader, &long[65_536..]);
    expect(&mut reader, "next");
}

#[test]
fn a_hup_and_try_resume_reopen_open_the_path_anew() {
    for (word, hup, anew) in [("off", true, true), ("on", false, true), ("off", false, false)] {
        let bench = Bench::new(&[("tryResumeReopen", word)]);
        let mut old = make(&bench.path());
        assert!(matches!(bench.commit(&["1"]), Commit::Done));
        expect(&mut old, "1");
        std::fs::rename(bench.path(), bench.dir.path().join("old")).unwrap();
        let mut new = make(&bench.path());
        if hup {
            bench.output.hup();
        }
        Writer.resume(&bench.output).unwrap();
        assert!(matches!(bench.commit(&["2"]), Commit::Done));
        expect(if anew { &mut new } else { &mut old }, "2");
    }
}

#[test]
fn the_readme_has_the_tables() {
    use sysloom_sdk::testing::{check_readme, table};
    check_readme(
        env!("CARGO_MANIFEST_DIR"),
        &[("module", table::<ModuleParams>()), ("action", table::<ActionParams>())],
    );
}
