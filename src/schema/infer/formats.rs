//! Formats that strings are guessed to have. Each check is stricter than what validators accept.

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    Uuid,
    Email,
    Uri,
}

const ALL: [Format; 5] = [
    Format::DateTime,
    Format::Date,
    Format::Uuid,
    Format::Email,
    Format::Uri,
];

impl Format {
    /// The name that schemas have for it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DateTime => "date-time",
            Self::Date => "date",
            Self::Uuid => "uuid",
            Self::Email => "email",
            Self::Uri => "uri",
        }
    }

    fn fits(self, text: &str) -> bool {
        match self {
            Self::DateTime => is_date_time(text),
            Self::Date => is_date(text),
            Self::Uuid => is_uuid(text),
            Self::Email => is_email(text),
            Self::Uri => is_uri(text),
        }
    }
}

/// The formats that all strings so far fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Formats([bool; ALL.len()]);

impl Default for Formats {
    fn default() -> Self {
        Self([true; ALL.len()])
    }
}

impl Formats {
    /// Takes in a string.
    pub(super) fn observe(&mut self, text: &str) {
        for (fits, format) in self.0.iter_mut().zip(ALL) {
            *fits = *fits && format.fits(text);
        }
    }

    /// Takes in what another has seen.
    pub(super) fn merge(&mut self, other: Self) {
        for (fits, other) in self.0.iter_mut().zip(other.0) {
            *fits &= other;
        }
    }

    /// The format that fits all.
    pub(super) fn found(self) -> Option<Format> {
        let mut found = self.0.into_iter().zip(ALL).filter(|(fits, _)| *fits);
        found.next().map(|(_, format)| format)
    }
}

fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else {
        return false;
    };
    is_date(date) && time.is_ascii() && is_time(time)
}

/// A time of the day with its offset, without leap seconds.
fn is_time(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else {
        return false;
    };
    let [Some(hour), Some(minute), Some(second)] = fields(clock, ':') else {
        return false;
    };
    let offset = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => {
            let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if offset.len() == fraction.len() || fraction.len() - offset.len() > 9 {
                return false;
            }
            offset
        }
    };
    let is_offset = offset == "Z"
        || offset.strip_prefix(['+', '-']).is_some_and(|offset| {
            matches!(fields(offset, ':'), [Some(hour), Some(minute), None] if hour < 24 && minute < 60)
                && offset.len() == 5
        });
    hour < 24 && minute < 60 && second < 60 && is_offset
}

fn is_date(text: &str) -> bool {
    let Some((year, rest)) = text.split_once('-') else {
        return false;
    };
    if year.len() != 4 || rest.len() != 5 || !year.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let (Ok(year), [Some(month), Some(day), None]) = (year.parse::<u32>(), fields(rest, '-')) else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// The numbers of two digits each between the marks, at most three.
fn fields(text: &str, mark: char) -> [Option<u32>; 3] {
    let mut found = [None; 3];
    for (place, field) in found.iter_mut().zip(text.split(mark)) {
        let is_plain = field.len() == 2 && field.bytes().all(|byte| byte.is_ascii_digit());
        *place = field.parse().ok().filter(|_| is_plain);
    }
    found
}

fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    [8, 4, 4, 4, 12]
        .into_iter()
        .all(|len| parts.next().is_some_and(|part| part.len() == len && is_hex(part)))
        && parts.next().is_none()
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-');
    let is_local = (1..=64).contains(&local.len())
        && local
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(is_local));
    is_local && domain.contains('.') && is_host(domain)
}

/// A host name of letters, digits and hyphens.
fn is_host(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.get(2..4) != Some("--")
        })
}

/// An absolute URI with a host.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    is_scheme && is_host(host) && is_port && rest.matches('#').count() <= 1 && is_uri_text(rest)
}

fn is_uri_text(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/?#:@!$&'()*+,;=".contains(c);
    let is_hex = |pair: &str| pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = text.split('%');
    parts.next().is_some_and(|part| part.chars().all(is_plain))
        && parts.all(|part| part.get(..2).is_some_and(is_hex) && part.chars().all(is_plain))
}
