//! `lendpeak2 mcp` as an agent's program meets it: by the SDK's own client, over a pipe.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Stdio},
};

use rmcp::{
    RoleClient, ServiceExt,
    model::{CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, Implementation, Tool},
    service::RunningService,
    transport::TokioChildProcess,
};
use serde_json::{Map, Value, json};

use crate::support::{Sandbox, lendpeak2};

/// As the server bounds words and values.
const LONGEST: usize = 10_000;
/// What each tool is called with.
const EACH: [(&str, &str); 19] = [
    ("health", r#"{"checks": ["health"]}"#),
    ("diagnose", r#"{"symptom": "502"}"#),
    ("incidents", "{}"),
    ("status", "{}"),
    ("plans", "{}"),
    ("history", r#"{"since": "2h", "function": "restart"}"#),
    ("report", r#"{"days": 30}"#),
    ("plan_rollback", r#"{"reason": "5xx since 10:00"}"#),
    ("plan_scale", r#"{"tasks": 3, "reason": "queues grow"}"#),
    ("plan_restart", r#"{"reason": "memory grows"}"#),
    ("plan_freeze", r#"{"state": "on", "reason": "negative amounts"}"#),
    ("plan_invalidate", r#"{"paths": ["/index.html"], "reason": "stale"}"#),
    ("plan_restore", r#"{"snapshot": "latest", "reason": "negative amounts"}"#),
    ("request_rollback", r#"{"to": "previous", "reason": "5xx since 10:00"}"#),
    ("request_scale", r#"{"tasks": 3, "reason": "queues grow"}"#),
    ("request_restart", r#"{"reason": "memory grows"}"#),
    ("request_freeze", r#"{"state": "on", "reason": "negative amounts"}"#),
    ("request_invalidate", r#"{"paths": ["/index.html"], "reason": "stale"}"#),
    ("request_restore", r#"{"point_in_time": "latest", "reason": "negative amounts"}"#),
];

struct Agent {
    runtime: tokio::runtime::Runtime,
    client: RunningService<RoleClient, ClientConfig>,
}

impl Agent {
    fn connect(command: std::process::Command) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let transport = TokioChildProcess::new(tokio::process::Command::from(command)).unwrap();
            let info =
                ClientConfig::new(ClientCapabilities::default(), Implementation::new("night-watch", "7.1"));
            info.serve(transport).await.unwrap()
        });
        Self { runtime, client }
    }

    fn tools(&self) -> Vec<Tool> {
        self.runtime.block_on(self.client.list_all_tools()).unwrap()
    }

    fn try_call(&self, tool: &str, arguments: &Value) -> Result<CallToolResult, String> {
        let arguments: Map<String, Value> = arguments.as_object().cloned().unwrap();
        let request = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        self.runtime.block_on(self.client.call_tool(request)).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn call(&self, tool: &str, arguments: &Value) -> Told {
        Told::of(self.try_call(tool, arguments).unwrap())
    }

    #[track_caller]
    fn is_refused(&self, tool: &str, arguments: &Value, says: &str) {
        let error = self.try_call(tool, arguments).unwrap_err();
        assert!(error.contains("-32602") && error.contains(says), "{tool} {arguments}: {error}");
    }
}

/// What a tool answered.
#[derive(Debug)]
struct Told {
    is_error: bool,
    words: String,
    structured: Value,
}

impl Told {
    #[track_caller]
    fn of(result: CallToolResult) -> Self {
        let words = result.content[0].as_text().unwrap().text.clone();
        let structured = result.structured_content.unwrap();
        assert_eq!(result.content.len(), 1);
        // Whatever it is, it begins with its summary, has no colours, and ends.
        let summary = structured["summary"].as_str().unwrap();
        assert!(summary.is_empty() || words.starts_with(summary), "{words}");
        assert!(!words.contains('\u{1b}'), "{words}");
        assert!(
            words.chars().count() <= LONGEST && structured["answer"].to_string().chars().count() <= LONGEST
        );
        Self { is_error: result.is_error.unwrap(), words, structured }
    }

    fn answer(&self) -> &Value {
        &self.structured["answer"]
    }
}

#[test]
fn an_agent_looks_and_asks_and_people_decide() {
    let sandbox = Sandbox::start("auto");
    let agent = Agent::connect(sandbox.lendpeak2(&["mcp"]));
    what_is_offered(&agent);
    arguments_are_checked(&agent);
    looks_change_nothing(&sandbox, &agent);
    what_is_asked_for_waits(&sandbox, &agent);
    what_is_much_is_cut(&agent);
}

fn what_is_offered(agent: &Agent) {
    let info = agent.client.peer_info().unwrap();
    let instructions = info.instructions.clone().unwrap();
    assert!(instructions.contains("`lendpeak2 approve <id>`"), "{instructions}");
    let tools = agent.tools();
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    let mut each: Vec<&str> = EACH.iter().map(|(tool, _)| *tool).collect();
    each.sort_unstable();
    assert_eq!(names, each);
    for tool in &tools {
        // None decides, and none touches a kill switch.
        for word in ["approve", "reject", "stop", "start", "go", "override", "cut", "undo", "discard"] {
            assert!(tool.name.split('_').all(|part| part != word), "{}", tool.name);
        }
        let schema = Value::Object(tool.input_schema.as_ref().clone());
        assert_eq!(schema["additionalProperties"], json!(false), "{schema}");
        assert!(schema["properties"].get("override").is_none(), "{schema}");
        let annotations = tool.annotations.as_ref().unwrap();
        let asks = tool.name.starts_with("request_");
        assert_eq!(annotations.read_only_hint, Some(!asks), "{}", tool.name);
        assert!(!asks || annotations.destructive_hint == Some(false), "{}", tool.name);
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let is_remedy = asks || tool.name.starts_with("plan_");
        assert_eq!(required.contains(&json!("reason")), is_remedy, "{}", tool.name);
    }
}

fn arguments_are_checked(agent: &Agent) {
    agent.is_refused("health", &json!({ "checks": "health" }), "`checks`");
    agent.is_refused("status", &json!({ "verbose": true }), "unknown field `verbose`");
    agent.is_refused("report", &json!({ "days": "7" }), "`days`");
    agent.is_refused("history", &json!({ "since": "yesterday" }), "as in 30m or 2h");
    agent.is_refused("history", &json!({ "function": "diagnose" }), "there are scale-up, rollback");
    agent.is_refused("plan_scale", &json!({ "tasks": "many", "reason": "r" }), "`tasks`");
    agent.is_refused("request_scale", &json!({ "tasks": 0, "reason": "r" }), "`tasks`");
    agent.is_refused("request_scale", &json!({ "tasks": 3 }), "`reason`");
    agent.is_refused(
        "request_restart",
        &json!({ "reason": "r", "override": true }),
        "unknown field `override`",
    );
    agent.is_refused("request_restart", &json!({ "reason": "r", "ask": false }), "unknown field `ask`");
    agent.is_refused("request_freeze", &json!({ "state": "perhaps", "reason": "r" }), "`state`");
    agent.is_refused("request_restart", &json!({ "reason": "x".repeat(100_000) }), "10000 at most");
    agent.is_refused("approve", &json!({ "id": "0a1b" }), "tool not found");
    for (tool, arguments, says) in [
        ("request_restart", json!({ "reason": " " }), "`reason` is empty"),
        ("plan_invalidate", json!({ "paths": [], "reason": "r" }), "`paths` is empty"),
        ("plan_restore", json!({ "reason": "r" }), "one of `snapshot`, `before` and `point_in_time`"),
        ("plan_restore", json!({ "snapshot": "a", "before": "b", "reason": "r" }), "one of `snapshot`"),
        ("request_rollback", json!({ "to": "nothing:9", "reason": "r" }), "nothing:9"),
        ("incidents", json!({ "id": "no-such-incident" }), "no-such-incident"),
    ] {
        let told = agent.call(tool, &arguments);
        assert!(told.is_error && told.words.contains(says), "{tool}: {told:?}");
    }
}

/// What the service is, and how often functions have acted.
fn standing(sandbox: &Sandbox) -> (usize, Value) {
    let history = sandbox.run(&["--json", "history"]).json();
    let applied = history.as_array().unwrap().iter().filter(|record| record["decision"] == "applied").count();
    (applied, sandbox.run(&["--json", "scale", "step", "--dry-run"]).json()["summary"].clone())
}

fn looks_change_nothing(sandbox: &Sandbox, agent: &Agent) {
    let before = standing(sandbox);
    for (tool, arguments) in EACH.into_iter().filter(|(tool, _)| !tool.starts_with("request_")) {
        let told = agent.call(tool, &serde_json::from_str(arguments).unwrap());
        assert!(!told.structured["summary"].as_str().unwrap().is_empty(), "{tool}: {told:?}");
        // There is nothing to go back to yet.
        assert!(!told.is_error || tool == "plan_rollback", "{tool}: {told:?}");
    }
    let health = agent.call("health", &json!({}));
    assert_eq!(health.answer()["healthy"], json!(true), "{health:?}");
    let plan = agent.call("plan_scale", &json!({ "tasks": 3, "reason": "queues grow" }));
    assert_eq!(plan.answer()["decision"], "observed", "{plan:?}");
    assert!(plan.words.contains("queues grow"), "{plan:?}");
    assert_eq!(agent.call("plans", &json!({})).answer(), &json!([]));
    assert_eq!(standing(sandbox), before);
}

/// The mode is `auto`: a person who sends the same changes the service at once.
fn what_is_asked_for_waits(sandbox: &Sandbox, agent: &Agent) {
    let before = standing(sandbox);
    for (tool, arguments) in EACH.into_iter().filter(|(tool, _)| tool.starts_with("request_")) {
        let told = agent.call(tool, &serde_json::from_str(arguments).unwrap());
        if tool == "request_rollback" {
            // There is nothing to go back to: nobody is asked.
            assert_eq!(told.answer()["decision"], "refused", "{told:?}");
            continue;
        }
        assert_eq!(told.answer()["decision"], "awaiting_approval", "{tool}: {told:?}");
        assert!(!told.is_error && told.words.contains("lendpeak2 approve "), "{tool}: {told:?}");
    }
    let plans = agent.call("plans", &json!({}));
    assert_eq!(plans.answer().as_array().unwrap().len(), 5, "{plans:?}");
    assert!(plans.words.starts_with("5 plans wait for approval.\n"), "{plans:?}");
    assert!(plans.answer().to_string().contains("night-watch 7.1 for "), "{plans:?}");
    assert_eq!(standing(sandbox), before);
    // Whoever asks for what waits joins it.
    let again = agent.call("request_scale", &json!({ "tasks": 3, "reason": "queues grow" }));
    assert!(!again.is_error, "{again:?}");
    assert_eq!(agent.call("plans", &json!({})).answer().as_array().unwrap().len(), 5);
    // A person decides, by another way.
    let plan = plans.answer().as_array().unwrap().iter().find(|plan| plan["function"] == "scale-up").unwrap();
    let told = sandbox.run(&["--yes", "approve", plan["id"].as_str().unwrap()]);
    assert_eq!(told.code, 0, "{told:?}");
    assert_eq!(standing(sandbox).0, before.0 + 1);
    let history = agent.call("history", &json!({ "function": "scale-up" }));
    assert!(history.words.contains("applied") && history.words.contains("night-watch"), "{history:?}");
}

fn what_is_much_is_cut(agent: &Agent) {
    // Each is recorded, with its reason.
    for number in 0..12 {
        agent.call("request_restart", &json!({ "reason": format!("{number} {}", "long ".repeat(390)) }));
    }
    let told = agent.call("history", &json!({ "function": "restart" }));
    assert!(!told.is_error && told.structured["left_out"].as_u64() > Some(0), "{told:?}");
    assert!(told.words.contains("decisions, the newest first."), "{told:?}");
}

#[test]
fn without_aws_it_serves_and_says_what_is_missing() {
    let agent = Agent::connect(lendpeak2(&["--region", "us-east-1", "mcp"]));
    for _ in 0..2 {
        let told = agent.call("health", &json!({}));
        assert!(told.is_error && told.words.contains("aws sso login"), "{told:?}");
        assert_eq!(told.answer()["code"], "no_credentials");
    }
    let agent = Agent::connect(lendpeak2(&["--endpoint-url", "http://127.0.0.1:1", "mcp"]));
    let told = agent.call("request_restart", &json!({ "reason": "r" }));
    assert!(told.is_error && told.words.starts_with("cannot find the stack"), "{told:?}");
    assert_eq!(agent.tools().len(), EACH.len());
}

fn raw() -> Child {
    lendpeak2(&["mcp"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn hello() -> String {
    let client = json!({ "name": "raw", "version": "1" });
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params }).to_string()
}

#[test]
fn it_ends_with_0_when_its_client_goes() {
    let ended = lendpeak2(&["mcp"]).output().unwrap();
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(0), b"".as_slice()));
    let mut child = raw();
    writeln!(child.stdin.take().unwrap(), "{}", hello()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

#[test]
fn it_ends_with_0_by_ctrl_c() {
    let mut child = raw();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{}", hello()).unwrap();
    let mut answer = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut answer).unwrap();
    assert!(answer.contains("lendpeak2"), "{answer}");
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_no_message_does_not_end_it() {
    let mut child = raw();
    let mut stdin = child.stdin.take().unwrap();
    let list = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list" });
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    writeln!(stdin, "{}\n{ready}\nnot JSON\n{{}}\n{list}", hello()).unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut answers = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let listed = answers.find(|answer| answer["id"] == 2).unwrap();
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), EACH.len());
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
