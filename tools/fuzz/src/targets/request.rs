//! What people and events ask of each function, with a well-behaved AWS behind it.

use functions::Function;
use health_probe::{request::Request, settings::Settings};
use jiff::Timestamp;
use serde_json::Value;
use shared::{
    error::Error,
    lambda::Invocation,
    settings::Environment,
    trigger::{self, Asked, Trigger},
};

use crate::{
    claims,
    harness::{SETTINGS, with_harness},
    seeds,
    world::Mutated,
};

/// A field that no request has.
const UNKNOWN: &str = "no_request_has_this";

/// Of the probe, as far as the list of checks: what they ask is no AWS.
pub fn health_probe(data: &[u8]) {
    let body = seeds::body("health-probe", data);
    let answer = probed(body.clone());
    if let Err(error) = &answer {
        claims::error_is_bounded(error);
    }
    if answer.is_ok()
        && let Some(body) = with_unknown_field(&body)
    {
        is_refused(&probed(body));
    }
}

/// What the probe makes of a request before it asks anybody; nothing.
///
/// # Errors
/// It does not take it.
pub fn probed(body: String) -> Result<Value, Error> {
    let settings = Settings::from_environment(&Environment::from_pairs(SETTINGS));
    assert!(settings.is_ok(), "{settings:?}");
    let Ok(settings) = settings else { return Ok(Value::Null) };
    let triggers = trigger::parse(&invocation(body))?;
    let asked = triggers.iter().find_map(Trigger::asked);
    let request = asked.map(Asked::request::<Request>).transpose()?.unwrap_or_default();
    request.tries(&settings)?;
    for check in request.checks(&settings)? {
        let host = |url: &url::Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
        let asked = host(&check.exchange.url);
        assert!(
            [&settings.api, &settings.app].iter().any(|known| host(known) == asked),
            "it would ask a host that is not its own: {asked:?}"
        );
    }
    Ok(Value::Null)
}

pub fn ask(function: &Function, data: &[u8]) {
    let body = seeds::body(function.name(), data);
    with_harness(|harness| {
        harness.wire.begin(Mutated::None, &[]);
        let answer = harness.handle(function.name(), body.clone());
        claims::answer_can_be_sent(&answer, &harness.wire.world());
        if answer.is_ok()
            && let Some(body) = with_unknown_field(&body)
        {
            harness.wire.begin(Mutated::None, &[]);
            is_refused(&harness.handle(function.name(), body));
        }
    });
}

fn is_refused(answer: &Result<Value, Error>) {
    let refused = answer.as_ref().is_err_and(|error| error.kind() == "InvalidRequest");
    assert!(refused, "an unknown field is no error: {answer:?}");
}

/// What a person or a state machine sent, with one field more.
fn with_unknown_field(body: &str) -> Option<String> {
    let triggers = trigger::parse(&invocation(body.to_owned())).ok()?;
    triggers.first()?.asked()?;
    let mut value: Value = serde_json::from_str(body).ok()?;
    let fields = value.as_object_mut()?;
    let fields = if fields.contains_key("step_functions") {
        fields.entry("request").or_insert_with(|| Value::Object(serde_json::Map::new())).as_object_mut()?
    } else {
        fields
    };
    fields.insert(UNKNOWN.to_owned(), 1.into());
    Some(value.to_string())
}

fn invocation(body: String) -> Invocation {
    Invocation {
        body,
        request_id: "fuzz-request".to_owned(),
        deadline: Timestamp::UNIX_EPOCH,
        function_arn: String::new(),
    }
}
