//! Changes of the text. Each is made at the place where something stands: whatever is not changed stays as it is to the
//! byte, with its comments, its order and its ends of lines.

use std::ops::Range;

use serde_json::{Map, Value as Json, json};
use toml_edit::{Array, Document, Item, TableLike, Value};

use super::{NEEDED, Overrides, Samconfig, Setting, overrides, section};
use crate::failure::Failure;

/// How a line of ours begins that says why a value stands below it.
const MARKS: [&str; 2] = ["# certain: ", "# guess: "];
const INDENT: &str = "    ";

impl Samconfig {
    /// The text with these parameters in an environment's section.
    pub(crate) fn with(&self, environment: &str, settings: &[Setting]) -> Result<String, Failure> {
        let before = self.overrides(environment)?;
        let text = self.with_section(environment, before.is_some());
        let prepared = Self { text, ..self.clone() };
        let mut next = Self { text: prepared.with_list(environment)?, ..prepared.clone() };
        // One after the other: each finds its place in what the one before has left.
        for setting in settings {
            next.text = next.with_setting(environment, setting)?;
        }
        prepared.compare(&next, environment, settings, before.unwrap_or_default())?;
        Ok(next.text)
    }

    fn end_of_line(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// With an empty section where there is none.
    fn with_section(&self, environment: &str, is_there: bool) -> String {
        if is_there {
            return self.text.clone();
        }
        let end = self.end_of_line();
        let mut text = self.text.clone();
        if text.trim().is_empty() {
            text.push_str("version = 0.1\n");
        } else if !text.ends_with('\n') {
            text.push_str(end);
        }
        let section = format!(
            "\n[{environment}.deploy.parameters]\ntemplate_file = \"template.yaml\"\n\
             stack_name = \"lendpeak2-runbook-{environment}\"\ncapabilities = \"CAPABILITY_IAM\"\nresolve_s3 = true\n\
             confirm_changeset = true\nfail_on_empty_changeset = false\n\
             tags = \"Project=LendPeak2 Environment={environment}\"\nparameter_overrides = [\n]\n"
        );
        text.push_str(&section.replace('\n', end));
        text
    }

    /// With a list where there is a single text, or nothing.
    fn with_list(&self, environment: &str) -> Result<String, Failure> {
        let document = self.parsed()?;
        let odd = || self.odd(environment);
        let section = section(document.as_table(), environment).ok_or_else(odd)?;
        let end = self.end_of_line();
        let Some(given) = section.get(NEEDED[2]) else {
            let header = header(&document, environment).ok_or_else(odd)?;
            let line = header.end
                + self.text.get(header.end..).and_then(|rest| rest.find('\n')).map_or(0, |at| at + 1);
            let is_last = line == header.end;
            let list = format!("{}parameter_overrides = [{end}]{end}", if is_last { end } else { "" });
            let at = if is_last { self.text.len() } else { line };
            return replaced(&self.text, at..at, &list).ok_or_else(odd);
        };
        let Some(Value::String(text)) = given.as_value() else { return Ok(self.text.clone()) };
        let entries = overrides::read(text.value()).into_iter().filter_map(|one| text.value().get(one.whole));
        let entries: Vec<String> = entries.map(|entry| format!("{INDENT}{},{end}", literal(entry))).collect();
        let place = given.span().ok_or_else(odd)?;
        replaced(&self.text, place, &format!("[{end}{}]", entries.concat())).ok_or_else(odd)
    }

    fn with_setting(&self, environment: &str, setting: &Setting) -> Result<String, Failure> {
        let document = self.parsed()?;
        let odd = || self.odd(environment);
        let list = section(document.as_table(), environment).and_then(|section| section.get(NEEDED[2]));
        let list = list.ok_or_else(odd)?;
        let array = list.as_array().ok_or_else(odd)?;
        let end = self.end_of_line();
        // The last of a name counts.
        let items: Vec<_> = array.iter().filter_map(|item| Some((item.as_str()?, item.span()?))).collect();
        for (text, place) in items.into_iter().rev() {
            let all = overrides::read(text);
            let Some(found) = all.iter().rev().find(|one| one.name == setting.name) else { continue };
            let comment = (all.len() == 1).then_some(setting.comment.as_str());
            return self.with_item(place, text, found, setting, comment).ok_or_else(odd);
        }
        let value = overrides::quoted(&setting.value).ok_or_else(|| unwritable(setting))?;
        let entry = literal(&format!("{}={value}", setting.name));
        let indent = self.indent(array).unwrap_or(INDENT);
        let lines = format!("{indent}# {}{end}{indent}{entry},{end}", setting.comment);
        self.appended(array, list.span().ok_or_else(odd)?, &lines).ok_or_else(odd)
    }

    /// With another value in an item, and another comment above it.
    fn with_item(
        &self,
        place: Range<usize>,
        item: &str,
        found: &overrides::Override,
        setting: &Setting,
        comment: Option<&str>,
    ) -> Option<String> {
        let end = self.end_of_line();
        let mut text = self.text.clone();
        if found.value != setting.value {
            let item = replaced(item, found.place.clone(), &overrides::quoted(&setting.value)?)?;
            text = replaced(&text, place.clone(), &literal(&item))?;
        }
        let Some(comment) = comment else { return Some(text) };
        let before = text.get(..place.start)?;
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let indent = before.get(line..)?;
        if !indent.trim().is_empty() {
            // In the middle of a line: it gets lines of its own.
            let begin = line + indent.trim_end().len();
            return replaced(&text, begin..place.start, &format!("{end}{INDENT}# {comment}{end}{INDENT}"));
        }
        let mut above = line;
        while let Some((from, marked)) = line_before(&text, above) {
            if !MARKS.iter().any(|mark| marked.trim_start().starts_with(mark)) {
                break;
            }
            above = from;
        }
        replaced(&text, above..line, &format!("{indent}# {comment}{end}"))
    }

    /// With lines as the last ones of a list.
    fn appended(&self, array: &Array, list: Range<usize>, lines: &str) -> Option<String> {
        let end = self.end_of_line();
        let bracket = list.end.checked_sub(1)?;
        let mut text = self.text.clone();
        let mut at = bracket;
        if let Some(last) = array.iter().filter_map(Value::span).last() {
            let after = text.get(last.end..bracket)?;
            let has_comma =
                after.lines().any(|line| line.split('#').next().is_some_and(|code| code.contains(',')));
            if !has_comma {
                text.insert(last.end, ',');
                at += 1;
            }
        }
        let line = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
        if text.get(line..at)?.trim().is_empty() {
            return replaced(&text, line..line, lines);
        }
        let begin = text.get(..at)?.trim_end_matches([' ', '\t']).len();
        replaced(&text, begin..at, &format!("{end}{lines}"))
    }

    /// How the items of a list are set in, where they have lines of their own.
    fn indent(&self, array: &Array) -> Option<&str> {
        let first = array.iter().next()?.span()?;
        let before = self.text.get(..first.start)?;
        let indent = before.get(before.rfind('\n')? + 1..)?;
        indent.trim().is_empty().then_some(indent)
    }

    /// Nothing but what was meant is another: else nothing is written.
    fn compare(
        &self,
        next: &Self,
        environment: &str,
        settings: &[Setting],
        mut expected: Overrides,
    ) -> Result<(), Failure> {
        expected.extend(settings.iter().map(|setting| (setting.name.clone(), setting.value.clone())));
        let is_meant =
            next.overrides(environment).is_ok_and(|overrides| overrides.as_ref() == Some(&expected));
        let others = |config: &Self| config.parsed().map(|document| others(document.as_table(), environment));
        if is_meant && others(self)? == others(next)? {
            return Ok(());
        }
        Err(self.odd(environment))
    }
}

fn unwritable(setting: &Setting) -> Failure {
    Failure::usage(
        format!("{} cannot be written: its value has quotes or a backslash", setting.name),
        "write it by hand, and leave it as it is here",
    )
}

/// The header `[environment.deploy.parameters]`.
fn header(document: &Document<&str>, environment: &str) -> Option<Range<usize>> {
    let [deploy, parameters, _] = NEEDED;
    let table = document.get(environment)?.get(deploy)?.get(parameters)?.as_table()?;
    let place = table.span().filter(|_| !table.is_dotted() && !table.is_implicit())?;
    document.raw().get(place.clone())?.starts_with('[').then_some(place)
}

/// The line that ends before a place, and where it begins.
fn line_before(text: &str, at: usize) -> Option<(usize, &str)> {
    let before = text.get(..at)?.strip_suffix('\n')?;
    let from = before.rfind('\n').map_or(0, |at| at + 1);
    Some((from, before.get(from..)?))
}

fn replaced(text: &str, place: Range<usize>, with: &str) -> Option<String> {
    Some(format!("{}{with}{}", text.get(..place.start)?, text.get(place.end..)?))
}

/// A text as TOML has it.
fn literal(text: &str) -> String {
    Value::from(text).to_string()
}

/// All but an environment's parameters.
fn others(document: &dyn TableLike, environment: &str) -> Json {
    let mut all = as_json(document);
    let [deploy, parameters, overrides] = NEEDED;
    let section = all
        .get_mut(environment)
        .and_then(|value| value.get_mut(deploy)?.get_mut(parameters)?.as_object_mut());
    if let Some(section) = section {
        section.shift_remove(overrides);
    }
    all
}

fn as_json(table: &dyn TableLike) -> Json {
    Json::Object(
        table.iter().map(|(name, item)| (name.to_owned(), item_as_json(item))).collect::<Map<_, _>>(),
    )
}

fn item_as_json(item: &Item) -> Json {
    match item {
        Item::None => Json::Null,
        Item::Value(value) => value_as_json(value),
        Item::Table(table) => as_json(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| as_json(table)).collect(),
    }
}

fn value_as_json(value: &Value) -> Json {
    match value {
        Value::Array(array) => array.iter().map(value_as_json).collect(),
        Value::InlineTable(table) => as_json(table),
        Value::String(text) => json!(text.value()),
        other => json!(other.to_string().trim()),
    }
}

#[cfg(test)]
mod tests;
