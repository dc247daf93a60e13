#!/bin/sh
# write-freeze as a person would type it: the same calls with the AWS CLI, AWS being its path.
set -eu

function=write-freeze
target="service/$CLUSTER/$SERVICE"
. "$(dirname "$0")/ledger.sh"

service() {
    "$AWS" ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" \
        --query 'services[0].taskDefinition' --output text
}
definition() { "$AWS" ecs describe-task-definition --task-definition "$1" --include TAGS --query "$2"; }
# The value that the container has of the variable, if any.
value="taskDefinition.containerDefinitions[?name=='$CONTAINER'].environment[] | [?name=='$VARIABLE'].value"
# What ECS takes of what it tells, with the variable. There is one container.
variable="\`[{\"name\":\"$VARIABLE\",\"value\":\"$VALUE\"}]\`"
copy="taskDefinition.{family:family, taskRoleArn:taskRoleArn, executionRoleArn:executionRoleArn,
    networkMode:networkMode, cpu:cpu, memory:memory, requiresCompatibilities:requiresCompatibilities,
    volumes:volumes, placementConstraints:placementConstraints,
    containerDefinitions:containerDefinitions[].merge(@, {environment:[environment, $variable][]})}"

look
current=$(service)
release=${current##*/}
definition "$current" "$value"
claim "$release"
"$AWS" dynamodb update-item --table-name "$LEDGER_TABLE" --key "$(key "target#$target" freeze)" \
    --update-expression 'SET #since = :since, #release = :release' \
    --expression-attribute-names '{"#since":"since","#release":"release"}' \
    --expression-attribute-values \
    "{\":since\":{\"S\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"},\":release\":{\"S\":\"$release\"}}"
# Whether a copy was left there. Not quoted: it is a list.
newest=$("$AWS" ecs list-task-definitions --family-prefix "${release%:*}" --sort DESC --max-results 10 \
    --query 'taskDefinitionArns[:3]' --output text)
for one in $newest; do
    definition "$one" "tags[?key=='lendpeak2:frozen-from'].value"
done
frozen=$("$AWS" ecs register-task-definition --cli-input-json "$(definition "$release" "$copy")" \
    --tags "key=lendpeak2:frozen-from,value=$release" --query taskDefinition.taskDefinitionArn --output text)
"$AWS" dynamodb update-item --table-name "$LEDGER_TABLE" --key "$(key "release#$target" "${frozen##*/}")" \
    --update-expression 'SET frozen_from = :release' \
    --expression-attribute-values "{\":release\":{\"S\":\"$release\"}}"
"$AWS" ecs update-service --cluster "$CLUSTER" --service "$SERVICE" --task-definition "$frozen"
now=$(service)
[ "$now" = "$frozen" ]
definition "$now" "$value" | grep --quiet "\"$VALUE\""
record "$release"
