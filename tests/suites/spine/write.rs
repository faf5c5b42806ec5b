//! omfile: modes of what it creates, `-` before a path, and a file that cannot be written.

use crate::RECEIVE;
use nix::unistd::Uid;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use sysloom_tests::{Daemon, Dir, connect, file_lines, lines};

#[test]
fn creation_modes_count_for_the_files_that_follow() {
    let dir = Dir::new();
    let config = format!(
        "{RECEIVE}$umask 0000\n\
         *.* {{dir}}/default\n\
         $FileCreateMode 0640\n*.* {{dir}}/group\n\
         $FileCreateMode 0600\n$DirCreateMode 0750\n*.* -{{dir}}/sub/deep/own\n\
         action(type=\"omfile\" file=\"{{dir}}/new/action\" fileCreateMode=\"0604\" dirCreateMode=\"0705\")\n"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    connect(daemon.port(&dir.file("port"))).write_all(lines(0..1).as_bytes()).unwrap();
    for (name, mode) in [
        ("default", 0o644),
        ("group", 0o640),
        ("sub/deep/own", 0o600),
        ("sub/deep", 0o750),
        ("sub", 0o750),
        ("new/action", 0o604),
        ("new", 0o705),
    ] {
        let path = dir.file(name);
        if !path.is_dir() {
            file_lines(&path, 1);
        }
        let got = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(got, mode, "{name}: {got:o}");
    }
    assert_eq!(daemon.stop(), "");
}

/// The daemon has no right to give a file away. One action does not mind; the other minds until it tries again.
#[test]
fn an_owner_that_cannot_be_set_suspends_unless_told_otherwise() {
    let dir = Dir::new();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let drop = if Uid::effective().is_root() { "$PrivDropToUserID 65534\n" } else { "" };
    let config = format!(
        "{RECEIVE}{drop}\
         action(type=\"omfile\" name=\"strict\" file=\"{{dir}}/strict\" fileOwnerNum=\"4711\")\n\
         action(type=\"omfile\" name=\"lax\" file=\"{{dir}}/lax\" fileOwnerNum=\"4711\" failOnChownFailure=\"off\")\n"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    connect(daemon.port(&dir.file("port"))).write_all(lines(0..10).as_bytes()).unwrap();
    assert_eq!(file_lines(&dir.file("lax"), 10).len(), 10);
    daemon.wait_stderr("action 'strict' suspended");
    let said = daemon.stop();
    assert!(said.contains(&format!("file '{}': chown failed", dir.file("lax").display())), "{said}");
}

/// One file cannot be opened; it is said once, and the other gets everything.
#[test]
fn a_file_that_cannot_be_written_costs_the_others_nothing() {
    let dir = Dir::new();
    std::fs::create_dir(dir.file("directory")).unwrap();
    let config = format!("{RECEIVE}*.* {{dir}}/directory\n*.* {{dir}}/log\n");
    let daemon = Daemon::start(&dir, "daemon", &config);
    connect(daemon.port(&dir.file("port"))).write_all(lines(0..100).as_bytes()).unwrap();
    assert_eq!(file_lines(&dir.file("log"), 100).len(), 100);
    let said = daemon.stop();
    let path = dir.file("directory").display().to_string();
    assert!(said.contains(&path) && said.contains("Is a directory"), "{said}");
}
