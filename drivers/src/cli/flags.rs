//! Flags: the part of pflag that Docker's command line rests on. A command lists its [`Flag`]s; [`parse`] reads what was
//! typed against them, with pflag's own words for what is wrong. It knows no command and asks nobody.

pub(super) mod usage;

use core::fmt::Write as _;
use std::collections::BTreeMap;

/// Looks at a value when it is typed; the text says what is wrong with it.
pub(super) type Check = fn(&str) -> Result<(), String>;

/// What a flag does with its values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Takes {
    /// No value unless it is written `--flag=value`: a boolean.
    Nothing,
    /// One value, the last one typed.
    Last,
    /// Every value that was typed.
    Every,
    /// Every value, and each may be several with commas between.
    Commas,
}

/// One flag of a command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag {
    name: &'static str,
    short: Option<char>,
    takes: Takes,
    label: &'static str,
    usage: &'static str,
    default: &'static str,
    check: Check,
    target: Option<&'static str>,
    needs: Option<Needs>,
    hidden: bool,
}

/// What a flag needs that an engine of API 1.41 on Linux does not have: it is in no help text and always refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Needs {
    /// A later version of the API.
    Api(&'static str),
    /// Experimental features.
    Experiments,
    /// Another operating system.
    Windows,
}

impl Needs {
    fn missing(self, flag: &str) -> String {
        match self {
            Self::Api(version) => {
                format!("\"--{flag}\" requires API version {version}, but the Docker daemon API version is 1.41")
            }
            Self::Experiments => {
                format!("\"--{flag}\" is only supported on a Docker daemon with experimental features enabled")
            }
            Self::Windows => format!(
                "\"--{flag}\" is only supported on a Docker daemon running on windows, but the Docker daemon is \
                 running on linux"
            ),
        }
    }
}

impl Flag {
    const fn new(name: &'static str, takes: Takes, label: &'static str, usage: &'static str, check: Check) -> Self {
        Self { name, short: None, takes, label, usage, default: "", check, target: None, needs: None, hidden: false }
    }

    /// A boolean.
    pub(super) const fn switch(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Takes::Nothing, "", usage, boolean)
    }

    /// One text.
    pub(super) const fn text(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Takes::Last, "string", usage, any)
    }

    /// One whole number.
    pub(super) const fn int(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Takes::Last, "int", usage, integer)
    }

    /// One whole number that is not negative.
    pub(super) const fn uint(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Takes::Last, "uint", usage, |text| unsigned(text, 64))
    }

    /// One of 32 bits.
    pub(super) const fn uint32(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Takes::Last, "uint32", usage, |text| unsigned(text, 32))
    }

    /// A list, one value each time.
    pub(super) const fn list(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Takes::Every, "list", usage, any)
    }

    /// A list that may be written with commas.
    pub(super) const fn strings(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Takes::Commas, "strings", usage, any)
    }

    /// A list of `key=value`.
    pub(super) const fn map(name: &'static str, usage: &'static str) -> Self {
        Self::new(name, Takes::Every, "map", usage, any).default("map[]")
    }

    /// A list of conditions, `name=value`.
    pub(super) const fn filter(usage: &'static str) -> Self {
        Self::new("filter", Takes::Every, "filter", usage, filter)
    }

    /// Another name for the flag `target`, which help does not show.
    pub(super) const fn alias(name: &'static str, target: &Self) -> Self {
        Self { name, short: None, target: Some(target.name), ..*target }
    }

    /// With a letter.
    pub(super) const fn short(self, letter: char) -> Self {
        Self { short: Some(letter), ..self }
    }

    /// Without the letter it has elsewhere.
    pub(super) const fn without_letter(self) -> Self {
        Self { short: None, ..self }
    }

    /// With this value when it is not typed, as help shows it.
    pub(super) const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// With values that must pass.
    pub(super) const fn checked(self, check: Check) -> Self {
        Self { check, ..self }
    }

    /// With another word for its value in help.
    pub(super) const fn labelled(self, label: &'static str) -> Self {
        Self { label, ..self }
    }

    /// One that needs what this engine does not have.
    pub(super) const fn needs(self, needs: Needs) -> Self {
        Self { needs: Some(needs), ..self }
    }

    /// One that help does not show.
    pub(super) const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    /// Whether help shows it.
    const fn is_shown(&self) -> bool {
        self.target.is_none() && self.needs.is_none() && !self.hidden
    }

    /// How errors name it: `-f, --filter`.
    fn title(&self) -> String {
        match self.short {
            Some(short) => format!("-{short}, --{}", self.name),
            None => format!("--{}", self.name),
        }
    }
}

/// The flags of two lists in one.
pub(super) const fn joined<const A: usize, const B: usize, const C: usize>(a: [Flag; A], b: [Flag; B]) -> [Flag; C] {
    assert!(A + B == C);
    let mut all = [a[0]; C];
    let mut at = 0;
    while at < C {
        all[at] = if at < A { a[at] } else { b[at - A] };
        at += 1;
    }
    all
}

/// What was typed for a command: its flags' values and the arguments that are left.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Arguments {
    typed: BTreeMap<&'static str, Vec<String>>,
    /// Arguments that are no flags.
    pub(super) rest: Vec<String>,
    /// Whether help was asked for, and by which spelling.
    pub(super) help: Option<Help>,
}

/// How help was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Help {
    /// `--help`.
    Long,
    /// `-h`, which Docker calls deprecated where it is not another flag.
    Short,
}

impl Arguments {
    /// Whether a flag was typed at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.typed.contains_key(name)
    }

    /// Whether a boolean is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.text(name).is_some_and(is_true)
    }

    /// Whether a boolean was switched off.
    pub(super) fn is_off(&self, name: &str) -> bool {
        self.has(name) && !self.is_on(name)
    }

    /// The last value typed.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.typed.get(name).and_then(|values| values.last()).map(String::as_str)
    }

    /// The last value typed, as a number; the parser has checked it.
    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(parse_int)
    }

    /// Adds a value that was not typed.
    pub(super) fn add(&mut self, name: &'static str, value: String) {
        self.typed.entry(name).or_default().push(value);
    }

    /// How many flags were typed.
    pub(super) fn count(&self) -> usize {
        self.typed.len()
    }

    /// Whether no flag was typed.
    pub(super) fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    /// What is missing for flags that were typed.
    pub(super) fn unmet(&self, flags: &[Flag]) -> Vec<String> {
        let typed = flags.iter().filter(|flag| self.has(flag.name));
        typed.filter_map(|flag| Some(flag.needs?.missing(flag.name))).collect()
    }

    /// Every value typed.
    pub(super) fn list(&self, name: &str) -> &[String] {
        self.typed.get(name).map_or(&[], Vec::as_slice)
    }

    fn set(&mut self, flag: &Flag, value: &str) -> Result<(), String> {
        (flag.check)(value)
            .map_err(|why| format!("invalid argument {} for {} flag: {why}", quoted(value), quoted(&flag.title())))?;
        let values = self.typed.entry(flag.target.unwrap_or(flag.name)).or_default();
        match flag.takes {
            Takes::Commas if value.is_empty() => {}
            Takes::Commas => values.extend(value.split(',').map(str::to_owned)),
            Takes::Nothing | Takes::Last | Takes::Every => values.push(value.to_owned()),
        }
        Ok(())
    }
}

/// Whether flags may come after the first argument that is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// They may.
    Mixed,
    /// What follows belongs to somebody else: the command of `docker run`.
    FlagsFirst,
}

/// Reads `words` against `flags`.
pub(super) fn parse(flags: &[Flag], order: Order, words: &[String]) -> Result<Arguments, String> {
    let mut arguments = Arguments::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            arguments.rest.extend(words.by_ref().cloned());
        } else if let Some(long) = word.strip_prefix("--") {
            long_flag(flags, long, &mut words, &mut arguments)?;
        } else if word.len() > 1 && word.starts_with('-') {
            short_flags(flags, &word[1..], &mut words, &mut arguments)?;
        } else {
            arguments.rest.push(word.clone());
            if order == Order::FlagsFirst {
                arguments.rest.extend(words.by_ref().cloned());
            }
        }
    }
    Ok(arguments)
}

type Words<'a> = core::slice::Iter<'a, String>;

fn long_flag(flags: &[Flag], word: &str, words: &mut Words<'_>, arguments: &mut Arguments) -> Result<(), String> {
    let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
    if name.is_empty() || name.starts_with('-') {
        return Err(format!("bad flag syntax: --{word}"));
    }
    if name == "help" {
        arguments.help = Some(Help::Long);
        return Ok(());
    }
    let flag = flags.iter().find(|f| f.name == name).ok_or_else(|| format!("unknown flag: --{name}"))?;
    match value {
        Some(value) => arguments.set(flag, value),
        None if flag.takes == Takes::Nothing => arguments.set(flag, "true"),
        None => {
            let value = words.next().ok_or_else(|| format!("flag needs an argument: --{name}"))?;
            arguments.set(flag, value)
        }
    }
}

/// A word of letters, `-itd` or `-p80` or `-p 80`.
fn short_flags(flags: &[Flag], word: &str, words: &mut Words<'_>, arguments: &mut Arguments) -> Result<(), String> {
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        let rest = letters.as_str();
        let Some(flag) = flags.iter().find(|f| f.short == Some(letter)) else {
            if letter == 'h' {
                arguments.help = Some(Help::Short);
                return Ok(());
            }
            return Err(format!("unknown shorthand flag: {} in -{letter}{rest}", quoted_letter(letter)));
        };
        if let Some(value) = rest.strip_prefix('=').filter(|value| !value.is_empty()) {
            return arguments.set(flag, value);
        }
        if flag.takes == Takes::Nothing {
            arguments.set(flag, "true")?;
            continue;
        }
        if !rest.is_empty() {
            return arguments.set(flag, rest);
        }
        let missing = || format!("flag needs an argument: {} in -{word}", quoted_letter(letter));
        return arguments.set(flag, words.next().ok_or_else(missing)?);
    }
    Ok(())
}

fn quoted_letter(letter: char) -> String {
    format!("'{letter}'")
}

/// `text` as Go's `%q` writes it.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if c.is_control() => write!(quoted, "\\x{:02x}", u32::from(c)).expect("a string takes all text"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn any(_: &str) -> Result<(), String> {
    Ok(())
}

fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// What `strconv.ParseBool` takes.
pub(super) fn boolean(text: &str) -> Result<(), String> {
    if is_true(text) || matches!(text, "0" | "f" | "F" | "false" | "FALSE" | "False") {
        return Ok(());
    }
    Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quoted(text)))
}

/// What `strconv.ParseInt` takes.
pub(super) fn integer(text: &str) -> Result<(), String> {
    let (radix, digits) = radix(text.strip_prefix(['-', '+']).unwrap_or(text));
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(format!("strconv.ParseInt: parsing {}: invalid syntax", quoted(text)));
    }
    match parse_int(text) {
        Some(_) => Ok(()),
        None => Err(format!("strconv.ParseInt: parsing {}: value out of range", quoted(text))),
    }
}

/// What `strconv.ParseUint` takes for a number of so many bits.
pub(super) fn unsigned(text: &str, bits: u32) -> Result<(), String> {
    let (radix, digits) = radix(text);
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(text)));
    }
    match u128::from_str_radix(digits, radix) {
        Ok(number) if number >> bits == 0 => Ok(()),
        _ => Err(format!("strconv.ParseUint: parsing {}: value out of range", quoted(text))),
    }
}

/// The base of a number, as Go writes it in front, and its digits.
fn radix(text: &str) -> (u32, &str) {
    let prefixes = [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8)];
    let found = prefixes.iter().find_map(|(prefix, radix)| Some((*radix, text.strip_prefix(prefix)?)));
    found.unwrap_or_else(|| match text.strip_prefix('0') {
        Some(rest) if !rest.is_empty() => (8, rest),
        _ => (10, text),
    })
}

fn parse_int(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (radix, digits) = radix(rest);
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}

fn filter(text: &str) -> Result<(), String> {
    if text.is_empty() || text.contains('=') {
        return Ok(());
    }
    Err("bad format of filter (expected name=value)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[
        Flag::switch("all", "").short('a'),
        Flag::filter("").short('f'),
        Flag::int("last", "").short('n'),
        Flag::list("publish", "").short('p'),
        Flag::strings("subnet", ""),
        Flag::switch("tty", "").short('t'),
    ];

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    fn refused(line: &str) -> String {
        parse(FLAGS, Order::Mixed, &words(line)).expect_err(line)
    }

    #[test]
    fn letters_may_stick_together_and_to_their_value() {
        let typed = parse(FLAGS, Order::Mixed, &words("-atp80 x -p 81 --publish=82 --publish 83 -p=84")).expect("good");
        assert!(typed.is_on("all") && typed.is_on("tty"));
        assert_eq!(typed.list("publish"), ["80", "81", "82", "83", "84"]);
        assert_eq!(typed.rest, ["x"]);
    }

    #[test]
    fn a_boolean_takes_a_value_only_after_an_equals_sign() {
        let typed = parse(FLAGS, Order::Mixed, &words("--all=false -t true")).expect("good");
        assert!(!typed.is_on("all") && typed.has("all") && typed.is_on("tty"));
        assert_eq!(typed.rest, ["true"]);
    }

    #[test]
    fn what_follows_the_first_argument_may_belong_to_somebody_else() {
        let typed = parse(FLAGS, Order::FlagsFirst, &words("-a busybox -x --nosuch")).expect("good");
        assert_eq!(typed.rest, ["busybox", "-x", "--nosuch"]);
        let typed = parse(FLAGS, Order::Mixed, &words("n1 -a -- -x")).expect("good");
        assert_eq!((typed.is_on("all"), typed.rest), (true, words("n1 -x")));
    }

    #[test]
    fn strings_are_split_at_commas_and_lists_are_not() {
        let typed = parse(FLAGS, Order::Mixed, &words("--subnet 10.0.0.0/8,10.1.0.0/16 -p 1,2")).expect("good");
        assert_eq!(typed.list("subnet"), ["10.0.0.0/8", "10.1.0.0/16"]);
        assert_eq!(typed.list("publish"), ["1,2"]);
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_pflag() {
        assert_eq!(refused("--foo"), "unknown flag: --foo");
        assert_eq!(refused("--foo=1"), "unknown flag: --foo");
        assert_eq!(refused("--=x"), "bad flag syntax: --=x");
        assert_eq!(refused("-azq"), "unknown shorthand flag: 'z' in -zq");
        assert_eq!(refused("-a="), "unknown shorthand flag: '=' in -=");
        assert_eq!(refused("--last"), "flag needs an argument: --last");
        assert_eq!(refused("-an"), "flag needs an argument: 'n' in -an");
        let integer = "strconv.ParseInt: parsing \"x\": invalid syntax";
        assert_eq!(refused("-n x"), format!("invalid argument \"x\" for \"-n, --last\" flag: {integer}"));
        let boolean = "strconv.ParseBool: parsing \"foo\": invalid syntax";
        assert_eq!(refused("-t=foo"), format!("invalid argument \"foo\" for \"-t, --tty\" flag: {boolean}"));
        let filter = "bad format of filter (expected name=value)";
        assert_eq!(refused("-f driver"), format!("invalid argument \"driver\" for \"-f, --filter\" flag: {filter}"));
    }

    #[test]
    fn help_is_a_flag_like_others() {
        let typed = parse(FLAGS, Order::Mixed, &words("x --help -a")).expect("help");
        assert_eq!((typed.help, typed.is_on("all")), (Some(Help::Long), true));
        assert_eq!(refused("x --help --nosuch"), "unknown flag: --nosuch");
        assert_eq!(parse(FLAGS, Order::Mixed, &words("-h")).expect("help").help, Some(Help::Short));
    }

    #[test]
    fn text_is_quoted_as_go_does() {
        assert_eq!(quoted("a\"b\\\n\u{1}é"), "\"a\\\"b\\\\\\n\\x01é\"");
    }
}
