//! The application's errors of the last hour, the profiler's lines, and the ends of two logs.

use serde_json::{Value, json};

use super::{LOG_GROUP, Large, page, spread, text, with_next};

/// What an answer of 1 MB, which is the most, has room for.
const EVENTS_A_PAGE: usize = 1_500;
const PROFILED: usize = 500;
const HOUR_MS: usize = 3_600_000;

pub(super) fn answer(large: &Large, operation: &str, request: &Value) -> Option<Value> {
    let group = text(request, "logGroupName");
    match operation {
        "FilterLogEvents" if group == LOG_GROUP => {
            Some(filtered(large, request, large.size.log_events, error))
        }
        "FilterLogEvents" if group.ends_with("/profiler") => {
            Some(filtered(large, request, PROFILED, profiled))
        }
        "GetLogEvents" => {
            let limit = request.get("limit").and_then(Value::as_u64).and_then(|limit| limit.try_into().ok());
            let line = if group.starts_with("/aws/codebuild/") { built } else { killed };
            Some(last(large, limit.unwrap_or(EVENTS_A_PAGE), line))
        }
        _ => None,
    }
}

fn filtered(large: &Large, request: &Value, count: usize, line: fn(usize) -> String) -> Value {
    let (numbers, next) = page(request, "nextToken", count, EVENTS_A_PAGE);
    let events: Vec<Value> = numbers
        .map(|number| {
            let at = large.milliseconds_ago(HOUR_MS - HOUR_MS * number / count);
            json!({
                "logStreamName": format!("backend/backend/{:032x}", number % 40),
                "timestamp": at,
                "message": line(number),
                "ingestionTime": at + 800,
                "eventId": format!("{:056}", spread(number)),
            })
        })
        .collect();
    with_next(json!({ "events": events, "searchedLogStreams": [] }), "nextToken", next)
}

fn last(large: &Large, count: usize, line: fn(usize) -> String) -> Value {
    let events: Vec<Value> = (0..count)
        .map(|number| {
            let at = large.milliseconds_ago(900_000 + (count - number) * 100);
            json!({ "timestamp": at, "message": line(count - 1 - number), "ingestionTime": at + 800 })
        })
        .collect();
    json!({
        "events": events,
        "nextForwardToken": format!("f/{:056}/s", spread(count)),
        "nextBackwardToken": format!("b/{:056}/s", spread(0)),
    })
}

/// As a Node.js application writes them: some as JSON with a stack, some as text.
fn error(number: usize) -> String {
    let id = spread(number);
    let (user, took) = (id % 90_000, id % 9_000);
    let (kind, message, file) = match number % 20 {
        0..=6 => (
            "MongoServerSelectionError",
            format!("connection to 10.0.3.{}:27017 timed out", id % 250),
            "db/loans",
        ),
        7..=9 => ("CreditServiceError", format!("credit service answered 503 in {took}ms"), "credit/client"),
        10 => (
            "ValidationError",
            format!("loan {id:016x} of user {user}: amount is required"),
            "loans/validate",
        ),
        11..=14 => return format!("ERROR [{id:016x}] GET /api/loans/{user} answered 500 in {took}ms"),
        15..=17 => {
            return format!(
                "ERROR MongoPoolClearedError: pool of 10.0.3.{}:27017 was cleared, request {id:016x}",
                id % 250
            );
        }
        18 => return format!("ERROR connect ECONNREFUSED 10.0.4.{}:6379", id % 250),
        _ => {
            return format!(
                "ERROR login of user{user}@example.com failed after {took}ms: invalid credentials"
            );
        }
    };
    json!({
        "level": "ERROR",
        "msg": message,
        "requestId": format!("{id:016x}"),
        "userId": user,
        "method": "POST",
        "path": format!("/api/loans/{user}/apply"),
        "durationMs": took,
        "err": {
            "type": kind,
            "message": message,
            "stack": format!(
                "{kind}: {message}\n    at {kind}.from (/app/dist/{file}.js:118:15)\n    at async apply \
                 (/app/dist/loans/apply.js:64:22)\n    at async handle (/app/dist/http/router.js:203:9)\n    \
                 at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"
            ),
        },
    })
    .to_string()
}

/// As DocumentDB's profiler writes them.
fn profiled(number: usize) -> String {
    let id = spread(number);
    let (collection, filter) = match number % 4 {
        0 => ("loans", json!({ "userId": format!("{id:024x}"), "status": { "$in": ["open", "late"] } })),
        1 => ("payments", json!({ "loanId": format!("{id:024x}"), "dueAt": { "$lt": id % 1_000_000 } })),
        2 => ("users", json!({ "email": format!("user{}@example.com", id % 90_000) })),
        _ => ("audit", json!({ "at": { "$gt": id % 1_000_000 } })),
    };
    json!({
        "op": "query",
        "ts": 1_790_000_000_000_u64 + id % 3_600_000,
        "ns": format!("lendpeak2.{collection}"),
        "command": { "find": collection, "filter": filter, "sort": { "createdAt": -1 }, "limit": 50, "$db": "lendpeak2" },
        "cursorExhausted": true,
        "nreturned": 50,
        "responseLength": id % 90_000,
        "protocol": "op_query",
        "millis": 100 + id % 4_000,
        "planSummary": if number.is_multiple_of(4) { "IXSCAN" } else { "COLLSCAN" },
        "execStats": { "stage": "SUBSCAN", "nReturned": "50", "executionTimeMillisEstimate": "120.5" },
        "client": "10.0.1.11:41234",
        "user": "lendpeak2",
    })
    .to_string()
}

/// The last lines of a build that failed, the last one being number 0.
fn built(number: usize) -> String {
    match number {
        0 => "[Container] Phase context status code: COMMAND_EXECUTION_ERROR Message: Error while executing command: \
              npm run build. Reason: exit status 2\n"
            .to_owned(),
        1 => "npm ERR! code ELIFECYCLE\n".to_owned(),
        2 => "src/pages/Loans.tsx(41,17): error TS2339: Property 'rate' does not exist on type 'Loan'.\n".to_owned(),
        _ => format!("transforming ({}) src/components/Part{number}.tsx\n", spread(number) % 2_000),
    }
}

/// The last lines of a task that was killed.
fn killed(number: usize) -> String {
    match number {
        0 => "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory".to_owned(),
        _ => format!("{{\"level\":\"INFO\",\"msg\":\"GET /api/loans/{number} answered 200\"}}"),
    }
}
