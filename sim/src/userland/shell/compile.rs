//! The compiler from the parser's tree to [`Code`]: commands here, words in [`word`]. It expands nothing and knows no
//! variable; what it cannot translate it refuses with the name of the thing.

mod condition;
mod simple;
mod word;

use std::rc::Rc;

use brush_parser::ast::{
    self, AndOr, AndOrList, CaseClauseCommand, CaseItemPostAction, CompoundCommand, CompoundList, ElseClause,
    ForClauseCommand, FunctionDefinition, IfClauseCommand, IoRedirect, Pipeline, PipelineTimed, Program, RedirectList,
    SeparatorOperator, WhileOrUntilClauseCommand,
};

use super::code::{Background, Code, Function, Op};
use super::describe;
use super::dialect::{Dialect, Failure};

/// Compiles a complete command that begins in line `first` (counted from 0).
pub(super) fn program(program: &Program, dialect: Dialect, first: usize) -> Result<Code, Failure> {
    let mut compiler = Compiler { ops: Vec::new(), dialect, first };
    for command in &program.complete_commands {
        compiler.list(command)?;
    }
    Ok(Code { ops: compiler.ops })
}

type Compiled = Result<(), Failure>;

struct Compiler {
    ops: Vec<Op>,
    dialect: Dialect,
    first: usize,
}

impl Compiler {
    /// What `compile` makes, as code of its own.
    fn apart(&self, compile: impl FnOnce(&mut Self) -> Compiled) -> Result<Rc<Code>, Failure> {
        let mut inner = Self { ops: Vec::new(), dialect: self.dialect, first: self.first };
        compile(&mut inner)?;
        Ok(Rc::new(Code { ops: inner.ops }))
    }

    fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    const fn here(&self) -> usize {
        self.ops.len()
    }

    /// Leaves room for a jump; the room is filled by `land`.
    fn hole(&mut self) -> usize {
        self.push(Op::Jump(usize::MAX));
        self.here() - 1
    }

    /// Fills the room at `hole` with what jumps to here.
    fn land(&mut self, hole: usize, op: impl FnOnce(usize) -> Op) {
        let here = self.here();
        self.ops[hole] = op(here);
    }

    fn list(&mut self, list: &CompoundList) -> Compiled {
        for item in &list.0 {
            match item.1 {
                SeparatorOperator::Async => self.background(&item.0)?,
                SeparatorOperator::Sequence => self.and_or(&item.0)?,
            }
        }
        Ok(())
    }

    fn background(&mut self, list: &AndOrList) -> Compiled {
        let stages = if list.additional.is_empty() && !list.first.bang && list.first.timed.is_none() {
            self.stages(&list.first)?
        } else {
            vec![self.apart(|c| c.and_or(list))?]
        };
        let text = describe::job(list, self.dialect);
        self.push(Op::Background(Rc::new(Background { stages, text })));
        Ok(())
    }

    fn and_or(&mut self, list: &AndOrList) -> Compiled {
        if list.additional.is_empty() {
            return self.checked_pipeline(&list.first);
        }
        self.push(Op::Tested);
        self.pipeline(&list.first)?;
        let last = list.additional.len() - 1;
        for (at, item) in list.additional.iter().enumerate() {
            let (on, pipeline) = match item {
                AndOr::And(pipeline) => (false, pipeline),
                AndOr::Or(pipeline) => (true, pipeline),
            };
            let skip = self.hole();
            if at == last {
                self.push(Op::Untested);
                self.checked_pipeline(pipeline)?;
                self.push(Op::Tested);
            } else {
                self.pipeline(pipeline)?;
            }
            self.land(skip, |to| Op::JumpIf(on, to));
        }
        self.push(Op::Untested);
        Ok(())
    }

    /// A pipeline whose failure ends the shell under `set -e`.
    fn checked_pipeline(&mut self, pipeline: &Pipeline) -> Compiled {
        self.pipeline(pipeline)?;
        if !pipeline.bang {
            self.push(Op::Check);
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline) -> Compiled {
        if pipeline.timed.is_some() {
            self.push(Op::StartTime);
        }
        if pipeline.bang {
            self.push(Op::Tested);
        }
        match pipeline.seq.as_slice() {
            [] => self.push(Op::Succeed),
            [command] => self.command(command)?,
            _ => {
                let stages = self.stages(pipeline)?;
                self.push(Op::Pipeline(stages));
            }
        }
        if pipeline.bang {
            self.push(Op::Untested);
            self.push(Op::Negate);
        }
        if let Some(timed) = &pipeline.timed {
            self.push(Op::PrintTime { posix: matches!(timed, PipelineTimed::TimedWithPosixOutput(_)) });
        }
        Ok(())
    }

    fn stages(&self, pipeline: &Pipeline) -> Result<Vec<Rc<Code>>, Failure> {
        pipeline.seq.iter().map(|command| self.apart(|c| c.command(command))).collect()
    }

    fn command(&mut self, command: &ast::Command) -> Compiled {
        match command {
            ast::Command::Simple(simple) => self.simple(simple),
            ast::Command::Compound(compound, redirects) => self.scoped(redirects.as_ref(), |c| c.compound(compound)),
            ast::Command::Function(definition) => self.function(definition),
            ast::Command::ExtendedTest(test, redirects) => self.scoped(redirects.as_ref(), |c| c.condition(&test.expr)),
        }
    }

    /// Puts `body` under redirections.
    fn scoped(&mut self, redirects: Option<&RedirectList>, body: impl FnOnce(&mut Self) -> Compiled) -> Compiled {
        let Some(RedirectList(redirects)) = redirects else { return body(self) };
        self.push(Op::Scope);
        let holes = self.redirects(redirects.iter())?;
        body(self)?;
        self.push(Op::Unscope);
        self.land_redirects(&holes);
        Ok(())
    }

    fn redirects<'a>(&mut self, redirects: impl Iterator<Item = &'a IoRedirect>) -> Result<Vec<usize>, Failure> {
        let mut holes = Vec::new();
        for redirect in redirects {
            holes.push(self.redirect(redirect)?);
        }
        Ok(holes)
    }

    /// Tells the redirections at `holes` to go on here when they fail.
    fn land_redirects(&mut self, holes: &[usize]) {
        let here = self.here();
        for hole in holes {
            if let Op::Redirect { failed, .. } = &mut self.ops[*hole] {
                *failed = here;
            }
        }
    }

    fn compound(&mut self, command: &CompoundCommand) -> Compiled {
        match command {
            CompoundCommand::Arithmetic(command) => self.compute(&command.expr),
            CompoundCommand::ArithmeticForClause(command) => self.arithmetic_for(command),
            CompoundCommand::BraceGroup(group) => self.list(&group.list),
            CompoundCommand::Subshell(subshell) => {
                let code = self.apart(|c| c.list(&subshell.list))?;
                self.push(Op::Subshell(code));
                Ok(())
            }
            CompoundCommand::ForClause(command) => self.for_each(command),
            CompoundCommand::CaseClause(command) => self.case(command),
            CompoundCommand::IfClause(command) => self.branches(command),
            CompoundCommand::WhileClause(command) => self.while_loop(command, false),
            CompoundCommand::UntilClause(command) => self.while_loop(command, true),
            CompoundCommand::Coprocess(_) => Err(Failure::Unsupported("coproc")),
        }
    }

    fn tested(&mut self, list: &CompoundList) -> Compiled {
        self.push(Op::Tested);
        self.list(list)?;
        self.push(Op::Untested);
        Ok(())
    }

    fn branches(&mut self, command: &IfClauseCommand) -> Compiled {
        let mut exits = vec![self.branch(Some(&command.condition), &command.then)?];
        let mut has_else = false;
        for ElseClause { condition, body } in command.elses.iter().flatten() {
            has_else |= condition.is_none();
            exits.push(self.branch(condition.as_ref(), body)?);
        }
        if !has_else {
            self.push(Op::Succeed);
        }
        for exit in exits {
            self.land(exit, Op::Jump);
        }
        Ok(())
    }

    /// One branch; the hole at its end leads behind all of them.
    fn branch(&mut self, condition: Option<&CompoundList>, body: &CompoundList) -> Result<usize, Failure> {
        let Some(condition) = condition else {
            self.list(body)?;
            return Ok(self.hole());
        };
        self.tested(condition)?;
        let skip = self.hole();
        self.list(body)?;
        let exit = self.hole();
        self.land(skip, |to| Op::JumpIf(false, to));
        Ok(exit)
    }

    fn while_loop(&mut self, command: &WhileOrUntilClauseCommand, until: bool) -> Compiled {
        let WhileOrUntilClauseCommand(condition, body, _) = command;
        let begin = self.hole();
        let next = self.here();
        self.push(Op::Tested);
        self.list(condition)?;
        self.push(Op::Untested);
        let leave = self.hole();
        self.list(&body.list)?;
        self.push(Op::Again(next));
        self.land(leave, |to| Op::JumpIf(until, to));
        self.push(Op::Unloop);
        self.land(begin, |done| Op::Loop { done, next });
        Ok(())
    }

    fn for_each(&mut self, command: &ForClauseCommand) -> Compiled {
        self.push(Op::Command(self.first + command.loc.start.line));
        for word in command.values.iter().flatten() {
            self.argument(&word.value)?;
        }
        let begin = self.hole();
        let next = self.here();
        let turn = self.hole();
        self.list(&command.body.list)?;
        self.push(Op::Again(next));
        self.land(turn, |to| Op::Each(command.variable_name.clone(), to));
        self.push(Op::Unloop);
        let positional = command.values.is_none();
        self.land(begin, |done| Op::ForLoop { positional, done });
        Ok(())
    }

    fn arithmetic_for(&mut self, command: &ast::ArithmeticForClauseCommand) -> Compiled {
        if let Some(first) = &command.initializer {
            self.compute(first)?;
        }
        let begin = self.hole();
        let enter = self.hole();
        let next = self.here();
        if let Some(update) = &command.updater {
            self.compute(update)?;
        }
        self.land(enter, Op::Jump);
        let leave = match &command.condition {
            Some(condition) if !condition.value.trim().is_empty() => {
                self.compute(condition)?;
                Some(self.hole())
            }
            _ => None,
        };
        self.list(&command.body.list)?;
        self.push(Op::Again(next));
        if let Some(leave) = leave {
            self.land(leave, |to| Op::JumpIf(false, to));
        }
        self.push(Op::Unloop);
        self.land(begin, |done| Op::Loop { done, next });
        Ok(())
    }

    fn case(&mut self, command: &CaseClauseCommand) -> Compiled {
        self.word(&command.value.value)?;
        self.push(Op::Case);
        self.push(Op::Succeed);
        let mut exits = Vec::new();
        let mut falling = None;
        for item in &command.cases {
            let mut bodies = Vec::new();
            for pattern in &item.patterns {
                self.word(&pattern.value)?;
                bodies.push(self.hole());
            }
            let skip = self.hole();
            for body in bodies {
                self.land(body, Op::Match);
            }
            if let Some(hole) = falling.take() {
                self.land(hole, Op::Jump);
            }
            if let Some(list) = &item.cmd {
                self.list(list)?;
            }
            match item.post_action {
                CaseItemPostAction::ExitCase => exits.push(self.hole()),
                CaseItemPostAction::UnconditionallyExecuteNextCaseItem => falling = Some(self.hole()),
                CaseItemPostAction::ContinueEvaluatingCases => {}
            }
            self.land(skip, Op::Jump);
        }
        for exit in exits.into_iter().chain(falling) {
            self.land(exit, Op::Jump);
        }
        self.push(Op::Uncase);
        Ok(())
    }

    fn function(&mut self, definition: &FunctionDefinition) -> Compiled {
        let body = &definition.body;
        let code = self.apart(|c| c.scoped(body.1.as_ref(), |c| c.compound(&body.0)))?;
        self.push(Op::Define(definition.fname.value.clone(), Rc::new(Function { body: code })));
        Ok(())
    }
}
