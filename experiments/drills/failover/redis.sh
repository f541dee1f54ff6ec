#!/bin/sh
# redis.sh PRIMARY [OPTION VALUE]…: a Redis server with its data in this host's /run; on another host than PRIMARY, a replica of it.
mkdir -p /run/redis
primary=$1
shift
if ! python3 -c "import socket,sys; socket.socket().bind((sys.argv[1], 0))" "$primary" 2>/dev/null; then
    set -- "$@" --replicaof "$primary" 6379
fi
exec redis-server --bind 0.0.0.0 --protected-mode no --dir /run/redis --save "" --appendonly no \
    --repl-diskless-sync-delay 0 --repl-ping-replica-period 1 --repl-timeout 5 "$@"
