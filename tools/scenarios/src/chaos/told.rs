//! What people were told: each change that took effect, and each end of a run that is news, once, or it is owed still.

use std::collections::{BTreeMap, HashMap};

use sandbox::notices::Notice;
use sandbox::stack::read;
use serde_json::Value;

use super::failure::Failure;
use super::intents::Intent;
use super::ledger::Item;
use super::part;
use super::point::Point;

/// What cannot be helped at a point.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Leave {
    /// SNS took a notice and the ledger did not hear of it: that one notice is sent once more.
    pub(super) second_copy: bool,
    /// The ledger did not take the end of a run: people are told of it all the same, and of the end that is recorded
    /// later too.
    pub(super) no_record: bool,
    /// The same for the news of an incident: its levels may hear it again.
    pub(super) news_again: bool,
}

impl Leave {
    pub(super) fn at(point: &Point) -> Self {
        let call = (point.place.service.as_str(), point.place.operation.as_str());
        let second_copy = match call {
            ("sns", "Publish") => matches!(point.failure, Failure::KilledAfter | Failure::CutShort),
            // It is asked beside that.
            ("sns", "GetTopicAttributes") => point.failure.kills(),
            // By this the ledger hears of it.
            ("dynamodb", "DeleteItem") => matches!(point.failure, Failure::KilledBefore | Failure::Denied),
            _ => false,
        };
        let ledger = point.place.service == "dynamodb";
        Self {
            second_copy,
            no_record: ledger && !point.failure.kills(),
            // Which level has heard it is noted in the incident.
            news_again: second_copy || point.failure.kills() || (ledger && point.failure == Failure::Denied),
        }
    }
}

/// What is wrong with the notices of the remedies, beside their records and what they did. Those that were given up may
/// have come once more.
pub(super) fn check(
    items: &[Item],
    heard: &[Notice],
    intents: &[Intent],
    leave: Leave,
    given_up: usize,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let owed: Vec<&Item> = items.iter().filter(|item| item.pk == "owed").collect();
    wrong.extend(
        owed.iter().map(|item| format!("a notice is owed still: {}", first_line(item.text("message")))),
    );
    let mut copies: BTreeMap<&str, usize> = BTreeMap::new();
    let texts = heard.iter().map(|notice| notice.text.as_str());
    for text in texts.chain(owed.iter().map(|item| item.text("message"))) {
        match told_by(text) {
            Some(run) => *copies.entry(run).or_default() += 1,
            // An incident's.
            None if heard.iter().any(|notice| notice.text == text && is_of_incident(notice)) => {}
            None => wrong.push(format!("a notice of no run: {}", first_line(text))),
        }
    }
    let second: usize = copies.values().map(|copies| copies - 1).sum();
    if second > usize::from(leave.second_copy) + given_up {
        wrong.push(format!("{second} notices came once more: {copies:?}"));
    }

    let records: Vec<Record> = items.iter().filter_map(Record::of).collect();
    let is_news = news(&records);
    for (record, is_news) in records.iter().zip(is_news) {
        if is_news && !copies.contains_key(record.run.as_str()) {
            wrong.push(format!("nobody was told that {} answered {}", record.function, record.came_to));
        }
    }
    let recorded = |run: &str| records.iter().any(|record| record.run == run);
    for run in copies.keys().filter(|run| !leave.no_record && !recorded(run)) {
        wrong.push(format!("people were told of run {run}, which has no record"));
    }
    wrong.extend(intents.iter().filter_map(|intent| told_once(intent, &records, &copies, leave)));
    wrong
}

/// A change that took effect is told of, and as done only once.
fn told_once(
    intent: &Intent,
    records: &[Record],
    copies: &BTreeMap<&str, usize>,
    leave: Leave,
) -> Option<String> {
    if intent.done.is_empty() {
        return None;
    }
    let is_its = |record: &&Record| {
        record.function == intent.function
            && record.runs().any(|run| intent.runs.iter().any(|its| its == run))
    };
    let told: Vec<&Record> =
        records.iter().filter(is_its).filter(|record| copies.contains_key(record.run.as_str())).collect();
    let unrecorded = leave.no_record && intent.runs.iter().any(|run| copies.contains_key(run.as_str()));
    let as_done = told.iter().filter(|record| record.came_to == "applied applied").count();
    match () {
        () if told.is_empty() && !unrecorded => {
            Some(format!("nobody was told of what {} did: {:?}", intent.function, intent.done))
        }
        () if as_done > 1 => {
            Some(format!("people were told {as_done} times that {} did {:?}", intent.function, intent.done))
        }
        () => None,
    }
}

/// Whether it is `incident`'s own: about an incident, a kill switch, or approvals that are not enough.
fn is_of_incident(notice: &Notice) -> bool {
    notice.word().is_some() || is_of_outbox(notice)
}

/// Whether `incident` owes it as a remedy does: where its own level is not reached, the next one is told.
fn is_of_outbox(notice: &Notice) -> bool {
    notice.subject.contains("KILL SWITCH") || notice.text.contains(" approvals for plan ")
}

/// The run that a notice of a remedy is about.
fn told_by(text: &str) -> Option<&str> {
    let last = text.lines().find_map(|line| line.strip_prefix("Record: "))?;
    last.split(" at ").next()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// An audit record.
#[derive(Debug)]
struct Record {
    function: String,
    run: String,
    target: String,
    /// Decision and code.
    came_to: String,
    at: String,
    is_scheduled: bool,
    is_an_event: bool,
    has_next: bool,
    /// The run that had begun what it finished or gave up.
    begun_by: Option<String>,
}

impl Record {
    fn of(item: &Item) -> Option<Self> {
        // What `incident` tells is compared with what it tells when nothing goes wrong.
        let function = item.pk.strip_prefix("audit#").filter(|function| *function != "incident")?;
        let outcome = &item.outcome;
        let text = |pointer: &str| part(outcome, pointer).as_str().map(str::to_owned);
        let trigger = match part(outcome, "/trigger/of") {
            Value::Null => part(outcome, "/trigger"),
            wanted => wanted,
        };
        let kinds = ["alarm", "ecs", "pipeline"];
        Some(Self {
            function: function.to_owned(),
            run: text("/execution_id").unwrap_or_default(),
            target: text("/target").unwrap_or_default(),
            came_to: read(outcome),
            at: text("/at").unwrap_or_default(),
            is_scheduled: !part(trigger, "/kind/schedule").is_null(),
            is_an_event: kinds.iter().any(|kind| !part(trigger, &format!("/kind/{kind}")).is_null()),
            has_next: !part(outcome, "/next").is_null(),
            begun_by: text("/plan/begun_by"),
        })
    }

    fn runs(&self) -> impl Iterator<Item = &str> {
        [Some(self.run.as_str()), self.begun_by.as_deref()].into_iter().flatten()
    }
}

/// Which of the records people have to hear of.
fn news(records: &[Record]) -> Vec<bool> {
    let mut in_time: Vec<usize> = (0..records.len()).collect();
    in_time.sort_by_key(|&place| records.get(place).map(|record| &record.at));
    let mut news = vec![false; records.len()];
    // Ten alarms that are refused for one reason are one piece of news.
    let mut refused_last: HashMap<(&str, &str), &str> = HashMap::new();
    for place in in_time {
        let (Some(record), Some(is_news)) = (records.get(place), news.get_mut(place)) else { continue };
        let (decision, code) = record.came_to.split_once(' ').unwrap_or_default();
        *is_news = match decision {
            "applied" | "failed" | "awaiting_approval" => true,
            // Of what the schedule finds, only an end of what was looked after is recorded.
            "nothing_to_do" | "refused" if record.is_scheduled => true,
            "nothing_to_do" => code == "no_longer_wanted",
            // The run that is at work tells of its own end.
            "refused" if record.is_an_event && record.has_next && code != "claimed_by_another" => {
                let target = (record.function.as_str(), record.target.as_str());
                refused_last.insert(target, code) != Some(code)
            }
            _ => false,
        };
    }
    news
}

/// What is wrong with the notices of incidents: each news goes to each level once. `well` is what was told of them when
/// nothing went wrong, where the same is to be told.
pub(super) fn check_incidents(heard: &[Notice], well: Option<&[Notice]>, may_repeat: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let ours = counted(heard);
    let most = if may_repeat { 2 } else { 1 };
    for (news, times) in ours.iter().filter(|(_, times)| **times > most) {
        wrong.push(format!("people were told {times} times: {news:?}"));
    }
    if let Some(theirs) = well.map(counted) {
        let missing = theirs.keys().filter(|news| !ours.contains_key(*news));
        wrong.extend(missing.map(|news| format!("people were not told: {news:?}")));
        // Where one level cannot be told, the next one is.
        let is_so = |(_, subject): &(u8, &str)| theirs.keys().any(|(_, other)| other == subject);
        let more = ours.keys().filter(|news| !is_so(news));
        wrong.extend(more.map(|news| format!("people were told what is not so: {news:?}")));
    }
    wrong
}

fn counted(heard: &[Notice]) -> BTreeMap<(u8, &str), usize> {
    let mut counted = BTreeMap::new();
    for notice in heard.iter().filter(|notice| is_of_incident(notice)) {
        let level = if is_of_outbox(notice) { 0 } else { notice.level };
        *counted.entry((level, notice.subject.as_str())).or_default() += 1;
    }
    counted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(run: &str, came_to: &str, trigger: &Value) -> Item {
        let (decision, code) = came_to.split_once(' ').unwrap_or_default();
        let outcome = json!({ "execution_id": run, "decision": decision, "code": code, "at": run, "target": "t",
            "trigger": trigger, "next": { "what": "look" } });
        Item { pk: "audit#scale-up".to_owned(), sk: run.to_owned(), outcome, ..Item::default() }
    }

    fn alarm() -> Value {
        json!({ "kind": { "alarm": {} } })
    }

    fn schedule() -> Value {
        json!({ "kind": { "schedule": {} } })
    }

    fn applied() -> [Item; 1] {
        [record("run 1", "applied applied", &alarm())]
    }

    fn owed(run: &str) -> Item {
        let message = format!("why\nRecord: {run} at 10:00");
        Item { pk: "owed".to_owned(), texts: [("message".to_owned(), message)].into(), ..Item::default() }
    }

    fn notice(text: &str) -> Notice {
        Notice { level: 1, subject: "[test] it".to_owned(), text: text.to_owned() }
    }

    fn about(runs: &[&str]) -> Vec<Notice> {
        runs.iter().map(|run| notice(&format!("why\nRecord: {run} at 10:00"))).collect()
    }

    fn did(runs: &[&str]) -> Intent {
        let (function, done) = ("scale-up".to_owned(), vec!["ecs UpdateService".to_owned()]);
        Intent {
            function,
            done,
            runs: runs.iter().map(|run| (*run).to_owned()).collect(),
            ..Intent::default()
        }
    }

    fn right(items: &[Item], heard: &[Notice], leave: Leave) {
        assert_eq!(check(items, heard, &[did(&["run 1"])], leave, 0), Vec::<String>::new());
    }

    fn wrong(items: &[Item], heard: &[Notice], words: &str) {
        let wrong = check(items, heard, &[did(&["run 1"])], Leave::default(), 0);
        assert!(wrong.iter().any(|wrong| wrong.contains(words)), "{wrong:?}");
    }

    #[test]
    fn each_change_has_its_notice() {
        right(&applied(), &about(&["run 1"]), Leave::default());
        wrong(&applied(), &[], "nobody was told that scale-up answered applied applied");
        wrong(&applied(), &[], "nobody was told of what scale-up did");
        wrong(&[], &[], "nobody was told of what scale-up did");
    }

    #[test]
    fn one_copy_more_is_wrong_unless_it_cannot_be_helped() {
        let twice = about(&["run 1", "run 1"]);
        wrong(&applied(), &twice, "1 notices came once more");
        let leave = Leave { second_copy: true, ..Leave::default() };
        right(&applied(), &twice, leave);
        let thrice = about(&["run 1", "run 1", "run 1"]);
        assert_eq!(check(&applied(), &thrice, &[], leave, 0).len(), 1);
        // One that was answered too late.
        assert_eq!(check(&applied(), &thrice, &[], leave, 1), Vec::<String>::new());
    }

    #[test]
    fn what_is_owed_still_is_wrong() {
        let [record] = applied();
        wrong(&[record.clone(), owed("run 1")], &[], "a notice is owed still: why");
        wrong(&[record, owed("run 1")], &about(&["run 1"]), "1 notices came once more");
    }

    #[test]
    fn what_is_not_recorded_is_not_told_unless_the_ledger_was_struck() {
        let two = about(&["run 1", "run 2"]);
        wrong(&applied(), &two, "people were told of run run 2, which has no record");
        right(&applied(), &two, Leave { no_record: true, ..Leave::default() });
        wrong(&applied(), &[notice("something")], "a notice of no run: something");
    }

    #[test]
    fn an_end_is_told_as_done_once() {
        let mut finished = record("run 2", "applied applied", &alarm());
        finished.outcome["plan"] = json!({ "begun_by": "run 1" });
        let [first] = applied();
        let both = [first, finished];
        wrong(&both, &about(&["run 1", "run 2"]), "people were told 2 times that scale-up did");
    }

    #[test]
    fn what_the_schedule_ends_and_what_an_alarm_is_refused_is_news_once() {
        let news = |records: &[Item]| news(&records.iter().filter_map(Record::of).collect::<Vec<_>>());
        let refused = |run: &str, code: &str| record(run, &format!("refused {code}"), &alarm());
        assert_eq!(news(&[record("run 1", "nothing_to_do verified", &schedule())]), [true]);
        assert_eq!(news(&[record("run 1", "nothing_to_do enough_tasks", &alarm())]), [false]);
        assert_eq!(news(&[record("run 1", "replayed applied", &alarm())]), [false]);
        assert_eq!(news(&[refused("run 1", "claimed_by_another")]), [false]);
        let again =
            [refused("run 1", "cooldown"), refused("run 2", "cooldown"), refused("run 3", "budget_spent")];
        assert_eq!(news(&again), [true, false, true]);
        let wanted = json!({ "wanted_since": "then", "of": alarm() });
        assert_eq!(news(&[record("run 1", "nothing_to_do no_longer_wanted", &wanted)]), [true]);
    }

    #[test]
    fn a_second_copy_cannot_be_helped_only_where_the_word_of_it_was_lost() {
        let leaves = |point: &str| point.parse::<Point>().is_ok_and(|point| Leave::at(&point).second_copy);
        for point in ["sns Publish 1/killed-after", "sns Publish 1/cut-short", "dynamodb DeleteItem 1/denied"]
        {
            assert!(leaves(&format!("scale-up/scale-up {point}")), "{point}");
        }
        for point in
            ["sns Publish 1/killed-before", "sns Publish 1/denied", "ecs UpdateService 1/killed-after"]
        {
            assert!(!leaves(&format!("scale-up/scale-up {point}")), "{point}");
        }
    }

    #[test]
    fn news_of_an_incident_goes_to_each_level_once() {
        let open = notice("OPEN: it is down");
        let once = [open.clone()];
        let twice = [open.clone(), open];
        assert_eq!(check_incidents(&once, Some(&once), false), Vec::<String>::new());
        assert_eq!(check_incidents(&twice, Some(&once), false).len(), 1);
        assert_eq!(check_incidents(&twice, Some(&once), true).len(), 0);
        assert_eq!(check_incidents(&[], Some(&once), true).len(), 1);
        assert_eq!(check_incidents(&once, Some(&[]), true).len(), 1);
    }
}
