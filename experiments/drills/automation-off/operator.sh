#!/bin/sh
# operator.sh SWITCH: somebody switches the remediator off, by hand, and goes on with the work.
echo off >"$1"
echo "remediator switched off"
exec sleep 3600
