//! Who calls, by the access key that signed: what SQS writes down of who sent a message, and what STS answers.
//!
//! A key with a dot is a session, as in `Ops.alice@example.com`: the role before it, the session's name behind it. The
//! sandbox's own key is the account's root. Any other key is a user's, under the key's own name.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use serde_json::json;

use super::call::Call;
use super::forward::Upstream;
use super::{Answer, wire};
use crate::names::{ACCOUNT, ROOT_KEY};

/// Tells the local AWS who sent a message.
const SENDER: HeaderName = HeaderName::from_static("x-sandbox-sender");

/// As AWS knows whoever calls.
#[derive(Debug, PartialEq, Eq)]
struct Caller {
    /// A user's id, or a role's with the session's name; of root, the account's.
    id: String,
    arn: String,
}

impl Caller {
    fn of(key: &str) -> Self {
        if key == ROOT_KEY || key == "-" {
            return Self { id: ACCOUNT.to_owned(), arn: format!("arn:aws:iam::{ACCOUNT}:root") };
        }
        match key.split_once('.') {
            Some((role, session)) => Self {
                id: format!("{}:{session}", unique("AROA", role)),
                arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"),
            },
            None => Self { id: unique("AIDA", key), arn: format!("arn:aws:iam::{ACCOUNT}:user/{key}") },
        }
    }
}

/// AWS draws such an id; here it can be told from the name.
fn unique(prefix: &str, name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase());
    format!("{prefix}{}EXAMPLE", letters.collect::<String>())
}

/// What SQS would write down of who signs with this key.
pub fn sender_id(key: &str) -> String {
    Caller::of(key).id
}

/// SQS: the local AWS keeps with a message who sent it.
pub(super) async fn send(call: &Call, mut parts: Parts, body: Bytes, upstream: &Upstream) -> Answer {
    // Nobody else says who it was.
    parts.headers.remove(SENDER);
    if let Ok(sender) = HeaderValue::from_str(&sender_id(&call.key)) {
        parts.headers.insert(SENDER, sender);
    }
    upstream.forward(parts, body).await
}

/// STS: whose key it is. None for what the local AWS answers.
pub(super) fn identity(call: &Call) -> Option<Answer> {
    (call.operation == "GetCallerIdentity").then(|| {
        let Caller { id, arn } = Caller::of(&call.key);
        wire::in_protocol(call, &json!({ "UserId": id, "Account": ACCOUNT, "Arn": arn }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_whose_it_is() {
        for (key, id, arn) in [
            ("test", "000000000000", "arn:aws:iam::000000000000:root"),
            ("alice", "AIDAALICEEXAMPLE", "arn:aws:iam::000000000000:user/alice"),
            (
                "Ops.alice@example.com",
                "AROAOPSEXAMPLE:alice@example.com",
                "arn:aws:sts::000000000000:assumed-role/Ops/alice@example.com",
            ),
        ] {
            assert_eq!(Caller::of(key), Caller { id: id.to_owned(), arn: arn.to_owned() }, "{key}");
        }
    }
}
