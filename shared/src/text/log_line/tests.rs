use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, shown: &str) {
    assert_eq!(line(text), shown);
}

#[test]
fn a_message_keeps_its_words_and_loses_its_particulars() {
    check(
        "2026-11-24T03:00:01.123Z ERROR loan 65f1c0ffee12 of user 4711 not found",
        "<…> ERROR loan <…> of user <…> not found",
    );
    check("ERROR connect ECONNREFUSED 10.0.3.17:27017", "ERROR connect ECONNREFUSED <…>");
    check(
        "MongoServerSelectionError: connection timed out",
        "MongoServerSelectionError: connection timed out",
    );
    check("GET /api/loans/4711 answered 502 in 1203ms", "GET <…> answered 502 in <…>");
    check("src/App.tsx(12,5): error TS2322: Type", "src/App.tsx(<…>,<…>): error TS2322: Type");
    check(
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    );
}

#[test]
fn of_json_only_the_message_is_told() {
    check(
        r#"{"level":"error","msg":"could not pay out","userId":"jane","card":"4111"}"#,
        "ERROR could not pay out",
    );
    check(
        r#"{"level":"error","err":{"message":"connect ECONNREFUSED"},"jwt":"x"}"#,
        "ERROR connect ECONNREFUSED",
    );
}

#[test]
fn what_is_secret_or_personal_does_not_come_out() {
    check(
        "ERROR cannot connect to mongodb://admin:hunter@db.local:27017/lendpeak2?tls=true",
        "ERROR cannot connect to <mongodb address>=true",
    );
    check("Authorization: Basic dXNlcjpwYXNz and more words", "Authorization: <…> and more words");
    check("Authorization: Bearer abcdef and more words", "Authorization: <…> and more words");
    check("login of jane.doe@example.com failed", "login of <e-mail> failed");
    check("password=hunter; token: swordfish", "password=<…>; token: <…>");
    check(r#"{"user":"jane","apiKey": "swordfish"} refused"#, r#"{"user":"jane","apiKey"<…> "<…>"} refused"#);
    check("the password hunter is wrong", "the password <…> is wrong");
    check("card 4111 1111 1111 1111 declined", "card <…> declined");
}

#[test]
fn what_is_said_of_a_secret_stays() {
    for text in [
        "no basic auth credentials",
        "the token expired",
        "password authentication failed for user",
        "ResourceInitializationError: unable to pull secrets or registry auth: unable to retrieve secret from asm",
    ] {
        check(text, text);
    }
}

#[test]
fn what_steers_a_terminal_is_left_out() {
    check(
        "ERROR \u{1b}[2J\u{1b}]0;owned\u{7} the\0 pool\u{9b}is\u{7f}cleared",
        "ERROR [<…> ]<…>;owned the pool is cleared",
    );
}

#[test]
fn a_long_line_is_cut_at_a_letter() {
    let text = format!("ERROR {}", "ä ".repeat(100_000));
    assert!(line(&text).len() <= MAX_SHOWN);
    assert!(line(&text).starts_with("ERROR ä"));
}

fn secret() -> impl Strategy<Value = (String, String)> {
    let word = "[a-z]{6,12}";
    prop_oneof![
        "[45][0-9]{15}".prop_map(|card| (card.clone(), card)),
        "[45][0-9]{3}-[0-9]{4}-[0-9]{4}-[0-9]{4}".prop_map(|card| (card.clone(), card)),
        (word, "[a-z]{4,8}").prop_map(|(name, host)| (format!("{name}@{host}.com"), name)),
        "eyJ[A-Za-z0-9]{12,30}[0-9]\\.[A-Za-z0-9]{20,40}\\.[A-Za-z0-9_-]{20,40}"
            .prop_map(|jwt| (jwt.clone(), jwt)),
        (word, word).prop_map(|(user, pass)| (format!("mongodb://{user}:{pass}@db.internal/x"), pass)),
        (word, word).prop_map(|(user, pass)| (format!("rediss://{user}:{pass}@cache.internal:6379"), pass)),
        word.prop_map(|pass| (format!("password={pass}"), pass)),
        word.prop_map(|pass| (format!("\"apiKey\": \"{pass}\""), pass)),
        word.prop_map(|pass| (format!("token: {pass}"), pass)),
        "[A-Za-z]{3,8}[0-9][A-Za-z0-9+/]{16,40}"
            .prop_map(|text| (format!("Authorization: Basic {text}"), text)),
        word.prop_map(|text| (format!("authorization: Bearer {text}"), text)),
        word.prop_map(|text| (format!("Authorization: {text}"), text)),
        "AKIA[A-Z0-9]{15}[0-9]".prop_map(|key| (key.clone(), key)),
        "[0-9a-f]{31}[0-9]".prop_map(|hex| (hex.clone(), hex)),
    ]
}

proptest! {
    #[test]
    fn no_secret_ever_comes_out((text, hidden) in secret(), before in "[ -~]{0,40}", after in "[ -~]{0,40}") {
        // A quote or a brace before it may make it another text, which is for the next test.
        let before = before.replace(|letter: char| !letter.is_alphanumeric() && letter != ' ', " ");
        let shown = line(&format!("{before} {text} {after}"));
        prop_assert!(!shown.contains(&hidden) || before.contains(&hidden) || after.contains(&hidden), "{shown}");
    }

    #[test]
    fn any_text_has_a_short_shape(text in "\\PC{0,400}") {
        let shown = line(&text);
        prop_assert!(shown.len() <= MAX_SHOWN);
        prop_assert!(!shown.contains('\n'));
    }
}
