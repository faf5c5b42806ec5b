#!/bin/sh
# The seed's certificate steps with GnuTLS's certtool, answered from templates instead of by hand.
#   certtool.sh DIRECTORY DNSNAME
set -eu
cd "$1"
printf 'cn = "seed CA"\nca\ncert_signing_key\nexpiration_days = 30\n' > ca.cfg
printf 'cn = "%s"\ndns_name = "%s"\ntls_www_server\ntls_www_client\nsigning_key\nexpiration_days = 30\n' "$2" "$2" > host.cfg
certtool --generate-privkey --outfile ca-key.pem
certtool --generate-self-signed --load-privkey ca-key.pem --outfile ca.pem --template ca.cfg
certtool --generate-privkey --outfile key.pem
certtool --generate-request --load-privkey key.pem --outfile request.pem --template host.cfg
certtool --generate-certificate --load-request request.pem --outfile cert.pem \
    --load-ca-certificate ca.pem --load-ca-privkey ca-key.pem --template host.cfg
