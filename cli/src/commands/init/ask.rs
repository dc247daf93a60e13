//! What a person is asked on a terminal: each guess, and what could not be found.

use crate::{
    discover::findings::{Finding, Findings, Sure},
    parameters,
    samconfig::Overrides,
    screen::Screen,
};

/// After so many answers that cannot be, it is left as it was.
const TRIES: usize = 3;

/// What was typed about one parameter.
#[derive(Debug, PartialEq, Eq)]
enum Typed {
    Value(String),
    LeaveOut,
    Wrong(String),
}

/// Asks about everything that a person has not written already.
pub(super) async fn about(screen: &Screen, findings: &mut Findings, overrides: &Overrides) {
    for finding in std::mem::take(&mut findings.found) {
        let is_written = overrides.get(finding.parameter).is_some_and(|written| *written == finding.value);
        if finding.sure == Sure::Certain || is_written {
            findings.found.push(finding);
            continue;
        }
        let values: Vec<String> =
            std::iter::once(finding.value.clone()).chain(finding.others.iter().cloned()).collect();
        match answer(screen, finding.parameter, &finding.evidence, &values, true).await {
            Some(Typed::Value(value)) => findings.found.push(chosen(finding.parameter, value, &finding)),
            Some(Typed::LeaveOut) => {}
            _ => findings.found.push(finding),
        }
    }
    for open in std::mem::take(&mut findings.open) {
        let is_needed =
            parameters::named(open.parameter).is_some_and(|parameter| parameter.default.is_none());
        let typed = if is_needed && !overrides.contains_key(open.parameter) {
            // What was not taken is never taken by a bare Enter.
            answer(screen, open.parameter, &open.why, &open.others, false).await
        } else {
            None
        };
        match typed {
            Some(Typed::Value(value)) => findings.found.push(Finding {
                parameter: open.parameter,
                value,
                sure: Sure::Certain,
                evidence: "a person said so".to_owned(),
                others: Vec::new(),
            }),
            _ => findings.open.push(open),
        }
    }
}

fn chosen(parameter: &'static str, value: String, guess: &Finding) -> Finding {
    let evidence = if value == guess.value {
        format!("a person said so; {}", guess.evidence)
    } else {
        "a person said so".to_owned()
    };
    Finding { parameter, value, sure: Sure::Certain, evidence, others: Vec::new() }
}

/// Nothing where Enter left it as it is, with nothing to take.
async fn answer(
    screen: &Screen,
    parameter: &str,
    why: &str,
    values: &[String],
    enter_takes: bool,
) -> Option<Typed> {
    let rows = (1..)
        .zip(values)
        .map(|(number, value)| format!("\n{number:>4}  {}", if value.is_empty() { "''" } else { value }));
    screen.plan(&format!("\n{parameter}: {why}{}", rows.collect::<String>()));
    let hint = match (enter_takes, values.is_empty()) {
        (true, _) => "Enter: 1; a number, another value, - leaves it out",
        (false, false) => "a number or another value; Enter leaves it out",
        (false, true) => "a value; Enter leaves it out",
    };
    for _ in 0..TRIES {
        match typed(&screen.prompt(&format!("{parameter}? [{hint}]")).await, parameter, values, enter_takes) {
            Typed::Wrong(why) => screen.plan(&why),
            typed => return Some(typed),
        }
    }
    None
}

fn typed(text: &str, parameter: &str, values: &[String], enter_takes: bool) -> Typed {
    let value = match (text, text.parse::<usize>()) {
        ("-", _) => return Typed::LeaveOut,
        ("", _) => match values.first().filter(|_| enter_takes) {
            Some(first) => first.clone(),
            None => return Typed::LeaveOut,
        },
        ("''", _) => String::new(),
        // A number may be a value, as of MaximumTasks: where it is one of the list it is taken for that.
        (_, Ok(number)) => match number.checked_sub(1).and_then(|at| values.get(at)) {
            Some(value) => value.clone(),
            None => text.to_owned(),
        },
        (other, Err(_)) => other.to_owned(),
    };
    match parameters::named(parameter).and_then(|parameter| parameter.refuses(&value)) {
        Some(why) => Typed::Wrong(why),
        None => Typed::Value(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_number_of_the_list_a_value_or_nothing() {
        let values = ["db-a".to_owned(), "db-b".to_owned()];
        let of = |text: &str| typed(text, "DatabaseCluster", &values, true);
        assert_eq!(of(""), Typed::Value("db-a".to_owned()));
        assert_eq!(of("2"), Typed::Value("db-b".to_owned()));
        assert_eq!(of("db-c"), Typed::Value("db-c".to_owned()));
        assert_eq!(of("-"), Typed::LeaveOut);
        assert!(matches!(of("3"), Typed::Wrong(_)) && matches!(of("DB C"), Typed::Wrong(_)));
        assert_eq!(typed("20", "MaximumTasks", &["4".to_owned()], true), Typed::Value("20".to_owned()));
    }

    #[test]
    fn what_was_not_taken_is_never_taken_by_a_bare_enter() {
        let values = ["lendpeak2-production".to_owned()];
        let of = |text: &str| typed(text, "DatabaseCluster", &values, false);
        assert_eq!(of(""), Typed::LeaveOut);
        assert_eq!(of("1"), Typed::Value("lendpeak2-production".to_owned()));
        assert_eq!(typed("''", "DistributionId", &[], false), Typed::Value(String::new()));
    }
}
