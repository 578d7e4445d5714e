//! The promises of this room, tried on real files.

mod disk;
mod glue;
mod hot;
mod load;
mod relations;
mod scan;
mod seal;
