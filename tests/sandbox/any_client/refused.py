"""Requests that AWS would refuse, by a boto3 that looks at none of them. Prints a line for each: operation, protocol, and
the code and the message that came back, or that it was taken."""

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

CLUSTER, ARN = "lendpeak2-production", "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/a/1"
NOW = "2026-01-20T00:00:00Z"
REQUESTS = [
    # service, protocol (none is boto3's own), operation, request
    ("ecs", None, "UpdateService", {"cluster": CLUSTER, "desiredCount": 4}),
    ("ecs", None, "ListTasks", {"cluster": CLUSTER, "desiredStatus": "GONE"}),
    ("application-autoscaling", None, "DescribeScalableTargets", {"ServiceNamespace": "lambda2"}),
    ("dynamodb", None, "GetItem", {"TableName": "a"}),
    ("secretsmanager", None, "GetSecretValue", {"SecretId": ""}),
    ("logs", None, "FilterLogEvents", {"logGroupName": "a", "limit": 100_000}),
    ("codebuild", None, "BatchGetBuilds", {"ids": []}),
    ("ssm", None, "CreateOpsItem", {"Title": "a", "Source": "a"}),
    ("stepfunctions", None, "StartExecution", {"input": "{}"}),
    ("ecr", None, "DescribeImages", {"repositoryName": "Not A Name"}),
    ("docdb", None, "RestoreDBClusterFromSnapshot", {"DBClusterIdentifier": "a", "Engine": "docdb"}),
    ("docdb", None, "DescribeDBClusters", {"MaxRecords": "many"}),
    ("elbv2", None, "DescribeTargetHealth", {}),
    ("sns", None, "Publish", {"Subject": "a"}),
    ("ec2", None, "DescribeSecurityGroups", {"MaxResults": 1}),
    ("cloudfront", None, "CreateInvalidation", {"DistributionId": "E1234567890ABC"}),
    ("cloudwatch", "query", "PutMetricData", {"Namespace": ""}),
    ("cloudwatch", "json", "DescribeAlarms", {"StateValue": "RINGING"}),
    ("cloudwatch", "smithy-rpc-v2-cbor", "GetMetricData", {"StartTime": NOW, "EndTime": NOW}),
]



def client(service, protocol):
    session = botocore.session.get_session()
    if protocol:
        # The loader keeps what it has read, and a client takes its model from there.
        session.get_component("data_loader").load_service_model(service, "service-2")["metadata"]["protocols"] = [protocol]
    unlooked = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return session.create_client(service, config=unlooked)


for service, protocol, operation, request in REQUESTS:
    asking = client(service, protocol)
    try:
        asking._make_api_call(operation, request)
        said = "taken"
    except ClientError as error:
        said = f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    print(f"{service} {operation} by {asking.meta.service_model.resolved_protocol}: {said}", flush=True)
