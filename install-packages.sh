#!/usr/bin/env bash
# install-packages.sh [--tests] [--check] - the Debian 12 packages that the build needs; with --tests also those of ./test.sh.
#
# Does nothing when all are there. Needs root, or sudo, only when one is missing; without either, or with --check, it says what is missing
# and ends with status 1.
set -euo pipefail

# curl and python3 are what ./setup.sh shows its example with.
build=(
    curl python3 gcc g++ cmake ninja-build pkg-config lemon
    librdkafka-dev libsqlite3-dev libnghttp2-dev libjansson-dev libsimdjson-dev libprotobuf-dev libprotoc-dev libcurl4-openssl-dev libxxhash-dev
    libpcre2-dev libicu-dev libssl-dev libgmp-dev libcrypt-dev libedit-dev liblua5.4-dev
)
# zsh and groff try completion and manual pages; ccache makes the second run quick; maven fetches the Kafka broker that java runs; openssl makes
# certificates.
tests=(libcmocka-dev valgrind ccache git ca-certificates openssl zsh groff-base clang-format-14 maven openjdk-17-jre-headless)

packages=("${build[@]}")
check=no
for option in "$@"; do
    case $option in
        --tests) packages+=("${tests[@]}") ;;
        --check) check=yes ;;
        *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done

missing=()
for package in "${packages[@]}"; do
    case $package in # from elsewhere they are as good
        maven) if command -v mvn >/dev/null; then continue; fi ;;
        openjdk-*) if command -v java >/dev/null; then continue; fi ;;
        gcc | g++ | cmake | ccache | python3 | git | curl | lemon) if command -v "$package" >/dev/null; then continue; fi ;;
        ninja-build) if command -v ninja >/dev/null; then continue; fi ;;
    esac
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
if [ $check = yes ] || ! command -v apt-get >/dev/null || { [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; }; then
    echo "install-packages.sh: missing packages: ${missing[*]}" >&2
    echo "As root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
echo "Installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null
