//! Tasks that do not start, or do not stay. ECS has a code for few of the reasons: its own words are matched.

use super::{
    Rule,
    database_refused::database_refused,
    ended_tasks::{container_exits, health_check_in_grace, out_of_memory_at_start},
    missing_tasks::{target_not_registered, tasks_missing},
    room_for_tasks::{network_interface_not_attached, no_address_left, no_capacity, size_not_possible},
    stuck_deployment::deployment_stuck,
    task_images::{exec_format_error, image_missing, image_not_pullable},
    task_secrets::{secret_deleted, secret_missing, secret_not_permitted},
    what_tasks_need::{aws_not_reachable, log_group_missing, role_not_assumable},
};

/// ECS's tries of a service whose tasks fail grow up to 27 minutes apart; most come within 15.
macro_rules! all_run {
    () => {
        "aws ecs describe-services --cluster <cluster> --services <service> --query \
         'services[0].[runningCount, desiredCount]' prints two equal numbers"
    };
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        cause: "image_missing",
        find: image_missing,
        looks_at: "The images of the task definition, each looked up in ECR, and failed starts (stopped \
                   tasks and service events) whose reason is a pull that ended with `not found`, `manifest \
                   unknown` or `no such image`. ECR's own answer is proof. An image that is there but cannot \
                   be pulled has other words: image_not_pullable.",
        otherwise: "where it cannot be pushed again, deploy the last good release: send rollback {\"to\": \
                    \"previous\"}",
        helped: concat!("the next diagnose does not name the image, and ", all_run!(), " within 15 minutes"),
    },
    Rule {
        cause: "image_not_pullable",
        find: image_not_pullable,
        looks_at: "Failed starts whose reason is the pull of the image or the login to ECR, and not an image \
                   that is not found. The other words of the reason show why: a rate limit, a refusal by S3 \
                   or by the registry, no answer, another platform, no space. A digest that is refused \
                   although its tag was pushed again since the deployment is an image that was replaced.",
        otherwise: "deploy the last good release, whose image could be pulled: send rollback {\"to\": \
                    \"previous\"}",
        helped: concat!(all_run!(), " within 15 minutes, and the newest events name no failed pull"),
    },
    Rule {
        cause: "secret_missing",
        find: secret_missing,
        looks_at: "The secrets of the task definition and of the settings, each looked up in Secrets \
                   Manager, and failed starts whose reason says that a secret or a parameter is not found, \
                   lacks the JSON key, or is not JSON. Secrets Manager's own answer is proof. Deletion and \
                   denial have other words: secret_deleted, secret_not_permitted.",
        otherwise: "look for it under another name, also among the deleted ones, and name that one in a new \
                    revision: aws secretsmanager list-secrets --include-planned-deletion --query \
                    'SecretList[].[Name, DeletedDate]'",
        helped: concat!("the next diagnose does not name the secret, and ", all_run!(), " within 15 minutes"),
    },
    Rule {
        cause: "secret_deleted",
        find: secret_deleted,
        looks_at: "The deletion date of each secret of the task definition and of the settings, and failed \
                   starts whose reason says that a secret is marked or scheduled for deletion. Such a secret \
                   is there, but nobody can read it. Running tasks have read it and go on; the next one \
                   cannot start.",
        otherwise: "see who deleted it, and whether another secret took its place: aws cloudtrail \
                    lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=DeleteSecret; \
                    name that one in a new revision",
        helped: concat!("the next diagnose does not name the secret, and ", all_run!(), " within 15 minutes"),
    },
    Rule {
        cause: "secret_not_permitted",
        find: secret_not_permitted,
        looks_at: "Failed starts whose reason names Secrets Manager, Parameter Store or KMS and says that \
                   access is denied. Without a right to it, a secret that does not exist is denied as well: \
                   one that is gone or scheduled for deletion is left out.",
        otherwise: "where the role has that right, see what denies it: the secret's own policy (aws \
                    secretsmanager get-resource-policy --secret-id <secret>), its KMS key's, or a policy of \
                    the organization",
        helped: concat!(all_run!(), " within 15 minutes, and no newer stopped task says AccessDenied"),
    },
    Rule {
        cause: "aws_not_reachable",
        find: aws_not_reachable,
        looks_at: "Failed starts whose reason names Secrets Manager, Parameter Store, KMS, CloudWatch Logs \
                   or S3 and says that no answer came: a time-out, a refused or reset connection, an unknown \
                   host. That is the network and not a right: a denial is an answer. A pull that gets no \
                   answer is image_not_pullable.",
        otherwise: "if the subnets reach AWS through VPC endpoints, let the tasks into their security group: aws ec2 \
                    authorize-security-group-ingress --group-id <security-group-of-the-endpoints> --protocol \
                    tcp --port 443 --source-group <security-group-of-the-tasks>",
        helped: concat!(
            all_run!(),
            " within 15 minutes, and no newer stopped task says that a call timed out"
        ),
    },
    Rule {
        cause: "log_group_missing",
        find: log_group_missing,
        looks_at: "Failed starts whose reason is about the log group, the log stream or the log driver, and \
                   neither about a secret nor about a call without an answer. Its words show whether the \
                   group is missing, the execution role may not write to it, or the log options are wrong.",
        otherwise: "have ECS create the group, in a new revision: \"awslogs-create-group\": \"true\" in the \
                    log options, which needs logs:CreateLogGroup in the execution role",
        helped: concat!(
            all_run!(),
            " within 15 minutes, and aws logs tail <log-group> --since 5m prints lines of the new tasks"
        ),
    },
    Rule {
        cause: "role_not_assumable",
        find: role_not_assumable,
        looks_at: "Failed starts whose reason says that ECS was unable to assume the role. No other cause \
                   has these words: the role is missing, or its trust policy does not name \
                   ecs-tasks.amazonaws.com.",
        otherwise: "where there is no such role, create it again from the stack's template, or name another \
                    one in a new revision",
        helped: concat!(all_run!(), " within 15 minutes, and the newest events name no role"),
    },
    Rule {
        cause: "out_of_memory_at_start",
        find: out_of_memory_at_start,
        looks_at: "Tasks that ended within 2 minutes of their start with OutOfMemoryError (certain), or with \
                   exit code 137 when their essential container exited by itself (likely). A task that ECS \
                   stopped for its health checks can end with 137 too, and is left out. One that ends later \
                   had started: out_of_memory_kills.",
        otherwise: "where more memory is not enough, deploy the last good release: send rollback {\"to\": \
                    \"previous\"}",
        helped: concat!(
            all_run!(),
            " within 15 minutes, and no task has stopped since with OutOfMemoryError"
        ),
    },
    Rule {
        cause: "size_not_possible",
        find: size_not_possible,
        looks_at: "CPU and memory of a task definition for Fargate, held against the sizes that Fargate has; \
                   and failed starts whose reason says that no instance has enough memory or CPU, or that no \
                   such configuration exists. Fargate's own shortage has other words: no_capacity.",
        otherwise: "deploy the last good release, whose size was possible: send rollback {\"to\": \
                    \"previous\"}",
        helped: concat!(all_run!(), " within 10 minutes"),
    },
    Rule {
        cause: "exec_format_error",
        find: exec_format_error,
        looks_at: "Stopped tasks with `exec format error` in their reason or in the last line of their log. \
                   The kernel says so of a program for another processor: the image is there and was pulled.",
        otherwise: "deploy the last good release: send rollback {\"to\": \"previous\"}",
        helped: concat!(all_run!(), " within 10 minutes of the deployment"),
    },
    Rule {
        cause: "container_exits",
        find: container_exits,
        looks_at: "Tasks that ended by themselves or never began, not for memory, of a revision that is \
                   still deployed: two within 20 minutes (30 when ECS holds back its tries), or the last one \
                   while tasks are missing. One task that ended and was replaced is no loop. Exit code and \
                   last log line show why.",
        otherwise: "where the log does not show why, deploy the last good release: send rollback {\"to\": \
                    \"previous\"}",
        helped: concat!(all_run!(), ", and no task of that revision has stopped for 15 minutes"),
    },
    Rule {
        cause: "health_check_in_grace",
        find: health_check_in_grace,
        looks_at: "Tasks that ECS stopped for failed health checks, the load balancer's or the container's, \
                   within 10 minutes of their start: two within 20 minutes (30 when ECS holds back its \
                   tries), or the last one while tasks are missing. Tasks this young had not come up yet. An \
                   older task had come up and fell ill; where one of those fails too, it is not the start. \
                   Nor is it where targets answer the check with a 5xx, and nothing was deployed for 2 hours.",
        otherwise: "where no start ends well, deploy the last good release: send rollback {\"to\": \
                    \"previous\"}",
        helped: concat!(
            all_run!(),
            ", and no task that began since has failed its health checks for 15 minutes"
        ),
    },
    Rule {
        cause: "database_refused",
        find: database_refused,
        looks_at: "The last log line of failed tasks (certain) and the log's newest errors (likely), for \
                   words of the database's driver: a refused connection, an unknown host, a time-out, failed \
                   authentication. Where tasks stay up, the driver connects again by itself. Then only \
                   failed authentication counts: after a secret was changed in the last 24 hours while the \
                   tasks ran, or at least 100 times over 10 minutes and more.",
        otherwise: "where the database's security group does not let the tasks in, add that rule: aws ec2 \
                    authorize-security-group-ingress --group-id <security-group-of-the-database> --protocol \
                    tcp --port 27017 --source-group <security-group-of-the-tasks>",
        helped: concat!(
            all_run!(),
            " within 15 minutes, and aws logs tail <log-group> --since 5m prints no new refusal"
        ),
    },
    Rule {
        cause: "no_capacity",
        find: no_capacity,
        looks_at: "Failed starts whose reason says that capacity is unavailable, or that a limit or quota is \
                   reached. ECS writes the same event for other failed starts: words about addresses or \
                   about the pull of the image are left to no_address_left and image_not_pullable.",
        otherwise: "where the service runs on FARGATE_SPOT, use on-demand capacity, which deploys the image \
                    that its tag names now: aws ecs update-service --cluster <cluster> --service <service> \
                    --capacity-provider-strategy capacityProvider=FARGATE,weight=1 --force-new-deployment",
        helped: concat!(
            all_run!(),
            " within 30 minutes, and the newest event is \"has reached a steady state\""
        ),
    },
    Rule {
        cause: "no_address_left",
        find: no_address_left,
        looks_at: "Failed starts whose reason says that a subnet has too few free addresses, or that the \
                   limit of network interfaces is reached. Each task of Fargate takes an address of its \
                   subnet. Capacity and quotas of Fargate have other words: no_capacity.",
        otherwise: "free addresses: delete the network interfaces of the subnet that nothing uses (aws ec2 \
                    describe-network-interfaces --filters Name=subnet-id,Values=<subnet-id> \
                    Name=status,Values=available)",
        helped: concat!(all_run!(), " within 15 minutes, and the newest events name no subnet"),
    },
    Rule {
        cause: "network_interface_not_attached",
        find: network_interface_not_attached,
        looks_at: "Failed starts whose reason says that the task's network interface was not provided or \
                   attached in time. Attaching it is AWS's own work. A full subnet has other words: \
                   no_address_left.",
        otherwise: "give the service a subnet of another availability zone if no task has come in 15 \
                    minutes: aws ecs update-service --cluster <cluster> --service <service> \
                    --network-configuration \
                    \"awsvpcConfiguration={subnets=[<its-subnet-ids>, <one-more>], securityGroups=[<its-group-ids>], assignPublicIp=<as-it-is>}\"",
        helped: concat!(all_run!(), " within 30 minutes"),
    },
    Rule {
        cause: "target_not_registered",
        find: target_not_registered,
        looks_at: "A service event of the last 20 minutes (30 when ECS holds back its tries) that targets \
                   could not be registered. Its words show whether a quota is reached, the call is \
                   refused, or the load balancer does not have the task's Availability Zone. The tasks run, \
                   but get no requests.",
        otherwise: "where the target group is gone, create it again from the stack's template and name it in \
                    the service: aws ecs update-service --cluster <cluster> --service <service> \
                    --load-balancers targetGroupArn=<target-group-arn>,containerName=<container>,containerPort=<port>",
        helped: "aws elbv2 describe-target-health --target-group-arn <target-group-arn> --query \
                 'TargetHealthDescriptions[].[Target.Id, TargetHealth.State]' prints each task's address as \
                 healthy within 10 minutes",
    },
    Rule {
        cause: "deployment_stuck",
        find: deployment_stuck,
        looks_at: "A deployment in progress: the stage of one that moves traffic (blue/green, linear, canary) \
                   that waits for a hook for more than 30 minutes, is in its bake time 15 minutes past its \
                   end, or in any other stage for more than 2 hours (but not \
                   in the traffic shift of a canary or linear deployment, which may wait for 24); and service events that say that the \
                   minimum and maximum percent leave no room, or that tasks are protected from scale-in. It \
                   has not failed, so nothing takes it back.",
        otherwise: "end it: send rollback {\"to\": \"previous\"}, which brings back what ran before",
        helped: concat!(
            "aws ecs describe-services --cluster <cluster> --services <service> --query \
             'services[0].deployments[].[taskDefinition, rolloutState]' prints one deployment, COMPLETED, and ",
            all_run!()
        ),
    },
    Rule {
        cause: "tasks_missing",
        find: tasks_missing,
        looks_at: "An ACTIVE service with fewer running tasks than its desired count. It is certain with a \
                   failed start in its newest events. Without one it is likely where nothing is on its way: \
                   no deployment, step of scaling, start or stop within 15 minutes. A task that is pending \
                   for longer is missing too.",
        otherwise: "open a case with AWS Support, with the service's ARN and its newest events",
        helped: concat!(all_run!(), " within 10 minutes"),
    },
];
