//! What the template's references come to once it is deployed into the sandbox.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use sandbox::clients::{ACCOUNT, REGION};
use sandbox::names::STATUS_PAGE_BUCKET;
use serde_json::Value;

use super::template::{Template, field, if_it_holds, referred};

/// The parameters' values, and the template that they are for.
#[derive(Debug)]
pub struct Resolver<'a> {
    template: &'a Template,
    parameters: BTreeMap<String, String>,
    /// Those of them that are lists, of which the value is separated by commas.
    lists: BTreeSet<String>,
}

impl<'a> Resolver<'a> {
    /// As the sandbox deploys it, with every conditional part of a role in it.
    pub fn new(template: &'a Template) -> Result<Self> {
        let (mut parameters, mut lists) = (BTreeMap::new(), BTreeSet::new());
        for (name, parameter) in template.at(&["Parameters"]).as_object().context("no parameters")? {
            if field(parameter, "Type") == "CommaDelimitedList" {
                lists.insert(name.clone());
            }
            let default = field(parameter, "Default");
            if !default.is_null() {
                parameters.insert(name.clone(), plain(default));
            }
        }
        let everything = [("OpsItems", "true"), ("RestoreInNetwork", "true"), ("StatusPage", "true")];
        let everything = everything.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sandbox = "http://127.0.0.1";
        for (name, value) in sandbox::parameters("auto", sandbox, sandbox, everything.into()) {
            parameters.insert(name, value);
        }
        Ok(Self { template, parameters, lists })
    }

    /// The text that a value of a policy comes to, where its condition holds.
    pub fn text(&self, value: &Value) -> Result<String> {
        let value = if_it_holds(value);
        if let Value::String(text) = value {
            return Ok(text.clone());
        }
        if let Some(name) = value.get("Ref") {
            return self.reference(name.as_str().context("a Ref of no name")?);
        }
        if let Some(name) = referred(value, "Fn::GetAtt") {
            return self.arn(name);
        }
        match value.get("Fn::Sub") {
            Some(Value::String(text)) => self.substituted(text),
            _ => bail!("this check cannot read {value}"),
        }
    }

    /// One text or a list of them; the `Ref` of a list is all its members.
    pub fn texts(&self, value: &Value) -> Result<Vec<String>> {
        if let Value::Array(values) = value {
            return values.iter().map(|value| self.text(value)).collect();
        }
        match field(value, "Ref").as_str().filter(|name| self.lists.contains(*name)) {
            Some(name) => self.members(name),
            None => Ok(vec![self.text(value)?]),
        }
    }

    /// The members of a parameter that is a list.
    fn members(&self, name: &str) -> Result<Vec<String>> {
        let value = self.parameters.get(name).with_context(|| format!("{name} has no value"))?;
        Ok(value.split(',').map(|member| member.trim().to_owned()).collect())
    }

    fn substituted(&self, text: &str) -> Result<String> {
        let mut parts = text.split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').with_context(|| format!("{text} is not closed"))?;
            whole += &self.reference(name)?;
            whole += rest;
        }
        Ok(whole)
    }

    pub fn reference(&self, name: &str) -> Result<String> {
        match name {
            "AWS::Partition" => Ok("aws".to_owned()),
            "AWS::Region" => Ok(REGION.to_owned()),
            "AWS::AccountId" => Ok(ACCOUNT.to_owned()),
            _ if self.lists.contains(name) => bail!("{name} is a list, where there is room for one text"),
            _ => match self.parameters.get(name) {
                Some(value) => Ok(value.clone()),
                // A topic's Ref is its ARN; nothing else that a policy names by Ref is a resource.
                None => self.arn(name),
            },
        }
    }

    fn arn(&self, name: &str) -> Result<String> {
        let name = name.strip_suffix(".Arn").unwrap_or(name);
        let resource = self.template.at(&["Resources", name]);
        let named = |property: &str| self.text(field(field(resource, "Properties"), property));
        let kind = field(resource, "Type").as_str().with_context(|| format!("there is no {name}"))?;
        let (service, rest) = match kind {
            "AWS::DynamoDB::Table" => ("dynamodb", format!("table/{}", named("TableName")?)),
            "AWS::Logs::LogGroup" => ("logs", format!("log-group:{}:*", named("LogGroupName")?)),
            "AWS::SNS::Topic" => ("sns", named("TopicName")?),
            "AWS::SQS::Queue" => ("sqs", named("QueueName")?),
            "AWS::Serverless::Function" => ("lambda", format!("function:{}", named("FunctionName")?)),
            // Without a name of its own: CloudFormation draws one, and the tests take this.
            "AWS::S3::Bucket" => return Ok(format!("arn:aws:s3:::{STATUS_PAGE_BUCKET}")),
            other => bail!("this check does not know the ARN of {name}, an {other}"),
        };
        Ok(format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"))
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
