//! A function's run on Lambda, as the benchmark measured it.

use subject::Subject;

use crate::stack::Stack;

/// What a run computes on the share of a processor that its memory buys, in microseconds.
pub fn computes_on_lambda_us(function: &Subject, stack: &Stack) -> u64 {
    /// With so much memory a function has one processor (AWS Lambda developer guide, "Configure Lambda function
    /// memory").
    const MB_A_PROCESSOR: u64 = 1_769;
    function.run.computes_us * MB_A_PROCESSOR / u64::from(stack.function(function).memory_mb).max(1)
}
