//! Which way an expression goes when a metric in it grows: `100 - idle` falls, `failed / asked` rises with `failed`.

/// What happens to the value when the metric grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
    /// The metric is not in it.
    Same,
    /// Both, or unknown.
    Unknown,
}

impl Way {
    fn turned(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
            other => other,
        }
    }

    fn with(self, other: Self) -> Self {
        match (self, other) {
            (way, Self::Same) | (Self::Same, way) => way,
            (one, other) if one == other => one,
            _ => Self::Unknown,
        }
    }
}

/// A part of an expression: its way, and its value where that is a constant.
#[derive(Clone, Copy)]
struct Term {
    way: Way,
    constant: Option<f64>,
}

impl Term {
    fn of(way: Way) -> Self {
        Self { way, constant: None }
    }
}

/// How an expression goes, by how the queries in it go.
pub(super) fn way(expression: &str, of: &dyn Fn(&str) -> Way) -> Way {
    let mut parser = Parser { rest: expression.trim(), of, depth: 0 };
    let term = parser.condition();
    match term {
        Some(term) if parser.rest.trim().is_empty() => term.way,
        _ => Way::Unknown,
    }
}

struct Parser<'a> {
    rest: &'a str,
    of: &'a dyn Fn(&str) -> Way,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(sign);
        if let Some(after) = after {
            self.rest = after;
        }
        after.is_some()
    }

    /// Comparisons and their conjunctions: `m1 > 80 && m2 > 5` rises with both.
    fn condition(&mut self) -> Option<Term> {
        const DEEPEST: usize = 30;
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut left = self.comparison()?;
        while self.take("&&") || self.take("||") || self.word("AND") || self.word("OR") {
            left = Term::of(left.way.with(self.comparison()?.way));
        }
        self.depth -= 1;
        Some(left)
    }

    fn word(&mut self, word: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(word).filter(|after| after.starts_with([' ', '(']));
        if let Some(after) = after {
            self.rest = after;
        }
        after.is_some()
    }

    fn comparison(&mut self) -> Option<Term> {
        let left = self.sum()?;
        for (sign, rises) in [
            (">=", Some(true)),
            ("<=", Some(false)),
            ("==", None),
            ("!=", None),
            (">", Some(true)),
            ("<", Some(false)),
        ] {
            if self.take(sign) {
                let right = self.sum()?;
                let way = left.way.with(right.way.turned());
                return Some(Term::of(match rises {
                    Some(true) => way,
                    Some(false) => way.turned(),
                    None if way == Way::Same => Way::Same,
                    None => Way::Unknown,
                }));
            }
        }
        Some(left)
    }

    fn sum(&mut self) -> Option<Term> {
        let mut left = self.product()?;
        loop {
            let minus = if self.take("+") {
                false
            } else if self.take("-") {
                true
            } else {
                return Some(left);
            };
            let right = self.product()?;
            left = Term::of(left.way.with(if minus { right.way.turned() } else { right.way }));
        }
    }

    fn product(&mut self) -> Option<Term> {
        let mut left = self.factor()?;
        loop {
            if self.take("*") {
                let right = self.factor()?;
                let turns = [left, right].iter().any(|term| term.constant.is_some_and(|number| number < 0.0));
                let way = left.way.with(right.way);
                left = Term::of(if turns { way.turned() } else { way });
            } else if self.take("/") {
                let right = self.factor()?;
                // A share of a whole rises with its part, although that is in the whole as well.
                let way = if left.way == Way::Same { right.way.turned() } else { left.way };
                let turns = right.constant.is_some_and(|number| number < 0.0);
                left = Term::of(if turns { way.turned() } else { way });
            } else if self.take("^") {
                left = Term::of(left.way.with(self.factor()?.way));
            } else {
                return Some(left);
            }
        }
    }

    fn factor(&mut self) -> Option<Term> {
        if self.take("-") {
            let term = self.factor()?;
            return Some(Term { way: term.way.turned(), constant: term.constant.map(|number| -number) });
        }
        if self.take("(") {
            let term = self.condition()?;
            return self.take(")").then_some(term);
        }
        let text = self.rest.trim_start();
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && !"_.".contains(letter));
        let (name, rest) = text.split_at_checked(end.unwrap_or(text.len()))?;
        if name.is_empty() {
            return None;
        }
        self.rest = rest;
        if let Ok(number) = name.parse() {
            return Some(Term { way: Way::Same, constant: Some(number) });
        }
        if !self.take("(") {
            return Some(Term::of((self.of)(name)));
        }
        self.function(name)
    }

    fn function(&mut self, name: &str) -> Option<Term> {
        let mut arguments = Vec::new();
        while !self.take(")") {
            // METRICS("m"), FILL(m, REPEAT)
            if self.take("\"") || self.take("'") {
                return None;
            }
            arguments.push(self.condition()?);
            if !self.take(",") {
                if self.take(")") {
                    break;
                }
                return None;
            }
        }
        let ways = || arguments.iter().map(|term| term.way);
        let all = ways().fold(Way::Same, Way::with);
        Some(Term::of(match name {
            "IF" => match arguments.as_slice() {
                [condition, then, rest @ ..] => {
                    let otherwise = rest.first().copied().unwrap_or(Term { way: Way::Same, constant: None });
                    let values = then.way.with(otherwise.way);
                    match (values, then.constant, otherwise.constant) {
                        // `IF(m > 80, 1, 0)`: the condition is the value.
                        (Way::Same, Some(yes), Some(no)) if yes < no => condition.way.turned(),
                        (Way::Same, ..) => condition.way,
                        (values, ..) => values,
                    }
                }
                _ => Way::Unknown,
            },
            "FILL"
            | "CEIL"
            | "FLOOR"
            | "MAX"
            | "MIN"
            | "AVG"
            | "SUM"
            | "RUNNING_SUM"
            | "LOG"
            | "LOG10"
            | "REMOVE_EMPTY"
            | "ANOMALY_DETECTION_BAND" => all,
            _ if all == Way::Same => Way::Same,
            _ => Way::Unknown,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_goes_one_way_with_what_it_counts() {
        let goes = |expression: &str| way(expression, &|name| if name == "m" { Way::Up } else { Way::Same });
        for up in [
            "m",
            "m * 100 / asked",
            "IF(asked >= 20, 100 * m / asked, 0)",
            "IF(asked >= 20, 100 * (FILL(m, 0) + other) / (asked + FILL(m, 0) - m), 0)",
            "FILL(m, 0) + FILL(other, 0)",
            "m / (m + other)",
            "IF(m > 80, 1, 0)",
            "100 - (100 - m)",
            "-1 * (0 - m)",
            "m > 80 && other > 5",
            "MAX(m)",
            "IF(m < 80, 0, 1)",
        ] {
            assert_eq!(goes(up), Way::Up, "{up}");
        }
        for down in ["100 - m", "-m", "1 / m", "IF(m < 5, 1, 0)", "other - m", "m < 5", "m * -1"] {
            assert_eq!(goes(down), Way::Down, "{down}");
        }
        for unknown in
            ["m - m / 2 + (3 - m)", "RATE(m)", "ABS(m)", "SEARCH('x', 'Average')", "m +", "(m", "m m", ""]
        {
            assert_eq!(goes(unknown), Way::Unknown, "{unknown}");
        }
        assert_eq!(goes("other * 2"), Way::Same);
    }
}
