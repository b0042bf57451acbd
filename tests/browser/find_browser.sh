#!/bin/sh
# Makes sure that the browser tests find a Chromium: one on the PATH, else Playwright's own download, else Debian's
# package where we may install it. Without one the browser tests skip and say so.
#   usage: find_browser.sh PYTHON
python=$1
for name in chromium chromium-browser google-chrome google-chrome-stable; do
  command -v "$name" >/dev/null 2>&1 && exit 0
done
[ -d "/Applications/Google Chrome.app" ] && exit 0
"$python" - <<'EOF' && exit 0
import pathlib, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    sys.exit(not pathlib.Path(p.chromium.executable_path).exists())
EOF
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium for the browser tests ..."
  { apt-get update -qq && apt-get install -y -qq chromium; } >/dev/null 2>&1 && exit 0
fi
echo "Fetching Chromium for the browser tests ..."
timeout 120 "$python" -m playwright install chromium >/dev/null 2>&1 ||
  echo "No Chromium found or fetched: the browser tests will skip. Install one with: $python -m playwright install chromium"
exit 0
