//! Cooldown and budget: what the ledger counts is what was done, no more and no less.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::intents::Intent;
use super::ledger::Item;
use super::part;

/// What is wrong with the counts in the claims. A change whose answer was lost may count or not.
pub(super) fn check(items: &[Item], intents: &[Intent]) -> Vec<String> {
    let mut wrong = Vec::new();
    let is_claim = |item: &&Item| item.pk.starts_with("target#") && part(&item.data, "/intent").is_object();
    for Item { pk, sk, data, .. } in items.iter().filter(is_claim) {
        let own: Vec<&Intent> =
            intents.iter().filter(|intent| intent.function == *sk && intent.target == *pk).collect();
        let attempts = part(data, "/attempts").as_array().map_or(&[][..], Vec::as_slice);
        let counted = u64::try_from(attempts.len()).unwrap_or_default();
        let done = between(&own, |intent| u64::from(!intent.puts_back));
        if !done.contains(&counted) {
            let what: Vec<&Value> = attempts.iter().map(|attempt| part(attempt, "/what")).collect();
            wrong.push(format!(
                "the budget of {sk} counts {counted} attempts, and {done:?} were made: {what:?}"
            ));
        }
        let counted = part(data, "/month_units").as_u64().unwrap_or_default();
        let done = between(&own, |intent| intent.units);
        if !done.contains(&counted) {
            wrong.push(format!("the month of {sk} counts {counted} units, and {done:?} were used"));
        }
    }
    let has_claim =
        |intent: &Intent| items.iter().any(|item| item.pk == intent.target && item.sk == intent.function);
    let uncounted = intents.iter().filter(|intent| !intent.done.is_empty() && !has_claim(intent));
    wrong.extend(uncounted.map(|intent| format!("nothing counts {:?} of {}", intent.done, intent.function)));
    wrong
}

/// At least what was done, and at most that with what may have been.
fn between(intents: &[&Intent], what: impl Fn(&Intent) -> u64) -> RangeInclusive<u64> {
    let sum = |is: &dyn Fn(&Intent) -> bool| {
        intents.iter().filter(|intent| is(intent)).map(|intent| what(intent)).sum::<u64>()
    };
    let is_done = |intent: &Intent| !intent.done.is_empty();
    sum(&is_done)..=sum(&|intent| is_done(intent) || !intent.lost.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn counts(attempts: usize, units: u64) -> [Item; 1] {
        let attempts = vec![json!({ "at": "then", "what": "scaled" }); attempts];
        let data = json!({ "intent": {}, "attempts": attempts, "month_units": units });
        [Item { pk: "target#t".to_owned(), sk: "scale-up".to_owned(), data, ..Item::default() }]
    }

    fn intent(done: usize, lost: usize) -> Intent {
        let changes = |many| vec!["ecs UpdateService".to_owned(); many];
        let (done, lost) = (changes(done), changes(lost));
        let (function, target) = ("scale-up".to_owned(), "target#t".to_owned());
        Intent { function, target, units: 3, done, lost, ..Intent::default() }
    }

    #[test]
    fn what_was_done_counts_once_however_many_calls_it_took() {
        assert_eq!(check(&counts(1, 3), &[intent(2, 0), intent(0, 0)]), Vec::<String>::new());
        let back = Intent { puts_back: true, units: 0, ..intent(1, 0) };
        assert_eq!(check(&counts(1, 3), &[intent(1, 0), back]), Vec::<String>::new());
    }

    #[test]
    fn what_may_have_been_done_counts_or_does_not() {
        for times in [0, 1] {
            assert_eq!(check(&counts(times, 3), &[intent(0, 1)]), Vec::<String>::new());
        }
        assert_eq!(check(&counts(2, 3), &[intent(0, 1)]).len(), 1);
    }

    #[test]
    fn one_too_many_and_one_too_few_are_wrong() {
        let wrong = |items: &[Item], intents: &[Intent]| check(items, intents).join("; ");
        let none = wrong(&counts(0, 3), &[intent(1, 0)]);
        assert!(none.starts_with("the budget of scale-up counts 0 attempts, and 1..=1 were made"), "{none}");
        let two = wrong(&counts(2, 3), &[intent(1, 0)]);
        assert!(two.starts_with("the budget of scale-up counts 2 attempts, and 1..=1 were made"), "{two}");
        let units = wrong(&counts(1, 6), &[intent(1, 0)]);
        assert_eq!(units, "the month of scale-up counts 6 units, and 3..=3 were used");
        let nothing = wrong(&[], &[intent(1, 0)]);
        assert_eq!(nothing, "nothing counts [\"ecs UpdateService\"] of scale-up");
    }
}
