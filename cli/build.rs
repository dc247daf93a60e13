//! The template's parameters, as the program has them: so that no list of them is kept twice.

use std::{env, error::Error, fs, path::Path};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

const TEMPLATE: &str = "../template.yaml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={TEMPLATE}");
    let text = fs::read_to_string(TEMPLATE)?;
    let documents = Yaml::load_from_str(&text)?;
    let parameters = documents.first().and_then(|template| template.as_mapping_get("Parameters"));
    let parameters = parameters.and_then(Yaml::as_mapping).ok_or("template.yaml has no Parameters")?;
    let parameters: Vec<Value> = parameters
        .iter()
        .filter_map(|(name, parameter)| {
            let fields = parameter.as_mapping()?.iter();
            let mut fields: Map<String, Value> =
                fields.filter_map(|(field, value)| Some((field.as_str()?.to_owned(), json(value)))).collect();
            fields.insert("Name".to_owned(), json!(name.as_str()?));
            Some(Value::Object(fields))
        })
        .collect();
    let path = Path::new(&env::var("OUT_DIR")?).join("parameters.json");
    Ok(fs::write(path, Value::Array(parameters).to_string())?)
}

/// As CloudFormation takes it: all of it is text.
fn json(value: &Yaml) -> Value {
    match value {
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Value(Scalar::Integer(number)) => json!(number.to_string()),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.to_string()),
        Yaml::Value(Scalar::Boolean(is)) => json!(is.to_string()),
        Yaml::Sequence(values) => values.iter().map(json).collect(),
        _ => Value::Null,
    }
}
