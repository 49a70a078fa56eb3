//! Makes templates of tokens, by the grammar of Go's text/template, and says what is wrong in Go's words. Functions are
//! checked to exist; what they do is not known here.

use std::collections::BTreeMap;

use super::TemplateError;
use super::function::Function;
use super::lex::{self, Keyword, Kind, Token};
use super::literal;
use super::node::{Branch, BranchKind, Call, Command, Node, Pipe, Term, Word};

/// How deep branches and parentheses may be nested; Go's stack grows, ours does not.
const DEPTH_MAX: usize = 100;

/// Named templates. The one that is printed has the empty name.
pub(super) type Templates = BTreeMap<String, Vec<Node>>;

/// Parses `text` and all definitions in it.
pub(super) fn templates(text: &str) -> Result<Templates, TemplateError> {
    let mut parser = Parser {
        tokens: lex::tokens(text),
        next: 0,
        fetched: 0,
        variables: vec!["$".to_owned()],
        range_depth: 0,
        depth: 0,
        action_line: None,
        templates: Templates::new(),
    };
    let root = parser.root()?;
    parser.add(String::new(), root)?;
    Ok(parser.templates)
}

/// What one step through a list of nodes meets.
enum Item {
    Node(Node),
    Terminator(Terminator),
}

/// What ends a list of nodes.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Terminator {
    Else,
    End,
}

impl Terminator {
    fn text(self) -> &'static str {
        match self {
            Self::Else => "{{else}}",
            Self::End => "{{end}}",
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    /// The last token that was looked at: errors name its line.
    fetched: usize,
    /// The names that can be used, innermost last.
    variables: Vec<String>,
    range_depth: usize,
    depth: usize,
    /// Where the action in work began.
    action_line: Option<usize>,
    templates: Templates,
}

type Parsed<T> = Result<T, TemplateError>;

/// The tokens.
impl Parser {
    fn peek(&mut self) -> Token {
        let at = self.next.min(self.tokens.len() - 1);
        self.fetched = self.fetched.max(at);
        self.tokens[at].clone()
    }

    fn bump(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn backup(&mut self) {
        self.next -= 1;
    }

    fn skip_space(&mut self) {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
    }

    fn bump_word(&mut self) -> Token {
        self.skip_space();
        self.bump()
    }

    fn peek_word(&mut self) -> Token {
        self.skip_space();
        self.peek()
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.bump_word();
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(&token, context)) }
    }

    fn error(&self, message: impl Into<String>) -> TemplateError {
        TemplateError::Parse { line: self.tokens[self.fetched].line, message: message.into() }
    }

    fn unexpected(&self, token: &Token, context: &str) -> TemplateError {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {} in {context}", shown(token)));
        }
        match self.action_line.filter(|line| *line != token.line) {
            None => self.error(token.text.as_str()),
            Some(line) if token.text.ends_with(" action") => self.error(format!("{} started at :{line}", token.text)),
            Some(line) => self.error(format!("{} in action started at :{line}", token.text)),
        }
    }

    /// Runs `parse` one level further down.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH_MAX {
            return Err(self.error("max expression depth exceeded"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}

/// A token as errors show it.
fn shown(token: &Token) -> String {
    match token.kind {
        Kind::Eof => "EOF".to_owned(),
        Kind::Keyword(_) => format!("<{}>", token.text),
        _ if token.text.len() > 10 => {
            let start: String = token.text.chars().take(10).collect();
            format!("{}...", literal::quote(&start))
        }
        _ => literal::quote(&token.text),
    }
}

/// Lists of nodes and definitions.
impl Parser {
    fn root(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = Vec::new();
        while self.peek().kind != Kind::Eof {
            if self.takes_define() {
                self.definition()?;
                continue;
            }
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::Terminator(t) => return Err(self.error(format!("unexpected {}", t.text()))),
            }
        }
        Ok(nodes)
    }

    /// Passes over `{{define`, if that is what comes.
    fn takes_define(&mut self) -> bool {
        let start = self.next;
        let hit = self.bump().kind == Kind::LeftDelim && self.bump_word().kind == Kind::Keyword(Keyword::Define);
        if !hit {
            self.next = start;
        }
        hit
    }

    fn definition(&mut self) -> Parsed<()> {
        const CONTEXT: &str = "define clause";
        let token = self.bump_word();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let body = self.separate_body(CONTEXT)?;
        self.add(name, body)
    }

    /// The nodes up to `{{end}}` of a template of its own, which sees none of the variables around it.
    fn separate_body(&mut self, context: &str) -> Parsed<Vec<Node>> {
        let variables = core::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let range_depth = core::mem::take(&mut self.range_depth);
        let (body, terminator) = self.list()?;
        self.variables = variables;
        self.range_depth = range_depth;
        match terminator {
            Terminator::End => Ok(body),
            Terminator::Else => Err(self.error(format!("unexpected {} in {context}", terminator.text()))),
        }
    }

    fn template_name(&self, token: &Token, context: &str) -> Parsed<String> {
        match token.kind {
            Kind::String | Kind::RawString => literal::unquote(&token.text).map_err(|e| self.error(e)),
            _ => Err(self.unexpected(token, context)),
        }
    }

    /// Gives `body` its name. A blank template gives way to another one of the name, but no other does.
    fn add(&mut self, name: String, body: Vec<Node>) -> Parsed<()> {
        let is_blank = |nodes: &[Node]| nodes.iter().all(Node::is_blank);
        match self.templates.get(&name) {
            Some(known) if !is_blank(known) && !is_blank(&body) => {
                Err(self.error(format!("template: multiple definition of template {}", literal::quote(&name))))
            }
            Some(known) if !is_blank(known) => Ok(()),
            _ => {
                self.templates.insert(name, body);
                Ok(())
            }
        }
    }

    fn list(&mut self) -> Parsed<(Vec<Node>, Terminator)> {
        let mut nodes = Vec::new();
        while self.peek_word().kind != Kind::Eof {
            match self.item()? {
                Item::Node(node) => nodes.push(node),
                Item::Terminator(terminator) => return Ok((nodes, terminator)),
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn item(&mut self) -> Parsed<Item> {
        let token = self.bump_word();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.text))),
            Kind::LeftDelim => {
                self.action_line = Some(token.line);
                let item = self.action();
                self.action_line = None;
                item
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }
}

/// Actions. Their first word tells what they are.
impl Parser {
    fn action(&mut self) -> Parsed<Item> {
        let token = self.bump_word();
        let Kind::Keyword(word) = token.kind else { return self.plain_action() };
        Ok(Item::Node(match word {
            Keyword::Block => self.block()?,
            Keyword::Break => self.loop_control(Node::Break, "{{break}}")?,
            Keyword::Continue => self.loop_control(Node::Continue, "{{continue}}")?,
            Keyword::Else => return self.otherwise(),
            Keyword::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Terminator(Terminator::End));
            }
            Keyword::If => self.branch(BranchKind::If)?,
            Keyword::Range => self.branch(BranchKind::Range)?,
            Keyword::Template => self.call()?,
            Keyword::With => self.branch(BranchKind::With)?,
            Keyword::Define | Keyword::Dot | Keyword::Nil => return self.plain_action(),
        }))
    }

    fn plain_action(&mut self) -> Parsed<Item> {
        self.backup();
        let pipe = self.pipeline("command", Kind::RightDelim)?;
        Ok(Item::Node(Node::Action(pipe)))
    }

    fn loop_control(&mut self, node: Node, text: &str) -> Parsed<Node> {
        self.expect(Kind::RightDelim, text)?;
        if self.range_depth == 0 { Err(self.error(format!("{text} outside {{{{range}}}}"))) } else { Ok(node) }
    }

    /// `{{else}}`; the `if` or `with` that may follow stays where it is.
    fn otherwise(&mut self) -> Parsed<Item> {
        let chains = matches!(self.peek_word().kind, Kind::Keyword(Keyword::If | Keyword::With));
        if !chains {
            self.expect(Kind::RightDelim, "else")?;
        }
        Ok(Item::Terminator(Terminator::Else))
    }

    fn branch(&mut self, kind: BranchKind) -> Parsed<Node> {
        self.nested(|parser| parser.branch_inside(kind))
    }

    fn branch_inside(&mut self, kind: BranchKind) -> Parsed<Node> {
        let known = self.variables.len();
        let pipe = self.pipeline(kind.word(), Kind::RightDelim)?;
        let ranges = usize::from(kind == BranchKind::Range);
        self.range_depth += ranges;
        let (body, terminator) = self.list()?;
        self.range_depth -= ranges;
        let otherwise = match terminator {
            Terminator::End => Vec::new(),
            Terminator::Else => self.else_list(kind)?,
        };
        self.variables.truncate(known);
        Ok(Node::Branch(Branch { kind, pipe, body, otherwise }))
    }

    /// What comes after `{{else}}`. `{{else if}}` needs no `{{end}}` of its own, nor does `{{else with}}`.
    fn else_list(&mut self, kind: BranchKind) -> Parsed<Vec<Node>> {
        let chained = match kind {
            BranchKind::If => self.peek().kind == Kind::Keyword(Keyword::If),
            BranchKind::With => self.peek().kind == Kind::Keyword(Keyword::With),
            BranchKind::Range => false,
        };
        if chained {
            self.bump();
            return Ok(vec![self.branch(kind)?]);
        }
        match self.list()? {
            (nodes, Terminator::End) => Ok(nodes),
            (_, found) => Err(self.error(format!("expected end; found {}", found.text()))),
        }
    }

    /// `{{block "name" pipeline}}`: a definition and its use in one.
    fn block(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "block clause";
        let token = self.bump_word();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let body = self.nested(|parser| parser.separate_body(CONTEXT))?;
        self.add(name.clone(), body)?;
        Ok(Node::Call(Call { pos: token.pos, name, pipe: Some(pipe) }))
    }

    fn call(&mut self) -> Parsed<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.bump_word();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = if self.peek_word().kind == Kind::RightDelim {
            self.bump();
            None
        } else {
            Some(self.pipeline(CONTEXT, Kind::RightDelim)?)
        };
        Ok(Node::Call(Call { pos: token.pos, name, pipe }))
    }
}

/// Pipelines and what they are made of.
impl Parser {
    /// A pipeline up to and with `end`.
    fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let pos = self.peek_word().pos;
        let mut pipe = Pipe { pos, variables: Vec::new(), assigns: false, commands: Vec::new() };
        self.declarations(&mut pipe, context)?;
        loop {
            let token = self.bump_word();
            if token.kind == end {
                self.check_pipeline(&pipe, context)?;
                return Ok(pipe);
            }
            if !starts_operand(token.kind) {
                return Err(self.unexpected(&token, context));
            }
            self.backup();
            pipe.commands.push(self.command()?);
        }
    }

    /// `$x :=`, `$x =` or, in a range, `$k, $v :=`. A variable that is none of these is left to be an operand.
    fn declarations(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<()> {
        loop {
            let start = self.next;
            let variable = self.bump_word();
            if variable.kind != Kind::Variable {
                self.next = start;
                return Ok(());
            }
            let mark = self.bump_word();
            let is_comma = mark.kind == Kind::Char && mark.text == ",";
            if !is_comma && !matches!(mark.kind, Kind::Assign | Kind::Declare) {
                self.next = start;
                return Ok(());
            }
            pipe.assigns = mark.kind == Kind::Assign;
            pipe.variables.push(variable.text.clone());
            self.variables.push(variable.text);
            if !is_comma {
                return Ok(());
            }
            self.check_comma(pipe, context)?;
        }
    }

    /// A comma stands only between the two variables of a range.
    fn check_comma(&mut self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if context != BranchKind::Range.word() || pipe.variables.len() > 1 {
            return Err(self.error(format!("too many declarations in {context}")));
        }
        match self.peek_word().kind {
            Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(()),
            _ => Err(self.error("range can only initialize variables")),
        }
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        let is_value = |command: &Command| {
            let first = command.words.first().map(|word| &word.term);
            matches!(first, Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number { .. } | Term::String { .. }))
        };
        match pipe.commands.iter().skip(1).position(is_value) {
            Some(at) => Err(self.error(format!("non executable command in pipeline stage {}", at + 2))),
            None => Ok(()),
        }
    }

    /// Words up to a `|`, which is taken, or the end of the pipeline, which is not.
    fn command(&mut self) -> Parsed<Command> {
        let mut command = Command { pos: self.peek_word().pos, words: Vec::new() };
        loop {
            self.skip_space();
            command.words.extend(self.operand()?);
            let token = self.bump();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.backup();
                    break;
                }
                Kind::Pipe => break,
                _ => return Err(self.unexpected(&token, "operand")),
            }
        }
        if command.words.is_empty() { Err(self.error("empty command")) } else { Ok(command) }
    }

    /// A term and the fields that hang on it.
    fn operand(&mut self) -> Parsed<Option<Word>> {
        let Some(mut word) = self.term()? else { return Ok(None) };
        let pos = self.peek().pos;
        let fields = self.fields();
        if fields.is_empty() {
            return Ok(Some(word));
        }
        word.term = match word.term {
            Term::Field(mut path) => {
                path.extend(fields);
                Term::Field(path)
            }
            Term::Variable(name, mut path) => {
                path.extend(fields);
                Term::Variable(name, path)
            }
            Term::Bool(_) | Term::Dot | Term::Nil | Term::Number { .. } | Term::String { .. } => {
                let text = literal::quote(&word.to_string());
                return Err(self.error(format!("unexpected . after term {text}")));
            }
            term => Term::Chain(Box::new(Word { pos: word.pos, term }), fields),
        };
        Ok(Some(Word { pos, ..word }))
    }

    fn fields(&mut self) -> Vec<String> {
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(field_name(&self.bump()));
        }
        fields
    }

    /// A single value; None, with nothing taken, when what comes is none.
    fn term(&mut self) -> Parsed<Option<Word>> {
        let token = self.bump_word();
        let term = match token.kind {
            Kind::Identifier => self.function(&token)?,
            Kind::Keyword(Keyword::Dot) => Term::Dot,
            Kind::Keyword(Keyword::Nil) => Term::Nil,
            Kind::Variable => self.variable(&token)?,
            Kind::Field => Term::Field(vec![field_name(&token)]),
            Kind::Bool => Term::Bool(token.text == "true"),
            Kind::Number | Kind::CharConstant => self.number(&token)?,
            Kind::LeftParen => {
                Term::Pipe(self.nested(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?)
            }
            Kind::String | Kind::RawString => {
                let value = literal::unquote(&token.text).map_err(|e| self.error(e))?;
                Term::String { written: token.text, value }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Word { pos: token.pos, term }))
    }

    fn function(&self, token: &Token) -> Parsed<Term> {
        let unknown = || self.error(format!("function {} not defined", literal::quote(&token.text)));
        Function::named(&token.text).map(Term::Function).ok_or_else(unknown)
    }

    fn variable(&self, token: &Token) -> Parsed<Term> {
        if !self.variables.contains(&token.text) {
            return Err(self.error(format!("undefined variable {}", literal::quote(&token.text))));
        }
        Ok(Term::Variable(token.text.clone(), Vec::new()))
    }

    fn number(&self, token: &Token) -> Parsed<Term> {
        let read = if token.kind == Kind::Number { literal::number } else { literal::character };
        let value = read(&token.text).map_err(|e| self.error(e))?;
        Ok(Term::Number { written: token.text.clone(), value })
    }
}

/// The name in a field's token, which begins with a dot.
fn field_name(token: &Token) -> String {
    token.text.trim_start_matches('.').to_owned()
}

fn starts_operand(kind: Kind) -> bool {
    match kind {
        Kind::Bool
        | Kind::CharConstant
        | Kind::Field
        | Kind::Identifier
        | Kind::LeftParen
        | Kind::Number
        | Kind::RawString
        | Kind::String
        | Kind::Variable
        | Kind::Keyword(Keyword::Dot | Keyword::Nil) => true,
        Kind::Assign
        | Kind::Char
        | Kind::Declare
        | Kind::Eof
        | Kind::Error
        | Kind::LeftDelim
        | Kind::Pipe
        | Kind::RightDelim
        | Kind::RightParen
        | Kind::Space
        | Kind::Text
        | Kind::Keyword(_) => false,
    }
}
