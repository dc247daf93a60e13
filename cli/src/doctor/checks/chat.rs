//! The channels of Slack and Teams, as Amazon Q has them.

use aws_sdk_chatbot::config::Region;

use crate::{
    doctor::{
        site::Site,
        verdict::{Unseen, Verdict},
    },
    failure::Failure,
};

/// Its API answers in a few regions, and its configurations are the same in all of them
/// (<https://docs.aws.amazon.com/general/latest/gr/chatbot.html>).
const REGION: &str = "us-east-2";
const ALL_RIGHTS: &str = "/AdministratorAccess";

/// A channel's configuration.
#[derive(Debug, Default, PartialEq, Eq)]
struct Channel {
    name: String,
    topics: Vec<String>,
    guardrails: Vec<String>,
    is_enabled: bool,
}

impl Channel {
    fn of(name: Option<&str>, topics: &[String], guardrails: &[String], state: Option<&str>) -> Self {
        Self {
            name: name.unwrap_or_default().to_owned(),
            topics: topics.to_vec(),
            guardrails: guardrails.to_vec(),
            is_enabled: state != Some("DISABLED"),
        }
    }
}

pub(super) async fn channels(site: &Site) -> Result<Verdict, Unseen> {
    // As the template has it: a sandbox has no chat.
    let is_sandbox = site.given("AwsEndpointUrl").is_some();
    let wanted = |parameter: &str| site.given(parameter).is_some() && !is_sandbox;
    let (slack, teams) = (wanted("SlackChannelId"), wanted("TeamsChannelId"));
    if !slack && !teams {
        return Ok(Verdict::ok("the stack has no channel of Slack or Teams"));
    }
    let config = aws_sdk_chatbot::config::Builder::from(&site.config).region(Region::new(REGION)).build();
    let client = aws_sdk_chatbot::Client::from_conf(config);
    let mut all = Vec::new();
    if slack {
        all.push((site.named("slack"), in_slack(&client).await?));
    }
    if teams {
        all.push((site.named("teams"), in_teams(&client).await?));
    }
    Ok(judged(&all, site.output("NoticesTopic")?, &site.stack.environment))
}

async fn in_slack(client: &aws_sdk_chatbot::Client) -> Result<Vec<Channel>, Unseen> {
    let mut pages = client.describe_slack_channel_configurations().into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(one) = pages.next().await {
        let one = one.map_err(|error| {
            Failure::aws("read the channels of Slack", "chatbot:DescribeSlackChannelConfigurations", &error)
        })?;
        all.push(Channel::of(
            one.configuration_name(),
            one.sns_topic_arns(),
            one.guardrail_policy_arns(),
            one.state(),
        ));
    }
    Ok(all)
}

async fn in_teams(client: &aws_sdk_chatbot::Client) -> Result<Vec<Channel>, Unseen> {
    let mut pages = client.list_microsoft_teams_channel_configurations().into_paginator().items().send();
    let mut all = Vec::new();
    while let Some(one) = pages.next().await {
        let one = one.map_err(|error| {
            let action = "chatbot:ListMicrosoftTeamsChannelConfigurations";
            Failure::aws("read the channels of Teams", action, &error)
        })?;
        all.push(Channel::of(
            one.configuration_name(),
            one.sns_topic_arns(),
            one.guardrail_policy_arns(),
            one.state(),
        ));
    }
    Ok(all)
}

/// The name that the stack gives each channel, and all channels of its kind.
fn judged(wanted: &[(String, Vec<Channel>)], topic: &str, environment: &str) -> Verdict {
    let deploy = format!("make deploy ENV={environment}");
    let mut names = Vec::new();
    for (name, all) in wanted {
        let Some(channel) = all.iter().find(|channel| channel.name == *name) else {
            return Verdict::bad(
                format!("the channel {name} is not there"),
                "the notices do not come to the chat",
                deploy,
            );
        };
        // Without a guardrail, AWS takes AdministratorAccess for one.
        if channel.guardrails.is_empty() || channel.guardrails.iter().any(|one| one.ends_with(ALL_RIGHTS)) {
            return Verdict::bad(
                format!("the guardrail of {name} is AdministratorAccess"),
                "whoever is in the channel may do with the account what the channel's role allows, without a limit",
                deploy,
            );
        }
        if !channel.topics.iter().any(|one| one == topic) || !channel.is_enabled {
            return Verdict::bad(
                format!("the channel {name} does not get the notices"),
                "whoever reads only the chat is told nothing",
                deploy,
            );
        }
        names.push(name.as_str());
    }
    Verdict::ok(format!("{} gets the notices, and has a guardrail", names.join(" and ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::verdict::Word;

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:lendpeak2-production-notices";
    const GUARDRAIL: &str = "arn:aws:iam::123456789012:policy/lendpeak2-ChatMayDo-0A1B";

    fn of(guardrails: &[&str], topics: &[&str], is_enabled: bool) -> Verdict {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let channel = Channel {
            name: "lendpeak2-production-slack".to_owned(),
            topics: owned(topics),
            guardrails: owned(guardrails),
            is_enabled,
        };
        judged(&[("lendpeak2-production-slack".to_owned(), vec![channel])], TOPIC, "production")
    }

    #[test]
    fn a_channel_has_a_guardrail_of_its_own_and_the_notices() {
        assert_eq!(
            of(&[GUARDRAIL], &[TOPIC], true),
            Verdict::ok("lendpeak2-production-slack gets the notices, and has a guardrail")
        );
        for bad in [
            of(&[], &[TOPIC], true),
            of(&["arn:aws:iam::aws:policy/AdministratorAccess"], &[TOPIC], true),
            of(&[GUARDRAIL], &[], true),
            of(&[GUARDRAIL], &[TOPIC], false),
        ] {
            assert_eq!(
                (bad.word, bad.mend.as_str()),
                (Word::Bad, "make deploy ENV=production"),
                "{}",
                bad.says
            );
        }
        let gone = judged(&[("lendpeak2-production-teams".to_owned(), Vec::new())], TOPIC, "production");
        assert_eq!(gone.says, "the channel lendpeak2-production-teams is not there");
    }
}
