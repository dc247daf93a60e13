#!/bin/sh
# The guide's health check: ./scripts/health-check.sh production
environment="${1:?say which environment, as in: $0 production}"
shift
exec lendpeak2 -e "$environment" health "$@"
