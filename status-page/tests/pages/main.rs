//! Twelve states of a page: their files beside the golden ones, and what holds for all.

#[cfg(test)]
mod feeds;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod html;
#[cfg(test)]
mod json;
#[cfg(test)]
mod made;
#[cfg(test)]
mod states;
#[cfg(test)]
mod typed;
