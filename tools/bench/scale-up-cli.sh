#!/bin/sh
# scale-up as a person would type it: the same calls with the AWS CLI, AWS being its path.
set -eu

function=scale-up
target="service/$CLUSTER/$SERVICE"
. "$(dirname "$0")/ledger.sh"

look
tasks=$("$AWS" ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" \
    --query 'services[0].desiredCount' --output text)
"$AWS" ecs list-tasks --cluster "$CLUSTER" --service-name "$SERVICE" --desired-status STOPPED
"$AWS" application-autoscaling describe-scalable-targets --service-namespace ecs \
    --scalable-dimension ecs:service:DesiredCount --resource-ids "$target"
claim
"$AWS" ecs update-service --cluster "$CLUSTER" --service "$SERVICE" --desired-count $((tasks + 2))
"$AWS" ecs describe-services --cluster "$CLUSTER" --services "$SERVICE"
record
