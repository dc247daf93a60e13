//! What the alarm on 5xx answers reckons, from the metrics as AWS documents them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::template::document::Template;

/// Answers of a load balancer in one period.
#[derive(Debug, Clone, Copy, Default)]
struct Answers {
    good: u32,
    /// The targets' own 5xx.
    target_5xx: u32,
    /// The load balancer's own, by code. For a 502 and a 504 it had chosen a target.
    own_500: u32,
    own_502: u32,
    own_503: u32,
    own_504: u32,
}

impl Answers {
    /// As CloudWatch has them. `RequestCount` is "only incremented for requests where the load balancer node was able to
    /// choose a target", and `HTTPCode_ELB_5XX_Count` has all codes that the load balancer makes itself. What has not
    /// occurred has no value (Elastic Load Balancing, CloudWatch metrics for your Application Load Balancer).
    fn metrics(self) -> BTreeMap<&'static str, f64> {
        let Self { good, target_5xx, own_500, own_502, own_503, own_504 } = self;
        [
            ("RequestCount", good + target_5xx + own_502 + own_504),
            ("HTTPCode_Target_5XX_Count", target_5xx),
            ("HTTPCode_ELB_5XX_Count", own_500 + own_502 + own_503 + own_504),
            ("HTTPCode_ELB_500_Count", own_500),
            ("HTTPCode_ELB_502_Count", own_502),
            ("HTTPCode_ELB_503_Count", own_503),
            ("HTTPCode_ELB_504_Count", own_504),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name, f64::from(count)))
        .collect()
    }
}

/// The metric math of an alarm, for one period.
struct Math<'a> {
    queries: &'a [Value],
    metrics: BTreeMap<&'static str, f64>,
}

impl Math<'_> {
    /// What the alarm compares with its threshold; none where there is no value.
    fn compared(&self) -> Result<Option<f64>> {
        let mut compared = self.queries.iter().filter(|query| query["ReturnData"] == true);
        let query = compared.next().context("nothing is compared")?;
        ensure!(compared.next().is_none(), "CloudWatch refuses an alarm that compares two");
        self.query(query)
    }

    fn query(&self, query: &Value) -> Result<Option<f64>> {
        let Some(expression) = query["Expression"].as_str() else {
            let stat = &query["MetricStat"];
            ensure!(stat["Stat"] == "Sum", "{query}");
            let name = stat["Metric"]["MetricName"].as_str().context("a query of nothing")?;
            return Ok(self.metrics.get(name).copied());
        };
        let mut reader = Reader { rest: expression, math: self };
        let value = reader.comparison()?;
        ensure!(reader.rest.trim().is_empty(), "`{}` is left of {expression}", reader.rest);
        Ok(value)
    }

    fn named(&self, id: &str) -> Result<Option<f64>> {
        let query = self.queries.iter().find(|query| query["Id"] == id);
        self.query(query.with_context(|| format!("there is no {id}"))?)
    }
}

/// Reads as much of CloudWatch's expressions as the template has.
struct Reader<'a> {
    rest: &'a str,
    math: &'a Math<'a>,
}

/// Where one side has no value, there is none.
fn both(one: Option<f64>, other: Option<f64>, of: fn(f64, f64) -> f64) -> Option<f64> {
    Some(of(one?, other?))
}

impl Reader<'_> {
    fn takes(&mut self, sign: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn comparison(&mut self) -> Result<Option<f64>> {
        let left = self.sum()?;
        if self.takes(">=") {
            return Ok(both(left, self.sum()?, |left, right| f64::from(u8::from(left >= right))));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Option<f64>> {
        let mut left = self.product()?;
        loop {
            if self.takes("+") {
                left = both(left, self.product()?, |left, right| left + right);
            } else if self.takes("-") {
                left = both(left, self.product()?, |left, right| left - right);
            } else {
                return Ok(left);
            }
        }
    }

    fn product(&mut self) -> Result<Option<f64>> {
        let mut left = self.factor()?;
        loop {
            if self.takes("*") {
                left = both(left, self.factor()?, |left, right| left * right);
            } else if self.takes("/") {
                left = both(left, self.factor()?, |left, right| left / right);
            } else {
                return Ok(left);
            }
        }
    }

    fn factor(&mut self) -> Result<Option<f64>> {
        let text = self.rest.trim_start();
        let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        self.rest = rest;
        if let Ok(number) = name.parse() {
            return Ok(Some(number));
        }
        if !self.takes("(") {
            return self.math.named(name);
        }
        let mut arguments = vec![self.comparison()?];
        while self.takes(",") {
            arguments.push(self.comparison()?);
        }
        ensure!(self.takes(")"), "{name} is not closed: `{}`", self.rest);
        match (name, arguments.as_slice()) {
            ("FILL", [value, otherwise]) => Ok(value.or(*otherwise)),
            ("IF", [condition, then, otherwise]) => {
                Ok(condition.and_then(|holds| if holds == 0.0 { *otherwise } else { *then }))
            }
            other => bail!("these checks know nothing of {other:?}"),
        }
    }
}

#[test]
fn the_5xx_rate_counts_no_answer_twice() -> Result<()> {
    let template = Template::read()?;
    let alarm = &template.0["Resources"]["Alb5xxRateAlarm"]["Properties"];
    let queries = alarm["Metrics"].as_array().context("no metric math")?;
    let check = |answers: Answers, percent: f64| -> Result<()> {
        let rate = Math { queries, metrics: answers.metrics() }.compared()?;
        let rate = rate.with_context(|| format!("no rate of {answers:?}"))?;
        ensure!((rate - percent).abs() < 1e-9, "{rate} % of {answers:?}");
        Ok(())
    };
    let none = Answers::default();
    check(none, 0.0)?;
    check(Answers { good: 100, ..none }, 0.0)?;
    check(Answers { target_5xx: 100, ..none }, 100.0)?;
    check(Answers { own_500: 100, ..none }, 100.0)?;
    check(Answers { own_502: 100, ..none }, 100.0)?;
    check(Answers { own_503: 100, ..none }, 100.0)?;
    check(Answers { own_504: 100, ..none }, 100.0)?;
    check(Answers { good: 100, own_502: 100, ..none }, 50.0)?;
    check(Answers { good: 100, own_503: 100, ..none }, 50.0)?;
    let mixed = Answers { good: 800, target_5xx: 40, own_500: 20, own_502: 30, own_503: 50, own_504: 60 };
    check(mixed, 20.0)?;
    // A quiet minute: of fewer than 20 requests, one error would already be too many.
    check(Answers { good: 18, target_5xx: 1, ..none }, 0.0)?;
    check(Answers { own_502: 19, ..none }, 0.0)?;
    check(Answers { good: 19, own_502: 1, ..none }, 5.0)?;
    check(Answers { own_503: 20, ..none }, 100.0)?;
    Ok(())
}

/// Lambda counts a request that the function does not take as an error of the function.
#[test]
fn a_request_that_incident_does_not_take_is_no_failure_of_it() -> Result<()> {
    let template = Template::read()?;
    let alarm = &template.0["Resources"]["IncidentErrorsAlarm"]["Properties"];
    let queries = alarm["Metrics"].as_array().context("no metric math")?;
    let failed = |metrics: &[(&'static str, f64)]| {
        Math { queries, metrics: metrics.iter().copied().collect() }.compared()
    };
    assert_eq!(failed(&[])?, Some(0.0));
    assert_eq!(failed(&[("Errors", 2.0)])?, Some(2.0));
    assert_eq!(failed(&[("Errors", 2.0), ("RequestsNotTaken", 2.0)])?, Some(0.0));
    assert_eq!(failed(&[("Errors", 3.0), ("RequestsNotTaken", 2.0)])?, Some(1.0));
    assert_eq!(alarm["Threshold"], 0);
    for query in queries.iter().filter(|query| !query["MetricStat"].is_null()) {
        assert_eq!(query["MetricStat"]["Period"], 60);
        assert_eq!(query["MetricStat"]["Metric"]["Dimensions"][0]["Value"]["Ref"], "Incident");
    }
    Ok(())
}

/// Where all answers are bad, an alarm on their percentage has to ring, whatever threshold a person has set.
#[test]
fn a_rate_of_a_hundred_percent_is_above_every_threshold_that_may_be_set() -> Result<()> {
    let template = Template::read()?;
    for (name, parameter) in
        [("Alb5xxRateAlarm", "ErrorRateThreshold"), ("CloudFront4xxRateAlarm", "ClientErrorRateThreshold")]
    {
        let alarm = &template.0["Resources"][name]["Properties"];
        assert_eq!(alarm["Threshold"]["Ref"], parameter);
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{name}");
        assert_eq!(template.0["Parameters"][parameter]["MaxValue"], 99, "{parameter}");
    }
    Ok(())
}

/// CloudWatch takes ten metrics in an alarm, each with an id that begins with a small letter, and adds up whole periods.
#[test]
fn the_metric_math_is_what_cloudwatch_takes() -> Result<()> {
    let template = Template::read()?;
    let alarm = &template.0["Resources"]["Alb5xxRateAlarm"]["Properties"];
    let queries = alarm["Metrics"].as_array().context("no metric math")?;
    let stats: Vec<&Value> = queries.iter().filter(|query| !query["MetricStat"].is_null()).collect();
    assert!(stats.len() <= 10, "{}", stats.len());
    for query in queries {
        let id = query["Id"].as_str().context("a query without an id")?;
        assert!(id.starts_with(|letter: char| letter.is_ascii_lowercase()), "{id}");
        assert!(id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_'), "{id}");
    }
    for query in stats {
        assert_eq!(query["MetricStat"]["Period"]["Ref"], "AlarmPeriodSeconds");
        let dimensions = &query["MetricStat"]["Metric"]["Dimensions"];
        assert_eq!(dimensions[0]["Value"]["Ref"], "LoadBalancerFullName");
    }
    Ok(())
}
