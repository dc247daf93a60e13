//! What `diagnose` says to send is what the function that it names takes.

use std::{collections::BTreeMap, fs};

use anyhow::{Result, ensure};
use diagnose::{ask::Ask, chapter::Chapter, judge, rules};
use functions::FUNCTIONS;
use fuzz::{harness::with_harness, targets::request::probed, world::Mutated};
use sandbox::{cases, workspace};
use serde_json::{Deserializer, Value};
use shared::diagnosis::{Remedy, Sent};

/// Every request of a remedy, as JSON and in words, with where it was found.
fn sends(remedy: &Remedy, place: &str, found: &mut BTreeMap<(String, String), String>) {
    if let Some(Sent { function, request }) = &remedy.sent {
        found.insert((function.to_string(), request.to_string()), place.to_owned());
    }
    for words in [Some(&remedy.what), remedy.otherwise.as_ref(), Some(&remedy.helped)].into_iter().flatten() {
        in_words(words, place, found);
    }
}

/// As in `send restart {"reason": "…"}`.
fn in_words(words: &str, place: &str, found: &mut BTreeMap<(String, String), String>) {
    for rest in words.split("send ").skip(1) {
        let Some((function, rest)) = rest.split_once(' ') else { continue };
        if let Some(Ok(send)) = Deserializer::from_str(rest).into_iter::<Value>().next()
            && send.is_object()
        {
            found.insert((function.trim_end_matches(':').to_owned(), send.to_string()), place.to_owned());
        }
    }
}

/// Whatever a rule's own text has, whether or not a recorded case leads to it.
fn in_source(found: &mut BTreeMap<(String, String), String>) -> Result<()> {
    for file in fs::read_dir(workspace().join("functions/diagnose/src/rules"))? {
        let path = file?.path();
        let source = joined(&fs::read_to_string(&path)?).replace("\\\"", "\"");
        let place = path.display().to_string();
        in_words(&source, &place, found);
        // What is formatted has its brackets twice.
        in_words(&source.replace("{{", "{").replace("}}", "}"), &place, found);
    }
    Ok(())
}

/// A text that goes on in the next line, in one.
fn joined(source: &str) -> String {
    let mut parts = source.split("\\\n");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start())
}

#[test]
fn every_request_of_a_remedy_is_one_that_its_function_takes() -> Result<()> {
    let mut found = BTreeMap::new();
    for path in cases::files()? {
        for case in cases::read(&path)?.cases {
            for finding in judge(&cases::evidence(&case.evidence)?, &Chapter::ALL) {
                let remedies = finding.explains.iter().map(|one| (&one.cause, &one.remedy));
                for (cause, remedy) in remedies.chain([(&finding.cause, &finding.remedy)]) {
                    sends(remedy, &format!("{cause}, in {}", path.display()), &mut found);
                }
            }
        }
    }
    for rule in Chapter::ALL.into_iter().flat_map(rules::of) {
        in_words(rule.otherwise, rule.cause, &mut found);
        in_words(rule.helped, rule.cause, &mut found);
    }
    in_source(&mut found)?;
    for ask in Ask::examples(&"ä".repeat(10_000)) {
        let Sent { function, request } = ask.into();
        found.insert((function.into_owned(), request.to_string()), "diagnose/src/ask.rs".to_owned());
    }
    ensure!(found.len() > 20, "only {} requests", found.len());
    let mut wrong = Vec::new();
    for ((function, send), place) in found {
        let taken = if function == "health-probe" {
            probed(send.clone())
        } else {
            let is_known = FUNCTIONS.iter().any(|known| known.name() == function);
            ensure!(is_known, "{place}: there is no function {function}");
            with_harness(|harness| {
                harness.wire.begin(Mutated::None, &[]);
                harness.handle(&function, send.clone())
            })
        };
        if let Err(error) = taken
            && error.kind() == "InvalidRequest"
        {
            wrong.push(format!("{place}: {function} {send}: {error}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
