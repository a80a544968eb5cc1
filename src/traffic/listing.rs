//! The types of events as consumers look for them: seen, registered or declared.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::breaks::from_event;
use super::evidence::Evidence;
use super::seen::Seen;
use super::seen::Traffic;
use crate::catalog::BusName;
use crate::catalog::RegisteredSource;
use crate::catalog::RuleName;
use crate::catalog::SchemaEntry;
use crate::catalog::View;
use crate::log::LogError;
use crate::schema::paths;
use crate::schema::paths::FieldInfo;

/// Rules that are named of one type.
const MAX_RULES: usize = 100;
/// Fields of an example that are looked for when there is no schema, and how deep.
const MAX_FIELDS: usize = 500;
const MAX_DEPTH: usize = 16;

/// What somebody looks for.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Words that must all be found: in names, descriptions, owners, sources, and paths of fields.
    pub words: Vec<String>,
    /// The bus.
    pub bus: Option<BusName>,
    /// The type, or how it begins followed by `*`.
    pub kind: Option<String>,
    /// The owner, in any case.
    pub owner: Option<String>,
}

/// A type of events.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The type.
    pub kind: String,
    /// The buses on which it was seen, or declared by a source.
    pub buses: Vec<BusName>,
    /// The owners of the sources that emit it.
    pub owners: Vec<String>,
    /// Its schema.
    pub schema: Option<Arc<SchemaEntry>>,
    /// Its fields as the schema declares them.
    pub fields: Vec<FieldInfo>,
    /// A real event.
    pub example: Option<Evidence>,
    /// Who emits it.
    pub sources: Vec<SourceSeen>,
    /// Rules that may match it, at most 100.
    pub rules: Vec<RuleUse>,
    /// Events seen.
    pub count: u64,
    /// Events per second over the last minute.
    pub rate: f64,
    /// When the first and the last one was seen, in Unix milliseconds.
    pub seen_ms: Option<(i64, i64)>,
}

/// A source of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSeen {
    /// The bus.
    pub bus: BusName,
    /// The `source` of its events, or how it begins followed by `*`.
    pub source: String,
    /// Its name, if it is registered.
    pub name: Option<String>,
    /// Its owner, if it is registered with one.
    pub owner: Option<String>,
    /// Events seen.
    pub count: u64,
}

/// A rule that may match a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleUse {
    /// The bus.
    pub bus: BusName,
    /// The rule.
    pub rule: RuleName,
    /// The paths of the event that it uses, such as `$.data.total`.
    pub paths: Vec<String>,
}

impl Listing {
    /// A page of what is looked for, in the order of types, and whether there is more. Blocking.
    ///
    /// Costs what the page holds; with words also what does not fit them.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn page(
        &self,
        traffic: &Traffic,
        view: &View,
        (after, limit): (Option<&str>, usize),
        now_ms: i64,
    ) -> Result<(Vec<Listed>, bool), LogError> {
        traffic.with(|seen| {
            let stock = Stock::of(traffic, view, seen);
            let kinds = stock.kinds();
            let rest = kinds.range::<str, _>((
                after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded),
                std::ops::Bound::Unbounded,
            ));
            let mut page = Vec::new();
            for kind in rest {
                let Some(listed) = self.listed(&stock, kind, now_ms)? else {
                    continue;
                };
                if page.len() == limit {
                    return Ok((page, true));
                }
                page.push(listed);
            }
            Ok((page, false))
        })
    }

    fn listed(&self, stock: &Stock<'_>, kind: &str, now_ms: i64) -> Result<Option<Listed>, LogError> {
        let is_meant = self.kind.as_deref().is_none_or(|wanted| is_in(wanted, kind));
        if !is_meant {
            return Ok(None);
        }
        let bus = self.bus.as_ref();
        let mut listed = stock.about(kind, bus, now_ms);
        let is_on_bus = bus.is_none_or(|bus| listed.buses.contains(bus));
        let is_owned = self.owner.as_ref().is_none_or(|owner| {
            let mut owners = listed.owners.iter();
            owners.any(|one| one.to_lowercase() == owner.to_lowercase())
        });
        if !is_on_bus || !is_owned {
            return Ok(None);
        }
        let is_found = |listed: &Listed| {
            let text = text(listed);
            self.words.iter().all(|word| text.contains(&normal(word)))
        };
        // Real data has words only where no schema has.
        let is_open = listed.fields.is_empty();
        if !is_open && !self.words.is_empty() && !is_found(&listed) {
            return Ok(None);
        }
        listed.example = Evidence::find(stock.traffic, (stock.view, stock.seen), kind, bus)?;
        if is_open && !self.words.is_empty() && !is_found(&listed) {
            return Ok(None);
        }
        listed.rules = stock.rules(kind, self.bus.as_ref());
        Ok(Some(listed))
    }
}

/// Everything that there is to list.
pub(super) struct Stock<'a> {
    traffic: &'a Traffic,
    pub(super) view: &'a View,
    pub(super) seen: &'a Seen,
    /// The registered sources.
    declared: Vec<(&'a BusName, &'a RegisteredSource)>,
}

impl<'a> Stock<'a> {
    pub(super) fn of(traffic: &'a Traffic, view: &'a View, seen: &'a Seen) -> Self {
        let sources = view.buses().flat_map(|bus| {
            let live = bus.sources.by_name.values();
            live.map(move |live| (&bus.name, &live.source))
        });
        Self {
            traffic,
            view,
            seen,
            declared: sources.collect(),
        }
    }

    /// All types that are known, and not only by a prefix.
    pub(super) fn kinds(&self) -> BTreeSet<&'a str> {
        let declared = self.declared.iter().flat_map(|(_, source)| &source.types);
        let whole = declared.filter(|kind| !kind.ends_with('*')).map(String::as_str);
        let registered = self.view.schemas().into_iter().map(|entry| entry.kind.as_str());
        self.seen.types().chain(registered).chain(whole).collect()
    }

    /// What is known of a type, of one bus only if there is one, without what takes long to find.
    pub(super) fn about(&self, kind: &str, only: Option<&BusName>, now_ms: i64) -> Listed {
        let mut buses = BTreeSet::new();
        let mut sources: BTreeMap<(BusName, String), SourceSeen> = BTreeMap::new();
        let (mut count, mut rate) = (0, 0.0);
        let mut seen_ms: Option<(i64, i64)> = None;
        let is_meant = |bus: &BusName| only.is_none_or(|only| only == bus);
        for (bus, record) in self.seen.of(kind).filter(|(bus, _)| is_meant(bus)) {
            buses.insert(bus.clone());
            count += record.count;
            rate += record.rate(now_ms);
            let (first, last) = seen_ms.unwrap_or((record.first_ms, record.last_ms));
            seen_ms = Some((first.min(record.first_ms), last.max(record.last_ms)));
            for (source, count) in &record.sources {
                let registered = self.registered(bus, source);
                let seen = SourceSeen {
                    bus: bus.clone(),
                    source: source.clone(),
                    name: registered.map(|source| source.name.as_str().to_owned()),
                    owner: registered.and_then(owner),
                    count: *count,
                };
                sources.insert((bus.clone(), source.clone()), seen);
            }
        }
        for (bus, source) in self.declaring(kind).filter(|(bus, _)| is_meant(bus)) {
            buses.insert(bus.clone());
            let is_seen = sources
                .values()
                .any(|seen| seen.bus == *bus && seen.name.as_deref() == Some(source.name.as_str()));
            if !is_seen {
                let declared = SourceSeen {
                    bus: bus.clone(),
                    source: source.source.clone(),
                    name: Some(source.name.as_str().to_owned()),
                    owner: owner(source),
                    count: 0,
                };
                sources.insert((bus.clone(), source.source.clone()), declared);
            }
        }
        let sources: Vec<_> = sources.into_values().collect();
        let owners: BTreeSet<_> = sources.iter().filter_map(|source| source.owner.clone()).collect();
        let schema = self.view.schema(kind).cloned();
        let latest = schema.as_ref().and_then(|entry| entry.latest());
        let compiled = latest.and_then(|version| version.compiled().ok());
        Listed {
            kind: kind.to_owned(),
            buses: buses.into_iter().collect(),
            owners: owners.into_iter().collect(),
            fields: compiled
                .map(|schema| schema.fields().to_vec())
                .unwrap_or_default(),
            schema,
            example: None,
            sources,
            rules: Vec::new(),
            count,
            rate,
            seen_ms,
        }
    }

    /// The registered sources that declare a type.
    fn declaring(&self, kind: &str) -> impl Iterator<Item = (&'a BusName, &'a RegisteredSource)> {
        let declared = self.declared.iter();
        declared
            .filter(move |(_, source)| source.types.iter().any(|declared| is_in(declared, kind)))
            .copied()
    }

    /// The registered source that a `source` belongs to.
    fn registered(&self, bus: &BusName, source: &str) -> Option<&'a RegisteredSource> {
        let mut on_bus = self.declared.iter().filter(|(on, _)| *on == bus);
        on_bus
            .find(|(_, registered)| is_in(&registered.source, source))
            .map(|(_, registered)| *registered)
    }

    fn rules(&self, kind: &str, bus: Option<&BusName>) -> Vec<RuleUse> {
        let buses = self
            .view
            .buses()
            .filter(|on| bus.is_none_or(|bus| on.name == *bus));
        let rules = buses.flat_map(|bus| bus.rules.values().map(move |live| (&bus.name, &live.rule)));
        let using = rules
            .filter(|(_, rule)| rule.may_match_type(kind))
            .take(MAX_RULES);
        using
            .map(|(bus, rule)| {
                let paths: BTreeSet<_> = rule
                    .uses(kind)
                    .iter()
                    .map(|used| from_event(&used.path.text()))
                    .collect();
                RuleUse {
                    bus: bus.clone(),
                    rule: rule.name.clone(),
                    paths: paths.into_iter().collect(),
                }
            })
            .collect()
    }
}

/// Whether a text is the one that is meant, or begins as a pattern with `*` at its end.
fn is_in(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => text.starts_with(prefix),
        None => pattern == text,
    }
}

fn owner(source: &RegisteredSource) -> Option<String> {
    Some(source.spec.get("owner")?.as_str()?.to_owned())
}

/// All that words are looked for in.
fn text(listed: &Listed) -> String {
    let mut text = vec![listed.kind.clone()];
    text.extend(listed.owners.iter().cloned());
    for source in &listed.sources {
        text.push(source.source.clone());
        text.extend(source.name.clone());
    }
    if let Some(schema) = &listed.schema {
        text.extend(schema.settings.description.clone());
        let compiled = schema.latest().and_then(|version| version.compiled().ok());
        let said = compiled.into_iter().flat_map(|compiled| {
            let said = |keyword| compiled.document.value().get(keyword).and_then(Value::as_str);
            [said("title"), said("description")]
        });
        text.extend(said.flatten().map(str::to_owned));
    }
    for field in &listed.fields {
        text.push(field.path.clone());
        text.extend(field.description.clone());
    }
    if let (true, Some(example)) = (listed.fields.is_empty(), &listed.example) {
        let mut paths = BTreeSet::new();
        collect(&example.data, "$", 0, &mut paths);
        text.extend(paths);
    }
    text.iter().map(|one| normal(one)).collect::<Vec<_>>().join("\n")
}

/// The paths of the fields of data.
fn collect(data: &Value, path: &str, depth: usize, found: &mut BTreeSet<String>) {
    if depth > MAX_DEPTH || found.len() >= MAX_FIELDS {
        return;
    }
    match data {
        Value::Object(members) => {
            for (name, member) in members {
                let path = format!("{path}{}", paths::member(name));
                found.insert(path.clone());
                collect(member, &path, depth + 1, found);
            }
        }
        Value::Array(elements) => {
            let path = format!("{path}[*]");
            for element in elements {
                collect(element, &path, depth + 1, found);
            }
        }
        _ => {}
    }
}

/// Text and words in one spelling: small letters, paths from the data, no marks of arrays.
fn normal(text: &str) -> String {
    let small = text.to_lowercase().replace("[*]", "");
    let path = small.strip_prefix("$.").unwrap_or(&small);
    path.strip_prefix("data.").unwrap_or(path).to_owned()
}
