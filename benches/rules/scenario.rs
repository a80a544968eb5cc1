//! Rules and events of one kind, the same in every run.

use serde_json::Value;
use serde_json::json;

use crate::random::Random;

/// How rules are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A pair of type and source, which no other rule has; four of five events match one.
    Exact,
    /// A type, which a hundred rules share; four of five events match a hundred.
    Fanout,
    /// One of fifty types, and one operator of eight.
    Mixed,
    /// One operator of five and no type.
    Bare,
    /// One of fifty types, and a region that is none of two.
    AnythingBut,
    /// A part number and at least a quantity in one of twenty items.
    Array,
    /// Wildcards that begin alike.
    Wildcard,
}

const EXTENSIONS: [&str; 10] = [
    "log", "json", "csv", "parquet", "txt", "gz", "avro", "bin", "xml", "tmp",
];
const FOLDERS: [&str; 4] = ["var", "srv", "opt", "home"];
/// Values of most fields that rules compare.
const VALUES: usize = 1_000;
/// Types that events share where rules name one of few.
const TYPES: usize = 50;
/// Fields of which an event has one in every other case.
const OPTIONS: usize = 20;

fn kind_of_event(n: usize) -> String {
    format!("com.example.app{:02}.entity{n:05}.changed", n % 40)
}

fn source(n: usize) -> String {
    format!("/example/eu-west-1/services/svc-{n:05}")
}

fn region(n: usize) -> String {
    let area = ["eu", "us", "ap", "sa"][n % 4];
    let side = ["west", "east", "north"][n / 4 % 3];
    format!("{area}-{side}-{}", 1 + n % 2)
}

/// The patterns of `count` rules.
pub(crate) fn rules(kind: Kind, count: usize) -> Vec<Value> {
    let mut random = Random::new(count as u64);
    (0..count).map(|n| rule(kind, count, n, &mut random)).collect()
}

/// How many types and how many sources make `count` pairs.
fn side(count: usize) -> usize {
    (1..=count).find(|side| side * side >= count).unwrap_or(1)
}

fn rule(kind: Kind, count: usize, n: usize, random: &mut Random) -> Value {
    match kind {
        Kind::Exact => {
            let side = side(count);
            json!({ "type": [kind_of_event(n % side)], "source": [source(n / side)] })
        }
        Kind::Fanout => json!({ "type": [kind_of_event(n % (count / 100).max(1))] }),
        Kind::AnythingBut => {
            let (one, other) = (random.below(24), random.below(24));
            json!({
                "type": [kind_of_event(random.below(TYPES))],
                "data": { "region": [{ "anything-but": [region(one), region(other)] }] },
            })
        }
        Kind::Array => json!({ "data": { "items": {
            "sku": [format!("SKU-{:06}", random.below(count))],
            "qty": [{ "numeric": [">=", 1 + random.below(79)] }],
        } } }),
        Kind::Wildcard => {
            let path = format!(
                "/var/*/k{:05}/*.{}",
                random.below(count),
                random.one_of(&EXTENSIONS)
            );
            json!({ "data": { "path": [{ "wildcard": path }] } })
        }
        Kind::Mixed => {
            let mut rule = operator(n % 8, random);
            rule["type"] = json!([kind_of_event(random.below(TYPES))]);
            rule
        }
        Kind::Bare => operator(n % 5, random),
    }
}

fn operator(which: usize, random: &mut Random) -> Value {
    let value = random.below(VALUES);
    match which {
        0 => json!({ "subject": [{ "prefix": format!("orders/{value:04}/") }] }),
        1 => {
            let suffix = format!("-{value:04}.{}", random.one_of(&EXTENSIONS));
            json!({ "data": { "file": [{ "suffix": suffix }] } })
        }
        2 => {
            let (folder, extension) = (random.one_of(&FOLDERS), random.one_of(&EXTENSIONS));
            let path = format!("/{folder}/*/k{value:04}/*.{extension}");
            json!({ "data": { "path": [{ "wildcard": path }] } })
        }
        3 => {
            let cents = random.below(990_000);
            let (from, to) = (amount(cents), amount(cents + 10_000));
            json!({ "data": { "amount": [{ "numeric": [">=", from, "<", to] }] } })
        }
        4 => json!({ "data": { "user": [{ "equals-ignore-case": format!("User{value:04}") }] } }),
        5 => {
            let (one, other) = (random.below(24), random.below(24));
            json!({ "data": { "region": [{ "anything-but": [region(one), region(other)] }] } })
        }
        6 => json!({ "data": { format!("opt{:02}", random.below(OPTIONS)): [{ "exists": true }] } }),
        _ => {
            let network = format!("10.{}.{}.0/24", random.below(4), random.below(256));
            json!({ "data": { "ip": [{ "cidr": network }] } })
        }
    }
}

/// An amount of money as a JSON number.
fn amount(cents: usize) -> Value {
    let text = format!("{}.{:02}", cents / 100, cents % 100);
    serde_json::from_str(&text).expect("a number")
}

/// An event, as it arrives and as it is matched.
pub(crate) struct Sample {
    /// The whole, in structured mode.
    pub(crate) text: String,
    /// The attributes that rules may name.
    pub(crate) attributes: Vec<(&'static str, String)>,
    /// The data.
    pub(crate) data: String,
}

/// Events for `rules` rules.
pub(crate) fn events(kind: Kind, rules: usize, count: usize) -> Vec<Sample> {
    let mut random = Random::new(!(rules as u64));
    (0..count).map(|n| event(kind, rules, n, &mut random)).collect()
}

fn event(kind: Kind, rules: usize, n: usize, random: &mut Random) -> Sample {
    let meant = random.percent(80);
    let (kind_of_event, source) = match kind {
        Kind::Exact if meant => {
            let (pair, side) = (random.below(rules), side(rules));
            (kind_of_event(pair % side), source(pair / side))
        }
        Kind::Fanout if meant => (
            kind_of_event(random.below((rules / 100).max(1))),
            source(random.below(1_000)),
        ),
        Kind::Exact | Kind::Fanout => (
            kind_of_event(90_000 + random.below(1_000)),
            source(90_000 + random.below(1_000)),
        ),
        _ => (kind_of_event(random.below(TYPES)), source(random.below(1_000))),
    };
    let data = data(kind, rules, random).to_string();
    let subject = format!("orders/{:04}/{}", random.below(VALUES), random.below(100_000));
    let attributes = vec![
        ("specversion", "1.0".to_owned()),
        ("id", format!("{n:08}-{}", random.hex(8))),
        ("source", source),
        ("type", kind_of_event),
        ("subject", subject),
        ("time", format!("2026-01-{:02}T12:00:00Z", 1 + random.below(28))),
        ("datacontenttype", "application/json".to_owned()),
    ];
    let members: Vec<_> = attributes
        .iter()
        .map(|(name, value)| format!(r#""{name}":"{value}""#))
        .collect();
    let text = format!(r#"{{{},"data":{data}}}"#, members.join(","));
    Sample {
        text,
        attributes,
        data,
    }
}

fn data(kind: Kind, rules: usize, random: &mut Random) -> Value {
    let folder = if kind == Kind::Wildcard {
        "var"
    } else {
        random.one_of(&FOLDERS)
    };
    let key = if kind == Kind::Wildcard {
        format!("k{:05}", random.below(rules))
    } else {
        format!("k{:04}", random.below(VALUES))
    };
    let path = format!(
        "/{folder}/{}/{key}/part-{}.{}",
        random.hex(6),
        random.below(1_000),
        random.one_of(&EXTENSIONS)
    );
    let mut data = json!({
        "id": random.hex(16),
        "region": region(random.below(24)),
        "user": format!("{}{:04}", random.one_of(&["user", "USER", "User"]), random.below(VALUES)),
        "ip": format!("10.{}.{}.{}", random.below(4), random.below(256), random.below(256)),
        "amount": amount(random.below(1_000_000)),
        "file": format!("report-{:04}.{}", random.below(VALUES), random.one_of(&EXTENSIONS)),
        "path": path,
        "status": random.one_of(&["created", "paid", "shipped", "cancelled"]),
        "retry": random.below(5),
        "ok": random.percent(90),
        "parent": null,
        "tags": (0..4).map(|_| region(random.below(24))).collect::<Vec<_>>(),
        "customer": {
            "name": format!("Customer {}", random.below(10_000)),
            "tier": random.one_of(&["gold", "silver", "bronze"]),
            "address": {
                "street": format!("{} Main Street", random.below(500)),
                "city": "Springfield",
                "zip": format!("{:05}", random.below(100_000)),
                "country": "DE",
            },
        },
    });
    if random.percent(50) {
        data[format!("opt{:02}", random.below(OPTIONS))] = json!("x");
    }
    let (items, numbers) = if kind == Kind::Array {
        (20, rules)
    } else {
        (3, VALUES)
    };
    let item = |_| {
        json!({
            "sku": format!("SKU-{:06}", random.below(numbers)),
            "qty": 1 + random.below(99),
            "price": amount(1 + random.below(100_000)),
        })
    };
    data["items"] = (0..items).map(item).collect();
    data
}
