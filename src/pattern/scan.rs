//! One pass over JSON text that visits only what some rule names.
//!
//! Members that lead nowhere in the trie are skipped without building values, however deep they
//! are; strings are unescaped only when they hold a backslash, and numbers stay text.

use std::borrow::Cow;

use super::condition::Leaf;
use super::occurrences::ElementId;
use super::occurrences::Elements;
use super::occurrences::Occurrence;
use super::trie::Node;

/// How deep visited values may nest: twice what the caller promises, and no strain on the stack.
const MAX_DEPTH: usize = 128;

/// Adds what `text` holds at and below `node`.
///
/// Never panics; malformed text, and visited text nested too deeply, ends the pass where it is.
pub(super) fn scan<'a>(
    text: &'a [u8],
    node: &Node,
    found: &mut Vec<Occurrence<'a>>,
    elements: &mut Elements,
) {
    // `None` says that the text ended early; what was found before that stands.
    let _complete = Scanner {
        text,
        at: 0,
        found,
        elements,
    }
    .value(node, ElementId::OUTSIDE, MAX_DEPTH);
}

/// Every method returns `None` when the text is not what it should be.
struct Scanner<'a, 'f> {
    text: &'a [u8],
    at: usize,
    found: &'f mut Vec<Occurrence<'a>>,
    elements: &'f mut Elements,
}

impl<'a> Scanner<'a, '_> {
    /// Visits a value, `depth` levels below which are allowed.
    fn value(&mut self, node: &Node, element: ElementId, depth: usize) -> Option<()> {
        match self.peek()? {
            b'{' if node.has_children() => self.object(node, element, depth.checked_sub(1)?),
            b'{' => self.skip(),
            b'[' => self.array(node, element, depth.checked_sub(1)?),
            _ => match node.path {
                Some(path) => {
                    let leaf = self.leaf()?;
                    self.found.push(Occurrence { path, element, leaf });
                    Some(())
                }
                None => self.skip(),
            },
        }
    }

    fn object(&mut self, node: &Node, element: ElementId, depth: usize) -> Option<()> {
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.expect(b':')?;
            match node.descend(&key) {
                Some(child) => self.value(child, element, depth)?,
                None => self.skip()?,
            }
            if self.next_or(b'}')? {
                return Some(());
            }
        }
    }

    fn array(&mut self, node: &Node, around: ElementId, depth: usize) -> Option<()> {
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        let mut array = None;
        loop {
            let element = if matches!(self.peek()?, b'{' | b'[') {
                let array = *array.get_or_insert_with(|| self.elements.open_array());
                self.elements.enter(around, array)
            } else {
                around
            };
            self.value(node, element, depth)?;
            if self.next_or(b']')? {
                if let Some(array) = array {
                    self.elements.close_array(array);
                }
                return Some(());
            }
        }
    }

    fn leaf(&mut self) -> Option<Leaf<'a>> {
        match self.peek()? {
            b'"' => self.string().map(Leaf::String),
            b'-' | b'0'..=b'9' => std::str::from_utf8(self.word())
                .ok()
                .map(Cow::Borrowed)
                .map(Leaf::Number),
            _ => match self.word() {
                b"true" => Some(Leaf::Bool(true)),
                b"false" => Some(Leaf::Bool(false)),
                b"null" => Some(Leaf::Null),
                _ => None,
            },
        }
    }

    /// Passes over a value without looking into it.
    fn skip(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.peek()? {
                b'"' => drop(self.token()?),
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    open = open.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if open > 0 => self.at += 1,
                _ if self.word().is_empty() => return None,
                _ => {}
            }
            if open == 0 {
                return Some(());
            }
        }
    }

    /// A string, unescaped if need be.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let token = self.token()?;
        if token.contains(&b'\\') {
            return serde_json::from_slice(token).ok().map(Cow::Owned);
        }
        let inside = token.get(1..token.len() - 1)?;
        std::str::from_utf8(inside).ok().map(Cow::Borrowed)
    }

    /// A string as it stands in the text, with its quotes.
    fn token(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let start = self.at - 1;
        loop {
            let step = match self.text.get(self.at)? {
                b'"' => break,
                b'\\' => 2,
                _ => 1,
            };
            self.at += step;
        }
        self.at += 1;
        self.text.get(start..self.at)
    }

    /// The run of letters, digits and signs that begins here: a number, `true`, `false` or `null`.
    fn word(&mut self) -> &'a [u8] {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let inside = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
        let len = rest.iter().position(|b| !inside(b)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    /// Passes a comma (false) or the closing bracket (true).
    fn next_or(&mut self, close: u8) -> Option<bool> {
        let next = self.peek()?;
        self.at += 1;
        match next {
            b',' => Some(false),
            _ if next == close => Some(true),
            _ => None,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// The next byte that is not white space, which it passes.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.text.get(self.at)? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }
}
