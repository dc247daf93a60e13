use aws_sdk_dynamodb::{
    operation::{
        batch_get_item::BatchGetItemOutput, put_item::PutItemOutput,
        transact_write_items::TransactWriteItemsError, transact_write_items::TransactWriteItemsOutput,
    },
    types::{AttributeValue, CancellationReason, Delete, Put, error::TransactionCanceledException},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::json;

use super::{items::json, *};
use crate::{freeze::Variable, outcome::VERSION, trigger::Kind};

const TARGET: &str = "service/lendpeak2-production/backend";

fn ledger(rules: &[Rule]) -> Ledger {
    let client =
        mock_client!(aws_sdk_dynamodb, RuleMode::Sequential, rules.iter().collect::<Vec<_>>().as_slice());
    Ledger::new(client, "ledger", "scale-up")
}

fn claim_of(version: u64) -> Claim {
    let at = Timestamp::UNIX_EPOCH;
    let trigger = Trigger { id: "event-1".to_owned(), at, kind: Kind::Schedule { schedule: "s".to_owned() } };
    Claim {
        execution_id: "run-1".to_owned(),
        open: true,
        claimed_at: at,
        lease_until: at,
        cooldown_until: at,
        attempts: vec![at],
        month: "1970-01".to_owned(),
        month_units: 3,
        intent: Intent {
            trigger,
            actions: json!(["act"]),
            reason: "because".to_owned(),
            weight: Weight::Full,
        },
        version,
    }
}

fn outcome(decision: Decision) -> Outcome {
    Outcome {
        version: VERSION,
        function: "scale-up".to_owned(),
        environment: "production".to_owned(),
        execution_id: "run-1".to_owned(),
        decision,
        code: "applied".to_owned(),
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

fn due_now() -> FollowUp {
    FollowUp { due: Timestamp::UNIX_EPOCH, what: json!({ "min_capacity": 2 }), until_verified: true }
}

fn keys() -> KeysAndAttributes {
    KeysAndAttributes::builder().keys(item_key("kill-switch", "all")).build().unwrap()
}

#[tokio::test]
async fn all_that_bears_on_a_run_is_read_in_one_call() {
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
            switch,
            holder,
            frozen,
            stored(&format!("target#{TARGET}"), "scale-up#follow-up", &follow_up),
            stored("event#scale-up", "event-1", &outcome(Decision::Applied)),
        ],
        None,
    );
    let memory = ledger(std::slice::from_ref(&read)).look(TARGET, "event-1").await.unwrap();
    let expected = Memory {
        kill_switch: Some("for all: release freeze".to_owned()),
        claim: Some(claim_of(3)),
        holder: Some(Holder {
            function: "rollback".to_owned(),
            lease_until: Timestamp::from_second(60).unwrap(),
        }),
        follow_up: Some(follow_up),
        freeze: Some(Freeze {
            since: Timestamp::UNIX_EPOCH,
            variable: Variable {
                container: "backend".to_owned(),
                name: "READONLY_MODE".to_owned(),
                value: "true".to_owned(),
            },
            release: "backend:7".to_owned(),
            reason: "loans are negative".to_owned(),
        }),
        earlier: Some(outcome(Decision::Applied)),
    };
    assert_eq!((memory, read.num_calls()), (expected, 1));
}

#[tokio::test(start_paused = true)]
async fn what_dynamodb_left_unread_is_read_again() {
    let rules = [
        answers(vec![], Some(keys())),
        answers(vec![stored("event#scale-up", "event-1", &outcome(Decision::Applied))], None),
    ];
    let memory = ledger(&rules).look(TARGET, "event-1").await.unwrap();
    assert_eq!(memory.earlier, Some(outcome(Decision::Applied)));
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_stays_unread_is_an_error() {
    let rules: Vec<Rule> = (0..4).map(|_| answers(vec![], Some(keys()))).collect();
    let error = ledger(&rules).look(TARGET, "event-1").await.unwrap_err();
    assert_eq!(crate::error::chain(&error), "cannot use an item of the ledger: DynamoDB left items unread");
}

#[tokio::test]
async fn a_freeze_without_its_time_is_an_error_and_not_no_freeze() {
    let broken = item_key(&format!("target#{TARGET}"), "freeze");
    let error = ledger(&[answers(vec![broken], None)]).look(TARGET, "event-1").await.unwrap_err();
    assert!(crate::error::chain(&error).contains("target#service/lendpeak2-production/backend / freeze"));
}

#[tokio::test]
async fn a_broken_item_is_an_error_and_not_an_empty_memory() {
    let mut broken = item_key(&format!("target#{TARGET}"), "scale-up");
    broken.insert("data".to_owned(), AttributeValue::S("{".to_owned()));
    let error = ledger(&[answers(vec![broken], None)]).look(TARGET, "event-1").await.unwrap_err();
    assert!(crate::error::chain(&error).contains("target#service/lendpeak2-production/backend / scale-up"));
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
        expires: Timestamp::UNIX_EPOCH,
        used: false,
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
                check.condition_expression() == "attribute_not_exists(pk)"
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
                    == Some("attribute_not_exists(pk) OR held_by = :function OR lease_until < :now")
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
    let held = Held { claim: claim_of(2), ends_follow_up: false };
    ledger.record(&outcome(Decision::Applied), Some(&held)).await.unwrap();
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
    let held = Held { claim: claim_of(2), ends_follow_up: true };
    let ledger = ledger(&[taken, without_holder.clone()]);
    ledger.record(&outcome(Decision::Applied), Some(&held)).await.unwrap();
    assert_eq!(without_holder.num_calls(), 1);
}

#[tokio::test]
async fn a_follow_up_is_ended_once() {
    let deleted = mock!(Client::transact_write_items)
        .match_requests(|request| {
            request.transact_items()[0].delete().unwrap().condition_expression() == Some("due = :seen")
        })
        .then_output(|| TransactWriteItemsOutput::builder().build());
    let ledger = ledger(&[deleted, cancelled(&["ConditionalCheckFailed"])]);
    let (seen, clear) = (due_now(), FollowUpChange::Clear);
    assert!(ledger.change_follow_up(TARGET, &clear, Some(&seen)).await.unwrap());
    assert!(!ledger.change_follow_up(TARGET, &clear, Some(&seen)).await.unwrap());
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
    ledger(&[rule]).record(&outcome(Decision::Refused), None).await.unwrap();
}
