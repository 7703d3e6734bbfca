//! stub
use std::{ops::Range, sync::Arc};
use crate::ci::model::Certainty;
#[derive(Debug)]
pub enum Part { Text(Range<usize>), Expression { range: Range<usize>, body: Range<usize> } }
pub fn split(_t: &str) -> Vec<Part> { Vec::new() }
#[derive(Debug)]
pub enum Reference { Secret(String), WholeSecrets, DynamicSecret { index: String }, GithubToken, Env(String), WholeEnv, Input(String), WholeInputs, Vars(String), Matrix(Vec<String>), StepOutput { step: String, output: String }, WholeSteps, NeedsOutput { job: String, output: String }, ActionPath, Other }
#[derive(Debug)]
pub struct Found { pub reference: Reference, pub certainty: Certainty, pub in_value: bool }
pub fn references(_b: &str) -> Vec<Found> { Vec::new() }
pub fn values(_b: &str, _l: &dyn Fn(&Reference) -> Vec<Arc<str>>) -> Vec<Arc<str>> { Vec::new() }
