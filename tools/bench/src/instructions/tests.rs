use super::*;

const WRITTEN: &str = "\
# callgrind format
version: 1
positions: line
events: Ir

ob=(1) /lib/ld.so
fl=(1) ???
fn=(1) start
0 700
cob=(2) /target/release/ours
cfn=(2)
calls=1 0
0 5000

ob=(2)
fn=(2) main
0 100
+3 20
cob=(1)
cfn=(1)
calls=3 0
* 60000
* 3

totals: 823
";

#[test]
fn what_is_counted_is_the_binarys_own_and_not_what_it_calls() {
    assert_eq!(own_instructions(WRITTEN, "/target/release/ours").unwrap(), 123);
    assert_eq!(own_instructions(WRITTEN, "/lib/ld.so").unwrap(), 700);
}

#[test]
fn a_file_without_the_binary_is_an_error_and_not_a_zero() {
    assert!(own_instructions(WRITTEN, "/target/release/another").is_err());
}

fn functions(init: u64, first_answer: u64) -> BTreeMap<String, Counts> {
    [("scale-up".to_owned(), Counts { init, first_answer })].into()
}

#[track_caller]
fn compare(is: &BTreeMap<String, Counts>, expected: &[(&str, bool)]) {
    let changes = changes(is, &functions(2_000_000, 20_000_000));
    let seen: Vec<(String, bool)> = changes.iter().map(|change| (change.line(), change.is_worse())).collect();
    let expected: Vec<(String, bool)> =
        expected.iter().map(|(line, worse)| ((*line).to_owned(), *worse)).collect();
    assert_eq!(seen, expected);
}

#[test]
fn up_to_five_percent_more_passes() {
    compare(&functions(2_099_000, 20_990_000), &[]);
}

#[test]
fn more_than_that_is_told_with_both_numbers() {
    let line =
        "WORSE scale-up, first answer: 21.20 million instructions, and the reference says 20.00 (+6.0 %)";
    compare(&functions(2_000_000, 21_200_000), &[(line, true)]);
}

#[test]
fn a_gain_is_told_and_passes() {
    let line = "better scale-up, init: 1.80 million instructions, and the reference says 2.00 (-10.0 %)";
    compare(&functions(1_800_000, 20_000_000), &[(line, false)]);
}

#[test]
fn a_function_without_a_reference_does_not_pass() {
    let mut all = functions(2_000_000, 20_000_000);
    all.insert("new".to_owned(), Counts { init: 1, first_answer: 1 });
    compare(&all, &[("NEW new: the reference does not have it", true)]);
}

#[test]
fn another_compiler_cannot_be_compared() {
    let reference = |rustc: &str| Reference {
        rustc: rustc.to_owned(),
        architecture: "x86_64".to_owned(),
        functions: functions(1_000_000, 1_000_000),
    };
    assert!(check(&reference("rustc 1.95.0"), &reference("rustc 1.95.0")));
    assert!(!check(&reference("rustc 1.96.0"), &reference("rustc 1.95.0")));
}
