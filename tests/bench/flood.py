#!/usr/bin/env python3
"""An end-to-end flood, side by side: the same messages through rsyslogd, syslog-ng and sysloomd in one run.

    flood.py [--bin DIR] [--messages N] [--runs K] [--only NAME,...]

DIR holds a release build (sysloomd and its libraries). For each kind of work and daemon: median CPU time of the daemon
alone per message (user and system), its peak memory, and messages lost or doubled. Prints the table that stands in the
README. rsyslogd and sysloomd get the same configuration; a daemon that is not installed is left out and named.
"""
import argparse, os, re, shutil, signal, socket, ssl, statistics, subprocess, sys, tempfile, threading, time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bin", default=os.path.join(os.path.dirname(__file__), "../../target/release"))
parser.add_argument("--messages", type=int, default=300_000)
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--only", default="tcp-file,tls-file,tcp-relay,tls-relay")
options = parser.parse_args()
HERTZ = os.sysconf("SC_CLK_TCK")
work = tempfile.mkdtemp(prefix="flood-")
own = os.path.abspath(options.bin)


def certificate():
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
         "-keyout", f"{work}/key.pem", "-out", f"{work}/cert.pem", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, stderr=subprocess.DEVNULL)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rsyslog_config(port, target, tls, relay):
    lines = []
    if tls:
        lines += ["$DefaultNetstreamDriver gtls", f"$DefaultNetstreamDriverCAFile {work}/cert.pem",
                  f"$DefaultNetstreamDriverCertFile {work}/cert.pem", f"$DefaultNetstreamDriverKeyFile {work}/key.pem"]
    lines.append("$ModLoad imtcp")
    if tls:
        lines += ["$InputTCPServerStreamDriverMode 1", "$InputTCPServerStreamDriverAuthMode anon"]
    lines.append(f"$InputTCPServerRun {port}")
    if not relay:
        lines += ["$ActionFileDefaultTemplate RSYSLOG_SyslogProtocol23Format", f"*.* {target}"]
        return "\n".join(lines) + "\n"
    if tls:
        lines += ["$ActionSendStreamDriverMode 1", "$ActionSendStreamDriverAuthMode anon"]
    lines += ["$ActionForwardDefaultTemplate RSYSLOG_SyslogProtocol23Format", f"*.* @@(o)127.0.0.1:{target}"]
    return "\n".join(lines) + "\n"


def syslog_ng_config(port, target, tls, relay):
    server = f'transport(tls) tls(key-file("{work}/key.pem") cert-file("{work}/cert.pem") peer-verify(optional-untrusted))'
    client = f'transport(tls) tls(ca-file("{work}/cert.pem") peer-verify(yes))'
    plain = "transport(tcp)"
    sink = (f'syslog("127.0.0.1" port({target}) {client if tls else plain})' if relay else
            f'file("{target}" template("<$PRI>1 $ISODATE $HOST $PROGRAM $PID $MSGID $SDATA $MSG\\n"))')
    return (f'@version: 3.35\noptions {{ keep-hostname(yes); use-dns(no); stats-freq(0); log-fifo-size(200000); '
            f'flush-lines(100); }};\nsource s {{ syslog(ip("127.0.0.1") port({port}) {server if tls else plain} '
            f'log-iw-size(1000)); }};\ndestination d {{ {sink}; }};\n'
            f'log {{ source(s); destination(d); flags(flow-control); }};\n')


DAEMONS = {
    "rsyslogd": (shutil.which("rsyslogd") or "/usr/sbin/rsyslogd", rsyslog_config,
                 lambda exe, conf: [exe, "-n", "-f", conf, "-i", f"{work}/rsyslogd.pid"]),
    "syslog-ng": (shutil.which("syslog-ng") or "/usr/sbin/syslog-ng", syslog_ng_config,
                  lambda exe, conf: [exe, "-F", "-f", conf, "--no-caps", "-R", f"{work}/persist", "-c", f"{work}/ctl",
                                     "-p", f"{work}/ng.pid"]),
    "sysloomd": (os.path.join(own, "sysloomd"), rsyslog_config,
                 lambda exe, conf: [exe, "-n", "-f", conf, "-i", "NONE", "-M", own]),
}


def stream():
    text = "user login accepted from 198.51.100.23 port 51422 session opened method publickey result ok latency=12ms"
    parts = []
    for i in range(options.messages):
        body = (f"<134>1 2026-11-23T03:09:01.{i % 1000000:06d}Z host{i % 250:03d}.example.net app{i % 40:02d} "
                f"{1000 + i % 500} ID{i % 47} - ~{i:010d} {text}")
        parts.append(f"{len(body)} {body}")
    return "".join(parts).encode()


def count(blob, seen):
    for number in re.findall(rb"~(\d{10})", blob):
        seen[int(number)] += 1


class Collector(threading.Thread):
    """Takes what a relay forwards."""

    def __init__(self, port, tls):
        super().__init__(daemon=True)
        self.seen, self.got, self.tls = bytearray(options.messages), 0, tls
        self.listener = socket.create_server(("127.0.0.1", port))
        self.listener.settimeout(60)
        self.start()

    def run(self):
        stream, _ = self.listener.accept()
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(f"{work}/cert.pem", f"{work}/key.pem")
            stream = context.wrap_socket(stream, server_side=True)
        rest = b""
        while chunk := stream.recv(1 << 18):
            blob = rest + chunk
            whole = blob.rfind(b"~") if blob.rfind(b"~") > len(blob) - 11 else len(blob)
            count(blob[:whole], self.seen)
            rest = blob[whole:]
            self.got += 1


def cpu(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / HERTZ


def peak(pid):
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) / 1024


def until(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


def reachable(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
        return True
    except OSError:
        return False


def once(name, kind, blob):
    exe, config, command = DAEMONS[name]
    tls, relay = kind.startswith("tls"), kind.endswith("relay")
    port, target = free_port(), free_port() if relay else f"{work}/{name}.out"
    if not relay and os.path.exists(target):
        os.unlink(target)
    collector = Collector(target, tls) if relay else None
    path = f"{work}/{name}.conf"
    with open(path, "w") as file:
        file.write(config(port, target, tls, relay))
    log = open(f"{work}/{name}.log", "w")
    daemon = subprocess.Popen(command(exe, path), stdout=log, stderr=log, env={**os.environ, "LC_ALL": "C"})
    try:
        until(lambda: daemon.poll() is not None or reachable(port), 20, f"{name} to listen")
        if daemon.poll() is not None:
            raise RuntimeError(f"{name} did not start: " + open(log.name).read()[-400:])
        before = cpu(daemon.pid)
        sender = socket.create_connection(("127.0.0.1", port))
        if tls:
            context = ssl.create_default_context(cafile=f"{work}/cert.pem")
            sender = context.wrap_socket(sender, server_hostname="localhost")
        sender.sendall(blob)
        sizes = []

        def settled():
            sizes.append(collector.got if relay else os.path.getsize(target) if os.path.exists(target) else 0)
            return len(sizes) > 40 and sizes[-1] and len(set(sizes[-40:])) == 1

        until(settled, 120, f"{name} to finish")
        spent, memory = cpu(daemon.pid) - before, peak(daemon.pid)
        sender.close()
        seen = collector.seen if relay else bytearray(options.messages)
        if not relay:
            count(open(target, "rb").read(), seen)
        lost = seen.count(0)
        return spent / options.messages * 1e6, memory, lost, sum(n - 1 for n in seen if n > 1)
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def main():
    certificate()
    names = [name for name, (exe, _, _) in DAEMONS.items() if os.path.exists(exe)]
    for name in DAEMONS.keys() - set(names):
        print(f"left out, not installed: {name}", file=sys.stderr)
    blob = stream()
    print("| work | " + " | ".join(f"{name}, us CPU | {name}, MiB" for name in names) + " | ratio | lost, doubled |")
    print("|---|" + "---|" * (2 * len(names) + 2))
    for kind in options.only.split(","):
        results = {name: [] for name in names}
        for _ in range(options.runs):
            for name in names:
                results[name].append(once(name, kind, blob))
        middle = {n: [statistics.median(r[i] for r in rows) for i in (0, 1)] for n, rows in results.items()}
        others = [middle[n][0] for n in names if n != "sysloomd"]
        ratio = f"{middle['sysloomd'][0] / min(others):.2f}" if others and "sysloomd" in middle else "-"
        faults = [f"{sum(r[2] for r in rows)}, {sum(r[3] for r in rows)}" for rows in results.values()]
        cells = " | ".join(f"{middle[n][0]:.2f} | {middle[n][1]:.1f}" for n in names)
        print(f"| {kind} | {cells} | {ratio} | {' / '.join(faults)} |", flush=True)


try:
    main()
finally:
    shutil.rmtree(work, ignore_errors=True)
