//! How deliveries go on their way, fail, and are tried again.

use super::*;
