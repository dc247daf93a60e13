#!/bin/sh
# scale-up as a person would type it: the same calls with the AWS CLI, AWS being its path.
set -eu

target="service/$CLUSTER/$SERVICES"
key() { printf '{"pk":{"S":"%s"},"sk":{"S":"%s"}}' "$1" "$2"; }
item() { printf '{"pk":{"S":"%s"},"sk":{"S":"%s"},"data":{"S":"%s"}}' "$1" "$2" "$3"; }
put() { printf '{"Put":{"TableName":"%s","Item":%s}}' "$LEDGER_TABLE" "$(item "$1" "$2" "$3")"; }
absent() {
    printf '{"ConditionCheck":{"TableName":"%s","Key":%s,"ConditionExpression":"attribute_not_exists(pk)"}}' \
        "$LEDGER_TABLE" "$(key kill-switch "$1")"
}

"$AWS" dynamodb batch-get-item --request-items "{\"$LEDGER_TABLE\":{\"ConsistentRead\":true,\"Keys\":[
    $(key kill-switch all), $(key kill-switch scale-up), $(key "target#$target" scale-up),
    $(key "target#$target" 'scale-up#follow-up'), $(key 'event#scale-up' by-hand)]}}"
tasks=$("$AWS" ecs describe-services --cluster "$CLUSTER" --services "$SERVICES" \
    --query 'services[0].desiredCount' --output text)
"$AWS" ecs list-tasks --cluster "$CLUSTER" --service-name "$SERVICES" --desired-status STOPPED
"$AWS" application-autoscaling describe-scalable-targets --service-namespace ecs \
    --scalable-dimension ecs:service:DesiredCount --resource-ids "$target"
"$AWS" dynamodb transact-write-items --transact-items \
    "[$(absent all),$(absent scale-up),$(put "target#$target" scale-up open)]"
"$AWS" ecs update-service --cluster "$CLUSTER" --service "$SERVICES" --desired-count $((tasks + 2))
"$AWS" ecs describe-services --cluster "$CLUSTER" --services "$SERVICES"
"$AWS" dynamodb transact-write-items --transact-items "[$(put 'audit#scale-up' by-hand applied),
    $(put "target#$target" scale-up done),$(put 'event#scale-up' by-hand applied)]"
"$AWS" sns publish --topic-arn "$NOTICE_TOPIC_ARN" --subject "scale-up applied: $target" --message applied
