//! A mistake in a request, in words: serde names it in Rust's types.

/// What serde says of the field at `path` (`.` is the request itself), for a person who typed it. The request takes the
/// fields in `also` besides its type's own.
pub(super) fn words(path: &str, error: &str, also: &[&str]) -> String {
    let field = if path == "." { "the request".to_owned() } else { format!("`{path}`") };
    let wrong = error.strip_prefix("invalid type: ").or_else(|| error.strip_prefix("invalid value: "));
    if let Some((found, expected)) = wrong.and_then(|rest| rest.split_once(", expected ")) {
        return format!("{field} must be {}, not {}", wanted(expected), given(found));
    }
    // serde reads a list as the fields of a structure, in their order.
    if error.starts_with("invalid length ")
        && (error.contains(", expected struct ") || error.ends_with("expected fewer elements in array"))
    {
        return format!("{field} must be an object, not a list");
    }
    if let Some(rest) = error.strip_prefix("unknown field ") {
        let mut names = rest.split('`').skip(1).step_by(2);
        let unknown = names.next().unwrap_or_default();
        if also.contains(&unknown) {
            return format!("`{unknown}` must be text");
        }
        // serde_path_to_error has the field that is unknown in the path.
        let inside = path.strip_suffix(unknown).map_or("", |outer| outer.trim_end_matches('.'));
        let also = if inside.is_empty() { also } else { &[] };
        let mut known: Vec<&str> = names.collect();
        let also: Vec<&str> = also.iter().copied().filter(|name| !known.contains(name)).collect();
        known.extend(also);
        let place = if inside.is_empty() { "this function".to_owned() } else { format!("`{inside}`") };
        return format!("unknown field `{unknown}`: {place} takes {}", listed(&known));
    }
    if let Some((variant, known)) =
        error.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected "))
    {
        return format!("{field} must be {known}, not {variant}");
    }
    if let Some(missing) = error.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let outer = if path == "." { String::new() } else { format!("{path}.") };
        return format!("`{outer}{missing}` is missing");
    }
    if path == "." { error.to_owned() } else { format!("{field}: {error}") }
}

/// What serde expects, in no Rust.
fn wanted(expected: &str) -> &str {
    match expected {
        "a string" => "text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        number if ["i64", "i32"].contains(&number) => "a whole number",
        number if ["u64", "u32", "u16", "u8"].contains(&number) => "a whole number of 0 or more",
        "string or map" => "text or an object",
        structure if structure.starts_with("struct ") => "an object",
        other => other,
    }
}

fn given(found: &str) -> String {
    let value = found.split_once('`').and_then(|(_, rest)| rest.strip_suffix('`'));
    match (found.split_whitespace().next().unwrap_or_default(), value) {
        ("integer" | "floating", Some(number)) => format!("the number {number}"),
        ("boolean", Some(value)) => value.to_owned(),
        ("string", _) => found.replacen("string", "the text", 1),
        ("sequence", _) => "a list".to_owned(),
        ("map", _) => "an object".to_owned(),
        ("null" | "unit", _) => "null".to_owned(),
        _ => found.to_owned(),
    }
}

fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Request {
        #[expect(dead_code, reason = "only what cannot be read is looked at")]
        by: Option<i64>,
        #[expect(dead_code, reason = "only what cannot be read is looked at")]
        paths: Option<Vec<String>>,
        #[expect(dead_code, reason = "only what cannot be read is looked at")]
        step: Option<Step>,
        #[expect(dead_code, reason = "only what cannot be read is looked at")]
        tries: Option<u32>,
        #[expect(dead_code, reason = "only what cannot be read is looked at")]
        how: Option<How>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum How {
        Loud,
        Quiet,
        Mute,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Step {
        #[expect(dead_code, reason = "only what cannot be read is looked at")]
        done: bool,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}

    fn said<T: serde::de::DeserializeOwned + std::fmt::Debug>(request: Value) -> String {
        let error = serde_path_to_error::deserialize::<_, T>(request).unwrap_err();
        words(&error.path().to_string(), &error.inner().to_string(), &["reason", "dry_run"])
    }

    #[test]
    fn a_wrong_type_is_told_with_its_field() {
        for (request, expected) in [
            (json!({ "by": "six" }), "`by` must be a whole number, not the text \"six\""),
            (json!({ "by": 4.5 }), "`by` must be a whole number, not the number 4.5"),
            (json!({ "by": true }), "`by` must be a whole number, not true"),
            (json!({ "by": [1] }), "`by` must be a whole number, not a list"),
            (json!({ "paths": "/a" }), "`paths` must be a list, not the text \"/a\""),
            (json!({ "paths": ["/a", 7] }), "`paths[1]` must be text, not the number 7"),
            (json!({ "paths": { "a": 1 } }), "`paths` must be a list, not an object"),
            (json!({ "step": 1 }), "`step` must be an object, not the number 1"),
            (json!({ "step": { "done": "yes" } }), "`step.done` must be true or false, not the text \"yes\""),
            (json!({ "step": { "done": null } }), "`step.done` must be true or false, not null"),
            (json!({ "step": {} }), "`step.done` is missing"),
            (json!({ "step": [] }), "`step` must be an object, not a list"),
            (json!({ "step": [true, 1] }), "`step` must be an object, not a list"),
            (json!({ "tries": -1 }), "`tries` must be a whole number of 0 or more, not the number -1"),
            (json!({ "how": "LOUD" }), "`how` must be one of `loud`, `quiet`, `mute`, not `LOUD`"),
        ] {
            assert_eq!(said::<Request>(request), expected);
        }
    }

    #[test]
    fn an_unknown_field_is_told_with_all_that_are_known() {
        let common = "`reason` and `dry_run`";
        assert_eq!(
            said::<Request>(json!({ "too": 1 })),
            format!(
                "unknown field `too`: this function takes `by`, `paths`, `step`, `tries`, `how`, {common}"
            )
        );
        assert_eq!(
            said::<Nothing>(json!({ "reason": 5 })),
            "`reason` must be text",
            "one that is taken as text, of a type that has no such field"
        );
        assert_eq!(
            said::<Nothing>(json!({ "service": "x" })),
            format!("unknown field `service`: this function takes {common}")
        );
        assert_eq!(
            said::<Request>(json!({ "step": { "don": true } })),
            "unknown field `don`: `step` takes `done`"
        );
    }
}
