#!/bin/sh
# Installs, from Debian's packages, the programs that the tests use as peers: rsyslogd with its TLS drivers,
# syslog-ng, stunnel, OpenSSL (with its headers, for the driver ossl), valgrind, GnuTLS's tools, socat, tcpdump, Python, logger, sslscan and
# testssl.sh; and from PyPI, in an environment of their own, sslyze and tlslite-ng. Run as root; does nothing that is
# done already.
set -eu
export DEBIAN_FRONTEND=noninteractive
wanted="rsyslog rsyslog-gnutls rsyslog-openssl gnutls-bin openssl stunnel4 socat bsdutils tcpdump iproute2 python3 gcc libc6-dev libssl-dev pkg-config make valgrind sslscan testssl.sh python3-venv"
missing=
for package in $wanted; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
if [ -n "$missing" ] || ! command -v syslog-ng >/dev/null; then
    echo "installing:$missing syslog-ng" >&2
    apt-get update -qq
fi
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
# syslog-ng's package conflicts with rsyslog's, so its files are unpacked beside it.
if ! command -v syslog-ng >/dev/null; then
    libraries=$(apt-cache depends syslog-ng-core | awk '/ Depends: lib/ {print $2}' | grep -v '<')
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $libraries >/dev/null
    work=$(mktemp -d)
    (cd "$work" && apt-get download syslog-ng-core >/dev/null && dpkg -x syslog-ng-core*.deb root)
    cp -a "$work/root/usr/lib/." /usr/lib/
    cp "$work"/root/usr/sbin/syslog-ng* /usr/sbin/
    mkdir -p /usr/share/syslog-ng /etc/syslog-ng /var/lib/syslog-ng
    cp -a "$work/root/usr/share/syslog-ng/." /usr/share/syslog-ng/
    cp -a "$work/root/etc/syslog-ng/." /etc/syslog-ng/
    ldconfig
    rm -rf "$work"
fi
# What Debian has not: the environment's python3 is reached as tlslite-python.
python=/usr/local/lib/sysloom-peers
if ! [ -x "$python/bin/sslyze" ] || ! "$python/bin/python3" -c 'import tlslite' 2>/dev/null; then
    /usr/bin/python3 -m venv --clear "$python"
    "$python/bin/pip" install --quiet --disable-pip-version-check sslyze==6.3.1 tlslite-ng==0.8.2
fi
ln -sf "$python/bin/sslyze" /usr/local/bin/sslyze
printf '#!/bin/sh\nexec %s/bin/python3 "$@"\n' "$python" >/usr/local/bin/tlslite-python.new
chmod +x /usr/local/bin/tlslite-python.new
mv /usr/local/bin/tlslite-python.new /usr/local/bin/tlslite-python
