//! Numbers and amounts of money, as people read them.

/// With the thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A quantity without its fraction.
pub(crate) fn grouped_number(quantity: f64) -> String {
    grouped(format!("{quantity:.0}").parse().unwrap_or_default())
}

/// Cents matter below a thousand dollars.
pub(crate) fn dollars(amount: f64) -> String {
    if amount < 1_000.0 { format!("${amount:.2}") } else { format!("${}", grouped_number(amount)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_read_them() {
        assert_eq!(dollars(0.004), "$0.00");
        assert_eq!(dollars(24.096), "$24.10");
        assert_eq!(dollars(24_096.4), "$24,096");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(999), "999");
    }
}
