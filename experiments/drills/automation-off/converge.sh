#!/bin/sh
# converge.sh SWITCH [--keep-what-people-set]: configuration management. Every five seconds it makes the host be as it is declared: the
# remediator is on. With --keep-what-people-set, a switch that somebody has set is left as it is, and told.
while sleep 5; do
    if [ "$2" = --keep-what-people-set ] && [ "$(cat "$1" 2>/dev/null)" = off ]; then
        echo "remediator: declared on, switched off by hand: left off"
    else
        echo on >"$1"
        echo "remediator: on, as declared"
    fi
done
