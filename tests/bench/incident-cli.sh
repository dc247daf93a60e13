#!/bin/sh
# incident as a person would type it when an alarm rings: the same calls with the AWS CLI, AWS being its path.
set -eu

function=incident
target=service-down
. "$(dirname "$0")/ledger.sh"

id=$(date -u +%Y-%m-%dT%H-%M-%SZ)-$target

"$AWS" dynamodb get-item --table-name "$LEDGER_TABLE" --consistent-read --key "$(key incident-open "$target")"
"$AWS" dynamodb query --table-name "$LEDGER_TABLE" --consistent-read --no-scan-index-forward --max-items 10 \
    --key-condition-expression 'pk = :pk' --expression-attribute-values '{":pk":{"S":"incidents"}}'
"$AWS" dynamodb transact-write-items --transact-items "[$(put incidents "$id" open),
    $(put incident-open "$target" "$id"), $(put "incident#$id" alarm rings)]"
"$AWS" stepfunctions start-execution --state-machine-arn "$STATE_MACHINE_ARN" --name "$id" \
    --input "{\"incident\":\"$id\"}"
"$AWS" sns publish --topic-arn "$NOTICE_TOPIC_ARN" --subject "Service down" --message "$id"
"$AWS" dynamodb transact-write-items --transact-items "[$(put incidents "$id" told), $(put "incident#$id" told told)]"
