//! One file per verb: arguments → settings → stages → report.
