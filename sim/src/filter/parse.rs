//! Reading a rule, option by option, as iptables does: base options, then those of the target, of the matches, and at
//! last of the match that the protocol brings along. Commands and what else a program takes are not here.

use super::matching::{Argument, Match};
use super::prefix::Prefix;
use super::rule::{DevicePattern, Rule};
use super::target::Target;
use super::words::{self, Flag, Word, Words};
use super::{Counters, Family, RuleError, Usage, name};

/// The longest name of a chain or target, in bytes.
pub const NAME_MAX: usize = 28;

impl Rule {
    /// An IPv4 rule as it is typed after the chain: `-i docker0 ! -o docker0 -j ACCEPT`.
    ///
    /// # Errors
    /// When it is no rule, or several (a list of addresses).
    pub fn parse(text: &str) -> Result<Self, RuleError> {
        Self::parse_for(Family::V4, text)
    }

    /// The same for either family.
    ///
    /// # Errors
    /// As for `parse`.
    pub fn parse_for(family: Family, text: &str) -> Result<Self, RuleError> {
        let words = words::split(text);
        let mut rules = Parser::whole(family, &words)?;
        match (rules.pop(), rules.is_empty()) {
            (Some(rule), true) => Ok(rule),
            _ => Err(Usage::NegatedAddresses.into()),
        }
    }
}

/// A rule on its way in.
#[derive(Debug)]
pub struct Parser {
    family: Family,
    rule: Rule,
    sources: Vec<Prefix>,
    destinations: Vec<Prefix>,
    /// Whether `-s` and `-d` are negated.
    negated: (bool, bool),
    /// Base options that came, by letter.
    seen: Vec<char>,
    counters: Counters,
    target_given: bool,
    implied: bool,
}

impl Parser {
    /// Nothing read yet.
    #[must_use]
    pub fn new(family: Family) -> Self {
        Self {
            family,
            rule: Rule::default(),
            sources: Vec::new(),
            destinations: Vec::new(),
            negated: (false, false),
            seen: Vec::new(),
            counters: Counters::default(),
            target_given: false,
            implied: false,
        }
    }

    /// The rules on a line that holds nothing else.
    pub(super) fn whole(family: Family, words: &[String]) -> Result<Vec<Rule>, RuleError> {
        let mut parser = Self::new(family);
        let mut words = Words::new(words);
        let mut negated = false;
        while let Some(word) = words.next() {
            match word {
                Word::Not if negated => return Err(Usage::NegatedTwice.into()),
                Word::Not => negated = true,
                Word::Option(flag) => parser.option(flag, core::mem::take(&mut negated), &mut words)?,
                Word::Plain(text) => return Err(Usage::BadArgument(text.to_owned()).into()),
            }
        }
        Ok(parser.finish()?.0)
    }

    /// The base options that came, in order, for a program that forbids some.
    #[must_use]
    pub fn seen(&self) -> &[char] {
        &self.seen
    }

    /// Takes an option.
    ///
    /// # Errors
    /// When nobody knows it, or its value is wrong.
    pub fn option<'a>(&mut self, flag: Flag<'a>, negated: bool, words: &mut Words<'a>) -> Result<(), Usage> {
        match base(flag) {
            Some(letter) => self.base_option(letter, negated, words),
            None => self.module_option(flag, negated, words),
        }
    }

    fn base_option(&mut self, letter: char, negated: bool, words: &mut Words<'_>) -> Result<(), Usage> {
        self.note(letter, negated)?;
        match letter {
            's' => (self.sources, self.negated.0) = (self.prefixes(address(words)?, negated)?, negated),
            'd' => (self.destinations, self.negated.1) = (self.prefixes(address(words)?, negated)?, negated),
            'i' => self.rule.in_device = device(words.value()?, negated)?,
            'o' => self.rule.out_device = device(words.value()?, negated)?,
            'p' => self.protocol(words.value()?, negated)?,
            'f' if self.family == Family::V6 => return Err(Usage::FragmentV6),
            'f' => self.rule.fragment = Some(!negated),
            'm' => self.rule.matches.push(Match::named(words.value()?, self.family)?),
            'j' => self.rule.target = self.target(words.value()?)?,
            'g' => self.rule.target = Target::Goto(words.value()?.to_owned()),
            _ => self.counters = counters(words)?,
        }
        Ok(())
    }

    /// Notes that an option came; only `-m` may come again, and not every one takes a `!`.
    fn note(&mut self, letter: char, negated: bool) -> Result<(), Usage> {
        if negated && matches!(letter, 'j' | 'g' | 'm' | 'c') {
            return Err(Usage::Negated(format!("-{letter}")));
        }
        let same = |seen: &char| *seen == letter || matches!((*seen, letter), ('j', 'g') | ('g', 'j'));
        if letter != 'm' && self.seen.iter().any(same) {
            let shown = if letter == 'g' { 'j' } else { letter };
            return Err(Usage::Several(format!("-{shown}")));
        }
        self.seen.push(letter);
        Ok(())
    }

    fn prefixes(&self, text: &str, negated: bool) -> Result<Vec<Prefix>, Usage> {
        let list: Vec<Prefix> = text.split(',').map(|t| Prefix::parse(self.family, t)).collect::<Result<_, _>>()?;
        if negated && list.len() > 1 { Err(Usage::NegatedAddresses) } else { Ok(list) }
    }

    fn protocol(&mut self, text: &str, negated: bool) -> Result<(), Usage> {
        let number = name::parse_protocol(text)?;
        if number == 0 && negated {
            return Err(Usage::NeverMatches);
        }
        self.rule.protocol = (number != 0).then_some((number, negated));
        Ok(())
    }

    fn target(&self, text: &str) -> Result<Target, Usage> {
        match text.len() {
            0 => Err(Usage::TargetEmpty),
            1..=NAME_MAX => Ok(Target::named(text, self.family)),
            _ => Err(Usage::TargetLong(text.to_owned())),
        }
    }

    fn module_option<'a>(&mut self, flag: Flag<'a>, negated: bool, words: &mut Words<'a>) -> Result<(), Usage> {
        let unknown = || Usage::UnknownOption(flag.to_string());
        let Flag::Long(name) = flag else { return Err(unknown()) };
        let mut argument = Argument { name, negated, protocol: self.rule.protocol, words };
        if self.rule.target.parse(&mut argument, self.family)? {
            self.target_given = true;
            return Ok(());
        }
        for m in &mut self.rule.matches {
            if m.parse(&mut argument)? {
                return Ok(());
            }
        }
        let mut implied = self.implied_match().ok_or_else(unknown)?;
        if !implied.parse(&mut argument)? {
            return Err(unknown());
        }
        self.rule.matches.push(implied);
        Ok(())
    }

    /// The match that the protocol brings along, once.
    fn implied_match(&mut self) -> Option<Match> {
        let (number, _) = self.rule.protocol.filter(|_| !self.implied)?;
        let implied = Match::of_protocol(number, self.family)?;
        self.implied = true;
        Some(implied)
    }

    /// The rules that were typed, one for each pair of addresses, and their first counters.
    ///
    /// # Errors
    /// When something is missing.
    pub fn finish(self) -> Result<(Vec<Rule>, Counters), Usage> {
        let proto = self.rule.protocol;
        for m in &self.rule.matches {
            m.check(proto)?;
        }
        self.rule.target.check(proto, self.target_given)?;
        let mut rules = Vec::new();
        for source in ends(&self.sources, self.negated.0) {
            for destination in ends(&self.destinations, self.negated.1) {
                rules.push(Rule { source, destination, ..self.rule.clone() });
            }
        }
        Ok((rules, self.counters))
    }
}

/// The value of `-s` or `-d`. A `!` in its place, as it was written long ago, leaves the address over.
fn address<'a>(words: &mut Words<'a>) -> Result<&'a str, Usage> {
    match words.value()? {
        "!" => {
            Err(words.plain().map_or_else(|| Usage::Host("!".to_owned()), |left| Usage::BadArgument(left.to_owned())))
        }
        text => Ok(text),
    }
}

/// The letter of a base option.
fn base(flag: Flag<'_>) -> Option<char> {
    match flag {
        Flag::Short(letter) => "sdiopfmjgc".contains(letter).then_some(letter),
        Flag::Long(name) => Some(match name {
            "source" | "src" => 's',
            "destination" | "dst" => 'd',
            "in-interface" => 'i',
            "out-interface" => 'o',
            "protocol" | "proto" => 'p',
            "fragment" | "fragments" => 'f',
            "match" => 'm',
            "jump" => 'j',
            "goto" => 'g',
            "set-counters" => 'c',
            _ => return None,
        }),
    }
}

/// The value of `-i` or `-o`.
fn device(name: &str, negated: bool) -> Result<Option<DevicePattern>, Usage> {
    if name.is_empty() {
        return Err(Usage::DeviceEmpty);
    }
    DevicePattern::parse(name, negated)
}

fn counters(words: &mut Words<'_>) -> Result<Counters, Usage> {
    let mut number = || words.value().ok().and_then(|text| text.parse().ok()).ok_or(Usage::Counters);
    Ok(Counters { packets: number()?, bytes: number()? })
}

/// What each rule has at one end: nothing when no address was given or every one is meant.
fn ends(prefixes: &[Prefix], negated: bool) -> Vec<Option<(Prefix, bool)>> {
    if prefixes.is_empty() {
        return vec![None];
    }
    prefixes.iter().map(|p| (!p.is_all() || negated).then_some((*p, negated))).collect()
}
