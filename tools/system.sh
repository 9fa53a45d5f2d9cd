#!/bin/sh
# The real servers, the browser and the tools that the tests run against.
set -eu
missing=
[ -x /usr/sbin/dovecot ] || command -v dovecot >/dev/null || missing="$missing dovecot-imapd"
command -v chromium >/dev/null || missing="$missing chromium"
# The units and the manual pages are held against the programs that read them.
command -v systemd-analyze >/dev/null || missing="$missing systemd"
command -v groff >/dev/null || missing="$missing groff-base"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "The tests need these; install them: sudo apt-get install$missing" >&2
    exit 1
fi
