//! A box office in memory, and long random histories of it: in memory, and on a real database under fire.

pub mod about;
pub mod ask;
pub mod book;
pub mod books;
pub mod crowd;
pub mod fire;
pub mod kill;
mod prices;
pub mod random;
pub mod simulate;
pub mod world;
