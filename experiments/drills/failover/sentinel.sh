#!/bin/sh
# sentinel.sh PRIMARY: a sentinel; two of three have to agree that the primary is gone. It keeps its state in this host's /run.
cat >/run/sentinel.conf <<END
bind 0.0.0.0
protected-mode no
port 26379
dir /run
sentinel monitor store $1 6379 2
sentinel down-after-milliseconds store 5000
sentinel failover-timeout store 6000
sentinel parallel-syncs store 2
END
exec redis-sentinel /run/sentinel.conf
