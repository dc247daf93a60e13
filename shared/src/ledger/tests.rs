use aws_sdk_dynamodb::{
    operation::{
        batch_get_item::BatchGetItemOutput, put_item::PutItemOutput, query::QueryOutput,
        transact_write_items::TransactWriteItemsError, transact_write_items::TransactWriteItemsOutput,
    },
    types::{
        AttributeValue, CancellationReason, Delete, KeysAndAttributes, Put, TransactWriteItem,
        error::TransactionCanceledException,
    },
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    items::{Item, item_key, json, string, text},
    *,
};
use crate::{
    code::{self, Name},
    freeze::{Freeze, Variable},
    outcome::{Decision, Outcome, VERSION},
    plan::{FollowUp, FollowUpChange, Limits},
    trigger::{Alarm, AlarmState, Kind, Trigger},
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const TARGET: &str = "service/lendpeak2-production/backend";

fn ledger(rules: &[Rule]) -> Ledger {
    let client =
        mock_client!(aws_sdk_dynamodb, RuleMode::Sequential, rules.iter().collect::<Vec<_>>().as_slice());
    Ledger::new(client, "ledger", "scale-up")
}

fn claim_of(version: u64) -> Claim {
    let at = Timestamp::UNIX_EPOCH;
    let trigger = Trigger {
        id: "event-1".to_owned(),
        at,
        kind: Kind::Schedule { schedule: "s".to_owned() },
        origin: crate::trigger::Origin::default(),
    };
    Claim {
        execution_id: "run-1".to_owned(),
        open: true,
        claimed_at: at,
        lease_until: at,
        attempts: vec![Attempt { at, about: Vec::new(), what: String::new() }],
        counted: Some(at),
        month: "1970-01".to_owned(),
        month_units: 3,
        intent: Intent {
            trigger,
            actions: json!(["act"]),
            reason: "because".to_owned(),
            limits: Limits::Apply,
            units: 0,
            about: Vec::new(),
            notes: Vec::new(),
            approved: Some(false),
            instead_of: None,
        },
        version,
        in_place_of: None,
    }
}

fn outcome(decision: Decision) -> Outcome {
    Outcome {
        summary: String::new(),
        version: VERSION,
        function: "scale-up".to_owned(),
        environment: "production".to_owned(),
        execution_id: "run-1".to_owned(),
        decision,
        code: Name::from(&code::APPLIED),
        under_way: false,
        reason: "because".to_owned(),
        target: TARGET.to_owned(),
        trigger: json!({}),
        observed: json!({}),
        plan: json!({}),
        steps: Vec::new(),
        verification: None,
        next: None,
        at: Timestamp::UNIX_EPOCH,
        duration_ms: 1,
    }
}

fn stored(pk: &str, sk: &str, data: &impl Serialize) -> Item {
    let mut item = item_key(pk, sk);
    item.insert("data".to_owned(), AttributeValue::S(json(data).unwrap()));
    item
}

fn answers(items: Vec<Item>, unread: Option<KeysAndAttributes>) -> Rule {
    mock!(Client::batch_get_item).then_output(move || {
        let answer = BatchGetItemOutput::builder().responses("ledger", items.clone());
        match &unread {
            Some(keys) => answer.unprocessed_keys("ledger", keys.clone()).build(),
            None => answer.build(),
        }
    })
}

fn switches(items: Vec<Item>) -> Rule {
    mock!(Client::query)
        .match_requests(|request| {
            request.expression_attribute_values().unwrap()[":switch"] == string(KILL_SWITCH)
        })
        .then_output(move || QueryOutput::builder().set_items(Some(items.clone())).build())
}

fn held(ends_follow_up: bool) -> Held {
    Held { claim: claim_of(2), ends_follow_up, came_true: Some(true), changed: true }
}

fn ending<'a>(outcome: &'a Outcome, held: Option<&'a Held>) -> Settlement<'a> {
    Settlement {
        outcome,
        held,
        follow_up: None,
        wanted: &WantedChange::Keep,
        owed: None,
        refused: None,
        record: true,
    }
}

async fn settle(ledger: &Ledger, outcome: &Outcome, held: Option<&Held>) -> Result<bool, NotSettled> {
    ledger.settle(&ending(outcome, held)).await
}

fn due_now() -> FollowUp {
    FollowUp { due: Timestamp::UNIX_EPOCH, what: json!({ "min_capacity": 2 }), until_verified: true }
}

fn keys() -> KeysAndAttributes {
    KeysAndAttributes::builder().keys(item_key("kill-switch", "all")).build().unwrap()
}

#[tokio::test]
async fn all_that_bears_on_a_run_is_read_in_two_calls_at_once() {
    let mut claim = stored(&format!("target#{TARGET}"), "scale-up", &claim_of(0));
    claim.insert("version".to_owned(), AttributeValue::N("3".to_owned()));
    let follow_up = due_now();
    let mut holder = item_key(&format!("target#{TARGET}"), "holder");
    holder.insert("held_by".to_owned(), string("rollback"));
    holder.insert("lease_until".to_owned(), string("1970-01-01T00:01:00.000Z"));
    let mut switch = item_key("kill-switch", "all");
    switch.insert("reason".to_owned(), AttributeValue::S("release freeze".to_owned()));
    let mut frozen = item_key(&format!("target#{TARGET}"), "freeze");
    for (name, value) in [
        ("since", "1970-01-01T00:00:00Z"),
        ("container", "backend"),
        ("variable", "READONLY_MODE"),
        ("value", "true"),
        ("release", "backend:7"),
        ("reason", "loans are negative"),
    ] {
        frozen.insert(name.to_owned(), string(value));
    }
    let read = answers(
        vec![
            claim,
            holder,
            frozen,
            stored(&format!("target#{TARGET}"), "scale-up#follow-up", &follow_up),
            stored("event#scale-up", "event-1", &outcome(Decision::Applied)),
        ],
        None,
    );
    let switches = switches(vec![switch]);
    let memory = ledger(&[read.clone(), switches.clone()]).look(TARGET, "event-1", NOW).await.unwrap();
    let expected = Memory {
        kill_switch: Some(Switch {
            name: "all".to_owned(),
            stops: "all".to_owned(),
            reason: "release freeze".to_owned(),
            ..Switch::default()
        }),
        claim: Some(claim_of(3)),
        holder: Some(Holder {
            function: "rollback".to_owned(),
            lease_until: Timestamp::from_second(60).unwrap(),
        }),
        follow_up: Some(follow_up),
        follow_up_item: memory.follow_up_item.clone(),
        freeze: Some(Freeze {
            since: Timestamp::UNIX_EPOCH,
            variable: Variable {
                container: "backend".to_owned(),
                name: "READONLY_MODE".to_owned(),
                value: "true".to_owned(),
            },
            release: "backend:7".to_owned(),
            reason: "loans are negative".to_owned(),
            pending: false,
        }),
        earlier: Some(outcome(Decision::Applied)),
        ..Memory::default()
    };
    assert_eq!((memory, read.num_calls(), switches.num_calls()), (expected, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_dynamodb_left_unread_is_read_again() {
    let rules = [
        answers(vec![], Some(keys())),
        switches(vec![]),
        answers(vec![stored("event#scale-up", "event-1", &outcome(Decision::Applied))], None),
    ];
    let memory = ledger(&rules).look(TARGET, "event-1", NOW).await.unwrap();
    assert_eq!(memory.earlier, Some(outcome(Decision::Applied)));
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_stays_unread_is_an_error() {
    let unread = || answers(vec![], Some(keys()));
    let rules = [unread(), switches(vec![]), unread(), unread(), unread()];
    let error = ledger(&rules).look(TARGET, "event-1", NOW).await.unwrap_err();
    assert_eq!(crate::error::chain(&error), "cannot use an item of the ledger: DynamoDB left items unread");
}

async fn reads(item: Item) -> Memory {
    ledger(&[answers(vec![item], None), switches(vec![])]).look(TARGET, "event-1", NOW).await.unwrap()
}

#[tokio::test]
async fn a_freeze_without_its_time_is_a_freeze_all_the_same() {
    let memory = reads(item_key(&format!("target#{TARGET}"), "freeze")).await;
    assert_eq!(memory.freeze.unwrap().since, Timestamp::UNIX_EPOCH);
    assert_eq!(memory.odd[0].sk, "freeze");
}

#[tokio::test]
async fn an_item_that_cannot_be_read_is_named_and_left_out() {
    for (sk, attribute) in
        [("scale-up", "data"), ("scale-up#follow-up", "data"), ("scale-up#wanted", "wanted ecs-cpu")]
    {
        let mut broken = item_key(&format!("target#{TARGET}"), sk);
        broken.insert(attribute.to_owned(), AttributeValue::S("{".to_owned()));
        let memory = reads(broken.clone()).await;
        assert_eq!(memory.odd.len(), 1, "{sk}");
        assert!(memory.odd[0].line().starts_with(&format!("target#{TARGET} / {sk}: ")), "{sk}");
        assert!(!memory.odd[0].reported);
        let left = Memory { odd: Vec::new(), follow_up_item: None, ..memory };
        assert_eq!(left, Memory::default(), "{sk}");
        broken.insert("reported_at".to_owned(), string("1970-01-01T00:00:00Z"));
        assert!(reads(broken).await.odd[0].reported, "{sk}");
    }
}

#[tokio::test]
async fn a_claim_without_a_version_is_replaced_only_while_it_is_the_very_item_that_was_read() {
    for version in [None, Some(string("3"))] {
        let mut item = stored(&format!("target#{TARGET}"), "scale-up", &claim_of(0));
        item.extend(version.clone().map(|version| ("version".to_owned(), version)));
        let memory = reads(item.clone()).await;
        let claim = memory.claim.unwrap();
        assert_eq!(Claim { in_place_of: None, ..claim.clone() }, claim_of(0));
        let is_conditional = mock!(Client::transact_write_items)
            .match_requests(move |request| {
                let put = request.transact_items()[2].put().unwrap();
                let values = put.expression_attribute_values().unwrap();
                let condition = put.condition_expression().unwrap();
                values[":data"] == item["data"]
                    && match &version {
                        None => condition == "#data = :data AND attribute_not_exists(#version)",
                        Some(version) => {
                            condition == "#data = :data AND #version = :version"
                                && values[":version"] == *version
                        }
                    }
                    && put.item()["version"].as_n().unwrap() == "1"
            })
            .then_output(|| TransactWriteItemsOutput::builder().build());
        ledger(&[is_conditional]).claim(TARGET, &claim, &FollowUpChange::Keep, None).await.unwrap();
    }
}

#[test]
fn an_attempt_of_before_was_no_more_than_its_time() {
    let attempts: Vec<Attempt> = serde_json::from_value(
        json!(["1970-01-01T00:00:00Z", { "at": "1970-01-01T00:00:01Z", "about": ["b:7"] }]),
    )
    .unwrap();
    let of = |second, about: &[&str]| Attempt {
        at: Timestamp::from_second(second).unwrap(),
        about: about.iter().map(|about| (*about).to_owned()).collect(),
        what: String::new(),
    };
    assert_eq!(attempts, [of(0, &[]), of(1, &["b:7"])]);
}

fn cancelled(codes: &'static [&'static str]) -> Rule {
    mock!(Client::transact_write_items).then_error(move || {
        let reasons = codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
        let cancelled =
            TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons)).build();
        TransactWriteItemsError::TransactionCanceledException(cancelled)
    })
}

async fn not_claimed(codes: &'static [&'static str]) -> NotClaimed {
    let approval = Approval {
        id: "a".to_owned(),
        trigger: claim_of(0).intent.trigger,
        target: TARGET.to_owned(),
        plan_hash: String::new(),
        plan: Vec::new(),
        reason: String::new(),
        details: Vec::new(),
        actions: Value::Null,
        expires: Timestamp::UNIX_EPOCH,
        used: false,
        rejected: None,
        votes: Vec::new(),
    };
    // A conflict is tried again.
    let ledger = ledger(&[cancelled(codes), cancelled(codes), cancelled(codes), cancelled(codes)]);
    ledger.claim(TARGET, &claim_of(1), &FollowUpChange::Keep, Some(&approval)).await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_not_given_says_why() {
    const FAILED: &str = "ConditionalCheckFailed";
    const CONFLICT: &str = "TransactionConflict";
    const THROTTLED: &str = "ThrottlingError";
    const NONE: &str = "None";
    assert!(matches!(not_claimed(&[FAILED, NONE, NONE, NONE, NONE, NONE]).await, NotClaimed::KillSwitch));
    assert!(matches!(not_claimed(&[NONE, FAILED, NONE, NONE, NONE, NONE]).await, NotClaimed::KillSwitch));
    assert!(matches!(not_claimed(&[NONE, NONE, FAILED, NONE, NONE, NONE]).await, NotClaimed::Overtaken));
    assert!(matches!(not_claimed(&[NONE, NONE, NONE, FAILED, NONE, NONE]).await, NotClaimed::Held));
    assert!(matches!(not_claimed(&[NONE, NONE, NONE, NONE, FAILED, NONE]).await, NotClaimed::Answered));
    assert!(matches!(not_claimed(&[NONE, NONE, NONE, NONE, NONE, FAILED]).await, NotClaimed::ApprovalUsed));
    assert!(matches!(not_claimed(&[NONE, NONE, CONFLICT, NONE, NONE, NONE]).await, NotClaimed::Overtaken));
    assert!(matches!(not_claimed(&[NONE, NONE, THROTTLED, NONE, NONE, NONE]).await, NotClaimed::Ledger(_)));
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_met_another_transaction_is_sent_again() {
    let met = cancelled(&["TransactionConflict", "None", "None", "None", "None"]);
    let done =
        mock!(Client::transact_write_items).then_output(|| TransactWriteItemsOutput::builder().build());
    let ledger = ledger(&[met, done.clone()]);
    ledger.claim(TARGET, &claim_of(1), &FollowUpChange::Keep, None).await.unwrap();
    assert_eq!(done.num_calls(), 1);
}

#[tokio::test]
async fn a_claim_whose_conditions_are_not_met_is_not_sent_again() {
    let overtaken = cancelled(&["TransactionConflict", "None", "ConditionalCheckFailed", "None", "None"]);
    let not_claimed = ledger(std::slice::from_ref(&overtaken))
        .claim(TARGET, &claim_of(1), &FollowUpChange::Keep, None)
        .await
        .unwrap_err();
    assert!(matches!(not_claimed, NotClaimed::Overtaken));
    assert_eq!(overtaken.num_calls(), 1);
}

#[tokio::test]
async fn a_claim_is_conditional_on_the_version_read_no_kill_switch_no_other_remedy_and_no_answer() {
    let rule = mock!(Client::transact_write_items)
        .match_requests(|request| {
            let [all, function, claim, holder, event] = request.transact_items() else {
                return false;
            };
            let absent = |item: &TransactWriteItem, scope: &str| {
                let check = item.condition_check().unwrap();
                check.condition_expression().starts_with("attribute_not_exists(pk)")
                    && check.key()["sk"].as_s().unwrap() == scope
            };
            let put = claim.put().unwrap();
            absent(all, "all")
                && absent(function, "scale-up")
                && absent(event, "event-1")
                && put.condition_expression() == Some("version = :read")
                && put.expression_attribute_values().unwrap()[":read"].as_n().unwrap() == "7"
                && put.item()["version"].as_n().unwrap() == "8"
                && holder.put().unwrap().condition_expression()
                    == Some(
                        "attribute_not_exists(pk) OR held_by = :function OR lease_until < :now OR lease_until > :beyond OR \
                 NOT attribute_type(lease_until, :text)",
                    )
        })
        .then_output(|| TransactWriteItemsOutput::builder().build());
    ledger(&[rule]).claim(TARGET, &claim_of(7), &FollowUpChange::Keep, None).await.unwrap();
}

#[tokio::test]
async fn the_record_is_written_even_when_another_run_took_the_claim_over() {
    let alone = mock!(Client::put_item)
        .match_requests(|request| request.item().unwrap()["pk"].as_s().unwrap() == "audit#scale-up")
        .then_output(|| PutItemOutput::builder().build());
    let ledger = ledger(&[cancelled(&["None", "ConditionalCheckFailed", "None"]), alone.clone()]);
    settle(&ledger, &outcome(Decision::Applied), Some(&held(false))).await.unwrap();
    assert_eq!(alone.num_calls(), 1);
}

/// The keys that a transaction writes or deletes.
fn keys_of(items: &[TransactWriteItem]) -> Vec<String> {
    let key = |item: &TransactWriteItem| {
        let key = item.put().map(Put::item).or(item.delete().map(Delete::key)).unwrap();
        format!("{} {}", text(key, "pk"), text(key, "sk"))
    };
    items.iter().map(key).collect()
}

#[tokio::test]
async fn the_record_gives_the_claim_back_unless_another_remedy_has_the_target_by_now() {
    let without_holder = mock!(Client::transact_write_items)
        .match_requests(|request| {
            let [_, claim, event, follow_up] = &keys_of(request.transact_items())[..] else {
                return false;
            };
            claim == &format!("target#{TARGET} scale-up")
                && event == "event#scale-up event-1"
                && follow_up == &format!("target#{TARGET} scale-up#follow-up")
        })
        .then_output(|| TransactWriteItemsOutput::builder().build());
    let taken = cancelled(&["None", "None", "ConditionalCheckFailed", "None", "None"]);
    let ledger = ledger(&[taken, without_holder.clone()]);
    settle(&ledger, &outcome(Decision::Applied), Some(&held(true))).await.unwrap();
    assert_eq!(without_holder.num_calls(), 1);
}

#[tokio::test]
async fn a_follow_up_is_ended_once() {
    let deleted = mock!(Client::transact_write_items)
        .match_requests(|request| {
            request.transact_items()[0].delete().unwrap().condition_expression()
                == Some("#data = :data AND attribute_not_exists(#version)")
        })
        .then_output(|| TransactWriteItemsOutput::builder().build());
    let ledger = ledger(&[deleted, cancelled(&["ConditionalCheckFailed"])]);
    let seen = Seen::new(&stored(&format!("target#{TARGET}"), "scale-up#follow-up", &due_now()));
    let refused = outcome(Decision::Refused);
    let settlement = Settlement {
        follow_up: Some((&FollowUpChange::Clear, Some(&seen))),
        record: false,
        ..ending(&refused, None)
    };
    ledger.settle(&settlement).await.unwrap();
    assert!(matches!(ledger.settle(&settlement).await, Err(NotSettled::Overtaken)));
}

#[test]
fn what_would_be_kept_beyond_the_end_of_time_is_kept_until_then() {
    let of = |at: Timestamp| items::kept(at, AUDIT_KEPT).as_n().unwrap().parse::<i64>().unwrap();
    assert_eq!(of(Timestamp::UNIX_EPOCH), 400 * 86_400);
    assert_eq!(of(Timestamp::MAX), Timestamp::MAX.as_second());
}

#[tokio::test]
async fn an_audit_record_is_kept_400_days() {
    let rule = mock!(Client::put_item)
        .match_requests(|request| request.item().unwrap()["expires_at"].as_n().unwrap() == "34560000")
        .then_output(|| PutItemOutput::builder().build());
    settle(&ledger(&[rule]), &outcome(Decision::Refused), None).await.unwrap();
}

/// What an alarm wants, as its event `id` asked for it.
fn wanted(alarm: &str, id: &str) -> Wanted {
    let alarm = Alarm {
        name: alarm.to_owned(),
        arn: String::new(),
        state: AlarmState::Alarm,
        reason: String::new(),
        from_no_data: false,
        metrics: Vec::new(),
    };
    let trigger = Trigger { id: id.to_owned(), kind: Kind::Alarm(alarm), ..claim_of(0).intent.trigger };
    Wanted { trigger, since: NOW, code: "kill_switch".to_owned() }
}

#[tokio::test]
async fn what_two_alarms_want_is_read_side_by_side() {
    let [cpu, memory] = [wanted("cpu", "1"), wanted("memory", "2")];
    let mut item = item_key(&format!("target#{TARGET}"), "scale-up#wanted");
    for wanted in [&memory, &cpu] {
        item.insert(format!("wanted {}", wanted.reason()), string(json(wanted).unwrap()));
        item.insert(format!("event {}", wanted.reason()), string(&wanted.trigger.id));
    }
    assert_eq!(reads(item).await.wanted, [cpu, memory]);
}

#[tokio::test]
async fn what_is_wanted_anew_is_not_let_go_of_and_the_record_is_written_all_the_same() {
    let lets_go = mock!(Client::transact_write_items)
        .match_requests(|request| {
            let update = request.transact_items()[1].update().unwrap();
            update.update_expression() == "REMOVE #wanted, #event"
                && update.condition_expression() == Some("#event = :event")
                && update.expression_attribute_names().unwrap()["#event"] == "event cpu"
                && update.expression_attribute_values().unwrap()[":event"] == string("1")
        })
        .then_error(|| {
            let reasons = ["None", "ConditionalCheckFailed"]
                .map(|code| CancellationReason::builder().code(code).build())
                .into();
            let cancelled =
                TransactionCanceledException::builder().set_cancellation_reasons(Some(reasons)).build();
            TransactWriteItemsError::TransactionCanceledException(cancelled)
        });
    let record = mock!(Client::put_item)
        .match_requests(|request| request.item().unwrap()["pk"] == string("audit#scale-up"))
        .then_output(|| PutItemOutput::builder().build());
    let ledger = ledger(&[lets_go.clone(), record.clone()]);
    let over = outcome(Decision::NothingToDo);
    let change = WantedChange::Clear { wanted: Box::new(wanted("cpu", "1")), waits: false };
    ledger.settle(&Settlement { wanted: &change, ..ending(&over, None) }).await.unwrap();
    assert_eq!((lets_go.num_calls(), record.num_calls()), (1, 1));
}

#[tokio::test]
async fn what_a_dead_run_left_is_not_recorded_as_given_up_once_another_run_looks_after_it() {
    let overtaken = cancelled(&["None", "ConditionalCheckFailed", "None"]);
    let ledger = ledger(std::slice::from_ref(&overtaken));
    let mut given_up = outcome(Decision::Failed);
    "run-2".clone_into(&mut given_up.execution_id);
    let settled = settle(&ledger, &given_up, Some(&held(false))).await;
    assert!(matches!(settled, Err(NotSettled::Overtaken)));
    assert_eq!(overtaken.num_calls(), 1);
}
