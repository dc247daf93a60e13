//! Every wildcard of the template has its reason beside it.

use anyhow::Result;
use iam::{
    exempt::EXEMPT,
    reasons::{is_wild, wildcards},
    template::{Template, statements},
};
use sandbox::workspace;
use serde_json::Value;

#[test]
fn every_wildcard_of_a_role_has_its_reason_beside_it() -> Result<()> {
    let found = wildcards(&std::fs::read_to_string(workspace().join("template.yaml"))?);
    for wildcard in &found {
        let (line, resource) = (wildcard.line, &wildcard.resource);
        assert!(wildcard.reason.is_some(), "template.yaml:{line}: nobody says why it is {resource}");
    }

    // As many as the template has when it is parsed: none is overlooked.
    let template = Template::read()?;
    let mut parsed = 0;
    for role in template.of_type("AWS::IAM::Role") {
        for statement in statements(role) {
            let partitions = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            let named = [&statement["Resource"], partitions].map(|named| match named {
                Value::Array(names) => names.clone(),
                name => vec![name.clone()],
            });
            let named = named.concat();
            let texts = named.iter().map(|name| name.as_str().or(name["Fn::Sub"].as_str()));
            parsed += texts.flatten().filter(|text| is_wild(text)).count();
        }
    }
    assert!(parsed > 0);
    assert_eq!(found.len(), parsed);
    Ok(())
}

#[test]
fn a_reason_stands_above_the_line_above_its_list_or_behind_it() {
    let role = |lines: &str| format!("  ARole:\n    Type: AWS::IAM::Role\n              - Sid: A\n{lines}\n");
    let indent = "                ";
    let reason = |lines: &str| wildcards(&role(lines)).into_iter().map(|one| one.reason).collect::<Vec<_>>();
    let because = || vec![Some("Because.".to_owned())];
    assert_eq!(reason(&format!("{indent}# Because.\n{indent}Resource: \"*\"")), because());
    assert_eq!(reason(&format!("{indent}Resource: \"*\" # Because.")), because());
    assert_eq!(reason(&format!("{indent}# Because.\n{indent}Resource:\n{indent}  - arn:a/*")), because());
    assert_eq!(reason(&format!("{indent}Resource:\n{indent}  # Because.\n{indent}  - arn:a/*")), because());
    assert_eq!(
        reason(&format!(
            "{indent}dynamodb:LeadingKeys:\n{indent}  - owed\n{indent}  # Because.\n{indent}  - a#*"
        )),
        because()
    );
    assert_eq!(reason(&format!("{indent}dynamodb:LeadingKeys:\n{indent}  - a#*")), [None]);
    assert_eq!(reason(&format!("{indent}Resource: \"*\"")), [None]);
    assert_eq!(
        reason(&format!("{indent}# Of the action.\n{indent}Action: a:B\n{indent}Resource: \"*\"")),
        [None]
    );
    assert_eq!(reason(&format!("{indent}Resource:\n{indent}  - arn:a/*")), [None]);
    // A name alone needs none.
    assert_eq!(reason(&format!("{indent}Resource: arn:a")), [None; 0]);
}

#[test]
fn every_exemption_has_its_reason() {
    for (action, reason) in EXEMPT {
        assert!(reason.contains(' '), "{action}");
    }
}
