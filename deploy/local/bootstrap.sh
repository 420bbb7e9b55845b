#!/bin/sh
# Makes .venv hold what uv.lock says, with a uv of its own in var/bootstrap. The package clients' own settings
# (PIP_*, UV_*) count; a Python is never downloaded.
set -eu
cd "$(dirname "$0")/../.."
bootstrap=var/bootstrap

refuse() {
  echo "comptoir: $1" >&2
  exit 2
}

# Prints the first Python that is new enough and can make virtual environments.
find_python() {
  incomplete=
  for python in python3 python3.14 python3.13 python3.12 python3.11; do
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    if "$python" -c 'import ensurepip, venv; ensurepip.version()' 2>/dev/null; then
      "$python" -c 'import sys; print(sys.executable)'
      return
    fi
    incomplete=${incomplete:-$python}
  done
  [ -z "$incomplete" ] || refuse "$incomplete lacks its venv module: install $incomplete-venv (Debian: apt install $incomplete-venv)"
  refuse "Python 3.11 or newer is needed: install it with its venv module (Debian: apt install python3 python3-venv)"
}

if ! "$bootstrap/bin/uv" --version >/dev/null 2>&1; then
  python=$(find_python)
  echo "Installing uv"
  "$python" -m venv --clear "$bootstrap"
  "$bootstrap/bin/pip" install --quiet --disable-pip-version-check 'uv==0.13.*'
fi

# An environment that works keeps its Python; otherwise it is made with the one found here.
if ! .venv/bin/python -c '' 2>/dev/null; then
  UV_PYTHON=${UV_PYTHON:-$(find_python)}
  export UV_PYTHON
fi
unset VIRTUAL_ENV CONDA_PREFIX UV_PROJECT_ENVIRONMENT
export UV_PYTHON_DOWNLOADS=never
# Where the system has a list of authorities it counts, as it does for pip: it may hold an organisation's own.
if [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs/ca-bundle.crt ]; then
  export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
fi
echo "Installing what uv.lock says"
exec "$bootstrap/bin/uv" sync --frozen --quiet
