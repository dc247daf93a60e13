//! What a status code means and what to do about it: the guide's table, and 504.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The guide's levels of support: who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Development = 1,
    DevOps = 2,
    Aws = 3,
}

impl Level {
    pub fn team(self) -> &'static str {
        match self {
            Self::Development => "Level 1: Development Team",
            Self::DevOps => "Level 2: DevOps Team",
            Self::Aws => "Level 3: AWS Support",
        }
    }

    /// The team without its level.
    pub fn people(self) -> &'static str {
        self.team().split_once(": ").map_or(self.team(), |(_, people)| people)
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

/// What lies beyond the last level is the last.
impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match u8::deserialize(deserializer)? {
            0 | 1 => Self::Development,
            2 => Self::DevOps,
            _ => Self::Aws,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    pub meaning: &'static str,
    pub action: &'static str,
    /// Absent where there is nothing to do.
    pub level: Option<Level>,
}

pub fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

pub fn advice(status: u16) -> Advice {
    use Level::{DevOps, Development};
    let (meaning, action, level) = match status {
        200..=299 => ("Success", "None", None),
        300..=399 => (
            "Redirect",
            "Check the configured address: it should answer by itself, not send callers elsewhere",
            Some(Development),
        ),
        400 => ("Bad Request", "Check request format", Some(Development)),
        401 => ("Unauthorized", "Verify authentication", Some(Development)),
        403 => ("Forbidden", "Check permissions", Some(Development)),
        404 => ("Not Found", "Verify endpoint/resource", Some(Development)),
        429 => ("Rate Limited", "Retry with backoff", Some(Development)),
        502 => ("Bad Gateway", "Check ECS tasks", Some(DevOps)),
        503 => ("Service Unavailable", "Check ALB targets", Some(DevOps)),
        504 => (
            "Gateway Timeout",
            "Check the backend's response time and load: a task was reached and did not answer in time",
            Some(DevOps),
        ),
        status if status >= 500 => ("Server Error", "Check logs", Some(Development)),
        status if status >= 400 => ("Client Error", "Check request format", Some(Development)),
        _ => ("Not a final answer", "Check what answers at this address", Some(DevOps)),
    };
    Advice { meaning, action, level }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, meaning: &str, action: &str, level: Option<u8>) {
        let advice = advice(status);
        let seen = (advice.meaning, advice.action, advice.level.map(|level| level as u8));
        assert_eq!(seen, (meaning, action, level), "{status}");
    }

    #[test]
    fn the_codes_of_the_guide_say_what_the_guide_says() {
        check(200, "Success", "None", None);
        check(400, "Bad Request", "Check request format", Some(1));
        check(401, "Unauthorized", "Verify authentication", Some(1));
        check(403, "Forbidden", "Check permissions", Some(1));
        check(404, "Not Found", "Verify endpoint/resource", Some(1));
        check(429, "Rate Limited", "Retry with backoff", Some(1));
        check(500, "Server Error", "Check logs", Some(1));
        check(502, "Bad Gateway", "Check ECS tasks", Some(2));
        check(503, "Service Unavailable", "Check ALB targets", Some(2));
    }

    #[test]
    fn a_gateway_timeout_is_about_slow_tasks() {
        check(
            504,
            "Gateway Timeout",
            "Check the backend's response time and load: a task was reached and did not answer in time",
            Some(2),
        );
    }

    #[test]
    fn codes_outside_the_table_have_their_familys_meaning() {
        check(204, "Success", "None", None);
        check(418, "Client Error", "Check request format", Some(1));
        check(520, "Server Error", "Check logs", Some(1));
        assert_eq!(advice(302).meaning, "Redirect");
        assert_eq!(advice(101).meaning, "Not a final answer");
    }

    #[test]
    fn every_code_but_success_has_someone_to_act() {
        for status in 0..=999 {
            assert_eq!(advice(status).level.is_none(), is_success(status), "{status}");
        }
    }
}
