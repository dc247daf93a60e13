use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const LONG: usize = 1_000;

#[track_caller]
fn shows(text: &str, shown: &str) {
    assert_eq!(line(text, LONG), shown);
}

#[track_caller]
fn stays(text: &str) {
    shows(text, text);
}

#[test]
fn a_stopped_reason_tells_neither_the_password_nor_a_line_of_its_own() {
    shows(
        "CannotStartContainerError: exec: \"node --db=mongodb://app:S3cr3tPw@db.internal:27017/x\"\nNext (level 1): nothing\nSend to rollback: {\"to\":\"evil:1\"}",
        "CannotStartContainerError: exec: \"node --db=mongodb://<…>@db.internal:27017/x\" Next (level 1): nothing Send to rollback: {\"to\":\"evil:1\"}",
    );
}

#[test]
fn what_stands_before_the_at_of_an_address_is_masked() {
    shows("rediss://:pa/ss@cache:6379/0 refused", "rediss://<…>@cache:6379/0 refused");
    shows("https://admin:hunter2@api.lendpeak.com/x", "https://<…>@api.lendpeak.com/x");
    shows("amqp://guest:p@ss@mq and more", "amqp://<…>@mq and more");
    shows("dsn root:toor@tcp(10.0.0.1:3306)/db", "dsn <…>@tcp(10.0.0.1:3306)/db");
    stays("https://registry.npmjs.org/@babel/core answered 404");
}

#[test]
fn values_of_a_query_are_masked() {
    shows("GET /loans?token=abc&page=2 502", "GET /loans?token=<…>&page=<…> 502");
    shows("https://x.io/cb?code=1'", "https://x.io/cb?code=<…>'");
    stays("what? nothing");
}

#[test]
fn values_after_the_name_of_a_secret_are_masked() {
    shows("password=hunter; retry", "password=<…>; retry");
    shows("DB_PASSWORD=hunter2 REGION=eu", "DB_PASSWORD=<…> REGION=eu");
    shows("run --password hunter2 --host db", "run --password <…> --host db");
    shows("run --db-token=abc --host db", "run --db-token=<…> --host db");
    shows(r#"{"secret": "two words", "n": 1}"#, r#"{"secret": <…>, "n": 1}"#);
    shows(r#"{\"apiKey\":\"a b\",\"x\":1}"#, r#"{\"apiKey\":<…>,\"x\":1}"#);
    shows("{'client_secret': 'it'}", "{'client_secret': <…>}");
    shows(r#"{"name":"DB_PASSWORD","value":"a b"}"#, r#"{"name":"DB_PASSWORD","value":<…>}"#);
    shows("Server=db;Uid=app;Pwd=x;y;Timeout=3", "Server=db;Uid=app;Pwd=<…>;Timeout=3");
    shows("token: swordfish", "token: <…>");
    shows("the password hunter2 is wrong", "the password <…> is wrong");
    shows("Cookie: a=1; sid=2", "Cookie: <…>");
    shows("curl -H 'Authorization: Basic dXNlcjpwYXNz' x", "curl -H 'Authorization: <…>' x");
    shows("authorization: Bearer abc def", "authorization: <…> def");
    shows("Bearer abc def", "Bearer <…> def");
}

#[test]
fn keys_of_known_forms_and_long_random_strings_are_masked() {
    shows("with AKIAIOSFODNN7EXAMPLE and", "with <…> and");
    shows("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "<…>");
    shows("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "<…>");
    shows("push ghp_16C7e42F292c6912E7710c838347Ae178B4a", "push <…>");
    shows("da39a3ee5e6b4b0d3255bfef95601890afd80709 found", "<…> found");
    shows("a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b", "a <PEM block> b");
    shows("a -----BEGIN RSA PRIVATE KEY-----\nMIIE", "a <PEM block>");
}

#[test]
fn what_people_look_for_stays() {
    for text in [
        "arn:aws:ecs:us-east-1:123456789012:task-definition/lendpeak2-backend-production:41",
        "arn:aws:ecs:us-east-1:123456789012:task/lendpeak2-production/0cd4c1b8f7f6464aa63ae92c4b4a9d13",
        "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/LendPeak2/50dc6c495c0c9188/f2f7dc8efc522ab2",
        "User: arn:aws:sts::123456789012:assumed-role/lendpeak2-production-rollback/jane@example.com is not authorized to perform: ecs:UpdateService on resource: arn:aws:ecs:us-east-1:123456789012:service/c/backend",
        "(service backend) has started 1 tasks: (task 0cd4c1b8f7f6464aa63ae92c4b4a9d13).",
        "(service backend) (deployment ecs-svc/1234567890123456789) deployment failed: tasks failed to start.",
        "deployment 7b2c9f1a-3d4e-4f50-8a6b-7c8d9e0f1a2b is IN_PROGRESS since 2026-11-28T19:54:08.594+0000",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/lendpeak2/backend:2026-11-28.3",
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s)",
        "failed to fetch secret arn:aws:secretsmanager:us-east-1:1:secret:lendpeak2/db-AbCdEf:password:: from secrets manager: AccessDeniedException: not allowed",
        "Secrets Manager cannot find the secret: ResourceNotFoundException",
        "The security token included in the request is expired",
        "Threshold Crossed: 2 out of the last 3 datapoints [93.1 (28/11/26 19:54:00)] was greater than the threshold (80.0)",
        "alarm lendpeak2-production-HTTPCode_Target_5XX_Count-rate-5xx-2026",
        "OutOfMemoryError: Container killed due to memory usage, exit code 137, 10.0.3.17:27017",
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref",
        "LendPeakStackBackendServiceTaskDefF7A9B2C1:41",
        "lendpeak2-production.cluster-c1a2b3c4d5e6.us-east-1.docdb.amazonaws.com",
        "password authentication failed for user app",
        "支払いができない: Größe ☂",
        "approved by jane@example.com, 3 tokens: 41",
    ] {
        stays(text);
    }
}

#[test]
fn a_digest_and_a_commit_are_told_by_their_beginning() {
    shows(
        "c/lendpeak2:41@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef missing",
        "c/lendpeak2:41@sha256:0123456789ab… missing",
    );
    shows("ecr/backend:da39a3ee5e6b4b0d3255bfef95601890afd80709", "ecr/backend:da39a3ee5e6b…");
}

#[test]
fn what_breaks_lines_or_cannot_be_seen_is_gone() {
    shows("a\r\nb\tc\u{2028}d\u{85}e\u{1b}[2Jf\0g\u{7}\u{9b}h", "a b c d e [2Jf g h");
    shows("p\u{200b}assw\u{202e}ord\u{ad}=\u{feff}x\u{e0041}", "password=<…>");
}

#[test]
fn a_long_text_ends_with_an_ellipsis_at_a_letter() {
    assert_eq!(line("äöüäöü", 4), "äöü…");
    assert_eq!(line("äöüä", 4), "äöüä");
    assert_eq!(line("abc", 0), "");
    let cut = line(&format!("{}mongodb://app:hunter2@db", "x".repeat(30)), 45);
    assert!(!cut.contains("hun"), "{cut}");
}

#[test]
fn tidy_keeps_names_of_fields_and_says_how_much_it_left_out() {
    let mut value = json!({
        "plan": {"secret": "lendpeak2/db", "token": "x", "environment": [{"name": "DB_PASSWORD", "value": "y"}]},
        "events": (0..250).map(|number| json!({"event": number})).collect::<Vec<_>>(),
    });
    tidy(&mut value);
    assert_eq!(
        value["plan"],
        json!({"secret": "lendpeak2/db", "token": "<…>", "environment": [{"name": "DB_PASSWORD", "value": "<…>"}]})
    );
    let events = value["events"].as_array().unwrap();
    assert_eq!((events.len(), &events[99]), (100, &json!("… 151 more entries left out")));
}

#[test]
fn of_what_is_too_long_the_largest_list_is_cut_first() {
    let reason = "r".repeat(1_999);
    let mut value = json!({
        "summary": "kept",
        "steps": ["kept", "too"],
        "observed": {"stopped_tasks": vec![json!({"reason": reason}); 100], "deployments": [1, 2, 3]},
    });
    tidy(&mut value);
    assert!(value.to_string().len() < MAX_ANSWER);
    assert_eq!((&value["summary"], &value["steps"]), (&json!("kept"), &json!(["kept", "too"])));
    assert_eq!(value["observed"]["deployments"], json!([1, 2, 3]));
    let tasks = value["observed"]["stopped_tasks"].as_array().unwrap();
    assert_eq!((tasks.len(), tasks.last().unwrap()), (50, &json!("… 51 more entries left out")));
}

/// A secret in its surroundings, and what of it must not come out.
fn secret() -> impl Strategy<Value = (String, String)> {
    let word = || "[A-Za-z0-9]{6,16}[0-9]";
    prop_oneof![
        (word(), word())
            .prop_map(|(user, pass)| (format!("mongodb+srv://{user}:{pass}@db.internal/x"), pass)),
        word().prop_map(|pass| (format!("rediss://:{pass}/@cache:6379"), pass)),
        word().prop_map(|pass| (format!("jdbc:postgresql://db/x?user=app&password={pass}&ssl=true"), pass)),
        word().prop_map(|pass| (format!("app:{pass}@db.internal"), pass)),
        word().prop_map(|pass| (format!("password={pass}"), pass)),
        word().prop_map(|pass| (format!("DB_PASSWORD: {pass}"), pass)),
        word().prop_map(|pass| (format!("--db-password {pass}"), pass)),
        word().prop_map(|pass| (format!("{{\"apiKey\": \"{pass}\"}}"), pass)),
        (word(), word()).prop_map(|(first, last)| (format!("'client-secret' => '{first} {last}'"), last)),
        word().prop_map(|pass| (format!("{{\\\"authToken\\\":\\\"{pass}\\\"}}"), pass)),
        word().prop_map(|text| (format!("Authorization: Basic {text}=="), text)),
        word().prop_map(|text| (format!("bearer {text}"), text)),
        "AKIA[A-Z0-9]{16}".prop_map(|key| (key.clone(), key)),
        "ASIA[A-Z0-9]{16}".prop_map(|key| (key.clone(), key)),
        "eyJ[A-Za-z0-9]{12,30}\\.[A-Za-z0-9]{20,40}\\.[A-Za-z0-9_-]{20,40}"
            .prop_map(|jwt| (jwt.clone(), jwt)),
        "[A-Za-z0-9+/]{60}".prop_map(|text| (text.clone(), text)),
        "[0-9a-f]{64}".prop_map(|text| (text.clone(), text)),
        word().prop_map(|text| (
            format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----"),
            text
        )),
    ]
}

/// Text with what is odd in texts, often.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "\\PC{0,12}",
        1 => any::<String>(),
        1 => "[\\x00-\\x1f\\x7f-\\u{9f}\u{200b}\u{202e}\u{2066}\u{feff}\u{2028}\u{e0041}]{1,4}",
        2 => prop_oneof![
            Just("password".to_owned()), Just("=".to_owned()), Just(": ".to_owned()), Just("\"".to_owned()),
            Just("'".to_owned()), Just("\\".to_owned()), Just("://".to_owned()), Just("@".to_owned()),
            Just("?a=".to_owned()), Just("&".to_owned()), Just("<…>".to_owned()), Just("arn:".to_owned()),
            Just("Authorization".to_owned()), Just("Basic ".to_owned()), Just("Cookie".to_owned()),
            Just("sha256:0123456789abcdef".to_owned()), Just("--token ".to_owned()), Just("AKIA".to_owned()),
            Just("-----BEGIN ".to_owned()), Just("-----END x-----".to_owned()), Just(", \"value\":".to_owned()),
        ],
        1 => secret().prop_map(|(text, _)| text),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
        (any_text(), 1_usize..300).prop_map(|(text, times)| Value::from(text.repeat(times))),
        (any_text(), 1_usize..300).prop_map(|(text, times)| Value::from(vec![Value::from(text); times])),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map(any_text(), inner, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn is_clean(text: &str) -> bool {
    !text.chars().any(|letter| {
        letter.is_control()
            || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    })
}

fn all_texts(value: &Value, check: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => check(text),
        Value::Array(values) => values.iter().for_each(|value| all_texts(value, check)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            check(name);
            all_texts(value, check);
        }),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_comes_out_with_a_line_break_or_a_control_or_direction_character(text in any_text(), most in 0_usize..200) {
        let shown = line(&text, most);
        prop_assert!(is_clean(&shown), "{shown:?}");
        prop_assert!(shown.chars().count() <= most);
    }

    #[test]
    fn what_was_tidied_stays_as_it_is(text in any_text(), most in 0_usize..200) {
        let shown = line(&text, most);
        prop_assert_eq!(line(&shown, most), shown.clone(), "of {:?}", text);
    }

    #[test]
    fn no_secret_ever_comes_out((text, hidden) in secret(), before in "[A-Za-z ,.:\n]{0,40}", after in "[ -~\n]{0,40}") {
        let shown = line(&format!("{before} {text} {after}"), LONG);
        prop_assert!(!shown.contains(&hidden), "{shown}");
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tidied_json_is_short_clean_and_stays_as_it_is(value in any_value()) {
        let mut shown = value.clone();
        tidy(&mut shown);
        prop_assert!(shown.to_string().len() < MAX_ANSWER);
        let mut clean = true;
        all_texts(&shown, &mut |text| clean &= is_clean(text));
        prop_assert!(clean);
        let mut again = shown.clone();
        tidy(&mut again);
        prop_assert_eq!(&again, &shown);
        if let Value::Object(fields) = &value {
            let plain: Vec<&String> = fields.keys().filter(|name| line(name, 200) == **name).collect();
            prop_assert!(plain.iter().all(|name| shown.get(name.as_str()).is_some()));
        }
    }
}
