#!/bin/sh
# manager.sh FOLDER: systemd as the service manager of this lab host, with the units of FOLDER. It is a user's manager, in a cgroup, a /run
# and a cgroup tree of its own: it sees no other, and the machine's own (if it has one) does not see it. SHOP is this folder, for the units.
set -e
mkdir -p /run/systemd/system /run/user/0  # the first: what says that a machine was booted with systemd
exec env -i PATH="$PATH" HOME=/var/tmp XDG_RUNTIME_DIR=/run/user/0 SHOP="$PWD" SYSTEMD_UNIT_PATH="$PWD/$1:" \
    systemd --user --unit=shop.service --log-target=null
