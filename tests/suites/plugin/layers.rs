//! A layer that panics: the stream over it breaks, the host and other streams go on.

use crate::engine::Engine;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use sysloom_engine::plugin::{
    Context, Destination, Driver, Fault, Halt, Loader, Session, Side, StreamValues,
};

fn context(driver: &Arc<Driver>, panic: &str) -> Result<Arc<Context>, Fault> {
    let values = StreamValues { priority: Some(panic.to_owned()), ..StreamValues::default() };
    driver.context(5, Side::Client, &values)
}

/// A stream with the layer on it, and its other end.
fn stream(loader: &Loader, panic: &str) -> (Result<Session, Fault>, TcpStream) {
    let (ptcp, layer) = (loader.driver("ptcp").unwrap(), loader.driver("misbehave").unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let to = Destination { host: "127.0.0.1", port: &port, timeout_ms: 5000, ..Destination::default() };
    let lower = context(&ptcp, "").unwrap().connect(&to).unwrap().session;
    let upper = context(&layer, panic).unwrap().over(lower, Side::Client, "", 1);
    (upper, listener.accept().unwrap().0)
}

fn engine() -> (Arc<Engine>, Loader) {
    let (engine, loader) = Engine::new();
    loader.module("misbehave").unwrap();
    (engine, loader)
}

fn broken<T>(result: Result<T, Halt>) -> String {
    match result {
        Err(Halt::Failed(fault)) => fault.text,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it went well"),
    }
}

#[test]
fn bytes_pass_through() {
    let (_, loader) = engine();
    let (upper, mut peer) = stream(&loader, "");
    let mut upper = upper.unwrap();
    upper.handshake().unwrap();
    assert_eq!(upper.write(b"there").unwrap(), 5);
    let mut there = [0; 5];
    peer.read_exact(&mut there).unwrap();
    peer.write_all(b"back").unwrap();
    let mut back = [0; 9];
    let n = loop {
        match upper.read(&mut back) {
            Ok(n) => break n,
            Err(Halt::Wait { read: true, .. }) => std::thread::yield_now(),
            Err(other) => panic!("{other:?}"),
        }
    };
    assert_eq!((&there, &back[..n]), (b"there", &b"back"[..]));
    let chain = upper.with_peer(|peer| peer.chain.iter().map(|c| c.to_vec()).collect::<Vec<_>>()).unwrap();
    assert_eq!(chain, [b"one", b"two"]);
    drop(peer);
}

#[test]
fn waiting_says_for_what() {
    let (_, loader) = engine();
    let mut upper = stream(&loader, "wait").0.unwrap();
    assert!(matches!(upper.handshake(), Err(Halt::Wait { read: true, write: true })));
}

#[test]
fn a_panic_breaks_the_stream() {
    let (engine, loader) = engine();
    let fault = context(&loader.driver("misbehave").unwrap(), "context").err().unwrap();
    assert_eq!(fault.text, "the plugin panicked: told to, in context");
    let fault = stream(&loader, "session").0.err().unwrap();
    assert_eq!(fault.text, "the plugin panicked: told to, in session");
    let (upper, _peer) = stream(&loader, "handshake");
    assert_eq!(broken(upper.unwrap().handshake()), "the driver panicked");
    let (upper, _peer) = stream(&loader, "read");
    assert_eq!(broken(upper.unwrap().read(&mut [0; 4])), "the driver panicked");
    let (upper, _peer) = stream(&loader, "write");
    assert_eq!(broken(upper.unwrap().write(b"x")), "the driver panicked");
    let (upper, _peer) = stream(&loader, "shutdown");
    assert_eq!(broken(upper.unwrap().shutdown()), "the driver panicked");
    let (upper, _peer) = stream(&loader, "peer");
    assert_eq!(upper.unwrap().with_peer(|_| ()), None);
    for function in ["context", "session", "handshake", "read", "write", "shutdown", "peer"] {
        assert!(engine.said(&["5/2/0: panic at", &format!("told to, in {function}")]), "{function}");
    }
}
