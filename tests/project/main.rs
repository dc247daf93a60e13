//! The files around the code: the template, the roles, the documents, and what the project is built with.

mod buttons;
mod documents;
mod layout;
mod least_privilege;
mod notices;
mod permissions;
mod supply_chain;
mod template;
