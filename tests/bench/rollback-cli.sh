#!/bin/sh
# rollback as a person would type it: the same calls with the AWS CLI, AWS being its path.
set -eu

function=rollback
target="service/$CLUSTER/$SERVICE"
. "$(dirname "$0")/ledger.sh"

service() {
    "$AWS" ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" \
        --query 'services[0].taskDefinition' --output text
}
probe() {
    "$AWS" lambda invoke --function-name "$PROBE_FUNCTION" \
        --payload '{"checks":["health","health-db","health-redis"],"tries":1,"dry_run":true}' /dev/stdout
}

look
current=$(service)
revisions=$("$AWS" ecs list-service-deployments --cluster "$CLUSTER" --service "$SERVICE" --status SUCCESSFUL \
    --query 'serviceDeployments[].targetServiceRevisionArn' --output text)
# Not quoted: it is a list.
previous=$("$AWS" ecs describe-service-revisions --service-revision-arns $revisions \
    --query "serviceRevisions[?taskDefinition!='$current'] | [0].taskDefinition" --output text)
"$AWS" dynamodb query --table-name "$LEDGER_TABLE" --consistent-read --key-condition-expression 'pk = :service' \
    --expression-attribute-values "{\":service\":{\"S\":\"release#$target\"}}"
"$AWS" ecs list-tasks --cluster "$CLUSTER" --service-name "$SERVICE" --desired-status STOPPED
probe
"$AWS" ecs describe-task-definition --task-definition "$current" --include TAGS
"$AWS" ecs describe-task-definition --task-definition "$previous" --include TAGS
claim "$previous"
"$AWS" dynamodb update-item --table-name "$LEDGER_TABLE" --key "$(key "release#$target" "${current##*/}")" \
    --update-expression 'SET rolled_back_at = :at' \
    --expression-attribute-values "{\":at\":{\"S\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"}}"
"$AWS" ecs update-service --cluster "$CLUSTER" --service "$SERVICE" --task-definition "${previous##*/}"
now=$(service)
[ "$now" = "$previous" ]
"$AWS" ecs describe-task-definition --task-definition "$now" --include TAGS
probe
record "$previous"
