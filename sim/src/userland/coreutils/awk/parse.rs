//! An awk program from tokens: rules of a pattern and an action, and functions.

use super::lex::Token;
use super::value::Value;

/// What an expression can be assigned to.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// `$n`
    Field(Box<Expr>),
    /// `name`
    Variable(String),
    /// `name[index]`
    Element(String, Vec<Expr>),
}

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    /// A constant.
    Constant(Value),
    /// A pattern by itself: whether the record matches.
    Pattern(String),
    /// What stands somewhere.
    Get(Place),
    /// `place op= value`; the operator is empty for `=`.
    Assign(Place, &'static str, Box<Self>),
    /// `++x` and its relatives: the step, and whether the old value counts.
    Step(Place, f64, bool),
    /// An operator before one operand.
    Unary(&'static str, Box<Self>),
    /// An operator between two; joining is an empty one.
    Binary(&'static str, Box<Self>, Box<Self>),
    /// `condition ? a : b`
    Choose(Box<Self>, Box<Self>, Box<Self>),
    /// `(index) in name`
    In(Vec<Self>, String),
    /// A call.
    Call(String, Vec<Self>),
    /// `getline [place] [< file]`
    Getline(Option<Place>, Option<Box<Self>>),
}

/// Where output goes.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Whether a file is added to.
    pub(super) append: bool,
    /// Its path.
    pub(super) path: Expr,
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    /// An expression for what it does.
    Do(Expr),
    /// `print` or `printf`.
    Print { formatted: bool, words: Vec<Expr>, target: Option<Target> },
    /// `if`
    If(Expr, Vec<Self>, Vec<Self>),
    /// `while`, or `do … while` when the body comes first.
    While { condition: Expr, body: Vec<Self>, first: bool },
    /// `for (a; b; c)`
    For { begin: Vec<Self>, condition: Option<Expr>, step: Vec<Self>, body: Vec<Self> },
    /// `for (name in array)`
    Each(String, String, Vec<Self>),
    /// `delete array[index]`, or all of it.
    Delete(String, Option<Vec<Expr>>),
    /// `break`
    Break,
    /// `continue`
    Continue,
    /// `next`
    Next,
    /// `exit [status]`
    Exit(Option<Expr>),
    /// `return [value]`
    Return(Option<Expr>),
}

/// When an action runs.
#[derive(Clone, Debug)]
pub(super) enum When {
    /// Before any input.
    Begin,
    /// After all input.
    End,
    /// For each record.
    Always,
    /// For each record for which this holds.
    If(Expr),
    /// From a record for which the first holds to one for which the second does.
    Range(Expr, Expr),
}

/// A function.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// The names of its parameters and locals.
    pub(super) parameters: Vec<String>,
    /// What it does.
    pub(super) body: Vec<Statement>,
}

/// A program.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    /// What runs when; no action prints the record.
    pub(super) rules: Vec<(When, Option<Vec<Statement>>)>,
    /// Functions by name.
    pub(super) functions: std::collections::BTreeMap<String, Function>,
}

/// Expressions and statements inside of each other, and operators in a row, at most.
const DEPTH: u32 = 40;
const ROW: u32 = 200;

/// Reads a program.
pub(super) fn script(text: &str) -> Result<Script, String> {
    let mut parser = Parser { tokens: super::lex::tokens(text)?, at: 0, depth: 0, no_in: false, no_greater: false };
    let mut script = Script::default();
    loop {
        parser.blank();
        if parser.peek().is_none() {
            return Ok(script);
        }
        parser.rule(&mut script)?;
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    no_in: bool,
    no_greater: bool,
}

type Parsed<T> = Result<T, String>;

fn unexpected<T>() -> Parsed<T> {
    Err("Unexpected token".to_owned())
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn sign(&mut self, sign: &str) -> bool {
        let there = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(there);
        there
    }

    fn is_sign(&self, signs: &[&str]) -> Option<&'static str> {
        match self.peek() {
            Some(Token::Sign(found)) if signs.contains(found) => Some(found),
            _ => None,
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let there = matches!(self.peek(), Some(Token::Word(found)) if *found == word);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &str) -> Parsed<()> {
        if self.sign(sign) { Ok(()) } else { unexpected() }
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEPTH { Err("Too deeply nested".to_owned()) } else { Ok(()) }
    }

    fn newlines(&mut self) {
        while self.peek() == Some(&Token::Newline) {
            self.at += 1;
        }
    }

    /// Skips what separates statements.
    fn blank(&mut self) {
        while self.peek() == Some(&Token::Newline) || self.is_sign(&[";"]).is_some() {
            self.at += 1;
        }
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Name(name) | Token::Call(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => unexpected(),
        }
    }

    fn rule(&mut self, script: &mut Script) -> Parsed<()> {
        if self.word("function") {
            let name = self.name()?;
            self.expect("(")?;
            let mut parameters = Vec::new();
            while !self.sign(")") {
                parameters.push(self.name()?);
                self.sign(",");
            }
            self.newlines();
            let body = self.block()?;
            script.functions.insert(name, Function { parameters, body });
            return Ok(());
        }
        let when = if self.word("BEGIN") {
            When::Begin
        } else if self.word("END") {
            When::End
        } else if self.is_sign(&["{"]).is_some() {
            When::Always
        } else {
            let first = self.expr()?;
            if self.sign(",") { When::Range(first, self.expr()?) } else { When::If(first) }
        };
        let action = if self.is_sign(&["{"]).is_some() { Some(self.block()?) } else { None };
        script.rules.push((when, action));
        Ok(())
    }

    fn block(&mut self) -> Parsed<Vec<Statement>> {
        self.expect("{")?;
        let mut statements = Vec::new();
        loop {
            self.blank();
            if self.sign("}") {
                return Ok(statements);
            }
            statements.extend(self.statement()?);
        }
    }

    fn body(&mut self) -> Parsed<Vec<Statement>> {
        self.newlines();
        if self.sign(";") { Ok(Vec::new()) } else { self.statement() }
    }

    fn statement(&mut self) -> Parsed<Vec<Statement>> {
        self.deeper()?;
        let statement = match self.peek() {
            Some(Token::Sign("{")) => self.block(),
            Some(Token::Word("if")) => self.branch(),
            Some(Token::Word("while" | "do" | "for")) => self.repeated(),
            _ => self.simple(),
        };
        self.depth -= 1;
        statement
    }

    fn branch(&mut self) -> Parsed<Vec<Statement>> {
        self.at += 1;
        self.expect("(")?;
        let condition = self.expr()?;
        self.expect(")")?;
        let yes = self.body()?;
        let before = self.at;
        self.blank();
        let no = if self.word("else") {
            self.body()?
        } else {
            self.at = before;
            Vec::new()
        };
        Ok(vec![Statement::If(condition, yes, no)])
    }

    fn repeated(&mut self) -> Parsed<Vec<Statement>> {
        if self.word("do") {
            let body = self.body()?;
            self.blank();
            if !self.word("while") {
                return unexpected();
            }
            self.expect("(")?;
            let condition = self.expr()?;
            self.expect(")")?;
            return Ok(vec![Statement::While { condition, body, first: true }]);
        }
        if self.word("while") {
            self.expect("(")?;
            let condition = self.expr()?;
            self.expect(")")?;
            let body = self.body()?;
            return Ok(vec![Statement::While { condition, body, first: false }]);
        }
        self.at += 1;
        self.expect("(")?;
        if let [Token::Name(name), Token::Word("in"), Token::Name(array), Token::Sign(")"), ..] =
            &self.tokens[self.at..]
        {
            let (name, array) = (name.clone(), array.clone());
            self.at += 4;
            return Ok(vec![Statement::Each(name, array, self.body()?)]);
        }
        let begin = if self.is_sign(&[";"]).is_some() { Vec::new() } else { self.simple()? };
        self.expect(";")?;
        let condition = if self.is_sign(&[";"]).is_some() { None } else { Some(self.expr()?) };
        self.expect(";")?;
        let step = if self.is_sign(&[")"]).is_some() { Vec::new() } else { self.simple()? };
        self.expect(")")?;
        let body = self.body()?;
        Ok(vec![Statement::For { begin, condition, step, body }])
    }

    /// Whether a statement ends here.
    fn ends(&self) -> bool {
        matches!(self.peek(), None | Some(Token::Newline | Token::Sign(";" | "}")))
    }

    fn simple(&mut self) -> Parsed<Vec<Statement>> {
        let Some(Token::Word(word)) = self.peek().cloned() else { return Ok(vec![Statement::Do(self.expr()?)]) };
        if word == "getline" {
            return Ok(vec![Statement::Do(self.expr()?)]);
        }
        self.at += 1;
        Ok(vec![match word {
            "break" => Statement::Break,
            "continue" => Statement::Continue,
            "next" => Statement::Next,
            "exit" => Statement::Exit(if self.ends() { None } else { Some(self.expr()?) }),
            "return" => Statement::Return(if self.ends() { None } else { Some(self.expr()?) }),
            "delete" => {
                let name = self.name()?;
                let index = if self.sign("[") { Some(self.list("]")?) } else { None };
                Statement::Delete(name, index)
            }
            "print" | "printf" => self.print(word == "printf")?,
            _ => return unexpected(),
        }])
    }

    fn print(&mut self, formatted: bool) -> Parsed<Statement> {
        let before = core::mem::replace(&mut self.no_greater, true);
        let mut words = Vec::new();
        let begun = self.at;
        if self.sign("(") {
            // The parentheses hold all words, or only the beginning of the first.
            self.no_greater = false;
            words = self.list(")")?;
            self.no_greater = true;
            if !self.ends() && self.is_sign(&[">", ">>", "|"]).is_none() {
                self.at = begun;
                words.clear();
            }
        }
        if words.is_empty() {
            while !self.ends() && self.is_sign(&[">", ">>", "|"]).is_none() {
                words.push(self.expr()?);
                if !self.sign(",") {
                    break;
                }
                self.newlines();
            }
        }
        self.no_greater = before;
        let target = match self.is_sign(&[">", ">>"]) {
            Some(sign) => {
                self.at += 1;
                Some(Target { append: sign == ">>", path: self.joined()? })
            }
            None => None,
        };
        if self.is_sign(&["|"]).is_some() {
            return Err("Pipes are not supported".to_owned());
        }
        Ok(Statement::Print { formatted, words, target })
    }

    fn list(&mut self, end: &str) -> Parsed<Vec<Expr>> {
        let mut list = Vec::new();
        self.newlines();
        while !self.sign(end) {
            list.push(self.expr()?);
            self.newlines();
            if !self.sign(",") && self.is_sign(&[")", "]"]).is_none() {
                return unexpected();
            }
            self.newlines();
        }
        Ok(list)
    }

    fn expr(&mut self) -> Parsed<Expr> {
        self.deeper()?;
        let expr = self.assignment();
        self.depth -= 1;
        expr
    }

    fn assignment(&mut self) -> Parsed<Expr> {
        let left = self.choice()?;
        let Some(sign) = self.is_sign(&["=", "+=", "-=", "*=", "/=", "%=", "^=", "**="]) else { return Ok(left) };
        let Expr::Get(place) = left else { return unexpected() };
        self.at += 1;
        self.newlines();
        let value = Box::new(self.expr()?);
        Ok(Expr::Assign(place, sign.trim_end_matches('='), value))
    }

    fn choice(&mut self) -> Parsed<Expr> {
        let condition = self.binary(0)?;
        if !self.sign("?") {
            return Ok(condition);
        }
        self.newlines();
        let yes = self.expr()?;
        self.newlines();
        self.expect(":")?;
        self.newlines();
        let no = self.expr()?;
        Ok(Expr::Choose(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    /// The operators that bind no stronger than `level`: or, and, membership, matching, comparison, joining, sums,
    /// products.
    fn binary(&mut self, level: u32) -> Parsed<Expr> {
        const SIGNS: [&[&str]; 7] =
            [&["||"], &["&&"], &[], &["~", "!~"], &["<", "<=", "==", "!=", ">", ">="], &[], &["+", "-"]];
        if level == 7 {
            return self.product();
        }
        let mut left = self.binary(level + 1)?;
        for _ in 0..ROW {
            match level {
                2 if !self.no_in && self.word("in") => left = Expr::In(vec![left], self.name()?),
                5 if self.begins_operand() => {
                    let right = self.binary(6)?;
                    left = Expr::Binary("", Box::new(left), Box::new(right));
                }
                _ => {
                    let index = usize::try_from(level).expect("a small number");
                    let Some(sign) = self.is_sign(SIGNS[index]) else { return Ok(left) };
                    if sign == ">" && self.no_greater {
                        return Ok(left);
                    }
                    self.at += 1;
                    if level < 2 {
                        self.newlines();
                    }
                    let right = self.binary(level + 1)?;
                    left = Expr::Binary(sign, Box::new(left), Box::new(right));
                }
            }
        }
        Err("Too many operators in a row".to_owned())
    }

    fn joined(&mut self) -> Parsed<Expr> {
        self.binary(5)
    }

    fn begins_operand(&self) -> bool {
        match self.peek() {
            Some(Token::Number(_) | Token::Text(_) | Token::Pattern(_) | Token::Name(_) | Token::Call(_)) => true,
            Some(Token::Sign(sign)) => matches!(*sign, "$" | "!" | "(" | "-" | "+" | "++" | "--"),
            _ => false,
        }
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.prefixed()?;
        for _ in 0..ROW {
            let Some(sign) = self.is_sign(&["*", "/", "%"]) else { return Ok(left) };
            self.at += 1;
            let right = self.prefixed()?;
            left = Expr::Binary(sign, Box::new(left), Box::new(right));
        }
        Err("Too many operators in a row".to_owned())
    }

    fn prefixed(&mut self) -> Parsed<Expr> {
        match self.is_sign(&["!", "-", "+"]) {
            Some(sign) => {
                self.at += 1;
                self.deeper()?;
                let operand = self.prefixed()?;
                self.depth -= 1;
                Ok(Expr::Unary(sign, Box::new(operand)))
            }
            None => self.power(),
        }
    }

    fn power(&mut self) -> Parsed<Expr> {
        let base = self.stepped()?;
        if self.sign("^") || self.sign("**") {
            let exponent = self.prefixed()?;
            return Ok(Expr::Binary("^", Box::new(base), Box::new(exponent)));
        }
        Ok(base)
    }

    fn stepped(&mut self) -> Parsed<Expr> {
        if let Some(sign) = self.is_sign(&["++", "--"]) {
            self.at += 1;
            let Expr::Get(place) = self.primary()? else { return unexpected() };
            return Ok(Expr::Step(place, if sign == "++" { 1.0 } else { -1.0 }, false));
        }
        let operand = self.primary()?;
        match (self.is_sign(&["++", "--"]), operand) {
            (Some(sign), Expr::Get(place)) => {
                self.at += 1;
                Ok(Expr::Step(place, if sign == "++" { 1.0 } else { -1.0 }, true))
            }
            (_, operand) => Ok(operand),
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let Some(token) = self.peek().cloned() else { return unexpected() };
        self.at += 1;
        Ok(match token {
            Token::Number(number) => Expr::Constant(Value::Number(number)),
            Token::Text(text) => Expr::Constant(Value::Text(text)),
            Token::Pattern(pattern) => Expr::Pattern(pattern),
            Token::Sign("$") => {
                let index = self.stepped_field()?;
                Expr::Get(Place::Field(Box::new(index)))
            }
            Token::Sign("(") => {
                let (greater, within) = (self.no_greater, self.no_in);
                (self.no_greater, self.no_in) = (false, false);
                let mut inner = self.list(")")?;
                (self.no_greater, self.no_in) = (greater, within);
                if inner.len() != 1 {
                    return if self.word("in") { Ok(Expr::In(inner, self.name()?)) } else { unexpected() };
                }
                match inner.remove(0) {
                    // A place in parentheses is a value.
                    Expr::Get(place) => Expr::Unary("", Box::new(Expr::Get(place))),
                    other => other,
                }
            }
            Token::Call(name) => {
                self.expect("(")?;
                Expr::Call(name, self.list(")")?)
            }
            Token::Name(name) if name == "length" => Expr::Call(name, Vec::new()),
            Token::Name(name) => {
                if self.sign("[") {
                    Expr::Get(Place::Element(name, self.list("]")?))
                } else {
                    Expr::Get(Place::Variable(name))
                }
            }
            Token::Word("getline") => {
                let place = match self.peek() {
                    Some(Token::Name(_) | Token::Sign("$")) => match self.primary()? {
                        Expr::Get(place) => Some(place),
                        _ => None,
                    },
                    _ => None,
                };
                let file = if self.sign("<") { Some(Box::new(self.primary()?)) } else { None };
                Expr::Getline(place, file)
            }
            _ => return unexpected(),
        })
    }

    /// What stands behind `$`: it binds stronger than all operators but steps before it.
    fn stepped_field(&mut self) -> Parsed<Expr> {
        if let Some(sign) = self.is_sign(&["-", "+", "!"]) {
            self.at += 1;
            self.deeper()?;
            let operand = self.stepped_field()?;
            self.depth -= 1;
            return Ok(Expr::Unary(sign, Box::new(operand)));
        }
        if self.is_sign(&["++", "--"]).is_some() {
            return self.stepped();
        }
        self.deeper()?;
        let primary = self.primary();
        self.depth -= 1;
        primary
    }
}
