//! All tests that need more than one unit: one binary, because linking it is the slow part.

mod authorisation;
mod infra;
mod routes;
mod tidy;
