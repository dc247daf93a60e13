//! What is known of a drill, in a file of its own. A change is written down before it is made: whoever reads the file can
//! put back what a killed program has left. Each write is whole or not at all, and on the disk when it ends.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::failure::Failure;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// As in `20261201-101500250-bad-release`.
    pub(crate) id: String,
    pub(crate) case: String,
    /// What a person reads: as in `BROKEN=true`.
    pub(crate) with: String,
    pub(crate) environment: String,
    /// The stack's ARN: one that was made anew under the same name is another.
    pub(crate) stack: String,
    pub(crate) by: String,
    pub(crate) begun_at: String,
    pub(crate) cluster: String,
    pub(crate) service: String,
    /// The task definition that the service had: its ARN.
    pub(crate) before: String,
    /// The bad copy of it, once ECS has said which it is.
    pub(crate) copy: Option<String>,
    pub(crate) step: Step,
    pub(crate) incidents: Vec<String>,
    pub(crate) events: Vec<Event>,
    /// What was done to put it back.
    pub(crate) put_back: Vec<String>,
    /// In a line, once it is over.
    pub(crate) summary: String,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// The bad release is about to be registered.
    Registering,
    /// It is about to be deployed.
    Breaking,
    /// It is deployed.
    Broken,
    /// Nothing is left to put back.
    Over,
}

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// Since the break.
    pub(crate) after_seconds: f64,
    pub(crate) what: String,
}

/// The folder of all records.
#[derive(Debug, Clone)]
pub(crate) struct Records(PathBuf);

impl Records {
    /// Where a program keeps what it has to remember: `XDG_STATE_HOME`, or its default.
    pub(crate) fn of_user() -> Result<Self, Failure> {
        let set = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")));
        state.map(|state| Self(state.join("lendpeak2/drills"))).ok_or_else(|| {
            Failure::usage(
                "there is no place to write down how the drill is undone",
                "set HOME, or XDG_STATE_HOME to a folder",
            )
        })
    }

    #[cfg(test)]
    fn in_folder(folder: &Path) -> Self {
        Self(folder.join("lendpeak2/drills"))
    }

    pub(crate) fn path(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.json"))
    }

    /// Those of a stack that have something to put back, the oldest first. One that cannot be read is an error: nobody
    /// knows what is left of it.
    pub(crate) fn open(&self, stack: &str) -> Result<Vec<Record>, Failure> {
        let cannot = |path: &Path| {
            let what = format!("cannot read {}", path.display());
            move |source| Failure::Here { what, source }
        };
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(cannot(&self.0)(error)),
        };
        let mut open = Vec::new();
        for entry in entries {
            let path = entry.map_err(cannot(&self.0))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let text = fs::read_to_string(&path).map_err(cannot(&path))?;
            let record: Record = serde_json::from_str(&text).map_err(|error| Failure::Failed {
                what: format!(
                    "{} is no record of a drill ({error}): see that the service runs what it should, and delete the file",
                    path.display()
                ),
            })?;
            if record.step != Step::Over && record.stack == stack {
                open.push(record);
            }
        }
        open.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(open)
    }

    /// Writes a new one: one of that name must not be there.
    pub(crate) fn create(&self, record: &Record) -> Result<(), Failure> {
        self.put(record, |file, path| file.persist_noclobber(path))
    }

    pub(crate) fn write(&self, record: &Record) -> Result<(), Failure> {
        self.put(record, |file, path| file.persist(path))
    }

    fn put(
        &self,
        record: &Record,
        persist: impl FnOnce(NamedTempFile, &Path) -> Result<fs::File, tempfile::PersistError>,
    ) -> Result<(), Failure> {
        let path = self.path(&record.id);
        let failed = |source| Failure::Here { what: format!("cannot write {}", path.display()), source };
        fs::create_dir_all(&self.0).map_err(failed)?;
        let mut beside = NamedTempFile::new_in(&self.0).map_err(failed)?;
        beside.write_all(&serde_json::to_vec_pretty(record).unwrap_or_default()).map_err(failed)?;
        beside.as_file().sync_all().map_err(failed)?;
        persist(beside, &path).map_err(|error| failed(error.error))?;
        // Its name, too, has to be on the disk.
        fs::File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

/// A drill's name, from when it begins.
pub(crate) fn id(at: Timestamp, case: &str) -> String {
    // To the millisecond: one that was killed and undone is followed by another within the second.
    format!("{}-{case}", at.strftime("%Y%m%d-%H%M%S%3f"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::drill) fn record() -> Record {
        Record {
            id: "20261201-101500250-bad-release".to_owned(),
            case: "bad-release".to_owned(),
            with: "BROKEN=true".to_owned(),
            environment: "staging".to_owned(),
            stack: "arn:stack/1".to_owned(),
            by: "ana".to_owned(),
            begun_at: "2026-12-01T10:15:00Z".to_owned(),
            cluster: "c".to_owned(),
            service: "backend".to_owned(),
            before: "arn:aws:ecs:us-east-1:123456789012:task-definition/backend:1".to_owned(),
            copy: Some("arn:aws:ecs:us-east-1:123456789012:task-definition/backend:2".to_owned()),
            step: Step::Broken,
            incidents: Vec::new(),
            events: Vec::new(),
            put_back: Vec::new(),
            summary: String::new(),
        }
    }

    #[test]
    fn what_is_not_over_is_open_for_its_own_stack() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::in_folder(folder.path());
        assert_eq!(records.open("arn:stack/1").unwrap(), []);
        let named = |id: &str, step, stack: &str| Record {
            id: id.to_owned(),
            step,
            stack: stack.to_owned(),
            ..record()
        };
        let later = named("2-bad-release", Step::Registering, "arn:stack/1");
        let first = named("1-bad-release", Step::Breaking, "arn:stack/1");
        let over = named("0-bad-release", Step::Over, "arn:stack/1");
        let others = named("3-bad-release", Step::Broken, "arn:stack/2");
        for record in [&later, &first, &over, &others] {
            records.create(record).unwrap();
        }
        assert_eq!(records.open("arn:stack/1").unwrap(), [first.clone(), later.clone()]);
        records.write(&Record { step: Step::Over, ..first }).unwrap();
        assert_eq!(records.open("arn:stack/1").unwrap(), [later]);
        assert_eq!(fs::read_dir(folder.path().join("lendpeak2/drills")).unwrap().count(), 4);
    }

    #[test]
    fn two_drills_never_share_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::in_folder(folder.path());
        records.create(&record()).unwrap();
        let other = Record { by: "bo".to_owned(), ..record() };
        assert!(records.create(&other).is_err());
        assert_eq!(records.open("arn:stack/1").unwrap(), [record()]);
    }

    #[test]
    fn a_record_that_cannot_be_read_is_no_reason_to_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records::in_folder(folder.path());
        records.create(&record()).unwrap();
        fs::write(records.path("half"), "{").unwrap();
        let failure = records.open("arn:stack/1").unwrap_err();
        assert!(failure.to_string().contains("half.json is no record of a drill"), "{failure}");
    }

    #[test]
    fn what_cannot_be_written_down_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("lendpeak2"), "a file").unwrap();
        let failure = Records::in_folder(folder.path()).create(&record()).unwrap_err();
        assert_eq!(failure.exit().code(), 1);
    }

    #[test]
    fn a_drill_is_named_after_its_time_and_case() {
        let at = |time: &str| id(time.parse().unwrap(), "bad-release");
        assert_eq!(at("2026-12-01T10:15:00.25Z"), record().id);
        assert!(at("2026-12-01T10:15:00.25Z") < at("2026-12-01T10:15:00.251Z"));
    }
}
