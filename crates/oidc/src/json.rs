//! JSON objects in which every member stands once.
//!
//! Of two members with one name, one reader takes the first and another the last; a signed text that two readers
//! understand differently is refused.
//!
//! Spec: <https://www.rfc-editor.org/rfc/rfc7515#section-5.2> (4), <https://www.rfc-editor.org/rfc/rfc8725#section-2.4>

use podbell_model::Timestamp;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Parses an object; duplicate members at any depth, deep nesting and trailing text are errors.
pub(crate) fn object(bytes: &[u8]) -> Option<Object> {
    match serde_json::from_slice(bytes).ok()? {
        Strict(Value::Object(object)) => Some(object),
        Strict(_) => None,
    }
}

/// A member that is a string.
pub(crate) fn text<'o>(object: &'o Object, name: &str) -> Option<&'o str> {
    object.get(name)?.as_str()
}

/// A member that is a NumericDate; fractions of a second are cut off.
///
/// Spec: <https://www.rfc-editor.org/rfc/rfc7519#section-2>
pub(crate) fn date(object: &Object, name: &str) -> Option<Timestamp> {
    let number = object.get(name)?.as_number()?;
    let seconds = match number.as_i64() {
        Some(seconds) => seconds,
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and no timestamp is that large")]
        None => number.as_f64().filter(|seconds| seconds.is_finite())? as i64,
    };
    Timestamp::from_second(seconds).ok()
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate members")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Object::new();
        while let Some((name, Strict(value))) = access.next_entry::<String, Strict>()? {
            if object.insert(name, value).is_some() {
                return Err(de::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_members_are_refused_at_any_depth() {
        assert!(object(br#"{"a":1,"b":[{"a":2}]}"#).is_some());
        for bad in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"a":2}]}"#, r#"{"a":1,"\u0061":2}"#, "[]", "7", "{} x", ""] {
            assert!(object(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(4_000), "]".repeat(4_000));
        assert!(object(deep.as_bytes()).is_none());
    }

    #[test]
    fn dates_are_numbers_inside_the_calendar() {
        let at = |json: &str| date(&object(json.as_bytes())?, "t").map(Timestamp::as_second);
        assert_eq!(at(r#"{"t":7}"#), Some(7));
        assert_eq!(at(r#"{"t":7.9}"#), Some(7));
        for bad in [r#"{"t":"7"}"#, r#"{"t":1e300}"#, r#"{"t":99999999999999999999}"#, r#"{"t":null}"#, "{}"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
