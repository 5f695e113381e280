#!/bin/sh
# The tests need Chromium, Redis and, better than the bundled one, a PostgreSQL server.
# Debian as root: its packages. Elsewhere: what is there, Playwright's own Chromium, and for Redis
# a word on what to install.
set -eu

has_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
has_postgres() { command -v pg_config && [ -x "$(pg_config --bindir)/initdb" ]; }
has_redis() { [ -n "${TEST_REDIS_URL:-}" ] || command -v redis-server; }

has_browser >/dev/null && has_postgres >/dev/null && has_redis >/dev/null && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Chromium, PostgreSQL and Redis (once) …"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # libpq-dev brings pg_config, which says where the server is.
  apt-get install -y -qq --no-install-recommends \
    chromium postgresql libpq-dev redis-server >/dev/null
  exit 0
fi
if ! has_browser >/dev/null; then
  echo "Installing Playwright's Chromium (once) …"
  .venv/bin/playwright install chromium
fi
if ! has_redis >/dev/null; then
  echo "Redis is missing, and some tests will fail without it. Install redis-server, or set" >&2
  echo "TEST_REDIS_URL to a server whose data may be thrown away." >&2
fi
