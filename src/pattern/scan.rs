//! One pass over JSON text that visits only what some rule names.
//!
//! Members that lead nowhere in the trie are skipped without building values, however deep they
//! are; strings are unescaped only when they hold a backslash. The pass ends when every named path
//! has been seen: a member that repeats one after that is not.

use std::borrow::Cow;

use super::condition::Leaf;
use super::elements::ElementId;
use super::number::Written;
use super::occurrences::Occurrences;
use super::skip::string_end;
use super::skip::value_end;
use super::trie::NodeId;
use super::words::Words;

/// How deep visited values may nest: twice what the caller promises, and no strain on the stack.
const MAX_DEPTH: usize = 128;

/// Adds what `text` holds at and below `node`.
///
/// Never panics; malformed text, and visited text nested too deeply, ends the pass where it is.
pub(super) fn scan<'a>(text: &'a [u8], words: &Words, node: NodeId, found: &mut Occurrences<'a>) {
    let mut scanner = Scanner {
        text,
        at: 0,
        words,
        found,
        arrays: 0,
    };
    // `None` says that the pass ended early; what was found before that stands.
    let _complete = scanner
        .note_presence(node, ElementId::OUTSIDE)
        .and_then(|()| scanner.value(node, ElementId::OUTSIDE, MAX_DEPTH));
}

/// Where the name of a member leads.
enum Lead {
    /// Into the trie.
    To(NodeId),
    /// To nothing that a rule names.
    Nowhere,
}

/// Every method returns `None` when the pass is over: all is seen, or the text is not what it
/// should be.
struct Scanner<'a, 'w, 'f> {
    text: &'a [u8],
    at: usize,
    words: &'w Words,
    found: &'f mut Occurrences<'a>,
    /// How many arrays are around.
    arrays: usize,
}

impl<'a> Scanner<'a, '_, '_> {
    /// Visits a value, `depth` levels below which are allowed.
    fn value(&mut self, node: NodeId, element: ElementId, depth: usize) -> Option<()> {
        match self.peek()? {
            b'{' if self.words.trie.has_children(node) => self.object(node, element, depth.checked_sub(1)?),
            b'{' => self.skip(),
            b'[' => self.array(node, element, depth.checked_sub(1)?),
            _ => match self.words.trie.path(node) {
                Some(path) => {
                    let leaf = self.leaf()?;
                    self.found.push(self.words, path, element, leaf);
                    Some(())
                }
                None => self.skip(),
            },
        }
    }

    fn object(&mut self, node: NodeId, element: ElementId, depth: usize) -> Option<()> {
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let lead = self.member(node, element)?;
            self.expect(b':')?;
            match lead {
                Lead::To(child) => {
                    self.note_presence(child, element)?;
                    self.value(child, element, depth)?;
                    if self.arrays == 0 && self.found.has_all_data(self.words) {
                        return None;
                    }
                }
                Lead::Nowhere => self.skip()?,
            }
            if self.next_or(b'}')? {
                return Some(());
            }
        }
    }

    /// Passes the name of a member; says where it leads. A dotted name takes several steps at once.
    fn member(&mut self, node: NodeId, element: ElementId) -> Option<Lead> {
        let (token, escaped) = self.token()?;
        let unescaped: String;
        let name = if escaped {
            unescaped = serde_json::from_slice(token).ok()?;
            unescaped.as_bytes()
        } else {
            token.get(1..token.len() - 1)?
        };
        if let Some(child) = self.words.trie.step(node, name) {
            return Some(Lead::To(child));
        }
        if memchr::memchr(b'.', name).is_none() {
            return Some(Lead::Nowhere);
        }
        let mut at = Some(node);
        let mut steps = name.split(|&byte| byte == b'.').peekable();
        while let (Some(node), Some(step)) = (at, steps.next()) {
            at = self.words.trie.step(node, step);
            let path = at.and_then(|node| self.words.trie.path(node));
            if let Some(path) = path.filter(|_| steps.peek().is_some())
                && self.words.trie.interest(path).presence
            {
                self.found.push(self.words, path, element, Leaf::Nested);
            }
        }
        Some(at.map_or(Lead::Nowhere, Lead::To))
    }

    /// Notes that an object or a list is at a path, if it is and some rule asks.
    fn note_presence(&mut self, node: NodeId, element: ElementId) -> Option<()> {
        if let Some(path) = self.words.trie.path(node)
            && self.words.trie.interest(path).presence
            && matches!(self.peek()?, b'{' | b'[')
        {
            self.found.push(self.words, path, element, Leaf::Nested);
        }
        Some(())
    }

    fn array(&mut self, node: NodeId, around: ElementId, depth: usize) -> Option<()> {
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        self.arrays += 1;
        let mut array = None;
        loop {
            let element = if matches!(self.peek()?, b'{' | b'[') {
                let array = *array.get_or_insert_with(|| self.found.elements.open_array());
                self.found.elements.enter(around, array)
            } else {
                around
            };
            self.value(node, element, depth)?;
            if self.next_or(b']')? {
                if let Some(array) = array {
                    self.found.elements.close_array(array);
                }
                self.arrays -= 1;
                return Some(());
            }
        }
    }

    fn leaf(&mut self) -> Option<Leaf<'a>> {
        match self.peek()? {
            b'"' => self.string().map(Leaf::String),
            b'-' | b'0'..=b'9' => {
                let text = std::str::from_utf8(self.word()).ok()?;
                Some(Leaf::Number(Written::new(text)))
            }
            _ => match self.word() {
                b"true" => Some(Leaf::Bool(true)),
                b"false" => Some(Leaf::Bool(false)),
                b"null" => Some(Leaf::Null),
                _ => None,
            },
        }
    }

    /// A string, unescaped if need be.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        let (token, escaped) = self.token()?;
        if escaped {
            return serde_json::from_slice(token).ok().map(Cow::Owned);
        }
        let inside = token.get(1..token.len() - 1)?;
        std::str::from_utf8(inside).ok().map(Cow::Borrowed)
    }

    /// A string as it stands in the text, with its quotes, and whether a backslash is in it.
    fn token(&mut self) -> Option<(&'a [u8], bool)> {
        let start = self.at_token()?;
        let (end, escaped) = string_end(self.text, start)?;
        self.at = end;
        Some((self.text.get(start..end)?, escaped))
    }

    fn at_token(&mut self) -> Option<usize> {
        (self.peek()? == b'"').then_some(self.at)
    }

    /// Passes over a value without looking into it.
    fn skip(&mut self) -> Option<()> {
        self.peek()?;
        self.at = value_end(self.text, self.at)?;
        Some(())
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
