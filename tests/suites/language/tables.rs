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
