//! Lookup tables while the daemon runs: reloaded on demand and on HUP, stubbed when that fails.

use nix::sys::signal::Signal;
use std::io::Write;
use std::net::TcpStream;
use sysloom_tests::{Daemon, Dir, file_lines, wait_for};

const CONFIG: &str = r#"
module(load="imtcp")
input(type="imtcp" port="0" address="127.0.0.1" listenPortFileName="{dir}/port")
lookup_table(name="t" file="{dir}/table")
template(name="found" type="string" string="%msg%=%$.v%\n")
if $msg == "reload" then { reload_lookup_table("t") stop }
if $msg == "stub" then { reload_lookup_table("t", "gone") stop }
set $.v = lookup("t", $msg);
action(type="omfile" file="{dir}/out" template="found")
"#;

fn table(dir: &Dir, value: &str) {
    let rows = format!(r#"[{{"index":"k","value":"{value}"}}]"#);
    dir.write("table", format!(r#"{{"version":1,"nomatch":"none","type":"string","table":{rows}}}"#));
}

#[test]
fn a_table_is_reloaded_on_demand_and_on_hup() {
    let dir = Dir::new();
    table(&dir, "one");
    let daemon = Daemon::start(&dir, "tables", CONFIG);
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    let mut lines = 0;
    let mut ask = |stream: &mut TcpStream, key: &str| {
        writeln!(stream, "<13>1 2026-11-23T01:02:03Z h a - - - {key}").unwrap();
        lines += 1;
        file_lines(&dir.file("out"), lines).pop().unwrap()
    };
    assert_eq!(ask(&mut stream, "k"), "k=one");
    assert_eq!(ask(&mut stream, "x"), "x=none");
    table(&dir, "two");
    assert_eq!(ask(&mut stream, "k"), "k=one");
    let say = |stream: &mut TcpStream, what: &str| writeln!(stream, "<13>1 - h a - - - {what}").unwrap();
    say(&mut stream, "reload");
    wait_for("the reloaded table", || (ask(&mut stream, "k") == "k=two").then_some(()));
    table(&dir, "three");
    daemon.signal(Signal::SIGHUP);
    wait_for("the table after HUP", || (ask(&mut stream, "k") == "k=three").then_some(()));
    dir.write("table", "{ broken");
    say(&mut stream, "reload");
    daemon.wait_stderr("lookup table 't' could not be reloaded");
    assert_eq!(ask(&mut stream, "k"), "k=three", "the old table stays");
    say(&mut stream, "stub");
    wait_for("the stub", || (ask(&mut stream, "k") == "k=gone").then_some(()));
    assert_eq!(ask(&mut stream, "x"), "x=gone");
    daemon.stop();
}

/// What is wrong with a file leaves the table as it is, whatever it is; a file that is gone, too.
#[test]
fn a_reload_of_what_is_no_table_changes_nothing() {
    let dir = Dir::new();
    table(&dir, "one");
    let daemon = Daemon::start(&dir, "tables", CONFIG);
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    let mut lines = 0;
    let mut say = |what: &str| writeln!(stream, "<13>1 2026-11-23T01:02:03Z h a - - - {what}").unwrap();
    let text = |inner: &str| format!(r#"{{"version":1,"nomatch":"none",{inner}}}"#);
    for (broken, why) in [
        (r#"{"version":2,"table":[]}"#.to_owned(), "its version is not 1"),
        (text(r#""type":"string""#), "it has no `table`"),
        (text(r#""type":"string","table":[1]"#), "a row is no object"),
        (text(r#""type":"string","table":[{"index":"k"}]"#), "a row lacks `index` or `value`"),
        (text(r#""type":"array","table":[{"index":"k","value":"x"}]"#), "an index is no number"),
        (
            text(r#""type":"array","table":[{"index":1,"value":"x"},{"index":3,"value":"y"}]"#),
            "the indexes of an array table have gaps",
        ),
        (text(r#""type":"regex","table":[{"regex":"a(b","tag":"x"}]"#), "regular expression a(b: "),
        ("[".repeat(10_000), "json parsing error"),
        (String::new(), "json parsing error"),
    ] {
        dir.write("table", &broken);
        // A reload that is under way swallows the next one, so it is asked for until it is heard.
        wait_for(why, || {
            say("reload");
            daemon.stderr().contains(why).then_some(())
        });
        say("k");
        lines += 1;
        assert_eq!(file_lines(&dir.file("out"), lines).pop().unwrap(), "k=one", "{why}");
        std::fs::remove_file(dir.file("table")).unwrap();
    }
    say("reload");
    daemon.wait_stderr("could not be opened: No such file or directory");
    table(&dir, "two");
    wait_for("a table that is whole again", || {
        say("reload");
        say("k");
        lines += 1;
        (file_lines(&dir.file("out"), lines).pop().unwrap() == "k=two").then_some(())
    });
    daemon.stop();
}
