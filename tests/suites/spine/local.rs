//! Inputs that take nothing from the network: their ruleset and their named limit, which the daemon keeps for them.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use sysloom_tests::{Daemon, Dir, file_lines, wait_for};

const FILES: &str = "template(name=\"m\" type=\"string\" string=\"%programname%:%msg%\\n\")\n\
    ruleset(name=\"own\") { action(type=\"omfile\" file=\"{dir}/own\" template=\"m\") }\n\
    action(type=\"omfile\" file=\"{dir}/main\" template=\"m\")\n";

/// A pipe in the place of the kernel's log, with these lines in it.
fn kernel_says(dir: &Dir, lines: &str) -> std::fs::File {
    let pipe = dir.file("kmsg");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut kernel = OpenOptions::new().read(true).write(true).open(pipe).unwrap();
    kernel.write_all(lines.as_bytes()).unwrap();
    kernel
}

#[test]
fn what_an_input_of_the_machine_brings_goes_to_its_ruleset() {
    let dir = Dir::new();
    let _kernel = kernel_says(&dir, "<6>from the kernel\n");
    let config = format!(
        "{FILES}module(load=\"immark\" interval=\"1\" markMessageText=\"a mark\" ruleset=\"own\")\n\
         module(load=\"imklog\" logPath=\"{{dir}}/kmsg\" ruleset=\"own\")\n\
         module(load=\"impstats\" interval=\"1\" ruleset=\"own\")\n\
         module(load=\"imuxsock\" sysSock.use=\"off\")\n\
         input(type=\"imuxsock\" socket=\"{{dir}}/socket\" ruleset=\"own\")\n"
    );
    let daemon = Daemon::start(&dir, "collector", &config);
    let sender = UnixDatagram::unbound().unwrap();
    wait_for("the socket", || sender.send_to(b"<13>a: from a program", dir.file("socket")).ok());
    let all = ["a mark", "from the kernel", "origin=core.queue", "from a program"];
    wait_for("a message of each", || {
        let own = std::fs::read_to_string(dir.file("own")).unwrap_or_default();
        all.iter().all(|text| own.contains(text)).then_some(())
    });
    daemon.stop();
    let main = std::fs::read_to_string(dir.file("main")).unwrap_or_default();
    assert!(!all.iter().any(|text| main.contains(text)), "{main}");
}

#[test]
fn the_kernels_messages_share_a_named_limit() {
    let dir = Dir::new();
    let lines: String = (0..20).map(|n| format!("<6>number {n}\n")).collect();
    let _kernel = kernel_says(&dir, &lines);
    let config = format!(
        "ratelimit(name=\"strict\" interval=\"600\" burst=\"10\")\n{FILES}\
         module(load=\"imklog\" logPath=\"{{dir}}/kmsg\" rateLimit.name=\"strict\" ruleset=\"own\")\n"
    );
    let daemon = Daemon::start(&dir, "collector", &config);
    daemon.wait_stderr("strict: begin to drop messages due to rate-limiting");
    assert_eq!(file_lines(&dir.file("own"), 10).len(), 10);
    daemon.stop();
    assert_eq!(file_lines(&dir.file("own"), 10)[9], "kernel: number 9");
}
