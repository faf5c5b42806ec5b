//! The module through the sdk's traits, with a pipe in the place of /proc/kmsg.

use super::*;
use std::fs;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;
use sysloom_sdk::testing::{TestHost, settings};

const PATIENCE: Duration = Duration::from_secs(10);

/// Runs the module on these lines and waits for so many messages.
fn run(words: &[(&'static str, &str)], lines: &str, expected: usize) -> TestHost {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kmsg");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let words: Vec<_> =
        [("logPath", path.to_str().unwrap())].into_iter().chain(words.iter().copied()).collect();
    let host = TestHost::new();
    let input = Imklog::new(&settings(&words).unwrap(), (), host.host()).unwrap();
    input.activate().unwrap();
    let mut kernel = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let (stop, ring) = UnixStream::pair().unwrap();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| input.run(stop.as_fd()));
        kernel.write_all(lines.as_bytes()).unwrap();
        assert!(host.wait_for(expected, PATIENCE), "{:?}", host.messages());
        drop(ring);
        reader.join().unwrap().unwrap();
    });
    host
}

const LINES: &str = "<6>[   12.345678] usb\n<12>su: x\n<5>[   13.000001] half\n<4>not ended";

#[test]
fn the_kernels_own_messages() {
    let host = run(&[], LINES, 2);
    assert_eq!(host.messages(), ["<6>kernel: [   12.345678] usb", "<5>kernel: [   13.000001] half"]);
    assert!(host.submitted().iter().all(|m| m.flags == FLAGS && m.received_ns == 0 && m.peer == 0));
    assert_eq!(Submit(host.submits().2), Submit::LIGHT_DELAY | Submit::FLUSH);
    assert_eq!(host.count("submitted"), 2);
}

#[test]
fn messages_of_programs_only_if_permitted() {
    let host = run(&[("permitNonKernelFacility", "on")], LINES, 3);
    assert_eq!(host.messages()[1], "<12>kernel: su: x");
}

#[test]
fn the_kernels_stamp_becomes_the_time_and_stays_if_told() {
    let booted = message::boot_ns().unwrap();
    for (keep, text) in [("off", "<6>kernel: usb"), ("on", "<6>kernel: [   12.345678] usb")] {
        let words = [("parseKernelTimestamp", "on"), ("keepKernelTimestamp", keep)];
        let host = run(&words, LINES, 2);
        assert_eq!(host.messages()[0], text);
        // /proc/uptime counts hundredths of a second.
        let off = host.submitted()[0].received_ns - booted - 12_345_678_000;
        assert!(off.abs() < 1_000_000_000, "{off}");
    }
}

#[test]
fn a_rate_limit_drops_what_is_above() {
    let host = run(&[("rateLimitInterval", "600"), ("rateLimitBurst", "1")], LINES, 1);
    assert_eq!(host.messages().len(), 1);
    assert_eq!(host.lines()[0].text, "imklog: begin to drop messages due to rate-limiting");
}

#[test]
fn a_log_that_cannot_be_opened_is_named() {
    let module = settings(&[("logPath", "/no/such/kmsg")]).unwrap();
    let input = Imklog::new(&module, (), TestHost::new().host()).unwrap();
    let why = input.activate().err().unwrap();
    assert_eq!(why.text, "imklog: cannot open kernel log (/no/such/kmsg): No such file or directory");
    assert_eq!(why.code, 2145);
}

#[test]
fn a_log_that_cannot_be_read_is_told_with_the_facility_chosen() {
    // A directory can be opened, but not read.
    let words = [("logPath", "/"), ("internalMsgFacility", "40")];
    let host = TestHost::new();
    let input = Imklog::new(&settings(&words).unwrap(), (), host.host()).unwrap();
    input.activate().unwrap();
    let (stop, _ring) = UnixStream::pair().unwrap();
    assert!(input.run(stop.as_fd()).is_err());
    let words = "<43>imklog: error reading kernel log - shutting down: Is a directory";
    assert_eq!(host.messages(), [words]);
}

#[test]
fn the_readme_has_the_tables() {
    use sysloom_sdk::testing::{check_readme, table};
    check_readme(env!("CARGO_MANIFEST_DIR"), &[("module", table::<ModuleParams>())]);
}

#[test]
fn the_console_gets_its_level_or_the_failure_is_told() {
    let level = || fs::read_to_string("/proc/sys/kernel/printk").map(|text| first(&text)).unwrap_or_default();
    let (dir, host, before) = (tempfile::tempdir().unwrap(), TestHost::new(), level());
    let path = dir.path().join("kmsg");
    fs::write(&path, "").unwrap();
    let wanted = if before == "4" { "3" } else { "4" };
    let words = [("logPath", path.to_str().unwrap()), ("consoleLogLevel", wanted)];
    let input = Imklog::new(&settings(&words).unwrap(), (), host.host()).unwrap();
    input.activate().unwrap();
    match host.lines().first() {
        None => assert_eq!(level(), wanted),
        // A container's may not be written.
        Some(line) => {
            assert!(line.text.starts_with("imklog: cannot set the console's log level: "), "{}", line.text);
        }
    }
    drop(input);
    assert_eq!(level(), before);
}

fn first(text: &str) -> String {
    text.split_whitespace().next().unwrap_or_default().to_owned()
}
