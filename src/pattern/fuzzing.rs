//! Patterns and data as functions of arbitrary bytes, for `fuzz/` and for its corpora in the tests.
//!
//! Whatever the bytes are, a pattern is refused or compiled, and data is read as far as it goes. Of
//! data that is JSON, the compiled matcher finds what the obvious one does.

use std::collections::HashSet;
use std::fmt;

use serde_json::Value;
use serde_json::value::RawValue;

use super::EventView;
use super::Pattern;
use super::RuleSet;
use super::Scalar;
use super::explain;
use super::naive;

/// What the obvious matcher is asked at most; it may take exponential time.
const MAX_COMPLEXITY: u64 = 60;
const MAX_DATA: usize = 400;

/// What data is matched with: fields at several depths, and every way of asking.
const PATTERNS: [&str; 8] = [
    r#"{"data":{"a":["x",5,null,true,{"prefix":"y"}]}}"#,
    r#"{"data":{"a":{"b":[{"anything-but":["x","y"]}]},"b":[{"exists":false}]}}"#,
    r#"{"data":{"items":{"sku":["x"],"qty":[{"numeric":[">",0]}]}}}"#,
    r#"{"data":{"items":{"sku":[{"exists":true}],"$not":{"qty":[0]}}}}"#,
    r#"{"data":{"a":[{"present":true}],"c":[{"present":false}]}}"#,
    r#"{"data":{"$or":[{"":[{"wildcard":"*x*"}]},{"b":[{"equals-ignore-case":"É"}]}]}}"#,
    r#"{"data":[{"regex":"x"},{"cidr":"10.0.0.0/8"}]}"#,
    r#"{"data":{"a.b.c":[1]}}"#,
];

/// The first line is the data of an event, the rest a pattern.
///
/// # Panics
/// If two matchers disagree, which is what a fuzzer looks for.
pub fn pattern(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |&byte| byte == b'\n');
    let (Some(data), Some(text)) = (parts.next(), parts.next()) else {
        return;
    };
    let Ok(value) = serde_json::from_slice::<Value>(text) else {
        return;
    };
    if let Ok(pattern) = Pattern::parse(&value) {
        compare(&[pattern], data);
    }
}

/// All of it is the data of an event.
///
/// # Panics
/// If two matchers disagree, which is what a fuzzer looks for.
pub fn scan(bytes: &[u8]) {
    let patterns =
        PATTERNS.map(
            |text| match serde_json::from_str(text).map(|value| Pattern::parse(&value)) {
                Ok(Ok(pattern)) => pattern,
                refused => panic!("{text}: {refused:?}"),
            },
        );
    compare(&patterns, bytes);
}

fn compare(patterns: &[Pattern], data: &[u8]) {
    let event = EventView {
        attributes: &[("type", Scalar::String("t"))],
        data: Some(data),
    };
    let together = RuleSet::compile(patterns.iter().cloned().enumerate()).matching(&event);
    let is_plain = data.len() <= MAX_DATA && serde_json::from_slice::<Plain>(data).is_ok();
    for (place, pattern) in patterns.iter().enumerate() {
        let alone = !RuleSet::compile([((), pattern.clone())])
            .matching(&event)
            .is_empty();
        assert_eq!(explain(pattern, &event).matched(), alone, "the explanation");
        if is_plain {
            assert_eq!(together.contains(&place), alone, "the set");
            if pattern.complexity() <= MAX_COMPLEXITY {
                assert_eq!(naive::matches(pattern, &event), alone, "the obvious matcher");
            }
        }
    }
}

/// JSON in which no object repeats a key: of those that do, matchers may see one or the other.
struct Plain;

impl<'de> serde::Deserialize<'de> for Plain {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let raw = <&RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
                let mut names = HashSet::new();
                for (name, value) in members {
                    if !names.insert(name) {
                        return Err(D::Error::custom("a key is repeated"));
                    }
                    serde_json::from_str::<Self>(value.get()).map_err(D::Error::custom)?;
                }
            }
            Some(b'[') => {
                serde_json::from_str::<Vec<Self>>(raw.get()).map_err(D::Error::custom)?;
            }
            _ => {}
        }
        Ok(Self)
    }
}

/// All members of an object, repeated ones too.
struct Members<'de>(Vec<(String, &'de RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> serde::de::Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Every seed as it is, cut anywhere, with any byte replaced, and with parts elsewhere.
    fn answer_mutants(name: &str, target: fn(&[u8])) -> usize {
        let dir = format!("{}/fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut seeds = 0;
        for entry in fs::read_dir(dir).unwrap() {
            let seed = fs::read(entry.unwrap().path()).unwrap();
            target(&seed);
            seeds += 1;
            for at in 0..seed.len() {
                target(&seed[..at]);
                for byte in *b"\"\\{}[],:.0*x\x00\xff" {
                    let mut mutant = seed.clone();
                    mutant[at] = byte;
                    target(&mutant);
                }
                let mut mutant = seed.clone();
                let part: Vec<_> = mutant.drain(at..(at + 9).min(seed.len())).collect();
                target(&mutant);
                let to = (at * 7) % (mutant.len() + 1);
                mutant.splice(to..to, part);
                target(&mutant);
            }
        }
        seeds
    }

    #[test]
    fn patterns_and_their_mutants_are_answered() {
        assert!(answer_mutants("pattern", pattern) > 2);
    }

    #[test]
    fn data_and_its_mutants_are_answered() {
        assert!(answer_mutants("scan", scan) > 2);
    }

    #[test]
    fn repeated_keys_are_noticed() {
        let is_plain = |text: &str| serde_json::from_str::<Plain>(text).is_ok();
        assert!(is_plain(r#"{"a":{"b":[1,{"a":-1e5}]},"b":"x"}"#));
        assert!(!is_plain(r#"{"a":1,"b":2,"\u0061":3}"#));
        assert!(!is_plain(r#"[{"a":{"b":1,"b":1}}]"#));
    }
}
