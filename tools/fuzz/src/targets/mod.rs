//! What is fed: one file a family.

pub mod aws_answer;
pub mod evidence;
pub mod ledger_item;
pub mod log_line;
pub mod message;
pub mod request;
pub mod settings;
pub mod state_machine_input;
pub mod task_definition;
pub mod text;
pub mod trigger;
pub mod web_answer;
