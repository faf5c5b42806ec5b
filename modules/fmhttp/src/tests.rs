//! http_request() against servers of the tests' own.

use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use sysloom_sdk::Argument::{Number, Text};
use sysloom_sdk::testing::{TestHost, call};

/// A server that answers one request with these bytes, and what it was asked.
fn serve(answer: &'static [u8]) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/facts?q=1", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            request.push(byte[0]);
        }
        // The client may have heard enough.
        let _ = stream.write_all(answer);
        String::from_utf8(request).unwrap()
    });
    (url, asked)
}

fn value(host: &TestHost, url: &str) -> (String, i64) {
    call::<HttpRequest>(host, &(), &[Text(url.as_bytes())]).unwrap()
}

#[test]
fn the_body_is_the_value() {
    let host = TestHost::new();
    let (url, asked) = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(value(&host, &url), ("hello".into(), 0));
    assert!(asked.join().unwrap().starts_with("GET /facts?q=1 HTTP/1.1\r\n"));
    let (url, _) = serve(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
    assert_eq!(value(&host, &url), ("none".into(), 0));
    let (url, _) = serve(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 5\r\n\r\nmoved");
    assert_eq!(value(&host, &url), ("moved".into(), 0));
    assert_eq!(host.lines().len(), 0);
}

#[test]
fn what_fails_is_0_and_a_line() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (nonsense, _) = serve(b"220 mail server\r\n");
    let (short, _) = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    let (endless, _) = serve(ENDLESS);
    for url in [&format!("http://{closed}/"), "nonsense", "ftp://127.0.0.1/", "", &nonsense, &short, &endless]
    {
        let host = TestHost::new();
        assert_eq!(value(&host, url), ("0".into(), 1), "{url}");
        let lines = host.lines();
        assert_eq!(lines.len(), 1, "{url}");
        assert!(lines[0].text.contains(&format!("http_request(\"{url}\") failed")), "{}", lines[0].text);
    }
    let host = TestHost::new();
    assert_eq!(call::<HttpRequest>(&host, &(), &[Number(1)]).unwrap(), ("0".into(), 1));
}

/// One byte more than is read.
static ENDLESS: &[u8] = &{
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    let mut all = [b'x'; HEAD.len() + ANSWER as usize + 1];
    let mut at = 0;
    while at < HEAD.len() {
        all[at] = HEAD[at];
        at += 1;
    }
    all
};
