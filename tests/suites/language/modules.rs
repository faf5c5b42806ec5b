//! Functions that modules bring, in the daemon: fmpcre and fmhttp, which Debian's rsyslogd has not. fmhash stands among the
//! cases that are compared.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use sysloom_tests::{Diag, Dir, check, file_lines};

#[test]
fn functions_of_modules_that_rsyslogd_lacks() {
    let dir = Dir::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let n = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfact").unwrap();
        assert!(request[..n].starts_with(b"GET /x"));
    });
    let config = format!(
        r#"
module(load="fmpcre")
module(load="fmhttp")
template(name="t" type="string" string="%$.user% %$.fact% %$.fault%\n")
if $msg contains "user" then {{
    set $.user = pcre_match($msg, "\\buser (?!root)\\w+");
    set $.fact = http_request("{url}");
    set $.fault = http_request("nonsense") & script_error();
    action(type="omfile" file="{{dir}}/log" template="t")
}}
"#
    );
    let mut daemon = Diag::start(&dir, &config);
    daemon.say("injectmsg literal <13>Mar  1 01:00:00 h tag: user joe");
    assert_eq!(file_lines(&dir.file("log"), 1), ["1 fact 01"]);
    server.join().unwrap();
    daemon.stop();
}

#[test]
fn a_pattern_that_cannot_be_used_is_shown_at_its_place() {
    let dir = Dir::new();
    let said = check(&dir, "module(load=\"fmpcre\")\nif pcre_match($msg, \"a(b\") then /x\n");
    assert!(said.stderr.contains("the pattern of pcre_match() cannot be used"), "{}", said.stderr);
    assert!(said.stderr.contains(":2:"), "{}", said.stderr);
    assert_eq!(said.code, 1, "{}", said.stderr);
}
