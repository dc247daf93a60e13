//! The names of restored clusters: `<source>-restore-<UTC time>`. A restore's id is its cluster's name.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// <https://docs.aws.amazon.com/documentdb/latest/developerguide/API_CreateDBCluster.html>
const MAX_LENGTH: usize = 63;
const MARK: &str = "-restore-";
const TIME_LENGTH: usize = 14;
/// An instance's name is its cluster's with a number of at most two digits.
const INSTANCE_NUMBER_LENGTH: usize = 3;

/// The name of a cluster that was asked for at this time. Letters, digits and single hyphens, a letter first,
/// whatever the source is called.
pub(crate) fn of_cluster(source: &str, at: Timestamp) -> String {
    format!("{}{MARK}{}", stem(source), at.strftime("%Y%m%d%H%M%S"))
}

/// The name of the n-th instance, from 1.
pub(crate) fn of_instance(cluster: &str, number: usize) -> String {
    format!("{cluster}-{number}")
}

/// Whether a cluster's name says that it was restored from the source.
pub(crate) fn is_of(source: &str, name: &str) -> bool {
    asked_at(name).is_some_and(|at| of_cluster(source, at) == name)
}

/// When the restore of this id was asked for.
pub(crate) fn asked_at(id: &str) -> Option<Timestamp> {
    let (_, time) = id.rsplit_once(MARK)?;
    if time.len() != TIME_LENGTH {
        return None;
    }
    let at = DateTime::strptime("%Y%m%d%H%M%S", time).ok()?;
    TimeZone::UTC.to_timestamp(at).ok()
}

fn stem(source: &str) -> String {
    const LONGEST: usize = MAX_LENGTH - MARK.len() - TIME_LENGTH - INSTANCE_NUMBER_LENGTH;
    let mut stem = String::new();
    for letter in source.chars().map(|letter| letter.to_ascii_lowercase()) {
        match letter {
            'a'..='z' => stem.push(letter),
            '0'..='9' if !stem.is_empty() => stem.push(letter),
            _ if !stem.is_empty() && !stem.ends_with('-') => stem.push('-'),
            _ => {}
        }
        if stem.len() == LONGEST {
            break;
        }
    }
    let stem = stem.trim_end_matches('-');
    if stem.is_empty() { "cluster".to_owned() } else { stem.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at() -> Timestamp {
        "2026-11-24T03:55:09Z".parse().unwrap()
    }

    #[test]
    fn a_name_tells_its_source_and_its_time() {
        let name = of_cluster("lendpeak2-production", at());
        assert_eq!(name, "lendpeak2-production-restore-20261124035509");
        assert!(is_of("lendpeak2-production", &name));
        assert!(!is_of("lendpeak2-staging", &name));
        assert!(!is_of("lendpeak2-production", "lendpeak2-production"));
        assert_eq!(asked_at(&name), Some(at()));
        assert_eq!(asked_at("lendpeak2-production-restore-1"), None);
        assert_eq!(asked_at("lendpeak2-production-restore-20261399000000"), None);
    }

    #[test]
    fn a_restored_cluster_can_be_restored_from() {
        let first = of_cluster("lendpeak2-production", at());
        let second = of_cluster(&first, "2027-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(second, "lendpeak2-production-restore-20261124-restore-20270101000000");
        assert!(is_of(&first, &second) && !is_of("lendpeak2-production", &second));
    }

    proptest! {
        #[test]
        fn every_source_gives_a_valid_name(source in ".{0,80}", word in "[A-Za-z0-9-]{0,80}", seconds in 0_i64..4_000_000_000) {
            let at = Timestamp::from_second(seconds).unwrap();
            for source in [source, word] {
                let name = of_cluster(&source, at);
                let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                prop_assert!(name.chars().all(valid), "{name}");
                prop_assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
                prop_assert!(!name.contains("--") && !name.ends_with('-'), "{name}");
                prop_assert!(of_instance(&name, 16).len() <= MAX_LENGTH, "{name}");
                prop_assert_eq!(asked_at(&name), Some(at));
                prop_assert!(is_of(&source, &name));
            }
        }
    }
}
