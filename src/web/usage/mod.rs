//! Usage: what each credential sent in each month, as charts, tables and a file; and the monthly allowance.

mod allowance;
mod change;
mod chart;
mod export;
mod query;
mod show;

pub use change::set_allowance;
pub use export::export;
pub use show::show;

pub const HOME: &str = "/usage";
