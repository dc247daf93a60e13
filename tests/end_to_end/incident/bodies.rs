//! Each protocol gets a body of its own, and a pager what it reads.

use std::time::Duration;

use sandbox::{
    gateway::{Fault, Rule},
    notices::Ears,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::mpsc::{self, UnboundedReceiver},
    time::timeout,
};

use super::*;

const PATIENCE: Duration = Duration::from_secs(20);
const QUEUE: &str = "http://127.0.0.1:4566/000000000000/lendpeak2-production-approvals";

/// Somebody who is subscribed by HTTP, and what SNS has sent there.
struct Subscriber(UnboundedReceiver<Value>);

impl Subscriber {
    /// Confirms the subscription, as Amazon Q and a pager do.
    async fn of(stack: &Stack, topic_arn: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}/", listener.local_addr()?);
        let (send, posted) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let mut part = [0; 4_096];
                while let Ok(length @ 1..) = stream.read(&mut part).await {
                    request.extend_from_slice(&part[..length]);
                    if let Some(body) = body(&request) {
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                        let _ = stream.write_all(answer).await;
                        let _ = send.send(body);
                        break;
                    }
                }
            }
        });
        let mut subscriber = Self(posted);
        let sns = &stack.sandbox.clients.sns;
        sns.subscribe().topic_arn(topic_arn).protocol("http").endpoint(address).send().await?;
        let asked = subscriber.next().await?;
        let token = asked["Token"].as_str().context("no token")?;
        sns.confirm_subscription().topic_arn(topic_arn).token(token).send().await?;
        Ok(subscriber)
    }

    async fn next(&mut self) -> anyhow::Result<Value> {
        timeout(PATIENCE, self.0.recv()).await.context("SNS sent nothing")?.context("the listener is gone")
    }
}

/// The body of a request that is there as a whole.
fn body(request: &[u8]) -> Option<Value> {
    let text = String::from_utf8_lossy(request);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    })?;
    if body.len() < length {
        return None;
    }
    serde_json::from_str(body).ok()
}

#[tokio::test]
async fn a_queue_gets_the_text_and_a_chat_its_schema_in_one_thread() -> Test {
    let stack = Stack::start().await?;
    let ears = Ears::new(&stack.sandbox.clients).await?;
    let mut chat = Subscriber::of(&stack, &topic("notices")).await?;
    let function = stack.function(&[("APPROVALS_QUEUE_URL", QUEUE)]).await?;
    let id = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?["incident"].clone();
    outcome(&function, &json!({ "resolve": id, "reason": "rolled back", "by": "Ana" })).await?;
    let told = ears.heard(&stack.sandbox.clients).await?;
    let words: Vec<_> = told.iter().filter_map(sandbox::notices::Notice::word).collect();
    assert_eq!(words, ["OPEN", "RESOLVED"], "{told:?}");
    // Two messages may arrive the other way round.
    let mut titles = Vec::new();
    for _ in 0..2 {
        let notification = chat.next().await?;
        let message: Value = serde_json::from_str(notification["Message"].as_str().unwrap_or_default())?;
        assert_eq!(
            (&message["version"], &message["source"]),
            (&json!("1.0"), &json!("custom")),
            "{message:#}"
        );
        assert_eq!(message["metadata"]["threadId"], id);
        let title = message["content"]["title"].as_str().unwrap_or_default().to_owned();
        // It has buttons as long as somebody has to take it.
        let (metadata, waits) = (&message["metadata"], title.contains("OPEN"));
        assert_eq!(metadata["enableCustomActions"], waits, "{message:#}");
        let queue = metadata["additionalContext"]["Q"].as_str();
        assert_eq!(queue, waits.then_some(QUEUE), "{message:#}");
        titles.push(title);
    }
    titles.sort();
    let title = |words: &str| titles.iter().filter(|title| title.contains(words)).count();
    assert_eq!((title("production: OPEN: "), title("production: RESOLVED: ")), (1, 1), "{titles:?}");
    Ok(())
}

/// What the pager's topic was told.
fn pages(stack: &Stack) -> anyhow::Result<Vec<(String, Value)>> {
    let to_pager =
        |call: &Value| call["TopicArn"].as_str().is_some_and(|topic| topic.ends_with("production-pager"));
    let pages = stack.requests().into_iter().filter(to_pager);
    let page = |call: Value| {
        let subject = call["Subject"].as_str().unwrap_or_default().to_owned();
        Ok((subject, serde_json::from_str(call["Message"].as_str().unwrap_or_default())?))
    };
    pages.map(page).collect()
}

async fn with_pager() -> anyhow::Result<Stack> {
    let stack = Stack::start().await?;
    stack.sandbox.clients.sns.create_topic().name("lendpeak2-production-pager").send().await?;
    Ok(stack)
}

#[tokio::test]
async fn a_pager_is_called_when_it_begins_and_goes_up_and_sent_home_when_it_is_over() -> Test {
    let stack = with_pager().await?;
    let mut called = Subscriber::of(&stack, &topic("pager")).await?;
    let function = stack.function(&[("PAGER_TOPIC_ARN", topic("pager").as_str())]).await?;
    // First high, then critical: that calls nobody a second time.
    let id = outcome(&function, &alarm(PROBE, Timestamp::now())).await?["incident"].clone();
    outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    outcome(&function, &json!({ "escalate": id, "level": 2, "reason": "it needs DevOps" })).await?;
    outcome(&function, &json!({ "resolve": id, "reason": "rolled back", "by": "Ana" })).await?;
    let pages = pages(&stack)?;
    let id = id.as_str().context("no id")?;
    let name = format!("lendpeak2-production/{id}");
    let states: Vec<&str> = pages.iter().filter_map(|(_, page)| page["NewStateValue"].as_str()).collect();
    assert_eq!(states, ["ALARM", "ALARM", "OK"], "{pages:#?}");
    for (subject, page) in &pages {
        let state = page["NewStateValue"].as_str().unwrap_or_default();
        assert!(subject.starts_with(&format!("{state}: ")), "{subject}");
        assert_eq!(page["AlarmName"], name);
    }
    // As SNS hands it on.
    let first = called.next().await?;
    assert!(first["Subject"].as_str().is_some_and(|subject| subject.starts_with("ALARM: ")), "{first:#}");
    let shown = outcome(&function, &json!({ "show": id })).await?;
    assert!(for_people(&shown).contains("told level 1 that it is open; told the pager"), "{shown:#}");
    Ok(())
}

#[tokio::test]
async fn a_pager_that_sns_refuses_keeps_nobody_from_being_told_and_is_called_later() -> Test {
    let stack = with_pager().await?;
    let function = stack.function(&[("PAGER_TOPIC_ARN", topic("pager").as_str())]).await?;
    let denied = Rule::new("sns", "Publish", Fault::Denied).of("incident").about("production-pager");
    stack.sandbox.gateway.faults().add(denied);
    let answer = outcome(&function, &alarm(COMPOSITE, Timestamp::now())).await?;
    assert_eq!(stack.told(), ["notices OPEN"]);
    assert!(for_people(&answer).contains("the pager could not be told"), "{answer:#}");
    let id = answer["incident"].as_str().context("no id")?;
    let mut owed = stack.incident(id).await?["owed"].clone();
    assert_eq!(owed["told"], json!([1]), "{owed:#}");
    owed["since"] = json!(Timestamp::now() - SignedDuration::from_mins(1));
    stack.change("incidents", id, "owed", owed).await?;
    outcome(&function, &tick()).await?;
    let incident = stack.incident(id).await?;
    assert!(incident["owed"].is_null(), "{incident:#}");
    assert_eq!(stack.told(), ["notices OPEN"], "nobody is told twice");
    assert_eq!(pages(&stack)?.len(), 2, "once denied, once taken");
    Ok(())
}
