#!/bin/sh
# The parts that the tests take from the system: Chromium for the browser tests, redis-server for
# the RedisHuey ones. PostgreSQL comes as a wheel; run by root it needs `useradd`, because
# PostgreSQL refuses to run as root and the wheel makes a user of its own for it.
#
# On Debian, as root, what is missing is installed. Elsewhere it is named, and the tests that need
# it say that they were skipped; with CI=true nothing may be skipped, so that a missing part fails.
set -eu

present() {
    for command in "$@"; do
        if command -v "$command" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

missing() {
    present chromium chromium-browser google-chrome || echo chromium
    present redis-server || echo redis-server
    if [ "$(id -u)" = 0 ] && ! id pgserver >/dev/null 2>&1; then
        present useradd || echo passwd
    fi
}

wanted=$(missing)
[ -n "$wanted" ] || exit 0

if [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ] && present apt-get; then
    echo "Installing" $wanted
    export DEBIAN_FRONTEND=noninteractive
    # The lists of a fresh container are empty; those of a kept one may be too old to serve.
    apt-get update -qq || echo "The package lists could not be renewed; trying with the old ones."
    # shellcheck disable=SC2086  # Several packages, one word each.
    apt-get install -y -qq --no-install-recommends $wanted >/dev/null || true
    wanted=$(missing)
    [ -n "$wanted" ] || exit 0
fi

echo "Missing on this machine:" $wanted "(the tests that need them can't run)." >&2
[ "${CI:-}" != true ]
