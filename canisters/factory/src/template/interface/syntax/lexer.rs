//! The words of the text form.

use super::Problem;

/// A word, a mark, or the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A keyword or a name.
    Word(&'a str),
    /// A name in quotes.
    Quoted(&'a str),
    /// A label.
    Number(u32),
    /// One of `{ } ( ) ; , : =`.
    Mark(char),
    /// `->`
    Arrow,
    /// No more.
    End,
}

/// What is not read yet.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    /// All of the text.
    pub fn new(text: &'a str) -> Self {
        Lexer { text, rest: text }
    }

    /// The line that is read.
    pub fn line(&self) -> usize {
        let read = self.text.len() - self.rest.len();
        self.text.bytes().take(read).filter(|byte| *byte == b'\n').count() + 1
    }

    /// The next token.
    pub fn token(&mut self) -> Result<Token<'a>, Problem> {
        self.skip()?;
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        match first {
            '{' | '}' | '(' | ')' | ';' | ',' | ':' | '=' => {
                self.cut(1);
                Ok(Token::Mark(first))
            }
            '-' if self.rest.starts_with("->") => {
                self.cut(2);
                Ok(Token::Arrow)
            }
            '"' => self.quoted(),
            '0'..='9' => self.number(),
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = self.rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
                Ok(Token::Word(self.cut(length)))
            }
            _ => Err("a character that has no place here"),
        }
    }

    /// Takes so many bytes.
    fn cut(&mut self, length: usize) -> &'a str {
        let (cut, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        cut
    }

    /// Skips space and comments.
    fn skip(&mut self) -> Result<(), Problem> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
            if self.rest.starts_with("//") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.cut(end);
            } else if self.rest.starts_with("/*") {
                self.comment()?;
            } else {
                return Ok(());
            }
        }
    }

    /// A comment that may hold others.
    fn comment(&mut self) -> Result<(), Problem> {
        let mut depth = 0_usize;
        loop {
            let mark = self.rest.find(['/', '*']).ok_or("a comment without end")?;
            self.cut(mark);
            if self.rest.starts_with("/*") {
                self.cut(2);
                depth += 1;
            } else if self.rest.starts_with("*/") {
                self.cut(2);
                depth -= 1;
            } else {
                self.cut(1);
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn quoted(&mut self) -> Result<Token<'a>, Problem> {
        self.cut(1);
        let end = self.rest.find(['"', '\\', '\n']).ok_or("a quoted name without end")?;
        let name = self.cut(end);
        if self.cut(1) == "\"" { Ok(Token::Quoted(name)) } else { Err("an escape or a new line in a quoted name") }
    }

    fn number(&mut self) -> Result<Token<'a>, Problem> {
        let length = self.rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let word = self.cut(length);
        let number = match word.strip_prefix("0x") {
            // The first of the digits is one.
            Some(digits) if !digits.starts_with('_') => u32::from_str_radix(&digits.replace('_', ""), 16),
            _ => word.replace('_', "").parse(),
        };
        number.map(Token::Number).map_err(|_| "a label that is no number of 32 bits")
    }
}
