//! The gateways: who follows, what each enforces, and whose lease may still run.
//!
//! A gateway is written down before it is answered for the first time, so no lease runs that the store
//! does not know of. Later acknowledgements are told at once in this process and written in bulk.

mod entry;
mod figures;
mod heard;
mod look;
mod measure;
mod registry;
mod rule;
mod shown;
mod speaker;

pub use self::figures::{BOUNDS, GatewayFigure, GatewayFigures};
pub(crate) use self::heard::check;
pub use self::heard::{GatewayHeard, Line};
pub(crate) use self::look::Looks;
pub use self::look::Waiter;
pub use self::registry::HearError;
pub(crate) use self::registry::Registry;
pub use self::shown::{Enforcement, GatewayShown, GatewayState};
pub use self::speaker::Impostor;
