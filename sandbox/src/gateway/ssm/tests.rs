use super::*;

fn incident(dedup: &str) -> Value {
    json!({ "Title": "service down", "Description": "bad release", "Source": "lendpeak2", "Severity": "1",
        "OperationalData": { "/aws/dedup": { "Type": "SearchableString",
            "Value": json!({ "dedupString": dedup }).to_string() } } })
}

fn id(answer: Result<Value, Refusal>) -> Result<String, (&'static str, String)> {
    let of = |body: &Value| text(body, "OpsItemId").to_owned();
    answer.map(|body| of(&body)).map_err(|(code, _, body)| (code, of(&body)))
}

#[test]
fn an_item_that_is_not_resolved_has_no_twin() {
    let mut items = Vec::new();
    let first = id(create(&mut items, &incident("one"))).unwrap();
    let twin = Err(("OpsItemAlreadyExistsException", first.clone()));
    assert_eq!(id(create(&mut items, &incident("one"))), twin);
    assert_ne!(id(create(&mut items, &incident("two"))), twin);
    update(&mut items, &json!({ "OpsItemId": first, "Status": "InProgress" })).unwrap();
    assert_eq!(id(create(&mut items, &incident("one"))), twin);
    update(&mut items, &json!({ "OpsItemId": first, "Status": "Resolved" })).unwrap();
    assert!(id(create(&mut items, &incident("one"))).is_ok_and(|new| new != first));
}

#[test]
fn items_of_another_source_or_without_a_string_are_no_twins() {
    let mut items = Vec::new();
    let mut other = incident("one");
    for source in ["lendpeak2", "somebody else"] {
        merge(&mut other, &json!({ "Source": source }));
        create(&mut items, &other).unwrap();
    }
    merge(&mut other, &json!({ "OperationalData": {} }));
    create(&mut items, &other).unwrap();
    create(&mut items, &other).unwrap();
    assert_eq!(items.len(), 4);
}

#[test]
fn an_update_changes_what_it_names_and_nothing_else() {
    let mut items = Vec::new();
    let item = id(create(&mut items, &incident("one"))).unwrap();
    let change = json!({ "OpsItemId": item, "Title": "service down: rolled back", "Severity": "2",
        "OperationalData": { "first cause": { "Type": "String", "Value": "release_broke_it" } } });
    update(&mut items, &change).unwrap();
    let seen = find(&mut items, &json!({ "OpsItemId": item })).unwrap().as_json();
    let of = |pointer: &str| seen.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    assert_eq!(
        ["/Title", "/Description", "/Severity", "/Status", "/Version"].map(of),
        ["service down: rolled back", "bad release", "2", "Open", "2"]
    );
    assert_eq!(of("/OperationalData/first cause/Value"), "release_broke_it");
    assert!(of("/OperationalData/~1aws~1dedup/Value").contains("one"));
}

#[test]
fn what_is_wrong_with_a_request_is_named() {
    let mut items = Vec::new();
    let code = |answer: Result<Value, Refusal>| answer.map_err(|(code, ..)| code);
    let mut long = incident("one");
    merge(&mut long, &json!({ "Source": "x".repeat(129) }));
    assert_eq!(code(create(&mut items, &long)), Err("OpsItemInvalidParameterException"));
    assert_eq!(code(create(&mut items, &json!({ "Title": "x" }))), Err("OpsItemInvalidParameterException"));
    let unknown = json!({ "OpsItemId": "oi-0000000000ff" });
    assert_eq!(code(update(&mut items, &unknown)), Err("OpsItemNotFoundException"));
    let item = id(create(&mut items, &incident("one"))).unwrap();
    let odd = json!({ "OpsItemId": item, "Status": "Done" });
    assert_eq!(code(update(&mut items, &odd)), Err("OpsItemInvalidParameterException"));
}
