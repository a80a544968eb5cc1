//! From the words and signs of an expression to its tree.

use super::ast::Kind;
use super::ast::Level;
use super::ast::Node;
use super::ast::Operator;
use super::ast::Span;
use super::error::Problem;
use super::function::Function;
use super::like::Like;
use super::suggest::nearest;
use super::token::Token;
use super::token::tokens;
use super::value::Literal;

/// Bytes of an expression: hundreds of alternatives, more than anyone reads.
pub(super) const MAX_LENGTH: usize = 16 << 10;

/// Levels of brackets, calls and signs in one another, and levels of the tree.
const MAX_DEPTH: usize = 64;

/// Words that stand for themselves and name no attribute.
const KEYWORDS: [&str; 9] = ["AND", "OR", "XOR", "NOT", "LIKE", "IN", "EXISTS", "TRUE", "FALSE"];

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    if text.len() > MAX_LENGTH {
        let detail = format!("{} bytes of CESQL; the limit is {MAX_LENGTH}", text.len());
        return Err(Problem::new(0, "sql-too-long", detail));
    }
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        depth: 0,
    };
    let root = parser.expression()?;
    match parser.peek() {
        Token::End => Ok(root),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    tokens: Vec<(Token, Span)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens
            .get(self.next + ahead)
            .map_or(&Token::End, |(token, _)| token)
    }

    /// Where the next token is.
    fn here(&self) -> Span {
        let end = Span { start: 0, end: 0 };
        let token = self.tokens.get(self.next).or(self.tokens.last());
        token.map_or(end, |(_, span)| *span)
    }

    /// From `start` to the end of the last token taken.
    fn since(&self, start: usize) -> Span {
        let last = self.next.checked_sub(1).and_then(|last| self.tokens.get(last));
        Span {
            start,
            end: last.map_or(start, |(_, span)| span.end),
        }
    }

    /// Takes the next token if it is this one.
    fn take(&mut self, token: &Token) -> bool {
        let is_next = self.peek() == token;
        self.next += usize::from(is_next);
        is_next
    }

    /// Takes the next token if it is this keyword.
    fn take_word(&mut self, keyword: &str) -> bool {
        let is_next = self.peek().is(keyword);
        self.next += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, token: &Token, what: &str) -> Result<(), Problem> {
        if self.take(token) {
            return Ok(());
        }
        Err(self.unexpected(what))
    }

    fn unexpected(&self, wanted: &str) -> Problem {
        let at = self.here().start;
        let found = match self.peek() {
            Token::End => {
                return Problem::syntax(at, format!("the expression ends where {wanted} should be"));
            }
            Token::Word(word) | Token::Digits(word) => format!("`{word}`"),
            Token::Text(_) => "a string".to_owned(),
            Token::Open => "`(`".to_owned(),
            Token::Close => "`)`".to_owned(),
            Token::Comma => "`,`".to_owned(),
            Token::Sign(_) => "an operator".to_owned(),
        };
        let problem = Problem::syntax(at, format!("{found} stands where {wanted} should be"));
        let correction = match self.peek() {
            Token::Word(word) if !is_keyword(word) => nearest(word, KEYWORDS.into_iter()),
            Token::Sign(Operator::Equal) => Some("equality is one `=`".to_owned()),
            _ => None,
        };
        match correction {
            Some(correction) => problem.corrected(correction),
            None => problem,
        }
    }

    /// A whole expression, one level deeper.
    fn expression(&mut self) -> Result<Node, Problem> {
        self.nested(|parser| parser.chain(Level::Logic))
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Result<Node, Problem>) -> Result<Node, Problem> {
        if self.depth == MAX_DEPTH {
            return Err(self.too_deep());
        }
        self.depth += 1;
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn too_deep(&self) -> Problem {
        let detail = format!("more than {MAX_DEPTH} levels lie in one another");
        Problem::new(self.here().start, "sql-too-deep", detail)
    }

    /// A node, unless the tree would be too high.
    fn node(&self, kind: Kind, start: usize) -> Result<Node, Problem> {
        let node = Node::new(kind, self.since(start));
        if node.height > MAX_DEPTH {
            return Err(self.too_deep());
        }
        Ok(node)
    }

    /// Operands with the operators of one level between them.
    fn chain(&mut self, level: Level) -> Result<Node, Problem> {
        let start = self.here().start;
        let first = self.below(level)?;
        let mut rest = Vec::new();
        while let Some(operator) = self.operator().filter(|operator| operator.level() == level) {
            self.next += 1;
            rest.push((operator, self.below(level)?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let first = Box::new(first);
        self.node(Kind::Chain { first, rest }, start)
    }

    fn below(&mut self, level: Level) -> Result<Node, Problem> {
        match level.tighter() {
            Some(tighter) => self.chain(tighter),
            None => self.tested(),
        }
    }

    fn operator(&self) -> Option<Operator> {
        match self.peek() {
            Token::Sign(operator) => Some(*operator),
            token if token.is("AND") => Some(Operator::And),
            token if token.is("OR") => Some(Operator::Or),
            token if token.is("XOR") => Some(Operator::Xor),
            _ => None,
        }
    }

    /// An operand, and what `LIKE` and `IN` ask of it.
    fn tested(&mut self) -> Result<Node, Problem> {
        let start = self.here().start;
        let mut node = self.unary()?;
        loop {
            let negated = self.peek().is("NOT");
            let keyword = self.peek_at(usize::from(negated));
            let (is_like, is_in) = (keyword.is("LIKE"), keyword.is("IN"));
            if !is_like && !is_in {
                return Ok(node);
            }
            self.next += 1 + usize::from(negated);
            let operand = Box::new(node);
            let kind = if is_like {
                let pattern = self.pattern()?;
                Kind::Like {
                    operand,
                    pattern,
                    negated,
                }
            } else {
                let set = self.set()?;
                Kind::In {
                    operand,
                    set,
                    negated,
                }
            };
            node = self.node(kind, start)?;
        }
    }

    fn pattern(&mut self) -> Result<Like, Problem> {
        let Token::Text(text) = self.peek() else {
            let problem = self.unexpected("the string of LIKE");
            return Err(problem.corrected("LIKE takes a string literal, such as 'com.example.%'"));
        };
        let pattern = Like::new(text);
        self.next += 1;
        Ok(pattern)
    }

    fn set(&mut self) -> Result<Vec<Node>, Problem> {
        self.expect(&Token::Open, "the bracket of IN")?;
        if self.peek() == &Token::Close {
            return Err(self.unexpected("a value of IN"));
        }
        self.list()
    }

    /// Expressions up to the closing bracket.
    fn list(&mut self) -> Result<Vec<Node>, Problem> {
        let mut items = Vec::new();
        if self.take(&Token::Close) {
            return Ok(items);
        }
        loop {
            items.push(self.expression()?);
            if !self.take(&Token::Comma) {
                self.expect(&Token::Close, "a comma or the closing bracket")?;
                return Ok(items);
            }
        }
    }

    /// An operand behind its signs.
    fn unary(&mut self) -> Result<Node, Problem> {
        let span = self.here();
        let number_follows = matches!(self.peek_at(1), Token::Digits(_))
            && self
                .tokens
                .get(self.next + 1)
                .is_some_and(|(_, next)| next.start == span.end);
        match self.peek() {
            Token::Sign(sign @ (Operator::Subtract | Operator::Add)) if number_follows => {
                let sign = if *sign == Operator::Subtract { "-" } else { "" };
                self.next += 1;
                self.integer(sign, span.start)
            }
            Token::Sign(Operator::Subtract) => {
                self.next += 1;
                let operand = self.nested(Self::unary)?;
                self.node(Kind::Minus(Box::new(operand)), span.start)
            }
            token if token.is("NOT") => {
                self.next += 1;
                let operand = self.nested(Self::unary)?;
                self.node(Kind::Not(Box::new(operand)), span.start)
            }
            _ => self.operand(),
        }
    }

    fn integer(&mut self, sign: &str, start: usize) -> Result<Node, Problem> {
        let Token::Digits(digits) = self.peek() else {
            return Err(self.unexpected("a number"));
        };
        let number = format!("{sign}{digits}").parse().map_err(|_| {
            let detail = format!("{sign}{digits} is not an integer of 32 bits");
            Problem::syntax(start, detail).corrected("compare longer numbers as strings")
        })?;
        self.next += 1;
        self.node(Kind::Literal(Literal::Integer(number)), start)
    }

    fn operand(&mut self) -> Result<Node, Problem> {
        let start = self.here().start;
        match self.peek().clone() {
            Token::Open => {
                self.next += 1;
                let mut node = self.expression()?;
                self.expect(&Token::Close, "the closing bracket")?;
                node.span = self.since(start);
                Ok(node)
            }
            Token::Text(text) => {
                self.next += 1;
                self.node(Kind::Literal(Literal::String(text)), start)
            }
            Token::Digits(_) => self.integer("", start),
            Token::Word(word) => self.word(&word, start),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// A literal, a call, `EXISTS`, or an attribute.
    fn word(&mut self, word: &str, start: usize) -> Result<Node, Problem> {
        for (keyword, truth) in [("TRUE", true), ("FALSE", false)] {
            if self.take_word(keyword) {
                return self.node(Kind::Literal(Literal::Boolean(truth)), start);
            }
        }
        if self.take_word("EXISTS") {
            let name = self.attribute()?;
            return self.node(Kind::Exists(name), start);
        }
        if self.peek_at(1) != &Token::Open {
            let name = self.attribute()?;
            return self.node(Kind::Attribute(name), start);
        }
        if is_keyword(word) || word.contains(|c: char| c.is_ascii_digit()) {
            return Err(self.unexpected("a value or the name of a function"));
        }
        self.next += 2;
        let arguments = self.list()?;
        let kind = Kind::Call {
            name: word.to_owned(),
            function: Function::find(word, arguments.len()),
            arguments,
        };
        self.node(kind, start)
    }

    /// The name of an attribute; capitals are taken for what they cannot be, small letters.
    fn attribute(&mut self) -> Result<String, Problem> {
        let (Token::Word(word) | Token::Digits(word)) = self.peek() else {
            return Err(self.unexpected("the name of an attribute"));
        };
        if is_keyword(word) {
            return Err(self.unexpected("the name of an attribute"));
        }
        if word.contains('_') {
            let detail = format!("`{word}` names no attribute: those consist of letters and digits");
            return Err(Problem::syntax(self.here().start, detail));
        }
        let name = word.to_ascii_lowercase();
        self.next += 1;
        Ok(name)
    }
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}
