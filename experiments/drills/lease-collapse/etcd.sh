#!/bin/sh
# etcd.sh ADDRESS: one etcd, with its data in this host's /run.
exec etcd --data-dir /run/etcd --listen-client-urls "http://$1:2379" --advertise-client-urls "http://$1:2379" \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster default=http://127.0.0.1:2380 \
    --unsafe-no-fsync --log-level warn
