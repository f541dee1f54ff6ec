#!/bin/sh
# failover.sh: keeps www.shop.example on the first region that answers; east, if none does (a record is never taken away).
# A region is gone after three failures in a row.
east=10.99.0.20 west=10.99.0.40 now=10.99.0.20 failures=0
answers() { curl -s -f -o /dev/null --max-time 0.4 "http://$1/"; }
while sleep 0.4; do
    if answers $east; then failures=0; else failures=$((failures + 1)); fi
    want=$east
    if [ $failures -ge 3 ] && answers $west; then want=$west; fi
    [ $want = $now ] && continue
    printf 'server 10.99.0.53\nzone shop.example\nupdate delete www.shop.example A\nupdate add www.shop.example 1 A %s\nsend\n' $want |
        nsupdate && now=$want && echo "www.shop.example is $want"
done
