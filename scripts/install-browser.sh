#!/bin/sh
# The tests need a Chromium and, better than the bundled one, a PostgreSQL server.
# Debian as root: its packages. Elsewhere: a browser that is there, or Playwright's own.
set -eu

has_browser() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
has_postgres() { command -v pg_config && [ -x "$(pg_config --bindir)/initdb" ]; }

has_browser >/dev/null && has_postgres >/dev/null && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Chromium and PostgreSQL (once) …"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # libpq-dev brings pg_config, which says where the server is.
  apt-get install -y -qq --no-install-recommends chromium postgresql libpq-dev >/dev/null
elif ! has_browser >/dev/null; then
  echo "Installing Playwright's Chromium (once) …"
  .venv/bin/playwright install chromium
fi
