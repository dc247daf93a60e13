use serde_json::{Value, json};
use shared::{lambda::Invocation, outcome::Decision, trigger};

use super::*;
use crate::paths::PathLimits;

fn settings() -> Settings {
    Settings {
        distribution: "E1234567890ABC".to_owned(),
        app_url: "https://app.lendpeak.com".to_owned(),
        build_project: Some("lendpeak2-frontend".to_owned()),
        pipeline: None,
        asset_path: "/assets/main.js".to_owned(),
        limits: PathLimits { paths: 15, wildcards: 5 },
        free_paths: 1_000,
    }
}

fn read(body: &Value) -> Result<Request, Error> {
    let invocation = Invocation {
        body: body.to_string(),
        request_id: "r".to_owned(),
        deadline: Timestamp::MAX,
        function_arn: String::new(),
    };
    let triggers = trigger::parse(&invocation)?;
    from_trigger(&triggers[0], &settings())
}

#[track_caller]
fn asks(body: &Value, goal: &Goal) {
    let request = read(body).unwrap();
    assert_eq!((&request.goal, request.source, request.event.as_str()), (goal, Source::Person, "r"));
}

#[track_caller]
fn refuses(body: &Value, message: &str) {
    let error = read(body).unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), ("InvalidRequest", message));
}

fn sends(paths: &[&str]) -> Goal {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Goal::Invalidate(Paths { paths, widened: vec![] })
}

#[test]
fn a_person_names_paths_or_an_invalidation_or_nothing() {
    asks(&json!({}), &sends(&["/*"]));
    asks(&json!({ "paths": ["assets/*", "/index.html"] }), &sends(&["/assets/*", "/index.html"]));
    asks(&json!({ "status": "I1234567890ABC" }), &Goal::Status("I1234567890ABC".to_owned()));
    asks(&json!({ "reason": "old logo", "dry_run": true }), &sends(&["/*"]));
}

#[test]
fn bad_requests_say_what_to_change() {
    refuses(&json!({ "paths": ["/a"], "status": "I1" }), "send either `paths` or `status`, not both");
    refuses(
        &json!({ "paths": [] }),
        "`paths` is empty: leave it out to invalidate everything, or name a path",
    );
    refuses(
        &json!({ "path": "/a" }),
        "unknown field `path`: this function takes `paths`, `status`, `reason`, `dry_run`, `verbose`, `approve`, `reject`, `override`, `ask`, `by` and `asked_by`",
    );
    refuses(&json!({ "paths": "/a" }), "`paths` must be a list, not the text \"/a\"");
    refuses(&json!({ "paths": [7] }), "`paths[0]` must be text, not the number 7");
    refuses(
        &json!({ "paths": ["app.lendpeak.com/assets/main.js"] }),
        "`app.lendpeak.com/assets/main.js` is an address: its path alone is sent: send \
         `{\"paths\":[\"/assets/main.js\"]}`",
    );
    let id = "`status` must be the id of an invalidation, as in I1234567890ABC";
    refuses(&json!({ "status": "" }), id);
    refuses(&json!({ "status": "../I1" }), id);
}

#[test]
fn a_schedule_looks_after_the_distribution() {
    let event = json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "time": "2026-11-23T10:00:00Z", "resources": []});
    let request = read(&event).unwrap();
    assert_eq!((request.goal, request.source), (Goal::LookAfter, Source::Schedule));
}

#[test]
fn an_ecs_event_is_not_for_it() {
    let event = json!({"source": "aws.ecs", "detail-type": "ECS Task State Change", "id": "e",
        "time": "2026-11-23T10:00:00Z", "resources": ["arn"], "detail": {}});
    assert!(read(&event).unwrap_err().to_string().contains("not woken by `ECS Task State Change`"));
}

fn target_of(source: Source, goal: Goal) -> Result<String, (Decision, &'static str, String)> {
    let request = Request { goal, source, event: String::new(), at: Timestamp::UNIX_EPOCH };
    target(&request, &settings()).map_err(|stop| (stop.decision, stop.code.name(), stop.reason))
}

fn alarm(namespace: &str, metric: &str, distribution: &str) -> Source {
    let dimensions = [("DistributionId", distribution), ("Region", "Global")];
    let metric = trigger::Metric {
        namespace: namespace.to_owned(),
        name: metric.to_owned(),
        dimensions: dimensions.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    Source::Alarm(Alarm {
        name: "many-4xx".to_owned(),
        arn: "arn".to_owned(),
        state: trigger::AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: vec![metric],
    })
}

#[test]
fn an_alarm_clears_only_the_distribution_it_is_set_up_for() {
    let code = |source| target_of(source, sends(&["/*"])).map_err(|(_, code, _)| code);
    let ours = Ok("distribution/E1234567890ABC".to_owned());
    assert_eq!(code(alarm("AWS/CloudFront", "4xxErrorRate", "E1234567890ABC")), ours);
    assert_eq!(code(alarm("AWS/CloudFront", "404ErrorRate", "E1234567890ABC")), ours);
    assert_eq!(code(alarm("AWS/CloudFront", "4xxErrorRate", "EOTHER")), Err("not_allowed"));
    assert_eq!(code(alarm("AWS/CloudFront", "5xxErrorRate", "E1234567890ABC")), Err("not_a_cache_alarm"));
    assert_eq!(code(alarm("LendPeak2", "4xxErrorRate", "E1234567890ABC")), Err("not_a_cache_alarm"));
}

fn deployment(service: PipelineService, name: &str, state: &str) -> Source {
    Source::Deployment(PipelineEvent {
        service,
        name: name.to_owned(),
        state: state.to_owned(),
        execution: "run".to_owned(),
    })
}

#[test]
fn only_a_finished_deployment_of_this_front_end_clears_it() {
    let of = |service, name, state| target_of(deployment(service, name, state), sends(&["/*"]));
    let (build, pipeline) = (PipelineService::CodeBuild, PipelineService::CodePipeline);
    assert_eq!(of(build, "lendpeak2-frontend", "SUCCEEDED"), Ok("distribution/E1234567890ABC".to_owned()));
    let reason = "build project lendpeak2-frontend is FAILED: nothing new is deployed".to_owned();
    assert_eq!(
        of(build, "lendpeak2-frontend", "FAILED"),
        Err((Decision::NothingToDo, "not_deployed", reason))
    );
    let reason = "build project other does not deploy this front end: lendpeak2-frontend does".to_owned();
    assert_eq!(of(build, "other", "SUCCEEDED"), Err((Decision::Refused, "not_allowed", reason)));
    let reason = "pipeline lendpeak2-frontend does not deploy this front end: no pipeline does".to_owned();
    assert_eq!(
        of(pipeline, "lendpeak2-frontend", "SUCCEEDED"),
        Err((Decision::Refused, "not_allowed", reason))
    );
}

#[test]
fn a_question_has_a_target_of_its_own() {
    let status = Goal::Status("I1".to_owned());
    assert_eq!(
        target_of(Source::Person, status),
        Ok("distribution/E1234567890ABC/invalidation/I1".to_owned())
    );
}
