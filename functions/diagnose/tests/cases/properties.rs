//! What holds for any evidence, made of recorded pieces and of random changes to them.

use std::{collections::BTreeSet, sync::LazyLock};

use diagnose::{
    chapter::{Chapter, sources},
    evidence::Evidence,
    finding::{Confidence, Finding},
    judge,
    report::{self, Format},
};
use proptest::prelude::*;
use sandbox::cases::{base, evidence, files, merge, read};
use serde_json::{Value, json};
use shared::diagnosis::Diagnosis;

use super::fields;

/// What each recorded case changes. A file that cannot be read fails the other tests.
static PATCHES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let files = files().into_iter().flatten().filter_map(|path| read(&path).ok());
    files.flat_map(|file| file.cases).map(|case| case.evidence).collect()
});

fn patch() -> impl Strategy<Value = Value> {
    proptest::sample::select(PATCHES.as_slice())
}

/// The codes of all that was found, as a cause or as a consequence.
fn all(findings: &[Finding]) -> BTreeSet<&str> {
    findings
        .iter()
        .flat_map(|found| found.explains.iter().map(|one| &*one.cause).chain([&*found.cause]))
        .collect()
}

fn told(evidence: &Evidence, findings: Vec<Finding>, format: Format) -> Vec<String> {
    let diagnosis = Diagnosis {
        findings,
        chapters: Chapter::ALL.to_vec(),
        looked_at: vec!["the service".into()],
        not_seen: evidence.not_seen.clone(),
        environment: "production".to_owned(),
        at: evidence.at,
        ..Diagnosis::default()
    };
    report::told(diagnosis, format).text
}

/// Something that stands at a place in JSON, in place of what stood there.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u32..200).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,30}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!("2026-11-24T13:59:00Z")),
        Just(json!("9999-12-30T22:00:00Z")),
        Just(json!("-009999-01-02T01:59:59Z")),
    ]
}

/// Puts a value at the n-th place of the tree, counted around.
fn put(tree: &mut Value, place: usize, value: &Value) {
    fn visit(tree: &mut Value, left: &mut usize, value: &Value) -> bool {
        if *left == 0 {
            value.clone_into(tree);
            return true;
        }
        *left -= 1;
        match tree {
            Value::Array(values) => values.iter_mut().any(|one| visit(one, left, value)),
            Value::Object(object) => object.values_mut().any(|one| visit(one, left, value)),
            _ => false,
        }
    }
    fn size(tree: &Value) -> usize {
        1 + match tree {
            Value::Array(values) => values.iter().map(size).sum(),
            Value::Object(object) => object.values().map(size).sum(),
            _ => 0,
        }
    }
    let mut left = 1 + place % size(tree);
    visit(tree, &mut left, value);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_evidence_makes_a_rule_panic(
        patches in proptest::collection::vec(patch(), 0..4),
        changes in proptest::collection::vec((any::<usize>(), scalar()), 0..12),
    ) {
        let mut merged = json!({});
        for patch in &patches {
            merge(&mut merged, patch);
        }
        let mut seen = serde_json::to_value(evidence::<Evidence>(&merged).unwrap()).unwrap();
        for (place, value) in changes {
            let before = seen.clone();
            put(&mut seen, place, &value);
            // What cannot be evidence is not.
            if serde_json::from_value::<Evidence>(seen.clone()).is_err() {
                seen = before;
            }
        }
        let seen: Evidence = serde_json::from_value(seen).unwrap();
        let findings = judge(&seen, &Chapter::ALL);
        prop_assert!(told(&seen, findings.clone(), Format::Text).len() <= 24);
        told(&seen, findings, Format::Markdown);
    }

    #[test]
    fn what_has_nothing_to_do_with_it_does_not_hide_a_certain_cause(one in patch(), other in patch()) {
        let alone = judge(&evidence(&one).unwrap(), &Chapter::ALL);
        for certain in alone.iter().filter(|found| found.confidence == Confidence::Certain) {
            // Adds, and takes nothing away; leaves alone what the cause is read from.
            let own: Vec<&str> =
                sources(certain.chapter).iter().flat_map(|source| fields(*source)).copied().collect();
            let mut both = one.clone();
            for (name, value) in other.as_object().into_iter().flatten() {
                if !own.contains(&name.as_str()) && one.get(name).is_none() && !value.is_null() {
                    merge(&mut both, &json!({ name: value }));
                }
            }
            let judged = judge(&evidence(&both).unwrap(), &Chapter::ALL);
            let found = all(&judged);
            prop_assert!(found.contains(&*certain.cause), "{} is hidden by {found:?}", certain.cause);
        }
    }
}

#[test]
fn nothing_is_concluded_from_what_was_not_seen() {
    let blind: Evidence = serde_json::from_value(json!({ "at": base().unwrap()["at"] })).unwrap();
    assert_eq!(judge(&blind, &Chapter::ALL), []);
    // Each source alone, and each missing.
    let whole = serde_json::to_value(evidence::<Evidence>(&json!({})).unwrap()).unwrap();
    let names: Vec<String> = whole.as_object().unwrap().keys().cloned().collect();
    for one in &names {
        for other in &names {
            let mut seen = whole.clone();
            for name in [one, other].into_iter().filter(|name| *name != "at") {
                seen.as_object_mut().unwrap().remove(name);
            }
            let found = judge(&serde_json::from_value(seen).unwrap(), &Chapter::ALL);
            let found: Vec<&str> = found.iter().map(|found| &*found.cause).collect();
            assert_eq!(found, Vec::<&str>::new(), "without {one} and {other}");
        }
    }
}
