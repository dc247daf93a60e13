//! CBOR as JSON has it: what CloudWatch's SDK client speaks (`rpc-v2-cbor`). Times are seconds.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::{Decoder, Encoder};
use serde_json::{Map, Value, json};

/// None where it is no CBOR.
pub fn decode(bytes: &[u8]) -> Option<Value> {
    value(&mut Decoder::new(bytes))
}

fn value(decoder: &mut Decoder<'_>) -> Option<Value> {
    Some(match decoder.datatype().ok()? {
        Type::Null | Type::Undefined => {
            decoder.skip().ok()?;
            Value::Null
        }
        Type::Bool => json!(decoder.boolean().ok()?),
        Type::F16 | Type::F32 | Type::F64 => json!(decoder.double().ok()?),
        Type::String | Type::StringIndef => json!(decoder.string().ok()?),
        Type::Tag => json!(decoder.timestamp().ok()?.as_secs_f64()),
        Type::Array | Type::ArrayIndef => {
            let count = decoder.list().ok()?;
            let mut list = Vec::new();
            while has_more(decoder, count, list.len())? {
                list.push(value(decoder)?);
            }
            Value::Array(list)
        }
        Type::Map | Type::MapIndef => {
            let count = decoder.map().ok()?;
            let mut map = Map::new();
            while has_more(decoder, count, map.len())? {
                let name = decoder.string().ok()?;
                map.insert(name, value(decoder)?);
            }
            Value::Object(map)
        }
        Type::Bytes | Type::BytesIndef | Type::Simple | Type::Break | Type::Unknown(_) => return None,
        _ => json!(decoder.long().ok()?),
    })
}

/// Whether a list or a map goes on. One without a count ends with a mark, which is read.
fn has_more(decoder: &mut Decoder<'_>, count: Option<u64>, read: usize) -> Option<bool> {
    match count {
        Some(count) => Some(u64::try_from(read).ok()? < count),
        None if decoder.datatype().ok()? == Type::Break => {
            decoder.skip().ok()?;
            Some(false)
        }
        None => Some(true),
    }
}

/// Whether what is named so is a time.
pub fn names_a_time(name: &str) -> bool {
    name.ends_with("Timestamp") || name.ends_with("Timestamps") || name == "startTime"
}

/// What is named `…Timestamp`, `…Timestamps` or `startTime` is written as times.
pub fn encode(body: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, body, false);
    encoder.into_writer()
}

fn write(encoder: &mut Encoder, value: &Value, is_time: bool) {
    match value {
        Value::Null => _ = encoder.null(),
        Value::Bool(value) => _ = encoder.boolean(*value),
        Value::String(text) => _ = encoder.str(text),
        Value::Number(number) => {
            let double = number.as_f64().unwrap_or_default();
            match number.as_i64() {
                _ if is_time => _ = encoder.timestamp(&DateTime::from_secs_f64(double)),
                Some(integer) => _ = encoder.long(integer),
                None => _ = encoder.double(double),
            }
        }
        Value::Array(list) => {
            encoder.array(list.len());
            for value in list {
                write(encoder, value, is_time);
            }
        }
        Value::Object(map) => {
            encoder.map(map.len());
            for (name, value) in map {
                encoder.str(name);
                write(encoder, value, names_a_time(name));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_as_it_was() {
        let body =
            json!({ "Values": [1.5, -2, true, null], "Timestamps": [1_795_539_554.5], "Id": "q0", "a": {} });
        assert_eq!(decode(&encode(&body)), Some(body));
        assert_eq!(decode(b"\xbf\x61a\x9f\x01\xff\xff"), Some(json!({ "a": [1] })));
        assert_eq!(decode(b"{"), None);
    }
}
