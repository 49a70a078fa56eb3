//! `[[ ]]`: its operators become jumps and tests of words that are not split.

use brush_parser::ast::{BinaryPredicate, ExtendedTestExpr};

use super::{Compiled, Compiler};
use crate::userland::shell::code::{Condition, Op};
use crate::userland::shell::dialect::Failure;

impl Compiler {
    pub(super) fn condition(&mut self, expression: &ExtendedTestExpr) -> Compiled {
        match expression {
            ExtendedTestExpr::And(left, right) => self.junction(left, right, false),
            ExtendedTestExpr::Or(left, right) => self.junction(left, right, true),
            ExtendedTestExpr::Not(inner) => {
                self.condition(inner)?;
                self.push(Op::Negate);
                Ok(())
            }
            ExtendedTestExpr::Parenthesized(inner) => self.condition(inner),
            ExtendedTestExpr::UnaryTest(predicate, operand) => {
                self.word(&operand.value)?;
                self.push(Op::Condition(Condition::Unary(predicate.to_string())));
                Ok(())
            }
            ExtendedTestExpr::BinaryTest(predicate, left, right) => {
                self.word(&left.value)?;
                self.word(&right.value)?;
                self.push(Op::Condition(binary(predicate)?));
                Ok(())
            }
        }
    }

    /// `&&` goes on after success, `||` after failure.
    fn junction(&mut self, left: &ExtendedTestExpr, right: &ExtendedTestExpr, settled: bool) -> Compiled {
        self.condition(left)?;
        let skip = self.hole();
        self.condition(right)?;
        self.land(skip, |to| Op::JumpIf(settled, to));
        Ok(())
    }
}

fn binary(predicate: &BinaryPredicate) -> Result<Condition, Failure> {
    Ok(match predicate {
        BinaryPredicate::StringExactlyMatchesPattern => Condition::Matches { negated: false },
        BinaryPredicate::StringDoesNotExactlyMatchPattern => Condition::Matches { negated: true },
        BinaryPredicate::StringMatchesRegex | BinaryPredicate::StringContainsSubstring => {
            return Err(Failure::Unsupported("=~"));
        }
        other => Condition::Binary(other.to_string()),
    })
}
