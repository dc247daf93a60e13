//! The files in `tests/schemas/`: `<kind>/<commit>.json`, named by the first commit that wrote items of this form.
//!
//! An attribute that is a JSON object or array stands for the text of it. `<now-20m>` is a time as `serde` writes it;
//! `<sortable now-20m>`, `<seconds now+1d>`, `<month now>`, `<digits now>` and `<stamp now>` are times as they get into
//! keys, names and numbers; any other word in such brackets is the test's to fill in.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Attributes by name, as a file has them.
pub(crate) type Item = Map<String, Value>;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schema {
    /// Which commits wrote it so, and what is different in it.
    pub(crate) written: String,
    pub(crate) items: BTreeMap<String, Item>,
}

/// An item, with its place and name for people: `claim/6551ba4, scale-up, dead`.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    pub(crate) place: String,
    pub(crate) name: String,
    pub(crate) item: Item,
}

/// The schemas of a kind, by the commit that begins them.
pub(crate) fn of(kind: &str) -> anyhow::Result<BTreeMap<String, Schema>> {
    let folder = sandbox::workspace().join("tests/schemas").join(kind);
    let mut schemas = BTreeMap::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let schema: Schema = read(&path)?;
        let commit = path.file_stem().context("no name")?.to_string_lossy().into_owned();
        schemas.insert(commit, schema);
    }
    anyhow::ensure!(!schemas.is_empty(), "{} is empty", folder.display());
    Ok(schemas)
}

/// Every item of a kind.
pub(crate) fn all(kind: &str) -> anyhow::Result<Vec<Named>> {
    let schemas = of(kind)?.into_iter();
    let named = schemas.flat_map(|(commit, schema)| {
        schema.items.into_iter().map(move |(name, item)| Named {
            place: format!("{kind}/{commit}, {name}"),
            name,
            item,
        })
    });
    Ok(named.collect())
}

/// The items of a kind that cannot be read.
pub(crate) fn broken(kind: &str) -> anyhow::Result<Vec<Named>> {
    let path = sandbox::workspace().join(format!("tests/schemas/broken/{kind}.json"));
    let schema: Schema = read(&path)?;
    let items = schema.items.into_iter();
    Ok(items.map(|(name, item)| Named { place: format!("broken/{kind}, {name}"), name, item }).collect())
}

fn read(path: &Path) -> anyhow::Result<Schema> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// The kinds that there are.
pub(crate) fn kinds() -> anyhow::Result<Vec<String>> {
    let folder = sandbox::workspace().join("tests/schemas");
    let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names = names.collect::<anyhow::Result<Vec<String>>>()?;
    Ok(names.into_iter().filter(|name| name != "broken").collect())
}

/// As DynamoDB takes it, with everything filled in.
pub(crate) fn attributes(
    item: &Item,
    now: Timestamp,
    words: &[(&str, String)],
) -> anyhow::Result<Vec<(String, AttributeValue)>> {
    let attribute = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::Number(number) => AttributeValue::N(number.to_string()),
            Value::String(text) => {
                let filled = fill(text, now, words)?;
                if text.starts_with("<seconds ") {
                    AttributeValue::N(filled)
                } else {
                    AttributeValue::S(filled)
                }
            }
            Value::Bool(is_so) => AttributeValue::Bool(*is_so),
            json => AttributeValue::S(fill(&json.to_string(), now, words)?),
        };
        Ok((name.clone(), value))
    };
    item.iter().map(attribute).collect()
}

/// The text with every word in brackets replaced.
pub(crate) fn fill(text: &str, now: Timestamp, words: &[(&str, String)]) -> anyhow::Result<String> {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, from)) = rest.split_once('<') {
        let (word, after) = from.split_once('>').with_context(|| format!("an open bracket in {text}"))?;
        filled.push_str(before);
        filled.push_str(&meaning(word, now, words)?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn meaning(word: &str, now: Timestamp, words: &[(&str, String)]) -> anyhow::Result<String> {
    if let Some((_, meaning)) = words.iter().find(|(known, _)| *known == word) {
        return Ok(meaning.clone());
    }
    let (form, time) = word.split_once(' ').unwrap_or(("", word));
    let at = time_of(time, now).with_context(|| format!("what is <{word}>?"))?;
    Ok(match form {
        "" => at.to_string(),
        "sortable" => at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        "seconds" => at.as_second().to_string(),
        "date" => at.strftime("%Y-%m-%d").to_string(),
        "hour" => at.strftime("%Y-%m-%dT%H").to_string(),
        "month" => at.strftime("%Y-%m").to_string(),
        "digits" => at.strftime("%Y%m%d%H%M%S").to_string(),
        "stamp" => at.strftime("%Y%m%d-%H%M%S").to_string(),
        _ => bail!("what is <{word}>?"),
    })
}

/// `now`, `now-20m`, `now+1d`.
fn time_of(text: &str, now: Timestamp) -> Option<Timestamp> {
    let span = text.strip_prefix("now")?;
    if span.is_empty() {
        return Some(now);
    }
    let unit = span.chars().last()?;
    let count: i64 = span.strip_suffix(unit)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    now.checked_add(SignedDuration::from_secs(count * seconds)).ok()
}

#[test]
fn every_schema_says_which_commits_wrote_it() -> anyhow::Result<()> {
    for kind in kinds()? {
        for (commit, schema) in of(&kind)? {
            let place = format!("{kind}/{commit}");
            assert!(commit.len() == 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{place}");
            assert!(
                schema.written.starts_with(&commit) && schema.written.contains(" to "),
                "{place}: {}",
                schema.written
            );
            assert!(!schema.items.is_empty(), "{place}");
        }
    }
    Ok(())
}

#[test]
fn a_time_in_brackets_is_filled_in() -> anyhow::Result<()> {
    let now: Timestamp = "2026-11-24T14:05:06.5Z".parse()?;
    let filled = fill(
        "<stamp now-1h>-down <seconds now+2m> <month now> <runs>",
        now,
        &[("runs", "backend:3".to_owned())],
    )?;
    assert_eq!(filled, "20261124-130506-down 1795529226 2026-11 backend:3");
    assert!(fill("<soon>", now, &[]).is_err() && fill("<now-", now, &[]).is_err());
    Ok(())
}
