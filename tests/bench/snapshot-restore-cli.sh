#!/bin/sh
# snapshot-restore as a person would type it: one more instance for a restored cluster, the same calls with the AWS
# CLI, AWS being its path.
set -eu

function=snapshot-restore
target="cluster/$SOURCE_CLUSTER"
. "$(dirname "$0")/ledger.sh"

# The CLI's version 1 has an endpoint of its own for DocumentDB, whatever AWS_ENDPOINT_URL says.
docdb() { "$AWS" docdb "$@" --endpoint-url "$AWS_ENDPOINT_URL"; }
instances() {
    docdb describe-db-instances --filters "Name=db-cluster-id,Values=$restored" --query "$1" --output text
}

look
restored=$(docdb describe-db-clusters --output text --query \
    "DBClusters[?starts_with(DBClusterIdentifier, '$SOURCE_CLUSTER-restore-')].DBClusterIdentifier | [0]")
# Not quoted: the writer's class, and how many there are.
set -- $(instances '[DBInstances[0].DBInstanceClass, length(DBInstances)]')
instance="$restored-$(($2 + 1))"
claim "$instance"
docdb create-db-instance --db-instance-identifier "$instance" --db-cluster-identifier "$restored" \
    --db-instance-class "$1" --engine docdb --availability-zone us-east-1b --promotion-tier "$(($2 + 1))" \
    --tags "Key=lendpeak2:restore-id,Value=$restored"
docdb describe-db-clusters --db-cluster-identifier "$restored" --query 'DBClusters[0].Status'
instances 'DBInstances[].DBInstanceIdentifier' | grep --quiet "$instance"
record
