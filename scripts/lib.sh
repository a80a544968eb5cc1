# Shared by the scripts: installs Debian packages as root or with sudo.

install_packages() {
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    echo "installing $* (Debian packages)" >&2
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -qq
    $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
