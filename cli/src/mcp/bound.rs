//! How much an agent is told: what does not fit is left out, from the end, and counted.

use serde_json::Value;

/// As much as is read with attention, and well below what clients cut off themselves: of the words, and of the values.
pub(super) const LONGEST: usize = 10_000;

/// The most entries of a list, and characters of a text, the first that fits.
const TRIED: [(usize, usize); 6] = [(100, 2_000), (30, 1_000), (10, 500), (5, 250), (2, 100), (1, 50)];

/// As many lines as fit; the last one may be cut.
pub(super) fn words(text: &str) -> String {
    const ROOM: usize = 100;
    let text = text.trim_end();
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    let mut lines = text.lines();
    for line in lines.by_ref() {
        let length = line.chars().count() + 1;
        if used + length > LONGEST - ROOM {
            kept.extend(line.chars().take(LONGEST - ROOM - used));
            let left = lines.count() + 1;
            return format!("{kept}\n… lines left out or cut: {left}; ask for less");
        }
        used += length;
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

/// A value that fits, and how many entries of lists and ends of texts were left out.
pub(super) fn value(value: Value) -> (Value, usize) {
    if fits(&value) {
        return (value, 0);
    }
    for (entries, characters) in TRIED {
        let mut cut = value.clone();
        let left_out = shorten(&mut cut, entries, characters);
        if fits(&cut) {
            return (cut, left_out);
        }
    }
    // Nothing but names, and too many of them.
    (Value::Null, 1)
}

fn fits(value: &Value) -> bool {
    value.to_string().chars().count() <= LONGEST
}

fn shorten(value: &mut Value, entries: usize, characters: usize) -> usize {
    match value {
        Value::Array(list) => {
            let left_out = list.len().saturating_sub(entries);
            list.truncate(entries);
            left_out + list.iter_mut().map(|entry| shorten(entry, entries, characters)).sum::<usize>()
        }
        Value::Object(fields) => fields.values_mut().map(|field| shorten(field, entries, characters)).sum(),
        Value::String(text) if text.chars().count() > characters => {
            *text = text.chars().take(characters).chain(['…']).collect();
            1
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fits_is_left_as_it_is() {
        assert_eq!(words("one\ntwo\n"), "one\ntwo");
        assert_eq!(value(json!({ "a": [1, 2] })), (json!({ "a": [1, 2] }), 0));
    }

    #[test]
    fn lines_are_left_out_from_the_end_and_counted() {
        let cut = words(&"twenty characters…..\n".repeat(1_000));
        assert!(cut.chars().count() <= LONGEST, "{}", cut.len());
        let (kept, note) = cut.rsplit_once('\n').unwrap();
        // The last one that is there is cut.
        let left = 1_000 - (kept.lines().count() - 1);
        assert_eq!(note, format!("… lines left out or cut: {left}; ask for less"));
    }

    #[test]
    fn one_endless_line_is_cut() {
        let cut = words(&"é".repeat(LONGEST * 3));
        assert!(cut.chars().count() <= LONGEST);
        assert!(cut.ends_with("… lines left out or cut: 1; ask for less"), "{cut}");
    }

    #[test]
    fn lists_and_texts_are_cut_until_the_whole_fits() {
        let (cut, left_out) =
            value(json!({ "summary": "s", "records": vec![json!({ "reason": "é".repeat(500) }); 1_000] }));
        assert!(fits(&cut) && left_out > 900, "{left_out}");
        assert_eq!(cut.get("summary"), Some(&json!("s")));
        let (cut, left_out) = value(json!("x".repeat(LONGEST * 2)));
        assert!(fits(&cut) && left_out == 1);
    }

    #[test]
    fn what_cannot_be_cut_is_left_out() {
        let names: serde_json::Map<String, Value> =
            (0..LONGEST).map(|number| (format!("name {number}"), json!(1))).collect();
        assert_eq!(value(Value::Object(names)), (Value::Null, 1));
    }
}
