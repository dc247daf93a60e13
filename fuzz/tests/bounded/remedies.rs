//! What `diagnose` says to send is what the function that it names takes.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use diagnose::{chapter::Chapter, finding::Remedy, judge, rules};
use fuzz::{functions::FUNCTIONS, house::in_house, targets::request::probed, world::Twisted};
use serde_json::{Deserializer, Value};
use tests::recorded;

/// Every request of a remedy, as JSON and in words, with where it was found.
fn sends(remedy: &Remedy, place: &str, found: &mut BTreeMap<(String, String), String>) {
    if let (Some(function), Some(send)) = (remedy.function, &remedy.send) {
        found.insert((function.to_owned(), send.to_string()), place.to_owned());
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

#[test]
fn every_request_of_a_remedy_is_one_that_its_function_takes() -> Result<()> {
    let mut found = BTreeMap::new();
    for path in recorded::files()? {
        for case in recorded::read(&path)?.cases {
            for finding in judge(&recorded::evidence(&case.evidence)?, &Chapter::ALL) {
                let remedies = finding.explains.iter().map(|one| (one.cause, &one.remedy));
                for (cause, remedy) in remedies.chain([(finding.cause, &finding.remedy)]) {
                    sends(remedy, &format!("{cause}, in {}", path.display()), &mut found);
                }
            }
        }
    }
    for rule in Chapter::ALL.into_iter().flat_map(rules::of) {
        in_words(rule.otherwise, rule.cause, &mut found);
        in_words(rule.helped, rule.cause, &mut found);
    }
    ensure!(found.len() > 20, "only {} requests", found.len());
    let mut wrong = Vec::new();
    for ((function, send), place) in found {
        let taken = if function == "health-probe" {
            probed(send.clone())
        } else {
            let is_known = FUNCTIONS.iter().any(|known| known.name() == function);
            ensure!(is_known, "{place}: there is no function {function}");
            in_house(|house| {
                house.wire.begin(Twisted::None, &[]);
                house.handle(&function, send.clone())
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
