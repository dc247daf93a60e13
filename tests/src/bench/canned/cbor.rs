//! JSON values as CBOR, which the SDK for Rust talks to CloudWatch.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_smithy_cbor::data::Type;
use aws_smithy_cbor::{Decoder, Encoder};
use serde_json::{Map, Value};

pub fn decode(bytes: &[u8]) -> Option<Value> {
    value(&mut Decoder::new(bytes))
}

fn value(decoder: &mut Decoder) -> Option<Value> {
    Some(match decoder.datatype().ok()? {
        Type::Map | Type::MapIndef => {
            let mut size = decoder.map().ok()?;
            let mut map = Map::new();
            while is_more(decoder, &mut size)? {
                let name = decoder.string().ok()?;
                map.insert(name, value(decoder)?);
            }
            Value::Object(map)
        }
        Type::Array | Type::ArrayIndef => {
            let mut size = decoder.list().ok()?;
            let mut list = Vec::new();
            while is_more(decoder, &mut size)? {
                list.push(value(decoder)?);
            }
            Value::Array(list)
        }
        Type::String | Type::StringIndef => decoder.string().ok()?.into(),
        Type::Bool => decoder.boolean().ok()?.into(),
        // In seconds, as in JSON.
        Type::Tag => decoder.timestamp().ok()?.secs().into(),
        Type::F16 | Type::F32 | Type::F64 => decoder.double().ok()?.into(),
        Type::Null => {
            decoder.null().ok()?;
            Value::Null
        }
        _ => decoder.long().ok()?.into(),
    })
}

/// Whether a map or a list goes on; without a size, a mark ends it.
fn is_more(decoder: &mut Decoder, size: &mut Option<u64>) -> Option<bool> {
    match size {
        Some(left) => {
            let is_more = *left > 0;
            *left = left.saturating_sub(1);
            Some(is_more)
        }
        None if decoder.datatype().ok()? == Type::Break => {
            decoder.skip().ok()?;
            Some(false)
        }
        None => Some(true),
    }
}

pub fn encode(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    put(&mut encoder, value, false);
    encoder.into_writer()
}

/// CBOR marks times, by which CloudWatch's names end.
fn put(encoder: &mut Encoder, value: &Value, is_time: bool) {
    match value {
        Value::Null => _ = encoder.null(),
        Value::Bool(value) => _ = encoder.boolean(*value),
        Value::String(value) => _ = encoder.str(value),
        Value::Number(value) if is_time => {
            _ = encoder.timestamp(&DateTime::from_secs_f64(value.as_f64().unwrap_or_default()));
        }
        Value::Number(value) => match value.as_i64() {
            Some(value) => _ = encoder.long(value),
            None => _ = encoder.double(value.as_f64().unwrap_or_default()),
        },
        Value::Array(values) => {
            encoder.array(values.len());
            for value in values {
                put(encoder, value, is_time);
            }
        }
        Value::Object(values) => {
            encoder.map(values.len());
            for (name, value) in values {
                encoder.str(name);
                put(encoder, value, name.ends_with("Timestamp") || name.ends_with("Timestamps"));
            }
        }
    }
}
