//! Local log sockets, as logger and syslog(3) write to them.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use sysloom_tests::{Daemon, Dir, Peer, file_lines};

const FORMAT: &str = "template(name=\"t\" type=\"string\" string=\"%syslogtag% %syslogfacility-text%.%syslogseverity-text% %msg%\\n\")\n\
    *.* action(type=\"omfile\" file=\"{dir}/log\" template=\"t\")\n";

/// The system's socket, named in each dialect.
const WAYS: [&str; 2] = [
    "module(load=\"imuxsock\" sysSock.name=\"{dir}/dev-log\")\n",
    "$ModLoad imuxsock\n$SystemLogSocketName {dir}/dev-log\n",
];

#[test]
fn the_systems_socket_takes_what_logger_writes() {
    if !Peer::wanted("logger") {
        return;
    }
    for way in WAYS {
        let dir = Dir::new();
        let daemon = Daemon::start(&dir, "daemon", &format!("{way}{FORMAT}"));
        let socket = dir.file("dev-log");
        let meta = std::fs::metadata(&socket).unwrap();
        assert!(meta.file_type().is_socket());
        assert_eq!(meta.permissions().mode() & 0o777, 0o666, "every program may write");
        let run = |words: &[&str]| {
            let status = Command::new("logger").arg("-u").arg(&socket).args(words).status().unwrap();
            assert!(status.success());
        };
        run(&["-t", "app", "-p", "mail.warning", "first words"]);
        run(&["-t", "app", "--id=77", "-p", "local3.err", "second"]);
        assert_eq!(
            file_lines(&dir.file("log"), 2),
            ["app: mail.warning  first words", "app[77]: local3.err  second"]
        );
        assert_eq!(daemon.stop(), "");
        assert!(!socket.exists(), "the socket goes with the daemon");
    }
}

#[test]
fn further_sockets_have_their_own_settings() {
    let dir = Dir::new();
    let config = format!(
        "module(load=\"imuxsock\" sysSock.use=\"off\")\n\
         input(type=\"imuxsock\" socket=\"{{dir}}/one\")\n\
         input(type=\"imuxsock\" socket=\"{{dir}}/sub/dir/two\" createPath=\"on\")\n{FORMAT}"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    let sender = UnixDatagram::unbound().unwrap();
    sender.send_to(b"<13>Nov 23 01:02:03 app[1]: to one", dir.file("one")).unwrap();
    file_lines(&dir.file("log"), 1);
    sender.send_to(b"<14>Nov 23 01:02:03 app: to two\n", dir.file("sub/dir/two")).unwrap();
    assert_eq!(file_lines(&dir.file("log"), 2), ["app[1]: user.notice  to one", "app: user.info  to two"]);
    assert_eq!(daemon.stop(), "");
}

/// A directory that is not there costs that socket only.
#[test]
fn a_socket_that_cannot_be_made_is_one_line() {
    let dir = Dir::new();
    let config = format!(
        "module(load=\"imuxsock\" sysSock.use=\"off\")\n\
         input(type=\"imuxsock\" socket=\"{{dir}}/no/such/one\")\n\
         input(type=\"imuxsock\" socket=\"{{dir}}/two\")\n{FORMAT}"
    );
    let daemon = Daemon::start(&dir, "daemon", &config);
    UnixDatagram::unbound().unwrap().send_to(b"<13>Nov 23 01:02:03 app: x", dir.file("two")).unwrap();
    file_lines(&dir.file("log"), 1);
    let said = daemon.stop();
    assert!(said.contains("/no/such/one") && said.contains("No such file or directory"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
