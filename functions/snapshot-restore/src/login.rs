//! Whether the service, with what its secret says, can log in to a restored cluster: that has the password of its
//! data's time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared::clock::readable;

use crate::{
    docdb::Cluster,
    name,
    restore::{DATA_OF, PASSWORD_OF, RESTORED_FROM},
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Login {
    pub fits: Fit,
    /// Whether the secret's user is the cluster's master user: the only one whose password AWS sets.
    pub is_master: bool,
}

/// How the secret's password and the cluster's go together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    Same,
    /// The cluster has an older one.
    Older {
        /// When the secret was changed first after that.
        changed_at: Option<Timestamp>,
    },
    /// Unknown, for this reason.
    Unknown {
        why: String,
    },
    /// The secret has no field for it.
    Missing,
}

/// Which version of the secret has the password that a cluster has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The one that was current at the time of the data.
    AtTime(Timestamp),
    /// The one that was set since.
    Version(String),
}

/// What a restored cluster's tags say about its password; `None` if they do not say when its data is from.
pub(crate) fn whose(cluster: &str, tags: &BTreeMap<String, String>) -> Option<Whose> {
    /// AWS can restore to within the last five minutes, mostly.
    const LATEST_IS_BEHIND: SignedDuration = SignedDuration::from_mins(15);
    if let Some(version) = tags.get(PASSWORD_OF) {
        return Some(Whose::Version(version.clone()));
    }
    let restored_from = tags.get(RESTORED_FROM);
    let at = match tags.get(DATA_OF).or(restored_from)?.as_str() {
        "latest" => name::asked_at(cluster)?.checked_sub(LATEST_IS_BEHIND).ok()?,
        time => time.parse().ok()?,
    };
    Some(Whose::AtTime(at))
}

impl Login {
    pub(crate) fn unknown(why: impl Into<String>) -> Self {
        Self { fits: Fit::Unknown { why: why.into() }, is_master: true }
    }

    /// Whether the secret's password is to be set on the cluster before the service uses it, and AWS can do that.
    pub(crate) fn is_to_be_set(&self, cluster: &Cluster) -> bool {
        self.is_master
            && cluster.managed_secret.is_none()
            && matches!(self.fits, Fit::Older { .. } | Fit::Unknown { .. })
    }

    /// What stands in the way of new tasks of the service on the cluster of this name, and what to do about it first;
    /// nothing where they can log in.
    pub(crate) fn warning(&self, name: &str, secret: &str, managed: Option<&str>) -> Option<String> {
        if let Some(managed) = managed {
            return Some(format!(
                "AWS manages the master user of {name} in {managed}, and may have changed its password; see first whether \
                 secret {secret} has that one, since new tasks cannot log in to it with another"
            ));
        }
        let what = match &self.fits {
            Fit::Same => return None,
            Fit::Older { changed_at } => {
                let at = changed_at.map(|at| format!(" at {}", readable(at))).unwrap_or_default();
                format!(
                    "The password in secret {secret} was changed{at}: {name} has the older one, and new tasks cannot log in \
                     to it"
                )
            }
            Fit::Unknown { why } => format!(
                "Whether {name} has the password that is in secret {secret} cannot be told ({why}): with an older one, new \
                 tasks cannot log in to it"
            ),
            Fit::Missing => format!(
                "Secret {secret} has no field `password`, so whether new tasks can log in to {name} is for you to try"
            ),
        };
        let first = match (&self.fits, self.is_master) {
            (Fit::Missing, _) => String::new(),
            (_, false) => format!(
                ". AWS sets it for the master user alone, and the secret's user is another one: give it the secret's \
                 password in {name} by `updateUser` first"
            ),
            (_, true) => format!(". Set it first: {{\"set_password_of\": \"{name}\"}}"),
        };
        Some(what + &first)
    }
}

#[cfg(test)]
mod tests {
    use shared::text;

    use super::*;

    const ID: &str = "production-restore-20261124035509";
    const SECRET: &str = "lendpeak2-production-db-credentials";

    fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[track_caller]
    fn at(its_tags: &[(&str, &str)], time: &str) {
        assert_eq!(whose(ID, &tags(its_tags)), Some(Whose::AtTime(time.parse().unwrap())));
    }

    #[test]
    fn a_restored_cluster_has_the_password_of_its_datas_time_until_one_is_set() {
        let snapshot = (RESTORED_FROM, "rds:production-2026-11-24-03-00");
        at(&[snapshot, (DATA_OF, "2026-11-24T03:00:20.125Z")], "2026-11-24T03:00:20.125Z");
        at(&[(RESTORED_FROM, "2026-11-24T01:00:00Z")], "2026-11-24T01:00:00Z");
        at(&[(RESTORED_FROM, "latest")], "2026-11-24T03:40:09Z");
        let set = whose(ID, &tags(&[snapshot, (DATA_OF, "2026-11-24T03:00:20Z"), (PASSWORD_OF, "v2")]));
        assert_eq!(set, Some(Whose::Version("v2".to_owned())));
        // What an earlier version of this function restored does not say when its snapshot was taken.
        assert_eq!(whose(ID, &tags(&[snapshot])), None);
        assert_eq!(whose(ID, &tags(&[])), None);
        assert_eq!(whose("no-restore", &tags(&[(RESTORED_FROM, "latest")])), None);
    }

    fn fits() -> [Fit; 4] {
        let changed_at = Some("2026-11-24T03:30:00Z".parse().unwrap());
        let why = "cannot read secret s: AccessDeniedException: not allowed".to_owned();
        [Fit::Older { changed_at }, Fit::Older { changed_at: None }, Fit::Unknown { why }, Fit::Missing]
    }

    #[test]
    fn a_warning_says_what_is_wrong_and_the_step_that_helps() {
        let cluster = Cluster::default();
        let managed =
            Cluster { managed_secret: Some("arn:aws:secretsmanager:x".to_owned()), ..Cluster::default() };
        for fits in fits() {
            let login = Login { fits: fits.clone(), is_master: true };
            let warning = login.warning(ID, SECRET, None).unwrap();
            let helps = fits != Fit::Missing;
            assert_eq!(warning.contains("{\"set_password_of\": \"production-restore-"), helps, "{warning}");
            assert_eq!(login.is_to_be_set(&cluster), helps);
            assert!(!login.is_to_be_set(&managed));
            let other = Login { is_master: false, ..login };
            assert!(!other.is_to_be_set(&cluster));
            assert_eq!(other.warning(ID, SECRET, None).unwrap().contains("`updateUser`"), helps);
        }
        let same = Login { fits: Fit::Same, is_master: true };
        assert_eq!(same.warning(ID, SECRET, None), None);
        assert!(!same.is_to_be_set(&cluster));
        assert!(same.warning(ID, SECRET, Some("arn:aws:x")).unwrap().contains("AWS manages the master user"));
    }

    #[test]
    fn nothing_in_a_warning_is_taken_for_a_secret() {
        for fits in fits() {
            for (is_master, managed) in
                [(true, None), (false, None), (true, Some("arn:aws:secretsmanager:x"))]
            {
                let warning = Login { fits: fits.clone(), is_master }.warning(ID, SECRET, managed).unwrap();
                assert_eq!(text::line(&warning, text::PERSON), warning);
            }
        }
    }
}
