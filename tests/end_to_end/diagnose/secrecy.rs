//! Nothing secret or personal that is in logs and reasons comes out.

use sandbox::{
    deploy::{PASSWORD, PROFILER_LOG_GROUP},
    gateway::{BUILD_LOGS, Build, StoppedTask},
};

use super::*;

const EMAIL: &str = "jane.doe@example.com";
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.s5gX0mQ";
const CARD: &str = "4111111111111111";

#[tokio::test]
async fn no_secret_and_nothing_personal_comes_out() -> Test {
    let stack = start().await?;
    let lines = [
        format!(
            "ERROR MongoServerError: Authentication failed: mongodb://lendpeak:{PASSWORD}@db:27018/loans"
        ),
        format!("ERROR cannot send mail to {EMAIL}"),
        format!("ERROR request failed, Authorization: Bearer {TOKEN}"),
        format!("ERROR login of {EMAIL} with password {PASSWORD} failed"),
        json!({ "level": "error", "msg": "ERROR payment refused", "card": CARD, "token": TOKEN }).to_string(),
        json!({ "level": "error", "message": format!("ERROR {{\"password\":\"{PASSWORD}\"}}") }).to_string(),
    ];
    let lines: Vec<String> = lines.iter().flat_map(|line| std::iter::repeat_n(line.clone(), 20)).collect();
    stack.log(LOG_GROUP, "ecs/backend/1", &lines).await?;
    let query = json!({ "op": "query", "ns": "lendpeak2.users", "millis": 3_000, "planSummary": "COLLSCAN",
        "command": { "find": "users", "filter": { "email": EMAIL, "card": CARD } } });
    stack.log(PROFILER_LOG_GROUP, "lendpeak2-production-1", &vec![query.to_string(); 30]).await?;
    let id = "00000000000000000000000000000007";
    stack.sandbox.gateway.ecs().add_stopped_task(StoppedTask {
        cluster: CLUSTER.to_owned(),
        service: SERVICE.to_owned(),
        id: id.to_owned(),
        task_definition: format!(
            "arn:aws:ecs:us-east-1:000000000000:task-definition/{}:1",
            sandbox::deploy::FAMILY
        ),
        reason: format!("Essential container in task exited: password={PASSWORD} token={TOKEN}"),
        stop_code: "EssentialContainerExited".to_owned(),
        exit_code: Some(1),
        ran: Some(Duration::from_mins(1)),
        stopped_at: ago(3),
    });
    let last = format!("fatal: cannot connect with password {PASSWORD} as {EMAIL}");
    stack.log(LOG_GROUP, &format!("ecs/backend/{id}"), &[last]).await?;
    let failed = Some(("BUILD".to_owned(), format!("npm token {TOKEN} refused for {EMAIL}")));
    stack.sandbox.gateway.codebuild().add(Build { status: "FAILED".to_owned(), failed, ended_at: ago(25) });
    stack.log(BUILD_LOGS, "2", &[format!("npm error 401 //registry/:_authToken={TOKEN}")]).await?;

    let function = stack.function(&[]).await?;
    for format in ["text", "markdown"] {
        let report = outcome(&function, &json!({ "format": format })).await?;
        assert!(!causes(&report["findings"]).is_empty(), "{report:#}");
        let told = format!("{report}\n{}", function.log());
        for secret in [PASSWORD, EMAIL, TOKEN, CARD, "jane.doe"] {
            assert!(!told.contains(secret), "{secret} came out:\n{report:#}\n{}", function.log());
        }
    }
    assert_eq!(stack.writes(), Vec::<String>::new());
    Ok(())
}
