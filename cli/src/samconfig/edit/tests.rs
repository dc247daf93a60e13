use super::*;

fn samconfig(text: &str) -> Samconfig {
    Samconfig { path: "samconfig.toml".into(), text: text.to_owned(), exists: true }
}

fn setting(name: &str, value: &str) -> Setting {
    Setting { name: name.to_owned(), value: value.to_owned(), comment: format!("certain: {name} was seen") }
}

#[track_caller]
fn check(before: &str, settings: &[(&str, &str)], after: &str) {
    let settings: Vec<Setting> = settings.iter().map(|(name, value)| setting(name, value)).collect();
    let written = samconfig(before).with("p", &settings).unwrap();
    assert_eq!(written, after);
    // Once more changes nothing.
    assert_eq!(samconfig(&written).with("p", &settings).unwrap(), after);
}

const HEAD: &str = "[p.deploy.parameters]\n";

#[test]
fn a_value_is_changed_in_its_place_and_said_why() {
    check(
        &format!(
            "{HEAD}parameter_overrides = [\n    # Ana's.\n    \"A=1\",  # one\n    \"Mode=auto\",\n]\nx = 1\n"
        ),
        &[("A", "2")],
        &format!(
            "{HEAD}parameter_overrides = [\n    # Ana's.\n    # certain: A was seen\n    \"A=2\",  # one\n    \"Mode=auto\",\n]\nx = 1\n"
        ),
    );
}

#[test]
fn what_was_said_by_an_earlier_run_is_replaced() {
    check(
        &format!("{HEAD}parameter_overrides = [\n  # guess: old\n  # certain: older\n  'A=1',\n]\n"),
        &[("A", "1")],
        &format!("{HEAD}parameter_overrides = [\n  # certain: A was seen\n  'A=1',\n]\n"),
    );
}

#[test]
fn a_parameter_that_is_missing_is_the_last_of_the_list() {
    let added = "# certain: A was seen\n    \"A=1\",\n";
    for (before, after) in [
        ("[]", format!("[\n    {added}]")),
        ("[\n]", format!("[\n    {added}]")),
        ("[\n    # none yet\n]", format!("[\n    # none yet\n    {added}]")),
        ("[\"B=2\"]", format!("[\"B=2\",\n    {added}]")),
        ("[\"B=2\", ]", format!("[\"B=2\",\n    {added}]")),
        ("[\n    'B=2' # a, b\n]", format!("[\n    'B=2', # a, b\n    {added}]")),
    ] {
        let [before, after] =
            [before, &after].map(|list| format!("{HEAD}parameter_overrides = {list}\n[z]\n"));
        check(&before, &[("A", "1")], &after);
    }
}

#[test]
fn every_other_form_becomes_a_list() {
    check(
        &format!("{HEAD}parameter_overrides = \"A=1 B='x y'\"\nx = 1\n"),
        &[("A", "2")],
        &format!(
            "{HEAD}parameter_overrides = [\n    # certain: A was seen\n    \"A=2\",\n    \"B='x y'\",\n]\nx = 1\n"
        ),
    );
    check(
        &format!("{HEAD}x = 1"),
        &[("A", "2")],
        &format!("{HEAD}parameter_overrides = [\n    # certain: A was seen\n    \"A=2\",\n]\nx = 1"),
    );
    check("[p.deploy.parameters]", &[], "[p.deploy.parameters]\nparameter_overrides = [\n]\n");
}

#[test]
fn several_in_one_text_stay_together() {
    check(
        &format!("{HEAD}parameter_overrides = [\"A=1 B=2\"]\n"),
        &[("B", "")],
        &format!("{HEAD}parameter_overrides = [\"A=1 B=''\"]\n"),
    );
}

#[test]
fn a_new_section_is_the_last() {
    for before in ["", "# mine\n", "[q]\nx = 1", "\u{feff}[q]\r\nx = 1\r\n"] {
        let after = samconfig(before).with("p", &[setting("A", "1")]).unwrap();
        assert!(after.starts_with(before), "{after}");
        assert_eq!(after.contains("version = 0.1"), before.is_empty(), "{after}");
        let ends = after.matches('\n').count();
        assert_eq!(after.matches("\r\n").count(), if before.contains('\r') { ends } else { 0 }, "{after}");
        let overrides = samconfig(&after).overrides("p").unwrap().unwrap();
        assert_eq!(overrides, [("A".to_owned(), "1".to_owned())].into());
    }
}

#[test]
fn what_cannot_be_changed_for_sure_is_left() {
    for before in [
        "p = { deploy = { parameters = {} } }\n",
        "[p]\ndeploy.parameters.x = 1\n",
        "p.deploy = { x = 1 }\n",
        "[[p.deploy.parameters]]\nx = 1\n",
        "p = 1\n",
        "[p.deploy.parameters]\nparameter_overrides = { A = 1 }\n",
        "[p.deploy.parameters\n",
    ] {
        let failure = samconfig(before).with("p", &[setting("A", "1")]).unwrap_err();
        assert_eq!(failure.exit().code(), 2, "{before}");
    }
    let odd = samconfig("").with("p", &[setting("A", "a\"b")]).unwrap_err();
    assert!(odd.to_string().contains('A'), "{odd}");
}
