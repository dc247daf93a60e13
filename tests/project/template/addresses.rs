//! A stack that acts, or asks, and tells nobody is not deployed.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::template::{
    document::{self, Template},
    environments::{self, Environment},
};

/// What CloudFormation makes of a rule's conditions.
fn holds(condition: &Value, parameters: &BTreeMap<String, String>) -> Result<bool> {
    let (function, arguments) = condition
        .as_object()
        .and_then(|condition| condition.iter().next())
        .context("a condition is no function")?;
    let arguments = arguments.as_array().context("a function without arguments")?;
    let text = |value: &Value| -> Result<String> {
        let referred = value["Ref"].as_str().and_then(|name| parameters.get(name));
        referred.map(String::as_str).or(value.as_str()).map(str::to_owned).with_context(|| format!("{value}"))
    };
    Ok(match (function.as_str(), arguments.as_slice()) {
        ("Fn::Or", conditions @ [_, _, ..]) if conditions.len() <= 10 => {
            conditions.iter().map(|one| holds(one, parameters)).collect::<Result<Vec<_>>>()?.contains(&true)
        }
        ("Fn::Not", [condition]) => !holds(condition, parameters)?,
        ("Fn::Equals", [one, other]) => text(one)? == text(other)?,
        ("Fn::Contains", [list, value]) => {
            let wanted = text(value)?;
            list.as_array().context("no list")?.iter().any(|one| one.as_str() == Some(&wanted))
        }
        (other, _) => bail!("CloudFormation does not know {other} in a rule, or not with {arguments:?}"),
    })
}

/// Why CloudFormation refuses these parameters, over the template's own; nothing when it does not.
fn refusals(template: &Template, given: &[(&str, &str)]) -> Result<Vec<String>> {
    let mut parameters = BTreeMap::new();
    for (name, parameter) in template.0["Parameters"].as_object().context("no parameters")? {
        parameters.insert(name.clone(), environments::text(&parameter["Default"]));
    }
    for (name, value) in given {
        let parameter = parameters.get_mut(*name).with_context(|| format!("there is no {name}"))?;
        (*value).clone_into(parameter);
    }
    let mut refusals = Vec::new();
    for (_, rule) in template.0["Rules"].as_object().context("no rules")? {
        if !rule["RuleCondition"].is_null() && !holds(&rule["RuleCondition"], &parameters)? {
            continue;
        }
        for assertion in rule["Assertions"].as_array().context("a rule that asserts nothing")? {
            if !holds(&assertion["Assert"], &parameters)? {
                refusals.push(assertion["AssertDescription"].as_str().context("no words")?.to_owned());
            }
        }
    }
    Ok(refusals)
}

/// The parameters that say how far something may go.
fn modes(template: &Template) -> Vec<&str> {
    let parameters = template.0["Parameters"].as_object().into_iter().flatten();
    let acts = |parameter: &Value| {
        parameter["AllowedValues"].as_array().is_some_and(|values| values.contains(&"approve".into()))
    };
    parameters.filter(|(_, parameter)| acts(parameter)).map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_mode_that_acts_or_asks_needs_an_address_and_the_refusal_names_it() -> Result<()> {
    let template = Template::read()?;
    let modes = modes(&template);
    assert_eq!(modes.len(), 7, "{modes:?}");
    for mode in modes {
        for value in ["approve", "auto"] {
            let refused = refusals(&template, &[(mode, value)])?;
            let [sentence] = refused.as_slice() else { bail!("{mode}={value}: {refused:?}") };
            for name in ["NoticeEmail", "ChatWebhookUrl", "Nobody would be told"] {
                assert!(sentence.contains(name), "{sentence}");
            }
            for address in
                [("NoticeEmail", "on-call@example.com"), ("ChatWebhookUrl", "https://example.com/x")]
            {
                assert!(
                    refusals(&template, &[(mode, value), address])?.is_empty(),
                    "{mode}={value} {address:?}"
                );
            }
            // What tells level 2 tells nobody of what remedies do.
            let above = [(mode, value), ("Level2Email", "level-2@example.com")];
            assert_eq!(refusals(&template, &above)?, refused);
        }
        for value in ["off", "observe"] {
            assert!(refusals(&template, &[(mode, value)])?.is_empty(), "{mode}={value}");
        }
    }
    Ok(())
}

#[test]
fn a_stack_that_only_observes_is_deployed_without_an_address() -> Result<()> {
    assert_eq!(refusals(&Template::read()?, &[])?, [""; 0]);
    Ok(())
}

/// `make deploy` uses it as it is: whoever does is to know before CloudFormation says so.
#[test]
fn samconfig_says_which_address_to_fill_in() -> Result<()> {
    let template = Template::read()?;
    for Environment { name, text, parameters } in environments::environments()? {
        let given: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let acts = given.iter().any(|(_, value)| ["approve", "auto"].contains(value));
        let told = refusals(&template, &given)?.is_empty();
        assert!(text.contains("NoticeEmail="), "{name}");
        assert!(told || acts, "{name}");
    }
    let deploy = document::deploy()?;
    for words in ["`NoticeEmail`", "`ChatWebhookUrl`", "Confirm the subscription"] {
        assert!(deploy.contains(words), "docs/deploy.md does not say {words}");
    }
    Ok(())
}
