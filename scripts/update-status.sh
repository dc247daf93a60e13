#!/bin/sh
# The guide's way to say how a component is:
# ./scripts/update-status.sh --component api --status degraded --message "Investigating high response times"
# The environment is LENDPEAK2_ENVIRONMENT, or the only one there is.
exec lendpeak2 status set "$@"
