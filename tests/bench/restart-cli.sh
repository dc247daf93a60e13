#!/bin/sh
# restart as a person would type it: the same calls with the AWS CLI, AWS being its path.
set -eu

function=restart
target="service/$CLUSTER/$SERVICE"
. "$(dirname "$0")/ledger.sh"

# The task definition and the primary deployment.
service() {
    "$AWS" ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" \
        --query 'services[0].[taskDefinition,deployments[0].id]' --output text
}
of_container() {
    "$AWS" ecs describe-task-definition --task-definition "$current" --include TAGS \
        --query "taskDefinition.containerDefinitions[0].[image,secrets[0].valueFrom]" --output text
}

look
# Not quoted: it is a list.
set -- $(service)
current=$1 before=$2
"$AWS" ecs list-service-deployments --cluster "$CLUSTER" --service "$SERVICE" \
    --status PENDING IN_PROGRESS STOP_REQUESTED ROLLBACK_REQUESTED ROLLBACK_IN_PROGRESS
"$AWS" ecs list-tasks --cluster "$CLUSTER" --service-name "$SERVICE" --desired-status STOPPED
set -- $(of_container)
repository=${1#*/}
"$AWS" ecr describe-images --registry-id "${1%%.*}" --repository-name "${repository%:*}" \
    --image-ids "imageTag=${1##*:}"
"$AWS" secretsmanager describe-secret --secret-id "$2"
claim "$current"
"$AWS" ecs update-service --cluster "$CLUSTER" --service "$SERVICE" --task-definition "$current" \
    --force-new-deployment
set -- $(service)
[ "$2" != "$before" ]
record
