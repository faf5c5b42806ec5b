//! Debian's stock rsyslog.conf, with this daemon in rsyslogd's place: the same log files with the same lines.
//!
//! Both daemons run in mount, process and host name spaces of their own, with a log socket and a kernel log of their
//! own, and get the same messages.

use crate::is_root;
use std::path::{Path, PathBuf};
use std::process::Command;
use sysloom_tests::{Dir, built};

/// Runs what `$1` names as /usr/sbin/rsyslogd, and copies the log files to `$2`.
const SCRIPT: &str = r#"
set -e
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs tmpfs /var/log
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/spool/rsyslog
mount -t tmpfs tmpfs /mnt
for f in null zero random urandom tty full; do touch /mnt/$f; mount --bind /dev/$f /mnt/$f; done
mkfifo /mnt/kmsg.fifo
mount --rbind /mnt /dev
mount --bind /dev/kmsg.fifo /proc/kmsg
hostname stockhost
cp "$1" /run/daemon
mount --bind /run/daemon /usr/sbin/rsyslogd
exec 9<>/dev/kmsg.fifo
/usr/sbin/rsyslogd -n -i /run/rsyslogd.pid 2>"$2/stderr" &
daemon=$!
until [ -S /dev/log ] && [ -s /run/rsyslogd.pid ]; do kill -0 $daemon; sleep 0.02; done
# What comes from different inputs is told apart in time, so that the order of the lines is not chance.
until grep -q 'x-info.*start' /var/log/syslog; do kill -0 $daemon; sleep 0.02; done
echo '<4>[    1.000000] the kernel says hello' >&9
until grep -q 'kernel says' /var/log/kern.log; do kill -0 $daemon; sleep 0.02; done
n=0
for p in user.notice auth.info authpriv.warning cron.info daemon.err mail.info mail.warning mail.err local0.debug \
         kern.warning lpr.info news.crit local7.notice; do
  n=$((n + 1)); logger -p $p -t tag$n "message $n of $p"
done
logger -p user.info -t 'tag/with/slash[12]' 'with a pid'
logger -p user.info -t plain 'a line with	a tab and an umlaut: ü'
until grep -q umlaut /var/log/user.log; do kill -0 $daemon; sleep 0.02; done
kill -HUP $daemon
until grep -q HUPed /var/log/syslog; do kill -0 $daemon; sleep 0.02; done
logger -p user.info -t plain 'after the HUP'
until grep -q 'after the HUP' /var/log/user.log; do kill -0 $daemon; sleep 0.02; done
kill -TERM $daemon
wait $daemon
cp -r /var/log/. "$2/"
"#;

fn files(
    dir: &Dir,
    name: &str,
    daemon: &Path,
    adjust: impl FnOnce(&mut Command),
) -> Vec<(String, Vec<String>)> {
    let (script, to) = (dir.write("stock.sh", SCRIPT), dir.file(name));
    std::fs::create_dir(&to).unwrap();
    let mut command = Command::new("timeout");
    command.args(["60", "unshare", "-m", "-p", "-n", "-u", "-f", "sh"]).arg(script).arg(daemon).arg(&to);
    adjust(&mut command);
    let status = command.status().unwrap();
    let stderr = std::fs::read_to_string(to.join("stderr")).unwrap_or_default();
    assert!(status.success(), "{name}: {status}\n{stderr}");
    let mut all: Vec<(String, Vec<String>)> = std::fs::read_dir(&to)
        .unwrap()
        .flatten()
        .map(|entry| {
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap()).into_owned();
            (entry.file_name().into_string().unwrap(), text.lines().map(timeless).collect())
        })
        .collect();
    all.sort();
    all
}

/// A line without its time and without what must differ: version and process.
fn timeless(line: &str) -> String {
    let (time, rest) = line.split_once(' ').unwrap_or(("", line));
    assert!(time.is_empty() || time.len() == "2026-11-23T08:09:05.966966+00:00".len(), "{line}");
    match (rest.find("swVersion="), rest.find(" x-info=")) {
        (Some(from), Some(to)) => format!("{}{}", &rest[..from], &rest[to..]),
        _ => rest.to_owned(),
    }
}

#[test]
fn debians_stock_configuration_gives_the_same_files() {
    let test = "debians_stock_configuration_gives_the_same_files";
    let theirs = PathBuf::from("/usr/sbin/rsyslogd");
    if !is_root(test) {
        return;
    }
    if !theirs.exists() || !Path::new("/etc/rsyslog.conf").exists() {
        println!("skipped: {test} needs Debian's package rsyslog");
        return;
    }
    let dir = Dir::new();
    let want = files(&dir, "theirs", &theirs, |command| {
        command.env_remove("RSYSLOG_MODDIR");
    });
    let got = files(&dir, "ours", &built().daemon, |command| {
        command.env("RSYSLOG_MODDIR", &built().modules);
    });
    assert!(want.iter().any(|(name, lines)| name == "syslog" && lines.len() > 10), "{want:?}");
    assert_eq!(got, want);
}
