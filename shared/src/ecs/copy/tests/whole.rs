//! That a copy loses nothing, or is not made: by ECS's own answers and what is sent to it, to the letter.

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Every field of the API model of botocore 1.44.8: see `every_field.py`.
const EVERY_FIELD: &str = include_str!("every_field.json");
/// What that has and the SDK has not, so that it is refused: fewer with each version of the SDK.
const NEWER_THAN_THE_SDK: [&str; 1] = ["trustedExecutionConfiguration"];

/// An ECS with one definition.
#[derive(Debug, Clone)]
struct Ecs {
    described: Value,
    registered: Arc<Mutex<Vec<Value>>>,
}

impl HttpConnector for Ecs {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let answer = match target.rsplit('.').next() {
            Some("DescribeTaskDefinition") => self.described.clone(),
            Some("RegisterTaskDefinition") => {
                let sent = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
                self.registered.lock().unwrap().push(sent);
                json!({ "taskDefinition": { "taskDefinitionArn": arn(8) } })
            }
            _ => json!({ "taskDefinitionArns": [] }),
        };
        let body = SdkBody::from(answer.to_string());
        HttpConnectorFuture::ready(Ok(HttpResponse::new(200.try_into().unwrap(), body)))
    }
}

/// Why a copy is not made, or what is registered as one.
async fn copied(described: Value) -> Result<Value, String> {
    let ecs = Ecs { described, registered: Arc::default() };
    let registered = Arc::clone(&ecs.registered);
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version_latest()
        .region(aws_sdk_ecs::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_ecs::config::Credentials::for_tests())
        .http_client(http_client_fn(move |_, _| SharedHttpConnector::new(ecs.clone())))
        .build();
    let client = Client::from_conf(config);
    let copy = Copy { of: "backend:7", tags: &[(COPY_OF, "backend:7")], change: &|container| container };
    let answer = copy_of(&client, &copy).await;
    let mut registered = std::mem::take(&mut *registered.lock().unwrap());
    match answer {
        Ok(_) => Ok(registered.remove(0)),
        Err(error) => {
            assert_eq!(registered, Vec::<Value>::new());
            Err(crate::error::chain(&error))
        }
    }
}

fn every_field() -> Value {
    serde_json::from_str(EVERY_FIELD).unwrap()
}

fn fields(described: &mut Value) -> &mut serde_json::Map<String, Value> {
    described["taskDefinition"].as_object_mut().unwrap()
}

#[tokio::test]
async fn every_field_that_ecs_has_is_copied_or_the_copy_is_refused_by_its_name() {
    let refused = copied(every_field()).await.unwrap_err();
    let all = format!("does not know: {}", NEWER_THAN_THE_SDK.join(", "));
    assert!(refused.ends_with(&all), "{refused}");

    let mut known = every_field();
    fields(&mut known).retain(|name, _| !NEWER_THAN_THE_SDK.contains(&name.as_str()));
    let copy = copied(known.clone()).await.unwrap();
    let mut expected = known["taskDefinition"].clone();
    expected.as_object_mut().unwrap().retain(|name, _| !GIVEN_BY_ECS.contains(&name.as_str()));
    expected["tags"] = json!([{ "key": COPY_OF, "value": "backend:7" }]);
    assert_eq!(copy, expected);
}

/// Adds a field to each object in turn, and answers its path.
fn with_a_newer_field(value: &mut Value, path: &str, countdown: &mut usize) -> Option<String> {
    match value {
        Value::Object(fields) => {
            if *countdown == 0 {
                fields.insert("newer".to_owned(), json!({ "value": 1 }));
                return Some(format!("{path}newer"));
            }
            *countdown -= 1;
            fields
                .iter_mut()
                .find_map(|(name, value)| with_a_newer_field(value, &format!("{path}{name}."), countdown))
        }
        Value::Array(all) => all.iter_mut().enumerate().find_map(|(place, value)| {
            let path = format!("{}[{place}].", path.trim_end_matches('.'));
            with_a_newer_field(value, &path, countdown)
        }),
        _ => None,
    }
}

#[tokio::test]
async fn a_newer_field_at_any_place_is_refused_by_its_name() {
    let mut known = every_field();
    fields(&mut known)
        .retain(|name, _| ![&NEWER_THAN_THE_SDK[..], &GIVEN_BY_ECS].concat().contains(&name.as_str()));
    let mut places = 0;
    for place in 0.. {
        let mut newer = known.clone();
        let mut countdown = place;
        let Some(path) = with_a_newer_field(&mut newer["taskDefinition"], "", &mut countdown) else { break };
        places += 1;
        // A map has keys of its own; and where one of several can be, the SDK itself does not read another.
        let parent = path.split('.').rev().nth(1).unwrap_or_default();
        if ["dockerLabels", "driverOpts", "labels", "options", "sharingStrategy"].contains(&parent) {
            continue;
        }
        let refused = copied(newer).await.unwrap_err();
        assert!(refused.contains(&path), "{path}: {refused}");
    }
    assert!(places > 30, "{places}");
}

#[tokio::test]
async fn what_is_not_set_is_not_lost_however_ecs_says_so() {
    let described = json!({ "taskDefinition": {
        "family": "backend", "status": "ACTIVE", "taskDefinitionArn": arn(7), "volumes": [], "newest": null,
        "newer": {}, "new": [], "cpu": "256", "containerDefinitions": [{ "name": "backend", "cpu": 0, "newer": [] }],
    } });
    let copy = copied(described).await.unwrap();
    assert_eq!((&copy["family"], &copy["cpu"]), (&json!("backend"), &json!("256")));
}

#[tokio::test]
async fn a_tag_too_many_is_said_before_it_is_sent() {
    let with = |count: usize| {
        let tags: Vec<Value> =
            (0..count).map(|number| json!({ "key": format!("t{number}"), "value": "x" })).collect();
        json!({ "taskDefinition": { "family": "backend", "status": "ACTIVE" }, "tags": tags })
    };
    assert_eq!(copied(with(49)).await.unwrap()["tags"].as_array().map(Vec::len), Some(50));
    let refused = copied(with(50)).await.unwrap_err();
    assert!(refused.ends_with("it has 50 tags, a copy has 1 more, and ECS allows 50 in all"), "{refused}");
}

proptest! {
    /// With any of the fields that a task definition and its containers may have, and any number of containers.
    #[test]
    fn every_task_definition_is_copied_whole_or_refused(
        kept in prop::collection::vec(any::<bool>(), 80), containers in 0..4_usize, newer in any::<bool>(),
    ) {
        let mut kept = kept.into_iter().cycle();
        let mut keep = |fields: &mut serde_json::Map<String, Value>, always: &[&str]| {
            fields.retain(|name, _| kept.next() == Some(true) || always.contains(&name.as_str()));
        };
        let mut described = every_field();
        let definition = fields(&mut described);
        definition.retain(|name, _| newer || !NEWER_THAN_THE_SDK.contains(&name.as_str()));
        keep(definition, &["family", "containerDefinitions", "status"]);
        let one = definition["containerDefinitions"][0].clone();
        let all = std::iter::repeat_n(one, containers).map(|mut container| {
            // ECS answers these of each.
            keep(container.as_object_mut().unwrap(), &["name", "cpu"]);
            container
        });
        definition.insert("containerDefinitions".to_owned(), all.collect());
        let is_newer = NEWER_THAN_THE_SDK.iter().any(|name| definition.contains_key(*name));
        let mut expected = definition.clone();
        expected.retain(|name, _| !GIVEN_BY_ECS.contains(&name.as_str()));
        expected.insert("tags".to_owned(), json!([{ "key": COPY_OF, "value": "backend:7" }]));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let copied = runtime.block_on(copied(described));
        match copied {
            Ok(copy) => prop_assert_eq!(copy, Value::Object(expected)),
            Err(why) => prop_assert!(is_newer, "{}", why),
        }
    }
}
