//! `samconfig.toml`, as SAM CLI reads it. It is changed where it has to be, and stays as it is everywhere else.

mod edit;
mod file;
#[cfg(test)]
mod keeps;
mod overrides;

use std::{collections::BTreeMap, path::PathBuf};

use toml_edit::{Document, Item, TableLike, Value};

use crate::failure::Failure;

/// The file, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Samconfig {
    pub(crate) path: PathBuf,
    text: String,
    /// Whether there is a file.
    pub(crate) exists: bool,
}

/// A parameter as it is to stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Why, as in `certain: …`.
    pub(crate) comment: String,
}

/// A section's parameters.
pub(crate) type Overrides = BTreeMap<String, String>;

const NEEDED: [&str; 3] = ["deploy", "parameters", "parameter_overrides"];

impl Samconfig {
    fn parsed(&self) -> Result<Document<&str>, Failure> {
        Document::parse(self.text.as_str()).map_err(|error| {
            Failure::usage(
                format!("{} is no TOML: {}", self.path.display(), error.message()),
                "mend it first: it was left as it is",
            )
        })
    }

    /// The parameters of an environment's section; nothing where there is no such section.
    pub(crate) fn overrides(&self, environment: &str) -> Result<Option<Overrides>, Failure> {
        let document = self.parsed()?;
        let Some(section) = section(document.as_table(), environment) else { return Ok(None) };
        let Some(given) = section.get(NEEDED[2]) else { return Ok(Some(Overrides::new())) };
        self.read_overrides(environment, given).map(Some)
    }

    fn read_overrides(&self, environment: &str, given: &Item) -> Result<Overrides, Failure> {
        let odd = || self.odd(environment);
        let texts: Vec<&str> = match given.as_value() {
            Some(Value::String(text)) => vec![text.value()],
            Some(Value::Array(array)) => {
                array.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(odd)?
            }
            _ => return Err(odd()),
        };
        let mut all = Overrides::new();
        for text in texts.into_iter().filter(|text| !text.trim().is_empty()) {
            let found = overrides::read(text);
            if found.is_empty() {
                return Err(odd());
            }
            all.extend(found.into_iter().map(|one| (one.name, one.value)));
        }
        Ok(all)
    }

    fn odd(&self, environment: &str) -> Failure {
        Failure::usage(
            format!(
                "{}: parameter_overrides of [{environment}.deploy.parameters] has a form that is not understood",
                self.path.display()
            ),
            "write it as a list: parameter_overrides = [\"ClusterName=…\", …]",
        )
    }

    /// The environments that have a section to deploy with, in the file's order.
    pub(crate) fn environments(&self) -> Result<Vec<String>, Failure> {
        let document = self.parsed()?;
        let all = document.as_table().iter().map(|(name, _)| name.to_owned());
        Ok(all.filter(|name| section(document.as_table(), name).is_some()).collect())
    }
}

fn section<'a>(document: &'a dyn TableLike, environment: &str) -> Option<&'a dyn TableLike> {
    let [deploy, parameters, _] = NEEDED;
    document.get(environment)?.as_table_like()?.get(deploy)?.as_table_like()?.get(parameters)?.as_table_like()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samconfig(text: &str) -> Samconfig {
        Samconfig { path: "samconfig.toml".into(), text: text.to_owned(), exists: true }
    }

    #[test]
    fn every_form_that_sam_takes_is_read() {
        for text in [
            "[p.deploy.parameters]\nparameter_overrides = [\"A=1\", 'B=2 3']\n",
            "[p.deploy.parameters]\nparameter_overrides = \"A=1 B=2\"\n",
            "[p]\ndeploy.parameters.parameter_overrides = [\n  # why\n  \"A=1\", # b\n  \"B=2\" ]",
            "p = { deploy = { parameters = { parameter_overrides = [\"A=1 B=2\"] } } }",
        ] {
            let overrides = samconfig(text).overrides("p").unwrap().unwrap();
            assert_eq!(overrides.get("A").map(String::as_str), Some("1"), "{text}");
            assert_eq!(overrides.get("B").map(|value| value.starts_with('2')), Some(true), "{text}");
            assert_eq!(samconfig(text).environments().unwrap(), ["p"]);
        }
        assert_eq!(samconfig("[q.deploy.parameters]\n").overrides("p").unwrap(), None);
        assert_eq!(samconfig("[p.deploy.parameters]\n").overrides("p").unwrap(), Some(Overrides::new()));
    }

    #[test]
    fn what_is_not_understood_is_never_taken_for_nothing() {
        for text in [
            "[p.deploy.parameters]\nparameter_overrides = [\"file://x.yaml\"]\n",
            "[p.deploy.parameters]\nparameter_overrides = 5\n",
            "[p.deploy.parameters]\nparameter_overrides = [1]\n",
            "[p.deploy.parameters]\nparameter_overrides = { A = 1 }\n",
            "[p.deploy.parameters\n",
        ] {
            assert_eq!(samconfig(text).overrides("p").unwrap_err().exit().code(), 2, "{text}");
        }
    }

    #[test]
    fn the_projects_own_file_is_read() {
        let own = samconfig(include_str!("../../samconfig.toml"));
        assert_eq!(own.environments().unwrap(), ["staging", "production"]);
        let production = own.overrides("production").unwrap().unwrap();
        assert_eq!(production.get("ClusterName").map(String::as_str), Some("lendpeak2-production"));
    }
}
