use serde_json::json;

use super::*;

/// One operation whose request and answer have a member of every kind.
fn operation() -> anyhow::Result<Operation> {
    Ok(serde_json::from_value(json!({
        "uri": "/2020-05-31/things/{Id}?marker={Marker}",
        "input": "Thing",
        "output": "Thing",
        "wrapper": "MakeThingResult",
        "shapes": {
            "Thing": { "type": "structure", "required": ["Name"], "members": {
                "Name": { "shape": "Name" },
                "Color": { "shape": "Color" },
                "Count": { "shape": "Count" },
                "Share": { "shape": "Share" },
                "Big": { "shape": "Flag" },
                "MadeAt": { "shape": "Time" },
                "Labels": { "shape": "Labels" },
                "Notes": { "shape": "Notes" },
                "Lines": { "shape": "Lines", "flattened": true },
                "Either": { "shape": "Either" },
            } },
            "Name": { "type": "string", "min": 1, "max": 8, "pattern": "(?!aws)[a-z-]+" },
            "Color": { "type": "string", "enum": ["RED", "BLUE"] },
            "Count": { "type": "integer", "min": 0, "max": 5 },
            "Share": { "type": "double", "max": 1 },
            "Flag": { "type": "boolean" },
            "Time": { "type": "timestamp" },
            "Labels": { "type": "list", "min": 1, "max": 2, "member": { "shape": "Label", "locationName": "Label" } },
            "Label": { "type": "structure", "required": ["Key"], "members": {
                "Key": { "shape": "Name" }, "Value": { "shape": "Text" } } },
            "Text": { "type": "string" },
            "Notes": { "type": "map", "max": 2, "key": { "shape": "Name" }, "value": { "shape": "Text" } },
            "Lines": { "type": "list", "member": { "shape": "Text" } },
            "Either": { "type": "structure", "union": true, "members": {
                "One": { "shape": "Text" }, "Other": { "shape": "Text" } } },
            // As CloudFront has them: in the path, in the query, and a document.
            "Asked": { "type": "structure", "required": ["Id", "Thing"], "payload": "Thing", "members": {
                "Id": { "shape": "Text", "location": "uri", "locationName": "Id" },
                "Marker": { "shape": "Count", "location": "querystring", "locationName": "marker" },
                "Thing": { "shape": "Thing", "locationName": "Thing" } } },
            // As EC2 has them: the names of a query begin with a capital.
            "Filtered": { "type": "structure", "members": {
                "filters": { "shape": "Filters", "locationName": "Filter" },
                "dryRun": { "shape": "Flag", "locationName": "dryRun" } } },
            "Filters": { "type": "list", "member": { "shape": "Filter", "locationName": "Filter" } },
            "Filter": { "type": "structure", "members": {
                "Name": { "shape": "Text" },
                "Values": { "shape": "Values", "locationName": "Value" } } },
            "Values": { "type": "list", "member": { "shape": "Text", "locationName": "item" } },
        },
    }))?)
}

#[test]
fn what_is_not_as_its_shape_is_a_problem() -> anyhow::Result<()> {
    let operation = operation()?;
    let good = json!({ "Name": "a-b", "Color": "RED", "Count": 5, "Share": 0.5, "Big": true,
        "MadeAt": 1_768_867_200.5, "Labels": [{ "Key": "a", "Value": "" }], "Notes": { "a": "b" }, "Lines": [],
        "Either": { "One": "a", "Other": null }, });
    assert_eq!(Checker::of_request(&operation, "Thing", &good), Vec::<String>::new());
    let cases = [
        ("Name", Value::Null, "Name is missing"),
        ("Name", json!("a-long-name"), "Name has 11 letters, not between 1 and 8"),
        ("Name", json!("aws-a"), "Name is `aws-a`, not as (?!aws)[a-z-]+"),
        ("Name", json!("a-B"), "Name is `a-B`, not as (?!aws)[a-z-]+"),
        ("Name", json!(5), "Name is 5, and no string"),
        ("Color", json!("GREEN"), "Color is `GREEN`, which is none of RED, BLUE"),
        ("Color", json!(""), "Color is ``, which is none of RED, BLUE"),
        ("Count", json!(6), "Count is 6, not between 0 and 5"),
        ("Count", json!(0.5), "Count is 0.5, and no integer"),
        ("Count", json!("5"), "Count is \"5\", and no integer"),
        ("Share", json!(1.5), "Share is 1.5, not between nothing and 1"),
        ("Big", json!("true"), "Big is \"true\", and no boolean"),
        ("MadeAt", json!("yesterday"), "MadeAt is \"yesterday\", and no timestamp"),
        ("Labels", json!([]), "Labels has 0 entries, not between 1 and 2"),
        ("Labels", json!([{ "Key": "a" }, { "Value": "b" }]), "Labels[1].Key is missing"),
        ("Labels", json!({ "Key": "a" }), "Labels is {\"Key\":\"a\"}, and no list"),
        ("Notes", json!({ "A": "b" }), "Notes.A is `A`, not as (?!aws)[a-z-]+"),
        ("Notes", json!({ "a": "", "b": "", "c": "" }), "Notes has 3 entries, not between nothing and 2"),
        ("Either", json!({}), "Either has more than one member, or none, of a union"),
        ("Either", json!({ "One": "", "Other": "" }), "Either has more than one member, or none, of a union"),
        ("Colour", json!("RED"), "Colour is not known"),
    ];
    for (member, value, problem) in cases {
        let mut thing = good.clone();
        if let Some(members) = thing.as_object_mut() {
            members.insert(member.to_owned(), value);
        }
        assert_eq!(Checker::of_request(&operation, "Thing", &thing), [problem]);
    }
    Ok(())
}

#[test]
fn a_form_is_read_as_its_shape_has_it() -> anyhow::Result<()> {
    let operation = operation()?;
    let form = json!({ "Action": "MakeThing", "Version": "2020-05-31", "Name": "a", "Count": "5", "Big": "true",
        "MadeAt": "2026-01-20T00:00:00Z", "Labels.Label.10.Key": "later", "Labels.Label.2.Key": "sooner",
        "Labels.Label.2.Value": "5", "Notes.entry.1.key": "a", "Notes.entry.1.value": "b", "Lines.1": "one",
        "Lines.2": "two", "Either.One": "a" });
    let same = json!({ "Name": "a", "Count": 5, "Big": true, "MadeAt": "2026-01-20T00:00:00Z",
        "Labels": [{ "Key": "sooner", "Value": "5" }, { "Key": "later" }], "Notes": { "a": "b" },
        "Lines": ["one", "two"], "Either": { "One": "a" } });
    assert_eq!(form::decode(&operation, "Thing", &form, false), same);

    let form =
        json!({ "Action": "A", "Filter.1.Name": "vpc-id", "Filter.1.Value.1": "vpc-1", "DryRun": "false" });
    let same = json!({ "filters": [{ "Name": "vpc-id", "Values": ["vpc-1"] }], "dryRun": false });
    assert_eq!(form::decode(&operation, "Filtered", &form, true), same);
    Ok(())
}

#[test]
fn what_a_form_has_and_its_shape_has_not_stays_a_problem() -> anyhow::Result<()> {
    let operation = operation()?;
    for (field, text, problem) in [
        ("Colour", "RED", "Colour is not known"),
        ("Labels.member.1.Key", "a", "Labels has 0 entries, not between 1 and 2"),
        ("Labels.Label.1.Kind", "a", "Labels[0].Key is missing"),
        ("Count", "five", "Count is \"five\", and no integer"),
        ("Count.Sum", "5", "Count is {\"Sum\":\"unknown\"}, and no integer"),
        ("Big", "yes", "Big is \"yes\", and no boolean"),
    ] {
        let form = json!({ "Action": "MakeThing", "Name": "a", field: text });
        let read = form::decode(&operation, "Thing", &form, false);
        let problems = Checker::of_request(&operation, "Thing", &read);
        assert_eq!(problems.first().map(String::as_str), Some(problem));
    }
    Ok(())
}

#[test]
fn an_answer_in_xml_is_read_as_its_shape_has_it() -> anyhow::Result<()> {
    let operation = operation()?;
    let body = "<MakeThingResponse xmlns=\"urn:a\"><MakeThingResult><Name>a</Name><Count>5</Count><Big>true</Big>\
        <Labels><Label><Key>a</Key><Value></Value></Label><Label><Key>b</Key></Label></Labels>\
        <Notes><entry><key>a</key><value>b</value></entry></Notes><Lines>one</Lines><Lines>two</Lines>\
        </MakeThingResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></MakeThingResponse>";
    let same = json!({ "Name": "a", "Count": 5, "Big": true, "Labels": [{ "Key": "a", "Value": "" }, { "Key": "b" }],
        "Notes": { "a": "b" }, "Lines": ["one", "two"] });
    let read = xml::answer(&operation, "Thing", body.as_bytes());
    assert_eq!(read, Some(same.clone()));
    assert_eq!(Checker::of_answer(&operation, "Thing", &same), Vec::<String>::new());
    let empty = json!({ "Name": "a", "Labels": [], "Notes": {} });
    assert_eq!(Checker::of_answer(&operation, "Thing", &empty), Vec::<String>::new());

    let other = body.replace("<Label>", "<member>").replace("</Label>", "</member>");
    let read = xml::answer(&operation, "Thing", other.as_bytes()).unwrap_or_default();
    let problems = Checker::of_request(&operation, "Thing", &read);
    assert_eq!(
        problems,
        [
            "Labels[0] is \"an element called member\", and no structure",
            "Labels[1] is \"an element called member\", and no structure",
        ]
    );
    let other = body.replace("Count>", "Sum>");
    let read = xml::answer(&operation, "Thing", other.as_bytes()).unwrap_or_default();
    assert_eq!(Checker::of_request(&operation, "Thing", &read), ["Sum is not known"]);
    for body in ["<MakeThingResponse/>", "<MakeThingResponse>", "{}", ""] {
        assert_eq!(xml::answer(&operation, "Thing", body.as_bytes()), None);
    }
    Ok(())
}

#[test]
fn a_request_of_cloudfront_has_its_labels_its_parameters_and_its_document() -> anyhow::Result<()> {
    let operation = operation()?;
    let read = |uri: &str, body: &str| {
        let (parts, ()) = http::Request::builder().uri(uri).body(())?.into_parts();
        let read = xml::request(&operation, "Asked", &parts, body.as_bytes()).unwrap_or_default();
        let problems = Checker::of_request(&operation, "Asked", &read);
        anyhow::Ok((read, problems))
    };
    let (request, problems) = read("/2020-05-31/things/E1?marker=5", "<Thing><Name>a</Name></Thing>")?;
    assert_eq!(request, json!({ "Id": "E1", "Marker": 5, "Thing": { "Name": "a" } }));
    assert_eq!(problems, Vec::<String>::new());
    let (_, problems) = read("/2020-05-31/things/E1?size=5", "")?;
    assert_eq!(problems, ["Thing is missing", "size is not known"]);
    Ok(())
}
