//! Records of SNS.

use super::*;

#[test]
fn a_record_of_sns_that_lacks_something_says_what() {
    let mut event = sns(&[sns_message(&cpu_trigger())]);
    event["Records"][0]["Sns"].as_object_mut().unwrap().remove("Message");
    refuses(&event.to_string(), "InvalidRequest", "this SNS record cannot be read: missing field `Message`");
}

#[test]
fn every_record_of_an_sns_batch_is_a_trigger() {
    assert_eq!(parsed(&sns(&[sns_message(&cpu_trigger()), sns_message(&Value::Null)])).unwrap().len(), 2);
}

#[test]
fn one_bad_record_fails_the_batch_before_anything_is_done() {
    assert_eq!(
        parsed(&sns(&[sns_message(&cpu_trigger()), json!({ "hello": 1 })])).unwrap_err().kind(),
        "UnknownEvent"
    );
}

#[test]
fn a_message_says_which_topic_brought_it() {
    let topic = "arn:aws:sns:us-east-1:123456789012:restart-alarms";
    let event = json!({ "Records": [record(topic, &sns_message(&Value::Null).to_string())] });
    assert_eq!(one(&event).origin.topic.as_deref(), Some(topic));
}
