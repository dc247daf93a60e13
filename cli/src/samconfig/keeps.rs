//! Whatever a file looks like: what is not changed stays as it is to the byte.

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// Parts of a section of somebody else.
const OTHERS: [&str; 6] = [
    "# Ana's\n",
    "[default.validate.parameters]\nlint = true\n",
    "\n\n   \n",
    "[q.deploy.parameters]\nparameter_overrides = [ \"A=9\",'B=8' ,]   # odd\n",
    "[[list]]\nx = '''\n[p.deploy.parameters]\n'''\n",
    "[z]\nd = 2026-12-01\nf = 1e3\ni = { a = [1,\n2], }\n",
];
/// Items of the list, with what stands around them.
const ITEMS: [&str; 7] = [
    "    \"A=1\",\n",
    "\t'A=1' , # a, b ] c\n",
    "  # certain: an earlier run\n  \"B=2\",\n",
    "\"C='x y'\", \"D=4\",",
    "\n# \"A=0\",\n",
    "    \"\"\"E=5 F=6\"\"\",\n",
    "    \"G=\\u0041\",\n",
];

fn file() -> impl Strategy<Value = (String, String, String)> {
    let others = || vec(select(&OTHERS), 0..3).prop_map(|all| all.concat());
    // A name stands once in TOML.
    let before = others().prop_filter("sections are named once", |text| {
        text.matches("[q.").count() < 2
            && text.matches("[z]").count() < 2
            && text.matches("[default.").count() < 2
    });
    let items = vec(select(&ITEMS), 0..5).prop_map(|all| all.concat());
    (before, items, select(vec!["", "\nx = 1\n", "\n[y]\n# end"]), any::<bool>(), any::<bool>()).prop_map(
        |(before, items, after, crlf, tight)| {
            let begin = format!(
                "{before}[p.deploy.parameters] # head\nstack_name = \"s\"\nparameter_overrides={}[",
                if tight { "" } else { "  " }
            );
            let end = format!("]{after}");
            let ends = |text: String| if crlf { text.replace('\n', "\r\n") } else { text };
            (ends(begin), ends(items), ends(end))
        },
    )
}

proptest! {
    #[test]
    fn everything_around_the_list_and_every_other_item_stays((begin, items, end) in file(), value in "[a-z]{1,6}|x y|") {
        let text = format!("{begin}{items}{end}");
        let before = Samconfig { path: "f".into(), text: text.clone(), exists: true };
        let settings = ["A", "N"].map(|name| Setting {
            name: name.to_owned(),
            value: value.clone(),
            comment: format!("guess: {name} = [it]"),
        });
        let after = before.with("p", &settings).unwrap();
        prop_assert!(after.starts_with(&begin), "{after}");
        prop_assert!(after.ends_with(&end), "{after}");
        // Lines that say nothing of what was changed are all there, in their order.
        let list = &after[begin.len()..after.len() - end.len()];
        let mut left = list.lines();
        for line in items.lines().filter(|line| !line.contains("A=1") && !line.contains("certain: ") && !line.contains('D')) {
            let is_there = line.trim().is_empty() || left.any(|one| one.trim_end_matches(',').trim_end() == line.trim_end_matches(',').trim_end());
            prop_assert!(is_there, "{line} is gone from {list}");
        }
        // To write it again changes nothing.
        let again = Samconfig { path: "f".into(), text: after.clone(), exists: true };
        prop_assert_eq!(again.with("p", &settings).unwrap(), after);
    }
}
