//! The backend's images: each that a release names is there, but for those that somebody deleted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::call::Call;
use super::{Answer, wire};
use crate::names::{ACCOUNT, REGION};

/// The repository in the registry of the account.
pub const REPOSITORY: &str = "lendpeak2/backend";

/// Every clone has the same images.
#[derive(Debug, Clone, Default)]
pub struct Ecr {
    deleted: Arc<Mutex<BTreeSet<String>>>,
}

impl Ecr {
    /// Somebody deletes the image with this tag.
    pub fn delete(&self, tag: &str) {
        self.deleted.lock().unwrap_or_else(PoisonError::into_inner).insert(tag.to_owned());
    }

    /// None for what the local AWS answers.
    pub(super) fn answer(&self, call: &Call) -> Option<Answer> {
        if call.operation == "DescribeRepositories" {
            let named = call.request.pointer("/repositoryNames/0").and_then(Value::as_str);
            // A tag can be pushed again here: see `Ecs::push_broken`.
            let repository = json!({ "registryId": ACCOUNT, "repositoryName": REPOSITORY,
                "repositoryArn": format!("arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{REPOSITORY}"),
                "repositoryUri": format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}"),
                "imageTagMutability": "MUTABLE" });
            return (named == Some(REPOSITORY))
                .then(|| wire::json_1_1(StatusCode::OK, &json!({ "repositories": [repository] })));
        }
        if !["DescribeImages", "GetLifecyclePolicy"].contains(&call.operation.as_str()) {
            return None;
        }
        let refused =
            |code: &str| Some(wire::error(call, StatusCode::BAD_REQUEST, code, "It does not exist"));
        if call.request.get("repositoryName").and_then(Value::as_str) != Some(REPOSITORY) {
            return refused("RepositoryNotFoundException");
        }
        // No image is deleted by its age or number.
        if call.operation == "GetLifecyclePolicy" {
            return refused("LifecyclePolicyNotFoundException");
        }
        let id = call.request.pointer("/imageIds/0").cloned().unwrap_or_default();
        let tag = id.get("imageTag").and_then(Value::as_str).unwrap_or_default();
        if self.deleted.lock().unwrap_or_else(PoisonError::into_inner).contains(tag) {
            return refused("ImageNotFoundException");
        }
        let pushed = Timestamp::now() - SignedDuration::from_hours(48);
        let image = json!({ "registryId": ACCOUNT, "repositoryName": REPOSITORY, "imageTags": [tag],
            "imageDigest": id.get("imageDigest"), "imagePushedAt": pushed.as_second() });
        Some(wire::json_1_1(StatusCode::OK, &json!({ "imageDetails": [image] })))
    }
}
