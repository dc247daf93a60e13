//! The alarms in a composite alarm's rule: `ALARM("a") AND NOT (OK(b) OR ALARM(arn:…:c))`.

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    /// Whether the rule asks that this alarm is in ALARM.
    pub(super) rings: bool,
}

pub(super) fn alarms(rule: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = rule;
    // For each open parenthesis, whether what is in it is negated.
    let mut open: Vec<bool> = Vec::new();
    let mut negated = false;
    while let Some(first) = rest.chars().next() {
        let inside = open.last().copied().unwrap_or(false);
        if let Some((state, after)) = function(rest) {
            let (names, after) = arguments(after);
            let (rings, names) = match state {
                // AT_LEAST(2, ALARM, (a, b, c))
                "AT_LEAST" => {
                    let condition = names.get(1).map(String::as_str).unwrap_or_default();
                    (condition == "ALARM", names.get(2..).unwrap_or_default().to_vec())
                }
                state => (state == "ALARM", names),
            };
            let rings = rings && negated == inside;
            parts.extend(names.into_iter().map(|name| Part { name, rings }));
            negated = false;
            rest = after;
        } else if let Some(after) = word(rest, "NOT") {
            negated = !negated;
            rest = after;
        } else {
            match first {
                '(' => {
                    open.push(inside != negated);
                    negated = false;
                }
                ')' => _ = open.pop(),
                _ => {}
            }
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    parts
}

fn word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let after = text.strip_prefix(word)?;
    after.starts_with([' ', '(', '\n', '\t']).then_some(after)
}

fn function(text: &str) -> Option<(&'static str, &str)> {
    ["ALARM", "OK", "INSUFFICIENT_DATA", "AT_LEAST"].into_iter().find_map(|state| {
        let after = text.strip_prefix(state)?.trim_start();
        Some((state, after.strip_prefix('(')?))
    })
}

/// Names to the closing parenthesis; a quoted one may have any sign in it.
fn arguments(text: &str) -> (Vec<String>, &str) {
    let mut names = Vec::new();
    let mut rest = text;
    let mut depth = 1_usize;
    loop {
        rest = rest.trim_start_matches([' ', ',', '\n', '\t']);
        let Some(first) = rest.chars().next() else { return (names, rest) };
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        match first {
            '(' => {
                depth += 1;
                rest = after;
            }
            ')' => {
                depth -= 1;
                rest = after;
                if depth == 0 {
                    return (names, rest);
                }
            }
            '"' | '\'' => {
                let (name, next) = after.split_once(first).unwrap_or((after, ""));
                names.push(bare(name));
                rest = next;
            }
            _ => {
                let end = rest.find([')', ',']).unwrap_or(rest.len());
                let (name, next) = rest.split_at_checked(end).unwrap_or((rest, ""));
                names.push(bare(name.trim()));
                rest = next;
            }
        }
    }
}

/// An alarm's ARN ends with its name.
fn bare(name: &str) -> String {
    let named = name.starts_with("arn:").then(|| name.split_once(":alarm:")).flatten();
    named.map_or(name, |(_, name)| name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_says_which_alarms_must_ring() {
        let all = |rule| alarms(rule).into_iter().map(|part| (part.name, part.rings)).collect::<Vec<_>>();
        let rings = |name: &str| (name.to_owned(), true);
        let calm = |name: &str| (name.to_owned(), false);
        assert_eq!(all(r#"ALARM("a (b)") OR ALARM(c)"#), [rings("a (b)"), rings("c")]);
        assert_eq!(all("ALARM(a) AND NOT ALARM(b)"), [rings("a"), calm("b")]);
        assert_eq!(all("NOT (OK(a) OR NOT ALARM(b)) AND ALARM(c)"), [calm("a"), rings("b"), rings("c")]);
        assert_eq!(all("ALARM(arn:aws:cloudwatch:us-east-1:1:alarm:a)"), [rings("a")]);
        assert_eq!(all(r#"AT_LEAST(2, ALARM, (a, "b", c))"#), [rings("a"), rings("b"), rings("c")]);
        assert_eq!(all("TRUE"), []);
    }
}
