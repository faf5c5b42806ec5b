//! Listening, connecting and carrying bytes, with a socket's file and without.

use super::*;
use std::time::Duration;
use sysloom_sdk::testing::{TestHost, stream_settings};
use sysloom_sdk::{Family, Stream};

fn driver(role: Role) -> Acmeunix {
    stream_settings(&[], |settings| Acmeunix::new(role, settings, TestHost::new().host())).unwrap()
}

fn listen(address: &str, port: &str) -> Result<Listener, Complaint> {
    driver(Role::Server).listen(&ListenAt { address, port, family: Family::Any, backlog: 5 })
}

fn connect(host: &str, port: u16) -> Result<Connection<Session>, Stop> {
    let (port, timeout) = (port.to_string(), Duration::from_secs(5));
    let to = ConnectTo { host, port: &port, family: Family::Any, local: "", device: "", timeout };
    driver(Role::Client).connect(&to)
}

#[test]
fn bytes_and_ends_pass_in_both_name_spaces() {
    let dir = std::env::temp_dir().join(format!("acmeunix-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    for address in ["localhost", dir.to_str().unwrap()] {
        let listener = listen(address, "0").unwrap();
        let (port, fd) = (Acmeunix::port(&listener), Acmeunix::descriptors(&listener)[0]);
        assert!(matches!(Acmeunix::accept(&listener, fd), Err(Stop::Wait(Want::READ))));
        let mut client = connect(address, port).unwrap().stream;
        let mut server = Acmeunix::accept(&listener, fd).unwrap().stream;
        let mut buf = [0; 100];
        assert!(matches!(server.read(&mut buf), Err(Stop::Wait(Want::READ))));
        assert_eq!(client.write(b"hello").unwrap(), 5);
        assert_eq!(server.read(&mut buf).unwrap(), 5);
        client.shutdown().unwrap();
        assert!(matches!(server.read(&mut buf), Err(Stop::Closed)));
        // Half closed: the other direction still works.
        assert_eq!(server.write(b"bye").unwrap(), 3);
        assert_eq!(client.read(&mut buf).unwrap(), 3);
        drop(listener);
        assert!(matches!(connect(address, port), Err(Stop::Failed(_))));
    }
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0, "the socket's file is left");
    std::fs::remove_dir(&dir).unwrap();
}

#[test]
fn a_peer_that_does_not_read_makes_it_wait() {
    let listener = listen("", "0").unwrap();
    let mut client = connect("", Acmeunix::port(&listener)).unwrap().stream;
    let mut taken = 0;
    let stop = loop {
        match client.write(&[0; 4096]) {
            Ok(n) => taken += n,
            Err(stop) => break stop,
        }
    };
    assert!(matches!(stop, Stop::Wait(Want::WRITE)), "{stop:?} after {taken} bytes");
}

#[test]
fn a_file_that_a_dead_process_left_is_taken_and_a_living_one_is_not() {
    let dir = std::env::temp_dir().join(format!("acmeunix-stale-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let address = dir.to_str().unwrap();
    drop(std::os::unix::net::UnixListener::bind(dir.join("syslog")).unwrap());
    let living = listen(address, "syslog").unwrap();
    let why = listen(address, "syslog").err().unwrap();
    assert_eq!(why.code, CANNOT_BIND);
    assert!(why.text.contains("syslog"), "{}", why.text);
    drop(living);
    std::fs::remove_dir(&dir).unwrap();
    assert!(listen(address, "../syslog").err().unwrap().text.contains("no name"));
}
