# The ledger and the notice, for the remedy beside this one, which sets $function and $target.

key() { printf '{"pk":{"S":"%s"},"sk":{"S":"%s"}}' "$1" "$2"; }
item() { printf '{"pk":{"S":"%s"},"sk":{"S":"%s"},"data":{"S":"%s"}}' "$1" "$2" "$3"; }
put() { printf '{"Put":{"TableName":"%s","Item":%s}}' "$LEDGER_TABLE" "$(item "$1" "$2" "$3")"; }
delete() { printf '{"Delete":{"TableName":"%s","Key":%s}}' "$LEDGER_TABLE" "$(key "$1" "$2")"; }
absent() {
    printf '{"ConditionCheck":{"TableName":"%s","Key":%s,"ConditionExpression":"attribute_not_exists(pk)"}}' \
        "$LEDGER_TABLE" "$(key kill-switch "$1")"
}

look() {
    "$AWS" dynamodb batch-get-item --request-items "{\"$LEDGER_TABLE\":{\"ConsistentRead\":true,\"Keys\":[
        $(key kill-switch all), $(key kill-switch "$function"), $(key "target#$target" "$function"),
        $(key "target#$target" "$function#follow-up"), $(key "target#$target" holder),
        $(key "target#$target" freeze), $(key "event#$function" by-hand)]}}"
}

claim() {
    "$AWS" dynamodb transact-write-items --transact-items "[$(absent all), $(absent "$function"),
        $(put "target#$target" "$function" open), $(put "target#$target" holder "$function")]"
}

record() {
    "$AWS" dynamodb transact-write-items --transact-items "[$(put "audit#$function" by-hand applied),
        $(put "target#$target" "$function" done), $(delete "target#$target" holder),
        $(put "event#$function" by-hand applied)]"
    "$AWS" sns publish --topic-arn "$NOTICE_TOPIC_ARN" --subject "$function applied: $target" --message applied
}
