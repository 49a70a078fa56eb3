//! Go's text/template as `docker --format` uses it, over JSON. What it prints and what it says of mistakes is, byte for
//! byte, what the docker client says; the words around that ("template parsing error:") belong to the command. Go's
//! structs are seen as maps: `range` goes through their fields, and they are printed as `map[…]`.
//!
//! Written here because the crates at hand (gtmpl, gtmpl-ng) have other error texts and no `missingkey=error`, and the
//! texts are what users see.

mod compare;
mod escape;
mod eval;
mod function;
mod lex;
mod literal;
mod node;
mod parse;
mod print;
mod value;

use core::fmt;

use serde_json::Value;

use self::eval::Mode;
use self::node::Node;
use self::parse::Templates;
pub(crate) use self::value::LEFT_OUT;

/// What a template is printed for: it decides what a missing field is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Context<'a> {
    /// The head of a table: missing fields are `<no value>`, and docker's own functions change nothing.
    Header,
    /// An object, as `docker inspect` prints it: a missing entry of a map such as Labels is `<no value>`, all other
    /// missing fields are errors.
    Inspect,
    /// One line of a list such as `docker ps`: an error that names Go's type.
    Row {
        /// The type, such as `*formatter.ContainerContext`.
        type_name: &'a str,
    },
}

/// A template that can be printed.
#[derive(Clone, Debug)]
pub struct Template {
    text: String,
    templates: Templates,
}

impl Template {
    /// Parses `text`, definitions in it included.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { text: text.to_owned(), templates: parse::templates(text)? })
    }

    /// Prints it as `docker inspect` does.
    pub fn render(&self, data: &Value) -> Result<String, TemplateError> {
        self.render_for(data, Context::Inspect)
    }

    /// Prints it for a purpose. For an inspection docker tries twice, first with its own types, and then, if anything
    /// was wrong, with the bare JSON; the second error is the one that is seen.
    pub fn render_for(&self, data: &Value, context: Context<'_>) -> Result<String, TemplateError> {
        match context {
            Context::Header => eval::run(self, data, Mode::Header),
            Context::Row { type_name } => eval::run(self, data, Mode::Row(type_name)),
            Context::Inspect => eval::run(self, data, Mode::Typed).or_else(|_| eval::run(self, data, Mode::Raw)),
        }
    }

    /// The nodes of a template by name.
    fn named(&self, name: &str) -> Option<&[Node]> {
        self.templates.get(name).map(Vec::as_slice)
    }

    /// The line of a byte, from 1, and its column, from 0.
    fn place(&self, pos: usize) -> (usize, usize) {
        let before = &self.text[..pos];
        (1 + before.matches('\n').count(), pos - before.rfind('\n').map_or(0, |at| at + 1))
    }
}

/// What is wrong with a template, in Go's words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TemplateError {
    /// It cannot be read.
    Parse {
        /// The line, from 1.
        line: usize,
        /// Go's text.
        message: String,
    },
    /// It cannot be printed with the data.
    Exec {
        /// The line, from 1.
        line: usize,
        /// The byte in the line, from 0.
        column: usize,
        /// The name of the definition; empty for the template itself.
        template: String,
        /// The part that failed.
        part: String,
        /// Go's text.
        message: String,
    },
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse { line, message } => write!(f, "template: :{line}: {message}"),
            Self::Exec { line, column, template, part, message } => {
                let name = literal::quote(template);
                write!(f, "template: :{line}:{column}: executing {name} at <{part}>: {message}")
            }
        }
    }
}

impl std::error::Error for TemplateError {}

#[cfg(test)]
mod tests;
