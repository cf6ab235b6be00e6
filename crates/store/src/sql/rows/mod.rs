//! Domain types and rows, each turned into the other. What does not parse is an error.

mod catalog;
mod grants;
mod log;
mod people;

pub use catalog::{named_in_project, tag_rows};
pub use grants::status_name;

/// Lets a type whose rows refer to nothing be read row by row.
macro_rules! stored_alone {
    ($($type:ty = $table:ident),+ $(,)?) => {$(
        impl Stored for $type {
            type Entity = $table::Entity;

            async fn load(_: &SqlTransaction, rows: Vec<$table::Model>) -> Result<Vec<Self>> {
                rows.into_iter().map($table::Model::read).collect()
            }
        }
    )+};
}
pub(in crate::sql) use stored_alone;
