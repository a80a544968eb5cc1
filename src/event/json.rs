//! A strict JSON checker that keeps the bytes: what is accepted is forwarded as it came.
//!
//! One pass without building values: RFC 8259 grammar, UTF-8, whole surrogate pairs and a
//! bound on nesting. Numbers of any size are fine. Iterative, so hostile nesting costs no stack.

use std::ops::Range;

/// What is wrong with a JSON text, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {at}")]
pub struct JsonError {
    kind: Kind,
    at: usize,
}

impl JsonError {
    /// Whether the text was refused for its nesting alone.
    #[must_use]
    pub fn is_too_deep(&self) -> bool {
        self.kind == Kind::TooDeep
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Kind {
    #[error("invalid UTF-8")]
    Utf8,
    #[error("a byte order mark is not allowed")]
    ByteOrderMark,
    #[error("nested too deep")]
    TooDeep,
    #[error("unexpected end")]
    End,
    #[error("expected a value")]
    Value,
    #[error("expected a string key")]
    Key,
    #[error("expected ':'")]
    Colon,
    #[error("expected ',' or the end of the list or object")]
    Comma,
    #[error("invalid number")]
    Number,
    #[error("control character in a string")]
    Control,
    #[error("invalid escape")]
    Escape,
    #[error("lone surrogate")]
    Surrogate,
    #[error("text after the value")]
    Trailing,
}

/// Checks that `text` is one JSON value, nested at most `max_depth`.
///
/// # Errors
/// What is wrong first, with its byte offset.
pub fn validate(text: &[u8], max_depth: usize) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(text)?;
    scanner.value(max_depth)?;
    scanner.finish()
}

/// The members of the object that `text` is, in order: raw key with quotes, and value.
///
/// # Errors
/// `Ok(None)` when the text is JSON but no object; an error when it is not JSON or its
/// values are nested deeper than `max_depth`.
pub fn members(text: &[u8], max_depth: usize) -> Result<Option<Vec<Member>>, JsonError> {
    let mut scanner = Scanner::new(text)?;
    scanner.space();
    if scanner.peek() != Some(b'{') {
        scanner.value(max_depth + 1)?;
        scanner.finish()?;
        return Ok(None);
    }
    let mut found = Vec::with_capacity(8);
    scanner.at += 1;
    scanner.space();
    if !scanner.take(b'}') {
        loop {
            scanner.space();
            let key = scanner.ranged(Scanner::key)?;
            scanner.colon()?;
            scanner.space();
            let value = scanner.ranged(|scanner| scanner.value(max_depth))?;
            found.push(Member { key, value });
            scanner.space();
            if scanner.take(b'}') {
                break;
            }
            scanner.expect(b',', Kind::Comma)?;
        }
    }
    scanner.finish()?;
    Ok(Some(found))
}

/// The elements of the array that `text` is, in order. The scan ends at the first one above `max`,
/// which is given too.
///
/// # Errors
/// As [`members`].
pub fn elements(text: &[u8], max_depth: usize, max: usize) -> Result<Option<Vec<Range<usize>>>, JsonError> {
    let mut scanner = Scanner::new(text)?;
    scanner.space();
    if scanner.peek() != Some(b'[') {
        scanner.value(max_depth + 1)?;
        scanner.finish()?;
        return Ok(None);
    }
    let mut found = Vec::new();
    scanner.at += 1;
    scanner.space();
    if !scanner.take(b']') {
        loop {
            scanner.space();
            found.push(scanner.ranged(|scanner| scanner.value(max_depth))?);
            if found.len() > max {
                return Ok(Some(found));
            }
            scanner.space();
            if scanner.take(b']') {
                break;
            }
            scanner.expect(b',', Kind::Comma)?;
        }
    }
    scanner.finish()?;
    Ok(Some(found))
}

/// One member of an object, as byte ranges of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key with its quotes.
    pub key: Range<usize>,
    /// The value.
    pub value: Range<usize>,
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a [u8]) -> Result<Self, JsonError> {
        if let Err(error) = std::str::from_utf8(text) {
            return Err(JsonError {
                kind: Kind::Utf8,
                at: error.valid_up_to(),
            });
        }
        if text.starts_with(b"\xef\xbb\xbf") {
            return Err(JsonError {
                kind: Kind::ByteOrderMark,
                at: 0,
            });
        }
        Ok(Self { text, at: 0 })
    }

    fn error<T>(&self, kind: Kind) -> Result<T, JsonError> {
        let kind = if self.at >= self.text.len() {
            Kind::End
        } else {
            kind
        };
        Err(JsonError { kind, at: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8, kind: Kind) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { self.error(kind) }
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn ranged(
        &mut self,
        scan: impl FnOnce(&mut Self) -> Result<(), JsonError>,
    ) -> Result<Range<usize>, JsonError> {
        let start = self.at;
        scan(self)?;
        Ok(start..self.at)
    }

    fn finish(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at == self.text.len() {
            Ok(())
        } else {
            self.error(Kind::Trailing)
        }
    }

    fn colon(&mut self) -> Result<(), JsonError> {
        self.space();
        self.expect(b':', Kind::Colon)
    }

    fn key(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'"') {
            self.string()
        } else {
            self.error(Kind::Key)
        }
    }

    /// One value with everything in it. Open containers are remembered as bits, not as calls.
    fn value(&mut self, max_depth: usize) -> Result<(), JsonError> {
        let mut open: Vec<u8> = Vec::new();
        loop {
            self.space();
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if open.len() == max_depth {
                        return self.error(Kind::TooDeep);
                    }
                    self.at += 1;
                    self.space();
                    let close = if bracket == b'{' { b'}' } else { b']' };
                    if !self.take(close) {
                        open.push(close);
                        self.member_start(close)?;
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                _ => return self.error(Kind::Value),
            }
            // A value has ended: close what ends here, or go on to the next one.
            loop {
                let Some(&close) = open.last() else { return Ok(()) };
                self.space();
                if self.take(close) {
                    open.pop();
                } else {
                    self.expect(b',', Kind::Comma)?;
                    self.member_start(close)?;
                    break;
                }
            }
        }
    }

    fn member_start(&mut self, close: u8) -> Result<(), JsonError> {
        if close == b'}' {
            self.space();
            self.key()?;
            self.colon()?;
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        let is_there = self
            .text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word));
        if !is_there {
            return self.error(Kind::Value);
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.error(Kind::Number);
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        } else if self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.error(Kind::Number);
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            // One loop over plain bytes: nearly all of a text is in strings.
            let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
            self.at += rest.iter().position(is_special).unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return self.error(Kind::Control),
                None => return self.error(Kind::End),
            }
        }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => match self.unicode()? {
                0xd800..=0xdbff => {
                    let is_pair = self.take(b'\\')
                        && self.peek() == Some(b'u')
                        && matches!(self.unicode()?, 0xdc00..=0xdfff);
                    if !is_pair {
                        return self.error(Kind::Surrogate);
                    }
                }
                0xdc00..=0xdfff => return self.error(Kind::Surrogate),
                _ => {}
            },
            _ => return self.error(Kind::Escape),
        }
        Ok(())
    }

    fn unicode(&mut self) -> Result<u32, JsonError> {
        self.at += 1;
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|byte| char::from(byte).to_digit(16)) else {
                return self.error(Kind::Escape);
            };
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ok(text: &str) -> bool {
        validate(text.as_bytes(), 64).is_ok()
    }

    #[test]
    fn data_that_parsers_stumble_over_is_accepted() {
        for text in [
            r#""\u0000""#,
            "1e400",
            &"9".repeat(5000),
            r#"{"a":1,"a":2}"#,
            r#""\ud83d\ude00""#,
            " [ ] ",
            "-0.0E+1",
        ] {
            assert!(ok(text), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            "+1",
            "NaN",
            "tru",
            "\"\t\"",
            r#""\x""#,
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\u0041""#,
            "1 2",
            "[}",
            "\u{feff}1",
            "'a'",
            "-",
            "1e",
            "\"abc",
        ] {
            assert!(!ok(text), "{text}");
        }
        assert!(validate(b"\"\xff\"", 64).is_err());
    }

    #[test]
    fn nesting_is_bounded_without_using_the_stack() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(ok(&nested(64)));
        let error = validate(nested(65).as_bytes(), 64).unwrap_err();
        assert!(error.is_too_deep());
        assert!(
            validate("[".repeat(10_000_000).as_bytes(), 64)
                .unwrap_err()
                .is_too_deep()
        );
        assert!(
            validate("{\"a\":".repeat(70).as_bytes(), 64)
                .unwrap_err()
                .is_too_deep()
        );
    }

    #[test]
    fn members_and_elements_are_ranges_of_the_text() {
        let text = br#" {"a": [1, 2] , "b":"c"} "#;
        let found = members(text, 64).unwrap().unwrap();
        let parts: Vec<_> = found
            .iter()
            .map(|m| (&text[m.key.clone()], &text[m.value.clone()]))
            .collect();
        assert_eq!(parts, [(&b"\"a\""[..], &b"[1, 2]"[..]), (b"\"b\"", b"\"c\"")]);
        let list = b"[ {} ,3]";
        let found = elements(list, 64, 9).unwrap().unwrap();
        assert_eq!(
            found.into_iter().map(|r| &list[r]).collect::<Vec<_>>(),
            [&b"{}"[..], b"3"]
        );
        assert_eq!(members(b"[]", 64), Ok(None));
        assert_eq!(elements(b"{}", 64, 9), Ok(None));
        // What stands behind the first element too many is not even looked at.
        assert_eq!(elements(b"[1,1,1,?", 64, 2).unwrap().unwrap().len(), 3);
        assert!(members(b"{} x", 64).is_err());
    }

    proptest! {
        /// On texts near JSON, this checker and `serde_json` agree (surrogates and range aside).
        #[test]
        fn it_agrees_with_serde_json(text in r#"[\[\]{}:,"\\a0-9eE.+\- tn]{0,24}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert_eq!(ok(&text), theirs, "{}", text);
        }
    }
}
