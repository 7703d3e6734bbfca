//! JSON schemas of the reports.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::assess::{
    CHECK_SCHEMA, COMPONENTS_SCHEMA, CheckReport, ComponentsReport, INVENTORY_SCHEMA,
    InventoryReport, Report, SCHEMA as EXPOSURE_SCHEMA,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Schema {
    Check,
    Exposure,
    Components,
    Inventory,
    #[cfg(feature = "rotate")]
    Doctor,
}

/// The schema that every report of this kind fulfils.
pub fn schema(kind: Schema) -> Value {
    // As it is written, not as it may be read: what is always there is required.
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let (name, schema) = match kind {
        Schema::Check => (CHECK_SCHEMA, generator.into_root_schema_for::<CheckReport>()),
        Schema::Exposure => (EXPOSURE_SCHEMA, generator.into_root_schema_for::<Report>()),
        Schema::Components => {
            (COMPONENTS_SCHEMA, generator.into_root_schema_for::<ComponentsReport>())
        }
        Schema::Inventory => {
            (INVENTORY_SCHEMA, generator.into_root_schema_for::<InventoryReport>())
        }
        #[cfg(feature = "rotate")]
        Schema::Doctor => {
            (super::DOCTOR_SCHEMA, generator.into_root_schema_for::<super::DoctorReport>())
        }
    };
    let mut schema = schema.to_value();
    schema["title"] = json!(name);
    schema["properties"]["schema"] = json!({ "const": name });
    schema
}
