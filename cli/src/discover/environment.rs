//! Names that say of which environment they are. A stack of one must never be given a name of another.

/// Words that mean the same environment.
const SAME: [&[&str]; 9] = [
    &["production", "prod", "prd", "live"],
    &["staging", "stage", "stg"],
    &["development", "develop", "dev"],
    &["test", "testing", "tst"],
    &["preproduction", "preprod"],
    &["qa"],
    &["uat"],
    &["demo"],
    &["sandbox"],
];

/// The word of another environment in a name, as it stands there.
pub(crate) fn of_another<'a>(name: &'a str, environment: &str) -> Option<&'a str> {
    let own: Vec<Option<usize>> = words(environment).map(kind).collect();
    words(name).find(|word| {
        let kind = kind(word);
        kind.is_some() && !own.contains(&kind)
    })
}

/// The environment that a name says it is of: the word itself, where it says one.
pub(crate) fn named_in(name: &str) -> Option<String> {
    let mut found = words(name).filter(|word| kind(word).is_some());
    let first = found.next()?.to_lowercase();
    found.all(|other| kind(other) == kind(&first)).then_some(first)
}

/// Whether an environment's name says what it is, so that another's word in a name cannot be meant.
pub(crate) fn is_known(environment: &str) -> bool {
    words(environment).any(|word| kind(word).is_some())
}

fn kind(word: &str) -> Option<usize> {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    SAME.iter().position(|same| same.iter().any(|one| one.eq_ignore_ascii_case(word)))
}

/// The words of a name: what stands between signs, and what begins with a capital after a small letter.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    parts.flat_map(|part| {
        let small_before = part.char_indices().zip(part.chars().skip(1));
        let bounds = small_before
            .filter(|((_, before), after)| before.is_ascii_lowercase() && after.is_ascii_uppercase())
            .map(|((at, before), _)| at + before.len_utf8());
        let ends = bounds.clone().chain([part.len()]);
        let begins: Vec<usize> = [0].into_iter().chain(bounds).collect();
        begins
            .into_iter()
            .zip(ends.collect::<Vec<_>>())
            .filter_map(|(from, to)| part.get(from..to))
            .collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_another_environment_is_known_by_its_word() {
        for (name, environment, expected) in [
            ("lendpeak2-production", "staging", Some("production")),
            ("lendpeak2-prod-db", "staging", Some("prod")),
            ("arn:aws:iam::123456789012:role/LendPeakProdTask", "staging", Some("Prod")),
            ("lendpeak2-prod1", "staging", Some("prod1")),
            ("/ecs/lendpeak2/staging", "production", Some("staging")),
            ("staging-copy-of-production", "staging", Some("production")),
            ("lendpeak2-production", "blue", Some("production")),
            ("lendpeak2-prod", "production", None),
            ("lendpeak2-production", "prod-eu", None),
            ("lendpeak2-stg", "staging", None),
            ("products-latest-stagehand", "staging", None),
            ("lendpeak2", "staging", None),
            ("", "staging", None),
            ("ÄProd-é", "production", None),
        ] {
            assert_eq!(of_another(name, environment), expected, "{name} in {environment}");
        }
    }

    #[test]
    fn a_name_may_say_its_environment() {
        assert!(is_known("eu-prod1") && !is_known("blue"));
        for (name, expected) in [
            ("lendpeak2-production/backend", Some("production")),
            ("LendPeakStaging", Some("staging")),
            ("prod/backend-prod", Some("prod")),
            ("prod/backend-staging", None),
            ("lendpeak2/backend", None),
        ] {
            assert_eq!(named_in(name).as_deref(), expected, "{name}");
        }
    }
}
