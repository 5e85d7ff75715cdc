#!/usr/bin/env bash
# The page's commands, word for word (slips mended as docs/page.md says), in a network namespace of their own with the
# page's addresses. Called by page.test.ts under `unshare --net --mount`; prints what it finds as `name=value` lines.
set -euo pipefail
dist=$1
here=$(mktemp -d)
export PATH=$dist:$PATH HOME=$here
cd "$here"

ip link set lo up
ip addr add 192.168.0.1/32 dev lo
ip addr add 192.168.0.2/32 dev lo

pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  sleep 0.2
  for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$here"
}
trap cleanup EXIT

wait_for() { # wait_for SECONDS COMMAND...
  local deadline=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "gave up waiting for: $*" >&2
      tail -n 20 ./*.log >&2
      exit 1
    fi
    sleep 0.05
  done
}

redis-server --port 6379 --bind 127.0.0.1 --save '' --appendonly no >redis.log 2>&1 &
pids+=($!)

kuma-cp run >cp.log 2>&1 &
pids+=($!)
wait_for 15 curl --fail --silent http://127.0.0.1:5680/ready

kumactl generate dataplane-token --name redis-1 --valid-for 1h >/tmp/kuma-dp-redis-1-token
kumactl generate dataplane-token --tag kuma.io/service=backend --valid-for 1h >/tmp/kuma-dp-backend-1-token

cat >dp.yaml <<'YAML'
type: Dataplane
mesh: default
name: redis-1
networking:
  address: 192.168.0.1
  inbound:
  - port: 9000
    servicePort: 6379
    tags:
      kuma.io/service: redis
YAML

kuma-dp run \
  --cp-address=https://127.0.0.1:5678 \
  --dataplane-file=dp.yaml \
  --dataplane-token-file=/tmp/kuma-dp-redis-1-token >redis-1.out 2>redis-1.log &
pids+=($!)

mkdir backend && cd backend
cat >dp.yaml <<'YAML'
type: Dataplane
mesh: default
name: {{ name }}
networking:
  address: {{ address }}
  inbound:
  - port: 8000
    servicePort: 80
    tags:
      kuma.io/service: backend
      kuma.io/protocol: http
  outbound:
  - port: 10000
    tags:
      kuma.io/service: redis
YAML

kuma-dp run \
  --cp-address=https://127.0.0.1:5678 \
  --dataplane-file=dp.yaml \
  --dataplane-var name=`hostname -s` \
  --dataplane-var address=192.168.0.2 \
  --dataplane-token-file=/tmp/kuma-dp-backend-1-token >../backend.out 2>../backend.log &
pids+=($!)
cd ..

wait_for 15 bash -c 'redis-cli -p 10000 ping | grep -q PONG'
echo "direct=$(redis-cli -h 192.168.0.1 -p 9000 ping)"
echo "mesh=$(redis-cli -p 10000 ping)"
echo "stdout_bytes=$(cat redis-1.out backend.out | wc -c)"
echo "dataplanes=$(curl --silent http://127.0.0.1:5681/meshes/default/dataplanes | grep -c '"name"')"

# Graceful: the Dataplane is gone when the process has ended.
redis_dp=${pids[2]}
kill -TERM "$redis_dp"
kill -TERM "$redis_dp" 2>/dev/null || true
wait "$redis_dp" && echo "exit=0" || echo "exit=$?"
echo "after_leave=$(curl --silent --output /dev/null --write-out '%{http_code}' http://127.0.0.1:5681/meshes/default/dataplanes/redis-1)"
