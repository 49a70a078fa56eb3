//! Walks a parsed template over data and prints. The rules on missing keys, on what a value is and on where an error
//! is said to be are those of Go's text/template; what each function does is not known here.

use core::fmt;

use serde_json::Value;

use super::function::{Function, Param, Signature};
use super::literal::{self, Number};
use super::node::{Branch, BranchKind, Call, Command, Node, Pipe, Term, Word};
use super::value::{self, Kind, Val, is_true, type_name};
use super::{Template, TemplateError};

/// How deep templates may use each other, where Go's limit, which the text names, would be beyond our stack.
const DEPTH_MAX: usize = 100;
const DEPTH_MAX_GO: usize = 100_000;

type Evaluated<T> = Result<T, TemplateError>;

/// What a missing field is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Mode<'a> {
    /// Nothing, and docker's functions change nothing.
    Header,
    /// An error (Go's `missingkey=error`).
    Raw,
    /// An error that names this type.
    Row(&'a str),
    /// Nothing in a map, an error in a struct.
    Typed,
}

/// Where an error is said to be: the part of the template that was looked at last.
#[derive(Clone, Copy)]
struct Spot<'t> {
    pos: usize,
    part: &'t dyn fmt::Display,
}

/// What a node does to the loop around it.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// One printing of a template.
pub(super) struct Run<'t, 'd> {
    template: &'t Template,
    mode: Mode<'t>,
    /// The name of the template in work.
    name: &'t str,
    spot: Option<Spot<'t>>,
    /// All variables that can be seen, innermost last.
    variables: Vec<(&'t str, Val<'d>)>,
    depth: usize,
    out: String,
}

/// Prints `template` with `data`.
pub(super) fn run(template: &Template, data: &Value, mode: Mode<'_>) -> Evaluated<String> {
    let root = Val::root(data);
    let mut run = Run {
        template,
        mode,
        name: "",
        spot: None,
        variables: vec![("$", root.clone())],
        depth: 0,
        out: String::new(),
    };
    if let Some(nodes) = template.named("") {
        run.walk(&root, nodes)?;
    }
    Ok(run.out)
}

impl<'t, 'd> Run<'t, 'd> {
    fn at(&mut self, pos: usize, part: &'t dyn fmt::Display) {
        self.spot = Some(Spot { pos, part });
    }

    fn error(&self, message: impl Into<String>) -> TemplateError {
        let pos = self.spot.map_or(0, |spot| spot.pos);
        let (line, column) = self.template.place(pos);
        TemplateError::Exec {
            line,
            column,
            template: self.name.to_owned(),
            part: self.spot.map(|spot| spot.part.to_string()).unwrap_or_default(),
            message: message.into(),
        }
    }
}

/// Nodes.
impl<'t, 'd> Run<'t, 'd> {
    fn walk(&mut self, dot: &Val<'d>, nodes: &'t [Node]) -> Evaluated<Flow> {
        for node in nodes {
            let flow = match node {
                Node::Text(text) => {
                    self.out.push_str(text);
                    Flow::Next
                }
                Node::Action(pipe) => self.action(dot, pipe)?,
                Node::Branch(branch) => self.branch(dot, branch)?,
                Node::Call(call) => self.call_template(dot, call)?,
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// Prints a pipeline's value, unless variables take it.
    fn action(&mut self, dot: &Val<'d>, pipe: &'t Pipe) -> Evaluated<Flow> {
        let value = self.pipeline(dot, pipe)?;
        if pipe.variables.is_empty() {
            let text = if self.mode == Mode::Typed { value::typed(&value) } else { value::printed(&value.data) };
            self.out.push_str(&text);
        }
        Ok(Flow::Next)
    }

    fn branch(&mut self, dot: &Val<'d>, branch: &'t Branch) -> Evaluated<Flow> {
        let known = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = match branch.kind {
            BranchKind::If if is_true(&value.data) => self.walk(dot, &branch.body)?,
            BranchKind::With if is_true(&value.data) => self.walk(&value, &branch.body)?,
            BranchKind::Range => self.range(dot, &value, branch)?,
            BranchKind::If | BranchKind::With => self.walk(dot, &branch.otherwise)?,
        };
        self.variables.truncate(known);
        Ok(flow)
    }

    fn range(&mut self, dot: &Val<'d>, value: &Val<'d>, branch: &'t Branch) -> Evaluated<Flow> {
        let Some(elements) = elements(value) else {
            return Err(self.error(format!("range can't iterate over {}", value::text(&value.data))));
        };
        let mut elements = elements.peekable();
        if elements.peek().is_none() {
            return self.walk(dot, &branch.otherwise);
        }
        let known = self.variables.len();
        for (key, element) in elements {
            self.set_range_variables(&branch.pipe, &key, &element)?;
            let flow = self.walk(&element, &branch.body)?;
            self.variables.truncate(known);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
    }

    /// One variable takes the element, two take key and element. The pipeline has made them, with other values.
    fn set_range_variables(&mut self, pipe: &'t Pipe, key: &Val<'d>, element: &Val<'d>) -> Evaluated<()> {
        match pipe.variables.as_slice() {
            [] => Ok(()),
            [one] => self.set_variable(one, element.clone()),
            [first, second, ..] => {
                self.set_variable(first, key.clone())?;
                self.set_variable(second, element.clone())
            }
        }
    }

    fn call_template(&mut self, dot: &Val<'d>, call: &'t Call) -> Evaluated<Flow> {
        self.at(call.pos, call);
        let Some(nodes) = self.template.named(&call.name) else {
            return Err(self.error(format!("template {} not defined", literal::quote(&call.name))));
        };
        if self.depth == DEPTH_MAX {
            return Err(self.error(format!("exceeded maximum template depth ({DEPTH_MAX_GO})")));
        }
        let dot = match &call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Val::nothing(),
        };
        let name = core::mem::replace(&mut self.name, &call.name);
        let variables = core::mem::replace(&mut self.variables, vec![("$", dot.clone())]);
        self.depth += 1;
        self.walk(&dot, nodes)?;
        self.depth -= 1;
        self.variables = variables;
        self.name = name;
        Ok(Flow::Next)
    }
}

/// Keys and elements, made as they are needed.
type Elements<'v, 'd> = Box<dyn Iterator<Item = (Val<'d>, Val<'d>)> + 'v>;

/// What a range goes through; None when that is nothing to go through.
fn elements<'v, 'd>(value: &'v Val<'d>) -> Option<Elements<'v, 'd>> {
    match &*value.data {
        Value::Null => Some(Box::new(core::iter::empty())),
        Value::Array(items) => {
            let pair = |at| Some((Val::of(at), value.element(|list| list.get(at))?));
            Some(Box::new((0..items.len()).filter_map(pair)))
        }
        Value::Object(entries) => {
            let pair = |(key, _): (&String, &Value)| Some((Val::of(key.as_str()), value.entry(key)?));
            Some(Box::new(value::sorted(entries).into_iter().filter_map(pair)))
        }
        Value::Number(n) => n.as_i64().map(|n| Box::new((0..n).map(|i| (Val::of(i), Val::of(i)))) as Elements<'_, '_>),
        Value::Bool(_) | Value::String(_) => None,
    }
}

/// Variables.
impl<'t, 'd> Run<'t, 'd> {
    fn variable(&self, name: &str) -> Evaluated<Val<'d>> {
        let known = self.variables.iter().rev().find(|(known, _)| *known == name);
        known.map(|(_, value)| value.clone()).ok_or_else(|| self.undefined(name))
    }

    fn set_variable(&mut self, name: &str, value: Val<'d>) -> Evaluated<()> {
        match self.variables.iter_mut().rev().find(|(known, _)| *known == name) {
            Some((_, old)) => {
                *old = value;
                Ok(())
            }
            None => Err(self.undefined(name)),
        }
    }

    fn undefined(&self, name: &str) -> TemplateError {
        self.error(format!("undefined variable: {name}"))
    }
}

/// Pipelines.
impl<'t, 'd> Run<'t, 'd> {
    fn pipeline(&mut self, dot: &Val<'d>, pipe: &'t Pipe) -> Evaluated<Val<'d>> {
        self.at(pipe.pos, pipe);
        let mut last = None;
        for command in &pipe.commands {
            last = Some(self.command(dot, command, last)?.unboxed());
        }
        let value = last.expect("the parser lets no empty pipeline pass");
        for name in &pipe.variables {
            if pipe.assigns {
                self.set_variable(name, value.clone())?;
            } else {
                self.variables.push((name, value.clone()));
            }
        }
        Ok(value)
    }

    /// The value of a command; `last` is that of the command before, and the last argument of this one.
    fn command(&mut self, dot: &Val<'d>, command: &'t Command, last: Option<Val<'d>>) -> Evaluated<Val<'d>> {
        let (word, args) = command.words.split_first().expect("the parser lets no empty command pass");
        let has_args = !args.is_empty() || last.is_some();
        match &word.term {
            Term::Function(function) => {
                self.at(word.pos, word);
                let args = self.arguments(dot, *function, args, last)?;
                self.call(*function, &args, command.pos, command)
            }
            Term::Field(fields) if self.is_label(dot, fields) => {
                self.at(word.pos, word);
                self.label(dot, args, last)
            }
            Term::Field(_) | Term::Variable(..) | Term::Chain(..) => self.path(dot, word, has_args),
            _ => {
                if !matches!(word.term, Term::Pipe(_)) {
                    self.at(word.pos, word);
                }
                if has_args {
                    return Err(self.error(format!("can't give argument to non-function {word}")));
                }
                self.term(dot, word)
            }
        }
    }

    /// The value of a word that takes no arguments.
    fn term(&mut self, dot: &Val<'d>, word: &'t Word) -> Evaluated<Val<'d>> {
        match &word.term {
            Term::Bool(value) => Ok(Val::of(*value)),
            Term::Number { value: Number::Int(n), .. } => Ok(Val::of(*n)),
            Term::Number { value: Number::Float(f), .. } => Ok(Val::of(*f)),
            Term::String { value, .. } => Ok(Val::of(value.as_str())),
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Err(self.error("nil is not a command")),
            Term::Pipe(pipe) => self.pipeline(dot, pipe),
            Term::Field(fields) if self.is_label(dot, fields) => {
                self.at(word.pos, word);
                self.label(dot, &[], None)
            }
            Term::Field(_) | Term::Variable(..) | Term::Chain(..) => self.path(dot, word, false),
            Term::Function(function) => {
                self.at(word.pos, word);
                let args = self.arguments(dot, *function, &[], None)?;
                self.call(*function, &args, word.pos, word)
            }
        }
    }
}

/// Fields.
impl<'t, 'd> Run<'t, 'd> {
    /// The value of `.a.b`, `$x.a.b` or `(pipeline).a.b`.
    fn path(&mut self, dot: &Val<'d>, word: &'t Word, has_args: bool) -> Evaluated<Val<'d>> {
        self.at(word.pos, word);
        let (start, fields) = match &word.term {
            Term::Field(fields) => (dot.clone(), fields),
            Term::Variable(name, fields) => (self.variable(name)?, fields),
            Term::Chain(inner, fields) => {
                self.at(inner.pos, &**inner);
                (self.term(dot, inner)?, fields)
            }
            _ => return self.term(dot, word),
        };
        let Some((last, before)) = fields.split_last() else {
            return if has_args {
                Err(self.error(format!("can't give argument to non-function {word}")))
            } else {
                Ok(start)
            };
        };
        let receiver = before.iter().try_fold(start, |receiver, name| self.field(&receiver, name, false))?;
        self.field(&receiver, last, has_args)
    }

    fn field(&self, receiver: &Val<'d>, name: &str, has_args: bool) -> Evaluated<Val<'d>> {
        match &*receiver.data {
            Value::Null if receiver.boxed => Err(self.error(format!("nil pointer evaluating interface {{}}.{name}"))),
            Value::Null => self.field_of_nothing(name),
            Value::Object(_) if has_args => Err(self.error(format!("{name} is not a method but has arguments"))),
            Value::Object(_) => match receiver.entry(name) {
                Some(entry) if matches!(self.mode, Mode::Raw | Mode::Typed) => Ok(entry),
                Some(entry) => Ok(entry.unboxed()),
                None => self.missing(receiver, name),
            },
            _ => Err(self.error(format!("can't evaluate field {name} in type {}", receiver.outer_type()))),
        }
    }

    /// Whether this is the one method that the lines of a list have: `.Label "name"`.
    fn is_label(&self, dot: &Val<'d>, fields: &[String]) -> bool {
        let is_list = matches!(self.mode, Mode::Header | Mode::Row(_));
        is_list && fields == ["Label"] && dot.data.get("Labels").is_some()
    }

    /// The value of a label; in the head of a table, the last part of its name.
    fn label(&mut self, dot: &Val<'d>, words: &'t [Word], last: Option<Val<'d>>) -> Evaluated<Val<'d>> {
        let given = words.len() + usize::from(last.is_some());
        let name = match (words, last) {
            ([word], None) => self.argument(dot, Param::Text, word)?,
            ([], Some(last)) => self.check(last, Param::Text)?,
            _ => return Err(self.error(format!("wrong number of args for Label: want 1 got {given}"))),
        };
        let name = name.data.as_str().unwrap_or_default();
        if self.mode == Mode::Header {
            return Ok(Val::of(name.rsplit('.').next().unwrap_or_default().replace(['-', '_'], " ")));
        }
        let labels = dot.data["Labels"].as_str().unwrap_or_default();
        let value = labels.split(',').filter_map(|label| label.split_once('=')).find(|(key, _)| *key == name);
        Ok(Val::of(value.map_or("", |(_, value)| value)))
    }

    fn field_of_nothing(&self, name: &str) -> Evaluated<Val<'d>> {
        match self.mode {
            Mode::Raw => Err(self.error(format!("nil data; no entry for key {}", literal::quote(name)))),
            Mode::Header | Mode::Row(_) | Mode::Typed => Ok(Val::nothing()),
        }
    }

    fn missing(&self, receiver: &Val<'d>, name: &str) -> Evaluated<Val<'d>> {
        match self.mode {
            Mode::Header => Ok(Val::nothing()),
            Mode::Typed if receiver.kind == Kind::Map => Ok(Val::nothing()),
            Mode::Raw | Mode::Typed => Err(self.error(format!("map has no entry for key {}", literal::quote(name)))),
            Mode::Row(type_name) => Err(self.error(format!("can't evaluate field {name} in type {type_name}"))),
        }
    }
}

/// Calls.
impl<'t, 'd> Run<'t, 'd> {
    fn call(
        &mut self,
        function: Function,
        args: &[Val<'d>],
        pos: usize,
        part: &'t dyn fmt::Display,
    ) -> Evaluated<Val<'d>> {
        if self.mode == Mode::Header && function.spares_headers() {
            return Ok(args.first().cloned().unwrap_or_else(Val::nothing));
        }
        function.call(args).map_err(|message| {
            self.at(pos, part);
            self.error(format!("error calling {}: {message}", function.name()))
        })
    }

    /// The values of a function's arguments, checked against what it takes.
    fn arguments(
        &mut self,
        dot: &Val<'d>,
        function: Function,
        words: &'t [Word],
        last: Option<Val<'d>>,
    ) -> Evaluated<Vec<Val<'d>>> {
        let signature = function.signature();
        self.check_count(function, signature, words.len(), usize::from(last.is_some()))?;
        let mut args = Vec::new();
        for word in words {
            args.push(self.argument(dot, signature.param(args.len()), word)?);
            if is_decided(function, &args) {
                return Ok(args);
            }
        }
        if let Some(last) = last {
            let param = signature.param(args.len());
            args.push(self.check(last, param)?);
        }
        Ok(args)
    }

    fn check_count(&self, function: Function, signature: Signature, words: usize, last: usize) -> Evaluated<()> {
        let (name, wanted, given) = (function.name(), signature.fixed.len(), words + last);
        match signature.variadic {
            true if given < wanted => {
                Err(self.error(format!("wrong number of args for {name}: want at least {wanted} got {words}")))
            }
            false if given != wanted => {
                Err(self.error(format!("wrong number of args for {name}: want {wanted} got {given}")))
            }
            _ => Ok(()),
        }
    }

    fn argument(&mut self, dot: &Val<'d>, param: Param, word: &'t Word) -> Evaluated<Val<'d>> {
        self.at(word.pos, word);
        match (&word.term, param) {
            (Term::Nil, Param::Any) => Ok(Val::nothing()),
            (Term::Nil, _) => Err(self.error(format!("cannot assign nil to {}", param.type_name()))),
            (Term::Number { value, .. }, Param::Int) => match value.to_int() {
                Some(n) => Ok(Val::of(n)),
                None => Err(self.error(format!("expected integer; found {word}"))),
            },
            (Term::Bool(_) | Term::String { .. }, Param::Int) => {
                Err(self.error(format!("expected integer; found {word}")))
            }
            (Term::Bool(_) | Term::Number { .. }, Param::Text) => {
                Err(self.error(format!("expected string; found {word}")))
            }
            (Term::Bool(_) | Term::Number { .. } | Term::String { .. }, Param::Strings) => {
                Err(self.error(format!("can't handle {word} for arg of type {}", param.type_name())))
            }
            _ => {
                let value = self.term(dot, word)?;
                self.check(value, param)
            }
        }
    }

    fn check(&self, value: Val<'d>, param: Param) -> Evaluated<Val<'d>> {
        let expected = param.type_name();
        if param.takes(&value.data) {
            Ok(value)
        } else if value.is_nothing() {
            Err(self.error(format!("invalid value; expected {expected}")))
        } else {
            let got = type_name(&value.data);
            Err(self.error(format!("wrong type for value; expected {expected}; got {got}")))
        }
    }
}

/// Whether `and` or `or` needs no more arguments than these, which then are not looked at.
fn is_decided(function: Function, args: &[Val<'_>]) -> bool {
    let last_is = |wanted: bool| args.last().is_some_and(|arg| is_true(&arg.data) == wanted);
    match function {
        Function::And => last_is(false),
        Function::Or => last_is(true),
        _ => false,
    }
}
