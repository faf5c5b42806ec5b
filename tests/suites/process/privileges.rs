//! Privileges are dropped once everything is bound, and another root directory holds before anything is read.

use crate::{Started, config, is_root, rsyslogd, text};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, chown};
use sysloom_tests::{Diag, Dir, wait_for};

/// The four numbers of a line of /proc/PID/status.
fn ids(pid: u32, line: &str) -> Vec<u32> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let found = status.lines().find_map(|l| l.strip_prefix(line)).unwrap().to_owned();
    found.split_whitespace().map(|id| id.parse().unwrap()).collect()
}

#[test]
fn user_and_group_are_changed_after_sockets_are_bound() {
    if !is_root("user_and_group_are_changed_after_sockets_are_bound") {
        return;
    }
    for globals in [
        "global(privdrop.user.name=\"nobody\" privdrop.group.name=\"nogroup\")\n",
        "global(privdrop.user.id=\"65534\" privdrop.group.id=\"65534\")\n",
        "$PrivDropToUser nobody\n$PrivDropToGroup nogroup\n",
        "$PrivDropToUserID 65534\n$PrivDropToGroupID 65534\n",
    ] {
        let dir = Dir::new();
        chown(dir.path(), Some(Uid::from_raw(65_534)), Some(Gid::from_raw(65_534))).unwrap();
        let port = (1..1024).rev().find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok());
        let port = port.expect("a privileged port is free");
        let config = format!(
            "{globals}module(load=\"imtcp\")\ninput(type=\"imtcp\" port=\"{port}\" address=\"127.0.0.1\")\n\
             *.* action(type=\"omfile\" file=\"{{dir}}/log\")\n"
        );
        let mut daemon = Diag::start(&dir, &config);
        assert_eq!(ids(daemon.pid(), "Uid:"), [65_534; 4], "{globals}");
        assert_eq!(ids(daemon.pid(), "Gid:"), [65_534; 4], "{globals}");
        assert!(ids(daemon.pid(), "Groups:").iter().all(|id| *id == 65_534), "{globals}");
        assert!(sysloom_tests::port::listens(port));
        daemon.say("WaitMainQueueEmpty");
        let log = std::fs::read_to_string(dir.file("log")).unwrap();
        assert!(log.contains("rsyslogd's userid changed to 65534"), "{log}");
        assert!(log.contains("rsyslogd's groupid changed to 65534"), "{log}");
        assert!(daemon.stop().success());
    }
}

/// Whoever names a user that does not exist does not want a daemon that goes on as root.
#[test]
fn a_user_that_does_not_exist_ends_the_start_unless_told_otherwise() {
    let off = "global(security.abortOnIDResolutionFail=\"off\")\n";
    for globals in [
        "$PrivDropToUser no-such-one\n",
        "$PrivDropToGroup no-such-one\n",
        "global(privdrop.user.name=\"no-such-one\")\n",
        "global(privdrop.group.name=\"no-such-one\")\n",
        "action(type=\"omfile\" file=\"{dir}/owned\" fileOwner=\"no-such-one\")\n",
    ] {
        let dir = Dir::new();
        config(&dir, "a.conf", &format!("{globals}*.* {{dir}}/log\n"));
        let daemon = rsyslogd(&dir);
        let mut command = std::process::Command::new("timeout");
        command.arg("60").arg(daemon.get_program()).args(daemon.get_args()).current_dir(dir.path());
        let out = command.args(["-n", "-fa.conf", "-iNONE"]).output().unwrap();
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{globals}: {said}");
        assert!(
            said.contains("'no-such-one' is not known, and security.abortOnIDResolutionFail is on"),
            "{said}"
        );
        assert!(!dir.file("log").exists(), "{globals}");
        let daemon = Diag::start(&dir, &format!("{off}{globals}*.* {{dir}}/log\n"));
        assert!(daemon.stop().success());
        assert!(dir.file("log").exists(), "{globals}");
    }
}

#[test]
fn a_root_directory_is_changed_first() {
    if !is_root("a_root_directory_is_changed_first") {
        return;
    }
    let dir = Dir::new();
    // Everything that it needs inside: itself, libraries, modules.
    for part in ["bin", "mods", "etc", "log"] {
        std::fs::create_dir(dir.file(part)).unwrap();
    }
    let built = sysloom_tests::built();
    for entry in std::fs::read_dir(&built.modules).unwrap().flatten() {
        if entry.path().extension().is_some_and(|e| e == "so") {
            std::fs::copy(entry.path(), dir.file("mods").join(entry.file_name())).unwrap();
        }
    }
    // Libraries that are loaded after the change of root are looked up inside.
    let maps = std::process::Command::new("sh")
        .arg("-c")
        .arg("ldd \"$0\" \"$1\"/*.so | sed -n 's/.* \\(\\/[^ ]*\\) (0x.*/\\1/p' | sort -u")
        .arg(&built.daemon)
        .arg(&built.modules)
        .output()
        .unwrap();
    for library in String::from_utf8(maps.stdout).unwrap().lines() {
        let inside = dir.file(library.trim_start_matches('/'));
        std::fs::create_dir_all(inside.parent().unwrap()).unwrap();
        std::fs::copy(library, inside).unwrap();
    }
    config(&dir, "etc/a.conf", "*.* action(type=\"omfile\" file=\"/log/all\")\n");
    let mut command = rsyslogd(&dir);
    command.env("RSYSLOG_DFLT_LOG_INTERNAL", "1").arg("-T").arg(dir.path());
    command.args(["-M/mods", "-n", "-f/etc/a.conf", "-i/pid"]);
    let mut child = Started(command.spawn().unwrap());
    wait_for("the log inside", || dir.file("log/all").exists().then_some(()));
    let root = std::fs::read_link(format!("/proc/{}/root", child.id())).unwrap();
    assert_eq!(root, dir.path().canonicalize().unwrap());
    wait_for("the pid file inside", || dir.file("pid").exists().then_some(()));
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    assert!(child.wait().unwrap().success());
}
