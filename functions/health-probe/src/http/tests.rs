use super::*;
use crate::failure::Kind;
use crate::loopback::{Behaviour, answer, serve, serve_tls, status};

const LIMIT: Duration = Duration::from_secs(5);

fn get(url: Url) -> Exchange {
    Exchange { method: Method::GET, url, headers: HeaderMap::new(), reads_verdict: false }
}

async fn ask(url: Url) -> Measured {
    Engine::public().exchange(&get(url), LIMIT).await
}

#[track_caller]
fn fails(measured: Measured, kind: Kind, step: Step, words: &str) -> Measured {
    let failure = measured.answer.as_ref().unwrap_err();
    assert_eq!((failure.kind, failure.step), (kind, Some(step)), "{failure:?}");
    assert!(failure.message.contains(words), "{failure:?}");
    measured
}

fn sum(phases: Phases) -> Duration {
    [phases.dns, phases.connect, phases.tls, phases.send, phases.first_byte].into_iter().flatten().sum()
}

#[tokio::test]
async fn an_answer_is_measured_and_not_kept() {
    let server = serve(vec![answer(200, "x-a: b\r\n", "hello")]).await;
    let measured = ask(server.http("/health?deep=1")).await;
    let phases = measured.phases;
    assert!(phases.dns.is_some() && phases.connect.is_some() && phases.tls.is_none(), "{phases:?}");
    assert!(phases.send.is_some() && phases.first_byte.is_some(), "{phases:?}");
    assert_eq!(measured.address.unwrap().port(), server.port);
    assert_eq!(measured.certificate_not_after, None);
    let answer = measured.answer.unwrap();
    assert_eq!((answer.status, answer.bytes, answer.truncated), (200, 5, false));
    assert_eq!(answer.headers["x-a"], "b");
}

#[tokio::test]
async fn the_request_says_who_asks() {
    let server = serve(vec![status(200)]).await;
    ask(server.http("/health?deep=1")).await.answer.unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /health?deep=1 HTTP/1.1\r\n"), "{requests:?}");
    assert!(requests[0].contains(&format!("host: 127.0.0.1:{}\r\n", server.port)), "{requests:?}");
    assert!(requests[0].contains("user-agent: lendpeak2-health-probe/"), "{requests:?}");
}

#[tokio::test]
async fn the_steps_add_up_to_no_more_than_the_total() {
    let (server, roots) = serve_tls(2100, answer(200, "", "hello")).await;
    let measured = Engine::trusting(roots).exchange(&get(server.https("localhost")), LIMIT).await;
    let phases = measured.phases;
    assert_eq!(measured.answer.unwrap().status, 200);
    assert!(phases.dns.is_some() && phases.connect.is_some() && phases.tls.is_some(), "{phases:?}");
    assert!(phases.send.is_some() && phases.first_byte.is_some(), "{phases:?}");
    assert!(sum(phases) <= phases.total, "{phases:?}");
    assert_eq!(measured.certificate_not_after, Some("2100-01-01T00:00:00Z".parse().unwrap()));
}

#[tokio::test]
async fn the_servers_own_time_is_the_first_bytes() {
    let time = Duration::from_millis(200);
    let server = serve(vec![Behaviour::Think(time, "HTTP/1.1 204 X\r\n\r\n".to_owned())]).await;
    let phases = ask(server.http("/")).await.phases;
    assert!(phases.first_byte.unwrap() >= time && phases.send.unwrap() < time, "{phases:?}");
}

#[tokio::test]
async fn every_exchange_makes_a_whole_handshake() {
    let (server, roots) = serve_tls(2100, status(200)).await;
    let engine = Engine::trusting(roots);
    for _ in 0..3 {
        let measured = engine.exchange(&get(server.https("localhost")), LIMIT).await;
        assert!(measured.certificate_not_after.is_some());
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_its_last_day_known() {
    let (server, roots) = serve_tls(2020, status(200)).await;
    let measured = Engine::trusting(roots).exchange(&get(server.https("localhost")), LIMIT).await;
    let measured = fails(measured, Kind::Tls, Step::Tls, "it has expired");
    assert_eq!(measured.certificate_not_after, Some("2020-01-01T00:00:00Z".parse().unwrap()));
    assert!(!measured.answer.unwrap_err().passing);
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused_and_its_last_day_known() {
    let (server, _) = serve_tls(2100, status(200)).await;
    let measured =
        fails(ask(server.https("localhost")).await, Kind::Tls, Step::Tls, "or the chain is not sent whole");
    assert!(measured.certificate_not_after.is_some());
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let (server, roots) = serve_tls(2100, status(200)).await;
    let measured = Engine::trusting(roots).exchange(&get(server.https("127.0.0.1")), LIMIT).await;
    fails(measured, Kind::Tls, Step::Tls, "another host name");
}

#[tokio::test]
async fn the_certificate_is_known_when_http_fails() {
    let (server, roots) = serve_tls(2100, Behaviour::Say(String::new())).await;
    let measured = Engine::trusting(roots).exchange(&get(server.https("localhost")), LIMIT).await;
    let measured = fails(measured, Kind::Http, Step::FirstByte, "cut before an answer came");
    assert!(measured.certificate_not_after.is_some());
}

#[tokio::test]
async fn a_server_without_tls_fails_the_handshake() {
    let server = serve(vec![status(200)]).await;
    let url = server.https("127.0.0.1");
    // This server waits for a line's end that a handshake need not have.
    let measured = Engine::public().exchange(&get(url), Duration::from_millis(300)).await;
    assert_eq!(measured.answer.unwrap_err().step, Some(Step::Tls));
}

#[tokio::test]
async fn a_silent_server_times_out_with_the_steps_so_far() {
    let server = serve(vec![Behaviour::Hang(String::new())]).await;
    let limit = Duration::from_millis(200);
    let measured = Engine::public().exchange(&get(server.http("/")), limit).await;
    let measured = fails(measured, Kind::Timeout, Step::FirstByte, "waiting for the first byte");
    let phases = measured.phases;
    assert!(phases.connect.is_some() && phases.send.is_some() && phases.first_byte.is_none(), "{phases:?}");
    assert!(phases.total >= limit && phases.total < LIMIT, "{phases:?}");
}

#[tokio::test]
async fn a_body_that_stops_coming_times_out() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhel".to_owned();
    let server = serve(vec![Behaviour::Hang(head)]).await;
    let measured = Engine::public().exchange(&get(server.http("/")), Duration::from_millis(200)).await;
    let measured = fails(measured, Kind::Timeout, Step::Body, "reading the answer's body");
    assert_eq!(measured.answer.unwrap_err().status, Some(200));
}

#[tokio::test]
async fn a_cut_connection_is_told_from_a_cut_body() {
    let server = serve(vec![
        Behaviour::Say(String::new()),
        Behaviour::Say("HTTP/1.1 200 OK\r\nconte".to_owned()),
        Behaviour::Say("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhel".to_owned()),
    ])
    .await;
    fails(ask(server.http("/")).await, Kind::Http, Step::FirstByte, "before an answer came");
    fails(ask(server.http("/")).await, Kind::Http, Step::FirstByte, "complete: its head broke off");
    let measured = fails(ask(server.http("/")).await, Kind::Http, Step::Body, "complete: its body broke off");
    assert_eq!(measured.answer.unwrap_err().status, Some(200));
}

#[tokio::test]
async fn a_body_in_chunks_that_ends_early_was_cut_and_one_without_lengths_is_malformed() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let server = serve(vec![
        Behaviour::Say(format!("{head}5\r\nhello\r\n")),
        Behaviour::Say(format!("{head}hello\r\n")),
    ])
    .await;
    fails(ask(server.http("/")).await, Kind::Http, Step::Body, "its body broke off");
    fails(ask(server.http("/")).await, Kind::Http, Step::Body, "not in the form that its head announces");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_http_and_said_to_be_too_large() {
    let many = (0..101).map(|n| format!("x-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let large = format!("x: {}\r\n", "1".repeat(1_000_000));
    let server = serve(vec![answer(200, &many, ""), answer(200, &large, "")]).await;
    for _ in 0..2 {
        let measured = fails(
            ask(server.http("/")).await,
            Kind::Http,
            Step::FirstByte,
            "headers are too many or too large",
        );
        assert!(measured.answer.unwrap_err().action.contains("adds headers"));
    }
    let most = (0..99).map(|n| format!("x-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let server = serve(vec![answer(200, &most, "")]).await;
    assert_eq!(ask(server.http("/")).await.answer.unwrap().status, 200);
}

#[tokio::test]
async fn of_a_health_check_the_body_is_read_and_only_what_it_says_is_kept() {
    let server = serve(vec![answer(200, "", r#"{"status":"down","password":"hunter2"}"#)]).await;
    let asked = Exchange { reads_verdict: true, ..get(server.http("/health")) };
    let told = Engine::public().exchange(&asked, LIMIT).await.answer.unwrap();
    assert_eq!(told.verdict, Some(Verdict::Unwell("`status` is `down`".to_owned())));
    assert!(!format!("{told:?}").contains("hunter2"));
    assert_eq!(ask(server.http("/health")).await.answer.unwrap().verdict, None);
}

#[tokio::test]
async fn white_space_alone_is_nothing() {
    let server = serve(vec![answer(200, "", ""), answer(200, "", " \r\n\t"), answer(200, "", "\n.")]).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(ask(server.http("/")).await.answer.unwrap().is_blank);
    }
    assert_eq!(seen, [true, true, false]);
}

/// Answers the beginning of a handshake with these bytes.
async fn shake_hands_with(bytes: &'static [u8]) -> Measured {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port())).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        stream.write_all(bytes).await.unwrap();
        // Until the other side has gone.
        while stream.read_u8().await.is_ok() {}
    });
    ask(url).await
}

#[tokio::test]
async fn what_speaks_tls_otherwise_is_told_from_a_bad_certificate() {
    const NO_SUCH_VERSION: &[u8] = &[0x15, 3, 1, 0, 2, 2, 70];
    const NO_SUCH_CIPHER: &[u8] = &[0x15, 3, 3, 0, 2, 2, 40];
    const UNKNOWN_NAME: &[u8] = &[0x15, 3, 3, 0, 2, 2, 112];
    /// The server chooses TLS 1.1.
    const OLD_HELLO: &[u8] = &[
        0x16, 3, 2, 0, 0x2a, 2, 0, 0, 0x26, 3, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,
        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0, 0xc0, 0x13, 0,
    ];
    const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    for (bytes, words, action) in [
        (NO_SUCH_VERSION, "takes none of the versions", "security policy"),
        (OLD_HELLO, "takes none of the versions", "security policy"),
        (NO_SUCH_CIPHER, "takes none of the ciphers", "security policy"),
        (UNKNOWN_NAME, "does not serve this name", "set up for this host name"),
        (PLAIN, "what answers is not TLS", "HTTPS, not for HTTP"),
    ] {
        let measured = fails(shake_hands_with(bytes).await, Kind::Tls, Step::Tls, words);
        let failure = measured.answer.unwrap_err();
        assert!(failure.action.contains(action), "{failure:?}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_said_to_be_so() {
    let server = serve(vec![Behaviour::Say("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned())]).await;
    fails(ask(server.http("/")).await, Kind::Http, Step::FirstByte, "not HTTP");
}

#[tokio::test]
async fn a_body_without_end_is_left_at_the_limit() {
    let server = serve(vec![
        Behaviour::Flood("HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n".to_owned()),
        Behaviour::Flood("HTTP/1.1 200 OK\r\n\r\n".to_owned()),
    ])
    .await;
    for _ in 0..2 {
        let answer = ask(server.http("/")).await.answer.unwrap();
        assert_eq!((answer.status, answer.bytes, answer.truncated), (200, MAX_BODY_BYTES, true));
    }
}

#[tokio::test]
async fn a_body_of_just_the_limit_is_whole() {
    let body = "x".repeat(usize::try_from(MAX_BODY_BYTES).unwrap());
    let server = serve(vec![answer(200, "", &body)]).await;
    let answer = ask(server.http("/")).await.answer.unwrap();
    assert_eq!((answer.bytes, answer.truncated), (MAX_BODY_BYTES, false));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = serve(vec![answer(302, "location: /elsewhere\r\n", "")]).await;
    assert_eq!(ask(server.http("/")).await.answer.unwrap().status, 302);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    fails(ask(url).await, Kind::Connect, Step::Connect, "nothing listens");
}

#[tokio::test]
async fn a_name_that_does_not_exist_ends_at_the_first_step() {
    let url = Url::parse("https://lendpeak.invalid/").unwrap();
    let measured = Engine::public().exchange(&get(url), Duration::from_secs(2)).await;
    assert_eq!(measured.phases.dns, None);
    // A machine without a name server may time out instead.
    assert_eq!(measured.answer.unwrap_err().step, Some(Step::Dns));
}
