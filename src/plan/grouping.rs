//! Which placements are written together.

use crate::config::StoreUse;

/// Each unit as places in `stores`, in the order of their first.
pub(super) fn grouped(stores: &[&StoreUse], fields: &[String]) -> Vec<Vec<usize>> {
    let mut units: Vec<Vec<usize>> = Vec::new();
    for at in 0..stores.len() {
        let (mut joined, apart): (Vec<_>, Vec<_>) = units
            .into_iter()
            .partition(|unit| unit.iter().any(|o| belong(stores[*o], stores[at], fields)));
        joined.push(vec![at]);
        units = apart;
        let mut unit: Vec<usize> = joined.into_iter().flatten().collect();
        unit.sort_unstable();
        units.push(unit);
    }
    units.sort();
    units
}

/// Whether two placements are read together: by one consumer, or by one that nobody named, in one place.
fn belong(one: &StoreUse, other: &StoreUse, fields: &[String]) -> bool {
    if one.at.provider != other.at.provider {
        return false;
    }
    if one.consumers.iter().any(|consumer| other.consumers.contains(consumer)) {
        return true;
    }
    let partial = |store: &StoreUse| {
        let taken = store.shape.fields();
        fields.iter().any(|field| !taken.contains(field))
    };
    let unnamed = one.consumers.is_empty() || other.consumers.is_empty();
    unnamed && partial(one) && partial(other) && scope(one) == scope(other)
}

/// `.env` of `.env#TOKEN`, `acme/site/actions` of `acme/site/actions/TOKEN`.
fn scope(store: &StoreUse) -> &str {
    let at = store.at.placement.as_str();
    at.rsplit_once('#').or_else(|| at.rsplit_once('/')).map_or("", |(scope, _)| scope)
}
