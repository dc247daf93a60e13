//! Answers in XML, and CloudFront's requests.

use http::request::Parts;
use roxmltree::{Document, Node};
use serde_json::Value;

use super::{Kind, Member, Operation, Shape, leaf, structure};

/// A query's answer: `<NameResponse><NameResult>…`, or EC2's without a result around it.
pub(super) fn answer(operation: &Operation, shape: &str, body: &[u8]) -> Option<Value> {
    let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let root = document.root_element();
    let answered = match &operation.wrapper {
        Some(wrapper) => elements(root).find(|node| node.tag_name().name() == wrapper)?,
        None => root,
    };
    Some(value(operation, shape, answered))
}

/// A document that is the shape's payload, or the shape itself.
pub(super) fn document(operation: &Operation, shape: &str, body: &[u8]) -> Option<Value> {
    let document = Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    let (payload, member) = payload(operation.shape(shape)?)?;
    Some(structure([(payload.clone(), value(operation, &member.shape, document.root_element()))]))
}

/// A request of CloudFront's: labels in its path, parameters after it, and a document.
pub(super) fn request(operation: &Operation, name: &str, parts: &Parts, body: &[u8]) -> Option<Value> {
    let shape = operation.shape(name)?;
    let uri: Vec<&str> = operation.uri.split('?').next()?.split('/').collect();
    // A last label with a plus takes all that is left.
    let labels = uri.iter().zip(parts.uri.path().splitn(uri.len(), '/'));
    let labels = labels.filter_map(|(label, text)| {
        let name = label.strip_prefix('{')?.strip_suffix('}')?.trim_end_matches('+');
        Some((name.to_owned(), text.to_owned()))
    });
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    // The SDK's name of the operation, for logs.
    let query = query.filter(|(name, _)| name != "x-id");
    let given = labels.chain(query.map(|(name, text)| (name.into_owned(), text.into_owned())));
    let members = given.map(|(given, text)| {
        let member = shape.members.iter().find(|(_, member)| member.location_name.as_ref() == Some(&given));
        let kind =
            |member: &Member| operation.shape(&member.shape).map_or(Kind::String, |shape| shape.r#type);
        match member {
            Some((name, member)) => (name.clone(), leaf(kind(member), &text)),
            None => (given, Value::from(text)),
        }
    });
    // The bytes of an object are no document.
    let is_a_document = payload(shape).is_some_and(|(_, member)| {
        operation.shape(&member.shape).is_some_and(|shape| shape.r#type != Kind::Blob)
    });
    let document = if is_a_document { document(operation, name, body) } else { None };
    let document = document.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    Some(structure(members.chain(document)))
}

fn payload(shape: &Shape) -> Option<(&String, &Member)> {
    shape.members.get_key_value(shape.payload.as_ref()?)
}

fn elements<'a, 'b>(node: Node<'a, 'b>) -> impl Iterator<Item = Node<'a, 'b>> {
    node.children().filter(Node::is_element)
}

fn value(operation: &Operation, name: &str, node: Node<'_, '_>) -> Value {
    let Some(shape) = operation.shape(name) else { return Value::Null };
    match shape.r#type {
        Kind::Structure => members(operation, shape, node),
        Kind::List => {
            let items = elements(node).map(|item| match &shape.member {
                Some(member)
                    if item.tag_name().name() == member.location_name.as_deref().unwrap_or("member") =>
                {
                    value(operation, &member.shape, item)
                }
                _ => Value::from(format!("an element called {}", item.tag_name().name())),
            });
            Value::Array(items.collect())
        }
        Kind::Map => structure(elements(node).filter_map(|entry| {
            let of = |member: &Option<Member>, name: &str| {
                let member = member.as_ref()?;
                let called = member.location_name.as_deref().unwrap_or(name);
                let found = elements(entry).find(|node| node.tag_name().name() == called)?;
                Some((member.shape.clone(), found))
            };
            let ((_, key), (shape, found)) = (of(&shape.key, "key")?, of(&shape.value, "value")?);
            Some((key.text()?.to_owned(), value(operation, &shape, found)))
        })),
        kind => leaf(kind, node.text().unwrap_or_default()),
    }
}

fn members(operation: &Operation, shape: &Shape, node: Node<'_, '_>) -> Value {
    let mut found = serde_json::Map::new();
    for element in elements(node) {
        let called = element.tag_name().name();
        // Every answer has one.
        if ["requestId", "RequestId"].contains(&called) {
            continue;
        }
        let member = shape
            .members
            .iter()
            .find(|(name, member)| member.location_name.as_ref().unwrap_or(name) == called);
        let Some((name, member)) = member else {
            found.insert(called.to_owned(), Value::from("unknown"));
            continue;
        };
        let of_member = operation.shape(&member.shape);
        let repeats =
            of_member.filter(|shape| shape.r#type == Kind::List && (member.flattened || shape.flattened));
        match repeats.and_then(|shape| shape.member.as_ref()) {
            Some(item) => {
                let item = value(operation, &item.shape, element);
                if let Some(list) =
                    found.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()
                {
                    list.push(item);
                }
            }
            None => _ = found.insert(name.clone(), value(operation, &member.shape, element)),
        }
    }
    Value::Object(found)
}
