//! Where to go on with what was created: what the answer names is what stands in these paths.

use utoipa::openapi::RefOr;
use utoipa::openapi::link::Link;
use utoipa::openapi::path::{PathItem, Paths};

use super::operations;

/// A path below a collection, the name of the id in it, and its operations.
struct Step {
    path: String,
    id: String,
    operation: String,
}

/// Links each `201` to what can be done with the new thing.
pub fn add(paths: &mut Paths) {
    let steps: Vec<Step> = paths.paths.iter_mut().flat_map(|(path, item)| steps(path, item)).collect();
    for (path, item) in &mut paths.paths {
        let below =
            |step: &&Step| step.path.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with("/{"));
        let Some(operation) = &mut item.post else { continue };
        let Some(RefOr::T(created)) = operation.responses.responses.get_mut("201") else { continue };
        for step in steps.iter().filter(below) {
            let link = Link::builder().operation_id(&step.operation).parameter(&step.id, step.found_at());
            created.links.insert(step.operation.clone(), RefOr::T(link.build()));
        }
    }
}

impl Step {
    /// Things have an `id`; domains go by their name.
    fn found_at(&self) -> &'static str {
        if self.id == "domain" { "$response.body#/domain" } else { "$response.body#/id" }
    }
}

fn steps(path: &str, item: &mut PathItem) -> Vec<Step> {
    let ids: Vec<&str> =
        path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    let [_, id] = ids[..] else { return Vec::new() };
    let step = |operation| Step { path: path.to_owned(), id: id.to_owned(), operation };
    operations(item).filter_map(|(_, operation)| operation.operation_id.clone()).map(step).collect()
}
