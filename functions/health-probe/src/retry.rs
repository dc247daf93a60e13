//! Retries a check whose failure may pass by itself, and no other.

use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use jiff::Timestamp;
use shared::{clock, status};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout_at};

use crate::failure::Failure;
use crate::http::{Answer, Engine, Exchange, Measured};
use crate::verdict::Verdict;

const NO_TIME: &str = "not tried again: this run has no time left";

/// How often, how far apart, and until when.
#[derive(Debug, Clone)]
pub struct Patience {
    pub tries: u32,
    /// Before the second try, the third, …; the last one serves for all further ones.
    pub waits: Vec<Duration>,
    /// For one exchange.
    pub timeout: Duration,
    /// When all tries have to be over.
    pub until: Instant,
    /// Exchanges that share this take turns; without it, an exchange begins at once.
    pub turns: Option<Arc<Semaphore>>,
}

/// The last exchange, and what came before it.
#[derive(Debug)]
pub struct Tried {
    pub last: Measured,
    pub tries: u32,
    /// What each earlier try ended with, in words.
    pub earlier: Vec<String>,
    /// Why there were fewer tries than allowed, if another might have helped.
    pub gave_up: Option<String>,
}

/// Asks until there is an answer that another try would not change.
pub async fn exchange(engine: &Engine, exchange: &Exchange, patience: &Patience) -> Tried {
    let mut earlier = Vec::new();
    let mut before = None;
    let mut tries = 0;
    loop {
        let Some(last) = in_turn(engine, exchange, patience).await else {
            // The last try does not count as an earlier one.
            earlier.pop();
            let last = before.unwrap_or_else(Measured::not_asked);
            return Tried { last, tries, earlier, gave_up: Some(NO_TIME.to_owned()) };
        };
        tries += 1;
        let Some(again) = again(&last, clock::now()).filter(|_| tries < patience.tries) else {
            return Tried { last, tries, earlier, gave_up: None };
        };
        let wait = again.asked.unwrap_or_else(|| usual_wait(&patience.waits, earlier.len()));
        if wait >= patience.until.saturating_duration_since(Instant::now()) {
            let gave_up = Some(match again.asked {
                Some(asked) => format!(
                    "not tried again: the server asked to wait {} s, longer than this run has left",
                    asked.as_secs()
                ),
                None => NO_TIME.to_owned(),
            });
            return Tried { last, tries, earlier, gave_up };
        }
        earlier.push(again.because);
        before = Some(last);
        sleep(wait).await;
    }
}

/// One exchange, once it is its turn; `None` if that does not come in time.
async fn in_turn(engine: &Engine, exchange: &Exchange, patience: &Patience) -> Option<Measured> {
    let _turn = match &patience.turns {
        Some(turns) => Some(timeout_at(patience.until, turns.acquire()).await.ok()?.ok()?),
        None => None,
    };
    let left = patience.until.saturating_duration_since(Instant::now());
    Some(engine.exchange(exchange, patience.timeout.min(left)).await)
}

fn usual_wait(waits: &[Duration], before: usize) -> Duration {
    waits.get(before).or(waits.last()).copied().unwrap_or_default()
}

struct Again {
    because: String,
    /// How long the server asked to wait.
    asked: Option<Duration>,
}

/// Whether another try may end otherwise. 4xx is about the request, which stays the same; 429 and 5xx are
/// about the moment, and so is a body that says that something is down.
fn again(measured: &Measured, now: Timestamp) -> Option<Again> {
    match &measured.answer {
        Ok(Answer { status: status @ 200..=299, verdict: Some(Verdict::Unwell(said)), .. }) => {
            Some(Again { because: format!("{status}, and in its body {said}"), asked: None })
        }
        Ok(answer) => matches!(answer.status, 429 | 500..).then(|| Again {
            because: format!("{} {}", answer.status, status::advice(answer.status).meaning),
            asked: answer
                .headers
                .get(RETRY_AFTER)
                .and_then(|value| value.to_str().ok())
                .and_then(|value| retry_after(value, now)),
        }),
        Err(Failure { passing: true, message, .. }) => Some(Again { because: message.clone(), asked: None }),
        Err(_) => None,
    }
}

/// How long a `Retry-After` header asks to wait: seconds, or a date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = Timestamp::try_from(httpdate::parse_http_date(value).ok()?).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests;
