use http::{HeaderMap, Method};

use super::*;
use crate::loopback::{Behaviour, Server, answer, serve, status};

const SOON: Duration = Duration::from_millis(20);

fn patience() -> Patience {
    Patience {
        tries: 3,
        waits: vec![SOON, SOON],
        timeout: Duration::from_secs(5),
        until: Instant::now() + Duration::from_secs(30),
        turns: None,
    }
}

async fn ask(server: &Server, patience: Patience) -> Tried {
    let asked = Exchange {
        method: Method::GET,
        url: server.http("/"),
        headers: HeaderMap::new(),
        reads_verdict: true,
    };
    exchange(&Engine::public(), &asked, &patience).await
}

/// Asks a server that answers these, and sees after how many tries with which status it ends.
async fn check(behaviours: Vec<Behaviour>, count: u32, last: Option<u16>) -> Tried {
    let server = serve(behaviours).await;
    let tried = ask(&server, patience()).await;
    let seen = tried.last.answer.as_ref().ok().map(|answer| answer.status);
    assert_eq!((tried.tries, seen), (count, last));
    assert_eq!(server.requests().len(), count as usize);
    tried
}

#[tokio::test]
async fn success_is_not_tried_again() {
    check(vec![status(200)], 1, Some(200)).await;
}

#[tokio::test]
async fn a_server_error_that_passes_is_told() {
    let tried = check(vec![status(500), status(502), status(200)], 3, Some(200)).await;
    assert_eq!(tried.earlier, ["500 Server Error", "502 Bad Gateway"]);
    assert_eq!(tried.gave_up, None);
}

#[tokio::test]
async fn a_server_error_that_stays_ends_after_the_last_try() {
    check(vec![status(503)], 3, Some(503)).await;
}

#[tokio::test]
async fn a_cut_connection_is_tried_again() {
    let tried = check(vec![Behaviour::Say(String::new()), status(200)], 2, Some(200)).await;
    assert_eq!(tried.earlier, ["the connection was cut before an answer came"]);
}

#[tokio::test]
async fn a_body_that_says_that_something_is_down_is_tried_again() {
    let down = || answer(200, "", r#"{"status":"down"}"#);
    let tried = check(vec![down(), answer(200, "", r#"{"status":"up"}"#)], 2, Some(200)).await;
    assert_eq!(tried.earlier, ["200, and in its body `status` is `down`"]);
    check(vec![down()], 3, Some(200)).await;
    check(vec![answer(200, "", r#"{"status":"degraded"}"#)], 1, Some(200)).await;
}

#[tokio::test]
async fn what_is_about_the_request_is_not_tried_again() {
    for code in [301, 302, 400, 401, 403, 404, 405] {
        check(vec![status(code), status(200)], 1, Some(code)).await;
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_as_long_as_it_asks() {
    let started = Instant::now();
    check(vec![answer(429, "retry-after: 1\r\n", ""), status(200)], 2, Some(200)).await;
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_rate_limit_without_a_time_waits_as_usual() {
    check(vec![status(429), status(200)], 2, Some(200)).await;
}

#[tokio::test]
async fn a_rate_limit_longer_than_the_run_is_not_waited_for() {
    for seconds in ["3600", "18446744073709551615"] {
        let started = Instant::now();
        let tried = check(vec![answer(429, &format!("retry-after: {seconds}\r\n"), "")], 1, Some(429)).await;
        assert!(started.elapsed() < Duration::from_secs(1));
        assert_eq!(
            tried.gave_up.unwrap(),
            format!("not tried again: the server asked to wait {seconds} s, longer than this run has left")
        );
    }
}

#[tokio::test]
async fn all_tries_end_when_the_run_must() {
    let server = serve(vec![Behaviour::Hang(String::new())]).await;
    let until = Instant::now() + Duration::from_millis(300);
    let tried = ask(&server, Patience { until, ..patience() }).await;
    assert!(until.elapsed() < Duration::from_secs(1));
    assert_eq!(tried.tries, 1);
    assert_eq!(tried.gave_up.unwrap(), "not tried again: this run has no time left");
}

#[tokio::test]
async fn a_run_without_time_asks_nothing_for_long() {
    let server = serve(vec![Behaviour::Hang(String::new())]).await;
    let started = Instant::now();
    let tried = ask(&server, Patience { until: started, ..patience() }).await;
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(tried.last.answer.is_err());
}

#[tokio::test]
async fn what_never_gets_its_turn_is_told_as_not_asked() {
    let server = serve(vec![status(200)]).await;
    let turns = Arc::new(Semaphore::new(1));
    let _taken = turns.acquire().await.unwrap();
    let until = Instant::now() + Duration::from_millis(100);
    let tried = ask(&server, Patience { until, turns: Some(Arc::clone(&turns)), ..patience() }).await;
    assert_eq!(tried.last.answer.unwrap_err().message, "not asked: the run had no time left for it");
    assert_eq!((tried.tries, server.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_turn_is_given_back_while_waiting_for_the_next_try() {
    let server = serve(vec![status(503)]).await;
    let turns = Some(Arc::new(Semaphore::new(1)));
    let waits = vec![Duration::from_millis(500)];
    let patience = Patience { tries: 2, waits, turns, ..patience() };
    let started = Instant::now();
    tokio::join!(ask(&server, patience.clone()), ask(&server, patience.clone()), ask(&server, patience));
    assert_eq!(server.requests().len(), 6);
    // One after the other, they would wait three times as long.
    assert!(started.elapsed() < Duration::from_millis(1_200), "{:?}", started.elapsed());
}

#[test]
fn the_last_wait_serves_for_all_further_tries() {
    let waits = [Duration::from_secs(2), Duration::from_secs(10)];
    let seen: Vec<u64> = (0..4).map(|before| usual_wait(&waits, before).as_secs()).collect();
    assert_eq!(seen, [2, 10, 10, 10]);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    let seconds = |value| retry_after(value, now).map(|wait| wait.as_secs());
    assert_eq!(seconds("120"), Some(120));
    assert_eq!(seconds(" 0 "), Some(0));
    assert_eq!(seconds("Sat, 31 Jan 2026 12:01:30 GMT"), Some(90));
    assert_eq!(seconds("Sat, 31 Jan 2026 11:00:00 GMT"), Some(0));
    assert_eq!(seconds("soon"), None);
    assert_eq!(seconds("-5"), None);
    assert_eq!(seconds(""), None);
}
