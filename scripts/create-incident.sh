#!/bin/sh
# The guide's way to open an incident:
# ./scripts/create-incident.sh --severity high --title "API Response Time Degraded" --assignee oncall@lendpeak.com
# The environment is LENDPEAK2_ENVIRONMENT, or the only one there is.
exec lendpeak2 incident open "$@"
