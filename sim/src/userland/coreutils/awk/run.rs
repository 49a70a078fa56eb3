//! Running an awk program on records: variables, fields and what statements do. Where records come from and where output
//! goes is decided outside. A step that does more than [`BUDGET`] operations is given up, as nothing may run for ever.

use std::collections::{BTreeMap, VecDeque};

use indexmap::IndexMap;
use regex_lite::Regex;

use super::parse::{Expr, Function, Place, Script, Statement, When};
use super::value::{self, Value};
use crate::userland::coreutils::pattern::{Limits, Pattern, Syntax};

/// Operations of one step.
const BUDGET: u32 = 1_000_000;

/// Calls inside of each other.
const DEPTH: usize = 50;

/// The largest text that can be made.
const TEXT_MAX: usize = 16 << 20;

/// What a statement leads to.
#[derive(Clone, Debug)]
pub(super) enum Flow {
    /// The next one.
    Go,
    /// The end of the innermost loop.
    Break,
    /// Its next turn.
    Continue,
    /// The next record.
    Next,
    /// The end.
    Exit,
    /// Back from a function.
    Return(Value),
}

type Done = Result<Flow, String>;

#[derive(Clone, Debug)]
enum Local {
    Value(Value),
    /// An array, by the name under which it lies among all.
    Array(String),
}

/// A running program.
#[derive(Clone)]
pub(super) struct Machine {
    script: std::rc::Rc<Script>,
    globals: BTreeMap<String, Value>,
    arrays: BTreeMap<String, IndexMap<String, Value>>,
    frames: Vec<BTreeMap<String, Local>>,
    record: String,
    fields: Option<Vec<String>>,
    ranges: Vec<bool>,
    regexes: BTreeMap<String, Option<Regex>>,
    left: u32,
    seed: u64,
    chance: u64,
    /// Records that were read and not yet taken.
    pub(super) waiting: VecDeque<String>,
    /// Files that `getline` reads, and how far; filled by `load`.
    files: BTreeMap<String, VecDeque<String>>,
    /// Reads a whole file.
    pub(super) load: Vec<(String, Option<String>)>,
    /// What was printed.
    pub(super) out: Vec<u8>,
    /// What was printed into files: path, whether added to, bytes.
    pub(super) written: Vec<(String, bool, Vec<u8>)>,
    /// The exit status.
    pub(super) status: i32,
}

impl Machine {
    /// A program before it begins.
    pub(super) fn new(script: Script) -> Self {
        let ranges = vec![false; script.rules.len()];
        let constants = [
            ("FS", " "),
            ("OFS", " "),
            ("ORS", "\n"),
            ("RS", "\n"),
            ("SUBSEP", "\x1c"),
            ("CONVFMT", "%.6g"),
            ("OFMT", "%.6g"),
        ];
        Self {
            script: std::rc::Rc::new(script),
            globals: constants.map(|(name, text)| (name.to_owned(), Value::Text(text.to_owned()))).into(),
            arrays: BTreeMap::new(),
            frames: Vec::new(),
            record: String::new(),
            fields: None,
            ranges,
            regexes: BTreeMap::new(),
            left: 0,
            seed: 0,
            chance: 1,
            waiting: VecDeque::new(),
            files: BTreeMap::new(),
            load: Vec::new(),
            out: Vec::new(),
            written: Vec::new(),
            status: 0,
        }
    }

    /// Sets a variable from outside.
    pub(super) fn set(&mut self, name: &str, text: &str) {
        self.globals.insert(name.to_owned(), Value::Input(text.to_owned()));
    }

    /// Sets an element of an array from outside.
    pub(super) fn set_element(&mut self, array: &str, index: &str, text: &str) {
        self.arrays.entry(array.to_owned()).or_default().insert(index.to_owned(), Value::Input(text.to_owned()));
    }

    /// A variable as text.
    pub(super) fn text_of(&self, name: &str) -> String {
        self.globals.get(name).map(Value::text).unwrap_or_default()
    }

    /// Whether anything waits for records.
    pub(super) fn reads(&self) -> bool {
        self.script.rules.iter().any(|(when, _)| !matches!(when, When::Begin))
    }

    /// Runs the rules before all input, or after it.
    pub(super) fn run_edge(&mut self, end: bool) -> Done {
        self.left = BUDGET;
        let script = std::rc::Rc::clone(&self.script);
        for (when, action) in &script.rules {
            let fits = if end { matches!(when, When::End) } else { matches!(when, When::Begin) };
            if let (true, Some(action)) = (fits, action) {
                match self.block(action)? {
                    Flow::Exit => return Ok(Flow::Exit),
                    Flow::Next => return Err("next used outside of a record".to_owned()),
                    _ => {}
                }
            }
        }
        Ok(Flow::Go)
    }

    /// Runs the rules on a record.
    pub(super) fn run_record(&mut self, record: String) -> Done {
        self.left = BUDGET;
        self.take(record);
        let script = std::rc::Rc::clone(&self.script);
        for (at, (when, action)) in script.rules.iter().enumerate() {
            if !self.fits(at, when)? {
                continue;
            }
            let flow = match action {
                Some(action) => self.block(action)?,
                None => {
                    let record = self.record.clone() + &self.text_of("ORS");
                    self.out.extend(record.into_bytes());
                    Flow::Go
                }
            };
            match flow {
                Flow::Exit => return Ok(Flow::Exit),
                Flow::Next => break,
                _ => {}
            }
        }
        Ok(Flow::Go)
    }

    fn take(&mut self, record: String) {
        self.record = record;
        self.fields = None;
        for name in ["NR", "FNR"] {
            let count = self.globals.get(name).map_or(0.0, Value::number) + 1.0;
            self.globals.insert(name.to_owned(), Value::Number(count));
        }
    }

    fn fits(&mut self, at: usize, when: &When) -> Result<bool, String> {
        Ok(match when {
            When::Begin | When::End => false,
            When::Always => true,
            When::If(condition) => self.value(condition)?.holds(),
            When::Range(first, last) => {
                if !self.ranges[at] && !self.value(first)?.holds() {
                    return Ok(false);
                }
                self.ranges[at] = !self.value(last)?.holds();
                true
            }
        })
    }

    fn spend(&mut self) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or("it runs for too long")?;
        Ok(())
    }

    fn block(&mut self, statements: &[Statement]) -> Done {
        for statement in statements {
            match self.statement(statement)? {
                Flow::Go => {}
                other => return Ok(other),
            }
        }
        Ok(Flow::Go)
    }

    fn statement(&mut self, statement: &Statement) -> Done {
        self.spend()?;
        match statement {
            Statement::Do(expr) => {
                self.value(expr)?;
            }
            Statement::Print { formatted, words, target } => self.print(*formatted, words, target.as_ref())?,
            Statement::If(condition, yes, no) => {
                let chosen = if self.value(condition)?.holds() { yes } else { no };
                return self.block(chosen);
            }
            Statement::While { .. } | Statement::For { .. } | Statement::Each(..) => return self.repeat(statement),
            Statement::Delete(name, index) => {
                let name = self.array_name(name);
                match index {
                    None => {
                        self.arrays.remove(&name);
                    }
                    Some(index) => {
                        let index = self.index(index)?;
                        if let Some(array) = self.arrays.get_mut(&name) {
                            array.shift_remove(&index);
                        }
                    }
                }
            }
            Statement::Break => return Ok(Flow::Break),
            Statement::Continue => return Ok(Flow::Continue),
            Statement::Next => return Ok(Flow::Next),
            Statement::Exit(status) => {
                if let Some(status) = status {
                    self.status = code(self.value(status)?.number());
                }
                return Ok(Flow::Exit);
            }
            Statement::Return(value) => {
                let value = value.as_ref().map(|value| self.value(value)).transpose()?;
                return Ok(Flow::Return(value.unwrap_or_default()));
            }
        }
        Ok(Flow::Go)
    }

    fn repeat(&mut self, statement: &Statement) -> Done {
        match statement {
            Statement::While { condition, body, first } => {
                let mut first = *first;
                while core::mem::take(&mut first) || self.value(condition)?.holds() {
                    self.spend()?;
                    match self.block(body)? {
                        Flow::Go | Flow::Continue => {}
                        Flow::Break => break,
                        other => return Ok(other),
                    }
                }
            }
            Statement::For { begin, condition, step, body } => {
                self.block(begin)?;
                loop {
                    self.spend()?;
                    if let Some(condition) = condition
                        && !self.value(condition)?.holds()
                    {
                        break;
                    }
                    match self.block(body)? {
                        Flow::Go | Flow::Continue => {}
                        Flow::Break => break,
                        other => return Ok(other),
                    }
                    self.block(step)?;
                }
            }
            Statement::Each(name, array, body) => {
                for key in self.keys(array) {
                    self.spend()?;
                    self.assign(&Place::Variable(name.clone()), Value::Input(key))?;
                    match self.block(body)? {
                        Flow::Go | Flow::Continue => {}
                        Flow::Break => break,
                        other => return Ok(other),
                    }
                }
            }
            _ => {}
        }
        Ok(Flow::Go)
    }

    /// The indices of an array, in the order in which busybox's table of 61 buckets has them.
    fn keys(&mut self, array: &str) -> Vec<String> {
        let name = self.array_name(array);
        let Some(array) = self.arrays.get(&name) else { return Vec::new() };
        let hash = |key: &str| {
            key.bytes().fold(0_u32, |hash, byte| u32::from(byte).wrapping_add(hash << 6).wrapping_add(hash >> 26)) % 61
        };
        let mut keys: Vec<&String> = array.keys().rev().collect();
        keys.sort_by_key(|key| hash(key));
        keys.into_iter().cloned().collect()
    }

    fn print(&mut self, formatted: bool, words: &[Expr], target: Option<&super::parse::Target>) -> Result<(), String> {
        let values = words.iter().map(|word| self.value(word)).collect::<Result<Vec<_>, _>>()?;
        let text = match (formatted, values.split_first()) {
            (true, Some((format, arguments))) => value::format(&format.text(), arguments),
            (true, None) => return Err("printf needs a format".to_owned()),
            (false, None) => self.record.clone() + &self.text_of("ORS"),
            (false, Some(_)) => {
                let texts: Vec<String> = values.iter().map(Value::text).collect();
                texts.join(&self.text_of("OFS")) + &self.text_of("ORS")
            }
        };
        if self.out.len() + text.len() > TEXT_MAX {
            return Err("it prints too much".to_owned());
        }
        match target {
            None => self.out.extend(text.into_bytes()),
            Some(target) => {
                let path = self.value(&target.path)?.text();
                self.written.push((path, target.append, text.into_bytes()));
            }
        }
        Ok(())
    }

    fn value(&mut self, expr: &Expr) -> Result<Value, String> {
        self.spend()?;
        let truth = |holds: bool| Value::Number(f64::from(u8::from(holds)));
        Ok(match expr {
            Expr::Constant(value) => value.clone(),
            Expr::Pattern(pattern) => truth(self.matches(pattern, &self.record.clone())?),
            Expr::Get(place) => self.get(place)?,
            Expr::Assign(place, operator, value) => {
                let mut value = self.value(value)?;
                if !operator.is_empty() {
                    let before = self.get(place)?.number();
                    value = Value::Number(calculated(operator, before, value.number())?);
                }
                self.assign(place, value.clone())?;
                value
            }
            Expr::Step(place, step, old) => {
                let before = self.get(place)?.number();
                self.assign(place, Value::Number(before + step))?;
                Value::Number(if *old { before } else { before + step })
            }
            Expr::Unary(operator, operand) => {
                let value = self.value(operand)?;
                match *operator {
                    "!" => truth(!value.holds()),
                    "-" => Value::Number(-value.number()),
                    "+" => Value::Number(value.number()),
                    _ => value,
                }
            }
            Expr::Binary(operator, left, right) => self.binary(operator, left, right)?,
            Expr::Choose(condition, yes, no) => {
                let chosen = if self.value(condition)?.holds() { yes } else { no };
                self.value(chosen)?
            }
            Expr::In(index, array) => {
                let (index, name) = (self.index(index)?, self.array_name(array));
                truth(self.arrays.get(&name).is_some_and(|array| array.contains_key(&index)))
            }
            Expr::Call(name, arguments) => self.call(name, arguments)?,
            Expr::Getline(place, file) => self.getline(place.as_ref(), file.as_deref())?,
        })
    }

    fn binary(&mut self, operator: &str, left: &Expr, right: &Expr) -> Result<Value, String> {
        let truth = |holds: bool| Value::Number(f64::from(u8::from(holds)));
        let first = self.value(left)?;
        match operator {
            "&&" => return Ok(truth(first.holds() && self.value(right)?.holds())),
            "||" => return Ok(truth(first.holds() || self.value(right)?.holds())),
            "~" | "!~" => {
                let pattern = self.pattern_text(right)?;
                let matches = self.matches(&pattern, &first.text())?;
                return Ok(truth(matches == (operator == "~")));
            }
            _ => {}
        }
        let second = self.value(right)?;
        let order = || first.compare(&second);
        Ok(match operator {
            "" => {
                let text = first.text() + &second.text();
                if text.len() > TEXT_MAX {
                    return Err("a text grows too long".to_owned());
                }
                Value::Text(text)
            }
            "<" => truth(order().is_lt()),
            "<=" => truth(order().is_le()),
            "==" => truth(order().is_eq()),
            "!=" => truth(order().is_ne()),
            ">" => truth(order().is_gt()),
            ">=" => truth(order().is_ge()),
            _ => Value::Number(calculated(operator, first.number(), second.number())?),
        })
    }

    fn pattern_text(&mut self, expr: &Expr) -> Result<String, String> {
        match expr {
            Expr::Pattern(pattern) => Ok(pattern.clone()),
            other => Ok(self.value(other)?.text()),
        }
    }

    fn regex(&mut self, pattern: &str) -> Result<Regex, String> {
        let make = || Pattern::new(&[pattern], Syntax::Extended, Limits::default()).map(|p| p.regex().clone());
        let found = self.regexes.entry(pattern.to_owned()).or_insert_with(make).clone();
        if self.regexes.len() > 256 {
            self.regexes.clear();
        }
        found.ok_or_else(|| format!("bad regex '{pattern}'"))
    }

    fn matches(&mut self, pattern: &str, text: &str) -> Result<bool, String> {
        Ok(self.regex(pattern)?.is_match(text))
    }

    fn index(&mut self, parts: &[Expr]) -> Result<String, String> {
        let parts =
            parts.iter().map(|part| self.value(part).map(|value| value.text())).collect::<Result<Vec<_>, _>>()?;
        Ok(parts.join(&self.text_of("SUBSEP")))
    }

    /// The name under which an array lies: a parameter may stand for another one.
    fn array_name(&mut self, name: &str) -> String {
        let depth = self.frames.len();
        match self.frames.last_mut().and_then(|frame| frame.get_mut(name)) {
            Some(Local::Array(real)) => real.clone(),
            Some(local) => {
                // A local that was never assigned becomes an array of its own.
                let real = format!("{depth}/{name}");
                *local = Local::Array(real.clone());
                real
            }
            None => name.to_owned(),
        }
    }

    fn get(&mut self, place: &Place) -> Result<Value, String> {
        match place {
            Place::Field(index) => {
                let index = self.value(index)?.number();
                Ok(Value::Input(self.field(position(index)?)))
            }
            Place::Variable(name) if name == "NF" => {
                self.split_record()?;
                Ok(Value::Number(count(self.fields.as_ref().map_or(0, Vec::len))))
            }
            Place::Variable(name) => Ok(match self.frames.last().and_then(|frame| frame.get(name)) {
                Some(Local::Value(value)) => value.clone(),
                Some(Local::Array(_)) => Value::Nothing,
                None => self.globals.get(name).cloned().unwrap_or_default(),
            }),
            Place::Element(name, index) => {
                let (index, name) = (self.index(index)?, self.array_name(name));
                let array = self.arrays.entry(name).or_default();
                if array.len() > 1_000_000 {
                    return Err("an array grows too large".to_owned());
                }
                Ok(array.entry(index).or_default().clone())
            }
        }
    }

    fn assign(&mut self, place: &Place, value: Value) -> Result<(), String> {
        match place {
            Place::Field(index) => {
                let index = self.value(index)?.number();
                self.set_field(position(index)?, value.text())?;
            }
            Place::Variable(name) if name == "NF" => {
                self.split_record()?;
                let size = position(value.number())?;
                self.fields.get_or_insert_default().resize(size, String::new());
                self.join_record();
            }
            Place::Variable(name) => match self.frames.last_mut().and_then(|frame| frame.get_mut(name)) {
                Some(local) => *local = Local::Value(value),
                None => {
                    self.globals.insert(name.clone(), value);
                }
            },
            Place::Element(name, index) => {
                let (index, name) = (self.index(index)?, self.array_name(name));
                self.arrays.entry(name).or_default().insert(index, value);
            }
        }
        Ok(())
    }

    fn field(&mut self, index: usize) -> String {
        if index == 0 {
            return self.record.clone();
        }
        let _ = self.split_record();
        self.fields.as_ref().and_then(|fields| fields.get(index - 1)).cloned().unwrap_or_default()
    }

    fn set_field(&mut self, index: usize, text: String) -> Result<(), String> {
        if index == 0 {
            self.record = text;
            self.fields = None;
            return Ok(());
        }
        self.split_record()?;
        let fields = self.fields.get_or_insert_default();
        if fields.len() < index {
            fields.resize(index, String::new());
        }
        fields[index - 1] = text;
        self.join_record();
        Ok(())
    }

    fn join_record(&mut self) {
        self.record = self.fields.as_ref().map(|fields| fields.join(&self.text_of("OFS"))).unwrap_or_default();
    }

    fn split_record(&mut self) -> Result<(), String> {
        if self.fields.is_none() {
            let (record, separator) = (self.record.clone(), self.text_of("FS"));
            self.fields = Some(self.split(&record, &separator)?);
        }
        Ok(())
    }

    /// The parts of a text: at blanks, at a character, or where a pattern matches.
    fn split(&mut self, text: &str, separator: &str) -> Result<Vec<String>, String> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let owned = |part: &str| part.to_owned();
        let mut letters = separator.chars();
        Ok(match (letters.next(), letters.next()) {
            (None, _) => text.chars().map(String::from).collect(),
            (Some(' '), None) => text.split_whitespace().map(owned).collect(),
            (Some(letter), None) if !"|.*+?^$()[]{}".contains(letter) || letter == '|' || letter == '.' => {
                text.split(letter).map(owned).collect()
            }
            _ => self.regex(separator)?.split(text).map(owned).collect(),
        })
    }

    fn getline(&mut self, place: Option<&Place>, file: Option<&Expr>) -> Result<Value, String> {
        let record = match file {
            None => self.waiting.pop_front(),
            Some(file) => {
                let path = self.value(file)?.text();
                if !self.files.contains_key(&path) {
                    let Some(text) = self.load.iter().find(|(known, _)| *known == path).map(|(_, text)| text.clone())
                    else {
                        return Ok(Value::Number(-1.0));
                    };
                    let Some(text) = text else { return Ok(Value::Number(-1.0)) };
                    self.files.insert(path.clone(), text.lines().map(str::to_owned).collect());
                }
                self.files.get_mut(&path).and_then(VecDeque::pop_front)
            }
        };
        let Some(record) = record else { return Ok(Value::Number(0.0)) };
        match (place, file.is_some()) {
            (Some(place), _) => self.assign(place, Value::Input(record))?,
            (None, true) => {
                self.record = record;
                self.fields = None;
            }
            (None, false) => self.take(record),
        }
        Ok(Value::Number(1.0))
    }

    fn call(&mut self, name: &str, arguments: &[Expr]) -> Result<Value, String> {
        let script = std::rc::Rc::clone(&self.script);
        if let Some(function) = script.functions.get(name) {
            return self.call_function(function, arguments);
        }
        match name {
            "split" => return self.call_split(arguments),
            "sub" | "gsub" => return self.substitute(name == "gsub", arguments),
            "match" => return self.call_match(arguments),
            "length" if arguments.len() == 1 => {
                if let Expr::Get(Place::Variable(array)) = &arguments[0] {
                    let real = self.array_name_if_any(array);
                    if let Some(array) = real.and_then(|name| self.arrays.get(&name)) {
                        return Ok(Value::Number(count(array.len())));
                    }
                }
            }
            _ => {}
        }
        let values = arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
        self.built_in(name, &values)
    }

    fn array_name_if_any(&self, name: &str) -> Option<String> {
        match self.frames.last().and_then(|frame| frame.get(name)) {
            Some(Local::Array(real)) => Some(real.clone()),
            Some(Local::Value(_)) => None,
            None => self.arrays.contains_key(name).then(|| name.to_owned()),
        }
    }

    fn built_in(&mut self, name: &str, values: &[Value]) -> Result<Value, String> {
        let text = |at: usize| values.get(at).map(Value::text).unwrap_or_default();
        let number = |at: usize| values.get(at).map_or(0.0, Value::number);
        Ok(match name {
            "length" if values.is_empty() => Value::Number(count(self.record.chars().count())),
            "length" => Value::Number(count(text(0).chars().count())),
            "substr" => Value::Text(substr(&text(0), number(1), values.get(2).map(Value::number))),
            "index" => {
                let (text, part) = (text(0), text(1));
                Value::Number(text.find(&part).map_or(0.0, |at| count(text[..at].chars().count()) + 1.0))
            }
            "toupper" => Value::Text(text(0).to_uppercase()),
            "tolower" => Value::Text(text(0).to_lowercase()),
            "sprintf" => Value::Text(value::format(&text(0), values.get(1..).unwrap_or_default())),
            "int" => Value::Number(number(0).trunc()),
            "sqrt" => Value::Number(number(0).sqrt()),
            "exp" => Value::Number(number(0).exp()),
            "log" => Value::Number(number(0).ln()),
            "sin" => Value::Number(number(0).sin()),
            "cos" => Value::Number(number(0).cos()),
            "atan2" => Value::Number(number(0).atan2(number(1))),
            "rand" => {
                self.chance =
                    self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let bits = u32::try_from(self.chance >> 32).expect("32 bits remain");
                Value::Number(f64::from(bits) / 4_294_967_296.0)
            }
            "srand" => {
                let before = core::mem::replace(&mut self.seed, number(0).to_bits());
                self.chance = self.seed | 1;
                Value::Number(f64::from_bits(before))
            }
            "close" | "fflush" => Value::Number(0.0),
            "and" | "or" | "xor" | "lshift" | "rshift" => Value::Number(bits(name, number(0), number(1))),
            _ => return Err("Call to undefined function".to_owned()),
        })
    }

    fn call_function(&mut self, function: &Function, arguments: &[Expr]) -> Result<Value, String> {
        if self.frames.len() >= DEPTH {
            return Err("Too many calls inside of each other".to_owned());
        }
        let mut frame = BTreeMap::new();
        for (at, parameter) in function.parameters.iter().enumerate() {
            let local = match arguments.get(at) {
                None => Local::Value(Value::Nothing),
                Some(Expr::Get(Place::Variable(name))) if self.is_array(name) => Local::Array(self.array_name(name)),
                Some(expr) => Local::Value(self.value(expr)?),
            };
            frame.insert(parameter.clone(), local);
        }
        self.frames.push(frame);
        let flow = self.block(&function.body);
        let own = format!("{}/", self.frames.len());
        self.frames.pop();
        self.arrays.retain(|name, _| !name.starts_with(&own));
        Ok(match flow? {
            Flow::Return(value) => value,
            _ => Value::Nothing,
        })
    }

    /// Whether a name that is passed on stands for an array: one that is, or that nothing was assigned to.
    fn is_array(&self, name: &str) -> bool {
        match self.frames.last().and_then(|frame| frame.get(name)) {
            Some(Local::Array(_)) => true,
            Some(Local::Value(value)) => matches!(value, Value::Nothing),
            None => self.arrays.contains_key(name) || !self.globals.contains_key(name) && name != "NF",
        }
    }

    fn call_split(&mut self, arguments: &[Expr]) -> Result<Value, String> {
        let [text, Expr::Get(Place::Variable(array)), separator @ ..] = arguments else {
            return Err("Not enough arguments".to_owned());
        };
        let text = self.value(text)?.text();
        let separator = match separator.first() {
            Some(separator) => self.pattern_text(separator)?,
            None => self.text_of("FS"),
        };
        let parts = self.split(&text, &separator)?;
        let size = parts.len();
        let name = self.array_name(array);
        let elements = parts.into_iter().enumerate().map(|(at, part)| ((at + 1).to_string(), Value::Input(part)));
        self.arrays.insert(name, elements.collect());
        Ok(Value::Number(count(size)))
    }

    fn substitute(&mut self, all: bool, arguments: &[Expr]) -> Result<Value, String> {
        let [pattern, replacement, place @ ..] = arguments else { return Err("Not enough arguments".to_owned()) };
        let pattern = self.pattern_text(pattern)?;
        let replacement = self.value(replacement)?.text();
        let record = Place::Field(Box::new(Expr::Constant(Value::Number(0.0))));
        let place = match place.first() {
            Some(Expr::Get(place)) => place.clone(),
            Some(_) => return Err("Not an lvalue".to_owned()),
            None => record,
        };
        let text = self.get(&place)?.text();
        let regex = self.regex(&pattern)?;
        let (mut out, mut end, mut replaced) = (String::new(), 0, 0);
        for found in regex.find_iter(&text).take(if all { usize::MAX } else { 1 }) {
            out.push_str(&text[end..found.start()]);
            expand(&replacement, found.as_str(), &mut out);
            end = found.end();
            replaced += 1;
            if out.len() > TEXT_MAX {
                return Err("a text grows too long".to_owned());
            }
        }
        out.push_str(&text[end..]);
        if replaced > 0 {
            self.assign(&place, Value::Text(out))?;
        }
        Ok(Value::Number(count(replaced)))
    }

    fn call_match(&mut self, arguments: &[Expr]) -> Result<Value, String> {
        let [text, pattern] = arguments else { return Err("Not enough arguments".to_owned()) };
        let (text, pattern) = (self.value(text)?.text(), self.pattern_text(pattern)?);
        let found = self.regex(&pattern)?.find(&text).map(|found| (found.start(), found.as_str().chars().count()));
        let (start, length) = match found {
            Some((at, size)) => (count(text[..at].chars().count()) + 1.0, count(size)),
            None => (0.0, -1.0),
        };
        self.globals.insert("RSTART".to_owned(), Value::Number(start));
        self.globals.insert("RLENGTH".to_owned(), Value::Number(length));
        Ok(Value::Number(start))
    }
}

/// The replacement of `sub`: `&` is what matched, `\&` itself.
fn expand(replacement: &str, matched: &str, out: &mut String) {
    let mut letters = replacement.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '&' => out.push_str(matched),
            '\\' if matches!(letters.peek(), Some('&' | '\\')) => out.extend(letters.next()),
            _ => out.push(letter),
        }
    }
}

fn calculated(operator: &str, left: f64, right: f64) -> Result<f64, String> {
    Ok(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" | "%" if right == 0.0 => return Err("Division by zero".to_owned()),
        "/" => left / right,
        "%" => left % right,
        _ => left.powf(right),
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below two to the 52")]
fn count(size: usize) -> f64 {
    size as f64
}

#[expect(clippy::cast_possible_truncation, reason = "an exit status is taken from the lowest bits")]
fn code(number: f64) -> i32 {
    number as i32 & 0xff
}

/// The number of a field.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
fn position(number: f64) -> Result<usize, String> {
    if !(0.0..32768.0).contains(&number) {
        return Err("Access to negative field".to_owned());
    }
    Ok(number as usize)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "C does it")]
fn bits(name: &str, left: f64, right: f64) -> f64 {
    let (left, right) = (left as u64, right as u64);
    let shift = u32::try_from(right & 63).expect("six bits");
    (match name {
        "and" => left & right,
        "or" => left | right,
        "xor" => left ^ right,
        "lshift" => left << shift,
        _ => left >> shift,
    }) as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
fn substr(text: &str, from: f64, length: Option<f64>) -> String {
    let from = from.round();
    let end = length.map_or(f64::INFINITY, |length| from + length.round());
    let skip = (from - 1.0).clamp(0.0, 4e9);
    let take = (end - from.max(1.0)).clamp(0.0, 4e9);
    text.chars().skip(skip as usize).take(take as usize).collect()
}
