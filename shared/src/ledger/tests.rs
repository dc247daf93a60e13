use aws_sdk_dynamodb::{
    operation::{
        batch_get_item::BatchGetItemOutput, put_item::PutItemOutput,
        transact_write_items::TransactWriteItemsError, transact_write_items::TransactWriteItemsOutput,
    },
    types::{CancellationReason, error::TransactionCanceledException},
};
use aws_smithy_mocks::{Rule, RuleMode, mock, mock_client};
use serde_json::json;

use super::*;
use crate::{outcome::VERSION, trigger::Kind};

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
        intent: Intent { trigger, actions: json!(["act"]), reason: "because".to_owned(), counts: true },
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

fn keys() -> KeysAndAttributes {
    KeysAndAttributes::builder().keys(item_key("kill-switch", "all")).build().unwrap()
}

#[tokio::test]
async fn all_that_bears_on_a_run_is_read_in_one_call() {
    let mut claim = stored(&format!("target#{TARGET}"), "scale-up", &claim_of(0));
    claim.insert("version".to_owned(), AttributeValue::N("3".to_owned()));
    let follow_up = FollowUp { due: Timestamp::UNIX_EPOCH, what: json!({ "min_capacity": 2 }) };
    let mut switch = item_key("kill-switch", "all");
    switch.insert("reason".to_owned(), AttributeValue::S("release freeze".to_owned()));
    let read = answers(
        vec![
            claim,
            switch,
            stored(&format!("target#{TARGET}"), "scale-up#follow-up", &follow_up),
            stored("event#scale-up", "event-1", &outcome(Decision::Applied)),
        ],
        None,
    );
    let memory = ledger(std::slice::from_ref(&read)).look(TARGET, "event-1").await.unwrap();
    let expected = Memory {
        kill_switch: Some("for all: release freeze".to_owned()),
        claim: Some(claim_of(3)),
        follow_up: Some(follow_up),
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
    let ledger = ledger(&[cancelled(codes)]);
    ledger.claim(TARGET, &claim_of(1), &FollowUpChange::Keep, Some(&approval)).await.unwrap_err()
}

#[tokio::test]
async fn a_claim_that_is_not_given_says_why() {
    const FAILED: &str = "ConditionalCheckFailed";
    const CONFLICT: &str = "TransactionConflict";
    const THROTTLED: &str = "ThrottlingError";
    assert!(matches!(not_claimed(&[FAILED, "None", "None", "None"]).await, NotClaimed::KillSwitch));
    assert!(matches!(not_claimed(&["None", FAILED, "None", "None"]).await, NotClaimed::KillSwitch));
    assert!(matches!(not_claimed(&["None", "None", FAILED, "None"]).await, NotClaimed::Overtaken));
    assert!(matches!(not_claimed(&["None", "None", "None", FAILED]).await, NotClaimed::ApprovalUsed));
    assert!(matches!(not_claimed(&["None", "None", CONFLICT, "None"]).await, NotClaimed::Overtaken));
    assert!(matches!(not_claimed(&["None", "None", THROTTLED, "None"]).await, NotClaimed::Ledger(_)));
}

#[tokio::test]
async fn a_claim_is_conditional_on_the_version_that_was_read_and_on_no_kill_switch() {
    let rule = mock!(Client::transact_write_items)
        .match_requests(|request| {
            let [all, function, claim] = request.transact_items() else {
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
                && put.condition_expression() == Some("version = :read")
                && put.expression_attribute_values().unwrap()[":read"].as_n().unwrap() == "7"
                && put.item()["version"].as_n().unwrap() == "8"
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
    ledger.record(&outcome(Decision::Applied), Some((TARGET, &claim_of(2)))).await.unwrap();
    assert_eq!(alone.num_calls(), 1);
}

#[tokio::test]
async fn an_audit_record_is_kept_400_days() {
    let rule = mock!(Client::put_item)
        .match_requests(|request| request.item().unwrap()["expires_at"].as_n().unwrap() == "34560000")
        .then_output(|| PutItemOutput::builder().build());
    ledger(&[rule]).record(&outcome(Decision::Refused), None).await.unwrap();
}
