//! Builds, and runs of pipelines.

use super::*;

fn code_build(status: &str) -> Value {
    let build = "arn:aws:codebuild:us-east-1:123456789012:build/lendpeak2-frontend:6bdced96";
    json!({ "version": "0", "id": "event-1", "detail-type": "CodeBuild Build State Change", "source": "aws.codebuild",
        "time": "2026-11-23T10:00:00Z", "resources": [build],
        "detail": { "build-status": status, "project-name": "lendpeak2-frontend", "build-id": build,
            "current-phase": "COMPLETED", "additional-information": { "environment": { "environment-variables": [
                { "name": "API_TOKEN", "value": "secret", "type": "PLAINTEXT" }] } } } })
}

#[test]
fn a_build_is_told_by_its_id_and_state_and_keeps_no_environment() {
    let trigger = one(&code_build("SUCCEEDED"));
    let build = "arn:aws:codebuild:us-east-1:123456789012:build/lendpeak2-frontend:6bdced96";
    assert_eq!(trigger.id, format!("{build}@SUCCEEDED"));
    assert!(!serde_json::to_string(&trigger).unwrap().contains("secret"));
    let expected = PipelineEvent {
        service: PipelineService::CodeBuild,
        name: "lendpeak2-frontend".to_owned(),
        state: "SUCCEEDED".to_owned(),
        execution: build.to_owned(),
    };
    assert_eq!(trigger.kind, Kind::Pipeline(expected));
}

#[test]
fn a_pipelines_run_is_told_by_its_id_attempt_and_state() {
    let mut event = json!({ "version": "0", "id": "event-1", "source": "aws.codepipeline",
        "detail-type": "CodePipeline Pipeline Execution State Change", "time": "2026-11-23T10:00:00Z",
        "resources": ["arn:aws:codepipeline:us-east-1:123456789012:frontend"],
        "detail": { "pipeline": "frontend", "execution-id": "01234567", "state": "SUCCEEDED", "version": 3.0 } });
    let expected = PipelineEvent {
        service: PipelineService::CodePipeline,
        name: "frontend".to_owned(),
        state: "SUCCEEDED".to_owned(),
        execution: "01234567".to_owned(),
    };
    assert_eq!((one(&event).id.as_str(), one(&event).kind), ("01234567@SUCCEEDED", Kind::Pipeline(expected)));
    event["detail"]["pipeline-execution-attempt"] = json!(2.0);
    assert_eq!(one(&event).id, "01234567#2.0@SUCCEEDED");
    event["detail-type"] = json!("CodePipeline Stage Execution State Change");
    assert_eq!(parsed(&event).unwrap_err().kind(), "UnknownEvent");
}
