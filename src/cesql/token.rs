//! From the text of an expression to its words and signs.

use super::ast::Operator;
use super::ast::Span;
use super::error::Problem;

/// A word or sign of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, digits and underscores, not digits alone: a keyword, an attribute or a function.
    Word(String),
    /// Digits, without a sign.
    Digits(String),
    /// A string, unescaped.
    Text(String),
    /// A sign that stands between two operands.
    Sign(Operator),
    Open,
    Close,
    Comma,
    /// Behind everything else.
    End,
}

impl Token {
    /// Whether it is this keyword, however it is spelled.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }
}

/// Takes a text apart; the last token is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, Problem> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let start = text.len() - rest.len();
        let (token, len) = first(rest, start)?;
        let span = Span {
            start,
            end: start + len,
        };
        let is_end = token == Token::End;
        found.push((token, span));
        if is_end {
            return Ok(found);
        }
        rest = rest.get(len..).unwrap_or_default();
    }
}

/// The token at the beginning of a text, and its length.
fn first(text: &str, at: usize) -> Result<(Token, usize), Problem> {
    const SIGNS: [(&str, Operator); 12] = [
        ("<>", Operator::NotEqual),
        ("!=", Operator::NotEqual),
        (">=", Operator::GreaterOrEqual),
        ("<=", Operator::LessOrEqual),
        ("=", Operator::Equal),
        (">", Operator::Greater),
        ("<", Operator::Less),
        ("+", Operator::Add),
        ("-", Operator::Subtract),
        ("*", Operator::Multiply),
        ("/", Operator::Divide),
        ("%", Operator::Modulo),
    ];
    let Some(c) = text.chars().next() else {
        return Ok((Token::End, 0));
    };
    match c {
        '(' => return Ok((Token::Open, 1)),
        ')' => return Ok((Token::Close, 1)),
        ',' => return Ok((Token::Comma, 1)),
        '\'' | '"' => return quoted(text, c, at),
        _ => {}
    }
    if let Some((sign, operator)) = SIGNS.into_iter().find(|(sign, _)| text.starts_with(sign)) {
        return Ok((Token::Sign(operator), sign.len()));
    }
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let word: String = text.chars().take_while(|&c| is_inside(c)).collect();
    let len = word.len();
    if word.is_empty() {
        return Err(unexpected(c, at));
    }
    Ok(if word.bytes().all(|b| b.is_ascii_digit()) {
        (Token::Digits(word), len)
    } else {
        (Token::Word(word), len)
    })
}

/// A string literal: `\'` and `''` are a quote in one that quotes enclose, and so with `"`.
fn quoted(text: &str, quote: char, at: usize) -> Result<(Token, usize), Problem> {
    let mut value = String::new();
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((index, c)) = rest.next() {
        match (c, rest.peek()) {
            ('\\', Some(&(_, escaped))) => {
                if escaped != quote {
                    value.push(c);
                }
                value.push(escaped);
                rest.next();
            }
            (c, Some(&(_, next))) if c == quote && next == quote => {
                value.push(c);
                rest.next();
            }
            (c, _) if c == quote => return Ok((Token::Text(value), index + 1)),
            (c, _) => value.push(c),
        }
    }
    let detail = "the string that begins here does not end";
    Err(Problem::syntax(at, detail).corrected(format!("close it with {quote}")))
}

fn unexpected(c: char, at: usize) -> Problem {
    let problem = Problem::syntax(at, format!("`{c}` has no meaning here"));
    match c {
        '!' => problem.corrected("write != or NOT"),
        '&' => problem.corrected("write AND"),
        '|' => problem.corrected("write OR"),
        '’' | '‘' | '“' | '”' | '`' => problem.corrected("enclose strings in ' or \""),
        '.' | '[' | '$' => {
            problem.corrected("CESQL sees attributes only; an event pattern matches fields of the payload")
        }
        _ => problem,
    }
}
