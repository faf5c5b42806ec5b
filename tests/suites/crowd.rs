//! Ten thousand TLS connections at once, under each driver: all are let in, all are heard, and none costs much memory.
//! Descriptors for both sides are asked for; only a hard limit that is too low can forbid it.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::sync::{Arc, Mutex, PoisonError};
use sysloom_tests::pki::{Pki, Wish};
use sysloom_tests::{
    Channel, Daemon, Dir, TlsClient, TlsVersion, client_config, over_every_driver, wait_for,
};

const CROWD: usize = 10_000;
/// Threads that connect.
const DOORS: usize = 2;
/// Bytes of memory that an idle connection may cost the daemon, buffers of the daemon's own included.
const RUSTLS: usize = 12 << 10;
/// OpenSSL's objects are larger than what is asked of rustls.
const OSSL: usize = 20 << 10;

/// One crowd at a time: the clients of two would need more descriptors than one process may have.
static PLACE: Mutex<()> = Mutex::new(());

over_every_driver! { ten_thousand_at_once_are_served }

fn ten_thousand_at_once_are_served(driver: &str) {
    let _alone = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let wanted = CROWD as u64 + 500;
    if setrlimit(Resource::RLIMIT_NOFILE, wanted.max(hard), wanted.max(hard)).is_err() {
        println!("skipped: at most {hard} descriptors are permitted, and {wanted} are needed");
        return;
    }
    let dir = Dir::new();
    let pki = Pki::new(&dir);
    let server = pki.issue(&dir, "server", &Wish { names: &["localhost"], ..Wish::default() });
    let channel = Channel::tls(driver, &pki.file()).owning(&server);
    let config = channel
        .collector()
        .replace("module(load=\"imtcp\"", &format!("module(load=\"imtcp\" maxSessions=\"{}\"", CROWD + 100));
    let daemon = Daemon::start(&dir, "daemon", &config);
    let port = daemon.port(&dir.file("port"));
    let client = Arc::new(client_config(&pki.file(), None, TlsVersion::V13));
    // What the first connections make and keep is nobody's.
    let mut crowd: Vec<TlsClient> =
        (0..100).map(|_| TlsClient::connect_with(port, Arc::clone(&client)).unwrap()).collect();
    let before = memory(daemon.pid());
    let doors: Vec<_> = (0..DOORS)
        .map(|_| {
            let client = Arc::clone(&client);
            std::thread::spawn(move || -> Vec<TlsClient> {
                let enter = |_| TlsClient::connect_with(port, Arc::clone(&client)).unwrap();
                (0..(CROWD - 100) / DOORS).map(enter).collect()
            })
        })
        .collect();
    crowd.extend(doors.into_iter().flat_map(|door| door.join().unwrap()));
    assert_eq!(crowd.len(), CROWD);
    wait_for("all sessions", || (sysloom_tests::port::established(port) >= CROWD).then_some(()));
    let each = memory(daemon.pid()).saturating_sub(before) / (CROWD - 100);
    println!("{driver}: {each} bytes a connection");
    for (n, client) in crowd.iter_mut().enumerate() {
        client.send(format!("<13>1 - h a - - - connection {n}\n").as_bytes()).unwrap();
    }
    wait_for("every connection's message", || {
        let log = std::fs::read(dir.file("log")).ok()?;
        (log.iter().filter(|byte| **byte == b'\n').count() == CROWD).then_some(())
    });
    let limit = if driver == "ossl" { OSSL } else { RUSTLS };
    assert!(each < limit, "{driver}: {each} bytes a connection");
    drop(crowd);
    daemon.stop();
}

/// Bytes of memory that are the process's own.
fn memory(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}
