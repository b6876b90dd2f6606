#!/bin/sh
# Tells what a build needs and does not find, in one line with the command that installs it; says nothing if all is there.
#
# SWIFT is the command of the toolchain, CC the C compiler if it is not the toolchain's clang: both as the package manager
# takes them. A toolchain whose version will do is noted in .build/needs, for to ask it takes longer than all the rest.
set -u
cd "$(dirname "$0")/.." || exit 1

missing=
add() { missing="$missing${missing:+; }$1"; }

# The command that installs a package, by its name under apt-get, dnf, zypper, pacman and apk.
install() {
  for manager in "apt-get install $1" "dnf install $2" "zypper install $3" "pacman -S $4" "apk add $5"; do
    if command -v "${manager%% *}" >/dev/null 2>&1; then echo "$manager" && return; fi
  done
  if [ "$(uname)" = Darwin ]; then echo 'xcode-select --install'; else echo "install $1, or what its like is called here"; fi
}

install_swift() {
  if command -v swiftly >/dev/null 2>&1; then
    echo 'swiftly install --use latest'
  elif [ "$(uname)" = Darwin ]; then
    echo 'xcode-select --install, or see https://www.swift.org/install'
  else
    # shellcheck disable=SC2016
    echo 'curl -O https://download.swift.org/swiftly/linux/swiftly-$(uname -m).tar.gz && tar xzf swiftly-*.tar.gz &&' \
      './swiftly init (https://www.swift.org/install has other ways)'
  fi
}

wanted=$(sed -n '1s/.*swift-tools-version: *//p' Package.swift)
swift=$(command -v "${SWIFT:-swift}") || swift=
if [ -z "$swift" ]; then
  add "Swift $wanted or later, and there is no '${SWIFT:-swift}': $(install_swift)"
elif stamp="$wanted $(ls -lnL "$swift")" && [ "$stamp" != "$(cat .build/needs 2>/dev/null)" ]; then
  said=$("$swift" --version 2>&1)
  found=$(printf '%s\n' "$said" | sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' | head -n 1)
  if [ -z "$found" ]; then
    said=$(printf '%s\n' "$said" | head -n 1)
    add "Swift $wanted or later, and '$swift --version' says '$said': https://www.swift.org/install has what it wants"
  elif [ "${found%.*}" -lt "${wanted%%.*}" ] ||
    { [ "${found%.*}" -eq "${wanted%%.*}" ] && [ "${found#*.}" -lt "${wanted#*.}" ]; }; then
    add "Swift $wanted or later, and $swift is $found: $(install_swift)"
  else
    mkdir -p .build && echo "$stamp" >.build/needs
  fi
fi

# The package manager takes CC, else the clang beside it, else that of PATH.
if [ -n "$swift" ]; then
  beside=$(dirname "$(realpath "$swift" 2>/dev/null || echo "$swift")")/clang
  [ -x "$beside" ] || beside=clang
  compiler=${CC:-$beside}
  if ! command -v "${compiler%% *}" >/dev/null 2>&1; then
    add "the toolchain's clang, and there is no '$compiler': $(install clang clang clang clang clang)"
  elif ! echo '#include <zlib.h>' | $compiler -E -x c - >/dev/null 2>&1; then
    add "zlib with its header zlib.h: $(install zlib1g-dev zlib-devel zlib-devel zlib zlib-dev)"
  fi
elif [ "$(uname)" != Darwin ] && ! [ -e /usr/include/zlib.h ]; then
  add "zlib with its header zlib.h: $(install zlib1g-dev zlib-devel zlib-devel zlib zlib-dev)"
fi

[ -z "$missing" ] || { echo "the build needs $missing" >&2; exit 1; }
