//! What the instances of a database cost: list prices, for a rough idea before somebody approves, and of what is left.

/// Dollars an hour of an instance on demand in us-east-1 with standard storage, rounded; the AWS pricing page of
/// early 2025 (<https://aws.amazon.com/documentdb/pricing/>). Storage, I/O and backups come on top.
const DOLLARS_AN_HOUR: [(&str, f64); 16] = [
    ("db.t3.medium", 0.078),
    ("db.t4g.medium", 0.076),
    ("db.r5.large", 0.277),
    ("db.r5.xlarge", 0.554),
    ("db.r5.2xlarge", 1.107),
    ("db.r5.4xlarge", 2.215),
    ("db.r5.8xlarge", 4.430),
    ("db.r5.12xlarge", 6.645),
    ("db.r5.24xlarge", 13.289),
    ("db.r6g.large", 0.263),
    ("db.r6g.xlarge", 0.526),
    ("db.r6g.2xlarge", 1.053),
    ("db.r6g.4xlarge", 2.106),
    ("db.r6g.8xlarge", 4.213),
    ("db.r6g.12xlarge", 6.319),
    ("db.r6g.16xlarge", 8.426),
];

/// Dollars an hour of an instance of this class, if its price is known here.
pub fn of_class(class: &str) -> Option<f64> {
    DOLLARS_AN_HOUR.iter().find(|(known, _)| *known == class).map(|(_, price)| *price)
}

/// What instances of these classes cost, in words.
pub fn an_hour(classes: &[&str]) -> String {
    let mut dollars = 0.0;
    let mut unknown: Vec<&str> = Vec::new();
    for class in classes {
        match of_class(class) {
            Some(price) => dollars += price,
            None => unknown.push(class),
        }
    }
    unknown.dedup();
    match (dollars > 0.0, unknown.is_empty()) {
        (true, true) => format!("about ${dollars:.2} an hour for the instances (us-east-1)"),
        (true, false) => {
            format!(
                "more than ${dollars:.2} an hour: the price of {} is not known here",
                unknown.join(" and ")
            )
        }
        (false, _) => format!("a price that is not known here ({})", unknown.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_is_the_sum_and_says_what_it_leaves_out() {
        assert_eq!(
            an_hour(&["db.r6g.large", "db.r6g.large"]),
            "about $0.53 an hour for the instances (us-east-1)"
        );
        assert_eq!(
            an_hour(&["db.r6g.large", "db.x9.huge"]),
            "more than $0.26 an hour: the price of db.x9.huge is not known here"
        );
        assert_eq!(an_hour(&["db.x9.huge", "db.x9.huge"]), "a price that is not known here (db.x9.huge)");
    }
}
