//! What the health probe says now: it is asked as a person would, once and without its metrics.

use serde_json::json;

use super::{Reader, Seen, Why, seen, why};

pub(super) async fn probe(reader: &Reader) -> Result<Option<Seen>, Why> {
    let Some(function) = reader.settings.probe_function.as_deref() else {
        return Ok(None);
    };
    let client = aws_sdk_lambda::Client::new(&reader.config);
    let request = json!({ "tries": 1, "dry_run": true });
    let probe = shared::probe::request(&client, function, &request).await.map_err(|error| why(&error))?;
    Ok(seen(move |evidence| evidence.probe = Some(probe)))
}
