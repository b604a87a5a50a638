# Sourced by every script here: makes .venv hold exactly what requirements.lock says, and sets PYTHON.
# Fast path: a stamp beside the interpreter equals the lock's hash, and nothing is done.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export PYTHON="$root/.venv/bin/python"
say() { printf '%s\n' "$*" >&2; }

_find_python() {
  local candidate
  for candidate in "${ARC_PYTHON:-}" python3.11 python3.12 python3.13 python3; do
    [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
    "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    printf '%s' "$candidate"; return 0
  done
  say "No Python 3.11 or newer with 'venv' was found. Nothing was installed."
  say "Install it (Debian: apt install python3.11 python3.11-venv), or name one: ARC_PYTHON=/path/to/python $0"
  return 1
}

_set_up() {
  local stamp="$1" python uv="" started=$SECONDS
  case "$(cat "$root/.venv/.lock-stamp" 2>/dev/null)" in
    *" $root") say "Bringing $root/.venv up to date (requirements.lock or pyproject.toml changed)" ;;
    *)
      # A half-made environment is made again from nothing: pip was once seen to leave one that imports but lacks files.
      say "Setting up $root/.venv (once; it holds the connector and everything it needs)"
      python="$(_find_python)"
      "$python" -m venv --clear "$root/.venv" ;;
  esac
  # Without its stamp it counts as half made, so an interrupted set-up is never mistaken for a whole one.
  rm -f "$root/.venv/.lock-stamp"
  if command -v uv >/dev/null 2>&1; then uv=uv
  elif "$PYTHON" -m pip install --quiet --disable-pip-version-check 'uv>=0.9' >/dev/null 2>&1; then uv="$root/.venv/bin/uv"
  fi
  # A company's own certificates are in the system's store, where pip looks too.
  export UV_SYSTEM_CERTS=1
  if [ -n "$uv" ] && VIRTUAL_ENV="$root/.venv" "$uv" pip sync --quiet --require-hashes "$root/requirements.lock"; then
    say "  packages installed by uv, each checked against its hash"
    VIRTUAL_ENV="$root/.venv" "$uv" pip install --quiet --no-deps --no-build-isolation --editable "$root"
  else
    say "  uv is not to be had or could not do it: installing by pip (about a minute), each package checked against its hash"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --require-hashes --requirement "$root/requirements.lock"
    "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable "$root"
  fi
  printf '%s\n' "$stamp" >"$root/.venv/.lock-stamp"
  say "  ready after $((SECONDS - started)) s"
}

# The path is part of the stamp: a venv that was copied or moved points at the old place.
_stamp="$(cat "$root/requirements.lock" "$root/pyproject.toml" | sha256sum | cut -d' ' -f1) $root"
if [ ! -x "$PYTHON" ] || [ "$(cat "$root/.venv/.lock-stamp" 2>/dev/null || true)" != "$_stamp" ]; then
  # Two scripts started at once must not both build it.
  exec 9>"$root/.venv-setup.lock"; command -v flock >/dev/null 2>&1 && flock 9
  if [ "$(cat "$root/.venv/.lock-stamp" 2>/dev/null || true)" != "$_stamp" ]; then _set_up "$_stamp"; fi
  exec 9>&-
fi
unset PYTHONPATH PYTHONHOME
