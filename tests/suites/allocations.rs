//! The running daemon allocates nothing per message: imtcp to omfile, counted from outside by a preloaded library.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use sysloom_tests::{Daemon, Dir, wait_for};

/// Enough to have made every buffer that stays.
const WARM: usize = 60_000;
const COUNTED: usize = 100_000;

/// The usual way, and the ways through plugins that work on one message at a time.
const WAYS: [&str; 2] = [
    "input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/port\")\n\
     *.info action(type=\"omfile\" file=\"{dir}/log\" template=\"RSYSLOG_FileFormat\")\n",
    "module(load=\"fmhash\")\nmodule(load=\"fmpcre\")\nmodule(load=\"pmlastmsg\")\n\
     ruleset(name=\"own\" parser=[\"rsyslog.lastline\", \"rsyslog.rfc5424\", \"rsyslog.rfc3164\"]) {\n\
     if hash32mod($msg, 1000, 7) >= 0 and pcre_match($msg, \"us(u)al \\\\w+$\") == 1 then\n\
     action(type=\"omfile\" file=\"{dir}/log\" template=\"RSYSLOG_FileFormat\")\n}\n\
     input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{dir}/port\" ruleset=\"own\")\n\
     *.* /dev/null\n",
];

#[test]
fn the_daemon_allocates_nothing_for_messages() {
    WAYS.iter().for_each(|way| allocates_nothing(way));
}

fn allocates_nothing(way: &str) {
    let dir = Dir::new();
    let library = dir.file("count.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/allocations/count.c");
    let built = Command::new("cc").args(["-O2", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(built.expect("a C compiler is installed").success());
    let count_file = dir.write("count", [0_u8; 8]);
    let config = format!("module(load=\"imtcp\")\n{way}");
    let daemon = Daemon::start_with(&dir, "server", &config, |command| {
        command.env("LD_PRELOAD", &library).env("COUNT_FILE", &count_file);
    });
    let mut stream = TcpStream::connect(("127.0.0.1", daemon.port(&dir.file("port")))).unwrap();
    send(&mut stream, WARM);
    wait_for_lines(&dir, WARM);
    let before = count(&count_file);
    assert!(before > 100, "the daemon's start is counted: {before}");
    send(&mut stream, COUNTED);
    wait_for_lines(&dir, WARM + COUNTED);
    let allocations = count(&count_file) - before;
    // Buffers may still meet a batch that is larger than all before it; messages must not count.
    assert!(allocations <= 8, "{allocations} allocations for {COUNTED} messages");
    println!("{allocations} allocations for {COUNTED} messages");
    daemon.stop();
}

fn send(stream: &mut TcpStream, n: usize) {
    let mut chunk = Vec::new();
    for i in 0..n {
        let text =
            format!("<134>1 2026-11-23T03:09:01.000000Z host app 1 ID1 - ~{i:010} some text of usual length");
        chunk.extend_from_slice(format!("{} {text}", text.len()).as_bytes());
        if chunk.len() > 32 * 1024 {
            stream.write_all(&chunk).unwrap();
            chunk.clear();
        }
    }
    stream.write_all(&chunk).unwrap();
}

fn wait_for_lines(dir: &Dir, n: usize) {
    let (mut file, mut seen) = (None, 0);
    wait_for("all lines in the file", || {
        let file = match &mut file {
            Some(file) => file,
            None => file.insert(std::fs::File::open(dir.file("log")).ok()?),
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text).unwrap();
        seen += text.iter().filter(|b| **b == b'\n').count();
        (seen == n).then_some(())
    });
}

fn count(file: &Path) -> u64 {
    u64::from_ne_bytes(std::fs::read(file).unwrap()[..8].try_into().unwrap())
}
