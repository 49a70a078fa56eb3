//! The code the shell runs: a script compiled to a flat list of operations with jumps, so that it can stop before any
//! of them and go on later. It is data; what an operation does is written in `machine`.

use std::rc::Rc;

use brush_parser::word::{Parameter, SubstringMatchKind};

/// A compiled piece of script: one complete command, a function's body, a substitution.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// The operations; running ends behind the last.
    pub(super) ops: Vec<Op>,
}

/// What later happens to text in a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Quoting {
    /// It came from an expansion outside quotes: it is split into fields and its wildcards match.
    Expanded,
    /// It is written in the script outside quotes: its wildcards match.
    Literal,
    /// It was in quotes: it stays what it is.
    Quoted,
}

/// What `${x-word}` and its relatives ask of a parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Presence {
    /// It is set, be it to nothing.
    Set,
    /// It is set to something (with a colon).
    SetAndNotEmpty,
}

/// Which end of a value a pattern is cut from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// `#`
    Prefix,
    /// `%`
    Suffix,
}

/// How much a pattern takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Greed {
    /// As much as it can (`##`, `%%`).
    Longest,
    /// As little as it can (`#`, `%`).
    Shortest,
}

/// How `${x^}` and its relatives change letters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Letters {
    /// `,,`
    Lower,
    /// `,`
    LowerFirst,
    /// `^^`
    Upper,
    /// `^`
    UpperFirst,
}

/// What a redirection does with the stream it names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Redirection {
    /// `>>`
    Append,
    /// `<&` and `>&`
    Duplicate,
    /// `<<` and `<<<`: the word is the text itself; a here-string adds a newline.
    Here {
        /// Whether a newline is added.
        newline: bool,
    },
    /// `<`
    Read,
    /// `>`, `>|` and `<>`
    Write,
    /// `&>` and `&>>`: standard output and error.
    WriteBoth {
        /// Whether to append.
        append: bool,
    },
}

/// A test inside `[[ ]]`.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    /// One operand and an operator as `test` writes it.
    Unary(String),
    /// Two operands and an operator as `test` writes it.
    Binary(String),
    /// The left operand matches the right one, a pattern; or not.
    Matches {
        /// True for `!=`.
        negated: bool,
    },
}

/// A function as it was defined.
#[derive(Debug)]
pub(super) struct Function {
    /// Its body, redirections and all.
    pub(super) body: Rc<Code>,
}

/// A job that is put into the background.
#[derive(Debug)]
pub(super) struct Background {
    /// What each process of it runs.
    pub(super) stages: Vec<Rc<Code>>,
    /// How `jobs` shows it.
    pub(super) text: String,
}

/// One operation. "The word" is the one under construction on top of the stack of frames.
#[derive(Debug)]
pub(super) enum Op {
    // Words.
    /// Begins a word.
    Open,
    /// Adds text to the word.
    Text(String, Quoting),
    /// Adds a home directory.
    Tilde(Option<String>),
    /// Adds the value of a parameter.
    Parameter(Parameter, Quoting),
    /// Adds the value of the variable that a parameter names (`${!x}`).
    Indirect(Parameter, Quoting),
    /// Adds the length of a parameter.
    Length(Parameter, Quoting),
    /// Adds the names of variables that begin so (`${!x*}`).
    Names(String, Quoting),
    /// Goes to an operation when the parameter is not there.
    Unless(Parameter, Presence, usize),
    /// Takes the word as the parameter's new value.
    Default(Parameter),
    /// Takes the word as a complaint and gives up.
    Complain(Parameter, Presence),
    /// Takes the word as a pattern and adds what remains of the parameter without it.
    Trim(Parameter, Side, Greed, Quoting),
    /// Takes the word as a length when there is one, the word below as an offset, and adds that part.
    Slice {
        /// Of what.
        parameter: Parameter,
        /// Whether a length is given.
        bounded: bool,
        /// How the value is quoted.
        quoting: Quoting,
    },
    /// Takes the word as replacement and the word below as pattern and adds the parameter with it replaced.
    Replace(Parameter, SubstringMatchKind, Quoting),
    /// Adds the parameter with its letters changed.
    Letters(Parameter, Letters, Quoting),
    /// Runs code in a child and adds what it prints.
    Substitute(Rc<Code>, Quoting),
    /// Takes the word as an arithmetic expression and adds its value to the word below.
    Evaluate(Quoting),
    /// The word cannot be expanded.
    BadSubstitution(String),

    // Simple commands.
    /// Begins a command that stands in this line.
    Command(usize),
    /// Takes the word, split into fields, as arguments.
    Fields,
    /// Takes the word as one argument.
    Field,
    /// Takes the word as an assignment to a variable.
    Assign {
        /// The variable.
        name: String,
        /// `+=`
        append: bool,
    },
    /// Takes the word as the target of a redirection of stream `fd`.
    Redirect {
        /// The stream.
        fd: usize,
        /// What to do.
        how: Redirection,
        /// Where to go on when it fails.
        failed: usize,
    },
    /// Runs the command.
    Run,

    // Compound commands.
    /// Begins a scope of redirections.
    Scope,
    /// Ends it.
    Unscope,
    /// Goes elsewhere.
    Jump(usize),
    /// Goes elsewhere when the last status was success, or failure.
    JumpIf(bool, usize),
    /// Turns success into failure and the other way round.
    Negate,
    /// Sets the status to 0.
    Succeed,
    /// Begins a stretch in which failing commands do not end the shell (`set -e`).
    Tested,
    /// Ends it.
    Untested,
    /// Ends the shell when the last status was failure and `set -e` is on.
    Check,
    /// Begins a loop: where `break` and `continue` go.
    Loop {
        /// Behind the loop's end.
        done: usize,
        /// The next turn.
        next: usize,
    },
    /// Begins a loop over the positional parameters, or over the fields collected by the command around it.
    ForLoop {
        /// Whether over the positional parameters.
        positional: bool,
        /// Behind the loop's end.
        done: usize,
    },
    /// Takes the next item of a loop into a variable or leaves.
    Each(String, usize),
    /// Ends a turn of a loop and begins the next there.
    Again(usize),
    /// Ends a loop; its status is that of the last turn.
    Unloop,
    /// Takes the word as the subject of a `case`.
    Case,
    /// Takes the word as a pattern and goes elsewhere when it matches the subject.
    Match(usize),
    /// Forgets the subject.
    Uncase,
    /// Defines a function.
    Define(String, Rc<Function>),
    /// Runs code in a child shell.
    Subshell(Rc<Code>),
    /// Runs each code in a child, joined by pipes.
    Pipeline(Vec<Rc<Code>>),
    /// Starts a job.
    Background(Rc<Background>),
    /// Takes the word as an arithmetic expression; it succeeds when that is not zero.
    Compute,
    /// Takes one or two words and tests them.
    Condition(Condition),
    /// Begins to take the time.
    StartTime,
    /// Prints the time taken.
    PrintTime {
        /// `time -p`
        posix: bool,
    },
}
