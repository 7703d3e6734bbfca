//! What a placement is beside its name: of which issuer it is, which placements are parts of one
//! credential, who owns it, and what writes it. Pure.

pub mod issuer;
pub mod managed;
pub mod owner;

pub use issuer::{
    Clues, CredentialPart, Identified, Issuer, IssuerConfidence, IssuerEvidence, Sign,
};
