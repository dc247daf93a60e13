//! A request of the query protocol, or of EC2's, which names lists in its own way.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Kind, Member, Operation, leaf, structure};

/// `Tags.Tag.1.Key` is four levels.
#[derive(Debug, Default)]
struct Node<'a> {
    text: Option<&'a str>,
    children: BTreeMap<&'a str, Node<'a>>,
}

/// The request's fields, as its shape has them.
pub(super) fn decode(operation: &Operation, shape: &str, fields: &Value, is_ec2: bool) -> Value {
    let mut root = Node::default();
    for (field, text) in fields.as_object().into_iter().flatten() {
        if !["Action", "Version"].contains(&field.as_str()) {
            let node = field.split('.').fold(&mut root, |node, part| node.children.entry(part).or_default());
            node.text = text.as_str();
        }
    }
    Form { operation, is_ec2 }.value(shape, &root, false)
}

struct Form<'a> {
    operation: &'a Operation,
    is_ec2: bool,
}

impl Form<'_> {
    fn value(&self, name: &str, node: &Node<'_>, flattened: bool) -> Value {
        let Some(shape) = self.operation.shape(name) else { return Value::Null };
        match shape.r#type {
            Kind::Structure => {
                let mut left: BTreeMap<&str, &Node<'_>> =
                    node.children.iter().map(|(name, node)| (*name, node)).collect();
                let members = shape.members.iter().filter_map(|(name, member)| {
                    let node = left.remove(self.name(name, member).as_str())?;
                    Some((name.clone(), self.value(&member.shape, node, member.flattened)))
                });
                let members: Vec<(String, Value)> = members.collect();
                let unknown = left.into_keys().map(|name| (name.to_owned(), Value::from("unknown")));
                structure(members.into_iter().chain(unknown))
            }
            Kind::List => {
                let Some(member) = &shape.member else { return Value::Null };
                let listed = if self.is_ec2 || flattened || shape.flattened {
                    Some(node)
                } else {
                    node.children.get(member.location_name.as_deref().unwrap_or("member"))
                };
                let in_order = listed.into_iter().flat_map(|listed| numbered(listed));
                Value::Array(in_order.map(|node| self.value(&member.shape, node, false)).collect())
            }
            Kind::Map => {
                let (Some(key), Some(value)) = (&shape.key, &shape.value) else { return Value::Null };
                let listed = if shape.flattened { Some(node) } else { node.children.get("entry") };
                let entries = listed.into_iter().flat_map(|listed| numbered(listed));
                structure(entries.filter_map(|entry| {
                    let of = |member: &Member, name| {
                        entry.children.get(member.location_name.as_deref().unwrap_or(name))
                    };
                    let value = self.value(&value.shape, of(value, "value")?, false);
                    Some((of(key, "key")?.text?.to_owned(), value))
                }))
            }
            // A leaf that has parts is none.
            _ if !node.children.is_empty() => {
                structure(node.children.keys().map(|part| ((*part).to_owned(), Value::from("unknown"))))
            }
            kind => leaf(kind, node.text.unwrap_or_default()),
        }
    }

    fn name(&self, name: &str, member: &Member) -> String {
        if !self.is_ec2 {
            return member.location_name.as_deref().unwrap_or(name).to_owned();
        }
        if let Some(name) = &member.query_name {
            return name.clone();
        }
        let mut letters = member.location_name.as_deref().unwrap_or(name).chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

fn numbered<'a, 'b>(listed: &'b Node<'a>) -> impl Iterator<Item = &'b Node<'a>> + use<'a, 'b> {
    let mut numbered: Vec<(usize, &Node<'a>)> =
        listed.children.iter().filter_map(|(number, node)| Some((number.parse().ok()?, node))).collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, node)| node)
}
