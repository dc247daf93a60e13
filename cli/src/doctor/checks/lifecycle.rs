//! Whether ECR itself deletes the image of a release that rollback would go back to.

use serde::Deserialize;

use crate::doctor::verdict::{Unseen, Verdict};

/// An image of several platforms counts as several.
const FEWEST_IMAGES: u32 = 10;
/// A service that is well may run for a quarter of a year without a release.
const FEWEST_DAYS: u32 = 90;

/// As far as it matters here
/// (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html>).
#[derive(Debug, Deserialize)]
struct Policy {
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    rule_priority: u32,
    selection: Selection,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Selection {
    tag_status: String,
    #[serde(default)]
    tag_prefix_list: Vec<String>,
    #[serde(default)]
    tag_pattern_list: Vec<String>,
    /// `imageCountMoreThan`, or a time since something, in days.
    count_type: String,
    count_number: u32,
}

impl Selection {
    /// Whether it is about an image with this tag; `None` is a tag that is not known.
    fn is_of(&self, tag: Option<&str>) -> bool {
        match (self.tag_status.as_str(), tag) {
            ("any", _) | ("tagged", None) => true,
            // Of several, an image has to have each: one that has a single tag has them all.
            ("tagged", Some(tag)) => {
                self.tag_prefix_list.iter().all(|prefix| tag.starts_with(prefix.as_str()))
                    && self.tag_pattern_list.iter().all(|pattern| matches(pattern, tag))
            }
            _ => false,
        }
    }

    fn is_of_untagged(&self) -> bool {
        matches!(self.tag_status.as_str(), "any" | "untagged")
    }

    fn is_short(&self) -> bool {
        let fewest = if self.counts() { FEWEST_IMAGES } else { FEWEST_DAYS };
        self.count_number < fewest
    }

    fn counts(&self) -> bool {
        self.count_type == "imageCountMoreThan"
    }

    /// As in `keeps the newest 3 images`.
    fn said(&self) -> String {
        let number = self.count_number;
        let days = if number == 1 { "1 day".to_owned() } else { format!("{number} days") };
        match self.count_type.as_str() {
            "imageCountMoreThan" => format!("keeps the newest {number} alone"),
            "sinceImagePulled" => format!("keeps them for {days} after they were last pulled"),
            _ => format!("keeps them for {days}"),
        }
    }
}

/// A `*` stands for any characters.
fn matches(pattern: &str, tag: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = tag.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// `tag` is that of the release that runs, unless it is named by digest; `may_move` is whether a tag can be pushed again,
/// which leaves the image of the release before without one.
pub(super) fn judged(
    text: &str,
    repository: &str,
    tag: Option<&str>,
    may_move: bool,
) -> Result<Verdict, Unseen> {
    let policy: Policy = serde_json::from_str(text).map_err(|error| {
        Unseen::new(format!("the lifecycle policy of {repository} cannot be read: {error}"))
    })?;
    let mut rules: Vec<&Rule> = policy.rules.iter().collect();
    rules.sort_by_key(|rule| rule.rule_priority);
    // What a rule is about is left alone by those after it.
    let first = |is_it: &dyn Fn(&Selection) -> bool| {
        rules.iter().map(|rule| &rule.selection).find(|selection| is_it(selection))
    };
    let tagged = first(&|selection| selection.is_of(tag)).map(|rule| ("images", rule));
    let untagged = first(&Selection::is_of_untagged)
        .filter(|_| may_move && tag.is_some())
        .map(|rule| ("images whose tag was pushed again", rule));
    let short = tagged.into_iter().chain(untagged).find(|(_, rule)| rule.is_short());
    let Some((of, rule)) = short else {
        return Ok(Verdict::ok(format!(
            "the lifecycle policy of {repository} keeps the releases before this one"
        )));
    };
    Ok(Verdict::warn(
        format!("of {of} of {repository}, the lifecycle policy {}", rule.said()),
        "the image of the release that rollback would go back to may be gone, or that of the one that runs, which a \
         new task has to pull",
        format!(
            "aws ecr get-lifecycle-policy --repository-name {repository} --query lifecyclePolicyText --output text   # \
             and put one that keeps {FEWEST_IMAGES} images and {FEWEST_DAYS} days or more: aws ecr \
             put-lifecycle-policy --repository-name {repository} --lifecycle-policy-text file://policy.json"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::doctor::verdict::Word;

    fn rule(priority: u32, status: &str, count: &str, number: u32) -> Value {
        json!({ "rulePriority": priority, "description": "x", "action": { "type": "expire" }, "selection": {
            "tagStatus": status, "countType": count, "countUnit": "days", "countNumber": number } })
    }

    fn of(rule: Value, field: &str, tags: &[&str]) -> Value {
        let mut rule = rule;
        rule["selection"][field] = json!(tags);
        rule
    }

    /// What is said of a repository whose tags do not move, for a release with the tag `v7`.
    #[track_caller]
    fn check(rules: &[Value], expected: Option<&str>) {
        let text = json!({ "rules": rules }).to_string();
        let verdict = judged(&text, "backend", Some("v7"), false).unwrap();
        let says = (verdict.word == Word::Warn).then_some(verdict.says);
        assert_eq!(says.as_deref(), expected, "{text}");
    }

    #[test]
    fn few_images_or_days_are_a_warning() {
        check(&[], None);
        check(&[rule(1, "any", "imageCountMoreThan", 10)], None);
        let three = "of images of backend, the lifecycle policy keeps the newest 3 alone";
        check(&[rule(1, "any", "imageCountMoreThan", 3)], Some(three));
        check(&[rule(1, "any", "sinceImagePushed", 90)], None);
        let days = "of images of backend, the lifecycle policy keeps them for 14 days";
        check(&[rule(1, "any", "sinceImagePushed", 14)], Some(days));
        let pulled =
            "of images of backend, the lifecycle policy keeps them for 7 days after they were last pulled";
        check(&[rule(1, "any", "sinceImagePulled", 7)], Some(pulled));
    }

    #[test]
    fn the_first_rule_about_the_releases_tag_counts() {
        let short = || rule(1, "tagged", "imageCountMoreThan", 2);
        check(&[of(short(), "tagPrefixList", &["pr-"])], None);
        check(&[of(short(), "tagPatternList", &["*-test"])], None);
        let two = Some("of images of backend, the lifecycle policy keeps the newest 2 alone");
        check(&[of(short(), "tagPrefixList", &["v"])], two);
        check(&[of(short(), "tagPatternList", &["v*"])], two);
        let long = of(rule(1, "tagged", "imageCountMoreThan", 50), "tagPrefixList", &["v"]);
        check(&[rule(2, "any", "sinceImagePushed", 1), long], None);
        check(&[rule(1, "untagged", "sinceImagePushed", 1)], None);
    }

    #[test]
    fn where_tags_move_the_image_before_has_none() {
        let text = json!({ "rules": [rule(1, "untagged", "sinceImagePushed", 1)] }).to_string();
        let of = |tag, may_move| judged(&text, "backend", tag, may_move).unwrap();
        assert_eq!(
            of(Some("latest"), true).says,
            "of images whose tag was pushed again of backend, the lifecycle policy keeps them for 1 day"
        );
        assert_eq!((of(Some("v7"), false).word, of(None, true).word), (Word::Ok, Word::Ok));
        assert!(judged("{", "backend", None, false).is_err());
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, tag, expected) in [
            ("v*", "v7", true),
            ("*", "", true),
            ("v7", "v7", true),
            ("v7", "v71", false),
            ("*rc*1", "v7-rc-1", true),
            ("*rc*1", "v7-rc-2", false),
            ("prod*", "v7", false),
        ] {
            assert_eq!(matches(pattern, tag), expected, "{pattern}, {tag}");
        }
    }
}
