#!/bin/sh
# The guide's first look when the service is down: ./scripts/emergency-check.sh production
# Ends as the first of the three that is not well.
environment="${1:?say which environment, as in: $0 production}"
shift
lendpeak2 -e "$environment" health "$@"
health=$?
echo
lendpeak2 -e "$environment" diagnose "$@"
diagnose=$?
echo
lendpeak2 -e "$environment" status show "$@"
status=$?
for code in "$health" "$diagnose" "$status"; do
    [ "$code" -eq 0 ] || exit "$code"
done
