//! omusrmsg writes to terminals: real ones, of users whom a utmp of the test's own names.

use crate::{config, is_root};
use nix::pty::{OpenptyResult, openpty};
use std::fs::{File, read_link};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::process::Command;
use sysloom_tests::{Dir, Peer, built, daemon_command, wait_for};

/// Puts utmp in its place, in a mount name space of its own, and becomes the daemon.
const SCRIPT: &str =
    "mount --make-rprivate / && mount -t tmpfs tmpfs /run && cp \"$1\" /run/utmp && shift && exec \"$@\"";

/// A record of utmp for a user's session.
fn record(user: &str, terminal: &OpenptyResult) -> Vec<u8> {
    let name = read_link(format!("/proc/self/fd/{}", terminal.slave.as_raw_fd())).unwrap();
    let line = name.strip_prefix("/dev").unwrap().to_str().unwrap().to_owned();
    let mut record = vec![0; 384];
    record[0] = 7;
    record[8..8 + line.len()].copy_from_slice(line.as_bytes());
    record[44..44 + user.len()].copy_from_slice(user.as_bytes());
    record
}

#[test]
fn users_see_on_their_terminals_what_is_for_them() {
    if !is_root("users_see_on_their_terminals_what_is_for_them") {
        return;
    }
    let dir = Dir::new();
    let (ann, bob) = (openpty(None, None).unwrap(), openpty(None, None).unwrap());
    dir.write("utmp", [record("ann", &ann), record("bob", &bob)].concat());
    let file = config(
        &dir,
        "test.conf",
        "module(load=\"imuxsock\" sysSock.use=\"off\")\n\
         input(type=\"imuxsock\" socket=\"{dir}/socket\")\n\
         template(name=\"m\" type=\"string\" string=\"just %msg%;\")\n\
         ratelimit(name=\"strict\" interval=\"600\" burst=\"2\")\n\
         if $programname == \"app\" then {\n:omusrmsg:ann\n\
         action(type=\"omusrmsg\" users=\"bob\" template=\"m\" rateLimit.name=\"strict\")\n\
         action(type=\"omfile\" file=\"{dir}/log\" template=\"m\")\n}\n",
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", SCRIPT, "sh"]).arg(dir.file("utmp")).arg(daemon_command().get_program());
    command.arg("-M").arg(&built().modules).args(["-n", "-C", "-iNONE", "-f"]).arg(file);
    let daemon = Peer::start_logged(&dir, "daemon", &mut command);
    let sender = std::os::unix::net::UnixDatagram::unbound().unwrap();
    for nth in 1..=4 {
        let text = format!("<13>app: {nth}");
        wait_for("the socket", || sender.send_to(text.as_bytes(), dir.file("socket")).ok());
    }
    wait_for("the last message", || {
        std::fs::read_to_string(dir.file("log")).ok().filter(|text| text.matches("just ").count() == 4)
    });
    let seen = |terminal: OpenptyResult| {
        drop(terminal.slave);
        let mut text = Vec::new();
        // The end of a terminal that nobody has open is an error.
        let _ = File::from(terminal.master).read_to_end(&mut text);
        String::from_utf8(text).unwrap()
    };
    daemon.terminate();
    let ann = seen(ann);
    assert!(ann.matches("app: ").count() == 4 && ann.contains("4"), "{ann:?}");
    assert_eq!(seen(bob), "just  1;just  2;");
}
