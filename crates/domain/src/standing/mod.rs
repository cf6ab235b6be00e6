//! The standing: all that is known of one (API, instance, app).

mod command;
mod decide;
mod event;
mod evolve;
mod follow;
mod guards;
mod relationship;
mod settle;
mod state;

pub use crate::grant::{Cut, CutCause, Grant, Key, Term};
pub use command::{Choice, Command, Facts};
pub use decide::decide;
pub use event::Event;
pub use evolve::evolve;
pub use follow::{Shutdown, follow};
pub use relationship::Relationship;
pub use settle::settle;
pub use state::Standing;
