#!/bin/sh
# The guide's roll-back: ./scripts/rollback.sh production previous
# It shows the plan and asks; where there is no terminal, add --yes.
environment="${1:?say which environment, as in: $0 production previous}"
shift
exec lendpeak2 -e "$environment" rollback "$@"
